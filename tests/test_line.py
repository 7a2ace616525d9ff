# SPDX-License-Identifier: BSD-3-Clause
"""The linear model beside LSTMClassifier and LSTMRegressor."""

from dataclasses import replace

import naive_networks as naive
import numpy as np
import pytest
from make import assert_same_weights
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression, Ridge
from tolerances import assert_same_training

from skseq import LSTMClassifier, LSTMRegressor, SlidingWindow, load, save, to_onnx
from skseq.engines._batches import Preparation
from skseq.engines._line import Line
from skseq.plotting import ArchitectureDisplay
from skseq.training import _loop
from skseq.training._line import fit_line, unseen_codes
from skseq.training._plan import Examples

N = 80
SETTINGS = {
    "hidden_layer_sizes": 3,
    "line_alpha": 0.5,
    "max_epochs": 2,
    "learning_rate": 0.02,
    "engine": "native",
    "random_state": 0,
}
# Of which no step is large enough to count.
NO_GAIN = {"learning_rate": 1e-9, "early_stopping": True}


class Killed(BaseException):
    """Stands for a signal."""


def fit(kind, X, y, **parameters):
    return kind(**{**SETTINGS, "early_stopping": False, **parameters}).fit(X, y)


@pytest.fixture(scope="module")
def X():
    """Sequences, some padded, a cell missing."""
    X = np.random.default_rng(0).normal(size=(N, 4, 2)).astype("float32")
    X[:3, :2] = np.nan
    X[5, 3:] = np.nan
    X[20, 2, 1] = np.nan
    return X


@pytest.fixture(scope="module")
def classes(X):
    return np.digitize(np.nan_to_num(X[:, 2, 0] + X[:, 1, 1]), [-0.7, 0.7])


@pytest.fixture(scope="module")
def multiclass(X, classes):
    return fit(LSTMClassifier, X, classes)


@pytest.fixture(scope="module")
def binary(X, classes):
    return fit(LSTMClassifier, X, classes == 1, add_missing_indicator=True)


def flat(model, X):
    """Cells, with the means of the training where they are missing."""
    return np.where(np.isnan(X), model.feature_means_, X).reshape(len(X), -1)


def bent(log_odds):
    return 10 * np.tanh(log_odds / 10)


def naive_sum(model, X, values):
    """The network's outputs, one sequence after the other, beside a line's."""
    inputs = np.where(np.isnan(X), model.feature_means_, X)
    if model.architecture_.missing_indicator:
        inputs = np.concatenate([inputs, np.isnan(X)], axis=2)
    steps = ~np.isnan(X).all(axis=2)
    network = model.architecture_, model.weights_
    added = [naive.output(*network, x, s) for x, s in zip(inputs, steps, strict=True)]
    return np.array(added) + values


def test_probabilities_are_those_of_scikit_learn_and_the_naive_network(
    X, classes, multiclass, binary
):
    for model, y in ((multiclass, classes), (binary, classes == 1)):
        regression = LogisticRegression(C=2, max_iter=1_000).fit(flat(model, X), y)
        log_odds = regression.decision_function(flat(model, X)).reshape(N, -1)
        sums = naive_sum(model, X, bent(log_odds))
        p = softmax(sums, axis=1) if sums.shape[1] > 1 else expit(sums)[:, 0]
        actual = model.predict_proba(X)
        assert_allclose(actual if p.ndim > 1 else actual[:, 1], p, atol=2e-5)
        assert np.abs(sums - bent(log_odds)).max() > 0.005  # the network counts


def test_predictions_are_those_of_ridge_regression_and_the_naive_network(X):
    y = np.nan_to_num(X[:, -1]) + 5
    model = fit(LSTMRegressor, X, y)
    ridge = Ridge(alpha=0.5).fit(flat(model, X), y)
    expected = naive_sum(model, X, ridge.predict(flat(model, X)))
    assert_allclose(model.predict(X), expected, atol=2e-5)


def test_a_network_that_gains_nothing_leaves_the_line(X, classes):
    model = fit(LSTMClassifier, X, classes == 1, **NO_GAIN, refit=False)
    assert model.best_epoch_ == 0
    assert model.n_iter_ == 2
    assert_allclose(model.validation_loss_curve_, model.line_loss_, rtol=1e-3)
    line = model.path_.coef.reshape(-1, 1), model.path_.intercept
    log_odds = flat(model, X) @ line[0] + line[1]
    assert_allclose(model.predict_proba(X)[:, 1:], expit(bent(log_odds)), atol=1e-5)
    again = fit(LSTMClassifier, X, classes == 1, **NO_GAIN, refit=True)
    whole = fit(LSTMClassifier, X, classes == 1)
    assert_array_equal(again.path_.coef, whole.path_.coef)


def test_the_engines_agree(X, classes, multiclass):
    keras = fit(LSTMClassifier, X, classes, engine="keras")
    assert_same_training(multiclass, keras)
    assert_allclose(multiclass.predict_proba(X), keras.predict_proba(X), atol=1e-5)


def test_a_sequence_has_the_same_probabilities_in_any_company(X, multiclass):
    whole = multiclass.predict_proba(X)
    for rows in ([3], [20, 4], np.arange(70)):
        assert_array_equal(multiclass.predict_proba(X[rows]), whole[rows])


def test_far_from_the_training_probabilities_keep_their_order(X, classes):
    model = fit(LSTMClassifier, X, classes == 1, **NO_GAIN)
    steep = np.zeros((4, 2, 1), np.float32)
    steep[-1, 0] = 20
    model.path_ = replace(model.path_, coef=steep)
    far = np.zeros((4, 4, 2), np.float32)
    far[:, -1, 0] = [1, 1.5, 2, 2.5]
    assert (expit(np.float32([20, 30, 40, 50])) == 1).all()
    assert (np.diff(model.predict_proba(far)[:, 1]) > 0).all()


