# SPDX-License-Identifier: BSD-3-Clause
"""One training step and one forward pass, with the compiled kernels."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ...networks import Architecture
from .._batches import Batch
from .._cores import splits_pay
from ._blocks import from_blocks
from ._kernels import LANES
from ._network import (
    Inputs,
    Network,
    forward,
    forward_few,
)
from ._trainer import SHARD_WORK, Trainer

PART = 16 * LANES  # sequences in one call of the kernels, at the most
_FEW = LANES // 2  # sequences that are sooner done one by one than in a block


@contextlib.contextmanager
def borrow_map(n_threads: int):
    """Lend a ``map`` over so many threads."""
    if n_threads == 1:
        yield map
        return
    with ThreadPoolExecutor(n_threads) as pool:

        def split(function, *parts):
            return (pool.map if splits_pay() else map)(function, *parts)

        yield split


@contextlib.contextmanager
def borrow(architecture: Architecture, n_threads: int = 1):
    """Lend an engine, and the threads it splits its work over."""
    with borrow_map(n_threads) as mapped:
        yield NativeEngine(architecture, mapped, n_threads)


class NativeEngine:
    """The same as KerasEngine, without Keras: nothing to trace and nothing to pool.

    The result does not depend on the number of threads behind ``map``.
    """

    def __init__(self, architecture: Architecture, map, n_threads: int = 1):
        self._network, self._l2 = Network.of(architecture), architecture.l2
        self._map, self._n_threads = map, n_threads
        self._n_encoder = len(self._network.encoder.shapes)

    def load_weights(self, weights):
        self._weights, self._trainer = weights, None

    def weights(self) -> list[np.ndarray]:
        return self._weights if self._trainer is None else self._trainer.weights

    def start_training(
        self,
        *,
        loss,
        learning_rate,
        global_clipnorm=None,
        optimizer_state=None,
        **_,
    ):
        """The other options are for engines that compile for them."""
        self._trainer = Trainer(
            self._network,
            self._weights,
            loss=loss,
            learning_rate=learning_rate,
            global_clipnorm=global_clipnorm,
            l2=self._l2,
            map=self._map,
            state=optimizer_state,
        )

    def optimizer_state(self) -> list[np.ndarray]:
        return self._trainer.state

    def train_batch(self, batch: Batch) -> float:
        """One step of the optimiser; the loss before it."""
        return self._trainer.train_on_batch(batch)

    def reconstruct(self, batch: Batch) -> np.ndarray:
        return self._forward(self._network, self.weights(), batch)

    def encode(self, batch: Batch) -> np.ndarray:
        """The final state of the encoder, or of a network without one."""
        weights = self.weights()[: self._n_encoder]
        return self._forward(self._network.encoder, weights, batch)[:, 0]

    def decode(self, latent, steps, context=None) -> np.ndarray:
        weights = self.weights()[self._n_encoder :]
        latent = latent[:, np.newaxis]
        if context is not None:
            shape = *steps.shape, latent.shape[2]
            latent = np.concatenate([np.broadcast_to(latent, shape), context], axis=2)
        return self._forward(
            self._network.decoder, weights, Batch(latent, steps, latent)
        )

    def _forward(self, network, weights, batch):
        if len(batch.steps) <= _FEW:
            return forward_few(network, weights, batch)

        def output_of(part):
            y, _ = forward(network, weights, Inputs.of(part))
            return from_blocks(y, len(part.steps))

        size = self._part_size(network, *batch.steps.shape)
        starts = range(0, len(batch.steps), size)
        if len(starts) == 1:
            return output_of(batch)
        parts = (batch.take(slice(k, k + size)) for k in starts)
        return np.concatenate(list(self._map(output_of, parts)))

    def _part_size(self, network, n, n_timesteps):
        """Sequences for one thread: whole blocks, none of which knows of the others."""
        work = 2.0 * network.n_weights * n_timesteps * n
        n_parts = max(min(self._n_threads, int(work / SHARD_WORK)), 1)
        return min(-(-n // (n_parts * LANES)) * LANES, PART)

    def progress_bar(self, n_batches):
        return _Line(n_batches)


class _Line:
    """Prints the mean loss at the end of an epoch."""

    def __init__(self, n_batches):
        self._n_batches, self._total = n_batches, 0.0

    def update(self, n_done, values):
        self._total += dict(values)["loss"]
        if n_done == self._n_batches:
            print(f"{n_done}/{n_done} - loss: {self._total / n_done:.4f}")
