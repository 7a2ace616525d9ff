# SPDX-License-Identifier: BSD-3-Clause
"""Point-adjusted F1, with the warning that it needs."""

import numpy as np
from sklearn.metrics import f1_score

from .._sklearn import validate_params
from .._warnings import warn
from ..rows._events import check_rows


class PointAdjustmentWarning(UserWarning):
    """Point adjustment gives high scores to alarms at random."""

    __module__ = "skseq.metrics"


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "groups": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def point_adjusted_f1_score(y_true, y_pred, *, groups=None):
    """F1 of rows after one alarm in an event has filled the whole of it.

    For comparison with published figures only: of a long event one row in many is
    enough, so that alarms at random reach high scores, often higher than published
    methods [1]_. Every call warns, with the score of random alarms on these labels.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 or True for the rows of events, 0 or False for the rest, in time order.

    y_pred : array-like of shape (n_samples,)
        1 or True for the rows flagged, 0 or False for the rest.

    groups : array-like of shape (n_samples,), default=None
        Series of each row. An event ends with its series. None for a single series.

    Returns
    -------
    score : float
        In [0, 1]; 0 where no row is flagged.

    Warns
    -----
    PointAdjustmentWarning
        Always.

    See Also
    --------
    event_precision_recall_fscore_support : Events and alarms count once each.
    affiliation_precision_recall : A measure that puts random alarms at about 0.5.
    vus_pr_score : A measure that needs no threshold.

    References
    ----------
    .. [1] S. Kim, K. Choi, H.-S. Choi, B. Lee, S. Yoon, "Towards a rigorous evaluation
       of time-series anomaly detection", AAAI 2022.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from skseq.metrics import PointAdjustmentWarning, point_adjusted_f1_score
    >>> y_true = np.arange(1000) // 100 == 3
    >>> one_row_in_fifty = np.arange(1000) % 50 == 0
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", PointAdjustmentWarning)
    ...     round(point_adjusted_f1_score(y_true, one_row_in_fifty), 3)
    0.917
    """
    y_true, y_pred, rows = check_rows(y_true, y_pred, groups)
    events = rows.runs(y_true)
    lengths = events.stops - events.starts
    random, rate = _best_random_f1(lengths, rows.n_rows)
    warn(
        "Point adjustment rewards chance: on these labels, flagging rows at random, "
        f"{rate:.2g} of them, reaches a point-adjusted F1 of {random:.2f}. Use "
        "event_precision_recall_fscore_support, affiliation_precision_recall or "
        "vus_pr_score to judge a detector.",
        PointAdjustmentWarning,
    )
    adjusted = y_pred.copy()
    flags = np.repeat(events.count(y_pred) > 0, lengths)
    adjusted[y_true] = flags
    return float(f1_score(y_true, adjusted, zero_division=0.0))


def _best_random_f1(lengths, n_rows):
    """F1 of the expected counts of random alarms at the best rate, and that rate."""
    n_positive = lengths.sum()
    rates = np.logspace(-6, 0, 601)
    # Events are many and their lengths are few.
    lengths, counts = np.unique(lengths, return_counts=True)
    missed = (1 - rates[:, np.newaxis]) ** lengths
    tp = (1 - missed) @ (lengths * counts)
    fp = rates * (n_rows - n_positive)
    f1 = 2 * tp / (tp + fp + n_positive)
    best = np.argmax(f1)
    return f1[best], rates[best]
