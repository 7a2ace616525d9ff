# SPDX-License-Identifier: BSD-3-Clause
"""Measures that count events and alarms, not rows."""

from numbers import Real

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from .._sklearn import Interval, Options, StrOptions, validate_params
from .._warnings import warn
from ..rows._events import check_rows
from ..rows._false_rows import false_rows
from ..rows._watched import watched_time

ZERO_DIVISION = [
    Options(Real, {0.0, 1.0}),
    "nan",
    StrOptions({"warn"}),
]


def mean_or(zero_division, values, measure, missing):
    """Mean of values; what ``zero_division`` says where there are none."""
    if len(values):
        return float(np.mean(values))
    if zero_division == "warn":
        warn(
            f"{measure} is ill-defined and being set to 0.0 due to no {missing}. Use "
            "the 'zero_division' parameter to control this behavior.",
            UndefinedMetricWarning,
        )
        return 0.0
    return float(zero_division)


def f_score(precision, recall, beta):
    """Weighted harmonic mean of precision and recall; 0 where both are 0."""
    weight = min(float(beta), 1e100) ** 2  # more cannot be told from recall alone
    weighted = weight * precision + recall
    if weighted == 0:
        return 0.0
    return float((1 + weight) * precision * recall / weighted)


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "beta": [Interval(Real, 0, None, closed="both")],
        "groups": ["array-like", None],
        "time": ["array-like", None],
        "tolerance": "no_validation",
        "zero_division": ZERO_DIVISION,
    },
    prefer_skip_nested_validation=True,
)
def event_precision_recall_fscore_support(
    y_true,
    y_pred,
    *,
    beta=1.0,
    groups=None,
    time=None,
    tolerance="auto",
    zero_division="warn",
):
    """Precision of alarms, recall of events, and their F-beta score.

    An event is a run of consecutive rows labelled 1, an alarm a run of consecutive rows
    predicted 1. Each counts once, however long it is. An event is found if any of its
    rows is flagged [1]_ [2]_. An alarm is right for its part in events: all of it where
    it keeps to them, give or take a tolerance, nothing of it where it meets none. So an
    alarm that never stops is right for the share of the rows that are events.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 or True for the rows of events, 0 or False for the rest, in time order.

    y_pred : array-like of shape (n_samples,)
        1 or True for the rows flagged, 0 or False for the rest.

    beta : float, default=1.0
        Weight of recall against precision in the F-score.

    groups : array-like of shape (n_samples,), default=None
        Series of each row. A run ends with its series. None for a single series.

    time : array-like of shape (n_samples,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.
        The parts of an alarm are then weighed by time. None for rows.

    tolerance : int, str, pandas.Timedelta, datetime.timedelta, float or "auto", \
            default="auto"
        How far an alarm that meets an event may reach beyond it without being less
        right, on each side: an int is a number of rows, all else a duration, which
        needs ``time``. "auto" is the median length of the events in rows, but at most
        what excuses 10% of the normal rows, both sides of all events together, the
        budget of the Numenta Anomaly Benchmark [3]_. Alarms on windows go on for up to
        ``window_size - 1`` rows after an event: give that where events are shorter.

    zero_division : {"warn", 0.0, 1.0, nan}, default="warn"
        Precision where there is no alarm, and recall where there is no event. "warn"
        is 0 with a warning.

    Returns
    -------
    precision : float
        Mean over the alarms of the part that is right: of the rows in events and those
        that are false, the share in events.

    recall : float
        Share of the events that are found.

    fscore : float
        Weighted harmonic mean of both.

    support : int
        Number of events.

    See Also
    --------
    detection_delay : How soon events are found.
    false_alarm_rate : How often an alarm is wrong.
    false_alarm_share : Share of the normal time that is in alarm.
    sklearn.metrics.precision_recall_fscore_support : The same of rows.

    Notes
    -----
    In [1]_ several right alarms on one event count once for precision; here each
    counts, so that precision is how far the alarms were worth a look.

    References
    ----------
    .. [1] K. Hundman, V. Constantinou, C. Laporte, I. Colwell, T. Soderstrom,
       "Detecting spacecraft anomalies using LSTMs and nonparametric dynamic
       thresholding", KDD 2018.

    .. [2] N. Tatbul, T. J. Lee, S. Zdonik, M. Alam, J. Gottschlich, "Precision and
       recall for time series", NeurIPS 2018.

    .. [3] A. Lavin, S. Ahmad, "Evaluating real-time anomaly detection algorithms: the
       Numenta Anomaly Benchmark", ICMLA 2015.

    Examples
    --------
    >>> from skseq.metrics import event_precision_recall_fscore_support
    >>> y_true = [0, 1, 1, 1, 0, 0, 0, 1, 0]
    >>> y_pred = [0, 0, 1, 0, 0, 1, 0, 0, 0]
    >>> event_precision_recall_fscore_support(y_true, y_pred)
    (0.5, 0.5, 0.5, 2)

    An alarm that never stops finds everything, and is right for a tenth:

    >>> import numpy as np
    >>> y_true = np.arange(100) // 10 == 4
    >>> precision, recall, _, _ = event_precision_recall_fscore_support(
    ...     y_true, np.ones(100), tolerance=0
    ... )
    >>> precision, recall
    (0.1, 1.0)
    """
    y_true, y_pred, rows = check_rows(y_true, y_pred, groups)
    weights, time, as_duration = watched_time(time, None, rows)
    false = false_rows(y_true, y_pred, rows, tolerance, time, as_duration)
    events, alarms = rows.runs(y_true), rows.runs(y_pred)
    in_events, beyond = (alarms.total(weights * flags) for flags in (y_true, false))
    # Rows of equal times stand for no time at all: each counts the same there.
    empty = in_events + beyond == 0
    in_events[empty] = alarms.count(y_true)[empty]
    beyond[empty] = alarms.count(false)[empty]
    right = in_events / (in_events + beyond)
    precision = mean_or(zero_division, right, "Precision", "alarms")
    found = events.count(y_pred) > 0
    recall = mean_or(zero_division, found, "Recall", "events")
    return precision, recall, f_score(precision, recall, beta), len(events)
