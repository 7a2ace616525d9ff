# SPDX-License-Identifier: BSD-3-Clause
"""Time: as numbers, in order, and in durations."""

import contextlib
import re
from dataclasses import replace
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, column_or_1d

from .._validation import (
    is_number,
    named_errors,
)
from ._events import check_values
from ._table import cell

# In a random order half of the steps go back.
_MIN_STEPS, _SHUFFLED = 20, 0.25
HOUR = 3_600_000_000_000
SECOND = 1_000_000_000
NUMBERS = "numbers"
LOCAL, ZONED = "datetimes without a time zone", "datetimes with a time zone"
DURATIONS = "durations"
TIME_KINDS = (NUMBERS, LOCAL, ZONED, DURATIONS)


_ZONE = re.compile(r"[A-Za-z0-9_+:-]+(/[A-Za-z0-9_+:-]+){0,3}")


def is_zone(name):
    """Tell the name of a time zone, and no path to a file, as pandas would take it."""
    named = isinstance(name, str) and _ZONE.fullmatch(name) is not None
    return named and not name.startswith(("dateutil", "tz"))


def is_duration(window_size):
    """Tell a duration from a number of rows."""
    return not is_number(window_size, Integral)


def check_time_is_given(slider):
    """Raise a ValueError where a parameter needs a column of time that is not named."""
    needing = {
        "max_gap": slider.max_gap is not None,
        "window_size": is_duration(slider.window_size),
        "add_time_delta": slider.add_time_delta,
    }
    for name, needs_time in needing.items():
        if needs_time and slider.time is None:
            remedy = " A number of rows must be an int." * (name == "window_size")
            raise ValueError(
                f"The {name!r} parameter of SlidingWindow is "
                f"{getattr(slider, name)!r}, but 'time' is None. Name the column that "
                f"holds the time of each row in 'time'.{remedy}"
            )


def time_kind(times):
    """What a column of datetimes holds."""
    return LOCAL if times.dt.tz is None else ZONED


def time_values(key, place="'time' column"):
    """Time as numbers: nanoseconds (in UTC) where it holds datetimes, else as given.

    Returns
    -------
    values : ndarray of int or float

    kind : str
        What the column holds. All kinds but ``NUMBERS`` are nanoseconds.
    """
    with named_errors("time"):
        missing = key.isna()
    if pd.api.types.is_float_dtype(key):
        missing |= np.isinf(key)
    if missing.any():
        raise ValueError(
            f"The {place} has a missing value in row {np.flatnonzero(missing)[0]}. "
            "Drop the row or give it a time."
        )
    if pd.api.types.is_datetime64_any_dtype(key):
        return pd.DatetimeIndex(key).as_unit("ns").asi8, time_kind(key)
    if pd.api.types.is_timedelta64_dtype(key):
        return pd.TimedeltaIndex(key).as_unit("ns").asi8, DURATIONS
    if pd.api.types.is_integer_dtype(key):
        # Differences of unsigned or short integers would wrap around.
        return key.to_numpy(np.int64), NUMBERS
    if pd.api.types.is_float_dtype(key):
        return key.to_numpy(np.float64), NUMBERS
    raise ValueError(
        f"The {place} must hold datetimes or numbers. Got {cell(key, 0)!r} in "
        "row 0; convert the column with pandas.to_datetime."
    )


def _check_order(rows, order, key, groups, kind, place):
    """Raise a ValueError that names the first row whose time decreases."""
    steps = np.diff(rows.time)
    steps[rows.starts[1:] - 1] = 0
    later = np.flatnonzero(steps < 0) + 1
    if not len(later):
        return
    before = later - 1
    if order is not None:
        later, before = order[later], order[before]
    first = np.argmin(later)
    row, series, remedy = later[first], "", "Sort the rows by time first."
    if len(steps) >= _MIN_STEPS and np.mean(steps < 0) > _SHUFFLED:
        remedy = (
            "The rows are shuffled: so do a splitter with shuffle=True, a halving "
            "search and permutation_importance (of the time column) leave them. Split "
            "in time order, as SeriesTimeSplit of skseq.model_selection does; or sort "
            "the rows by time first."
        )
    if groups:
        names = tuple(cell(group, row) for group in groups)
        series = f" of the series {names[0] if len(names) == 1 else names!r}"
    if kind == LOCAL and rows.time.dtype.kind == "i" and -steps.min() <= HOUR:
        remedy += (
            " Or, where it is local time that is set back by an hour, give the column "
            "its time zone with Series.dt.tz_localize, or record the time in UTC."
        )
    raise ValueError(
        f"The {place} decreases in row {row}{series}: {cell(key, row)} comes after "
        f"{cell(key, before[first])}. {remedy}"
    )


def with_time(rows, order, key, groups, place="'time' column"):
    """The rows of a table with their time, which must not decrease, and its kind."""
    time, kind = time_values(key, place)
    rows = replace(rows, time=time if order is None else time[order])
    _check_order(rows, order, key, groups, kind, place)
    return rows, kind


def ticks(kind):
    """Time values in a second; 1 where they are numbers."""
    return 1 if kind == NUMBERS else SECOND


