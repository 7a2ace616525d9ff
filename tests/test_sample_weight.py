# SPDX-License-Identifier: BSD-3-Clause
"""Weights of windows: repetitions, and what is left out, wherever a fit takes them."""

import pickle

import numpy as np
import pytest
import sklearn
from make import MAKE, assert_same_weights, sine_table, tiny, windows_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tolerances import assert_same_training, of_training

from skseq import (
    DetectorCommittee,
    EachTimeStep,
    LSTMReconstructor,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
    persistence,
)
from skseq.detection._calibration import fit_link
from skseq.detection._thresholds import check_rule, choose_threshold
from skseq.detection._weights import fit_weights
from skseq.engines._batches import Preparation
from skseq.engines._linear import fit_linear_path

N, STEPS = 60, 6
WEIGHTED = sorted(
    name for name, make in MAKE.items() if hasattr(make(), "set_fit_request")
)


@pytest.fixture(scope="module")
def X():
    """Sequences without padding."""
    return np.asarray(windows_of(sine_table(N + STEPS), STEPS), np.float32)[STEPS:]


@pytest.fixture(scope="module")
def counts():
    return np.random.default_rng(1).integers(0, 4, size=N)


@pytest.fixture(scope="module")
def y():
    return np.arange(N) % 7 == 3


def whole(kind=None, **parameters):
    """A network that sees all sequences in one batch, and holds none out."""
    parameters = {
        "batch_size": 4 * N,
        "early_stopping": False,
        "max_epochs": 1,
        "engine": "native",
        **parameters,
    }
    return tiny(**parameters) if kind is None else tiny(kind, **parameters)


def test_the_estimators_that_take_weights_are_these():
    assert set(MAKE) - set(WEIGHTED) == {
        "SlidingWindow",
        "EachTimeStep",
        "EachSeries",
        "WindowSummary",
    }


# Repetitions.


@pytest.mark.parametrize("kind", [None, LSTMReconstructor])
def test_a_weight_is_a_number_of_repetitions(X, counts, kind):
    rows = np.repeat(np.arange(N), counts)
    weighted = whole(kind).fit(X, sample_weight=counts)
    repeated = whole(kind).fit(X[rows])
    assert_same_training(weighted, repeated)
    assert weighted.loss_curve_ != whole(kind).fit(X).loss_curve_


def test_weights_of_a_context_encoder_are_repetitions(counts):
    from skseq.engines._keras import _context_loss

    outputs = np.random.default_rng(0).normal(size=(N, 2, 3)).astype(np.float32)
    seen, rows = np.arange(N) % 9 > 0, np.repeat(np.arange(N), counts)
    weighted = _context_loss(seen, outputs, counts.astype(np.float32))
    repeated = _context_loss(seen[rows], outputs[rows])
    assert float(weighted) == pytest.approx(float(repeated), rel=1e-5)
    assert float(weighted) != pytest.approx(float(_context_loss(seen, outputs)), 1e-3)


def test_a_weighted_step_equals_that_of_plain_keras(X):
    weights = np.random.default_rng(2).uniform(0.5, 2, size=N)
    weights /= weights.mean()
    ours = whole().fit(X, sample_weight=weights)
    model = ours.model_
    model.set_weights(ours.architecture_.initial_weights(np.random.RandomState(0)))
    model.compile("adam", "mse", run_eagerly=True)  # sooner than to trace it
    each_step = weights[:, np.newaxis]  # what Keras takes for weights of sequences
    loss = model.train_on_batch(X, X, sample_weight=each_step)
    assert ours.loss_curve_[0] == pytest.approx(loss, rel=1e-5)
    assert_same_weights(ours, model.get_weights(), atol=of_training(ours.weights_, 1))


