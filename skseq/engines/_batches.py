# SPDX-License-Identifier: BSD-3-Clause
"""Mini-batches, and what is missing in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .._validation import is_windows, observed_steps
from ._cores import heed_the_main_thread
from ._line import Line
from ._linear import LinearPath

CHUNK = 1024  # sequences in one forward pass, at the most
# What Keras has a graph for: tracing one takes a second, a few sequences too many none.
FORWARD_SIZES = (64, 256, CHUNK)
# Cells of the sequences in one forward pass, and the fewest of these: what is computed
# of them is many times as large.
_CHUNK_CELLS, _SMALLEST_CHUNK = 2**22, 32
_MAX_CODES = 2**24  # numbers that are kept of all sequences while training: 64 MiB
_ROWS = 16_384  # of a table, in one step of a walk through it


class Batch(NamedTuple):
    """What an engine needs of some sequences.

    ``inputs`` (n, n_timesteps, n_inputs) has no NaN, ``steps`` (n, n_timesteps) is
    False where a step is padding, and ``targets``, of the shape of the network's output
    (n, n_timesteps or 1, n_outputs), is NaN where a cell is not observed. ``weights``
    (n,) multiply the losses of the sequences. ``dropout`` holds, for each recurrent
    layer, factors of its output (n, n_timesteps or 1, n_units): drawn here, so that all
    engines drop the same. ``levels`` (n, 1, n_levels) are further inputs, the same at
    each step, and ``offsets`` (n, 1, n_outputs) are added to what comes before the
    activation of the output.
    """

    inputs: np.ndarray
    steps: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None = None
    dropout: tuple[np.ndarray, ...] = ()
    levels: np.ndarray | None = None
    offsets: np.ndarray | None = None

    def take(self, rows) -> Batch:
        """The same of some sequences."""
        inputs = self.inputs[rows]
        return Batch(
            inputs,
            self.steps[rows],
            inputs if self.targets is self.inputs else self.targets[rows],
            None if self.weights is None else self.weights[rows],
            tuple(factors[rows] for factors in self.dropout),
            None if self.levels is None else self.levels[rows],
            None if self.offsets is None else self.offsets[rows],
        )

    @property
    def all_inputs(self) -> np.ndarray:
        """The inputs of each step, the levels among them."""
        if self.levels is None:
            return self.inputs
        shape = *self.inputs.shape[:2], self.levels.shape[2]
        levels = np.broadcast_to(self.levels, shape)
        return np.concatenate([self.inputs, levels], axis=2)


@dataclass(frozen=True)
class Preparation:
    """How the cells of a sequence become inputs of a network.

    ``fill`` (n_features,) stands for what is missing; ``indicator`` tells whether the
    network is told where that was. Beside a linear ``path`` the batches are what this
    leaves over for the network. Where ``is_context`` (n_features,) is there, the
    features that it marks come after the others, and are in no target.
    """

    fill: np.ndarray
    indicator: bool = False
    path: LinearPath | Line | None = None
    is_context: np.ndarray | None = None

    def batch(self, X, rows, targets=None, weights=None, codes=None) -> Batch:
        """Gather sequences; without ``targets``, these are their own.

        ``codes`` are those of :meth:`codes`, which need not be computed again then.
        """
        values = np.require(X[rows], np.float32, "CA")
        inputs, missing = values, np.isnan(values)
        steps = np.ones(values.shape[:2], dtype=bool)
        # Few have any, and of wide windows each look at all cells weighs.
        some = missing.any(axis=(1, 2))
        if some.any():
            inputs = values.copy()
            inputs[some] = np.where(missing[some], self.fill, values[some])
            steps[some] = observed_steps(values[some])
        own = values
        if self.is_context is not None:
            order = np.argsort(self.is_context, kind="stable")
            inputs, missing = (np.take(a, order, axis=2) for a in (inputs, missing))
            own = np.compress(~self.is_context, values, axis=2)
        if self.indicator:
            inputs = np.concatenate([inputs, missing.astype(np.float32)], axis=2)
        batch = Batch(
            inputs,
            steps,
            own if targets is None else targets[rows],
            None if weights is None else weights[rows].astype(np.float32),
        )
        if self.path is None:
            return batch
        return self.path.residual(batch, None if codes is None else codes[rows])

    def codes(self, X) -> np.ndarray | None:
        """What the path keeps of each sequence, unless it would be too much memory."""
        if self.path is None or len(X) * self.path.n_codes > _MAX_CODES:
            return None
        chunks = replace(self, path=None).chunks(X)
        return np.concatenate([self.path.codes(batch) for _, batch in chunks])

    def chunks(self, X, *of_sequences) -> Iterator[tuple[slice, Batch]]:
        """Walk through all sequences, a bounded number at a time.

        ``of_sequences`` are what ``batch`` takes after the rows.
        """
        size = n_at_once(X)
        for start in range(0, len(X), size):
            heed_the_main_thread()
            rows = slice(start, min(start + size, len(X)))
            yield rows, self.batch(X, rows, *of_sequences)


def n_at_once(X) -> int:
    """Sequences that are prepared at a time, by the number of their cells."""
    n_cells = X.shape[1] * X.shape[2]
    return max(min(CHUNK, _CHUNK_CELLS // n_cells), _SMALLEST_CHUNK)


def add_noise(batch: Batch, n_features, scale, rng) -> Batch:
    """Add normal noise to the features, not to what tells where one is missing."""
    inputs = batch.inputs.copy()
    inputs[:, :, :n_features] += rng.normal(
        scale=scale, size=(*inputs.shape[:2], n_features)
    )
    return batch._replace(inputs=inputs)


def draw_dropout(batch: Batch, layers, rate, rng) -> Batch:
    """Draw what of the outputs of each recurrent layer is dropped."""
    n, n_timesteps = batch.steps.shape
    factors = []
    for layer in layers:
        shape = n, n_timesteps if layer.return_sequences else 1, layer.n_outputs
        kept = rng.random_sample(shape) >= rate
        factors.append(kept.astype(np.float32) / np.float32(1 - rate))
    return batch._replace(dropout=tuple(factors))


def pad_batch(batch: Batch, size: int) -> Batch:
    """Add stand-ins up to a size, of which no cell is observed.

    Batches of one size keep an engine that compiles for a shape from doing so again.
    """
    missing = size - len(batch.steps)
    if missing <= 0:
        return batch
    width = (0, missing), (0, 0), (0, 0)
    return Batch(
        np.pad(batch.inputs, width),
        np.pad(batch.steps, width[:2], constant_values=True),
        np.pad(batch.targets, width, constant_values=np.nan),
        None if batch.weights is None else np.pad(batch.weights, width[0]),
        tuple(np.pad(factors, width) for factors in batch.dropout),
        None if batch.levels is None else np.pad(batch.levels, width),
        None if batch.offsets is None else np.pad(batch.offsets, width),
    )


def has_padding(X) -> bool:
    """Tell whether any sequence is padded."""
    if is_windows(X):
        if (X.ends - X.starts).min() < X.shape[1] - 1:
            return True
        return any(np.isnan(rows).all(axis=1).any() for rows in _pieces(X.table))
    return not observed_steps(X).all()


def feature_means(X) -> np.ndarray:
    """Mean of each feature over the observed cells, 0 where there is none.

    A row of :class:`Windows` counts as often as windows hold it, as in their array.
    """
    total, count = np.zeros((2, X.shape[2]))
    for table, times in _rows_and_times(X):
        observed = ~np.isnan(table)
        total += times @ np.where(observed, table, 0)
        count += times @ observed
    return (total / np.maximum(count, 1)).astype(np.float32)


def _rows_and_times(X):
    """Yield rows, a bounded number at a time, and how often each stands in ``X``."""
    if not is_windows(X):
        for rows in _pieces(X.reshape(-1, X.shape[2])):
            yield rows, np.ones(len(rows))
        return
    rows, times = X.rows(return_counts=True)
    for start in range(0, len(rows), _ROWS):  # a table may be larger than memory
        part = slice(start, start + _ROWS)
        cells = X.table[rows[part]].astype(np.float32)  # as in a batch
        yield cells, times[part].astype(np.float64)


def _pieces(rows):
    return (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS))


def position_means(X, weights=None) -> np.ndarray:
    """Mean of each cell of a sequence over the sequences in which it is observed.

    By their ``weights`` (n_samples,), where these are given.
    """
    total = np.zeros(X.shape[1:])
    count = np.zeros(X.shape[1:])
    for _, batch in Preparation(np.float32(0)).chunks(X, None, weights):
        observed, cells = ~np.isnan(batch.targets), batch.targets
        if weights is not None:
            share = batch.weights[:, np.newaxis, np.newaxis]
            observed, cells = observed * share, cells * share
        total += np.sum(cells, axis=0, where=observed > 0, dtype=np.float64)
        count += observed.sum(axis=0)
    return total / np.where(count > 0, count, 1)
