# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a table by their numbers, which are as small as the table allows."""

import operator

import numpy as np

from .._validation import named_errors


def index_dtype(n_rows):
    """Integers that count the rows of a table in no more memory than needed."""
    return np.int32 if n_rows < np.iinfo(np.int32).max else np.int64


def all_rows(n_rows):
    """Numbers of all rows."""
    return np.arange(n_rows, dtype=index_dtype(n_rows))


def evenly(rows, n_most):
    """At most so many rows, at even distances."""
    n = len(rows)
    if n <= n_most:
        return rows
    return rows[np.arange(n_most) * n // n_most]


def evenly_by_weight(weights, n_most):
    """Numbers of at most so many rows, each as often as it weighs beside the others.

    At even distances in the sum of the weights; of equal ones, all rows.
    """
    total = np.cumsum(weights, dtype=np.float64)
    n = min(len(total), n_most)
    return np.searchsorted(total, (np.arange(n) + 0.5) / n * total[-1])


def take_rows(table, rows):
    """Rows of a table, given by an array of any shape."""
    # take() is the faster one, but first copies all of a table not in C order.
    return table.take(rows, axis=0) if table.flags.c_contiguous else table[rows]


def row_numbers(values, parameter, n_rows):
    """Row numbers in the smallest dtype, none of them below -1 or above n_rows."""
    with named_errors(parameter):
        values = np.asarray(values)
        if values.size and values.dtype.kind not in "iu":
            raise TypeError(f"row numbers are integers, not {values.dtype}")
    dtype = index_dtype(n_rows)
    if values.dtype == dtype:
        return values
    if not values.size:
        return np.empty(values.shape, dtype)
    # What is outside of the table must not wrap around into it.
    return np.clip(values, -1, n_rows).astype(dtype)


def check_series_starts(values, n_rows):
    values = row_numbers(values, "series_starts", n_rows)
    increase = values.ndim == 1 and len(values) and (np.diff(values) > 0).all()
    if not increase or values[0] != 0 or values[-1] > max(n_rows - 1, 0):
        raise ValueError(
            "'series_starts' must be 0 and further rows of the table, increasing. Got "
            f"{values} instead."
        )
    return values


def check_positive(value, parameter):
    with named_errors(parameter):
        value = operator.index(value)
    if value < 1:
        raise ValueError(f"{parameter!r} must be 1 or more. Got {value} instead.")
    return value
