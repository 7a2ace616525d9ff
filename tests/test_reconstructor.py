# SPDX-License-Identifier: BSD-3-Clause
"""LSTMReconstructor, on both engines, held to NumPy."""

import copy

import naive_networks as naive
import numpy as np
import pytest
from make import (
    assert_same_weights,
    one_batch,
    padded_sequences,
)
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tolerances import assert_same_training

from skseq import EachTimeStep, LSTMReconstructor, SlidingWindow


def reconstructor(**parameters):
    return one_batch(LSTMReconstructor, **parameters)


@pytest.fixture(scope="module")
def X():
    return padded_sequences()


@pytest.fixture(scope="module", params=["native", "keras"])
def fitted(X, request):
    return reconstructor(engine=request.param).fit(X)


def test_the_articles_regular_network_has_the_articles_number_of_parameters():
    X = np.zeros((3, 5, 2))
    model = reconstructor(hidden_layer_sizes=(128, 64), max_epochs=1).fit(X)
    assert model.architecture_.n_parameters == 248_578


def test_the_first_loss_is_that_of_the_first_weights(fitted, X):
    weights = fitted.architecture_.initial_weights(np.random.RandomState(0))
    cells = (X - naive.outputs_of(fitted, X, weights)) ** 2
    expected = np.nanmean(cells, axis=(1, 2)).mean()
    assert fitted.loss_curve_[0] == pytest.approx(expected, rel=1e-5)
    assert fitted.loss_curve_[1] < fitted.loss_curve_[0]


def test_scores_are_those_of_the_naive_network(fitted, X):
    outputs = naive.outputs_of(fitted, X)
    expected = np.where(np.isnan(X).all(axis=2, keepdims=True), np.nan, outputs)
    np.testing.assert_allclose(fitted.reconstruct(X), expected, atol=1e-5)
    errors = np.nanmean((X - outputs) ** 2, axis=(1, 2))
    np.testing.assert_allclose(fitted.score_samples(X), -errors, atol=1e-5)


def test_the_model_says_what_the_estimator_says(fitted, X):
    outputs = np.asarray(fitted.model_(X[25:]))
    np.testing.assert_allclose(outputs, fitted.reconstruct(X[25:]), atol=1e-6)


@pytest.mark.parametrize("side", ["front", "end"])
def test_padding_moves_no_score(fitted, X, side):
    short = X[25:, :4]
    width = (2, 0) if side == "front" else (0, 2)
    padded = np.pad(short, ((0, 0), width, (0, 0)), constant_values=np.nan)
    unpadded = copy.deepcopy(fitted)
    unpadded.sequence_shape_ = (4, 2)
    np.testing.assert_allclose(
        fitted.score_samples(padded), unpadded.score_samples(short), atol=1e-6
    )


def test_padding_does_not_change_training(X):
    full = X[9:20]
    settings = {"engine": "native", "batch_size": len(full)}
    plain = reconstructor(**settings).fit(full)
    padded = reconstructor(**settings).fit(
        np.pad(full, ((0, 0), (2, 1), (0, 0)), constant_values=np.nan)
    )
    assert padded.loss_curve_ == pytest.approx(plain.loss_curve_, rel=1e-5)
    assert_same_weights(plain, padded, 1e-5)


# The first in batches of the size that Keras has traced that network for, above.
@pytest.mark.parametrize(
    "parameters",
    [
        {"max_epochs": 12},
        {
            "hidden_layer_sizes": 5,
            "dropout": 0.5,
            "activation": "relu",
            "batch_size": 8,
        },
    ],
    ids=str,
)
def test_engines_agree(X, parameters):
    settings = {"max_epochs": 3, "learning_rate": 0.01}
    native, by_keras = (
        reconstructor(engine=engine, **{**settings, **parameters}).fit(X)
        for engine in ("native", "keras")
    )
    assert native.architecture_ == by_keras.architecture_
    assert_same_training(native, by_keras)
    np.testing.assert_allclose(
        native.score_samples(X), by_keras.score_samples(X), atol=1e-5
    )


def test_it_has_no_latent_vector():
    for name in (
        "transform",
        "fit_transform",
        "inverse_transform",
        "encoder_",
        "decoder_",
        "get_feature_names_out",
    ):
        assert not hasattr(LSTMReconstructor, name)


def test_it_is_the_last_step_of_a_pipeline(table):
    X, _ = table
    pipe = make_pipeline(
        SlidingWindow(5),
        EachTimeStep(StandardScaler()),
        reconstructor(engine="native", batch_size=64),
    )
    assert not hasattr(pipe, "transform")
    scores = pipe.fit(X).score_samples(X)
    assert pipe.score(X) == pytest.approx(scores.mean())
    assert np.isfinite(cross_val_score(pipe, X, cv=2)).all()


def test_training_goes_on_where_it_stopped(X):
    parameters = {"engine": "native", "l2": 0.01}
    whole = reconstructor(max_epochs=4, **parameters).fit(X)
    parts = reconstructor(**parameters)
    warm = reconstructor(warm_start=True, **parameters)
    for _ in range(4):
        parts.partial_fit(X)
    for _ in range(2):
        warm.fit(X)
    assert_same_weights(whole, parts, 1e-5)
    assert_same_weights(whole, warm, 1e-5)
