# SPDX-License-Identifier: BSD-3-Clause
"""The linear path beside a network: a reconstruction of low rank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.utils.extmath import randomized_svd

from ..rows._row_numbers import evenly_by_weight
from ._product import product

# Standard deviation of the noise of which the filter clears a cell, in units of the
# spread of its feature. Between 0.3 and 1 the figures of bench_accuracy.py hardly move.
_NOISE = 0.5
_LEAST_GAIN = 0.05  # a component of which less is kept only adds to the rounding
# And of the noise that keeps what a context explains from fitting its rare commands.
_CONTEXT_NOISE = 0.1
_MAX_WINDOWS = 20_000  # more do not move the components
_MAX_SAMPLE = 2**24  # cells of the windows that the path is fitted to: 64 MiB
# Up to so many cells of one window all components are computed exactly, and "auto"
# keeps all that count: 364 of 520 on Tennessee Eastman, which find 0.804 of the faults
# at 1% false alarms, and 64 find 0.789. Beyond, cost must not grow with their square:
# of 728 and 936 cells all find 0.804 and 0.808, and 64 find 0.794 and 0.805, for which
# they take a quarter of the time (ROC AUC 0.913 and 0.917, and 0.917 and 0.919).
_DENSE_CELLS, _MAX_COMPONENTS = 600, 64
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

    Of context features it takes what they explain from the others first, all of it, and
    gives it back at the end; the code is of what is left between. The network sees them
    through a tanh.

    Of the arrays ``scale`` is of shape (n_features,), ``center`` and ``spread`` of
    (n_features + n_context,), the context last, ``components`` of (n_components,
    n_timesteps * n_features), and ``gains``, the share that is kept of each component,
    of (n_components,). ``context_code``, of (n_timesteps * n_context, n_codes), times
    ``explained``, of (n_codes, n_timesteps * n_features), is what the context explains.
    """

    center: np.ndarray
    spread: np.ndarray
    components: np.ndarray
    gains: np.ndarray
    scale: np.ndarray
    context_code: np.ndarray | None = None
    explained: np.ndarray | None = None

    @property
    def n_components(self) -> int:
        return len(self.gains)

    @property
    def n_codes(self) -> int:
        """Numbers in the codes of a sequence, that of the context included."""
        if self.context_code is None:
            return self.n_components
        return self.n_components + self.context_code.shape[1]

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """What tells it from another of the same features."""
        return self.components, self.gains, self.scale

    @cached_property
    def encoder(self) -> np.ndarray:
        """Matrix from the standardised cells to the code."""
        return np.ascontiguousarray((self.components * self.gains[:, np.newaxis]).T)

    def _standardized(self, sequences):
        """Cells of the features, and of the context, less their center, by spread."""
        n_columns, n_features = len(self.center), len(self.scale)
        cells = sequences[:, :, :n_columns] - self.center
        cells /= self.spread  # in place: of wide windows each new array weighs
        return cells[:, :, :n_features], cells[:, :, n_features:]

    def _code_of(self, context):
        """The code of the standardised context, which tells what it explains."""
        return product(context.reshape(len(context), -1), self.context_code)

    def codes(self, batch) -> np.ndarray:
        """All that a reconstruction is made of: the code, then that of the context."""
        held = _hold(batch.inputs[:, :, : len(self.center)], batch.steps)
        cells, context = self._standardized(held)
        flat = cells.reshape(len(cells), -1)
        if self.context_code is None:
            return product(flat, self.encoder)
        of_context = self._code_of(context)
        flat = flat - product(of_context, self.explained)
        return np.hstack([product(flat, self.encoder), of_context])

    def _cells_from(self, codes):
        """The reconstruction in standardised cells."""
        code, n_linear = codes, self.n_components
        if self.context_code is not None:
            code = codes[:, :n_linear]
        cells = product(code, self.components)
        if self.context_code is not None:
            cells += product(codes[:, n_linear:], self.explained)
        return cells.reshape(len(code), -1, len(self.scale))

    def from_codes(self, codes) -> np.ndarray:
        """The reconstruction, of shape (n, n_timesteps, n_features)."""
        cells, n = self._cells_from(codes), len(self.scale)
        cells *= self.spread[:n]
        cells += self.center[:n]
        return cells

    def encode(self, batch) -> np.ndarray:
        """The code, of shape (n, n_components)."""
        return self.codes(batch)[:, : self.n_components]

    def decode(self, code, context=None) -> np.ndarray:
        """The reconstruction, of shape (n, n_timesteps, n_features)."""
        if self.context_code is not None:
            n = len(self.scale)
            context = (context - self.center[n:]) / self.spread[n:]
            code = np.hstack([code, self._code_of(context)])
        return self.from_codes(code)

    def reconstruct(self, batch) -> np.ndarray:
        return self.from_codes(self.codes(batch))

    def completed(self, outputs, batch) -> np.ndarray:
        """The reconstruction, with what the network gives of what this leaves over."""
        return outputs * self.scale + self.reconstruct(batch)

    def bounded_context(self, context) -> np.ndarray:
        """What the network beside it sees of a context."""
        n = len(self.scale)
        return np.tanh((context - self.center[n:]) / self.spread[n:])

    def seen(self, batch):
        """The batch as the network beside it sees it."""
        return self._seen(batch, *self._standardized(batch.inputs))

    def _seen(self, batch, cells, context):
        """The same of its standardised cells, which are overwritten."""
        steps = batch.steps[:, :, np.newaxis]
        # One way with and without padding: no last bit hangs on the other sequences.
        count = np.maximum(steps.sum(axis=1, keepdims=True), 1, dtype=np.float32)
        level = np.ascontiguousarray(cells).sum(axis=1, keepdims=True)
        padded = ~batch.steps.all(axis=1)
        if padded.any():
            observed = np.where(steps[padded], cells[padded], 0)
            level[padded] = observed.sum(axis=1, keepdims=True)
        level /= count
        cells -= level
        parts = [context] if context.shape[2] else []
        parts = [np.tanh(part, out=part) for part in parts]
        indicator = batch.inputs[:, :, len(self.center) :]
        parts += [indicator] if indicator.shape[2] else []
        if parts:
            cells = np.concatenate([cells, *parts], axis=2)
        return batch._replace(inputs=cells, levels=np.tanh(level))

    def residual(self, batch, codes=None):
        """The batch as the network beside it is trained on it; ``codes`` if known."""
        codes = self.codes(batch) if codes is None else codes
        cells, context = self._standardized(batch.inputs)
        targets = self._cells_from(codes)
        # In place: of wide windows each new array weighs.
        np.subtract(cells, targets, out=targets)
        targets *= self.spread[: len(self.scale)] / self.scale
        missing = np.isnan(batch.targets)
        some = missing.any(axis=(1, 2))
        if some.any():
            targets[some] = np.where(missing[some], np.nan, targets[some])
        return self._seen(batch, cells, context)._replace(targets=targets)


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


