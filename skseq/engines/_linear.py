# SPDX-License-Identifier: BSD-3-Clause
"""The linear path beside a network: a reconstruction of low rank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.utils.extmath import randomized_svd

from ._product import product

# Standard deviation of the noise of which the filter clears a cell, in units of the
# spread of its feature. Between 0.3 and 1 the figures of bench_accuracy.py hardly move.
_NOISE = 0.5
_LEAST_GAIN = 0.05  # a component of which less is kept only adds to the rounding
_MAX_WINDOWS = 20_000  # more do not move the components
_MAX_SAMPLE = 2**24  # cells of the windows that the path is fitted to: 64 MiB
# Up to so many cells of one window all components are computed exactly, and "auto"
# keeps all that count: 364 of 520 on Tennessee Eastman, which find 0.804 of the faults
# at 1% false alarms, and 64 find 0.789. Beyond, cost must not grow with their square.
_DENSE_CELLS, _MAX_COMPONENTS = 1_000, 64
# Two are enough where the variances fall off (Halko, Martinsson and Tropp, 2011); of
# those that do not, one axis is as good as another. Seven, scikit-learn's choice, take
# most of the time that a path costs.
_POWER_ITERATIONS = 2


@dataclass(frozen=True)
class LinearPath:
    """The linear reconstruction of a sequence from a code of few numbers.

    It sees each feature less its ``center``, in units of its ``spread``. A missing cell
    stands at the center, and so adds nothing. Before the first observed step, and after
    the last, stands that step: were it the center, the first windows of a series would
    look as if it had jumped.

    The network beside it sees each sequence less its level, which may drift to where a
    cell saturates; and the level through a tanh, which is bounded. It reconstructs what
    is left over, in units of ``scale``.

    Of the arrays ``center``, ``spread`` and ``scale`` are of shape (n_features,),
    ``components`` of (n_components, n_timesteps * n_features), and ``gains``, the share
    that is kept of each component, of (n_components,).
    """

    center: np.ndarray
    spread: np.ndarray
    components: np.ndarray
    gains: np.ndarray
    scale: np.ndarray

    @property
    def n_components(self) -> int:
        return len(self.gains)

    @cached_property
    def encoder(self) -> np.ndarray:
        """Matrix from the standardised cells to the code."""
        return np.ascontiguousarray((self.components * self.gains[:, np.newaxis]).T)

    def encode(self, batch) -> np.ndarray:
        """The code, of shape (n, n_components)."""
        held = _hold(batch.inputs[:, :, : len(self.center)], batch.steps)
        cells = (held - self.center) / self.spread
        return product(cells.reshape(len(cells), -1), self.encoder)

    def decode(self, code) -> np.ndarray:
        """The reconstruction, of shape (n, n_timesteps, n_features)."""
        cells = product(code, self.components)
        return (
            cells.reshape(len(code), -1, len(self.center)) * self.spread + self.center
        )

    def reconstruct(self, batch) -> np.ndarray:
        return self.decode(self.encode(batch))

    def inputs(self, batch) -> np.ndarray:
        """What the network beside it sees, of shape (n, n_timesteps, n_inputs)."""
        n_features = len(self.center)
        cells = (batch.inputs[:, :, :n_features] - self.center) / self.spread
        steps = batch.steps[:, :, np.newaxis]
        # One way with and without padding: no last bit hangs on the other sequences.
        count = np.maximum(steps.sum(axis=1, keepdims=True), 1, dtype=np.float32)
        level = np.where(steps, cells, 0).sum(axis=1, keepdims=True) / count
        n, n_timesteps, n_inputs = batch.inputs.shape
        out = np.empty((n, n_timesteps, n_features + n_inputs), np.float32)
        np.subtract(cells, level, out=out[:, :, :n_features])
        out[:, :, n_features : 2 * n_features] = np.tanh(level)
        out[:, :, 2 * n_features :] = batch.inputs[:, :, n_features:]  # the indicator
        return out

    def residual(self, batch):
        """The batch as the network beside it is trained on it."""
        targets = (batch.targets - self.reconstruct(batch)) / self.scale
        return batch._replace(inputs=self.inputs(batch), targets=targets)


def _hold(sequences, steps):
    """Put the first observed step before it, and the last one after it."""
    padded = ~steps.all(axis=1)
    if not padded.any():
        return sequences
    held = sequences.copy()
    held[padded] = _held_over(sequences[padded], steps[padded])
    return held


def _held_over(sequences, steps):
    n_timesteps = steps.shape[1]
    first = np.argmax(steps, axis=1)[:, np.newaxis]
    last = n_timesteps - 1 - np.argmax(steps[:, ::-1], axis=1)[:, np.newaxis]
    places = np.clip(np.arange(n_timesteps), first, last)
    return np.take_along_axis(sequences, places[:, :, np.newaxis], axis=1)


def fit_linear_path(X, preparation, n_components="auto") -> LinearPath:
    """The best linear reconstruction of a sequence from its cells with noise.

    The Wiener filter: of each principal component of the standardised cells it keeps
    the share ``v / (v + s**2)`` of its variance v, where s is 0.5 in units of the
    spread of a cell.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_timesteps, n_features) or Windows
        Of many, those at even distances are taken.

    preparation : Preparation
        Its ``fill`` is the center.

    n_components : int or "auto", default="auto"
        "auto" for those of which more than 5% is kept, one at least, and 64 at the most
        of windows of more than 1,000 cells.
    """
    center = preparation.fill
    cells = _sample(X, preparation) - center
    spread = np.sqrt(np.mean(np.square(cells, dtype=np.float64), axis=(0, 1)))
    # What a constant feature differs by is rounding.
    constant = spread <= np.finfo(np.float32).eps * np.abs(center)
    spread = np.where(constant, 1, spread).astype(np.float32)
    n_samples = len(cells)
    flat = (cells / spread).reshape(n_samples, -1)
    most = _MAX_COMPONENTS if n_components == "auto" else n_components
    axes, variances, total = _principal_axes(flat, most)
    noise = _NOISE**2 * (total / flat.shape[1] or 1)
    gains = variances / (variances + noise)
    if n_components == "auto":
        # One at least: of a constant table none is kept, and no code is no array.
        n_kept = np.count_nonzero(gains > _LEAST_GAIN)
        n_components = max(n_kept, 1)
    axes, gains = (
        np.ascontiguousarray(a[:n_components], dtype=np.float32) for a in (axes, gains)
    )
    residual = flat - (flat @ axes.T * gains) @ axes
    residual = np.square(residual, out=residual).reshape(n_samples, -1, len(center))
    scale = np.sqrt(residual.mean(axis=(0, 1), dtype=np.float64)) * spread
    scale = np.where(constant | (scale == 0), spread, scale).astype(np.float32)
    return LinearPath(center, spread, axes, gains, scale)


def _sample(X, preparation):
    """Sequences at even distances, such that their cells take a bounded memory."""
    n_cells = X.shape[1] * X.shape[2]
    most = max(min(_MAX_WINDOWS, _MAX_SAMPLE // n_cells), 2)
    X = X[:: -(-len(X) // most)]
    out = np.empty(X.shape, dtype=np.float32)
    for rows, batch in preparation.chunks(X):
        out[rows] = _hold(batch.inputs[:, :, : X.shape[2]], batch.steps)
    return out


def _principal_axes(flat, n_components):
    """Axes by falling variance, their variances, and the variance of all axes."""
    n_samples, n_cells = flat.shape
    mean = flat.mean(axis=0, dtype=np.float64)
    if n_cells <= _DENSE_CELLS:
        covariance = flat.T.astype(np.float64) @ flat / n_samples
        covariance -= np.outer(mean, mean)
        variances, axes = np.linalg.eigh(covariance)
        variances, axes = variances[::-1], axes.T[::-1]
        total = np.trace(covariance)
    else:
        flat = flat - mean.astype(np.float32)
        n_components = min(n_components, *flat.shape)
        _, values, axes = randomized_svd(
            flat, n_components, n_iter=_POWER_ITERATIONS, random_state=0
        )
        variances = np.square(values, dtype=np.float64) / n_samples
        total = np.square(flat, out=flat).sum(dtype=np.float64) / n_samples
    # The sign of an axis is arbitrary: its largest entry is made positive.
    largest = np.argmax(np.abs(axes), axis=1)[:, np.newaxis]
    axes = axes * np.sign(np.take_along_axis(axes, largest, axis=1))
    return axes, np.maximum(variances, 0), total