def test_components_of_weighted_sequences_are_those_of_repeated_ones(X, counts):
    rows = np.repeat(np.arange(N), counts)
    X = X.copy()
    X[::5, 1, 0] = np.nan
    for context in (None, [2]):
        pca = PCAAutoencoder(3, context_features=context, contamination=0.1)
        repeated = pca.fit(X[rows])
        expected = repeated.mean_, repeated.components_
        weighted = pca.fit(X, sample_weight=counts)
        assert_allclose(weighted.mean_, expected[0], atol=1e-6)
        assert_allclose(weighted.components_, expected[1], atol=1e-4)


def test_the_linear_path_takes_a_sequence_as_often_as_it_weighs(X):
    center = Preparation(X.mean(axis=(0, 1)))
    weights = np.where(np.arange(N) < N // 2, 3.0, 1.0) / 2
    path = fit_linear_path(X, center, 2, weights=weights)
    # Of 60 places 45 are the first half's, with 3 of 4 parts of the weight.
    rows = np.concatenate([np.arange(45) * 2 // 3, 30 + 2 * np.arange(15)])
    repeated = fit_linear_path(X[rows], center, 2)
    assert_allclose(path.spread, repeated.spread, rtol=0.02)
    assert_allclose(path.gains, repeated.gains, rtol=0.02)
    alike = fit_linear_path(X, center, 2, weights=np.ones(N))
    assert_array_equal(alike.components, fit_linear_path(X, center, 2).components)


def test_the_validation_loss_is_weighted_too(X):
    settings = {"early_stopping": True, "learning_rate": 1e-30}
    weights = np.ones(N)
    weights[-2] = 5  # the last tenth is held out, and of this the error is another
    network = whole(**settings).fit(X, sample_weight=weights)
    errors = network.reconstruction_error(X[-6:])
    expected = np.mean(errors * weights[-6:] / weights.mean())
    assert network.validation_loss_curve_[0] == pytest.approx(expected, rel=1e-5)


def test_a_network_of_keras_is_trained_by_the_weights(X):
    size = np.abs(X).mean(axis=(1, 2))
    counts = np.where(size > np.median(size), 5, 1)
    rows, losses = np.repeat(np.arange(N), counts), []
    for sequences, weights in ((X, counts), (X[rows], None), (X, None)):
        autoencoder = MAKE["KerasAutoencoder"]()
        autoencoder.estimator.set_params(random_state=0, batch_size=4 * N)
        losses += autoencoder.fit(sequences, sample_weight=weights).loss_curve_
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-3)


# What changes nothing, and what is left out.


def comparable(estimator, X):
    method = getattr(estimator, "score_samples", None)
    method = method or getattr(estimator, "decision_function", None)
    method = method or getattr(estimator, "predict_proba", None) or estimator.predict
    return method(X)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of few sequences
@pytest.mark.parametrize("name", sorted(set(WEIGHTED) - {"KerasAutoencoder"}))
def test_weights_that_are_all_the_same_change_no_bit(X, y, name):
    plain = comparable(MAKE[name]().fit(X, y), X)
    for weights in (np.ones(N), np.full(N, 0.3)):
        assert_array_equal(comparable(MAKE[name]().fit(X, y, weights), X), plain)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "name",
    sorted(
        set(WEIGHTED)
        - {"KerasAutoencoder", "MovingReference", "LSTMClassifier", "LSTMRegressor"}
    ),
)
def test_what_has_no_weight_is_as_if_it_were_not_there(X, y, name):
    weights = np.ones(N)
    weights[10:15] = 0
    kept = np.flatnonzero(weights)
    wild = X.copy()
    wild[10:15] = 1e6
    make = MAKE[name]
    expected = comparable(make().fit(X[kept], y[kept]), X)
    assert_array_equal(comparable(make().fit(wild, y, weights), X), expected)


def test_windows_without_weight_are_left_out_of_a_table(y):
    table = sine_table(N)
    weights = np.where(np.arange(N) % 10 < 3, 0, 2)
    windows = windows_of(table, 4)
    one = PCAAutoencoder(2).fit(windows, sample_weight=weights)
    other = PCAAutoencoder(2).fit(windows[weights > 0])
    assert one.offset_ == other.offset_
    assert_array_equal(one.components_, other.components_)


@pytest.mark.parametrize("name", WEIGHTED)
def test_bad_weights_are_named(X, y, name):
    estimator = MAKE[name]()
    for weights, message in (
        (np.linspace(-1, 1, N), "[Nn]egative"),
        (np.ones(N - 1), "sample_weight.shape"),
        (np.full(N, np.nan), "sample_weight contains NaN"),
        (np.full(N, np.inf), "sample_weight contains infinity"),
        (np.zeros(N), "non-zero"),
        (np.ones((N, 2)), "Sample weights must be 1D"),
    ):
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, y, sample_weight=weights)


