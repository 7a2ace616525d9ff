# SPDX-License-Identifier: BSD-3-Clause
"""Text to times. What is day and what is month is decided over the whole column."""

import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

_DATE = re.compile(
    r"\s*(\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?!\d)"
    r"|(19|20)\d{6}[T ]?\d{4}(\d\d)?(?!\d)"
    r"|\d{1,2}[ -][A-Za-z]{3,9}\.?[ -]\d{2,4}\b"
    r"|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}\b)"
)
_CLOCK = re.compile(r"\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([AaPp][Mm])?\s*")
_DIGITS = r"(19|20)\d{6}(\d{4}(\d\d)?)?"
_COMPACT = r"^((?:19|20)\d{6})[T ]?(\d{4}(?:\d\d)?)$"
_PARTS = r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})(?!\d)"
_OFFSET = r":\d{2}(?:[.,]\d+)?\s*(?:Z|[+-]\d{2}:?(?:\d{2})?)$"


_LEAP = 10  # times the longest gap in the other order, both in typical steps


@dataclass(frozen=True)
class Times:
    """A column of times, and what was assumed of it."""

    column: pd.Series
    dayfirst: bool | None = None  # None where nobody had to know
    note: str | None = None


def looks_like_date(cell):
    return bool(_DATE.match(cell))


def looks_like_clock(cell):
    return bool(_CLOCK.fullmatch(cell))


def _with_t(text):
    """Compact dates, with a T before the clock; others as they are."""
    if not text.dropna().iloc[:1].str.match(_COMPACT).all():
        return text  # most tables are so, and to look at each cell takes its time
    return text.str.replace(_COMPACT, r"\1T\2", regex=True)


def are_compact_dates(column):
    """Tell whole numbers such as 20260131235900, of a date and maybe a clock."""
    if not pd.api.types.is_integer_dtype(column):
        return False
    cells = column.dropna()
    if not len(cells) or not re.fullmatch(_DIGITS, str(cells.iloc[0])):
        return False
    text = cells.astype("string")
    if not text.str.fullmatch(_DIGITS).all():
        return False
    return _of_format(_with_t(text), "ISO8601") is not None


def is_text(column):
    return pd.api.types.is_string_dtype(column) or column.dtype == object


def all_look_like(column, test):
    """Tell text of which every cell, among the first ones, is so."""
    if not is_text(column):
        return False
    cells = column.dropna().iloc[:1000].unique()
    return len(cells) > 0 and all(isinstance(c, str) and test(c) for c in cells)


def times_of(column, series, options):
    """Read a column of text as times.

    Parameters
    ----------
    column : pandas.Series of str

    series : ndarray of int
        Number of the series of each row: in each of them, time goes on.

    Raises
    ------
    ValueError
        If a cell is no date, or nothing tells the day from the month.
    """
    text = _with_t(column.astype("string").str.strip())
    if (zoned := _zoned(column, text)) is None:
        ways = _of_one_format(text, options.dayfirst)
        if ways:
            dayfirst = _better_order(column, ways, series, options)
            return Times(ways[dayfirst], dayfirst)
    text = text.str.replace(r"(\d),(\d)", r"\1.\2", regex=True)  # 10:00:00,5
    text = text.str.replace(r"(^|[ T])(\d):", r"\g<1>0\2:", regex=True)
    parts = text.str.extract(_PARTS)
    numeric, dayfirst = parts[0].notna(), None
    if numeric.any():
        dayfirst = _find_dayfirst(column, text, parts, series, options)
        text = _year_first(text, parts, bool(dayfirst)).where(numeric, text)
    times, note = _parsed(column, text, zoned, options)
    return Times(times, dayfirst, note)


def _of_one_format(text, dayfirst):
    """Times where one format reads every cell, by whether it begins with the day.

    Most tables are so, and pandas is fast to read them. The key None is that of dates
    of which nobody has to know.
    """
    if not text.notna().any():
        return {}
    first, ways = text.dropna().iloc[0], {}
    if re.match(r"\d{4}", first):
        iso = _of_format(text, "ISO8601")
        return {} if iso is None else {None: iso}
    for way in (True, False) if dayfirst is None else (dayfirst,):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            form = guess_datetime_format(first, dayfirst=way)
        if form is None or not {"%d", "%m"} <= set(re.findall("%.", form)):
            continue
        # What cannot be of one order is guessed to be of the other.
        if (form.index("%d") < form.index("%m")) == way:
            ways[way] = _of_format(text, form)
    ways = {way: times for way, times in ways.items() if times is not None}
    if len(ways) == 2 and ways[True].equals(ways[False]):
        return {None: ways[True]}
    return ways


