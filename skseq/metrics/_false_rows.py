# SPDX-License-Identifier: BSD-3-Clause
"""Which rows of the alarms are false, and how much time each row stands for."""

import numpy as np

from ..rows._time import number_duration, ordered_time, span

# The share of the normal rows that "auto" may excuse on each side of the events: 10%
# over both sides, as in the Numenta Anomaly Benchmark. So an alarm that never stops has
# at least 90% of the normal rows against it, however close together the events are.
_MAX_EXCUSED = 0.05


def watched_time(time, max_gap, rows):
    """Time that each row stands for: until the next row of its series.

    The last row of a series stands for the median of these steps. Without ``time``
    each row counts as 1.

    Returns
    -------
    weights : ndarray of float of shape (n_rows,)

    time : ndarray of shape (n_rows,) or None
        In the order of ``rows``; nanoseconds where datetimes are given.

    as_duration : callable
        Reads a duration in the unit of the time.
    """
    if time is None:
        if max_gap is not None:
            raise ValueError(
                f"The 'max_gap' parameter is {max_gap!r}, but 'time' is None. Give the "
                "time of each row in 'time'."
            )
        return np.ones(rows.n_rows), None, number_duration
    time, as_duration = ordered_time(time, rows)
    weights = np.append(np.diff(time).astype(np.float64), 0.0)
    last = np.append(rows.series_starts[1:], rows.n_rows) - 1
    if max_gap is not None:
        weights = np.minimum(weights, as_duration(max_gap, "max_gap"))
    steps = np.delete(weights, last)
    weights[last] = np.median(steps) if len(steps) else 0.0
    if weights.sum() > 0:
        return weights, time, as_duration
    raise ValueError(
        "'time' does not last: no series has two rows of different times. Count per "
        "rows, without 'time'."
    )


def auto_tolerance(y_true, rows):
    """Rows by which an alarm may be early or late.

    The median length of the events, and not more than excuses a tenth of the normal
    rows beside all of them.
    """
    events = rows.runs(y_true)
    if not len(events):
        return 0
    longest = _MAX_EXCUSED * np.count_nonzero(~y_true) / len(events)
    return int(min(np.median(events.stops - events.starts), longest))


def false_rows(y_true, y_pred, rows, tolerance, time=None, as_duration=None):
    """Flag the rows of alarms that count as false.

    Those outside of the events, but for the rows beside an event, up to ``tolerance``,
    that belong to an alarm that meets an event.
    """
    if isinstance(tolerance, str) and tolerance == "auto":
        tolerance = auto_tolerance(y_true, rows)
    distance, places = span(tolerance, "tolerance", rows, time, as_duration)
    alarms = rows.runs(y_pred)
    meets = np.zeros(rows.n_rows, dtype=bool)
    meets[y_pred] = np.repeat(alarms.count(y_true) > 0, alarms.stops - alarms.starts)
    return y_pred & ~y_true & ~(meets & _near(y_true, rows, distance, places))


def _near(y_true, rows, distance, places):
    """Flag the rows no farther than ``distance`` from an event of their series."""
    near = y_true.copy()
    events = rows.runs(y_true)
    every = np.arange(rows.n_rows)
    series = rows.series_of(every)
    for edges, nearest in (
        (events.stops - 1, np.searchsorted(events.stops, every, side="right") - 1),
        (events.starts, np.searchsorted(events.starts, every)),
    ):
        known = (nearest >= 0) & (nearest < len(edges))
        row, edge = every[known], edges[nearest[known]]
        same = series[row] == series[edge]
        near[row] |= same & (np.abs(places[row] - places[edge]) <= distance)
    return near
