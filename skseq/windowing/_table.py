# SPDX-License-Identifier: BSD-3-Clause
"""From a table to its parts: features, series and time."""

import numbers

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing, check_array

from .._validation import check_finite
from ._windows import index_dtype


def resolve_column(X, column, parameter):
    """Position of the column of X that a parameter gives by name or by index."""
    if hasattr(X, "columns"):
        names = list(X.columns)
        if names.count(column) == 1:
            return names.index(column)
        raise ValueError(
            f"The {parameter!r} parameter names the column {column!r}, which X has "
            f"{names.count(column)} times. Its columns are {names}."
        )
    n_columns = np.shape(X)[1]
    if isinstance(column, str) or not -n_columns <= column < n_columns:
        raise ValueError(
            f"The {parameter!r} parameter must be an index in [0, {n_columns}) where X "
            f"is an array. Got {column!r} instead."
        )
    return column % n_columns


def take_key(X, column):
    """One column of a frame or an array, as a pandas Series."""
    key = _safe_indexing(X, column, axis=1)
    key = key if isinstance(key, pd.Series) else pd.Series(np.asarray(key))
    return key.infer_objects()


def cell(key, row):
    """One cell of a column as a plain Python object, for messages."""
    return key.iloc[[row]].tolist()[0]


def take_features(X, columns, estimator=None):
    """Columns of a frame or an array, as finite floats (NaN is allowed)."""
    if not columns:
        raise ValueError("X has no feature column left beside 'group_by' and 'time'.")
    names = [X.columns[k] for k in columns] if hasattr(X, "columns") else columns
    # A slice refers to the data; a list of columns copies them.
    if columns[-1] - columns[0] == len(columns) - 1:
        columns = slice(columns[0], columns[-1] + 1)
    features = _safe_indexing(X, columns, axis=1)
    for k, dtype in enumerate(getattr(features, "dtypes", ())):
        if _is_temporal(dtype):
            raise _not_numeric(names[k], take_key(features, k), 0)
    try:
        table = check_array(
            features,
            dtype=[np.float64, np.float32],
            ensure_all_finite=False,
            estimator=estimator,
            input_name="X",
        )
    except (TypeError, ValueError) as error:
        # scikit-learn's checks expect its own TypeError for an array of objects.
        if hasattr(X, "columns") or isinstance(error, ValueError):
            _raise_not_numeric(features, names, error)
        raise
    check_finite(table, lambda row, k: f"row {row}, feature {names[k]!r}")
    return table


def _is_temporal(dtype):
    if hasattr(dtype, "is_temporal"):  # polars
        return dtype.is_temporal()
    return dtype.kind in "mM"


def _not_numeric(name, column, row):
    return ValueError(
        f"Column {name!r} of X is not numeric: could not convert {cell(column, row)!r} "
        f"in row {row}. Drop or encode the column, or name it in 'group_by' or 'time' "
        "of SlidingWindow."
    )


def _raise_not_numeric(features, names, error):
    """Name the first cell that is not a number, where there is one."""
    for k, name in enumerate(names):
        column = take_key(features, k)
        missing = column.isna()
        bad = np.flatnonzero(pd.to_numeric(column, errors="coerce").isna() & ~missing)
        if len(bad):
            raise _not_numeric(name, column, bad[0]) from error


def series_codes(key, parameter="group_by"):
    """Number the series in order of appearance; a missing name is an error."""
    codes, _ = pd.factorize(pd.Series(key))
    if len(codes) and codes.min() < 0:
        raise ValueError(
            f"The {parameter!r} column has a missing value in row {np.argmin(codes)}. "
            "Give each row the name of its series."
        )
    return codes


def contiguous_order(codes):
    """Order of rows that puts the rows of one series together; None if they are."""
    if codes is None:
        return None
    changes = np.count_nonzero(codes[1:] != codes[:-1])
    if changes == codes.max(initial=0):
        return None
    return np.argsort(codes, kind="stable")


def series_rows(codes):
    """First row of each series of a contiguous table."""
    if codes is None:
        return np.zeros(1, dtype=int)
    return np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])


def segment_rows(time, gap, series_starts, describe):
    """Series starts, and the rows that follow a gap in time; checks the order."""
    steps = np.diff(time)
    first = np.zeros(len(time), dtype=bool)
    first[series_starts] = True
    backwards = np.flatnonzero((steps < 0) & ~first[1:])
    if len(backwards):
        raise ValueError(describe(backwards + 1))
    if gap is not None:
        first[1:] |= steps > gap
    return np.flatnonzero(first)


def window_bounds(n_rows, segment_starts, window_size):
    """First and last row of the window that ends at each row of a contiguous table."""
    dtype = index_dtype(n_rows)
    ends = np.arange(n_rows, dtype=dtype)
    lengths = np.diff(segment_starts, append=n_rows)
    starts = np.repeat(segment_starts.astype(dtype), lengths)
    reach = ends - dtype(window_size - 1)
    return np.maximum(starts, reach, out=starts), ends


def time_values(time):
    """Time as numbers: nanoseconds (in UTC) where it holds datetimes, else as given.

    Returns
    -------
    values : ndarray of int or float

    is_clock : bool
        Whether the values are nanoseconds.
    """
    missing = np.flatnonzero(time.isna())
    if len(missing):
        raise ValueError(
            f"The 'time' column has a missing value in row {missing[0]}. Drop the row "
            "or give it a time."
        )
    if pd.api.types.is_datetime64_any_dtype(time):
        return pd.DatetimeIndex(time).as_unit("ns").asi8, True
    if pd.api.types.is_timedelta64_dtype(time):
        return pd.TimedeltaIndex(time).as_unit("ns").asi8, True
    if pd.api.types.is_integer_dtype(time):
        # Differences of unsigned or short integers would wrap around.
        return time.to_numpy(np.int64), False
    if pd.api.types.is_float_dtype(time):
        return time.to_numpy(np.float64), False
    raise ValueError(
        f"The 'time' column must hold datetimes or numbers. Got {cell(time, 0)!r} in "
        "row 0; convert the column with pandas.to_datetime."
    )


def gap_value(max_gap, is_clock):
    """``max_gap`` in the unit of the time values."""
    # NumPy counts its durations among the integers.
    is_number = isinstance(max_gap, numbers.Real) and not isinstance(
        max_gap, np.timedelta64
    )
    if not is_clock:
        if is_number and max_gap > 0:
            return max_gap
        raise ValueError(
            "The 'max_gap' parameter of SlidingWindow must be a positive number where "
            f"the time column is numeric. Got {max_gap!r} instead."
        )
    try:
        gap = None if is_number else pd.Timedelta(max_gap)
    except ValueError:
        gap = None
    if gap is None or not gap > pd.Timedelta(0):
        raise ValueError(
            "The 'max_gap' parameter of SlidingWindow must be a positive duration that "
            "pandas.Timedelta understands, such as '5min', where the time column holds "
            f"datetimes. Got {max_gap!r} instead."
        )
    return gap.as_unit("ns").value