def fit_linear_path(X, preparation, n_components="auto", weights=None) -> LinearPath:
    """The best linear reconstruction of a sequence from its cells with noise.

    The Wiener filter: of each principal component of the standardised cells it keeps
    the share ``v / (v + s**2)`` of its variance v, where s is 0.5 in units of the
    spread of a cell. With a context these are the components of what it does not
    explain, by a regression on its own components.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_timesteps, n_features) or Windows
        Of many, those at even distances are taken.

    preparation : Preparation
        Its ``fill`` is the center, and its ``is_context`` tells the context.

    n_components : int or "auto", default="auto"
        "auto" for those of which more than 5% is kept, one at least, and 64 at the most
        of windows of more than 600 cells.

    weights : ndarray of shape (n_samples,), default=None
        How often each sequence is taken beside the others. None for all alike.
    """
    center, n_context = preparation.fill, 0
    if preparation.is_context is not None:
        center = center[np.argsort(preparation.is_context, kind="stable")]
        n_context = np.count_nonzero(preparation.is_context)
    cells, spread, constant = _standardized_sample(X, preparation, center, weights)
    n_samples, n_features = len(cells), len(center) - n_context
    flat, context = (
        part.reshape(n_samples, -1) for part in np.split(cells, [n_features], axis=2)
    )
    # All that varies counts, what the context explains too.
    noise = _NOISE**2 * (_total_variance(flat) / flat.shape[1] or 1)
    regression = ()
    if n_context:
        regression = _regression(context, flat)
        flat -= context @ regression[0] @ regression[1]
    axes, gains = _filter(flat, noise, n_components)
    residual = flat - (flat @ axes.T * gains) @ axes
    residual = np.square(residual, out=residual).reshape(n_samples, -1, n_features)
    own, constant = spread[:n_features], constant[:n_features]
    scale = np.sqrt(residual.mean(axis=(0, 1), dtype=np.float64)) * own
    scale = np.where(constant | (scale == 0), own, scale).astype(np.float32)
    return LinearPath(center, spread, axes, gains, scale, *regression)


