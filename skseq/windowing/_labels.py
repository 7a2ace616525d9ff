# SPDX-License-Identifier: BSD-3-Clause
"""Labels that ask for a warning before the event."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, validate_params

from .._validation import named_errors
from ..rows._series import series_codes


@validate_params(
    {
        "y": ["array-like"],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "groups": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def early_warning_labels(y, horizon, *, groups=None):
    """Label the rows before an event, and leave the event out.

    The ``horizon`` rows before an event of the same series become positive. The rows of
    the event itself are not to be kept: a model that is to warn must not learn to
    detect what has already happened.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        1 (or True) in the rows of events, 0 elsewhere, in time order.

    horizon : int
        Number of rows before an event in which a warning is wanted.

    groups : array-like of shape (n_rows,), default=None
        Series of each row. None for a single series.

    Returns
    -------
    labels : ndarray of int of shape (n_rows,)
        1 in the ``horizon`` rows before an event, 0 elsewhere.

    keep : ndarray of bool of shape (n_rows,)
        False in the rows of events.

    Raises
    ------
    ValueError
        If ``y`` holds anything but 0 and 1.

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
    """
    with named_errors("y"):
        y = column_or_1d(y)
        wrong = np.flatnonzero(~np.isin(y, (0, 1)))
    if len(wrong):
        raise ValueError(
            "'y' must hold 1 in the rows of events and 0 elsewhere. Got "
            f"{y.tolist()[wrong[0]]!r} in row {wrong[0]}."
        )
    event = y.astype(bool)
    codes = np.zeros(len(y), dtype=int)
    if groups is not None:
        with named_errors("groups"):
            groups = pd.Series(column_or_1d(groups))
        check_consistent_length(y, groups)
        codes = series_codes([groups], "groups")
    order = np.argsort(codes, kind="stable")
    event_rows = np.flatnonzero(event[order])
    # The next event at or after each row, as a position in the table of all series.
    following = np.searchsorted(event_rows, np.arange(len(y)))
    reachable = following < len(event_rows)
    next_event = event_rows[following[reachable]]
    near = next_event - np.flatnonzero(reachable) <= horizon
    same = codes[order][next_event] == codes[order][reachable]
    labels = np.zeros(len(y), dtype=int)
    labels[order[reachable]] = near & same
    labels[event] = 0
    return labels, ~event
