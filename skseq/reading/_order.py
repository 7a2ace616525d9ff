# SPDX-License-Identifier: BSD-3-Clause
"""Rows into the order of their time, by rules that are said."""

from bisect import bisect_right

import numpy as np
import pandas as pd


def series_codes(frame, columns):
    """Number of the series of each row."""
    if not columns:
        return np.zeros(len(frame), dtype=int)
    groups = frame.groupby(columns, sort=False, dropna=False, observed=True)
    return groups.ngroup().to_numpy()


def _in_longest_run(values):
    """Mask of the most values that do not decrease, by patience sorting."""
    tails, ends, before = [], [], np.empty(len(values), dtype=int)
    for k, value in enumerate(values.tolist()):
        place = bisect_right(tails, value)
        if place == len(tails):
            tails.append(value)
            ends.append(k)
        else:
            tails[place], ends[place] = value, k
        before[k] = ends[place - 1] if place else -1
    kept, k = np.zeros(len(values), dtype=bool), ends[-1] if ends else -1
    while k >= 0:
        kept[k], k = True, before[k]
    return kept


def _late_rows(time, codes):
    """Positions of rows that come before the row before them in their series."""
    order = np.argsort(codes, kind="stable")
    falls = np.diff(time[order]) < np.zeros(1, dtype=np.diff(time[:1]).dtype)
    falls &= np.diff(codes[order]) == 0
    return np.sort(order[1:][falls])


def _out_of_run(time, codes, late):
    """Mask of the fewest rows whose lack leaves each series in order."""
    dropped = np.zeros(len(time), dtype=bool)
    for code in np.unique(codes[late]):
        rows = np.flatnonzero(codes == code)
        dropped[rows] = ~_in_longest_run(time[rows])
    return dropped


def _names(rows):
    listed = ", ".join(map(str, rows[:5])) + ", ..." * (len(rows) > 5)
    return f"row{'s' * (len(rows) > 1)} {listed}"


def in_order(frame, time, groups, options, *, insist):
    """Rows of which the time does not decrease in a series, and what was done.

    Parameters
    ----------
    time : str
        A column of times or numbers.

    groups : list of str
        Columns that name the series.

    insist : bool
        Whether rows out of order are an error where nothing is said about them.

    Returns
    -------
    frame : DataFrame

    notes : list of str
    """
    notes, how, say = [], options.out_of_order, options.say
    missing = np.flatnonzero(frame[time].isna())
    if len(missing):
        what = f"Column {time!r} has no time in {len(missing)} of {len(frame)} rows"
        if how == "error" and insist:
            raise ValueError(
                f"{what}; the first is row {missing[0]}. To drop them: "
                f"{say('out_of_order', 'drop')}."
            )
        if how in {"sort", "drop"}:
            frame = frame.drop(index=frame.index[missing])
            notes.append(f"Dropped {_names(missing)}, without a time.")
        else:
            notes.append(f"{what}.")
    codes = series_codes(frame, groups)
    values = _as_numbers(frame[time])
    late = _late_rows(values, codes)
    if len(late):
        frame, note = _mended(frame, time, values, codes, late, options, insist)
        notes.append(note)
    return frame, notes


def _as_numbers(times):
    if pd.api.types.is_datetime64_any_dtype(times):
        return pd.DatetimeIndex(times).as_unit("ns").asi8
    return times.to_numpy(dtype=float, na_value=np.nan)


def _mended(frame, time, values, codes, late, options, insist):
    how, say = options.out_of_order, options.say
    row = late[0]
    before = row - 1 - int(np.argmax(codes[:row][::-1] == codes[row]))
    what = (
        f"Column {time!r} decreases in row {frame.index[row]}: "
        f"{frame[time].iloc[row]} comes after {frame[time].iloc[before]}"
    )
    what += f" ({len(late)} rows do so)" * (len(late) > 1)
    if how == "sort":
        order = np.lexsort((np.arange(len(values)), values))
        note = f"Sorted by {time!r}: {len(late)} rows were out of order."
        return frame.iloc[order], note
    dropped = _out_of_run(values, codes, late)
    if how == "drop":
        rows = frame.index[dropped].tolist()
        note = (
            f"Dropped {_names(rows)}: the fewest whose lack leaves the time of each "
            "series in order."
        )
        return frame[~dropped], note
    if how == "keep" or not insist:
        return frame, f"{what}."
    n = int(dropped.sum())
    remedy = [
        f"To sort the rows: {say('out_of_order', 'sort')}.",
        f"To drop the {n} that stand{'s' * (n == 1)} in the way: "
        f"{say('out_of_order', 'drop')}.",
    ]
    if not options.group_columns:
        remedy.append(f"Where the table holds several series: {say('group_by')}.")
    raise ValueError(f"{what}. {' '.join(remedy)}")