def test_weights_of_any_size_are_weights(X):
    small = np.random.default_rng(0).uniform(size=N)
    expected = PCAAutoencoder(2).fit(X, sample_weight=small)
    for size in (1e-300, 1e300):
        model = PCAAutoencoder(2).fit(X, sample_weight=size * small)
        assert_allclose(model.components_, expected.components_, atol=1e-5)


# Committees and classifiers.


class Weighed(OutlierMixin, BaseEstimator):
    """Keeps the weights that it is given."""

    def fit(self, X, y=None, sample_weight=None):
        self.weights_, self.n_ = sample_weight, len(X)
        return self

    def score_samples(self, X):
        return -np.asarray(X).reshape(len(X), -1)[:, -1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class Unweighed(Weighed):
    def fit(self, X, y=None):
        return super().fit(X)


def nested():
    return [
        ("plain", Weighed()),
        ("none", Unweighed()),
        ("pipe", make_pipeline(EachTimeStep(StandardScaler()), Weighed())),
        ("moving", MovingReference(Weighed(), contamination=0.1)),
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", [DetectorCommittee, RareEventClassifier])
def test_members_get_the_weights_that_they_take(X, y, kind):
    weights = np.random.default_rng(0).uniform(0.1, 1, size=N)
    committee = kind(nested()).fit(X, y, weights)
    expected = (weights / weights.mean())[: N if kind is DetectorCommittee else None]
    if kind is RareEventClassifier:
        expected = expected[~y]
    members = committee.named_estimators_
    assert members.none.weights_ is None
    assert members.none.n_ == len(expected)
    for member in (members.plain, members.pipe[-1]):
        assert_allclose(member.weights_, expected)
    assert_allclose(
        members.moving.detector_.weights_, expected / expected.mean(), rtol=1e-12
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_with_routing_a_pipeline_gives_weights_to_the_steps_that_ask(X):
    weights = np.random.default_rng(0).uniform(0.1, 1, size=N)
    silent = make_pipeline(EachTimeStep(StandardScaler()), Weighed())
    with sklearn.config_context(enable_metadata_routing=True):
        member = Weighed().set_fit_request(sample_weight=True)
        asking = make_pipeline(EachTimeStep(StandardScaler()), member)
        committee = DetectorCommittee(
            [("asking", asking), ("silent", silent), ("plain", Weighed())]
        ).fit(X, sample_weight=weights)
    members = committee.named_estimators_
    assert members.silent[-1].weights_ is None
    assert members.asking[-1].weights_ is not None
    assert members.plain.weights_ is not None


def labelled_table(n_rows=400):
    table = np.random.default_rng(0).normal(size=(n_rows, 2))
    y = np.arange(n_rows) % 40 == 25
    table[y] += 4
    return table, y


@pytest.mark.parametrize("detector", ["one", "committee"])
def test_weights_are_routed_through_a_pipeline(detector):
    table, y = labelled_table()
    weights = np.where(np.arange(len(y)) < 200, 0.2, 1.0)
    detectors = {
        "one": PCAAutoencoder(2),
        "committee": [
            ("pca", PCAAutoencoder(2)),
            ("forest", IsolationForest(n_estimators=5)),
            ("logistic", LogisticRegression()),
        ],
    }
    clf = RareEventClassifier(detectors[detector], random_state=0)
    windows = windows_of(table, 3)
    direct = clf.fit(windows, y, sample_weight=weights).decision_function(windows)
    plain = clf.fit(windows, y).decision_function(windows)
    assert not np.array_equal(direct, plain)
    with sklearn.config_context(enable_metadata_routing=True):
        asking = RareEventClassifier(detectors[detector], random_state=0)
        asking.set_fit_request(sample_weight=True)
        pipe = make_pipeline(SlidingWindow(3), asking)
        routed = pipe.fit(table, y, sample_weight=weights).decision_function(table)
    assert_array_equal(routed, direct)
    pipe = make_pipeline(SlidingWindow(3), clf)
    pipe.fit(table, y, rareeventclassifier__sample_weight=weights)
    assert_array_equal(pipe.decision_function(table), direct)


def test_a_request_is_kept_by_a_pickle_and_a_file(X, tmp_path):
    with sklearn.config_context(enable_metadata_routing=True):
        pca = PCAAutoencoder(2).set_fit_request(sample_weight=True).fit(X)
        again = pickle.loads(pickle.dumps(pca))
        assert again.get_metadata_routing().fit.requests == {"sample_weight": True}
        persistence.save(pca, tmp_path / "pca.skseq")
        loaded = persistence.load(tmp_path / "pca.skseq")
    assert_array_equal(loaded.score_samples(X), pca.score_samples(X))


def test_weights_that_leave_only_events_are_refused():
    table, y = labelled_table()
    with pytest.raises(ValueError, match="one class only"):
        RareEventClassifier(PCAAutoencoder(2)).fit(
            windows_of(table, 3), y, sample_weight=y
        )


@pytest.mark.parametrize(
    "rule",
    [
        "f1",
        ("fbeta", 2),
        ("precision", 0.4),
        ("recall", 0.7),
        ("cost", 1, 3),
        ("probability", 0.3),
    ],
)
def test_rules_of_rows_count_weights_as_repetitions(rule):
    rng = np.random.default_rng(0)
    y = rng.random(200) < 0.2
    score = rng.normal(size=200) + y
    counts = rng.integers(1, 5, size=200).astype(float)
    rows = np.repeat(np.arange(200), counts.astype(int))
    rule = check_rule(rule, "X")
    repeated = choose_threshold(rule, y[rows], score[rows])
    # The targets of a sigmoid hang a little on the number of rows.
    tolerance = 0.05 if rule[0] == "probability" else 1e-12
    for scale in (1, 1 / counts.mean()):
        weighted = choose_threshold(rule, y, score, weights=scale * counts)
        assert weighted == pytest.approx(repeated, abs=tolerance)


def test_probabilities_and_member_weights_count_weights_as_repetitions():
    rng = np.random.default_rng(0)
    y = rng.random(300) < 0.3
    scores = rng.normal(size=(300, 2)) + np.column_stack([y, 0.3 * y])
    counts = rng.integers(1, 5, size=300).astype(float)
    rows = np.repeat(np.arange(300), counts.astype(int))
    events = np.cumsum(y) * y
    assert_allclose(
        fit_weights(scores, events, counts=counts),
        fit_weights(scores[rows], events[rows]),
        atol=1e-4,
    )
    grid = np.linspace(-2, 3, 20)
    weighted = fit_link(y, scores[:, 0], counts).probability(grid)
    repeated = fit_link(y[rows], scores[rows, 0]).probability(grid)
    assert_allclose(weighted, repeated, atol=0.02)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_residual_autoencoder_gives_its_path_and_its_network_the_weights(X, counts):
    network = tiny(max_epochs=2, batch_size=16)
    plain = ResidualAutoencoder(network, n_components=2).fit(X)
    weighted = ResidualAutoencoder(network, n_components=2).fit(X, None, counts)
    assert not np.array_equal(plain.path_.components, weighted.path_.components)
    assert plain.loss_curve_ != weighted.loss_curve_


def test_partial_fit_takes_weights_too(X, counts):
    weighted = whole().partial_fit(X, sample_weight=counts)
    fitted = whole().fit(X, sample_weight=counts)
    assert_same_weights(weighted, fitted)
