# SPDX-License-Identifier: BSD-3-Clause
"""Rows of labels and scores, series after series, and the runs in them."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from .._groups import series_order
from .._validation import naming


def event_labels(y, name="y"):
    """Labels as an array of 0 and 1, or a ValueError that tells the convention."""
    with naming(name):
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
    """Scores as a 1-D array of finite floats."""
    with naming("y_score"):
        return check_array(
            column_or_1d(y_score),
            ensure_2d=False,
            dtype=[np.float64, np.float32],
            input_name="y_score",
        )


class Runs(NamedTuple):
    """Rows ``starts[i]`` to ``stops[i]``, the last one excluded, of each run."""

    starts: np.ndarray
    stops: np.ndarray

    def __len__(self):
        return len(self.starts)

    def count(self, flags):
        """Number of flagged rows in each run."""
        before = np.append(0, np.cumsum(flags))
        return before[self.stops] - before[self.starts]


class Rows(NamedTuple):
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
        Validates ``y``. None for labels of events.

    Returns
    -------
    y_true : ndarray of bool

    y : ndarray
        Of bool if ``y`` are labels.

    rows : Rows
    """
    y_true = event_labels(y_true, "y_true").astype(bool)
    y = event_labels(y, "y_pred").astype(bool) if check is None else check(y)
    check_consistent_length(y_true, y, groups)
    rows = Rows(*series_order(groups, len(y_true)))
    return y_true[rows.order], y[rows.order], rows
