# SPDX-License-Identifier: BSD-3-Clause
"""How a table is to be read, and the words in which its reader speaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# Columns that several files, and dates beside clock times, make.
SERIES, KEY = "series", "read_table"


def in_python(parameter, value=None):
    """Name a parameter, or an argument, as Python writes it."""
    return f"{parameter!r}" if value is None else f"{parameter}={value!r}"


@dataclass(frozen=True)
class Options:
    """The parameters of ``read_table``; None is to be found out."""

    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    header: bool | None = None
    units: bool | None = None
    comment: str | None = None
    na_values: Sequence[Any] = ()
    time: Any = None
    group_by: Any = None
    dayfirst: bool | None = None
    tz: str | None = None
    out_of_order: str = "error"
    drop_duplicates: bool = False
    files: str = "series"
    sheet: Any = 0
    say: Callable[..., str] = in_python

    @property
    def group_columns(self):
        if self.group_by is None:
            return []
        is_list = isinstance(self.group_by, (list, tuple))
        return list(self.group_by) if is_list else [self.group_by]

    @property
    def time_columns(self):
        if self.time is None:
            return []
        return list(self.time) if isinstance(self.time, (list, tuple)) else [self.time]
