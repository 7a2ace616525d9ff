# SPDX-License-Identifier: BSD-3-Clause
"""Rows of labels and scores, series after series, and the runs in them."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from .._validation import (
    is_temporal,
    named_errors,
)
from .._warnings import warn
from ._series import group_order


def event_labels(y, name="y"):
    """Labels as an array of 0 and 1, or a ValueError that tells the convention."""
    with named_errors(name):
        y = column_or_1d(y)
        labels = np.unique(y)
        are_flags = np.isin(labels, [0, 1]).all()
    if not len(y):
        raise ValueError(f"{name} is empty: there is nothing to measure.")
    if not are_flags:
        raise ValueError(
            f"{name} must be 1 (or True) for events and 0 (or False) for the rest. Got "
            f"the labels {labels.tolist()} instead. For an outlier detector's own "
            f"labels, -1 for outliers, pass {name} == -1."
        )
    return y.astype(int)


def event_scores(y_score):
    """Scores as a 1-D array of floats, NaN for rows that were not judged."""
    with named_errors("y_score"):
        return check_array(
            column_or_1d(y_score),
            ensure_2d=False,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            input_name="y_score",
        )


def judged_rows(score, name="y_score"):
    """Flag the rows that have a score, with a warning that counts the others."""
    judged = ~np.isnan(score)
    n_rest = len(judged) - np.count_nonzero(judged)
    if n_rest == len(judged):
        raise ValueError(f"No row was judged: every {name} is NaN.")
    if n_rest:
        warn(
            f"{n_rest} of {len(judged)} rows were not judged: their {name} is NaN. "
            "They are left out.",
        )
    return judged


class Runs(NamedTuple):
    """Rows ``starts[i]`` to ``stops[i]``, the last one excluded, of each run."""

    starts: np.ndarray
    stops: np.ndarray

    def __len__(self):
        return len(self.starts)

    def count(self, flags):
        """Number of flagged rows in each run."""
        return self.total(np.asarray(flags, dtype=np.intp))

    def total(self, values):
        """Sum of the values of each run."""
        if not len(self):
            return np.zeros(0, dtype=np.asarray(values).dtype)
        bounds = np.column_stack([self.starts, self.stops]).ravel()
        return np.add.reduceat(np.append(values, 0), bounds)[::2]


class OrderedRows(NamedTuple):
    """Rows with those of each series together."""

    order: np.ndarray
    series_starts: np.ndarray

    @property
    def n_rows(self):
        return len(self.order)

    def runs(self, flags):
        """Runs of flagged rows, given in this order; a run ends with its series."""
        first = np.zeros(self.n_rows + 1, dtype=bool)
        first[self.series_starts] = first[-1] = True
        begins = flags & (first[:-1] | ~np.append(False, flags[:-1]))
        ends = flags & (first[1:] | ~np.append(flags[1:], False))
        return Runs(np.flatnonzero(begins), np.flatnonzero(ends) + 1)

    def keep(self, kept):
        """Some of the rows, flagged in this order."""
        series = self.series_of(np.flatnonzero(kept))
        starts = np.flatnonzero(np.diff(series, prepend=-1))
        return OrderedRows(self.order[kept], starts)

    def series_of(self, rows):
        return np.searchsorted(self.series_starts, rows, side="right") - 1

    def series_bounds(self, rows):
        """First row of the series of some rows, and the row after its last."""
        series = self.series_of(rows)
        bounds = np.append(self.series_starts, self.n_rows)
        return bounds[series], bounds[series + 1]


def check_rows(y_true, y, groups, *, check=None):
    """Validate labels, and predictions or scores, and put them in series order.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)

    y : array-like of shape (n_samples,)

    groups : array-like of shape (n_samples,) or None

    check : callable, default=None
        Validates ``y``, of which rows with NaN are left out, with a warning. None for
        labels of events.

    Returns
    -------
    y_true : ndarray of bool

    y : ndarray
        Of bool if ``y`` are labels.

    rows : OrderedRows
    """
    y_true = event_labels(y_true, "y_true").astype(bool)
    y = event_labels(y, "y_pred").astype(bool) if check is None else check(y)
    check_consistent_length(y_true, y, groups)
    rows = OrderedRows(*group_order(groups, len(y_true)))
    if check is not None:
        judged = judged_rows(y)[rows.order]
        rows = rows.keep(judged)
    return y_true[rows.order], y[rows.order], rows


def event_runs(y):
    """First row of each event, and the row after its last."""
    edges = np.diff(np.concatenate([[0], np.asarray(y, dtype=int), [0]]))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def check_labels(y, n_samples):
    """Flags of the events from labels 0 and 1."""
    with named_errors("y"):
        y = np.asarray(y)
        labels = np.unique(y).tolist()
        are_flags = np.isin(y, [0, 1]).all()
    if y.shape != (n_samples,):
        raise ValueError(
            f"y must have one label for each of the {n_samples} scores. Got an array "
            f"of shape {y.shape} instead."
        )
    if not are_flags:
        raise ValueError(
            "y must be 1 (or True) for events and 0 (or False) for the rest. Got the "
            f"labels {labels} instead."
        )
    return y.astype(bool)


def check_values(values, parameter="score", *, allow_nan=False):
    """One number for each row, or each epoch."""
    with named_errors(parameter):
        values = column_or_1d(values)
        if is_temporal(values.dtype):
            raise TypeError(f"it holds values of dtype {values.dtype}, not numbers")
        return check_array(
            values,
            ensure_2d=False,
            dtype=np.float64,
            ensure_all_finite="allow-nan" if allow_nan else True,
            input_name=parameter,
        )
