# SPDX-License-Identifier: BSD-3-Clause
"""From a table to its columns."""

import numpy as np
import pandas as pd

from .._sklearn import _safe_indexing
from .._validation import check_cells, check_finite, is_temporal


def take_key(X, column):
    """One column of a frame or an array, as a pandas Series."""
    key = _safe_indexing(X, column, axis=1)
    if isinstance(key, pd.Series):
        return native(key.infer_objects())
    zone = getattr(getattr(key, "dtype", None), "time_zone", None)  # polars
    key = native(pd.Series(np.asarray(key)).infer_objects())
    return key if zone is None else key.dt.tz_localize("UTC").dt.tz_convert(zone)


def native(values):
    """A Series in the byte order of the machine: pandas groups by no other."""
    dtype = values.dtype
    if not isinstance(dtype, np.dtype) or dtype.isnative:
        return values
    return values.astype(dtype.newbyteorder("="))


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
        if is_temporal(dtype) and len(features):
            raise _not_numeric(names[k], take_key(features, k), 0)
    try:
        table = check_cells(
            features,
            dtype=[np.float64, np.float32],
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
        for row, value in enumerate(column.tolist()):
            if not _is_number(value):
                raise _not_numeric(name, column, row) from error


def _is_number(value):
    """Tell what NumPy makes a float of, takes for missing, or has its own words for."""
    if value is None or value is pd.NA or value is pd.NaT or isinstance(value, complex):
        return True
    try:
        float(value)
    except (TypeError, ValueError, ArithmeticError):  # an int may be beyond any float
        return False
    return True