def _standardized_sample(X, preparation, center, weights):
    """Cells of some sequences, the spread of each feature, and those without one."""
    cells = _sample(X, preparation, weights)
    cells -= center
    # Squared in buffers: in double precision the cells would take twice the memory.
    squares = np.einsum("ijk,ijk->k", cells, cells, dtype=np.float64)
    spread = np.sqrt(squares / (cells.shape[0] * cells.shape[1]))
    # What a constant feature differs by is rounding.
    constant = spread <= np.finfo(np.float32).eps * np.abs(center)
    spread = np.where(constant, 1, spread).astype(np.float32)
    cells /= spread
    return cells, spread, constant


def _filter(flat, noise, n_components):
    """Axes, and the share that is kept of each."""
    most = _MAX_COMPONENTS if n_components == "auto" else n_components
    axes, variances = _principal_axes(flat, most)
    gains = variances / (variances + noise)
    if n_components == "auto":
        # One at least: of a constant table none is kept, and no code is no array.
        n_kept = np.count_nonzero(gains > _LEAST_GAIN)
        n_components = max(n_kept, 1)
    return tuple(
        np.ascontiguousarray(a[:n_components], dtype=np.float32) for a in (axes, gains)
    )


def _regression(context, cells):
    """Matrices of which the product with the context is what it explains of the cells.

    Both are standardised.
    """
    axes, variances = _principal_axes(context, _MAX_COMPONENTS)
    scores = context @ axes.T.astype(np.float32)
    matrices = context_effects(axes, variances, scores.T @ cells / len(cells))
    return tuple(np.ascontiguousarray(a, dtype=np.float32) for a in matrices)


def context_effects(axes, variances, moments):
    """A regression on the components of a context that stand out of noise.

    Parameters
    ----------
    axes : ndarray of shape (n_components, n_context_cells)
        Principal axes of the standardised context, by falling variance.
    variances : ndarray of shape (n_components,)
    moments : ndarray of shape (n_components, n_cells)
        Second moments of the components and the cells that they explain.

    Returns
    -------
    code : ndarray of shape (n_context_cells, n_codes)
    effects : ndarray of shape (n_codes, n_cells)
        What the context explains is ``context @ code @ effects``.
    """
    gains = variances / (variances + _NOISE**2)
    n_kept = max(np.count_nonzero(gains > _LEAST_GAIN), 1)
    noisy = variances[:n_kept, np.newaxis] + _CONTEXT_NOISE**2
    return axes[:n_kept].T, moments[:n_kept] / noisy


def _sample(X, preparation, weights):
    """Sequences at even distances, such that their cells take a bounded memory."""
    n_cells = X.shape[1] * X.shape[2]
    most = max(min(_MAX_WINDOWS, _MAX_SAMPLE // n_cells), 2)
    if weights is None:
        X = X[:: -(-len(X) // most)]
    else:
        X = X[evenly_by_weight(weights, most)]
    out = np.empty(X.shape, dtype=np.float32)
    for rows, batch in preparation.chunks(X):
        out[rows] = _hold(batch.inputs[:, :, : X.shape[2]], batch.steps)
    return out


def _principal_axes(flat, n_components):
    """Axes by falling variance, and their variances."""
    n_samples, n_cells = flat.shape
    mean = flat.mean(axis=0, dtype=np.float64)
    if n_cells <= _DENSE_CELLS:
        covariance = flat.T.astype(np.float64) @ flat / n_samples
        covariance -= np.outer(mean, mean)
        variances, axes = np.linalg.eigh(covariance)
        variances, axes = variances[::-1], axes.T[::-1]
    else:
        flat = flat - mean.astype(np.float32)
        n_components = min(n_components, *flat.shape)
        _, values, axes = randomized_svd(
            flat, n_components, n_iter=_POWER_ITERATIONS, random_state=0
        )
        variances = np.square(values, dtype=np.float64) / n_samples
    # The sign of an axis is arbitrary: its largest entry is made positive.
    largest = np.argmax(np.abs(axes), axis=1)[:, np.newaxis]
    axes = axes * np.sign(np.take_along_axis(axes, largest, axis=1))
    return axes, np.maximum(variances, 0)


def _total_variance(flat):
    squares = np.einsum("ij,ij->", flat, flat, dtype=np.float64) / len(flat)
    return max(squares - np.square(flat.mean(axis=0, dtype=np.float64)).sum(), 0)
