# SPDX-License-Identifier: BSD-3-Clause
"""LSTMClassifier and LSTMRegressor: targets, weights, splits and both engines."""

import copy
import pickle

import naive_networks as naive
import numpy as np
import pandas as pd
import pytest
from make import assert_same_weights
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import compute_sample_weight
from tolerances import assert_same_training

from skseq import (
    EachTimeStep,
    LSTMClassifier,
    LSTMRegressor,
    SlidingWindow,
    pad_sequences,
)

N = 60
SETTINGS = {
    "hidden_layer_sizes": (5, 4),
    "max_epochs": 3,
    "batch_size": N,
    "early_stopping": False,
    "engine": "native",
    "random_state": 0,
    "line_alpha": None,
}


def classifier(**parameters):
    return LSTMClassifier(**{**SETTINGS, **parameters})


def regressor(**parameters):
    return LSTMRegressor(**{**SETTINGS, **parameters})


@pytest.fixture(scope="module")
def X():
    """Sequences, some padded at the front or the end, a cell missing."""
    X = np.random.default_rng(0).normal(size=(N, 6, 2)).astype("float32")
    X[:5, :3] = np.nan
    X[5:9, 4:] = np.nan
    X[20, 2, 1] = np.nan
    return X


@pytest.fixture(scope="module")
def y():
    """Classes, of which the last is the rarest."""
    return np.repeat(["a", "b", "c"], [30, 20, 10])[
        np.random.default_rng(1).permutation(N)
    ]


@pytest.fixture(scope="module")
def numbers():
    return np.random.default_rng(2).normal(size=(N, 2))


@pytest.fixture(scope="module")
def sample_weight():
    return np.random.default_rng(3).uniform(size=N)


@pytest.fixture(scope="module")
def binary(X, y):
    return classifier().fit(X, y == "a")


@pytest.fixture(scope="module")
def multiclass(X, y):
    return classifier().fit(X, y)


@pytest.fixture(scope="module")
def gru(X, y):
    parameters = {"cell": "gru", "bidirectional": True, "hidden_layer_sizes": 4}
    return classifier(engine="auto", **parameters).fit(X, y)


@pytest.fixture(scope="module")
def multioutput(X, numbers):
    return regressor().fit(X, numbers)


def naive_outputs(model, X, weights=None):
    missing = np.isnan(X)
    network, weights = model.architecture_, weights or model.weights_
    return np.array(
        [
            naive.output(network, weights, x, mask)
            for x, mask in zip(
                np.where(missing, model.feature_means_, X),
                ~missing.all(axis=2),
                strict=True,
            )
        ]
    )


def first_outputs(model, X):
    """What the network gives before training."""
    return naive_outputs(
        model, X, model.architecture_.initial_weights(np.random.RandomState(0))
    )


# Predictions and losses.


def test_probabilities_are_those_of_the_naive_network(binary, multiclass, gru, X):
    for model in (multiclass, gru):
        np.testing.assert_allclose(
            model.predict_proba(X), naive_outputs(model, X), atol=1e-6
        )
    proba = binary.predict_proba(X)
    np.testing.assert_allclose(proba[:, [1]], naive_outputs(binary, X), atol=1e-6)
    for model in (binary, multiclass, gru):
        proba = model.predict_proba(X)
        assert proba.shape == (N, len(model.classes_))
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_array_equal(
            model.predict(X), model.classes_[proba.argmax(axis=1)]
        )


def test_labels_are_given_back_as_they_came(binary, multiclass, X, y):
    assert binary.classes_.tolist() == [False, True]
    assert multiclass.classes_.tolist() == ["a", "b", "c"]
    assert set(multiclass.predict(X)) <= set(y)
    numbers = classifier().fit(X, np.where(y == "a", 7, -3))
    assert numbers.classes_.tolist() == [-3, 7]
    np.testing.assert_array_equal(numbers.weights_[0], binary.weights_[0])


