# SPDX-License-Identifier: BSD-3-Clause
"""Measures that count events and alarms, not rows."""

from numbers import Real

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    validate_params,
)

from .._warnings import warn
from ..rows._events import check_rows

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
        "min_overlap": [Interval(Real, 0, 1, closed="both")],
        "zero_division": ZERO_DIVISION,
    },
    prefer_skip_nested_validation=True,
)
def event_precision_recall_fscore_support(
    y_true, y_pred, *, beta=1.0, groups=None, min_overlap=0.0, zero_division="warn"
):
    """Precision of alarms, recall of events, and their F-beta score.

    An event is a run of consecutive rows labelled 1, an alarm a run of consecutive rows
    predicted 1. Each counts once, however long it is: an event is found if any of its
    rows is flagged, an alarm is right if any of its rows lies in an event [1]_ [2]_.

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

    min_overlap : float, default=0.0
        Least share of an alarm's rows that must lie in events for it to be right, in
        [0, 1]. At 0 any row will do, so that a single alarm over all rows has a
        precision and a recall of 1: see :func:`affiliation_precision_recall` for a
        measure that such an alarm does not fool.

    zero_division : {"warn", 0.0, 1.0, nan}, default="warn"
        Precision where there is no alarm, and recall where there is no event. "warn"
        is 0 with a warning.

    Returns
    -------
    precision : float
        Share of the alarms that are right.

    recall : float
        Share of the events that are found.

    fscore : float
        Weighted harmonic mean of both.

    support : int
        Number of events.

    See Also
    --------
    detection_delay : How soon events are found.
    false_alarms_per : How often an alarm is wrong.
    sklearn.metrics.precision_recall_fscore_support : The same of rows.

    Notes
    -----
    In [1]_ several right alarms on one event count once for precision; here each
    counts, so that precision is the share of the alarms that were worth a look.

    References
    ----------
    .. [1] K. Hundman, V. Constantinou, C. Laporte, I. Colwell, T. Soderstrom,
       "Detecting spacecraft anomalies using LSTMs and nonparametric dynamic
       thresholding", KDD 2018.

    .. [2] N. Tatbul, T. J. Lee, S. Zdonik, M. Alam, J. Gottschlich, "Precision and
       recall for time series", NeurIPS 2018.

    Examples
    --------
    >>> from skseq.metrics import event_precision_recall_fscore_support
    >>> y_true = [0, 1, 1, 1, 0, 0, 0, 1, 0]
    >>> y_pred = [0, 0, 1, 0, 0, 1, 0, 0, 0]
    >>> event_precision_recall_fscore_support(y_true, y_pred)
    (0.5, 0.5, 0.5, 2)
    """
    y_true, y_pred, rows = check_rows(y_true, y_pred, groups)
    events, alarms = rows.runs(y_true), rows.runs(y_pred)
    in_events = alarms.count(y_true) / (alarms.stops - alarms.starts)
    right = (in_events > 0) & (in_events >= min_overlap)
    precision = mean_or(zero_division, right, "Precision", "alarms")
    found = events.count(y_pred) > 0
    recall = mean_or(zero_division, found, "Recall", "events")
    return precision, recall, f_score(precision, recall, beta), len(events)
