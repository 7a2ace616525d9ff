# SPDX-License-Identifier: BSD-3-Clause
"""The linear model beside a network that gives one output for a sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._product import product


@dataclass(frozen=True)
class Line:
    """A linear function of all cells of a sequence, to which a network adds.

    The sum goes through the activation of the output, so of a classifier both are
    log-odds. A missing cell, and one of padding, stands at the mean of its feature.

    ``coef`` is of shape (n_timesteps, n_features, n_outputs), ``intercept`` of
    (n_outputs,), both in float32. Up to ``limit``, where there is one, the values are
    bent by a tanh: far from what was seen in training log-odds would grow until
    probabilities are all 1, and tell no order any more.
    """

    coef: np.ndarray
    intercept: np.ndarray
    limit: float | None = None

    @property
    def n_codes(self) -> int:
        """Numbers that it makes of a sequence."""
        return len(self.intercept)

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All that it is made of."""
        return self.coef, self.intercept

    def codes(self, batch) -> np.ndarray:
        """What it gives for each sequence, of shape (n, n_outputs)."""
        n_timesteps, n_features, n_outputs = self.coef.shape
        cells = batch.inputs[:, :, :n_features].reshape(len(batch.inputs), -1)
        values = product(cells, self.coef.reshape(-1, n_outputs)) + self.intercept
        if self.limit is None:
            return values
        limit = np.float32(self.limit)
        return np.tanh(values / limit) * limit

    def seen(self, batch):
        """The batch as the network beside it sees it."""
        return self.residual(batch)

    def residual(self, batch, codes=None):
        """The batch as the network beside it is trained on it; ``codes`` if known."""
        codes = self.codes(batch) if codes is None else codes
        return batch._replace(offsets=codes[:, np.newaxis])

    def completed(self, outputs, batch) -> np.ndarray:
        """What the network gives, which has added to the line already."""
        return outputs
