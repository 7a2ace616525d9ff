# SPDX-License-Identifier: BSD-3-Clause
"""From a table to its parts: features, series and time."""

import numbers

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing, check_array

from .._validation import check_finite


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
    return key if isinstance(key, pd.Series) else pd.Series(np.asarray(key))


def take_features(X, columns, estimator):
    """Columns of a frame or an array, as finite floats (NaN is allowed)."""
    if not columns:
        raise ValueError("X has no feature column left beside 'group_by' and 'time'.")
    # An array that needs no selection is passed on without a copy.
    whole = len(columns) == np.shape(X)[1]
    features = X if whole else _safe_indexing(X, columns, axis=1)
    try:
        table = check_array(
            features,
            dtype=[np.float64, np.float32],
            ensure_all_finite=False,
            estimator=estimator,
            input_name="X",
        )
    except (TypeError, ValueError) as error:
        _raise_not_numeric(features, error)
        raise
    names = list(features.columns) if hasattr(features, "columns") else columns
    check_finite(table, lambda row, k: f"row {row}, feature {names[k]!r}")
    return table


def _raise_not_numeric(features, error):
    """Name the first cell that is not a number, where a frame has one."""
    for k, name in enumerate(getattr(features, "columns", ())):
        column = take_key(features, k)
        missing = column.isna()
        bad = np.flatnonzero(pd.to_numeric(column, errors="coerce").isna() & ~missing)
        if len(bad):
            raise ValueError(
                f"Column {name!r} of X is not numeric: could not convert "
                f"{column.iloc[bad[0]]!r} in row {bad[0]}. Drop or encode the column, "
                "or name it in 'group_by' or 'time'."
            ) from error


def series_codes(key):
    """Number the series in order of appearance; a missing name is an error."""
    codes, _ = pd.factorize(pd.Series(key))
    if len(codes) and codes.min() < 0:
        raise ValueError(
            f"The 'group_by' column has a missing value in row {np.argmin(codes)}. "
            "Give each row the name of its series."
        )
    return codes


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
    if pd.api.types.is_numeric_dtype(time) and not pd.api.types.is_bool_dtype(time):
        return time.to_numpy(), False
    raise ValueError(
        f"The 'time' column must hold datetimes or numbers. Got {time.iloc[0]!r} in "
        "row 0; convert the column with pandas.to_datetime."
    )


def gap_value(max_gap, is_clock):
    """``max_gap`` in the unit of the time values."""
    if not is_clock:
        if isinstance(max_gap, numbers.Real) and max_gap > 0:
            return max_gap
        raise ValueError(
            "The 'max_gap' parameter of SlidingWindow must be a positive number where "
            f"the time column is numeric. Got {max_gap!r} instead."
        )
    try:
        gap = None if isinstance(max_gap, numbers.Real) else pd.Timedelta(max_gap)
    except ValueError:
        gap = None
    if gap is None or not gap > pd.Timedelta(0):
        raise ValueError(
            "The 'max_gap' parameter of SlidingWindow must be a positive duration that "
            "pandas.Timedelta understands, such as '5min', where the time column holds "
            f"datetimes. Got {max_gap!r} instead."
        )
    return gap.as_unit("ns").value
