# SPDX-License-Identifier: BSD-3-Clause
"""Detectors of PyOD among those of scikit-learn."""

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils.validation import check_is_fitted


class PyODDetector(OutlierMixin, BaseEstimator):
    """A detector of PyOD with the methods and signs of scikit-learn's.

    In PyOD higher scores are more abnormal, and ``predict`` gives 1 for outliers. Here,
    as in scikit-learn, higher is more normal and outliers are -1. So it can be a member
    of a :class:`DetectorCommittee`, or the detector of a :class:`RareEventClassifier`,
    which give it windows as flat rows, with NaN filled in.

    Parameters
    ----------
    detector : pyod.models.base.BaseDetector
        Unfitted.

    Attributes
    ----------
    detector_ : pyod.models.base.BaseDetector
        The fitted clone.

    offset_ : float
        Minus the ``threshold_`` of the detector, which its ``contamination`` sets.

    n_features_in_ : int
        Number of columns.

    See Also
    --------
    from_pyod : Makes one.

    References
    ----------
    .. [1] Y. Zhao, Z. Nasrullah, Z. Li, "PyOD: A Python toolbox for scalable outlier
       detection", Journal of Machine Learning Research 20(96), 2019.
    """

    def __init__(self, detector):
        self.detector = detector

    def fit(self, X, y=None):
        """Fit the detector.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        X = np.asarray(X)
        fitted = clone(self.detector).fit(X)
        self.detector_, self.n_features_in_ = fitted, X.shape[1]
        self.offset_ = -float(fitted.threshold_)
        return self

    def score_samples(self, X):
        """Normality of each row: minus PyOD's ``decision_function``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return -np.asarray(self.detector_.decision_function(np.asarray(X)), dtype=float)

    def decision_function(self, X):
        """The score less ``offset_``: negative for outliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Tell outliers, -1, from the rest, 1.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)


def from_pyod(detector):
    """Give a detector of PyOD the methods and signs of scikit-learn's.

    Parameters
    ----------
    detector : pyod.models.base.BaseDetector
        Unfitted, with ``fit`` and ``decision_function``.

    Returns
    -------
    detector : PyODDetector
        For a :class:`DetectorCommittee`, a :class:`RareEventClassifier`, or a pipeline
        of flat rows. Its parameters are those of the detector, as ``detector__...``.

    Raises
    ------
    TypeError
        If it is no detector of PyOD: one of scikit-learn's needs no adapter.

    Examples
    --------
    With PyOD installed: ``DetectorCommittee([("lof", from_pyod(LOF())), ...])``. Any
    class of its kind will do:

    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from skseq import from_pyod
    >>> class FarFromMean(BaseEstimator):
    ...     def fit(self, X, y=None):
    ...         self.mean_ = X.mean(axis=0)
    ...         self.threshold_ = np.quantile(self.decision_function(X), 0.9)
    ...         return self
    ...     def decision_function(self, X):
    ...         return np.abs(X - self.mean_).sum(axis=1)
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> int((from_pyod(FarFromMean()).fit(X).predict(X) == -1).sum())
    10
    """
    is_sklearn = hasattr(detector, "score_samples") or isinstance(detector, type)
    if is_sklearn or not all(
        hasattr(detector, name) for name in ("fit", "decision_function", "get_params")
    ):
        raise TypeError(
            "'detector' must be an unfitted detector of PyOD, with fit and "
            f"decision_function. Got {detector!r} instead."
        )
    return PyODDetector(detector)