def test_numbers_are_those_of_the_naive_network(multioutput, X, numbers):
    outputs = multioutput.predict(X)
    assert outputs.shape == (N, 2)
    np.testing.assert_allclose(outputs, naive_outputs(multioutput, X), atol=1e-6)
    single = regressor().fit(X, numbers[:, 0])
    assert single.predict(X).shape == (N,)
    np.testing.assert_allclose(
        single.predict(X), naive_outputs(single, X)[:, 0], atol=1e-6
    )
    assert (single.n_outputs_, multioutput.n_outputs_) == (1, 2)


def test_the_first_loss_of_a_classifier_is_the_log_loss(X, y, sample_weight):
    for labels in (y, y == "a"):
        model = classifier().fit(X, labels, sample_weight)
        proba = first_outputs(model, X)
        proba = np.hstack([1 - proba, proba]) if proba.shape[1] == 1 else proba
        expected = log_loss(labels, proba, sample_weight=sample_weight)
        assert model.loss_curve_[0] == pytest.approx(expected, rel=1e-5)
        assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize(
    ("loss", "error"),
    [
        ("mse", np.square),
        ("mae", np.abs),
        ("huber", lambda e: np.where(abs(e) <= 1, e**2 / 2, abs(e) - 0.5)),
    ],
)
def test_the_first_loss_of_a_regressor_is_its_error(X, numbers, loss, error):
    model = regressor(loss=loss, l2=0.01).fit(X, numbers)
    expected = error(numbers - first_outputs(model, X)).mean()
    first = model.architecture_.initial_weights(np.random.RandomState(0))
    expected += naive.penalty(model.architecture_, first)
    assert model.loss_curve_[0] == pytest.approx(expected, rel=1e-5)


def test_the_keras_model_says_what_the_estimator_says(binary, gru, multioutput, X):
    full = X[25:]
    for model in (binary, gru, multioutput):
        outputs = np.asarray(model.model_(full))
        if model is binary:
            outputs = np.hstack([1 - outputs, outputs])
        predict = getattr(model, "predict_proba", model.predict)
        np.testing.assert_allclose(outputs, predict(full), atol=1e-6)
    assert not hasattr(binary, "encoder_")


def test_padding_changes_no_prediction(multiclass, gru, multioutput, X):
    short = X[25:, :4]
    front = np.pad(short, ((0, 0), (2, 0), (0, 0)), constant_values=np.nan)
    end = np.pad(short, ((0, 0), (0, 2), (0, 0)), constant_values=np.nan)
    for model in (multiclass, gru, multioutput):
        predict = getattr(model, "predict_proba", model.predict)
        np.testing.assert_allclose(predict(front), predict(end), atol=1e-6)
        unpadded = copy.deepcopy(model)
        unpadded.sequence_shape_ = (4, 2)
        predict_short = getattr(unpadded, "predict_proba", unpadded.predict)
        np.testing.assert_allclose(predict(front), predict_short(short), atol=1e-6)


def test_padding_does_not_change_training(X, y):
    full = X[25:]
    plain = classifier().fit(full, y[25:])
    padded = classifier().fit(
        np.pad(full, ((0, 0), (1, 2), (0, 0)), constant_values=np.nan), y[25:]
    )
    assert padded.loss_curve_ == pytest.approx(plain.loss_curve_, rel=1e-6)


def test_the_indicator_makes_the_network_see_a_missing_cell(multiclass, X, y):
    seeing = classifier(add_missing_indicator=True).fit(X, y)
    missing = X[25:].copy()
    missing[:, 3, 1] = np.nan
    for model in (seeing, multiclass):
        filled = missing.copy()
        filled[:, 3, 1] = model.feature_means_[1]
        same = model.predict_proba(missing) == model.predict_proba(filled)
        assert same.all() if model is multiclass else not same.any()


# Engines.


