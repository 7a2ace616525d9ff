# SPDX-License-Identifier: BSD-3-Clause
"""ContextEncoder: its loss held to NumPy, and a context vector that stays."""

import naive_networks as naive
import numpy as np
import pytest
from make import assert_same_weights, one_batch, padded_sequences

from skseq import ContextEncoder
from skseq.networks._keras import build_layers, keras
from skseq.windowing._held_out import hold_out


def encoder(**parameters):
    return one_batch(ContextEncoder, **{"hidden_layer_sizes": (6, 2), **parameters})


@pytest.fixture(scope="module")
def X():
    return padded_sequences()


@pytest.fixture(scope="module")
def fitted(X):
    return encoder().fit(X)


def naive_contexts(model, X, weights=None):
    return np.array([states[0] for states in naive.encodings_of(model, X, weights)])


def naive_loss(model, X, weights):
    """Squared error, variance below 0.5 and covariance, as written in VICReg."""
    contexts = naive_contexts(model, X, weights)
    error = np.mean((contexts - naive.outputs_of(model, X, weights)) ** 2)
    covariance = np.cov(contexts, rowvar=False)
    deviations = np.sqrt(np.diag(covariance) + 1e-6)
    apart = covariance[~np.eye(len(covariance), dtype=bool)]
    return (
        error
        + np.maximum(0.5 - deviations, 0).mean()
        + np.sum(apart**2) / len(covariance)
    )


def test_the_first_loss_is_that_of_the_first_weights(fitted, X):
    """Padding and missing cells included, in one batch of all sequences."""
    weights = fitted.architecture_.initial_weights(np.random.RandomState(0))
    expected = naive_loss(fitted, X, weights)
    assert fitted.loss_curve_[0] == pytest.approx(expected, rel=1e-5)
    assert fitted.loss_curve_[1] < fitted.loss_curve_[0]


def test_scores_and_latent_vectors_are_those_of_the_naive_network(fitted, X):
    contexts, outputs = naive_contexts(fitted, X), naive.outputs_of(fitted, X)
    errors = np.mean((contexts - outputs) ** 2, axis=1)
    np.testing.assert_allclose(fitted.score_samples(X), -errors, atol=1e-5)
    np.testing.assert_allclose(fitted.reconstruction_error(X), errors, atol=1e-5)
    latent = [states[-2] for states in naive.encodings_of(fitted, X)]
    np.testing.assert_allclose(fitted.transform(X), latent, atol=1e-5)


def test_models_say_what_the_estimator_says(fitted, X):
    latent = np.asarray(fitted.encoder_(X[25:]))
    np.testing.assert_allclose(latent, fitted.transform(X[25:]), atol=1e-6)
    outputs = np.asarray(fitted.model_(X[25:]))
    np.testing.assert_allclose(fitted.decoder_(latent), outputs, atol=1e-6)
    assert fitted.encoder_.output_shape == (None, 2)
    assert fitted.decoder_.output_shape == (None, 6)


@pytest.mark.parametrize("side", ["front", "end"])
def test_padding_moves_neither_score_nor_latent_vector(fitted, X, side):
    short = X[25:, :4]
    width = (2, 0) if side == "front" else (0, 2)
    padded = np.pad(short, ((0, 0), width, (0, 0)), constant_values=np.nan)
    other = np.roll(padded, 1 if side == "end" else -1, axis=1)
    for method in (fitted.transform, fitted.score_samples):
        np.testing.assert_allclose(method(padded), method(other), atol=1e-6)


def test_it_reconstructs_no_sequence():
    for name in ("reconstruct", "inverse_transform", "explain", "partial_fit"):
        assert not hasattr(ContextEncoder, name)


def test_the_native_engine_names_it(X):
    with pytest.raises(ValueError, match="not support a ContextEncoder"):
        encoder(engine="native").fit(X)


