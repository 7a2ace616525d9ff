# SPDX-License-Identifier: BSD-3-Clause
"""Scorers for outlier detectors that stand alone, without a classifier around them."""

from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.utils import check_consistent_length

from ..rows._events import event_labels, judged_rows


def detector_average_precision(estimator, X, y):
    """Average precision of a bare outlier detector, with ``y = 1`` for events.

    ``scoring="average_precision"`` would take the detector's ``decision_function``,
    which is *lower* for outliers, as if it were higher for events: upside down. This
    scorer ranks by minus ``score_samples``. Pass it as ``scoring`` to
    :func:`~sklearn.model_selection.cross_val_score` or
    :class:`~sklearn.model_selection.GridSearchCV`. A classifier, such as
    :class:`~skseq.RareEventClassifier`, does not need it.

    Parameters
    ----------
    estimator : estimator
        A fitted outlier detector, or a pipeline that ends in one: anything with
        ``score_samples``, higher for what is more normal.

    X : array-like
        Input of the detector.

    y : array-like of shape (n_samples,)
        1 or True for events, 0 or False for the rest.

    Returns
    -------
    score : float
        Of the rows that have a score, with a warning that counts the others.
        Average precision, in [0, 1]; the share of events for a detector that guesses.

    Raises
    ------
    ValueError
        If ``y`` holds anything but 0 and 1, such as scikit-learn's -1 for outliers.

    See Also
    --------
    detector_roc_auc : Area under the ROC curve of a bare outlier detector.
    sklearn.metrics.average_precision_score : The measure itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn.model_selection import cross_val_score
    >>> from skseq.metrics import detector_average_precision
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = np.arange(200) % 20 == 0
    >>> X[y] += 8
    >>> forest = IsolationForest(random_state=0)
    >>> cross_val_score(forest, X, y, cv=2, scoring=detector_average_precision)
    array([1., 1.])
    >>> cross_val_score(forest, X, y, cv=2, scoring="average_precision").round(2)
    array([0.03, 0.03])
    """
    return _score(average_precision_score, estimator, X, y)


def detector_roc_auc(estimator, X, y):
    """Area under the ROC curve of a bare outlier detector, with ``y = 1`` for events.

    As ``scoring``, in the place of ``"roc_auc"``, which scores a bare detector upside
    down: see :func:`detector_average_precision`.

    Parameters
    ----------
    estimator : estimator
        A fitted outlier detector, or a pipeline that ends in one: anything with
        ``score_samples``, higher for what is more normal.

    X : array-like
        Input of the detector.

    y : array-like of shape (n_samples,)
        1 or True for events, 0 or False for the rest.

    Returns
    -------
    score : float
        Of the rows that have a score, with a warning that counts the others.
        Area under the ROC curve, in [0, 1]; 0.5 for a detector that guesses.

    Raises
    ------
    ValueError
        If ``y`` holds anything but 0 and 1, such as scikit-learn's -1 for outliers.

    See Also
    --------
    detector_average_precision : Average precision of a bare outlier detector.
    sklearn.metrics.roc_auc_score : The measure itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from skseq.metrics import detector_roc_auc
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = np.arange(200) % 20 == 0
    >>> X[y] += 8
    >>> detector_roc_auc(IsolationForest(random_state=0).fit(X[~y]), X, y)
    1.0
    """
    return _score(roc_auc_score, estimator, X, y)


def _score(measure, estimator, X, y):
    y, score = event_labels(y), -estimator.score_samples(X)
    check_consistent_length(y, score)
    judged = judged_rows(score, "score")
    return float(measure(y[judged], score[judged]))
