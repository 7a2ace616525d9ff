# SPDX-License-Identifier: BSD-3-Clause
"""The column of a table that holds its time."""

import numpy as np
import pandas as pd

from ._dates import (
    all_look_like,
    are_compact_dates,
    in_zone,
    is_text,
    looks_like_clock,
    looks_like_date,
    times_of,
)
from ._numbers import numbers_of
from ._order import series_codes


def one_time(frame, options):
    """The column of time; a date and a clock made one."""
    columns = options.time_columns
    if options.time is None:
        columns = _dates_in(frame, options.group_columns)
    columns = [column for column in columns if column is not False]
    if len(columns) < 2:
        return frame, columns[0] if columns else None
    text = [_day_or_clock(frame[column]) for column in columns]
    name, at = " ".join(columns), list(frame.columns).index(columns[0])
    joined = text[0].str.cat(text[1:], sep=" ").astype(object)
    frame = frame.drop(columns=columns)
    frame.insert(at, name, joined)
    return frame, name


def _day_or_clock(column):
    """Text of a column; of dates without their midnight, which a clock follows."""
    text = column.astype("string").str.strip()
    return text.str.replace(r"[ T]00:00:00$", "", regex=True)


def _dates_in(frame, groups):
    """The first column of dates, with a clock that follows it."""
    names = [name for name in frame.columns if name not in groups]
    for k, name in enumerate(names):
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            return [name]
        if all_look_like(column, looks_like_date):
            clock = names[k + 1 : k + 2]
            days = column.dropna().unique()[:20]
            if clock and all_look_like(frame[clock[0]].map(_text), looks_like_clock):
                if not any(":" in day for day in days):
                    return [name, *clock]
            return [name]
    return []


def _text(cell):
    return cell if pd.isna(cell) else str(cell)


def as_time(frame, time, groups, marks, options):
    """A column as times, whether its dates begin with the day, and a note."""
    column, codes = frame[time], series_codes(frame, groups)
    dayfirst = note = None
    if are_compact_dates(column):
        column = times_of(column.astype("string"), codes, options).column
    elif is_text(column):
        if not all_look_like(column, looks_like_date):
            numbers = numbers_of(column, *marks)
            if not np.isnan(numbers[column.notna().to_numpy()]).any():
                return pd.Series(numbers, frame.index), None, None
        times = times_of(column, codes, options)
        column, dayfirst, note = times.column, times.dayfirst, times.note
    if options.tz is not None and pd.api.types.is_datetime64_any_dtype(column):
        column = in_zone(column.rename(time), codes, options)
    return column, dayfirst, note
