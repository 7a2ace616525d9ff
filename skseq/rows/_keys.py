# SPDX-License-Identifier: BSD-3-Clause
"""Keys: what names the series of each row, or holds its time."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

from .._warnings import warn
from ._table import native, take_key
from ._time import NUMBERS, time_kind

TEXT = "text"
_KINDS = {
    "string": TEXT,
    "integer": NUMBERS,
    "floating": NUMBERS,
    "mixed-integer-float": NUMBERS,
    "boolean": "booleans",
    "empty": None,
    "mixed": None,
    "mixed-integer": None,
}


@dataclass(frozen=True)
class Key:
    """A column of a table, or a level of its index, that a parameter names."""

    parameter: str
    name: str | int
    column: int | None  # its position; None for a level of the index
    kind: str | None = None  # what it held in fit; None where that is of many types

    @property
    def place(self):
        """What the key is, for messages."""
        if self.column is None:
            return f"{self.parameter!r} level {self.name!r} of the index"
        return f"{self.parameter!r} column"

    def values(self, X):
        """The values of the key in a table, as a pandas Series."""
        if self.column is not None:
            return take_key(X, self.column)
        values = pd.Series(X.index.get_level_values(self.name))
        return native(values.infer_objects())

    def check_place(self, X):
        """Raise a ValueError where a later table has the key in another place."""
        levels, columns = level_names(X), list(getattr(X, "columns", []))
        if self.column is not None:
            if self.name in levels and self.name not in columns:
                raise ValueError(
                    f"The {self.place} {self.name!r} that SlidingWindow was fitted on "
                    "is a level of the index of X: use X.reset_index(...)."
                )
        elif levels.count(self.name) != 1:
            remedy = f"use X.set_index([{self.name!r}], append=True)."
            if self.name not in columns:
                remedy = "fit on a table that has it as a column."
            raise ValueError(
                f"The {self.place} that SlidingWindow was fitted on is missing in X, "
                f"whose index has the levels {levels}: {remedy}"
            )

    def check_kind(self, seen):
        """Raise a ValueError where a table holds something else than the one of fit."""
        if None in (self.kind, seen.kind) or self.kind == seen.kind:
            return
        raise ValueError(
            f"The {self.place} holds {seen.kind}, but SlidingWindow was fitted on "
            f"{self.kind}. Convert it to what it was in fit."
        )


def level_names(X):
    """Names of the levels of the index of a pandas DataFrame; none of other tables."""
    if not isinstance(X, pd.DataFrame):
        return []
    return [name for name in X.index.names if name is not None]


def resolve_key(X, name, parameter):
    """The column, or else the level of the index, that a parameter gives by name.

    Of an array, it gives a column by its index.
    """
    if isinstance(name, Integral):
        name = int(name)
    if hasattr(X, "columns"):
        names, levels = list(X.columns), level_names(X)
        if names.count(name) == 1:
            return Key(parameter, name, names.index(name))
        if name not in names and levels.count(name) == 1:
            return Key(parameter, name, None)
        index = f", the levels of its index {levels}" if levels else ""
        raise ValueError(
            f"The {parameter!r} parameter names the column {name!r}, which X has "
            f"{names.count(name)} times. Its columns are {names}{index}."
        )
    n_columns = np.shape(X)[1]
    if isinstance(name, str) or not -n_columns <= name < n_columns:
        raise ValueError(
            f"The {parameter!r} parameter must be an index in [0, {n_columns}) where X "
            f"is an array. Got {name!r} instead."
        )
    return Key(parameter, name, name % n_columns)


def resolve_keys(X, names, parameter):
    """The keys that a parameter gives: none, one, or those of a list."""
    if names is None:
        return ()
    names = names if isinstance(names, list) else [names]
    if not names or not all(isinstance(name, (str, Integral)) for name in names):
        raise ValueError(
            f"The {parameter!r} parameter must be a column, a list of one or more, or "
            f"None, where a column is a str or an int. Got {names!r} instead."
        )
    return tuple(resolve_key(X, name, parameter) for name in names)


# A step of time this much longer than the typical one is a gap that nobody meant: in a
# table of days, weekends and holidays are shorter.
_GAP = 10


def warn_of_index(X, groups, time):
    """Warn where an index tells of series or of gaps that no parameter names."""
    if groups or not isinstance(X, pd.DataFrame) or not len(X):
        return
    index = X.index
    levels = [index.get_level_values(k) for k in range(index.nlevels)]
    clocks = [pd.api.types.is_datetime64_any_dtype(level.dtype) for level in levels]
    if index.nlevels > 1:
        named = None if time is None else time.name
        rest = [v for v, c in zip(levels, clocks, strict=True) if not c]
        # What always increases counts the rows: it names no series.
        series = [
            v.name
            for v in rest
            if not (v.name == named and named is not None)
            and v.nunique() > 1
            and not (v.is_unique and v.is_monotonic_increasing)
        ]
        if series:
            warn(
                f"The index of X has the levels {list(index.names)}, and 'group_by' is "
                f"None: windows join the rows of what {series} may name as series of "
                "their own. Name it in 'group_by', or drop it with X.droplevel."
            )
            return
    if time is None and True in clocks:
        _warn_of_jumps(levels[clocks.index(True)])


def _warn_of_jumps(times):
    """Warn of times that go back, or make a step far longer than the others."""
    steps = np.diff(times.as_unit("ns").asi8)
    ahead = steps[steps > 0]
    if (steps < 0).any():
        what = "goes back in time, as where series follow one another"
    elif len(ahead) and ahead.max() > _GAP * np.median(ahead):
        what = "has gaps"
    else:
        return
    name = "its name (see X.rename_axis)" if times.name is None else repr(times.name)
    warn(
        f"The index of X {what}, and 'time' is None: windows join rows that are far "
        f"apart. Give {name} to 'time', and 'max_gap' or 'group_by' with it; or drop "
        "the index with X.reset_index(drop=True) if the rows do follow one another."
    )


def kind_of_names(names):
    """What a column of names holds; None where that is of many types."""
    if isinstance(names.dtype, pd.CategoricalDtype):
        names = names.astype(names.cat.categories.dtype)
    if pd.api.types.is_datetime64_any_dtype(names):
        return time_kind(names)
    inferred = pd.api.types.infer_dtype(names)
    return _KINDS.get(inferred, inferred)