def _of_format(text, form):
    """Times of one format; None where a cell is not of it."""
    try:
        pd.to_datetime(text.iloc[:: len(text) // 1000 + 1], format=form)  # soon known
        return pd.to_datetime(text, format=form)
    except ValueError:
        return None


def _better_order(column, ways, series, options):
    """Of times that were read in each way, that of the better order."""
    if len(ways) == 1:
        return next(iter(ways))
    falls, gaps = {}, {}
    for way, times in ways.items():
        steps = _steps(times, series)
        falls[way], steps = (steps < 0).sum(), steps[steps > 0]
        gaps[way] = steps.max() / np.median(steps) if len(steps) else 1
    if falls[True] != falls[False]:
        return bool(falls[True] < falls[False])
    # At the end of a day, the wrong order leaps over a month.
    if max(gaps.values()) >= _LEAP * min(gaps.values()):
        return bool(gaps[True] < gaps[False])
    row = (ways[True] != ways[False]).idxmax()
    raise ValueError(
        f"Column {column.name!r} holds dates such as {column[row]!r}, and nothing "
        "tells whether they begin with the day or with the month. Say so: "
        f"{options.say('dayfirst', True)} or {options.say('dayfirst', False)}."
    )


def year_first(text, dayfirst, say):
    """One date, as of a line that is read by itself, with the year before the month.

    ``say`` names an option. No cell decides by itself what is the day.
    """
    parts = re.match(_PARTS, text)
    if parts is None:
        return text
    if dayfirst is None:
        raise ValueError(
            f"The date {text!r} begins with the day or with the month. Say so: "
            f"{say('dayfirst', True)} or {say('dayfirst', False)}."
        )
    first, second, year = parts.groups()
    day, month = (first, second) if dayfirst else (second, first)
    year = year if len(year) == 4 else f"20{year}"
    return f"{year}-{month:0>2}-{day:0>2}{text[parts.end() :]}"


def _find_dayfirst(column, text, parts, series, options):
    """Whether dates of several formats begin with the day."""
    if options.dayfirst is not None:
        return options.dayfirst
    first, second = (pd.to_numeric(parts[k]) for k in (0, 1))
    day, month = (first > 12).fillna(False), (second > 12).fillna(False)
    if day.any() and month.any():
        raise ValueError(
            f"Column {column.name!r} holds {column[day.idxmax()]!r}, which begins with "
            f"the day, and {column[month.idxmax()]!r}, which begins with the month. "
            "Correct one of them."
        )
    if day.any() or month.any():
        return bool(day.any())
    if (first == second).fillna(True).all():
        return None
    ways = {way: _to_datetime(_year_first(text, parts, way)) for way in (True, False)}
    return _better_order(column, ways, series, options)


def _year_first(text, parts, dayfirst):
    first, second = parts[0].str.zfill(2), parts[1].str.zfill(2)
    day, month = (first, second) if dayfirst else (second, first)
    year = parts[2].where(parts[2].str.len() == 4, "20" + parts[2])
    rest = text.str.replace(r"^\d+[./-]\d+[./-]\d+", "", regex=True)
    return year + "-" + month + "-" + day + rest


def _steps(times, series):
    """Nanoseconds between the rows of each series."""
    given = times.notna().to_numpy()
    nanoseconds = times[given].astype("datetime64[ns]").astype("int64").to_numpy()
    series = series[given]
    order = np.argsort(series, kind="stable")
    return np.diff(nanoseconds[order])[np.diff(series[order]) == 0]


def _to_datetime(text, utc=False):
    """NaT where it is no date; never the day for the month of a single cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        times = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        rest = times.isna() & text.notna()
        if rest.any():
            some = text[rest].where(text[rest].map(looks_like_date))
            some = pd.to_datetime(some, format="mixed", errors="coerce", utc=True)
            times = times.mask(rest, some)
    return times if utc else times.dt.tz_localize(None)


def _zoned(column, text):
    """The offset from UTC of each cell; None where none has one."""
    zoned = text.str.contains(_OFFSET, regex=True).fillna(False).astype(bool)
    if not zoned.any():
        return None
    if not zoned[text.notna()].all():
        bare = (~zoned & text.notna()).idxmax()
        raise ValueError(
            f"Column {column.name!r} holds times with an offset from UTC, such as "
            f"{column[zoned.idxmax()]!r}, and without one: {column[bare]!r} in row "
            f"{bare}. Write all of them in one way."
        )
    return text.str.extract(f"({_OFFSET})")[0].str.replace(
        r"^[\d:.,\s]*", "", regex=True
    )


def _parsed(column, text, offsets, options):
    times = _to_datetime(text, utc=offsets is not None)
    wrong = (times.isna() & text.notna()).to_numpy()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        cell = column.iloc[row]
        raise ValueError(
            f"{options.say('time')}: column {column.name!r} must hold dates or "
            f"numbers. Got {cell!r} in row {row}. Where it stands for a missing time: "
            f"{options.say('na_values', [cell])}."
        )
    if offsets is None:
        return times, None
    if offsets.dropna().nunique() > 1 and options.tz is None:
        return times, f"Column {column.name!r} holds several offsets: read as UTC."
    if options.tz is None:
        first = pd.Timestamp(text.dropna().iloc[0]).tz
        return times.dt.tz_convert(first), None
    return times, None


def in_zone(times, series, options):
    """Times in the zone ``tz``: local times get it, others are converted."""
    if times.dt.tz is not None:
        return times.dt.tz_convert(options.tz)
    try:
        parts = [
            part.dt.tz_localize(options.tz, ambiguous="infer")
            for _, part in times.groupby(series, sort=False)
        ]
    except Exception as error:  # pandas 2 raises those of pytz, no ValueError
        raise ValueError(
            f"{options.say('tz', options.tz)} does not fit column {times.name!r}: "
            f"{str(error).splitlines()[0]}"
        ) from error
    return pd.concat(parts).reindex(times.index)
