# SPDX-License-Identifier: BSD-3-Clause
"""What an engine can do: arrays in, arrays out."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ._batches import Batch


class Engine(Protocol):
    """One network at a time, its weights and the state of its optimiser."""

    def load_weights(self, weights: list[np.ndarray]) -> None:
        """Take weights in the order of ``Architecture.weight_shapes``."""

    def weights(self) -> list[np.ndarray]:
        """The weights as they are now; training does not write into these arrays."""

    def start_training(
        self,
        *,
        loss: str,
        masked: bool,
        dropout: bool,
        batch_size: int,
        learning_rate: float,
        global_clipnorm: float | None,
        optimizer_state: list[np.ndarray] | None,
    ) -> None:
        """Set up Adam, and what the batches of ``train_batch`` come with.

        An engine that compiles does so for whether any is ``masked`` by padding, for
        ``dropout`` factors, and for one ``batch_size``.
        """

    def train_batch(self, batch: Batch) -> float:
        """One step of the optimiser; the loss before it."""

    def optimizer_state(self) -> list[np.ndarray]:
        """Adam's step count, then the first and the second moment of each weight."""

    def reconstruct(self, batch: Batch) -> np.ndarray:
        """The output (n, n_timesteps or 1, n_outputs)."""

    def encode(self, batch: Batch) -> np.ndarray:
        """The final state of the encoder (n, latent_size)."""

    def decode(
        self, latent: np.ndarray, steps: np.ndarray, context: np.ndarray | None = None
    ) -> np.ndarray:
        """From latent vectors to (n, n_timesteps, n_features).

        ``context`` (n, n_timesteps, n_context) is what the decoder sees beside them.
        """
