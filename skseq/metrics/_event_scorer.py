# SPDX-License-Identifier: BSD-3-Clause
"""Measures of events, for ``scoring``."""

from sklearn.base import is_outlier_detector

from .._sklearn import StrOptions, _Scorer, validate_params
from ._affiliation import affiliation_precision_recall
from ._alarms import detection_delay, false_alarm_rate
from ._events import event_precision_recall_fscore_support, f_score
from ._shares import false_alarm_share
from ._vus import vus_pr_score, vus_roc_score


def _event_precision(y_true, y_pred, **kwargs):
    return event_precision_recall_fscore_support(y_true, y_pred, **kwargs)[0]


def _event_recall(y_true, y_pred, **kwargs):
    return event_precision_recall_fscore_support(y_true, y_pred, **kwargs)[1]


def _event_fscore(y_true, y_pred, **kwargs):
    return event_precision_recall_fscore_support(y_true, y_pred, **kwargs)[2]


def _affiliation_f1(y_true, y_pred, **kwargs):
    precision, recall = affiliation_precision_recall(y_true, y_pred, **kwargs)
    return f_score(precision, recall, beta=1)


def _median_delay(y_true, y_pred, **kwargs):
    delay = detection_delay(y_true, y_pred, **kwargs)[0]
    # A search needs numbers: seconds, where the time is given in datetimes.
    return getattr(delay, "total_seconds", lambda: delay)()


def _found_in_time(y_true, y_pred, **kwargs):
    return detection_delay(y_true, y_pred, **kwargs)[1]


_LABELS, _SCORES = "predict", ("decision_function", "predict_proba")

# name: (function, sign, response method)
_MEASURES = {
    "affiliation_f1": (_affiliation_f1, 1, _LABELS),
    "event_f1": (_event_fscore, 1, _LABELS),
    "event_precision": (_event_precision, 1, _LABELS),
    "event_recall": (_event_recall, 1, _LABELS),
    "found_in_time": (_found_in_time, 1, _LABELS),
    "neg_detection_delay": (_median_delay, -1, _LABELS),
    "neg_false_alarm_share": (false_alarm_share, -1, _LABELS),
    "neg_false_alarms": (false_alarm_rate, -1, _LABELS),
    "vus_pr": (vus_pr_score, 1, _SCORES),
    "vus_roc": (vus_roc_score, 1, _SCORES),
}


class _EventScorer(_Scorer):
    """A scorer that refuses a detector, which it would rank upside down."""

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        if is_outlier_detector(estimator):
            raise TypeError(
                f"{estimator.__class__.__name__} is an outlier detector, which scores "
                "events lower. Wrap it in RareEventClassifier, which turns the sign "
                "and sets a threshold, or score it by "
                "skseq.metrics.detector_average_precision."
            )
        return super()._score(method_caller, estimator, X, y_true, **kwargs)


@validate_params(
    {"name": [StrOptions(set(_MEASURES))]}, prefer_skip_nested_validation=True
)
def make_event_scorer(name, **params):
    """Scorer of events, for the ``scoring`` of a search or a cross-validation.

    Parameters
    ----------
    name : str
        - "event_precision", "event_recall", "event_f1": of
          :func:`event_precision_recall_fscore_support`.
        - "found_in_time", "neg_detection_delay": of :func:`detection_delay`; the delay
          in rows, or in seconds where ``time`` holds datetimes.
        - "neg_false_alarms": minus :func:`false_alarm_rate`.
        - "neg_false_alarm_share": minus :func:`false_alarm_share`.
        - "affiliation_f1": the harmonic mean of :func:`affiliation_precision_recall`.
        - "vus_pr", "vus_roc": :func:`vus_pr_score`, :func:`vus_roc_score`.

    **params : dict
        Parameters of the measure, such as ``max_window=20`` or ``within=5``.

    Returns
    -------
    scorer : callable
        As made by :func:`~sklearn.metrics.make_scorer`: higher is better. For
        classifiers such as :class:`~skseq.RareEventClassifier`; a bare detector is a
        TypeError.

    See Also
    --------
    detector_average_precision : A scorer of bare outlier detectors.
    sklearn.metrics.get_scorer : scikit-learn's own scorers.

    Notes
    -----
    A scorer sees the test rows of a fold, and takes them for one series. To pass the
    series of each row on, enable scikit-learn's metadata routing, and ask for it:
    ``make_event_scorer("event_f1").set_score_request(groups=True)``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from skseq.metrics import make_event_scorer
    >>> from skseq.model_selection import SeriesTimeSplit
    >>> y = np.arange(200) % 20 < 3
    >>> X = y[:, np.newaxis] + np.random.default_rng(0).normal(size=(200, 1))
    >>> vus = make_event_scorer("vus_pr", max_window=4)
    >>> cv = SeriesTimeSplit(3)
    >>> cross_val_score(LogisticRegression(), X, y, cv=cv, scoring=vus).round(2)
    array([0.33, 0.82, 0.27])
    """
    function, sign, response_method = _MEASURES[name]
    return _EventScorer(function, sign, params, response_method)