@pytest.mark.parametrize(
    ("make", "parameters", "target", "weighted"),
    [
        (classifier, {"class_weight": "balanced", "dropout": 0.3}, "binary", False),
        (
            classifier,
            {"input_noise": 0.1, "add_missing_indicator": True},
            "classes",
            True,
        ),
        (regressor, {"loss": "huber", "global_clipnorm": 0.1}, "one", False),
        (regressor, {"loss": "mae", "l2": 0.01}, "two", True),
    ],
    ids=["two classes", "three classes", "one output", "two outputs"],
)
def test_engines_agree(
    X, y, numbers, sample_weight, make, parameters, target, weighted
):
    targets = {"binary": y == "b", "classes": y, "one": numbers[:, 0], "two": numbers}
    weights = sample_weight if weighted else None
    # Of one layer, which Keras traces sooner, but for one of the networks.
    sizes = (5, 4) if target == "two" else 4
    settings = {"batch_size": 16, "learning_rate": 0.01, **parameters}
    settings["hidden_layer_sizes"] = sizes
    native, by_keras = (
        make(engine=engine, **settings).fit(X, targets[target], weights)
        for engine in ("native", "keras")
    )
    atol = assert_same_training(native, by_keras)
    for name in {"predict_proba", "predict"} & set(dir(make())):
        ours, theirs = (getattr(model, name)(X) for model in (native, by_keras))
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, atol=atol)
        else:
            np.testing.assert_array_equal(ours, theirs)


def test_the_number_of_threads_does_not_change_the_result(X, numbers):
    first, *others = (
        regressor(
            hidden_layer_sizes=(32, 16),
            n_threads=n_threads,
            batch_size=200,
            dropout=0.2,
            l2=0.01,
        ).fit(np.tile(X, (5, 1, 1)), np.tile(numbers, (5, 1)))
        for n_threads in (1, 2, 3)
    )
    for other in others:
        np.testing.assert_array_equal(other.predict(X), first.predict(X))


@pytest.mark.parametrize(
    "parameters", [{"cell": "gru"}, {"bidirectional": True}, {"recurrent_dropout": 0.1}]
)
def test_the_native_engine_names_what_it_does_not_support(X, y, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"does not support {name}"):
        classifier(**parameters).fit(X, y)


# Weights.


def test_a_sample_weight_is_a_number_of_repetitions(X, y, numbers):
    full = X[25:]
    counts = np.random.default_rng(0).integers(0, 4, size=len(full))
    rows = np.repeat(np.arange(len(full)), counts)
    for make, target in ((classifier, y[25:]), (regressor, numbers[25:])):
        parameters = {"batch_size": 200, "max_epochs": 5}
        weighted = make(**parameters).fit(full, target, counts)
        repeated = make(**parameters).fit(full[rows], target[rows])
        assert_same_training(weighted, repeated)


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 1, "b": 2, "c": 0.5}])
def test_class_weights_multiply_sample_weights(X, y, sample_weight, class_weight):
    by_class = compute_sample_weight(class_weight, y)
    for weights in (None, sample_weight):
        named = classifier(class_weight=class_weight).fit(X, y, weights)
        product = by_class if weights is None else by_class * weights
        by_sample = classifier().fit(X, y, product)
        assert named.loss_curve_ == pytest.approx(by_sample.loss_curve_, rel=1e-6)


def test_balanced_classes_make_the_rare_one_more_probable(X, y):
    settings = {"max_epochs": 30, "learning_rate": 0.01}
    plain = classifier(**settings).fit(X, y)
    balanced = classifier(class_weight="balanced", **settings).fit(X, y)
    rare = [model.predict_proba(X)[:, 2].mean() for model in (plain, balanced)]
    assert rare[1] > 1.5 * rare[0]


def test_weights_that_are_all_the_same_change_nothing(X, y):
    plain = classifier(early_stopping=True).fit(X, y)
    twice = classifier(early_stopping=True).fit(X, y, np.full(N, 2.0))
    for name in ("loss_curve_", "validation_loss_curve_"):
        assert getattr(twice, name) == getattr(plain, name)


def test_held_out_sequences_are_weighted_too(X, y):
    weights = np.where(y == "a", 1.0, 3.0)
    parameters = {"early_stopping": True, "learning_rate": 1e-30}
    plain = classifier(**parameters).fit(X, y)
    weighted = classifier(**parameters).fit(X, y, weights)
    by_class = {"a": 1, "b": 3, "c": 3}
    named = classifier(class_weight=by_class, **parameters).fit(X, y)
    assert plain.validation_loss_curve_ != weighted.validation_loss_curve_
    np.testing.assert_allclose(
        weighted.validation_loss_curve_, named.validation_loss_curve_, rtol=1e-6
    )


# What is held out.


