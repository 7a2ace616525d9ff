# SPDX-License-Identifier: BSD-3-Clause
"""Any input to the estimators of sequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import assert_finite, assert_same, attempt, is_refused, values_of
from sklearn.base import clone
from sklearn.svm import OneClassSVM
from strategies import fuzzed, odd_arrays, odd_columns, odd_tables, same_values

from skseq import (
    LSTMAutoencoder,
    LSTMClassifier,
    LSTMReconstructor,
    LSTMRegressor,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
)

NETWORK = {"max_epochs": 1, "engine": "native", "random_state": 0}
UNSUPERVISED = {
    "PCA": PCAAutoencoder(),
    "PCA, mahalanobis": PCAAutoencoder(1, error="mahalanobis", score_on="max"),
    "LSTM": LSTMAutoencoder(2, early_stopping=False, **NETWORK),
    "LSTM and a linear path": ResidualAutoencoder(LSTMAutoencoder((3, 2), **NETWORK)),
    "no bottleneck": LSTMReconstructor((3, 2), error="standardized", **NETWORK),
    "indicator": LSTMAutoencoder(
        2,
        add_missing_indicator=True,
        loss="huber",
        score_on="last",
        **NETWORK,
    ),
    "crossentropy": LSTMAutoencoder(2, loss="binary_crossentropy", **NETWORK),
}
SUPERVISED = {
    "classifier": LSTMClassifier(2, **NETWORK),
    "regressor": LSTMRegressor(2, early_stopping=False, **NETWORK),
    "rare events": RareEventClassifier(PCAAutoencoder(1)),
    "rare events of rows": RareEventClassifier(OneClassSVM()),
}
METHODS = [
    *("score_samples", "decision_function", "predict", "transform", "reconstruct"),
    *("reconstruction_error", "explain", "predict_proba"),
]
# What a small sample may be warned of.
WARNINGS = [
    (UserWarning, r"The part held out for the threshold"),
    (UserWarning, r"y holds no event: the threshold is"),
    (UserWarning, r"The greater label, "),
    (UserWarning, r"The number of unique classes is greater than 50%"),
    (UserWarning, r"\d+ of \d+ sequence\(s\) have no observed cell"),
    (UserWarning, r".*So 'offset_' is set on the training sequences themselves"),
]
all_detectors = pytest.mark.parametrize("name", UNSUPERVISED)
all_supervised = pytest.mark.parametrize("name", SUPERVISED)


def check_methods(estimator, X):
    """Every method refuses X, or gives one finite result for each of its sequences.

    Of those of which nothing was observed, there is no score.
    """
    cells = values_of(X)
    for name in METHODS:
        method = getattr(estimator, name, None)
        if method is None:
            continue
        out = attempt(method, X, allowed=WARNINGS)
        if is_refused(out):
            continue
        assert len(out) == len(X)
        if name == "predict" and estimator.__class__.__name__ != "LSTMRegressor":
            continue
        if name == "reconstruct":
            assert np.shape(out) == np.shape(X)
            if cells is not None:
                assert_finite(out[~np.isnan(cells)])
        elif name in ("transform", "explain") or cells is None:
            assert_finite(out)
        else:
            observed = ~np.isnan(cells).reshape(len(cells), -1).all(axis=1)
            assert_finite(np.asarray(out)[observed])
            assert np.isnan(np.asarray(out, dtype=float)[~observed]).all()


@all_detectors
@fuzzed
@given(X=odd_tables(), other=odd_tables())
def test_detector_of_anything(name, X, other):
    estimator = attempt(clone(UNSUPERVISED[name]).fit, X, allowed=WARNINGS)
    if not is_refused(estimator):
        assert_finite(estimator.offset_)
        check_methods(estimator, X)
        check_methods(estimator, other)


@all_detectors
@fuzzed
@given(X=odd_arrays(), window_size=st.integers(1, 4))
def test_detector_of_any_windows(name, X, window_size):
    windows = attempt(SlidingWindow(window_size).fit_transform, X)
    if is_refused(windows):
        return
    estimator = attempt(clone(UNSUPERVISED[name]).fit, windows, allowed=WARNINGS)
    if not is_refused(estimator):
        check_methods(estimator, windows)
        attempt(estimator.score_rows, windows)


@all_detectors
@fuzzed
@given(X=odd_arrays())
def test_fitted_detector_of_anything(name, X):
    training = np.random.default_rng(0).uniform(size=(12, 3, 1))
    estimator = clone(UNSUPERVISED[name]).fit(training)
    check_methods(estimator, X)
    inverse = getattr(estimator, "inverse_transform", None)
    if inverse is not None:
        sequences = attempt(inverse, X)
        if not is_refused(sequences):
            assert_finite(sequences)


@all_detectors
@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 2)])
@fuzzed
@given(data=st.data())
def test_scores_do_not_depend_on_the_container(name, shape, data):
    X, other = data.draw(same_values(shape))
    outcomes = []
    for sequences in (X, other):
        estimator = attempt(clone(UNSUPERVISED[name]).fit, sequences)
        if is_refused(estimator):
            outcomes.append(estimator)
            continue
        scores = attempt(estimator.score_samples, sequences)
        outcomes.append(scores)
    assert_same(*outcomes)


@all_supervised
@fuzzed
@given(X=odd_tables(), y=odd_columns(12), weight=st.none() | odd_columns(12))
def test_supervised_of_anything(name, X, y, weight):
    estimator = clone(SUPERVISED[name])
    weights = () if weight is None or "rare" in name else (weight,)
    estimator = attempt(estimator.fit, X, y, *weights, allowed=WARNINGS)
    if not is_refused(estimator):
        check_methods(estimator, X)


@all_supervised
@fuzzed
@given(y=odd_columns(12), weight=st.none() | odd_columns(12), other=odd_tables())
def test_supervised_of_any_target(name, y, weight, other):
    X = np.random.default_rng(0).normal(size=(12, 3, 2))
    weights = () if weight is None or "rare" in name else (weight,)
    estimator = attempt(clone(SUPERVISED[name]).fit, X, y, *weights, allowed=WARNINGS)
    if not is_refused(estimator):
        check_methods(estimator, X)
        check_methods(estimator, other)


odd_rules = st.sampled_from(
    ["auto", "f1", "pot", (), [], ("pot",), ("pot", 0.1), ("pot", 1), ("quantile", 1)]
    + [("quantile", np.nan), ("quantile", "0.5"), ("fbeta", 1e300), ("fbeta", np.inf)]
    + [("precision", 0), ("recall", 1.0), ("probability", 1e-300), ("cost", 1, 1e300)]
    + [("cost", 1), (0.5,), (None,), ("f1",), 0.5, 0, 1, np.nan, None, ["pot", 0.01]]
    + [("quantile", 0.5, 0.5), (["pot"], 0.1), np.array([0.1, 0.2]), ("quantile", True)]
)


@fuzzed
@given(odd_rules, st.integers(0, 3))
def test_any_rule_of_thresholds(rule, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(40, 3, 1)).round(), rng.random(40) < 0.2
    tail = [(UserWarning, r"\d+ of \d+ normal scores are above")]
    allowed = [*WARNINGS, *tail, (UserWarning, "No (threshold reaches|score of)")]
    detector = PCAAutoencoder(1, contamination=rule)
    detector = attempt(detector.fit, X, allowed=allowed)
    if not is_refused(detector):
        assert_finite(detector.offset_)
    classifier = RareEventClassifier(PCAAutoencoder(1), threshold=rule)
    classifier = attempt(classifier.fit, X, y, allowed=allowed)
    if not is_refused(classifier):
        assert_finite(classifier.threshold_)
        assert_finite(classifier.predict_proba(X))