def examples_of(X, y, *, are_classes):
    return Examples(
        X, y.astype(np.float32)[:, np.newaxis, np.newaxis], None, are_classes
    )


def ridge_of(examples, preparation):
    return fit_line(examples, preparation, 0.5)


@pytest.mark.parametrize("of_windows", [True, False], ids=["windows", "array"])
def test_what_trains_a_network_stands_beside_lines_that_never_saw_it(of_windows):
    rng = np.random.default_rng(0)
    X, y = SlidingWindow(3).fit_transform(rng.normal(size=(41, 2))), rng.normal(size=41)
    gap = 2 if of_windows else 0
    X = X[2:] if of_windows else np.asarray(X[2:])
    training = np.arange(30)
    examples = examples_of(X, y[2:], are_classes=False)
    preparation = Preparation(np.zeros(2, np.float32))
    path = ridge_of(examples.taken(training), preparation)
    preparation = Preparation(preparation.fill, path=path)
    codes = unseen_codes(ridge_of, examples, training, preparation)[:, 0]
    cells = np.asarray(X).reshape(39, -1)

    def ridge(rows):
        return Ridge(alpha=0.5).fit(cells[rows], y[2:][rows]).predict(cells)

    assert_allclose(codes[30:], ridge(training)[30:], atol=1e-5)
    for block in np.split(training, 5):
        far = (training < block[0] - gap) | (training > block[-1] + gap)
        assert_allclose(codes[block], ridge(training[far])[block], atol=1e-5)


def test_where_the_other_blocks_lack_a_class_the_line_of_all_stands():
    X = np.random.default_rng(0).normal(size=(25, 3, 1)).astype(np.float32)
    y = np.arange(25) < 4  # all of them in the first block
    examples, preparation = (
        examples_of(X, y, are_classes=True),
        Preparation(np.zeros(1)),
    )
    line = ridge_of(examples, preparation)
    preparation = Preparation(preparation.fill, path=line)
    codes = unseen_codes(ridge_of, examples, np.arange(25), preparation)
    own = preparation.codes(X)
    assert_array_equal(codes[:5], own[:5])
    assert np.abs(codes[5:] - own[5:]).min() > 0


def test_a_fit_that_was_killed_goes_on_beside_the_line(
    X, classes, tmp_path, monkeypatch
):
    train_epoch = _loop._train_epoch

    def train_or_die(*arguments):
        if arguments[-1] == 2:
            raise Killed
        return train_epoch(*arguments)

    path = str(tmp_path / "training")
    with monkeypatch.context() as context:
        context.setattr(_loop, "_train_epoch", train_or_die)
        with pytest.raises(Killed):
            fit(LSTMClassifier, X, classes, **NO_GAIN, checkpoint=path)
    resumed = fit(LSTMClassifier, X, classes, **NO_GAIN, checkpoint=path)
    whole = fit(LSTMClassifier, X, classes, **NO_GAIN)
    assert resumed.best_epoch_ == whole.best_epoch_ == 0
    assert resumed.validation_loss_curve_ == whole.validation_loss_curve_
    assert_same_weights(resumed, whole)


def test_a_warm_start_keeps_the_line(X, classes):
    model = fit(LSTMClassifier, X, classes, warm_start=True)
    line, weights = model.path_, model.weights_
    model.fit(X[::-1], classes)
    assert model.path_ is line
    assert np.abs(model.weights_[-1] - weights[-1]).max() > 0
    with pytest.raises(ValueError, match="cannot go on with another network"):
        model.set_params(line_alpha=None).fit(X, classes)


def test_files_graphs_and_keras_models_hold_the_line(multiclass, binary, tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    X = np.random.default_rng(1).normal(size=(6, 4, 2)).astype(np.float32)
    for model in (multiclass, binary):
        save(model, tmp_path / "model.skseq")
        expected = model.predict_proba(X)
        assert_array_equal(load(tmp_path / "model.skseq").predict_proba(X), expected)
        graph = runtime.InferenceSession(to_onnx(model).SerializeToString())
        assert_allclose(graph.run(None, {"X": X})[0], expected, atol=1e-6)
    keras = multiclass.model_
    assert_allclose(keras(X), multiclass.predict_proba(X), atol=1e-6)
    network, line = _drawn(multiclass)
    assert [flow.name for flow in network[-2:]] == ["dense", "sum"]
    assert line[0].n_parameters == multiclass.path_.coef.size + 3
    before = [w.copy() for w in multiclass.weights_]
    assert_same_weights(multiclass.set_weights_from(keras).weights_, before)


def _drawn(model):
    display = ArchitectureDisplay.from_estimator(model)
    return display.layers, display.linear_path


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (None, "path_ is not a line"),
        (Line(np.zeros((4, 1, 3), np.float32), np.zeros(3, np.float32)), "the coef of"),
        (Line(np.zeros((4, 2, 3), np.float32), np.zeros(1, np.float32)), "intercept"),
        (Line(np.zeros((4, 2, 3), "f4"), np.zeros(3, "f4"), -1.0), "the limit of"),
    ],
)
def test_a_file_with_another_line_is_refused(line, message, X, classes, tmp_path):
    model = fit(LSTMClassifier, X, classes, max_epochs=1)
    model.path_ = line
    with pytest.raises(ValueError, match=message):
        save(model, tmp_path / "model.skseq")
