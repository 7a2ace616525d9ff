# SPDX-License-Identifier: BSD-3-Clause
"""Volume under the surface: range-aware AUC over all lengths of tolerance."""

from numbers import Integral

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from .._sklearn import Interval, StrOptions, validate_params
from .._warnings import warn
from ..rows._events import check_rows, event_scores

_TSB_AD_THRESHOLDS = 250

_PARAMETERS = {
    "y_true": ["array-like"],
    "y_score": ["array-like"],
    "max_window": [Interval(Integral, 0, None, closed="left")],
    "n_thresholds": [Interval(Integral, 2, None, closed="left"), None],
    "groups": ["array-like", None],
    "variant": [StrOptions({"paper", "tsb-ad"})],
}


@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def vus_roc_score(
    y_true,
    y_score,
    *,
    max_window=100,
    n_thresholds=None,
    groups=None,
    variant="paper",
):
    """Volume under the surface of ROC curves, over all lengths of tolerance.

    For each ``window`` from 0 to ``max_window``, labels reach ``window // 2`` rows
    beyond both ends of an event, falling off, so that an alarm a little early or late
    counts in part; and the true positive rate is multiplied by the share of the events
    found at all. The score is the mean over ``window`` of the area under the ROC curve
    [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 or True for the rows of events, 0 or False for the rest, in time order.

    y_score : array-like of shape (n_samples,)
        Scores, higher for events. Rows with NaN, which were not judged, are left out,
        with a warning that counts them.

    max_window : int, default=100
        Longest tolerance, in rows. Authors take the period of the series, or 100.

    n_thresholds : int, default=None
        Number of thresholds, at equally spaced ranks of the scores. Of the 250 that the
        authors' code takes, few lie among the highest scores if events are rare. None
        for every distinct score, and for 250 in the variant "tsb-ad".

    groups : array-like of shape (n_samples,), default=None
        Series of each row. Tolerance ends with its series. None for a single series.

    variant : {"paper", "tsb-ad"}, default="paper"
        - "paper": as defined in [1]_. The rows beside an event are positive, in part,
          whether they are flagged or not.
        - "tsb-ad": as in the code of the leaderboard of [2]_, to compare with its
          figures. The rows beside an event are positive only where they are flagged.
          Give the period of the series as ``max_window``, as it does.

    Returns
    -------
    score : float
        In [0, 1]. NaN, with a warning, where all rows have one label.

    See Also
    --------
    vus_pr_score : The same for precision-recall curves; prefer it for rare events.
    sklearn.metrics.roc_auc_score : The area for single rows.

    References
    ----------
    .. [1] J. Paparrizos, P. Boniol, T. Palpanas, R. S. Tsay, A. Elmore,
       M. J. Franklin, "Volume under the surface: a new accuracy evaluation measure for
       time-series anomaly detection", PVLDB 15(11), 2022.

    .. [2] Q. Liu, J. Paparrizos, "The elephant in the room: towards a reliable
       time-series anomaly detection benchmark", NeurIPS Datasets and Benchmarks, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.metrics import vus_roc_score
    >>> y_true = np.arange(50) // 10 == 2
    >>> two_rows_late = np.roll(y_true, 2).astype(float)
    >>> round(vus_roc_score(y_true, two_rows_late, max_window=8), 3)
    0.892
    """
    return _volume("roc", y_true, y_score, max_window, n_thresholds, groups, variant)


@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def vus_pr_score(
    y_true,
    y_score,
    *,
    max_window=100,
    n_thresholds=None,
    groups=None,
    variant="paper",
):
    """Volume under the surface of precision-recall curves, over lengths of tolerance.

    As :func:`vus_roc_score`, with precision in the place of the false positive rate
    [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 or True for the rows of events, 0 or False for the rest, in time order.

    y_score : array-like of shape (n_samples,)
        Scores, higher for events. Rows with NaN, which were not judged, are left out,
        with a warning that counts them.

    max_window : int, default=100
        Longest tolerance, in rows. Authors take the period of the series, or 100.

    n_thresholds : int, default=None
        Number of thresholds, at equally spaced ranks of the scores. Of the 250 that the
        authors' code takes, few lie among the highest scores if events are rare. None
        for every distinct score, and for 250 in the variant "tsb-ad".

    groups : array-like of shape (n_samples,), default=None
        Series of each row. Tolerance ends with its series. None for a single series.

    variant : {"paper", "tsb-ad"}, default="paper"
        - "paper": as defined in [1]_. The rows beside an event are positive, in part,
          whether they are flagged or not.
        - "tsb-ad": as in the code of the leaderboard of [2]_, to compare with its
          figures. The rows beside an event are positive only where they are flagged,
          and precision is summed in steps, not by the trapezoidal rule. Give the period
          of the series as ``max_window``, as it does.

    Returns
    -------
    score : float
        In [0, 1]. NaN, with a warning, where all rows have one label.

    See Also
    --------
    vus_roc_score : The same for ROC curves, with the definition in words.
    sklearn.metrics.average_precision_score : A similar area for single rows.

    References
    ----------
    .. [1] J. Paparrizos, P. Boniol, T. Palpanas, R. S. Tsay, A. Elmore,
       M. J. Franklin, "Volume under the surface: a new accuracy evaluation measure for
       time-series anomaly detection", PVLDB 15(11), 2022.

    .. [2] Q. Liu, J. Paparrizos, "The elephant in the room: towards a reliable
       time-series anomaly detection benchmark", NeurIPS Datasets and Benchmarks, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.metrics import vus_pr_score
    >>> y_true = np.arange(50) // 10 == 2
    >>> two_rows_late = np.roll(y_true, 2).astype(float)
    >>> round(vus_pr_score(y_true, two_rows_late, max_window=8), 3)
    0.881
    """
    return _volume("pr", y_true, y_score, max_window, n_thresholds, groups, variant)