class SeenData(Exception):
    pass


@pytest.fixture
def split_of(monkeypatch):
    """The rows that a fit would train on, and those that it holds out."""

    def stop(engine, architecture, data, **kwargs):
        raise SeenData(data.training, data.held_out)

    monkeypatch.setattr("skseq.training._plan.train", stop)

    def split(model, X, y):
        with pytest.raises(SeenData) as seen:
            model.fit(X, y)
        assert not model.__sklearn_is_fitted__()
        return seen.value.args

    return split


def test_of_an_array_any_sequences_are_held_out_by_class(split_of, X, y):
    model = classifier(early_stopping=True, validation_fraction=0.2)
    training, held_out = split_of(model, X, y)
    np.testing.assert_array_equal(np.sort([*training, *held_out]), np.arange(N))
    labels, counts = np.unique(y[held_out], return_counts=True)
    assert dict(zip(labels, counts, strict=True)) == {"a": 6, "b": 4, "c": 2}
    assert held_out.min() < N / 2
    again = split_of(clone(model), X, y)[1]
    np.testing.assert_array_equal(again, held_out)
    other = split_of(clone(model).set_params(random_state=1), X, y)[1]
    assert set(other) != set(held_out)


def test_of_an_array_any_sequences_are_held_out_of_a_regression(split_of, X, numbers):
    model = regressor(early_stopping=True, validation_fraction=0.2)
    training, held_out = split_of(model, X, numbers)
    assert (len(training), len(held_out)) == (48, 12)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_of_windows_the_last_part_of_each_series_is_held_out(split_of, table, make):
    rows, events = table
    windows = SlidingWindow(4).fit_transform(rows)
    training, held_out = split_of(make(early_stopping=True), windows, events)
    np.testing.assert_array_equal(held_out, np.arange(270, 300))
    np.testing.assert_array_equal(training, np.arange(267))


def test_at_least_one_sequence_of_each_class_is_held_out(split_of, X, y):
    small = np.r_[np.flatnonzero(y == "a")[:8], np.flatnonzero(y == "c")[:3]]
    held_out = split_of(classifier(early_stopping=True), X[small], y[small])[1]
    assert sorted(y[small][held_out]) == ["a", "c"]


def test_a_class_too_rare_to_be_held_out_says_so(X, y):
    rare = y.copy()
    rare[y == "c"] = "a"
    rare[0] = "c"
    with pytest.raises(ValueError, match="cannot be held out.*'early_stopping' to Fal"):
        classifier(early_stopping=True).fit(X, rare)
    assert classifier().fit(X, rare).classes_.tolist() == ["a", "b", "c"]


def test_early_stopping_keeps_the_best_epoch(X, y):
    model = classifier(
        early_stopping=True,
        validation_fraction=0.3,
        max_epochs=60,
        n_iter_no_change=3,
        tol=0,
        learning_rate=0.1,
    ).fit(X, y)
    curve = model.validation_loss_curve_
    assert len(curve) == len(model.loss_curve_) == model.n_iter_ < 60
    assert model.best_epoch_ == np.argmin(curve) + 1 == model.n_iter_ - 3


# Inside scikit-learn.


def test_rare_events_are_searched_for_and_ranked(table):
    X, y = table
    pipe = make_pipeline(
        SlidingWindow(3),
        EachTimeStep(StandardScaler()),
        classifier(hidden_layer_sizes=8, learning_rate=0.02, batch_size=32),
    )
    search = GridSearchCV(
        pipe,
        {"lstmclassifier__max_epochs": [1, 15], "slidingwindow__window_size": [3]},
        scoring="average_precision",
        cv=StratifiedKFold(3),
    ).fit(X, y)
    assert search.best_params_["lstmclassifier__max_epochs"] == 15
    assert search.best_score_ > 0.9
    assert search.predict_proba(X).shape == (300, 2)
    assert is_classifier(pipe)
    scores = cross_val_score(pipe, X, y, cv=3, scoring="roc_auc")
    assert np.isfinite(scores).all()


