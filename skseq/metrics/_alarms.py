# SPDX-License-Identifier: BSD-3-Clause
"""How soon an event is found, and how often an alarm is wrong."""

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning

from .._sklearn import validate_params
from .._warnings import warn
from ..rows._events import check_rows
from ..rows._false_rows import false_rows
from ..rows._time import number_duration, ordered_time, span
from ..rows._watched import watched_time


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "groups": ["array-like", None],
        "time": ["array-like", None],
        "within": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def detection_delay(y_true, y_pred, *, groups=None, time=None, within=None):
    """Median delay from the start of an event to its first alarm, and share found.

    An event is a run of consecutive rows labelled 1. It is found by the first flagged
    row at or after its start, in time: up to its last row, or no later than ``within``
    after its start. An alarm that is on already when the event starts finds it at once:
    so does one that never stops, which :func:`false_alarm_share` tells.

    Both figures belong together: a detector that finds the easy events only has a short
    delay.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 or True for the rows of events, 0 or False for the rest, in time order.

    y_pred : array-like of shape (n_samples,)
        1 or True for the rows flagged, 0 or False for the rest.

    groups : array-like of shape (n_samples,), default=None
        Series of each row. None for a single series.

    time : array-like of shape (n_samples,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.
        None for delays in rows.

    within : int, str, pandas.Timedelta, datetime.timedelta or float, default=None
        How long after the start of an event an alarm finds it, even if the event is
        over by then, but not if the next one has started. An int is a number of rows,
        all else a duration, which needs ``time``. None for the last row of the event.

    Returns
    -------
    delay : float or pandas.Timedelta
        Median over the events found: 0 for an alarm in the first row. In rows; where
        ``time`` is given, in its unit, a Timedelta for datetimes. NaN (NaT), with a
        warning, where none is found.

    found : float
        Share of the events that are found in time. NaN, with a warning, where there is
        no event.

    See Also
    --------
    event_precision_recall_fscore_support : Precision and recall of events.

    References
    ----------
    .. [1] A. Lavin, S. Ahmad, "Evaluating real-time anomaly detection algorithms: the
       Numenta Anomaly Benchmark", ICMLA 2015.

    .. [2] K. Doshi, S. Abudalou, Y. Yilmaz, "Reward once, penalize once: rectifying
       time series anomaly detection", IJCNN 2022.

    Examples
    --------
    >>> from skseq.metrics import detection_delay
    >>> y_true = [0, 1, 1, 1, 0, 0, 0, 1, 0]
    >>> y_pred = [0, 0, 0, 1, 0, 0, 0, 0, 1]
    >>> detection_delay(y_true, y_pred)
    (2.0, 0.5)
    >>> detection_delay(y_true, y_pred, within=1)
    (1.0, 0.5)
    >>> import pandas as pd
    >>> time = pd.date_range("2026-03-01", periods=9, freq="5min")
    >>> detection_delay(y_true, y_pred, time=time)
    (Timedelta('0 days 00:10:00'), 0.5)
    """
    y_true, y_pred, rows = check_rows(y_true, y_pred, groups)
    events = rows.runs(y_true)
    places, as_duration = (None, None) if time is None else ordered_time(time, rows)
    if within is not None:
        within, steps = span(within, "within", rows, places, as_duration)
    in_time = as_duration not in (None, number_duration)
    undefined = pd.NaT if in_time else np.nan
    if not len(events):
        _warn_undefined("Detection delay is", "y_true holds no event")
        return undefined, np.nan
    _, limits = rows.series_bounds(events.starts)
    next_starts = np.append(events.starts[1:], rows.n_rows)
    limits = np.minimum(limits, events.stops if within is None else next_starts)
    flagged = np.append(np.flatnonzero(y_pred), rows.n_rows)
    first = flagged[np.searchsorted(flagged, events.starts)]
    found = first < limits
    first, starts = first[found], events.starts[found]
    if within is not None:
        soon = steps[first] - steps[starts] <= within
        found[found] = soon
        first, starts = first[soon], starts[soon]
    if not len(first):
        _warn_undefined("The median detection delay is", "no event is found in time")
        return undefined, 0.0
    places = np.arange(rows.n_rows) if places is None else places
    delay = float(np.median(places[first] - places[starts]))
    delay = pd.Timedelta(round(delay), unit="ns") if in_time else delay
    return delay, float(found.mean())


