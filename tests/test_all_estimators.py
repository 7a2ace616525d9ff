# SPDX-License-Identifier: BSD-3-Clause
"""What holds for every estimator: a fit is whole or not at all, and decides once."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from make import MAKE, assert_same_weights, sine_table, tiny, windows_of
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.validation import check_is_fitted

from skseq import PCAAutoencoder, ResidualAutoencoder, load, save
from skseq.alarms import AlarmRule
from skseq.training import _loop
from skseq.training._plan import Plan

TABLE = pd.DataFrame({"t": np.arange(80.0), "x": sine_table(80)[:, 0]})
WINDOWS = windows_of(sine_table(80), 4)
Y = (np.arange(80) % 10 == 9).astype(int)


NETWORKS = [
    name
    for name in MAKE
    if name.startswith("LSTM") or name in ("ContextEncoder", "ResidualAutoencoder")
]
DETECTORS = [name for name in MAKE if name.endswith(("Autoencoder", "Reconstructor"))]
DETECTORS += ["ContextEncoder"]
ANY_DETECTORS = [*DETECTORS, "DetectorCommittee", "MovingReference"]
# The held-out part of a small table holds few events.
pytestmark = pytest.mark.filterwarnings("ignore:The part held out for the:UserWarning")


def data_of(name, n_samples=None):
    X = TABLE if name == "SlidingWindow" else WINDOWS
    return X[:n_samples], Y[:n_samples]


# Where each fit is stopped: before it trains, while it does, and after that.
_ERRORS = {"rule": "skseq.reconstruction._fit.fit_error_rule"}
_OFFSET = {"offset": "skseq.reconstruction._offset.ContaminationRule.offset"}
_TRAINING = {
    "before": "skseq.training._estimator.choose_engine",
    "epoch": "skseq.training._loop._train_epoch",
    "again": "skseq.training._plan.Plan.train_again",
}
PHASES = {
    "SlidingWindow": {
        "before": "skseq.windowing._sliding.check_time_is_given",
        "late": "skseq.windowing._sliding.LastRows.of",
    },
    "EachTimeStep": {
        "before": "skseq.windowing._steps.check_sequences",
        "late": "skseq.windowing._steps._apply_to_rows",
    },
    "EachSeries": {
        "before": "skseq.windowing._each_series.check_sequences",
        "late": "skseq.windowing._each_series.EachTimeStep",
    },
    "WindowSummary": {
        "before": "skseq.windowing._summary.check_statistics",
    },
    "PCAAutoencoder": {
        "before": "skseq.baselines.check_contamination",
        "components": "skseq.baselines._Components.of",
        "again": "skseq.baselines.final_offset",
        **_ERRORS,
        **_OFFSET,
    },
    "LSTMAutoencoder": _TRAINING | _ERRORS | _OFFSET,
    "LSTMReconstructor": _TRAINING | _ERRORS | _OFFSET,
    "ContextEncoder": _TRAINING | _OFFSET,
    "ResidualAutoencoder": _TRAINING
    | _ERRORS
    | _OFFSET
    | {"last": "skseq.reconstruction._fit.final_offset"},
    "LSTMClassifier": _TRAINING,
    "LSTMRegressor": _TRAINING,
    "KerasAutoencoder": {
        "before": "skseq.keras_networks._autoencoder.check_contamination",
        "training": "skseq.keras_networks._autoencoder.KerasAutoencoder._train",
        **_OFFSET,
    },
    "DetectorCommittee": {
        "before": "skseq.committee.hold_out",
        "members": "skseq._members.fit_on_windows",
        "again": "skseq._members.Members.fitted_again",
        **_OFFSET,
    },
    "MovingReference": {
        "before": "skseq.moving_reference.hold_out",
        "detector": "skseq.moving_reference.fit_on_windows",
        "late": "skseq.moving_reference._Tails.of",
        **_OFFSET,
    },
    "RareEventClassifier": {
        "before": "skseq.detection._classifier.check_two_classes",
        "detector": "skseq.detection._classifier.fit_on_windows",
        "threshold": "skseq.detection._classifier.decide",
    },
}
_fitted = {}


def fitted(name):
    """A fitted one, which tests must leave as it is."""
    if name not in _fitted:
        _fitted[name] = MAKE[name]().fit(*data_of(name))
    return _fitted[name]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize(
    ("name", "phase"), [(name, phase) for name in MAKE for phase in PHASES[name]]
)
def test_a_fit_that_is_stopped_leaves_what_was_there(monkeypatch, name, phase, error):
    def stop(*args, **kwargs):
        raise error("stop")

    new, old = MAKE[name](), fitted(name)
    before = vars(old).copy()
    # Keras writes the time of day into its files.
    content = None if name == "KerasAutoencoder" else pickle.dumps(vars(old))
    monkeypatch.setattr(PHASES[name][phase], stop)
    for estimator in (new, old):
        with pytest.raises(error, match="stop"):
            estimator.fit(*data_of(name, 60))
    with pytest.raises(NotFittedError):
        check_is_fitted(new)
    assert vars(new).keys() == vars(MAKE[name]()).keys()
    assert vars(old).keys() == before.keys()
    assert all(vars(old)[key] is value for key, value in before.items())
    if content is not None:
        assert pickle.dumps(vars(old)) == content


# A training that ends early.


def stop_in_epoch(monkeypatch, epoch, reason):
    """Let the loss be what it is, NaN, or raise, from an epoch on."""
    train_epoch = _loop._train_epoch

    def train_or_stop(*arguments):
        loss = train_epoch(*arguments)
        if arguments[-1] < epoch:
            return loss
        if reason == "nan":
            return np.nan
        raise KeyboardInterrupt

    monkeypatch.setattr(_loop, "_train_epoch", train_or_stop)


def with_epochs(name, n_epochs, **parameters):
    estimator = MAKE[name]()
    prefix = "network__" if name == "ResidualAutoencoder" else ""
    # However little an epoch brings, it counts: it is the best.
    of_network = {f"{prefix}max_epochs": n_epochs, f"{prefix}tol": 0}
    if name == "LSTMClassifier":
        of_network["line_alpha"] = None  # beside a line it may be none
    return estimator.set_params(**of_network, **parameters)


def answers(estimator, X):
    """What each method says of sequences."""
    names = ("score_samples", "predict", "predict_proba", "decision_function")
    names += ("transform", "reconstruct", "reconstruction_error", "explain")
    said = {n: getattr(estimator, n)(X) for n in names if hasattr(estimator, n)}
    if hasattr(estimator, "inverse_transform"):
        said["inverse_transform"] = estimator.inverse_transform(said["transform"])
    return {name: np.asarray(value) for name, value in said.items()}


def assert_same_answers(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.mark.parametrize("reason", ["nan", "Ctrl-C"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_that_ends_early_keeps_the_best_and_is_complete(
    monkeypatch, tmp_path, name, reason
):
    X, y = data_of(name)
    expected = with_epochs(name, 2, refit=False).fit(X, y)
    stop_in_epoch(monkeypatch, 3, reason)
    with pytest.warns(UserWarning, match=r"in epoch 3.* weights of epoch \d are kept"):
        estimator = with_epochs(name, 5).fit(X, y)
    assert_same_weights(estimator, expected)
    assert estimator.loss_curve_ == expected.loss_curve_
    assert vars(estimator).keys() == vars(expected).keys()
    X = X[4:]  # the first ones are padded
    said = answers(estimator, X)
    assert all(np.isfinite(values).all() for values in said.values())
    save(estimator, tmp_path / "estimator.skseq")
    assert_same_answers(answers(load(tmp_path / "estimator.skseq"), X), said)


@pytest.mark.parametrize("reason", ["nan", "Ctrl-C"])
@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_last_training_that_ends_early_leaves_the_first_network(
    monkeypatch, name, epoch, reason
):
    X, y = data_of(name)
    first = with_epochs(name, 2, refit=False).fit(X, y)
    if epoch > first.best_epoch_:
        pytest.skip("the last training is shorter")
    train_again = Plan.train_again

    def stop_again(*arguments):
        stop_in_epoch(monkeypatch, epoch, reason)
        return train_again(*arguments)

    monkeypatch.setattr(Plan, "train_again", stop_again)
    message = "all sequences, came to nothing.* network of the training before is kept"
    with pytest.warns(UserWarning, match=message):  # and no other
        estimator = with_epochs(name, 2).fit(X, y)
    assert_same_weights(estimator, first)
    assert_same_weights(estimator.optimizer_state_, first.optimizer_state_)
    said = answers(estimator, X[4:])  # the first ones are padded
    assert all(np.isfinite(values).all() for values in said.values())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_refit_trains_on_all_for_the_best_number_of_epochs(name):
    X, y = data_of(name)
    estimator = with_epochs(name, 2).fit(X, y)
    first = with_epochs(name, 2, refit=False).fit(X, y)
    assert estimator.loss_curve_ == first.loss_curve_
    prefix = "network__" if name == "ResidualAutoencoder" else ""
    whole = with_epochs(name, first.best_epoch_)
    whole.set_params(**{f"{prefix}early_stopping": False}).fit(X, y)
    assert_same_weights(estimator, whole)


# Parameters are read in fit alone.

OTHER = {
    "add_time_delta": True,
    "alarm_rule": AlarmRule(min_rows=3),
    "group_by": "x",
    "max_gap": 2.0,
    "max_steps": 5,
    "min_rows": 3,
    "statistics": ("max",),
    "time": None,
    "unseen": "error",
    "window_size": 4,
    "activation": "relu",
    "add_missing_indicator": True,
    "batch_size": 7,
    "bidirectional": True,
    "cell": "gru",
    "checkpoint": "elsewhere",
    "class_weight": "balanced",
    "contamination": 0.3,
    "context_features": [0],
    "decoder": "dense",
    "detector": None,
    "detectors": None,
    "dropout": 0.2,
    "early_stopping": False,
    "engine": "keras",
    "error": "mae",
    "fit_on": "normal",
    "global_clipnorm": 1.0,
    "hidden_layer_sizes": (3, 5, 2),
    "input_noise": 0.1,
    "l2": 0.1,
    "lag": 30,
    "latent_layer": "another",
    "learning_rate": 0.5,
    "line_alpha": 3.0,
    "loss": "huber",
    "max_epochs": 9,
    "max_samples": 3,
    "memory": 7,
    "n_components": 3,
    "n_iter_no_change": 9,
    "n_jobs": 2,
    "n_threads": 2,
    "network": None,
    "random_state": 7,
    "recurrent_dropout": 0.2,
    "refit": False,
    "score_on": "last",
    "strength": 1.0,
    "threshold": "f1",
    "tol": 1.0,
    "transformer": MinMaxScaler(),
    "validation": "series",
    "validation_fraction": 0.5,
    "verbose": 1,
    "warm_start": True,
    "warn_on_overlap": False,
}


def methods_of(estimator):
    return {n for n in dir(estimator) if not n.startswith("_") and not n.endswith("_")}


@pytest.mark.parametrize("name", MAKE)
def test_parameters_set_after_fit_change_no_answer(name):
    estimator, (X, _) = fitted(name), data_of(name)
    before, methods = answers(estimator, X), methods_of(estimator)
    for parameter, value in estimator.get_params(deep=False).items():
        if parameter == "estimator":  # what it builds with, once
            other = clone(value).set_params(loss="mae")
        else:
            other = OTHER[parameter]
        assert other is not value, parameter
        estimator.set_params(**{parameter: other})
        try:
            assert_same_answers(answers(estimator, X), before)
            assert methods_of(estimator) == methods, parameter
        finally:
            estimator.set_params(**{parameter: value})


# Everything is validated before the first step.


@pytest.fixture
def no_training(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("training was reached")

    for place in (
        "skseq.training._plan.Plan.train",
        "skseq.baselines._Components.of",
        "skseq.windowing._steps._apply_to_rows",
        "skseq._members.fit_on_windows",
        "skseq.detection._classifier.fit_on_windows",
        "skseq.moving_reference.fit_on_windows",
        "skseq.keras_networks._autoencoder.KerasAutoencoder._train",
    ):
        monkeypatch.setattr(place, fail)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("name", MAKE)
def test_each_parameter_is_validated_before_training(name):
    for parameter in MAKE[name]().get_params(deep=False):
        estimator = MAKE[name]().set_params(**{parameter: object()})
        with pytest.raises((TypeError, ValueError), match=parameter):
            estimator.fit(*data_of(name))


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("name", ANY_DETECTORS)
@pytest.mark.parametrize(
    "contamination",
    [
        0.0,
        0.6,
        "share",
        ("quantile", 2),
        ("quantile", True),
        ("quantile", "0.9"),
        ("pot", 0),
        ("pot", 1.0),
        ("pot",),
        ("f1", 1),
        (),
        ["quantile", 0.9, 1],
    ],
    ids=str,
)
def test_a_wrong_contamination_is_told_before_training(name, contamination):
    estimator = MAKE[name]().set_params(contamination=contamination)
    with pytest.raises(ValueError, match="'contamination' parameter of"):
        estimator.fit(*data_of(name))


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    "threshold", [("quantile", 2), ("fbeta",), ("unknown", 1), ("precision", "high")]
)
def test_a_wrong_threshold_is_told_before_the_detector_is_fitted(threshold):
    classifier = MAKE["RareEventClassifier"]().set_params(threshold=threshold)
    with pytest.raises(ValueError, match="'threshold' parameter of"):
        classifier.fit(WINDOWS, Y)


# The data choose, not the container.


@pytest.mark.parametrize(
    "make",
    [
        lambda: tiny(early_stopping=False, max_epochs=2),
        lambda: tiny(early_stopping=False, error="mahalanobis"),
        # A network of which Keras has made the graphs above.
        lambda: MAKE["ContextEncoder"]().set_params(early_stopping=False),
        lambda: ResidualAutoencoder(tiny(early_stopping=False, max_epochs=2)),
        lambda: PCAAutoencoder(3, contamination=0.1),
    ],
    ids=["LSTM", "LSTM, Mahalanobis", "ContextEncoder", "ResidualAutoencoder", "PCA"],
)
def test_the_same_data_give_the_same_model(make):
    table = sine_table(80)
    table[30, 1] = table[50:56] = np.nan
    windows = windows_of(table, 4)
    array = np.asarray(windows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some windows hold no data
        one, other = make().fit(windows), make().fit(array)
        assert_same_answers(answers(one, windows), answers(other, array))
    assert one.offset_ == other.offset_


# No data is not normal.


@pytest.fixture(scope="module")
def with_a_hole():
    """Windows of which three hold nothing."""
    table = sine_table(80)
    table[50:56] = np.nan
    empty = np.zeros(80, bool)
    empty[53:56] = True
    return windows_of(table, 4), empty


SCORED = [(name, {}) for name in ANY_DETECTORS] + [
    ("PCAAutoencoder", {"score_on": "last"}),
    ("PCAAutoencoder", {"score_on": "max"}),
    ("LSTMAutoencoder", {"error": "standardized", "score_on": "recent"}),
]


@pytest.mark.parametrize(("name", "parameters"), SCORED, ids=str)
def test_a_window_without_data_is_not_judged(with_a_hole, name, parameters):
    X, empty = with_a_hole
    detector = MAKE[name]().set_params(**parameters).fit(X)
    assert np.isfinite(detector.offset_)
    scores = [detector.score_samples(X), detector.decision_function(X)]
    if name in DETECTORS:
        scores += [detector.reconstruction_error(X)]
    for values in scores:
        np.testing.assert_array_equal(np.isnan(values), empty)
    with pytest.warns(UserWarning, match=r"3 of 80 sequence\(s\) have no observed"):
        labels = detector.predict(X)
    assert (labels[empty] == 1).all()
    assert np.isfinite(detector.score(X))
    if name not in DETECTORS or name == "ContextEncoder":
        return
    for per, axes in (("step", 1), ("feature", 1)):
        errors = detector.reconstruction_error(X, per=per)
        np.testing.assert_array_equal(np.isnan(errors).all(axis=axes), empty)
    assert (detector.explain(X)[empty] == 0).all(axis=None)
    assert np.isfinite(detector.explain(X)).all(axis=None)
    rows = detector.score_rows(X)
    np.testing.assert_array_equal(np.isnan(rows), np.isnan(X.table[X.ends]).all(axis=1))


@pytest.mark.parametrize("fit_on", ["all", "normal"])
def test_a_window_without_data_is_no_event(with_a_hole, fit_on):
    X, empty = with_a_hole
    classifier = MAKE["RareEventClassifier"]().set_params(fit_on=fit_on).fit(X, Y)
    np.testing.assert_array_equal(np.isnan(classifier.decision_function(X)), empty)
    np.testing.assert_array_equal(np.isnan(classifier.predict_proba(X)[:, 1]), empty)
    with pytest.warns(UserWarning, match="3 of 80"):
        labels = classifier.predict(X)
    assert (labels[empty] == 0).all()


# A threshold from unseen sequences, in units of the model that is kept.


@pytest.mark.parametrize(
    "make",
    [
        lambda **p: ResidualAutoencoder(
            tiny(validation_fraction=p.pop("validation_fraction")), **p
        ),
        lambda **p: PCAAutoencoder(2, error="mahalanobis", **p),
    ],
    ids=["ResidualAutoencoder", "PCAAutoencoder"],
)
def test_as_many_later_sequences_as_meant_are_beyond_the_offset(make):
    """Noise that grew half-way, and stayed: the first model's units are another."""
    n, share = 1000, 0.05
    rng = np.random.default_rng(0)
    quiet, loud, later = rng.normal(size=(3, n, 3, 2)) * [[[[1]]], [[[3]]], [[[3]]]]
    detector = make(validation_fraction=0.5, contamination=("quantile", 1 - share))
    detector.fit(np.concatenate([quiet, loud]))
    outliers = np.mean(detector.predict(later) == -1)
    # Both the quantile and the share are of n sequences.
    deviation = np.sqrt(2 * share * (1 - share) / n)
    assert abs(outliers - share) < 3 * deviation