def test_a_target_can_be_scaled(X):
    full = X[25:]
    y = 1000 + 100 * full[:, -1]
    model = TransformedTargetRegressor(
        regressor(max_epochs=80, learning_rate=0.03), transformer=StandardScaler()
    ).fit(full, y)
    assert model.predict(full).shape == y.shape
    assert model.score(full, y) > 0.8
    assert is_regressor(model)


def test_a_series_and_univariate_sequences_are_taken(X, y):
    flat = X[25:, :, 0]
    cube = classifier().fit(flat[:, :, np.newaxis], y[25:])
    model = classifier().fit(pd.DataFrame(flat).to_numpy(), pd.Series(y)[25:])
    np.testing.assert_array_equal(
        model.predict_proba(flat), cube.predict_proba(flat[:, :, np.newaxis])
    )


def test_pickle_and_deepcopy_keep_all_but_the_keras_models(multiclass, X):
    assert multiclass.model_ is not None
    for other in (pickle.loads(pickle.dumps(multiclass)), copy.deepcopy(multiclass)):
        assert "_keras_models" not in vars(other)
        np.testing.assert_array_equal(
            other.predict_proba(X), multiclass.predict_proba(X)
        )


def test_random_state_fixes_the_result_and_no_global_state_is_touched(X, y):
    parameters = {"dropout": 0.2, "early_stopping": True}
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    first, second = (classifier(**parameters).fit(X, y) for _ in range(2))
    assert np.random.random() == expected  # noqa: NPY002
    assert_same_weights(first, second)
    shared = classifier(**parameters, random_state=np.random.RandomState(0))
    assert shared.fit(X, y).loss_curve_ != shared.fit(X, y).loss_curve_


class CountEpochs:
    """A callback that counts epochs, and asks to stop after some."""

    def __init__(self, stop_after):
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.seen, self.accuracy = 0, []

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        if context.task_name == "epoch":
            self.seen += 1
            self.accuracy.append(fitted_estimator.score(X, y))
        return self.seen >= self.stop_after


def test_callbacks_hear_of_each_epoch_and_can_stop(X, y, numbers):
    for make, target in ((classifier, y), (regressor, numbers)):
        callback = CountEpochs(2)
        model = make(max_epochs=9).set_callbacks(callback).fit(X, target)
        assert model.n_iter_ == callback.seen == 2
        assert callback.accuracy[-1] == pytest.approx(model.score(X, target))


# Going on.


def test_warm_start_goes_on(X, y, numbers):
    for make, target in ((classifier, y), (regressor, numbers)):
        whole = make(max_epochs=4).fit(X, target)
        warm = make(max_epochs=2, warm_start=True).fit(X, target)
        warm.fit(X, target)
        assert_same_weights(whole, warm, 1e-6)


def test_warm_start_goes_on_with_fewer_classes_but_not_with_new_ones(X, y):
    warm = classifier(warm_start=True).fit(X, y)
    warm.fit(X[y != "c"], y[y != "c"])
    assert warm.classes_.tolist() == ["a", "b", "c"]
    assert warm.predict_proba(X).shape == (N, 3)
    with pytest.raises(ValueError, match=r"holds the classes.*'d'.*was trained on"):
        warm.fit(X, np.where(y == "c", "d", y))
    assert warm.classes_.tolist() == ["a", "b", "c"]


def test_warm_start_refuses_other_outputs_and_networks(X, numbers):
    warm = regressor(warm_start=True).fit(X, numbers)
    with pytest.raises(ValueError, match="y has 1 outputs, but the network"):
        warm.fit(X, numbers[:, 0])
    assert warm.predict(X).shape == numbers.shape
    with pytest.raises(ValueError, match="cannot go on with another network"):
        warm.set_params(hidden_layer_sizes=3).fit(X, numbers)


# Errors.


def test_bad_targets_are_named(X, y, numbers):
    with pytest.raises(ValueError, match="two classes or more.*one class: 'a'"):
        classifier().fit(X, np.full(N, "a"))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(X, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        regressor().fit(X, numbers[:-1])
    with pytest.raises(ValueError, match="requires y to be passed"):
        regressor().fit(X, None)
    with pytest.raises(ValueError, match="Input y contains infinity"):
        classifier().fit(X, np.where(y == "a", np.inf, 1))
    with pytest.raises(ValueError, match="Unknown label type"):
        classifier().fit(X, numbers[:, 0])
    with pytest.raises(ValueError, match="y should be a 1d array"):
        classifier().fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="Input y contains NaN"):
        regressor().fit(X, np.where(numbers > 2, np.nan, np.nan))


