# SPDX-License-Identifier: BSD-3-Clause
"""Detectors of PyOD among those of scikit-learn."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline

from skseq import (
    DetectorCommittee,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
    from_pyod,
)


class FarFromMean(BaseEstimator):
    """What PyOD's detectors have: higher is more abnormal, and a threshold."""

    def __init__(self, contamination=0.1):
        self.contamination = contamination

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=0)
        scores = self.decision_function(X)
        self.threshold_ = np.quantile(scores, 1 - self.contamination)
        return self

    def decision_function(self, X):
        return np.abs(X - self.mean_).sum(axis=1)


def detectors():
    found = [FarFromMean()]
    try:
        from pyod.models.hbos import HBOS
        from pyod.models.knn import KNN
    except ImportError:
        return found
    return [*found, HBOS(), KNN()]


@pytest.mark.filterwarnings("default")  # of PyOD itself
@pytest.mark.parametrize("detector", detectors(), ids=lambda d: type(d).__name__)
def test_signs_are_those_of_scikit_learn(detector, table):
    X = table[0]
    fitted = from_pyod(detector).fit(X)
    theirs = clone(detector).fit(X)
    np.testing.assert_allclose(-fitted.score_samples(X), theirs.decision_function(X))
    outliers = theirs.decision_function(X) > theirs.threshold_
    np.testing.assert_array_equal(fitted.predict(X) == -1, outliers)
    assert 0 < outliers.sum() < len(X)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("detector", detectors(), ids=lambda d: type(d).__name__)
def test_it_is_a_member_of_a_committee(detector, table):
    X, y = table
    members = [("pca", PCAAutoencoder(1)), ("theirs", from_pyod(detector))]
    committee = make_pipeline(SlidingWindow(4), DetectorCommittee(members)).fit(X)
    windows = committee[0].transform(X)
    assert np.isfinite(committee[-1].member_scores(windows)).all(axis=None)
    alone = RareEventClassifier(from_pyod(detector), threshold=("quantile", 0.9))
    decision = make_pipeline(SlidingWindow(4), alone).fit(X, y).decision_function(X)
    assert np.isfinite(decision).all()


def test_parameters_go_through():
    detector = from_pyod(FarFromMean()).set_params(detector__contamination=0.3)
    assert clone(detector).detector.contamination == 0.3


@pytest.mark.parametrize("other", [IsolationForest(), FarFromMean, "KNN"])
def test_what_needs_no_adapter_is_refused(other):
    with pytest.raises(TypeError, match="must be an unfitted detector of PyOD"):
        from_pyod(other)
