# SPDX-License-Identifier: BSD-3-Clause
"""How much of the time is in alarm."""

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from .._sklearn import validate_params
from .._warnings import warn
from ..rows._events import OrderedRows, check_rows, event_labels
from ..rows._series import group_order
from ..rows._watched import watched_time


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "time": ["array-like", None],
        "groups": ["array-like", None],
        "max_gap": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def false_alarm_share(y_true, y_pred, *, time=None, groups=None, max_gap=None):
    """Share of the normal time that is in alarm.

    Of the rows outside the events, those that are flagged: the false positive rate of
    rows, or of their time. It is 1 for an alarm that never stops, however many events
    that one meets, and so belongs beside every count of alarms.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 or True for the rows of events, 0 or False for the rest, in time order.

    y_pred : array-like of shape (n_samples,)
        1 or True for the rows flagged, 0 or False for the rest.

    time : array-like of shape (n_samples,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.
        A row stands for the time until the next row of its series, the last one for the
        median of these steps. None to count rows.

    groups : array-like of shape (n_samples,), default=None
        Series of each row. None for a single series.

    max_gap : str, pandas.Timedelta, datetime.timedelta or float, default=None
        Longest time that a row stands for, as in :func:`false_alarm_rate`. Needs
        ``time``.

    Returns
    -------
    share : float
        In [0, 1]. NaN, with a warning, where no time is normal.

    Raises
    ------
    ValueError
        If ``time`` decreases within a series or does not last, or does not go with
        ``max_gap``.

    See Also
    --------
    time_in_alarm : The same of all time, for which no labels are needed.
    false_alarm_rate : How often, rather than how long.

    Notes
    -----
    No row beside an event is excused here. A row that is flagged at random is as likely
    to count as any other, so the share is that of the rows flagged [1]_.

    References
    ----------
    .. [1] T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters
       27(8), 2006.

    Examples
    --------
    >>> from skseq.metrics import false_alarm_share
    >>> y_true = [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    >>> false_alarm_share(y_true, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
    0.25
    >>> false_alarm_share(y_true, [1] * 10)
    1.0
    """
    y_true, y_pred, rows = check_rows(y_true, y_pred, groups)
    weights, *_ = watched_time(time, max_gap, rows)
    normal = weights[~y_true].sum()
    if normal == 0:
        warn(
            "The share of false alarms is undefined and set to NaN: y_true leaves no "
            "normal time.",
            UndefinedMetricWarning,
        )
        return np.nan
    return float(weights[y_pred & ~y_true].sum() / normal)


@validate_params(
    {
        "y_pred": ["array-like"],
        "time": ["array-like", None],
        "groups": ["array-like", None],
        "max_gap": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def time_in_alarm(y_pred, *, time=None, groups=None, max_gap=None):
    """Share of all time that is in alarm.

    As :func:`false_alarm_share`, of all rows: no labels are needed.

    Parameters
    ----------
    y_pred : array-like of shape (n_samples,)
        1 or True for the rows flagged, 0 or False for the rest, in time order.

    time : array-like of shape (n_samples,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.
        A row stands for the time until the next row of its series, the last one for the
        median of these steps. None to count rows.

    groups : array-like of shape (n_samples,), default=None
        Series of each row. None for a single series.

    max_gap : str, pandas.Timedelta, datetime.timedelta or float, default=None
        Longest time that a row stands for, as in :func:`false_alarm_rate`. Needs
        ``time``.

    Returns
    -------
    share : float
        In [0, 1].

    Raises
    ------
    ValueError
        If ``time`` decreases within a series or does not last, or does not go with
        ``max_gap``.

    See Also
    --------
    false_alarm_share : The same of the time outside events.

    Examples
    --------
    >>> import pandas as pd
    >>> from skseq.metrics import time_in_alarm
    >>> time = pd.to_datetime(["2026-03-01 00:00", "2026-03-01 01:00",
    ...                        "2026-03-01 04:00", "2026-03-01 05:00"])
    >>> time_in_alarm([0, 1, 0, 0])
    0.25
    >>> time_in_alarm([0, 1, 0, 0], time=time)
    0.5
    """
    flagged = event_labels(y_pred, "y_pred").astype(bool)
    rows = OrderedRows(*group_order(groups, len(flagged)))
    weights, *_ = watched_time(time, max_gap, rows)
    return float(weights[flagged[rows.order]].sum() / weights.sum())
