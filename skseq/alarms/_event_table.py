# SPDX-License-Identifier: BSD-3-Clause
"""One line for each event."""

import numpy as np
import pandas as pd

from .._sklearn import validate_params
from ..rows._time import nanoseconds_duration, number_duration, span
from ._scored import Scored
from ._shared import SCORED, met, rule_or_default


@validate_params(
    {**SCORED, "y_true": ["array-like"], "horizon": "no_validation"},
    prefer_skip_nested_validation=True,
)
def event_table(score, y_true, *, rule=None, time=None, groups=None, horizon=None):
    """One line for each event.

    Parameters
    ----------
    score : array-like of shape (n_rows,)
        Higher for events, or flags of 0 and 1, in time order. NaN for rows that were
        not judged.

    y_true : array-like of shape (n_rows,)
        1 or True for the rows of events, 0 or False for the rest.

    rule : AlarmRule, default=None
        What an alarm is. None for ``AlarmRule()``, of flags.

    time : array-like of shape (n_rows,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.

    groups : array-like of shape (n_rows,), default=None
        Series of each row. None for a single series.

    horizon : int, str, pandas.Timedelta, datetime.timedelta or float, default=None
        How long before an event an alarm may start to be a warning of it, even if it is
        over when the event starts: an int is a number of rows, all else a duration.
        None for the alarm that is on when the event starts, however long it has been.

    Returns
    -------
    table : DataFrame
        Events by series and time, numbered from 0, with the columns

        - ``series``, ``first_row``, ``last_row``, ``start``, ``end``, ``duration``: as
          in :func:`alarm_table`;
        - ``found``: whether an alarm met it;
        - ``delay``: from its first row to the first in alarm, 0 for an alarm that was
          on; in time, or in rows. Missing where it was not found;
        - ``warning``: how long before it the first alarm that warned of it started. An
          alarm from before the end of the event before does not warn. Missing where
          none did;
        - ``alarm``, ``n_alarms``: the first alarm that met it, a line of
          :func:`alarm_table`, and how many did.

    Raises
    ------
    ValueError
        If an input or the rule is not valid, or ``time`` decreases within a series.

    See Also
    --------
    alarm_table : One line for each alarm.
    skseq.metrics.detection_delay : The median delay, and the share found.

    Examples
    --------
    >>> from skseq.alarms import event_table
    >>> y_true = [0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1]
    >>> y_pred = [0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0]
    >>> event_table(y_pred, y_true)[["first_row", "found", "delay", "warning"]]
           first_row  found  delay  warning
    event
    0              2   True    0.0      1.0
    1              7   True    1.0      NaN
    2             10  False    NaN      NaN
    """
    scored = Scored(rule_or_default(rule), score, y_true, time, groups)
    events, alarms = scored.events, scored.alarms
    first, count = met(events, alarms)
    found = count > 0
    columns = scored.place_columns(events) | {"found": found}
    starts = alarms.starts[first[found].to_numpy(int)]
    begins = events.starts[found]
    delay = scored.distance(begins, np.maximum(starts, begins))
    warned, by = _warnings(scored, horizon)
    warning = scored.distance(alarms.starts[by], events.starts[warned])
    for name, where, values in (
        ("delay", np.flatnonzero(found), delay),
        ("warning", warned, warning),
    ):
        columns[name] = values.set_axis(where).reindex(range(len(events)))
    columns |= {"alarm": first, "n_alarms": count}
    return pd.DataFrame(columns).rename_axis("event")


def _warnings(scored, horizon):
    """Numbers of the events that were warned of, and of the first alarms to do so."""
    events, alarms = scored.events, scored.alarms
    earliest, _ = scored.rows.series_bounds(events.starts)
    earliest[1:] = np.maximum(earliest[1:], events.stops[:-1])
    by = np.searchsorted(alarms.starts, earliest)
    if horizon is None:
        # The alarm that is on in the last row before the event, and in its first.
        by = np.searchsorted(alarms.stops, events.starts, side="right")
    else:
        read = nanoseconds_duration if scored.kind == "datetimes" else number_duration
        time = None if scored.kind == "none" else scored.places
        horizon, places = span(horizon, "horizon", scored.rows, time, read, least=1)
        soon = places[alarms.starts]
        for k, event in enumerate(events.starts):
            while (
                by[k] < len(alarms)
                and alarms.starts[by[k]] < event
                and places[event] - soon[by[k]] > horizon
            ):
                by[k] += 1
    start = np.append(alarms.starts, scored.rows.n_rows)[by]
    warned = np.flatnonzero((earliest <= start) & (start < events.starts))
    return warned, by[warned]
