# SPDX-License-Identifier: BSD-3-Clause
"""Labels of rows from a log of intervals."""

import numpy as np
import pandas as pd

from .._sklearn import StrOptions, validate_params
from .._validation import named_errors
from .._warnings import warn
from ..rows._events import OrderedRows
from ..rows._series import group_order
from ..rows._table import cell, take_key
from ..rows._time import ordered_time


@validate_params(
    {
        "log": "no_validation",
        "time": ["array-like"],
        "start": "no_validation",
        "end": "no_validation",
        "group": "no_validation",
        "groups": ["array-like", None],
        "inclusive": [StrOptions({"both", "left"})],
    },
    prefer_skip_nested_validation=True,
)
def labels_from_intervals(
    log,
    time,
    *,
    start="start",
    end="end",
    group=None,
    groups=None,
    inclusive="both",
):
    """Label rows by a log of intervals, such as that of maintenance.

    A row is labelled 1 if its time lies in an interval of its series. Intervals may
    overlap, and stand in any order.

    Parameters
    ----------
    log : DataFrame of shape (n_intervals, n_columns)
        One line for each interval, of pandas or polars.

    time : array-like of shape (n_rows,)
        Time of each row, datetimes or numbers, which must not decrease within a series.

    start : str, default="start"
        Column of ``log`` that holds the time at which an interval starts, of the kind
        of ``time``.

    end : str, default="end"
        Column of ``log`` that holds the time at which an interval ends.

    group : str, default=None
        Column of ``log`` that names the series of an interval. None where each interval
        is one of all series. Lines of series that are not in ``groups`` are left out.

    groups : array-like of shape (n_rows,), default=None
        Series of each row. None for a single series.

    inclusive : {"both", "left"}, default="both"
        Whether a row at the very end of an interval belongs to it, as in
        :meth:`pandas.Series.between`. With "left" an interval is half-open: one that
        ends when it starts holds nothing.

    Returns
    -------
    labels : ndarray of int of shape (n_rows,)
        1 in the intervals, 0 elsewhere.

    Raises
    ------
    ValueError
        If a line of ``log`` has no start, no end, no series, or ends before it starts:
        the message names the line, counted from 0. If the times of ``log`` and ``time``
        are not of one kind, a column is missing, no line is of a series in ``groups``,
        or ``time`` decreases within a series.

    Warns
    -----
    UserWarning
        If intervals within the time of their series hold no row of it: these events
        would be lost.

    See Also
    --------
    early_warning_labels : Labels of the rows before events.

    Examples
    --------
    >>> import pandas as pd
    >>> from skseq import labels_from_intervals
    >>> log = pd.DataFrame(
    ...     {"down": ["2026-03-01 00:05"], "up": ["2026-03-01 00:15"], "unit": ["b"]}
    ... ).astype({"down": "datetime64[ns]", "up": "datetime64[ns]"})
    >>> time = pd.date_range("2026-03-01", periods=5, freq="5min")
    >>> labels_from_intervals(log, time, start="down", end="up")
    array([0, 1, 1, 1, 0])
    >>> labels_from_intervals(log, time, start="down", end="up", inclusive="left")
    array([0, 1, 1, 0, 0])
    >>> labels_from_intervals(
    ...     log, time, start="down", end="up", group="unit", groups=list("aabbb")
    ... )
    array([0, 0, 1, 1, 0])
    """
    with named_errors("time"):
        n_rows = len(time)
    rows = OrderedRows(*group_order(groups, n_rows))
    places, _ = ordered_time(time, rows)
    starts, ends = (
        _log_times(log, column, name, time)
        for name, column in (("start", start), ("end", end))
    )
    _check_lengths(starts, ends)
    of_series = _lines_of_series(log, group, groups, rows)
    bounds = np.append(rows.series_starts, n_rows)
    changes = np.zeros(n_rows + 1, dtype=int)
    n_empty = 0
    for k, lines in of_series:
        low, high = bounds[k], bounds[k + 1]
        clock = places[low:high]
        first = np.searchsorted(clock, starts[lines])
        side = "right" if inclusive == "both" else "left"
        stop = np.searchsorted(clock, ends[lines], side=side)
        n_empty += np.count_nonzero((first >= stop) & (first > 0) & (stop < len(clock)))
        np.add.at(changes, low + first, 1)
        np.add.at(changes, low + np.maximum(first, stop), -1)
    if n_empty:
        warn(
            f"{n_empty} intervals of the log lie between two rows and label none. Give "
            "the times at which they can be seen in the rows, or widen them.",
            UserWarning,
        )
    labels = np.empty(n_rows, dtype=int)
    labels[rows.order] = np.cumsum(changes)[:-1] > 0
    return labels


def _column(log, column, name):
    """A column of the log, as a pandas Series."""
    columns = list(getattr(log, "columns", []))
    if columns.count(column) != 1:
        raise ValueError(
            f"The {name!r} parameter names the column {column!r}, which 'log' has "
            f"{columns.count(column)} times. Its columns are {columns}."
        )
    return take_key(log, columns.index(column)).reset_index(drop=True)


def _log_times(log, column, name, time):
    """Times of the log, as the numbers that ordered_time gives for those of rows."""
    times = _column(log, column, name)
    missing = np.flatnonzero(times.isna())
    if len(missing):
        raise ValueError(
            f"'log' has no {name} in row {missing[0]} (column {column!r}). Drop the "
            "row, or fill in a time: the last of the rows for what still goes on."
        )
    kinds = [_kind(times), _kind(pd.Series(time).infer_objects())]
    if kinds[0] != kinds[1] and len(times):
        raise ValueError(
            f"'time' holds {kinds[1]}, but the column {column!r} of 'log' {kinds[0]}: "
            f"{cell(times, 0)!r} in row 0. Convert one to the other, for instance by "
            "pandas.to_datetime."
        )
    if pd.api.types.is_datetime64_any_dtype(times):
        return pd.DatetimeIndex(times).as_unit("ns").asi8
    return times.to_numpy()


def _kind(times):
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        return "datetimes with a time zone"
    if pd.api.types.is_datetime64_any_dtype(times):
        return "datetimes without a time zone"
    if pd.api.types.is_numeric_dtype(times):
        return "numbers"
    return f"values of dtype {times.dtype}"


def _check_lengths(starts, ends):
    wrong = np.flatnonzero(ends < starts)
    if len(wrong):
        raise ValueError(
            f"The interval in row {wrong[0]} of 'log' ends before it starts. Correct "
            "or drop the row."
        )


def _lines_of_series(log, group, groups, rows):
    """Number of each series, and the lines of the log that are of it."""
    if group is None:
        n_lines = len(log)
        return [(k, np.arange(n_lines)) for k in range(len(rows.series_starts))]
    if groups is None:
        raise ValueError(
            f"The 'group' parameter is {group!r}, but 'groups' is None. Name the "
            "series of each row in 'groups'."
        )
    names = _column(log, group, "group")
    missing = np.flatnonzero(names.isna())
    if len(missing):
        raise ValueError(
            f"'log' has no series in row {missing[0]} (column {group!r}). Name it, or "
            "drop the row."
        )
    known = pd.Series(groups).iloc[rows.order[rows.series_starts]].tolist()
    lines = {
        name: part.to_numpy() for name, part in names.groupby(names).groups.items()
    }
    found = [(k, lines[name]) for k, name in enumerate(known) if name in lines]
    if len(names) and not found:
        raise ValueError(
            f"No row of 'log' is of a series in 'groups': its column {group!r} holds "
            f"{cell(names, 0)!r}, 'groups' {known[0]!r}."
        )
    return found