@pytest.mark.parametrize("make", [classifier, regressor])
def test_bad_weights_are_named(X, y, make):
    target = y == "a"
    with pytest.raises(ValueError, match="[Nn]egative"):
        make().fit(X, target, np.linspace(-1, 1, N))
    with pytest.raises(ValueError, match="sample_weight.shape"):
        make().fit(X, target, np.ones(N - 1))
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        make().fit(X, target, np.full(N, np.nan))


@pytest.mark.parametrize(
    "parameters",
    [
        {"loss": "binary_crossentropy"},
        {"dropout": 1},
        {"cell": "rnn"},
        {"max_epochs": 0},
    ],
)
def test_bad_parameters_are_named(X, numbers, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter of LSTMRegressor"):
        regressor(**parameters).fit(X, numbers)


def test_a_bad_class_weight_is_named(X, y):
    with pytest.raises(ValueError, match="'class_weight' parameter of LSTMClassifier"):
        classifier(class_weight="rare").fit(X, y)


def test_a_loss_that_does_not_stay_finite_is_an_error(X, numbers):
    model = regressor(activation="linear", learning_rate=1e18, batch_size=8)
    with pytest.raises(ValueError, match=r"loss became (nan|inf) in epoch.*'learning_"):
        model.fit(X, numbers)


def test_other_channels_and_steps_than_in_fit_are_refused(multiclass, multioutput, X):
    for model in (multiclass, multioutput):
        with pytest.raises(ValueError, match="X has 1 features, but LSTM"):
            model.predict(X[:, :, :1])
        with pytest.raises(ValueError, match="X has 5 time steps, but LSTM"):
            model.predict(X[:, 1:])


# Real sequences.


# aeon depends on packages that warn as they are imported.
@pytest.mark.filterwarnings("ignore")
def test_speakers_are_told_by_their_vowels():
    """JapaneseVowels: 9 speakers, sequences of 7 to 29 steps."""
    datasets = pytest.importorskip(
        "aeon.datasets", reason="JapaneseVowels comes with aeon"
    )
    (X, y), (X_test, y_test) = (
        datasets.load_japanese_vowels(split) for split in ("train", "test")
    )
    X, X_test = (
        pad_sequences([x.T for x in part], n_timesteps=29) for part in (X, X_test)
    )
    model = LSTMClassifier(
        64,
        learning_rate=0.01,
        batch_size=16,
        max_epochs=40,
        early_stopping=False,
        random_state=0,
    ).fit(X, y)
    assert model.score(X_test, y_test) >= 0.93


def test_a_refit_that_fails_leaves_the_classes_of_the_fit_before(monkeypatch):
    X = np.random.default_rng(0).normal(size=(40, 4, 1))
    model = LSTMClassifier(2, max_epochs=1, random_state=0).fit(X, np.arange(40) % 2)
    before = model.predict_proba(X)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("skseq.training._plan.train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, np.arange(40) % 3)
    assert model.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_sequence_without_data_has_no_prediction(lazy):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(80, 2))
    table[60:70] = np.nan
    windows = SlidingWindow(4).fit_transform(table)
    y = np.arange(80) % 2
    empty = np.isnan(np.asarray(windows)).all(axis=(1, 2))
    X = windows if lazy else np.asarray(windows)
    clf = LSTMClassifier((2,), max_epochs=1, random_state=0).fit(X[:60], y[:60])
    np.testing.assert_array_equal(np.isnan(clf.predict_proba(X)[:, 1]), empty)
    said = f"{empty.sum()} of 80 sequence.* get the label 0. Tell"
    with pytest.warns(UserWarning, match=said):
        labels = clf.predict(X)
    assert (labels[empty] == clf.classes_[0]).all()
    regressor = LSTMRegressor((2,), max_epochs=1, random_state=0).fit(X[:60], y[:60])
    np.testing.assert_array_equal(np.isnan(regressor.predict(X)), empty)
