# SPDX-License-Identifier: BSD-3-Clause
"""How soon an event is found, and how often an alarm is wrong."""

from numbers import Integral

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils._param_validation import Interval, validate_params

from .._warnings import warn
from ..rows._events import check_rows
from ..rows._time import number_duration, ordered_time


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "groups": ["array-like", None],
        "within": [Interval(Integral, 0, None, closed="left"), None],
    },
    prefer_skip_nested_validation=True,
)
def detection_delay(y_true, y_pred, *, groups=None, within=None):
    """Median rows from the start of an event to its first alarm, and share found.

    An event is a run of consecutive rows labelled 1. It is found by the first flagged
    row at or after its start, in time: up to its last row, or up to ``within`` rows
    after its start. An alarm that is on already when the event starts finds it at once.

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

    within : int, default=None
        Rows after the start of an event in which an alarm finds it, even if the event
        is over by then, but not if the next one has started. None for the last row of
        the event.

    Returns
    -------
    delay : float
        Median over the events found, in rows: 0 for an alarm in the first row. NaN,
        with a warning, where none is found.

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
    """
    y_true, y_pred, rows = check_rows(y_true, y_pred, groups)
    events = rows.runs(y_true)
    if not len(events):
        _warn_undefined("Detection delay is", "y_true holds no event")
        return np.nan, np.nan
    _, series_stops = rows.series_bounds(events.starts)
    if within is None:
        limits = events.stops
    else:
        next_starts = np.append(events.starts[1:], rows.n_rows)
        within = min(within, rows.n_rows)
        limits = np.minimum(events.starts + within + 1, next_starts)
    limits = np.minimum(limits, series_stops)
    flagged = np.append(np.flatnonzero(y_pred), rows.n_rows)
    first = flagged[np.searchsorted(flagged, events.starts)]
    found = first < limits
    if not found.any():
        _warn_undefined("The median detection delay is", "no event is found in time")
        return np.nan, 0.0
    return float(np.median((first - events.starts)[found])), float(found.mean())


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
    },
    prefer_skip_nested_validation=True,
)
def false_alarms_per(y_true, y_pred, *, time=None, per=None, max_gap=None, groups=None):
    """Rate of false alarms: in a day, or in 1,000 rows.

    An alarm is a run of consecutive rows predicted 1, and a false one if none of its
    rows lies in an event. It counts once, however long it is: someone is sent out once.

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
    event_precision_recall_fscore_support : The share of alarms that are right.

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
    >>> from skseq.metrics import false_alarms_per
    >>> y_true = [0, 1, 1, 1, 0, 0, 0, 0]
    >>> y_pred = [0, 0, 0, 1, 1, 0, 1, 1]
    >>> false_alarms_per(y_true, y_pred)
    125.0
    >>> time = pd.date_range("2026-03-01", periods=8, freq="3h")
    >>> false_alarms_per(y_true, y_pred, time=time)
    1.0
    """
    y_true, y_pred, rows = check_rows(y_true, y_pred, groups)
    alarms = rows.runs(y_pred)
    n_false = int((alarms.count(y_true) == 0).sum())
    if time is None:
        if max_gap is not None:
            raise ValueError(
                f"The 'max_gap' parameter is {max_gap!r}, but 'time' is None. Give the "
                "time of each row in 'time'."
            )
        per = number_duration(1000 if per is None else per, "per")
        return n_false * per / rows.n_rows
    time, as_duration = ordered_time(time, rows)
    if per is None and as_duration is number_duration:
        raise ValueError(
            "The 'per' parameter is None, but 'time' holds numbers. Give 'per' in "
            "their unit."
        )
    per = as_duration("1D" if per is None else per, "per")
    max_gap = np.inf if max_gap is None else as_duration(max_gap, "max_gap")
    return float(n_false * per / _watched(time, rows, max_gap))


def _watched(time, rows, max_gap):
    """Time that the rows of all series stand for."""
    steps = np.diff(time).astype(np.float64)
    within = np.ones(len(steps), dtype=bool)
    within[rows.series_starts[1:] - 1] = False
    steps = np.minimum(steps[within], max_gap)
    last = np.median(steps) if len(steps) else 0.0
    watched = steps.sum() + last * len(rows.series_starts)
    if watched > 0:
        return watched
    raise ValueError(
        "'time' does not last: no series has two rows of different times. Count per "
        "rows, without 'time'."
    )
