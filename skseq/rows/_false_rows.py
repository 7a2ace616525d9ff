# SPDX-License-Identifier: BSD-3-Clause
"""Which rows of the alarms are false."""

import numpy as np

from ._time import span

# The share of the normal rows that "auto" may excuse on each side of the events: 10%
# over both sides, as in the Numenta Anomaly Benchmark. So an alarm that never stops has
# at least 90% of the normal rows against it, however close together the events are.
_MAX_EXCUSED = 0.05


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
    beside = rows_beside_events(y_true, rows, tolerance, time, as_duration)
    return false_beyond(beside, y_true, y_pred, rows)


def rows_beside_events(y_true, rows, tolerance, time=None, as_duration=None):
    """Flag the rows in an event, or no farther from one of its series."""
    if isinstance(tolerance, str) and tolerance == "auto":
        tolerance = auto_tolerance(y_true, rows)
    distance, places = span(tolerance, "tolerance", rows, time, as_duration)
    return _near(y_true, rows, distance, places)


def false_beyond(beside, y_true, y_pred, rows):
    """``false_rows`` with what ``rows_beside_events`` gives, for many ``y_pred``."""
    alarms = rows.runs(y_pred)
    meets = np.zeros(rows.n_rows, dtype=bool)
    meets[y_pred] = np.repeat(alarms.count(y_true) > 0, alarms.stops - alarms.starts)
    return y_pred & ~y_true & ~(meets & beside)


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