def _volume(curve, y_true, y_score, max_window, n_thresholds, groups, variant):
    """Mean over the windows of the area under one kind of curve."""
    y_true, y_score, rows = check_rows(y_true, y_score, groups, check=event_scores)
    if max_window > max(2 * rows.n_rows, 100):
        raise ValueError(
            f"The 'max_window' parameter is {max_window}, more than twice the "
            f"{rows.n_rows} rows: so long a tolerance tells nothing. Lower it."
        )
    if y_true.all() or not y_true.any():
        warn(
            "Only one class is present in y_true. The volume under the surface is not "
            "defined and set to NaN.",
            UndefinedMetricWarning,
        )
        return np.nan
    events = _Events(y_true, rows, variant)
    if n_thresholds is None and variant == "tsb-ad":
        n_thresholds = _TSB_AD_THRESHOLDS
    order = np.argsort(-y_score, kind="stable")
    n_flagged = _numbers_flagged(y_score[order], n_thresholds)
    thresholds = y_score[order[n_flagged - 1]]
    areas = [
        _area(curve, events, window, y_score, order, n_flagged, thresholds)
        for window in range(max_window + 1)
    ]
    return float(np.mean(areas))


def _numbers_flagged(descending, n_thresholds):
    """How many rows are flagged at each threshold, from the highest."""
    n_flagged = np.append(np.flatnonzero(np.diff(descending)) + 1, len(descending))
    if n_thresholds is None:
        return n_flagged
    n_thresholds = min(n_thresholds, len(descending))  # more are no finer
    ranks = np.linspace(0, len(descending) - 1, n_thresholds).astype(int)
    return n_flagged[np.unique(np.searchsorted(n_flagged, ranks, side="right"))]


class _Events:
    """Labels that reach beyond their events, within the series."""

    def __init__(self, y_true, rows, variant):
        self.y_true = y_true
        self.of_paper = variant == "paper"
        self.starts, self.stops = rows.runs(y_true)
        self.low, self.high = rows.series_bounds(self.starts)

    def soft_labels(self, window):
        """1 in the events, and falling off over ``window // 2`` rows beside them."""
        labels = self.y_true.astype(np.float64)
        distance = np.arange(1, window // 2 + 1)
        weights = np.tile(np.sqrt(1 - distance / max(window, 1)), (len(self.starts), 1))
        before = self.starts[:, np.newaxis] - distance
        after = self.stops[:, np.newaxis] - 1 + distance
        for beside, inside in (
            (before, before >= self.low[:, np.newaxis]),
            (after, after < self.high[:, np.newaxis]),
        ):
            np.add.at(labels, beside[inside], weights[inside])
        return np.minimum(labels, 1, out=labels)

    def n_positive(self, tp, order, n_flagged):
        """Between the rows of the events and the labels that reach beyond them."""
        n_true = self.y_true.sum()
        if self.of_paper:
            return (n_true + tp[-1]) / 2
        return n_true + (tp - np.cumsum(self.y_true[order])[n_flagged - 1]) / 2

    def highest(self, y_score, window):
        """Highest score of each event and its surroundings; those that meet are one."""
        reach = window // 2
        # Surroundings that touch without a row in common are one in the paper only.
        apart = self.stops[:-1] + reach < self.starts[1:] - reach + (not self.of_paper)
        apart |= self.low[1:] != self.low[:-1]
        first, last = np.append(True, apart), np.append(apart, True)
        low = np.maximum(self.starts - reach, self.low)[first]
        high = np.minimum(self.stops + reach, self.high)[last]
        slices = np.column_stack([low, high]).ravel()
        return np.maximum.reduceat(np.append(y_score, -np.inf), slices)[::2]


def _area(curve, events, window, y_score, order, n_flagged, thresholds):
    """Area under the curve at one length of tolerance."""
    labels = events.soft_labels(window)
    tp = np.cumsum(labels[order])[n_flagged - 1]
    n_positive = events.n_positive(tp, order, n_flagged)
    highest = np.sort(events.highest(y_score, window))
    found = 1 - np.searchsorted(highest, thresholds) / len(highest)
    tpr = np.append(0, np.minimum(tp / n_positive, 1) * found)
    if curve == "pr" and not events.of_paper:
        return np.dot(np.diff(tpr), tp / n_flagged)
    if curve == "pr":
        return np.trapezoid(np.append(1, tp / n_flagged), tpr)
    fpr = np.append(0, (n_flagged - tp) / (len(labels) - n_positive))
    return np.trapezoid(np.append(tpr, 1), np.append(fpr, 1))
