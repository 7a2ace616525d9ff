# SPDX-License-Identifier: BSD-3-Clause
"""What is sooner done for few rows gives the same to the last bit."""

import pickle

import numpy as np
import pytest
from make import native
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    DetectorCommittee,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
    StreamScorer,
)
from skseq.streaming._few import CompiledForest, FewRowsImputer, FewWindows, for_few


def values(n_rows, n_columns=5, seed=0):
    rng = np.random.default_rng(seed)
    # Whole numbers, so that some rows are alike and some splits are met.
    return np.where(
        rng.random((n_rows, n_columns)) < 0.3,
        rng.integers(-2, 3, (n_rows, n_columns)),
        rng.normal(size=(n_rows, n_columns)),
    )


@pytest.mark.parametrize("max_samples", [1, 2, 3, 0.4, "auto"])
@pytest.mark.parametrize("max_features", [0.3, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_forest_scores_few_rows_as_itself(max_samples, max_features, dtype):
    X = values(300).astype(dtype)
    X[:, 4] = 1.0  # nothing to split by
    forest = IsolationForest(
        n_estimators=7,
        max_samples=max_samples,
        max_features=max_features,
        random_state=0,
    )
    few = for_few(forest.fit(X))
    assert type(few) is CompiledForest
    for rows in X[:1], X[1:3], X, values(40, seed=1), np.full((1, 5), 1e30):
        assert_array_equal(few.score_samples(rows), forest.score_samples(rows))
    assert_array_equal(few.predict(X[:9]), forest.predict(X[:9]))
    again = pickle.loads(pickle.dumps(few))
    assert_array_equal(again.score_samples(X), forest.score_samples(X))


@pytest.mark.parametrize("seed", range(12))
def test_any_forest_scores_as_itself(seed):
    rng = np.random.default_rng(seed)
    n_rows, n_columns = rng.integers(2, 200), rng.integers(1, 30)
    X = values(n_rows, n_columns, seed).astype(np.float32)
    X *= 10.0 ** rng.integers(-30, 30)
    forest = IsolationForest(
        n_estimators=rng.integers(1, 40),
        max_samples=int(rng.integers(1, n_rows + 1)),
        max_features=float(rng.uniform(0.1, 1)),
        bootstrap=bool(rng.integers(2)),
        random_state=seed,
    ).fit(X)
    few = for_few(forest)
    assert type(few) is CompiledForest
    assert_array_equal(few.score_samples(X), forest.score_samples(X))
    assert_array_equal(few.score_samples(X[-1:]), forest.score_samples(X[-1:]))


def test_a_forest_leaves_to_itself_what_it_may_refuse_or_read_otherwise():
    X = values(60)
    forest = IsolationForest(n_estimators=5, random_state=0).fit(X)
    few = for_few(forest)
    missing = X[:4].copy()
    missing[1, 2] = np.nan
    assert_array_equal(few.score_samples(missing), forest.score_samples(missing))
    assert_array_equal(few.score_samples(X[:3].tolist()), forest.score_samples(X[:3]))
    many = values(1100)
    assert_array_equal(few.score_samples(many), forest.score_samples(many))
    infinite = np.full((1, 5), np.inf)
    assert_array_equal(few.score_samples(infinite), forest.score_samples(infinite))
    with pytest.raises(ValueError, match="X has 4 features"):
        few.score_samples(X[:2, :4])
    with pytest.raises(ValueError, match="Expected 2D array"):
        few.score_samples(X[0])
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        few.score_samples(X[:0])


def test_a_forest_that_would_score_otherwise_is_left_as_it_is(monkeypatch):
    forest = IsolationForest(n_estimators=5, random_state=0).fit(values(60))
    scores = CompiledForest.scores
    monkeypatch.setattr(
        CompiledForest, "scores", lambda *args: np.nextafter(scores(*args), 0)
    )
    assert for_few(forest) is forest


def test_a_forest_is_left_as_it_is_where_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr("skseq.streaming._few.has_kernels", lambda: False)
    forest = IsolationForest(n_estimators=5, random_state=0).fit(values(60))
    assert for_few(forest) is forest


def test_an_imputer_fills_few_rows_as_itself():
    X = values(30)
    X[::3, 1] = X[4:, 2] = X[:, 3] = np.nan
    for strategy in "mean", "median":
        imputer = SimpleImputer(strategy=strategy, keep_empty_features=True).fit(X)
        few = for_few(imputer)
        assert type(few) is FewRowsImputer
        for rows in X[:1], X[:1].astype(np.float32), X, X[:2].tolist():
            got, expected = few.transform(rows), imputer.transform(rows)
            assert got.dtype == expected.dtype
            assert_array_equal(got, expected)
        with pytest.raises(ValueError, match="infinity"):
            few.transform(np.full((1, 5), np.inf))


@pytest.mark.filterwarnings("ignore:Skipping features without any observed")
def test_an_imputer_that_does_more_is_left_as_it_is():
    X = values(30)
    X[:, 3] = np.nan
    for options in (
        {},
        {"add_indicator": True, "keep_empty_features": True},
        {"missing_values": 1.0, "keep_empty_features": True},
    ):
        filled = X if "missing_values" not in options else np.nan_to_num(X)
        imputer = SimpleImputer(**options).fit(filled)
        assert for_few(imputer) is imputer


@pytest.fixture(scope="module")
def committee():
    members = [
        ("residual", ResidualAutoencoder(native())),
        ("lstm", MovingReference(native(), memory=20)),
        ("forest", IsolationForest(n_estimators=5)),
    ]
    pipeline = make_pipeline(SlidingWindow(4), DetectorCommittee(members))
    return pipeline.set_params(detectorcommittee__random_state=0).fit(values(200, 3))


def test_a_committee_streams_one_row_and_many_alike(committee):
    later = values(60, 3, seed=1)
    later[20:23] = later[30, 1] = np.nan
    expected = committee.score_samples(later)
    stream = StreamScorer(committee)
    final = stream._steps._final
    assert type(final.estimators_[2]) is CompiledForest
    assert type(final._imputers[2]) is FewRowsImputer
    assert isinstance(final.estimators_[0]._score_samples, FewWindows)
    one = [stream.score_one(row) for row in later[:40]]
    assert_array_equal(one, expected[:40])
    stream = pickle.loads(pickle.dumps(stream))
    assert_array_equal(stream.score_many(later[40:]), expected[40:])
    assert type(stream._steps._final.estimators_[2]) is CompiledForest


LINEAR = {
    "logistic": (LogisticRegression(C=0.1), 0),
    "ridge": (RidgeClassifier(), 0),
    # Products of matrices, of which the last bits hang on their size.
    "left to scikit-learn": (make_pipeline(StandardScaler(), RidgeClassifier()), 1e-6),
}


@pytest.mark.parametrize(("linear", "rtol"), LINEAR.values(), ids=LINEAR)
def test_a_classifier_streams_one_row_and_many_alike(linear, rtol):
    X, y = values(300, 3), np.arange(300) % 60 > 54
    X[y, :2] += 1
    X[120:123] = X[130, 1] = np.nan
    members = [
        ("pca", PCAAutoencoder(2)),
        ("forest", IsolationForest(n_estimators=5)),
        ("neighbours", LocalOutlierFactor(5, novelty=True)),
        ("linear", linear),
    ]
    # The forest and the neighbours are not shown the last feature.
    classifier = RareEventClassifier(members, context_features=[2], random_state=0)
    pipeline = make_pipeline(SlidingWindow(4), classifier).fit(X, y)
    later = values(60, 3, seed=1)
    later[20:25] = later[30, 1] = later[34:37, 0] = np.nan
    expected = pipeline.decision_function(later)
    assert np.flatnonzero(np.isnan(expected)).tolist() == [23, 24]
    stream = StreamScorer(pipeline)
    known = [live.is_known for live in stream._steps._final._members.fitted]
    assert known == [True, True, False, rtol == 0]
    one = [stream.score_one(row) for row in later[:40]]
    assert_allclose(one, expected[:40], rtol)
    stream = pickle.loads(pickle.dumps(stream))
    assert_allclose(stream.score_many(later[40:]), expected[40:], rtol)


@pytest.mark.parametrize(
    "detector",
    [PCAAutoencoder(2), IsolationForest(n_estimators=5), MovingReference(native())],
    ids=lambda e: type(e).__name__,
)
def test_a_classifier_of_one_detector_streams_one_row_and_many_alike(detector):
    classifier = RareEventClassifier(detector, threshold=("quantile", 0.9))
    pipeline = make_pipeline(SlidingWindow(4), classifier)
    later = values(60, 3, seed=1)
    later[20:25] = later[30, 1] = np.nan
    expected = pipeline.fit(values(200, 3), np.zeros(200)).decision_function(later)
    stream = StreamScorer(pipeline)
    assert_array_equal([stream.score_one(row) for row in later[:40]], expected[:40])
    assert_array_equal(stream.score_many(later[40:]), expected[40:])


def test_a_classifier_streams_alike_where_nothing_is_compiled(monkeypatch):
    X, y = values(300, 3), np.arange(300) % 60 > 54
    X[y, :2] += 1
    members = [("pca", PCAAutoencoder(2)), ("linear", LogisticRegression())]
    pipeline = make_pipeline(SlidingWindow(4), RareEventClassifier(members))
    later = values(30, 3, seed=1)
    expected = pipeline.fit(X, y).decision_function(later)
    monkeypatch.setattr("skseq.streaming._live_members.has_kernels", lambda: False)
    stream = StreamScorer(pipeline)
    assert_array_equal([stream.score_one(row) for row in later], expected)
