# SPDX-License-Identifier: BSD-3-Clause
"""Rows in any form, as tables; the cells of a table, as what they stand for."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from .._validation import is_number, named_errors
from ..rows._keys import level_names
from ..rows._table import take_features, take_key
from ..rows._time import DURATIONS, LOCAL, NUMBERS, ZONED

_FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}
_DAY_OR_MONTH = re.compile(r"\s*\d{1,2}[./-]\d{1,2}[./-]\d").match


class Columns:
    """The columns that rows must have: by name, where they have names, or by number.

    And the levels of the index that hold their keys: a table may have them as columns.
    """

    def __init__(self, names, number, levels=()):
        self.names, self.number, self.levels = names, number, levels

    def check_names(self, columns):
        """Raise a ValueError where a table of these named columns cannot be read."""
        if self.names is None:
            return self.check_width(len(columns))
        for name in (*self.names, *self.levels):
            if name not in columns:
                raise ValueError(
                    f"A row has no {name!r}, a column seen in fit. It has "
                    f"{list(columns)}. Give NaN where a value is missing."
                )
        known = {*self.names, *self.levels}
        for name in columns:
            if name not in known:
                raise ValueError(
                    f"A row has the column {name!r}, which was not there in fit. Leave "
                    "it out, as of a table: of a frame with drop(columns=...)."
                )

    def check_width(self, n_columns):
        """Raise a ValueError where rows have more or fewer columns than in fit."""
        if n_columns != self.number:
            raise ValueError(
                f"A row must have {self.number} values, one for each column seen in "
                f"fit. Got {n_columns} instead."
            )

    def table(self, rows):
        """Rows as a frame or a 2-D array, its columns those of the estimator."""
        names = self.names
        if hasattr(rows, "columns"):
            levels = [name for name in level_names(rows) if name in self.levels]
            self.check_names([*rows.columns, *levels])
            return np.asarray(rows) if names is None else rows[list(names)]
        if not isinstance(rows, np.ndarray):
            table = np.empty((len(rows), self.number), dtype=object)
            for k, row in enumerate(rows):
                table[k] = self._cells(row)
            return table
        if rows.ndim != 2:
            raise ValueError(f"'rows' must be 2-D. Got {rows.ndim} dimension(s).")
        self.check_width(rows.shape[1])
        return rows

    def levels_of(self, rows):
        """The cells of each level that holds a key, by the name of the level."""
        if not self.levels:
            return {}
        if not hasattr(rows, "columns"):
            return {name: [_value(row, name) for row in rows] for name in self.levels}
        if any(name in level_names(rows) for name in self.levels):
            rows = rows.reset_index(self.levels)
        self.check_names(list(rows.columns))
        return {
            name: cells_of(rows, list(rows.columns).index(name)) for name in self.levels
        }

    def _cells(self, row):
        """The cells of one row, in order."""
        names = self.names
        if names is not None and isinstance(row, (Mapping, pd.Series)):
            if len(row) == len(names) + len(self.levels):
                try:
                    return [row[name] for name in names]
                except KeyError:
                    pass
            self.check_names(row.keys())
        if isinstance(row, Mapping):
            raise ValueError(
                "A row is a dict, but 'estimator' was fitted on an array, whose "
                "columns have no names. Give the values in the order of the columns."
            )
        cells = np.asarray(row, dtype=object)
        if cells.ndim != 1:
            raise ValueError(f"A row must be 1-D. Got {cells.ndim} dimension(s).")
        self.check_width(len(cells))
        return cells


def floats(table, columns, names):
    """Columns of a table as floats, fast where nothing is wrong with them."""
    if isinstance(table, pd.DataFrame) and len(columns):
        kinds = {*table.dtypes.iloc[columns]}
        if len(kinds) == 1 and kinds <= _FLOATS:
            return table.iloc[:, columns].to_numpy()
    if isinstance(table, np.ndarray):
        values = table[:, columns]
        if values.dtype in (np.float32, np.float64):
            return values
        if values.dtype == object:
            _check_digits(values, columns, names)
        try:
            return values.astype(np.float64)
        except (ArithmeticError, TypeError, ValueError):
            with named_errors("rows"):
                table = np.where(pd.isna(table), np.nan, table)
            table = pd.DataFrame(table, columns=names).infer_objects()
    return take_features(table, columns)


def _check_digits(values, columns, names):
    """Raise a ValueError at text that Python takes for a number, and nobody else."""
    for (row, k), cell in np.ndenumerate(values):
        if isinstance(cell, str) and ("_" in cell or not cell.isascii()):
            name = columns[k] if names is None else names[columns[k]]
            raise ValueError(
                f"Column {name!r} is not numeric: could not convert {cell!r} in row "
                f"{row}. Write numbers with the digits 0 to 9 alone."
            )


def usual_time(value, kind):
    """Time of a row as a number, if it comes as most do; else None."""
    if type(value) is pd.Timestamp:
        if kind in (LOCAL, ZONED) and (value.tz is None) == (kind == LOCAL):
            return value.value
    elif kind == NUMBERS and type(value) in (float, int):
        if -np.inf < value < np.inf:
            return value
    return None


def time_number(value, kind, row):
    """Time of a row as a number, as :class:`SlidingWindow` has it."""
    number = usual_time(value, kind)
    if number is not None:
        return number
    if isinstance(value, np.generic):
        value = value.item() if kind == NUMBERS else pd.Series([value])[0]
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        raise ValueError(f"The 'time' of row {row} is missing. Drop it or give it one.")
    try:
        if kind == NUMBERS:
            if is_number(value) and abs(value) != np.inf:
                return value
        elif is_number(value) or (isinstance(value, str) and _DAY_OR_MONTH(value)):
            pass  # pandas would take nanoseconds, and the first for the month
        elif kind == DURATIONS:
            return pd.Timedelta(value).value
        else:
            time = value if isinstance(value, pd.Timestamp) else pd.Timestamp(value)
            if time is not pd.NaT and (time.tz is None) == (kind == LOCAL):
                return time.value
    except (OverflowError, ValueError):
        pass
    raise ValueError(
        f"The 'time' of row {row} must be as in fit, where it held {kind}; of a text "
        f"the year comes first. Got {value!r}."
    )


def _value(row, name):
    """What a row has by the name of a level of the index of the training table."""
    if isinstance(row, (Mapping, pd.Series)) and name in row:
        return row[name]
    raise ValueError(
        f"A row has no {name!r}, which was a level of the index in fit. Give a dict "
        "that has it beside the columns, or a DataFrame."
    )


def names_as_cells(names, kind):
    """Plain names of series as the cells of a column that names them."""
    names = pd.Series(names)
    return (names.dt.tz_localize("UTC") if kind == ZONED else names).tolist()


def cells_of(table, column):
    if isinstance(table, np.ndarray):
        return table[:, column].tolist()
    return take_key(table, column).tolist()