def duration_value(value, kind, parameter, owner="SlidingWindow"):
    """A duration in the unit of the time values."""
    bare = is_number(value)
    if kind == NUMBERS:
        if bare and value > 0:
            return int(value) if isinstance(value, Integral) else float(value)
        raise ValueError(
            f"The {parameter!r} parameter of {owner} must be a positive number "
            f"where the time column is numeric. Got {value!r} instead."
        )
    if isinstance(value, str):
        # pandas takes '5' for nanoseconds, which nobody means.
        with contextlib.suppress(ValueError):
            bare = float(value) is not None
    try:
        duration = None if bare else pd.Timedelta(value)
    except ValueError:
        duration = None
    if duration is None or not duration > pd.Timedelta(0):
        raise ValueError(
            f"The {parameter!r} parameter of {owner} must be a positive duration "
            "that pandas.Timedelta understands, such as '5min', where the time column "
            f"holds {kind}. Got {value!r} instead."
        )
    return duration.as_unit("ns").value


def typical_step(time, segment_starts):
    """Median of the positive steps between the rows of a segment; None without one."""
    steps = np.diff(time)
    steps[segment_starts[1:] - 1] = 0
    steps = steps[steps > 0]
    return np.median(steps) if len(steps) else None


def time_deltas(time, segment_starts, unit):
    """Time since the row before; NaN in the first row of each segment."""
    deltas = np.empty(len(time))
    np.divide(np.diff(time), unit, out=deltas[1:])
    deltas[segment_starts] = np.nan
    return deltas


def check_time(time, n_samples):
    """Dates, as of the clock on the wall, or numbers; the numbers of rows for None."""
    if time is None:
        return np.arange(n_samples)
    with named_errors("time"):
        time = pd.Series(time).reset_index(drop=True).infer_objects()
        check_consistent_length(time, np.empty(n_samples))
    missing = np.flatnonzero(time.isna())
    if len(missing):
        raise ValueError(f"'time' has a missing value in row {missing[0]}.")
    if pd.api.types.is_datetime64_any_dtype(time):
        return time.dt.tz_localize(None).to_numpy()
    if not pd.api.types.is_numeric_dtype(time):
        raise ValueError(
            f"'time' must hold datetimes or numbers. Got {time[0]!r} in row 0."
        )
    return check_values(time, "time")


def number_duration(value, name):
    if is_number(value) and 0 < value < np.inf:
        return float(value)
    raise ValueError(
        f"The {name!r} parameter must be a positive number where 'time' holds none or "
        f"numbers. Got {value!r} instead."
    )


def nanoseconds_duration(value, name):
    try:
        # pandas takes a bare number for nanoseconds, which nobody means.
        duration = None if is_number(value) else pd.Timedelta(value)
    except ValueError:
        duration = None
    if duration is not None and duration > pd.Timedelta(0):
        return float(duration.as_unit("ns").value)
    raise ValueError(
        f"The {name!r} parameter must be a positive duration such as '1D' or '5min' "
        f"where 'time' holds datetimes. Got {value!r} instead."
    )


def ordered_time(time, rows):
    """Time in the order of the series, and what reads durations in its unit."""
    time = pd.Series(column_or_1d(time)).infer_objects()
    check_consistent_length(time, rows.order)
    with named_errors("time"):
        missing = np.flatnonzero(time.isna() | time.isin([np.inf, -np.inf]))
    if len(missing):
        raise ValueError(
            f"'time' has a missing value in row {missing[0]}. Drop the row or give it "
            "a time."
        )
    as_duration = number_duration
    if pd.api.types.is_datetime64_any_dtype(time):
        time = pd.Series(pd.DatetimeIndex(time).as_unit("ns").asi8)
        as_duration = nanoseconds_duration
    elif not pd.api.types.is_numeric_dtype(time):
        raise ValueError(
            f"'time' must hold datetimes or numbers. Got {time[0]!r} in row 0; convert "
            "it with pandas.to_datetime."
        )
    values = time.to_numpy()[rows.order]
    first = rows.series_starts[1:]
    falls = np.diff(values) < 0
    falls[first - 1] = False
    if falls.any():
        row = rows.order[np.flatnonzero(falls)[0] + 1]
        raise ValueError(
            f"'time' decreases in row {row}. Sort the rows of each series by time "
            "first, or name the series of each row in 'groups'."
        )
    return values, as_duration


def span(value, name, rows, time=None, as_duration=None, *, least=0):
    """A distance in rows, or in time, and the places between which it is measured.

    Parameters
    ----------
    value : int, str, datetime.timedelta, pandas.Timedelta or float
        An int is a number of rows, all else a duration.

    name : str
        Of the parameter, for messages.

    rows : OrderedRows

    time, as_duration : optional
        As given by :func:`ordered_time`.

    least : int, default=0
        Smallest number of rows.

    Returns
    -------
    distance : int or float

    places : ndarray of shape (n_rows,)
    """
    if not is_duration(value):
        if value >= least:
            return min(int(value), rows.n_rows), np.arange(rows.n_rows)
    elif time is not None:
        return as_duration(value, name), time
    raise ValueError(
        f"The {name!r} parameter must be an int in the range [{least}, inf), a number "
        f"of rows, or a duration where 'time' is given. Got {value!r} instead."
    )