def test_it_needs_two_layers(X):
    with pytest.raises(ValueError, match="needs two 'hidden_layer_sizes'"):
        encoder(hidden_layer_sizes=5).fit(X)


def test_training_goes_on_where_it_stopped(X):
    whole = encoder(max_epochs=4).fit(X)
    warm = encoder(warm_start=True)
    for _ in range(2):
        warm.fit(X)
    assert_same_weights(whole, warm, 1e-5)


def test_the_offset_is_of_held_out_sequences_and_moves_with_a_refit(X):
    first = encoder(early_stopping=True, validation_fraction=0.3).fit(X)
    again = encoder(early_stopping=True, validation_fraction=0.3, refit=True).fit(X)
    parts = hold_out(X, 0.3)
    training, held_out = parts.training, parts.held_out
    expected = np.quantile(first.score_samples(X[held_out]), 0.01)
    assert first.offset_ == pytest.approx(expected)
    assert not np.array_equal(first.weights_[0], again.weights_[0])
    both = X[training]
    ratios = again.score_samples(both) / first.score_samples(both)
    expected = first.offset_ * np.exp(np.median(np.log(ratios)))
    assert again.offset_ == pytest.approx(expected)


def context_deviations(network, weights, X):
    """Mean standard deviation over sequences of the values of the context vector."""
    mask = np.ones(X.shape[1], bool)
    contexts = [naive.encode(network, weights, x, mask)[0] for x in X]
    return np.std(contexts, axis=0).mean()


def train_naively(network, X, n_epochs):
    """The loss a first thought would write: the error of the context vector alone."""
    layers = build_layers(network)
    inputs = keras.Input(X.shape[1:])
    (encoder,), (bottleneck, back) = layers.encoder, layers.dense
    context = encoder(inputs)
    model = keras.Model(inputs, context - back(bottleneck(context)))
    model.set_weights(network.initial_weights(np.random.RandomState(0)))
    model.compile(keras.optimizers.Adam(0.05), "mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)  # else it is traced twice
    nothing = np.zeros((len(X), network.encoder_layers[-1].n_outputs))
    losses = [model.train_on_batch(X, nothing) for _ in range(n_epochs)]
    return model.get_weights(), losses


def test_the_context_vector_does_not_collapse():
    """Left free the encoder makes the context vector zero; ours keeps its spread."""
    X = np.random.default_rng(0).normal(size=(30, 6, 2)).astype(np.float32)
    padding = np.full((1, 6, 2), np.nan)  # else Keras makes one more graph
    settings = {"learning_rate": 0.05, "max_epochs": 60, "batch_size": 31}
    ae = encoder(**settings).fit(np.concatenate([X, padding]))
    network = ae.architecture_
    first = network.initial_weights(np.random.RandomState(0))
    naive_weights, naive_losses = train_naively(network, X, ae.n_iter_)
    before = context_deviations(network, first, X)
    assert naive_losses[-1] < 0.1 * naive_losses[0]
    assert context_deviations(network, naive_weights, X) < 0.2 * before
    assert context_deviations(network, ae.weights_, X) > max(0.45, before)


def test_the_context_loss_of_held_out_sequences_stops_training(X):
    ae = encoder(
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=1,
        tol=10,
        max_epochs=5,
    ).fit(X)
    assert ae.n_iter_ == 2
    # The first epoch is kept: the second was no better by ``tol``.
    expected = naive_loss(ae, X[21:], ae.weights_)
    assert ae.validation_loss_curve_[0] == pytest.approx(expected, rel=1e-4)


def test_empty_sequences_change_nothing(X):
    some = X[4:14]  # padded ones among them, for which Keras has a graph
    full = np.concatenate([some, np.full((2, 6, 2), np.nan)])
    plain, padded = (encoder().fit(part) for part in (some, full))
    assert padded.loss_curve_ == pytest.approx(plain.loss_curve_, rel=1e-4)
    assert np.isnan(padded.score_samples(full)[-2:]).all()
