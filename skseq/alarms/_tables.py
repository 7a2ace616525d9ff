# SPDX-License-Identifier: BSD-3-Clause
"""Tables of alarms, of events and of series."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._param_validation import Interval, validate_params

from .._validation import named_errors
from ..rows._time import nanoseconds_duration, number_duration, span
from ._alarm_rule import AlarmRule
from ._scored import Scored

_COMMON = {
    "score": ["array-like"],
    "rule": [AlarmRule, None],
    "time": ["array-like", None],
    "groups": ["array-like", None],
}


@validate_params(
    {
        **_COMMON,
        "y_true": ["array-like", None],
        "contributions": ["array-like", None],
        "n_features": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def alarm_table(
    score,
    y_true=None,
    *,
    rule=None,
    time=None,
    groups=None,
    contributions=None,
    n_features=3,
):
    """One line for each alarm.

    Parameters
    ----------
    score : array-like of shape (n_rows,)
        Higher for events, or flags of 0 and 1, in time order. NaN for rows that were
        not judged.

    y_true : array-like of shape (n_rows,), default=None
        1 or True for the rows of events, 0 or False for the rest.

    rule : AlarmRule, default=None
        What an alarm is. None for ``AlarmRule()``, of flags.

    time : array-like of shape (n_rows,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.

    groups : array-like of shape (n_rows,), default=None
        Series of each row. None for a single series.

    contributions : array-like of shape (n_rows, n_features_in), default=None
        How much each feature contributed to the score of each row, best as a frame,
        whose columns have names.

    n_features : int, default=3
        How many features to name.

    Returns
    -------
    table : DataFrame
        Alarms by series and time, numbered from 0, with the columns

        - ``series``, where ``groups`` are given;
        - ``first_row`` and ``last_row``: positions in ``score``;
        - ``start``, ``end``: their times, where ``time`` is given;
        - ``duration``: from the one to the other, and a median step more, as a row
          lasts until the next; a number of rows without ``time``;
        - ``peak``: the highest score;
        - ``is_on``: whether the alarm still was on after the last row of its series;
        - ``event``, ``n_events``: the first event it met, a line of
          :func:`event_table`, and how many it met, where ``y_true`` is given;
        - ``features``: those with the largest mean contributions over the alarm, the
          largest first, where ``contributions`` are given.

    Raises
    ------
    ValueError
        If an input or the rule is not valid, or ``time`` decreases within a series.

    See Also
    --------
    event_table : One line for each event.
    AlarmRule.flag : The rows in alarm.

    Examples
    --------
    >>> import pandas as pd
    >>> from skseq.alarms import AlarmRule, alarm_table
    >>> score = [0, 3, 0, 3, 2, 0, 0, 0, 5]
    >>> y_true = [0, 0, 0, 1, 1, 1, 0, 0, 0]
    >>> time = pd.date_range("2026-03-01 08:00", periods=9, freq="5min")
    >>> table = alarm_table(
    ...     score, y_true, rule=AlarmRule(on=2, off=1, max_gap="10min"), time=time
    ... )
    >>> table[["start", "duration", "peak", "is_on", "event"]]
                        start        duration  peak  is_on  event
    alarm
    0     2026-03-01 08:05:00 0 days 00:20:00   3.0  False      0
    1     2026-03-01 08:40:00 0 days 00:05:00   5.0   True   <NA>
    """
    scored = Scored(_rule(rule), score, y_true, time, groups)
    alarms = scored.alarms
    columns = scored.place_columns(alarms)
    columns |= {"peak": scored.peaks, "is_on": scored.is_on}
    if y_true is not None:
        first, count = _met(alarms, scored.events)
        columns |= {"event": first, "n_events": count}
    if contributions is not None:
        columns["features"] = _features(scored, contributions, n_features)
    return pd.DataFrame(columns).rename_axis("alarm")


@validate_params(
    {**_COMMON, "y_true": ["array-like"], "horizon": "no_validation"},
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
    scored = Scored(_rule(rule), score, y_true, time, groups)
    events, alarms = scored.events, scored.alarms
    first, count = _met(events, alarms)
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


@validate_params(
    {**_COMMON, "y_true": ["array-like", None]},
    prefer_skip_nested_validation=True,
)
def series_table(score, y_true=None, *, rule=None, time=None, groups=None):
    """One line for each series.

    Parameters
    ----------
    score : array-like of shape (n_rows,)
        Higher for events, or flags of 0 and 1, in time order. NaN for rows that were
        not judged.

    y_true : array-like of shape (n_rows,), default=None
        1 or True for the rows of events, 0 or False for the rest.

    rule : AlarmRule, default=None
        What an alarm is. None for ``AlarmRule()``, of flags.

    time : array-like of shape (n_rows,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.

    groups : array-like of shape (n_rows,), default=None
        Series of each row. None for a single series, which is called 0.

    Returns
    -------
    table : DataFrame
        Series in the order in which they first come, by name, with the columns

        - ``n_rows``, ``n_not_judged``: all rows, and those whose score is NaN;
        - ``start``, ``end``: times of the first and the last, where ``time`` is given;
        - ``peak``: the highest score;
        - ``n_alarms``, ``time_in_alarm``: alarms, and the share of the time in alarm;
        - ``n_events``, ``n_found``, ``n_false_alarms`` (those that met no event) and
          ``false_alarm_share`` (the share of the time outside events in alarm, missing
          where there is none), where ``y_true`` is given.

    Raises
    ------
    ValueError
        If an input or the rule is not valid, or ``time`` decreases within a series.

    See Also
    --------
    alarm_table : One line for each alarm.
    skseq.metrics.false_alarm_share : The share of all series together.

    Examples
    --------
    >>> from skseq.alarms import series_table
    >>> series_table([0, 1, 0, 0, 1, 1], groups=list("aaabbb"))[
    ...     ["n_rows", "n_alarms", "time_in_alarm"]
    ... ]
            n_rows  n_alarms  time_in_alarm
    series
    a            3         1       0.333333
    b            3         1       0.666667
    """
    scored = Scored(_rule(rule), score, y_true, time, groups)
    rows = scored.rows
    first = rows.series_starts
    n_series = len(first)
    last = np.append(first[1:], rows.n_rows) - 1
    codes = rows.series_of(np.arange(rows.n_rows))

    def total(values):
        return np.bincount(codes, values, minlength=n_series)

    def count(starts):
        return np.bincount(rows.series_of(starts), minlength=n_series)

    columns = {
        "n_rows": last - first + 1,
        "n_not_judged": total(np.isnan(scored.score)).astype(int),
    }
    if time is not None:
        for name, where in (("start", first), ("end", last)):
            columns[name] = scored.time.iloc[where].array
    columns["peak"] = np.fmax.reduceat(scored.score, first)
    columns["n_alarms"] = count(scored.alarms.starts)
    in_alarm = scored.weights * scored.flags
    columns["time_in_alarm"] = total(in_alarm) / total(scored.weights)
    if y_true is not None:
        events, normal = scored.events, ~scored.y_true
        found = _met(events, scored.alarms)[1] > 0
        false = _met(scored.alarms, events)[1] == 0
        normal_time = total(scored.weights * normal)
        columns |= {
            "n_events": count(events.starts),
            "n_found": count(events.starts[found]),
            "n_false_alarms": count(scored.alarms.starts[false]),
            "false_alarm_share": np.divide(
                total(in_alarm * normal),
                normal_time,
                out=np.full(n_series, np.nan),
                where=normal_time > 0,
            ),
        }
    names = [0] if groups is None else scored.series_of(first).array
    return pd.DataFrame(columns, index=pd.Index(names, name="series"))


def _rule(rule):
    return AlarmRule() if rule is None else rule


def _met(runs, others):
    """Of each run, the first of the others that it meets, and how many it meets."""
    first = np.searchsorted(others.stops, runs.starts, side="right")
    stop = np.searchsorted(others.starts, runs.stops)
    count = np.maximum(stop - first, 0)
    return pd.Series(first, dtype="Int64").mask(count == 0), count


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


def _features(scored, contributions, n_features):
    """Names of the features with the largest mean contribution to each alarm."""
    names = getattr(contributions, "columns", None)
    with named_errors("contributions"):
        values = check_array(
            contributions,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            input_name="contributions",
        )
        check_consistent_length(values, scored.score)
    names = [f"{name}" for name in (range(values.shape[1]) if names is None else names)]
    chosen = []
    for start, stop in zip(*scored.alarms, strict=True):
        rows = values[scored.rows.order[start:stop]]
        seen = ~np.isnan(rows)
        mean = np.where(seen, rows, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        top = np.argsort(-mean, kind="stable")[:n_features]
        chosen.append(", ".join(names[k] for k in top))
    return pd.Series(chosen, dtype=object)
