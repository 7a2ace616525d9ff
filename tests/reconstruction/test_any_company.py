# SPDX-License-Identifier: BSD-3-Clause
"""A sequence has the same scores, to the last bit, whatever others it comes with."""

import numpy as np
import pytest
from tolerances import of_forward

import skseq.engines.native._built
from skseq import (
    LSTMAutoencoder,
    LSTMClassifier,
    LSTMReconstructor,
    LSTMRegressor,
    PCAAutoencoder,
    ResidualAutoencoder,
    SlidingWindow,
)
from skseq.engines._product import product
from skseq.reconstruction._errors import fit_error_rule

N = 1100  # more than one chunk of a forward pass
ALONE = [0, 1, 40, 1023, 1024, N - 1]


def table(n=N):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)).cumsum(axis=0) * 0.1
    X[rng.random(X.shape) < 0.02] = np.nan
    return X.astype(np.float32)


def arrays(n_features=3):
    """Whole sequences, some with missing cells and some padded."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(N, 7, n_features)).astype(np.float32)
    X[40, 2, 0] = np.nan
    for i in range(0, N, 5):
        X[i, : i % 7] = np.nan
    return X


def windows():
    return SlidingWindow(7).fit_transform(table())


def tiny(kind=LSTMAutoencoder, **parameters):
    parameters = {"max_epochs": 1, "random_state": 0, "engine": "native", **parameters}
    return kind((5, 3), **parameters)


def classes(X):
    return np.arange(len(X)) % 11


RECONSTRUCTING = {
    "LSTM": (tiny(), arrays),
    "LSTM of one feature": (tiny(), lambda: arrays(1)),
    "LSTM of Windows": (tiny(), windows),
    "LSTM, later steps count": (tiny(score_on="recent"), arrays),
    "LSTM, Mahalanobis": (tiny(error="mahalanobis"), arrays),
    "LSTM, told what is missing": (tiny(add_missing_indicator=True), windows),
    "LSTM of steps": (tiny(LSTMReconstructor, error="standardized"), arrays),
    "residual": (ResidualAutoencoder(tiny()), windows),
    "residual of arrays": (ResidualAutoencoder(tiny()), arrays),
    "PCA": (PCAAutoencoder(4), arrays),
    "PCA of one component": (PCAAutoencoder(1), arrays),
    "PCA, Mahalanobis": (PCAAutoencoder(error="mahalanobis"), windows),
    "PCA, one step counts": (PCAAutoencoder(score_on="max"), windows),
}
METHODS = {
    "score_samples": {},
    "reconstruct": {},
    "transform": {},
    "reconstruction_error": {"per": "step"},
    "explain": {},
}


def results(estimator, X):
    names = [name for name in METHODS if hasattr(estimator, name)]
    return {n: np.asarray(getattr(estimator, n)(X, **METHODS[n])) for n in names}


def assert_same_in_any_company(results, X):
    """``results`` of all of X, of single ones, of pairs and shuffled."""
    whole = results(X)
    order = np.random.default_rng(2).permutation(N)
    parts = [[i] for i in ALONE] + [[i, 40] for i in ALONE]
    parts += [order, order[:12], order[:100], np.arange(300), np.arange(N)[::-1]]
    for part in parts:
        for name, got in results(X[np.asarray(part)]).items():
            np.testing.assert_array_equal(got, whole[name][part], err_msg=name)


@pytest.mark.parametrize("name", RECONSTRUCTING)
def test_what_reconstructs_gives_each_sequence_its_own_scores(name, isa):
    estimator, make = RECONSTRUCTING[name]
    X = make()
    estimator.fit(X)
    assert_same_in_any_company(lambda part: results(estimator, part), X)


def test_keras_gives_each_sequence_its_own_scores_but_for_rounding():
    """It has products of its own; sizes from one graph to the next one included."""
    pytest.importorskip("keras")
    X = arrays()
    estimator = LSTMAutoencoder(3, max_epochs=1, random_state=0).fit(X)
    estimator.engine_ = "keras"  # as if trained by it, which takes longer
    assert estimator._network.engine == "keras"
    whole = results(estimator, X)
    for part in ([0], [40, 1023], [N - 1], np.arange(300), np.arange(N)[::-1]):
        parts = results(estimator, X[np.asarray(part)])
        for name, expected in whole.items():
            atol = of_forward(expected, X.shape[1])
            np.testing.assert_allclose(
                parts[name], expected[part], rtol=0, atol=atol, err_msg=name
            )


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (tiny(LSTMClassifier, early_stopping=False), classes),
        (tiny(LSTMClassifier, early_stopping=False), lambda X: classes(X) % 2),
        (tiny(LSTMRegressor, early_stopping=False), lambda X: classes(X) / 3.0),
    ],
    ids=["classes", "two classes", "numbers"],
)
def test_predictions_are_those_of_the_sequence_alone(model, y, isa):
    X = arrays()
    model.fit(X, y(X))
    predict = getattr(model, "predict_proba", model.predict)
    assert_same_in_any_company(lambda part: {"predict": predict(part)}, X)


def test_the_memory_layout_of_the_input_has_no_part_in_it(isa):
    X = arrays()
    for estimator in (tiny(), PCAAutoencoder(4)):
        estimator.fit(X)
        expected = results(estimator, X)
        for other in (np.asfortranarray(X), np.repeat(X, 2, axis=2)[:, :, ::2]):
            for name, got in results(estimator, other).items():
                np.testing.assert_array_equal(got, expected[name], err_msg=name)


@pytest.mark.parametrize("name", [name for name in RECONSTRUCTING if "PCA" in name])
def test_scores_without_kernels_know_no_company_either(name, monkeypatch):
    monkeypatch.setattr(skseq.engines.native._built, "has_kernels", lambda: False)
    estimator, make = RECONSTRUCTING[name]
    X = make()
    estimator.fit(X)
    assert_same_in_any_company(lambda part: results(estimator, part), X)


every_size = pytest.mark.parametrize(
    ("depth", "n_columns"), [(1, 1), (3, 2), (16, 8), (61, 17), (7, 50), (300, 130)]
)
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def assert_rows_stand_alone(depth, n_columns, dtype):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1030, depth)).astype(dtype)
    matrix = rng.normal(size=(depth, n_columns)).astype(dtype)
    whole = product(rows, matrix)
    assert whole.dtype == dtype
    exact = rows.astype(float) @ matrix
    np.testing.assert_allclose(whole, exact, atol=8 * depth * np.finfo(dtype).eps)
    for part in ([0], [700], [3, 1], range(8), range(9), range(1, 1030)):
        part = np.asarray(part)
        np.testing.assert_array_equal(product(rows[part], matrix), whole[part])
    np.testing.assert_array_equal(product(np.asfortranarray(rows), matrix), whole)


@every_size
@both_types
def test_rows_of_a_product_are_those_of_the_row_alone(depth, n_columns, dtype, isa):
    assert_rows_stand_alone(depth, n_columns, dtype)


@every_size
@both_types
def test_rows_of_a_product_without_kernels_are_too(
    depth, n_columns, dtype, monkeypatch
):
    monkeypatch.setattr(skseq.engines.native._built, "has_kernels", lambda: False)
    assert_rows_stand_alone(depth, n_columns, dtype)


def test_shares_of_a_distance_are_those_of_the_sequence_alone():
    rng = np.random.default_rng(0)
    targets, outputs = rng.normal(size=(2, 1030, 6, 5)).astype(np.float32)
    rule = fit_error_rule("mahalanobis", [(slice(None), targets, outputs)])
    targets[3, 2, 1] = np.nan
    whole = rule.cells(targets, outputs)
    for i in (0, 3, 700):
        alone = rule.cells(targets[[i]], outputs[[i]])
        np.testing.assert_array_equal(alone[0], whole[i])
