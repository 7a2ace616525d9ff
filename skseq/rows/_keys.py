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


_WHY_UNNAMED = (
    " If a step before made an array of a DataFrame, as a ColumnTransformer does, keep "
    "the names: ColumnTransformer(..., verbose_feature_names_out=False)"
    ".set_output(transform='pandas')."
)


def _why_renamed(name, names):
    """A word where a ColumnTransformer put the name of its step before the column's."""
    renamed = [other for other in names if str(other).endswith(f"__{name}")]
    if not renamed:
        return ""
    return (
        f" A ColumnTransformer made it {renamed[0]!r}: set its "
        "verbose_feature_names_out=False."
    )


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
            f"{_why_renamed(name, names)}"
        )
    n_columns = np.shape(X)[1]
    if isinstance(name, str) or not -n_columns <= name < n_columns:
        raise ValueError(
            f"The {parameter!r} parameter must be an index in [0, {n_columns}) where X "
            f"is an array. Got {name!r} instead." + _WHY_UNNAMED * isinstance(name, str)
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
# Of fewer rows nothing is said. Of a random order half of the steps go back. A splitter
# of up to 20 folds that shuffles takes one row in 20, and leaves as many short holes.
_MIN_ROWS, _SHUFFLED, _HOLES, _SHORT = 50, 0.25, 0.04, 5


def warn_of_index(X, groups, time):
    """Warn where an index tells of series, gaps or disorder that nothing names."""
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
    elif time is None and index.nlevels == 1:
        _warn_of_disorder(index)


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


def _disorder(index):
    """What row numbers say that a splitter which shuffles left; None of others."""
    if index.dtype.kind not in "iu" or len(index) < _MIN_ROWS or not index.is_unique:
        return None
    steps = np.diff(index.to_numpy().astype(np.int64))
    if is_shuffled(steps):
        return "The rows of X are shuffled, as their index tells"
    if (
        np.count_nonzero((steps > 1) & (steps <= _SHORT)) >= _HOLES * len(index)
        and (steps > 0).all()
        and np.count_nonzero(steps == 1) > 0.5 * len(steps)
    ):
        return "Rows are missing here and there in X, as its index tells"
    return None


def _warn_of_disorder(index):
    what = _disorder(index)
    if what is None:
        return
    warn(
        f"{what}: windows join rows that are not neighbours. So do a splitter that "
        "shuffles (KFold(shuffle=True), train_test_split) and a halving search leave "
        "them: split in time order, as SeriesTimeSplit of skseq.model_selection does. "
        "If the rows do follow one another, drop the index with "
        "X.reset_index(drop=True)."
    )


def row_numbers(X):
    """The numbers that the index of a frame gives its rows, where they increase.

    None of other tables, and of an index that is spoken of already.
    """
    index = getattr(X, "index", None)
    if not isinstance(index, pd.Index) or index.dtype.kind not in "iu":
        return None
    if not (index.is_unique and index.is_monotonic_increasing) or _disorder(index):
        return None
    return index.to_numpy().astype(np.int64)


def is_shuffled(steps):
    """Tell steps of a random order: every other one goes back."""
    return len(steps) >= _MIN_ROWS and np.mean(steps < 0) > _SHUFFLED


def kind_of_names(names):
    """What a column of names holds; None where that is of many types."""
    if isinstance(names.dtype, pd.CategoricalDtype):
        names = names.astype(names.cat.categories.dtype)
    if pd.api.types.is_datetime64_any_dtype(names):
        return time_kind(names)
    inferred = pd.api.types.infer_dtype(names)
    return _KINDS.get(inferred, inferred)
