# SPDX-License-Identifier: BSD-3-Clause
"""The linear path beside a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._product import product


@dataclass(frozen=True)
class LinearPath:
    """The linear reconstruction of a sequence: what differs from ``center``, mixed.

    A missing cell stands at the center, and so adds nothing. Before the first observed
    step, and after the last, stands that step: were it the center, the first windows of
    a series would look as if it had jumped.

    The network beside it sees each sequence without its level, which may drift to where
    a cell saturates, and reconstructs what is left over in units of ``scale``.

    ``center`` and ``scale`` are of shape (n_features,), ``matrix`` of shape (n_cells,
    n_cells), where ``n_cells = n_timesteps * n_features``.
    """

    center: np.ndarray
    matrix: np.ndarray
    scale: np.ndarray

    def reconstruct(self, batch):
        """The linear reconstruction, of shape (n, n_timesteps, n_features)."""
        sequences = batch.inputs[:, :, : len(self.center)]
        deviations = _hold(sequences, batch.steps) - self.center
        deviations = deviations.reshape(len(sequences), -1)
        mixed = product(deviations, self.matrix)
        return mixed.reshape(sequences.shape) + self.center

    def inputs(self, batch):
        """What the network beside it sees: each feature less its mean in a sequence."""
        sequences = batch.inputs[:, :, : len(self.center)]
        steps = batch.steps[:, :, np.newaxis]
        # One way with and without padding: no last bit hangs on the other sequences.
        count = np.maximum(steps.sum(axis=1, keepdims=True), 1, dtype=np.float32)
        level = np.where(steps, sequences, 0).sum(axis=1, keepdims=True) / count
        told = batch.inputs[:, :, len(self.center) :]
        if not told.size:
            return sequences - level
        return np.concatenate([sequences - level, told], axis=2)

    def left_over(self, batch):
        """The batch as the network beside it is trained on it."""
        targets = (batch.targets - self.reconstruct(batch)) / self.scale
        return batch._replace(inputs=self.inputs(batch), targets=targets)


def _hold(sequences, steps):
    """Put the first observed step before it, and the last one after it."""
    if steps.all():
        return sequences
    n_timesteps = steps.shape[1]
    first = np.argmax(steps, axis=1)[:, np.newaxis]
    last = n_timesteps - 1 - np.argmax(steps[:, ::-1], axis=1)[:, np.newaxis]
    held = np.clip(np.arange(n_timesteps), first, last)
    return np.take_along_axis(sequences, held[:, :, np.newaxis], axis=1)


def fit_linear_path(X, preparation, noise) -> LinearPath:
    """The best linear reconstruction of a sequence from its cells with noise.

    The Wiener filter: of each principal component it keeps the share ``v / (v + s**2)``
    of its variance v, where s is ``noise`` in units of the spread of a cell.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_timesteps, n_features) or Windows
    preparation : Preparation
    noise : float
    """
    n_cells = X.shape[1] * X.shape[2]
    center = preparation.fill
    covariance, mean = np.zeros((n_cells, n_cells)), np.zeros(n_cells)
    for _, batch in preparation.chunks(X):
        cells = _hold(batch.inputs[:, :, : X.shape[2]], batch.steps) - center
        cells = cells.reshape(-1, n_cells)
        mean += cells.sum(axis=0, dtype=np.float64) / len(X)
        covariance += cells.T.astype(np.float64) @ cells / len(X)
    covariance -= np.outer(mean, mean)
    spread = np.trace(covariance) / n_cells
    damped = covariance + noise**2 * (spread or 1) * np.eye(n_cells)
    matrix = np.linalg.solve(damped, covariance)
    scale = _spread_left_over(covariance + np.outer(mean, mean), matrix, len(center))
    # What a constant feature leaves over is rounding.
    scale[scale <= np.finfo(np.float32).eps * np.abs(center)] = 1
    return LinearPath(center, *(a.astype(np.float32) for a in (matrix, scale)))


def _spread_left_over(moments, matrix, n_features):
    """Root mean square of what the path leaves over of each feature."""
    rest = np.eye(len(matrix)) - matrix
    variances = np.einsum("ij,ij->j", rest, moments @ rest)
    return np.sqrt(np.maximum(variances.reshape(-1, n_features).mean(axis=0), 0))
