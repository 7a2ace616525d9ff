# SPDX-License-Identifier: BSD-3-Clause
"""A graph scores, decides and tells classes as its estimator does."""

import numpy as np
import pytest
from onnx_outputs import outputs_of
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    DetectorCommittee,
    EachTimeStep,
    LSTMAutoencoder,
    LSTMClassifier,
    LSTMReconstructor,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
)
from skseq._trees import rounded_down
from skseq.persistence import to_onnx

pytest.importorskip("onnxruntime")

NETWORK = {"max_epochs": 1, "engine": "native", "random_state": 0}
N_TIMESTEPS = 4


@pytest.fixture(scope="module")
def labelled():
    """Windows of 3 sensors with gaps, and which of them are events."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(400, 3)).astype(np.float32)
    event = np.arange(400) % 40 >= 36
    table[event, 1] += 3
    table[rng.random(table.shape) < 0.02] = np.nan
    windows = SlidingWindow(N_TIMESTEPS).fit_transform(table)
    return windows[N_TIMESTEPS:], event[N_TIMESTEPS:]


@pytest.fixture(scope="module")
def windows(labelled):
    return labelled[0]


@pytest.fixture(scope="module")
def odd(windows):
    """An array of windows: nothing observed in the first, a sensor off in the next."""
    X = np.array(windows[:120])
    X[0], X[1, :, 1], X[2] = np.nan, np.nan, 100 * np.nan_to_num(X[2])
    return X


def members(*names):
    every = {
        "residual": ResidualAutoencoder(LSTMAutoencoder(2, **NETWORK)),
        "pca": PCAAutoencoder(3, error="mahalanobis", score_on="recent"),
        "forest": IsolationForest(n_estimators=20, random_state=0),
        "logistic": LogisticRegression(),
        "ridge": RidgeClassifier(),
        "trees": HistGradientBoostingClassifier(max_iter=20),
        "lstm": LSTMClassifier(2, **NETWORK),
    }
    return [(name, every[name]) for name in names]


@pytest.fixture(scope="module")
def committee(windows):
    return DetectorCommittee(members("residual", "pca", "forest")).fit(windows)


@pytest.fixture(scope="module")
def classifier(labelled):
    names = "residual", "pca", "forest", "logistic", "ridge", "trees", "lstm"
    return RareEventClassifier(members(*names)).fit(*labelled)


def assert_close(actual, expected):
    """NaN where that is expected, else near to the rounding of single precision."""
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-5)


def assert_decides_alike(outputs, detector, X):
    assert_close(outputs["score"], detector.score_samples(X))
    assert_close(outputs["decision"], detector.decision_function(X))
    judged = ~np.isnan(outputs["score"])
    np.testing.assert_array_equal(outputs["label"][judged], detector.predict(X[judged]))
    assert (outputs["label"][~judged] == 1).all()


@pytest.mark.parametrize("error", ["mse", "mae", "standardized", "mahalanobis"])
@pytest.mark.parametrize("score_on", ["mean", "recent", "last", "max"])
def test_each_error_of_components_is_that_of_the_graph(error, score_on, windows, odd):
    detector = PCAAutoencoder(3, error=error, score_on=score_on).fit(windows)
    padded = odd.copy()
    padded[5:60, 0], padded[30:90, 2:] = np.nan, np.nan
    for X in (odd, padded):
        outputs = outputs_of(to_onnx(detector), X)
        assert_decides_alike(outputs, detector, X)
    assert_close(outputs["latent"], detector.transform(padded))


def test_few_steps_in_many_features_are_told_by_factors():
    X = np.random.default_rng(0).normal(size=(6, 3, 40)).astype(np.float32)
    detector = PCAAutoencoder(2, error="mahalanobis", contamination=0.3).fit(X)
    assert detector.error_rule_.factors is not None
    assert_decides_alike(outputs_of(to_onnx(detector), X), detector, X)


@pytest.mark.parametrize("loss", ["huber", "binary_crossentropy"])
@pytest.mark.parametrize("kind", [LSTMAutoencoder, LSTMReconstructor])
def test_the_loss_of_a_network_is_in_its_graph(kind, loss, odd):
    X = odd.clip(-5, 5) if loss == "huber" else odd.clip(0, 1)
    detector = kind(2, loss=loss, **NETWORK).fit(X[1:])
    assert_decides_alike(outputs_of(to_onnx(detector), X), detector, X)


def test_context_features_explain_components_and_are_not_judged(windows, odd):
    detector = PCAAutoencoder(2, context_features=[1]).fit(windows)
    outputs = outputs_of(to_onnx(detector), odd)
    assert_decides_alike(outputs, detector, odd)
    expected = detector.reconstruct(odd)[1:, :, [0, 2]]
    assert_close(outputs["reconstruction"][1:], expected)


def test_a_committee_gives_the_distance_of_its_members(committee, odd):
    outputs = outputs_of(to_onnx(committee), odd)
    assert_decides_alike(outputs, committee, odd)
    assert_close(outputs["member_scores"], committee.member_scores(odd))
    assert np.isnan(outputs["score"][0])


def test_weighed_members_of_every_kind_give_the_same(classifier, odd):
    assert classifier.weights_.notna().all()
    outputs = outputs_of(to_onnx(classifier), odd)
    assert_close(outputs["member_scores"], classifier.member_scores(odd))
    assert_close(outputs["decision"], classifier.decision_function(odd))
    assert_close(outputs["probabilities"], classifier.predict_proba(odd))
    np.testing.assert_array_equal(outputs["label"][1:], classifier.predict(odd[1:]))
    assert outputs["label"][0] == classifier.classes_[0]
    assert 0 < outputs["label"].sum() < len(odd)


@pytest.mark.parametrize("labels", [[0, 1], [0.0, 1.0], ["fault", "steady"]], ids=str)
def test_labels_are_those_of_the_classes(labels, labelled, odd):
    X, event = labelled
    y = np.array(labels)[event.astype(int)]
    classifier = RareEventClassifier(PCAAutoencoder(3)).fit(X, y)
    label = outputs_of(to_onnx(classifier), odd[1:])["label"]
    assert label.tolist() == classifier.predict(odd[1:]).tolist()
    assert set(label) == set(labels)


def test_a_classifier_of_a_committee_gives_its_probabilities(committee, labelled, odd):
    classifier = RareEventClassifier(committee, refit=False).fit(*labelled)
    outputs = outputs_of(to_onnx(classifier), odd)
    assert list(outputs) == ["decision", "probabilities", "label"]
    assert_close(outputs["probabilities"], classifier.predict_proba(odd))


def test_an_isotonic_link_is_in_the_graph():
    rng = np.random.default_rng(0)
    table, event = rng.normal(size=(6000, 1)), np.arange(6000) % 30 >= 25
    table[event] += 2
    X = SlidingWindow(1).fit_transform(table)
    forest = IsolationForest(n_estimators=20, random_state=0)
    classifier = RareEventClassifier(forest, validation_fraction=0.4).fit(X, event)
    assert classifier.calibration_method_ == "isotonic"
    far = np.linspace(-30, 30, 201, dtype=np.float32)
    cells = np.append(far, table[:500].astype(np.float32)).reshape(-1, 1, 1)
    outputs = outputs_of(to_onnx(classifier), cells)
    assert_close(outputs["probabilities"], classifier.predict_proba(cells))


def test_members_that_know_no_context_are_not_shown_it(labelled, odd):
    names = "pca", "forest", "logistic"
    classifier = RareEventClassifier(members(*names), context_features=[0])
    classifier.fit(*labelled)
    outputs = outputs_of(to_onnx(classifier), odd)
    assert_close(outputs["member_scores"], classifier.member_scores(odd))


def test_a_graph_with_a_network_does_not_judge_what_is_padded(committee, odd):
    padded = odd[1:4].copy()
    padded[0, :2], padded[1, -1], padded[2, 1] = np.nan, np.nan, np.nan
    outputs = outputs_of(to_onnx(committee), padded)
    # A row that is missing between others is no padding.
    assert np.isnan(outputs["score"]).tolist() == [True, True, False]
    assert np.isnan(outputs["member_scores"]).all(axis=1).tolist() == [
        True,
        True,
        False,
    ]
    assert_close(outputs["score"][2:], committee.score_samples(padded[2:]))


def test_splits_of_trees_are_rounded_to_the_same_side():
    splits = np.array([0.1, 1 / 3, -0.1, 1e300, -1e300, np.inf, 0.5])
    rounded = rounded_down(splits)
    assert (rounded <= splits).all()
    largest = float(np.finfo(np.float32).max)
    assert rounded[3:].tolist() == [largest, -np.inf, np.inf, 0.5]
    assert (np.nextafter(rounded[:3], np.float32(1)) > splits[:3]).all()


class Levels(BaseEstimator):
    """A detector of a user's own."""

    def fit(self, X, y=None):
        return self

    def score_samples(self, X):
        return -np.abs(X).max(axis=1)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (MovingReference(PCAAutoencoder(2)), "'odd'.*hangs on the windows before"),
        (
            make_pipeline(EachTimeStep(StandardScaler()), PCAAutoencoder(2)),
            "'odd'.*Pipeline has no",
        ),
        (Levels(), "'odd'.*Levels has no ONNX graph. Use an LSTMAutoencoder"),
        (
            DetectorCommittee([("inner", MovingReference(PCAAutoencoder(2)))]),
            "'inner' of the DetectorCommittee cannot",
        ),
    ],
    ids=["reference", "pipeline", "own", "nested"],
)
def test_a_member_without_a_graph_is_named(member, message, windows):
    committee = DetectorCommittee([("pca", PCAAutoencoder(2)), ("odd", member)])
    committee.fit(windows)
    with pytest.raises(ValueError, match=message):
        to_onnx(committee)


def test_the_only_detector_without_a_graph_is_told(labelled):
    classifier = RareEventClassifier(Levels()).fit(*labelled)
    with pytest.raises(ValueError, match="The detector of the RareEventClassifier"):
        to_onnx(classifier)


def test_trees_with_categories_are_told(labelled):
    trees = HistGradientBoostingClassifier(max_iter=2, categorical_features=[])
    classifier = RareEventClassifier([("pca", PCAAutoencoder(3)), ("trees", trees)])
    classifier.fit(*labelled)
    fitted = classifier.named_estimators_["trees"]
    fitted.is_categorical_ = np.ones(12, dtype=bool)
    with pytest.raises(ValueError, match="'trees'.*categorical"):
        to_onnx(classifier)