def _warn_undefined(measure, reason):
    warn(
        f"{measure} undefined and set to NaN: {reason}.",
        UndefinedMetricWarning,
    )


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "time": ["array-like", None],
        "per": "no_validation",
        "max_gap": "no_validation",
        "groups": ["array-like", None],
        "tolerance": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def false_alarm_rate(
    y_true,
    y_pred,
    *,
    time=None,
    per=None,
    max_gap=None,
    groups=None,
    tolerance="auto",
):
    """Rate of false alarms: in a day, or in 1,000 rows.

    An alarm is a run of consecutive rows predicted 1. One that meets no event is false;
    of one that does, each stretch that lies outside of the events, give or take a
    tolerance, is a false alarm of its own, so an alarm that never stops is false
    between every two events. Each counts once, however long it is: someone is sent out
    once. How much of the time is in alarm :func:`false_alarm_share` tells.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 or True for the rows of events, 0 or False for the rest, in time order.

    y_pred : array-like of shape (n_samples,)
        1 or True for the rows flagged, 0 or False for the rest.

    time : array-like of shape (n_samples,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.

    per : str, pandas.Timedelta, datetime.timedelta or float, default=None
        What the rate is counted in: a duration such as ``"1h"`` where ``time`` holds
        datetimes, a number in its unit where it holds numbers, a number of rows without
        ``time``. None for a day, or for 1,000 rows; numeric times have no such default.

    max_gap : str, pandas.Timedelta, datetime.timedelta or float, default=None
        Longest time between two rows in which the process was watched: a longer pause
        counts as this long. None for no limit. Needs ``time``.

    groups : array-like of shape (n_samples,), default=None
        Series of each row. Rates are over all series together: two machines watched
        for a day are two days. None for a single series.

    tolerance : int, str, pandas.Timedelta, datetime.timedelta, float or "auto", \
            default="auto"
        How far an alarm that meets an event may reach beyond it, on each side: an int
        is a number of rows, all else a duration, which needs ``time``. "auto" as in
        :func:`event_precision_recall_fscore_support`.

    Returns
    -------
    rate : float
        False alarms in the rows or the time given by ``per``.

    Raises
    ------
    ValueError
        If ``time`` decreases within a series or does not last, or does not go with
        ``per`` or ``max_gap``.

    See Also
    --------
    event_precision_recall_fscore_support : How far alarms are right.
    false_alarm_share : Share of the normal time that is in alarm.

    Notes
    -----
    A row stands for the time until the next row of its series, the last one for the
    median of these steps.

    References
    ----------
    .. [1] K. Doshi, S. Abudalou, Y. Yilmaz, "Reward once, penalize once: rectifying
       time series anomaly detection", IJCNN 2022.

    Examples
    --------
    >>> import pandas as pd
    >>> from skseq.metrics import false_alarm_rate
    >>> y_true = [0, 1, 1, 1, 0, 0, 0, 0]
    >>> y_pred = [0, 0, 0, 1, 1, 0, 1, 1]
    >>> false_alarm_rate(y_true, y_pred, tolerance=1)
    125.0
    >>> time = pd.date_range("2026-03-01", periods=8, freq="3h")
    >>> false_alarm_rate(y_true, y_pred, time=time, tolerance="3h")
    1.0
    >>> always = [1] * 8
    >>> false_alarm_rate(y_true, always, time=time, tolerance="3h")
    1.0
    """
    y_true, y_pred, rows = check_rows(y_true, y_pred, groups)
    weights, time, as_duration = watched_time(time, max_gap, rows)
    false = false_rows(y_true, y_pred, rows, tolerance, time, as_duration)
    if per is None and time is not None and as_duration is number_duration:
        raise ValueError(
            "The 'per' parameter is None, but 'time' holds numbers. Give 'per' in "
            "their unit."
        )
    default = 1000 if time is None else "1D"
    per = as_duration(default if per is None else per, "per")
    return float(len(rows.runs(false)) * per / weights.sum())
