# SPDX-License-Identifier: BSD-3-Clause
"""The rows of a table by series, and the windows that end at them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from .._validation import naming
from ._row_numbers import index_dtype


@dataclass(frozen=True)
class SeriesRows:
    """Rows of a table, those of each series together."""

    n_rows: int
    starts: np.ndarray  # the first row of each series
    names: pd.Index | None = None  # of the series, where it has a name
    time: np.ndarray | None = None

    @property
    def lengths(self):
        return np.diff(self.starts, append=self.n_rows)

    @property
    def positions(self):
        return np.arange(self.n_rows, dtype=index_dtype(self.n_rows))

    def segment_starts(self, gap=None):
        """First rows of the series, and the rows that follow a gap in time."""
        if gap is None:
            return self.starts
        first = np.zeros(self.n_rows, dtype=bool)
        first[1:] = np.diff(self.time) > gap
        first[self.starts] = True
        return np.flatnonzero(first)


def series_codes(groups, parameter="group_by"):
    """Number the series that columns name; a missing name is an error."""
    for group in groups:
        with naming(parameter):
            missing = np.flatnonzero(group.isna())
        if len(missing):
            raise ValueError(
                f"The {parameter!r} column has a missing value in row {missing[0]}. "
                "Give each row the name of its series."
            )
    keys = [group.array for group in groups]
    with naming(parameter):
        codes = groups[0].groupby(keys, sort=False, observed=True).ngroup()
    return codes.to_numpy(index_dtype(len(codes)))


def series_order(codes):
    """Order of rows that puts the rows of one series together; None if they are."""
    n_series = int(codes.max(initial=0)) + 1
    if np.count_nonzero(codes[1:] != codes[:-1]) == n_series - 1:
        return None
    # The rows of a sparse matrix: a counting sort, several times as fast as argsort.
    n_rows = len(codes)
    rows = np.arange(n_rows, dtype=codes.dtype)
    flags = np.ones(n_rows, dtype=bool)
    return sparse.csr_array((flags, (codes, rows)), (n_series, n_rows)).indices


def rows_by_series(groups, n_rows, parameter="group_by"):
    """Put the rows of each series together.

    Parameters
    ----------
    groups : list of pandas.Series
        Columns that name the series of each row. Empty for one series.

    n_rows : int

    parameter : str
        Whose value the columns are, for messages.

    Returns
    -------
    rows : SeriesRows

    order : ndarray of int or None
        Row of the table of each of these rows; None where nothing moves.
    """
    if not groups:
        return SeriesRows(n_rows, np.zeros(1, dtype=int)), None
    codes = series_codes(groups, parameter)
    order = series_order(codes)
    codes = codes if order is None else codes[order]
    return SeriesRows(n_rows, np.flatnonzero(np.diff(codes, prepend=-1))), order


def series_names(groups, rows):
    """Name of the series of each of some rows, as an index; None without a column."""
    if not groups:
        return None
    columns = [group.iloc[rows] for group in groups]
    for k, column in enumerate(columns):
        # Tables with other categories may name the same series.
        if isinstance(column.dtype, pd.CategoricalDtype):
            columns[k] = column.astype(column.cat.categories.dtype)
    if len(columns) == 1:
        return pd.Index(columns[0].array, tupleize_cols=False)
    return pd.MultiIndex.from_arrays([column.array for column in columns])


@dataclass(frozen=True)
class Reach:
    """How far back the window of a row goes."""

    n_timesteps: int
    duration: float | None = None
    gap: float | None = None

    def starts(self, rows, ends):
        """First row of the windows that end at some rows, given in increasing order."""
        segment_starts = rows.segment_starts(self.gap).astype(ends.dtype)
        segments = np.searchsorted(segment_starts, ends, side="right") - 1
        first = ends - ends.dtype.type(min(self.n_timesteps - 1, rows.n_rows))
        np.maximum(first, segment_starts[segments], out=first)
        if self.duration is None:
            return first
        return _first_within(rows.time, first, ends, self.duration)


def _first_within(time, low, ends, duration):
    """First row, of those from ``low`` on, less than ``duration`` before the last."""
    high, last_time = ends, time[ends]
    while (low < high).any():
        middle = low + (high - low) // 2
        recent = last_time - time[middle] < duration
        low = np.where(recent, low, middle + 1)
        high = np.where(recent, middle, high)
    return low
