# SPDX-License-Identifier: BSD-3-Clause
"""The rows of a table by series."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import check_consistent_length, column_or_1d

from .._validation import named_errors
from ._row_numbers import index_dtype
from ._table import native


@dataclass(frozen=True)
class SeriesRows:
    """Rows of a table, those of each series together."""

    n_rows: int
    starts: np.ndarray  # the first row of each series
    names: tuple[np.ndarray, ...] = ()  # of the series: an array for each key
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


def series_codes(groups, parameter="group_by", places=None):
    """Number the series that columns name; a missing name is an error."""
    groups = [native(group) for group in groups]
    places = places or [f"{parameter!r} column"] * len(groups)
    for group, place in zip(groups, places, strict=True):
        with named_errors(parameter):
            missing = np.flatnonzero(group.isna())
        if len(missing):
            raise ValueError(
                f"The {place} has a missing value in row {missing[0]}. Give each row "
                "the name of its series."
            )
    # pandas 2 warns of the array that stands for one of NumPy.
    keys = [
        group.to_numpy() if isinstance(group.dtype, np.dtype) else group.array
        for group in groups
    ]
    with named_errors(parameter):
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


def rows_by_series(groups, n_rows, parameter="group_by", places=None):
    """Put the rows of each series together.

    Parameters
    ----------
    groups : list of pandas.Series
        Columns that name the series of each row. Empty for one series.

    n_rows : int

    parameter : str
        Whose value the columns are, for messages.

    places : list of str, default=None
        What each of them is, for messages, where it may not be a column.

    Returns
    -------
    rows : SeriesRows

    order : ndarray of int or None
        Row of the table of each of these rows; None where nothing moves.
    """
    if not groups:
        return SeriesRows(n_rows, np.zeros(1, dtype=int)), None
    codes = series_codes(groups, parameter, places)
    order = series_order(codes)
    codes = codes if order is None else codes[order]
    return SeriesRows(n_rows, np.flatnonzero(np.diff(codes, prepend=-1))), order


def plain_names(names):
    """Names of series as an array without any type of pandas; times in UTC."""
    # Tables with other categories may name the same series.
    if isinstance(names.dtype, pd.CategoricalDtype):
        names = names.astype(names.cat.categories.dtype)
    if isinstance(names.dtype, pd.DatetimeTZDtype):
        names = names.dt.tz_convert("UTC").dt.tz_localize(None)
    dtype = getattr(names.dtype, "numpy_dtype", None)  # of nullable numbers
    return names.to_numpy() if dtype is None else names.to_numpy(dtype)


def names_index(names):
    """Plain names of series as an index, to look them up."""
    if len(names) == 1:
        return pd.Index(names[0], tupleize_cols=False)
    return pd.MultiIndex.from_arrays(names)


def group_order(groups, n_rows):
    """Rows with those of each series together, each series in the order of its rows.

    Parameters
    ----------
    groups : array-like of shape (n_rows,) or None
        Series of each row. None for a single series.

    n_rows : int

    Returns
    -------
    order : ndarray of int of shape (n_rows,)

    starts : ndarray of int of shape (n_series,)
        Positions in ``order`` at which each series starts.

    Raises
    ------
    ValueError
        If ``groups`` is not 1-D and of that length, or misses a value.
    """
    if groups is None:
        return np.arange(n_rows), np.zeros(1, dtype=int)
    with named_errors("groups"):
        groups = column_or_1d(groups)
        check_consistent_length(groups, np.empty(n_rows))
        codes, _ = pd.factorize(native(pd.Series(groups)))
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        raise ValueError(
            f"'groups' has a missing value in row {missing[0]}. Give each row the name "
            "of its series."
        )
    order = np.argsort(codes, kind="stable")
    return order, np.flatnonzero(np.diff(codes[order], prepend=-1))
