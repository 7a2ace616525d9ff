# SPDX-License-Identifier: BSD-3-Clause
"""Labels that ask for a warning before the event."""

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from .._sklearn import validate_params
from .._validation import named_errors
from ..rows._events import OrderedRows
from ..rows._series import group_order
from ..rows._time import ordered_time, span


@validate_params(
    {
        "y": ["array-like"],
        "horizon": "no_validation",
        "groups": ["array-like", None],
        "time": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def early_warning_labels(y, horizon, *, groups=None, time=None):
    """Label the rows before an event, and leave the event out.

    The rows up to ``horizon`` before an event of the same series become positive. The
    rows of the event itself are not to be kept: a model that is to warn must not learn
    to detect what has already happened.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        1 (or True) in the rows of events, 0 elsewhere, in time order.

    horizon : int, str, pandas.Timedelta, datetime.timedelta or float
        How long before an event a warning is wanted. An int is a number of rows, all
        else a duration, such as ``"30min"``, which needs ``time``; a row that lies just
        as long before the first row of the event is labelled.

    groups : array-like of shape (n_rows,), default=None
        Series of each row. None for a single series.

    time : array-like of shape (n_rows,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.

    Returns
    -------
    labels : ndarray of int of shape (n_rows,)
        1 in the rows up to ``horizon`` before an event, 0 elsewhere.

    keep : ndarray of bool of shape (n_rows,)
        False in the rows of events.

    Raises
    ------
    ValueError
        If ``y`` holds anything but 0 and 1, or ``time`` decreases within a series.

    See Also
    --------
    labels_from_intervals : Labels of rows from a log of intervals.

    Notes
    -----
    Make the windows of all rows first and select windows with ``keep`` afterwards; to
    drop rows before windowing would join rows that are not neighbours.

    References
    ----------
    .. [1] C. Ranjan, M. Reddy, M. Mustonen, K. Paynabar and K. Pourak, "Dataset: rare
       event classification in multivariate time series", 2018, arXiv:1809.10717, which
       shifts the labels of sheet breaks for early prediction.

    Examples
    --------
    >>> from skseq import early_warning_labels
    >>> labels, keep = early_warning_labels([0, 0, 0, 1, 1, 0], horizon=2)
    >>> labels
    array([0, 1, 1, 0, 0, 0])
    >>> keep
    array([ True,  True,  True, False, False,  True])

    By the clock, of rows that come every 5 minutes:

    >>> import pandas as pd
    >>> time = pd.date_range("2026-03-01", periods=6, freq="5min")
    >>> early_warning_labels([0, 0, 0, 1, 1, 0], "10min", time=time)[0]
    array([0, 1, 1, 0, 0, 0])
    """
    with named_errors("y"):
        y = column_or_1d(y)
        wrong = np.flatnonzero(~np.isin(y, (0, 1)))
    if len(wrong):
        raise ValueError(
            "'y' must hold 1 in the rows of events and 0 elsewhere. Got "
            f"{y.tolist()[wrong[0]]!r} in row {wrong[0]}."
        )
    check_consistent_length(y, groups)
    rows = OrderedRows(*group_order(groups, len(y)))
    clock = (None, None) if time is None else ordered_time(time, rows)
    horizon, places = span(horizon, "horizon", rows, *clock, least=1)
    event = y.astype(bool)
    event_rows = np.flatnonzero(event[rows.order])
    # The next event at or after each row, as a position in the table of all series.
    following = np.searchsorted(event_rows, np.arange(len(y)))
    reachable = np.flatnonzero(following < len(event_rows))
    next_event = event_rows[following[reachable]]
    near = places[next_event] - places[reachable] <= horizon
    near &= rows.series_of(next_event) == rows.series_of(reachable)
    labels = np.zeros(len(y), dtype=int)
    labels[rows.order[reachable]] = near
    labels[event] = 0
    return labels, ~event
