# SPDX-License-Identifier: BSD-3-Clause
"""LSTMAutoencoder with every decoder and cell, on both engines, held to NumPy."""

import copy
import functools

import naive_networks as naive
import numpy as np
import pytest
from make import (
    assert_same_weights,
    one_batch,
    padded_sequences,
)
from sklearn.base import clone
from tolerances import assert_same_training

from skseq import SlidingWindow
from skseq.engines._choose import choose_engine
from skseq.networks import Architecture

# Of one layer, where the others hold what stacking does: Keras traces each for seconds.
NETWORKS = {
    "autoencoder": {},
    "penalised, with missing indicator": {"l2": 0.01, "add_missing_indicator": True},
    "probabilities": {"loss": "binary_crossentropy"},
    "reshape": {"decoder": "reshape", "hidden_layer_sizes": 6},
    "dense": {"decoder": "dense", "hidden_layer_sizes": 5},
    "conditional": {"decoder": "conditional"},
    "conditional gru": {
        "decoder": "conditional",
        "cell": "gru",
        "hidden_layer_sizes": 5,
    },
    "bidirectional gru": {
        "cell": "gru",
        "bidirectional": True,
        "hidden_layer_sizes": 5,
    },
}
NATIVE = list(NETWORKS)[:3]
# The reconstruction of a step depends on its place in these.
BY_PLACE = ("reshape", "dense")


@pytest.fixture(scope="module")
def X():
    return padded_sequences()


@functools.cache
def fitted(name, engine="keras"):
    return one_batch(engine=engine, **NETWORKS[name]).fit(padded_sequences())


@pytest.fixture(scope="module", params=NETWORKS)
def ae(request):
    """Native where it can be: test_engines_agree holds Keras to it."""
    return fitted(request.param, "native" if request.param in NATIVE else "keras")


def test_the_first_loss_is_that_of_the_first_weights(ae, X):
    """Padding and missing cells included, in one batch of all sequences."""
    weights = ae.architecture_.initial_weights(np.random.RandomState(0))
    outputs = naive.outputs_of(ae, X, weights, forced=True)
    expected = np.nanmean(naive.cells_of(ae.loss, X, outputs), axis=(1, 2)).mean()
    expected += naive.penalty(ae.architecture_, weights)
    assert ae.loss_curve_[0] == pytest.approx(expected, rel=1e-5)
    assert ae.loss_curve_[1] < ae.loss_curve_[0]


def test_scores_and_latent_vectors_are_those_of_the_naive_network(ae, X):
    outputs = naive.outputs_of(ae, X)
    expected = np.where(np.isnan(X).all(axis=2, keepdims=True), np.nan, outputs)
    np.testing.assert_allclose(ae.reconstruct(X), expected, atol=1e-5)
    errors = np.nanmean(naive.cells_of(ae.loss, X, outputs), axis=(1, 2))
    np.testing.assert_allclose(ae.score_samples(X), -errors, atol=1e-5)
    latent = [states[-2] for states in naive.encodings_of(ae, X)]
    np.testing.assert_allclose(ae.transform(X), latent, atol=1e-5)


# Of each kind of network the models are held to NumPy in networks/.
@pytest.mark.parametrize(
    ("name", "engine"), [(NATIVE[1], "native"), ("conditional gru", "keras")]
)
def test_models_say_what_the_estimator_says(X, name, engine):
    ae, full = fitted(name, engine), X[25:]
    inputs = naive.prepared(ae, full)[0].astype("float32")
    outputs = np.asarray(ae.model_(inputs))
    np.testing.assert_allclose(outputs, ae.reconstruct(full), atol=1e-6)
    latent = np.asarray(ae.encoder_(inputs))
    np.testing.assert_allclose(latent, ae.transform(full), atol=1e-6)
    np.testing.assert_allclose(ae.decoder_(latent), outputs, atol=1e-6)
    np.testing.assert_allclose(ae.inverse_transform(latent), outputs, atol=1e-6)


@pytest.mark.parametrize("side", ["front", "end"])
def test_padding_moves_neither_score_nor_latent_vector(ae, X, side):
    short = X[25:, :4]
    width = (2, 0) if side == "front" else (0, 2)
    padded = np.pad(short, ((0, 0), width, (0, 0)), constant_values=np.nan)
    other = np.roll(padded, 1 if side == "end" else -1, axis=1)
    np.testing.assert_allclose(ae.transform(padded), ae.transform(other), atol=1e-6)
    if ae.decoder in BY_PLACE:
        return
    np.testing.assert_allclose(
        ae.score_samples(padded), ae.score_samples(other), atol=1e-6
    )
    if not ae.architecture_.is_of_any_length or ae.cell == "gru":
        return  # Keras makes one more graph of another length: of one of its networks
    unpadded = copy.deepcopy(ae)
    unpadded.sequence_shape_ = (4, 2)
    np.testing.assert_allclose(
        ae.score_samples(padded), unpadded.score_samples(short), atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("autoencoder", "native"),
        ("conditional gru", "keras"),
    ],
)
def test_padding_does_not_change_training(X, name, engine):
    """Not where it stands, either; Keras has a graph for six steps, made above."""
    full = X[np.resize(np.arange(9, 20), 30), :4]
    parameters = {"engine": engine, **NETWORKS[name]}
    fits = [
        one_batch(**parameters).fit(
            np.pad(full, ((0, 0), width, (0, 0)), constant_values=np.nan)
        )
        for width in ((2, 0), (1, 1), (0, 2), (0, 0))[: 4 if engine == "native" else 3]
    ]
    for other in fits[1:]:
        assert_same_training(fits[0], other)


def test_engines_agree(X):
    """The same first weights, batches and weights of these give the same network.

    With all that the kernels can do at once: Keras traces each network for seconds.
    """
    settings = {
        "batch_size": 8,
        "max_epochs": 3,
        "learning_rate": 0.01,
        "activation": "relu",
        "loss": "binary_crossentropy",
        "dropout": 0.3,
        "input_noise": 0.1,
        "l2": 0.01,
        "add_missing_indicator": True,
        "global_clipnorm": 0.05,
    }
    counts = np.random.default_rng(1).integers(0, 4, size=len(X))
    native, by_keras = (
        one_batch(engine=engine, **settings).fit(X, None, counts)
        for engine in ("native", "keras")
    )
    assert native.architecture_ == by_keras.architecture_
    atol = assert_same_training(native, by_keras)
    np.testing.assert_allclose(
        native.score_samples(X), by_keras.score_samples(X), atol=atol
    )


UNSUPPORTED = {
    "decoder='reshape'": {"decoder": "reshape"},
    "decoder='dense'": {"decoder": "dense"},
    "decoder='conditional'": {"decoder": "conditional"},
    "cell='gru'": {"cell": "gru"},
    "bidirectional=True": {"bidirectional": True},
    "recurrent_dropout=0.2": {"recurrent_dropout": 0.2},
}


@pytest.mark.parametrize("named", UNSUPPORTED)
def test_the_native_engine_names_what_it_does_not_support(X, named):
    ae = one_batch(engine="native", **UNSUPPORTED[named])
    with pytest.raises(ValueError, match=f"not support {named}.*engine='keras'"):
        ae.fit(X)
    assert not ae.__sklearn_is_fitted__()


def test_auto_takes_keras_for_what_the_native_engine_does_not_support():
    for parameters in UNSUPPORTED.values():
        assert choose_engine(Architecture(6, 2, (5, 6), **parameters)) == "keras"
    assert choose_engine(Architecture(6, 2, (5, 6), kind="context")) == "keras"
    # Of a network without one, the decoder does not matter.
    network = Architecture(6, 2, (5,), kind="sequence", decoder="dense")
    assert choose_engine(network, "native") == "native"


def test_a_network_that_cannot_be_is_an_error_of_fit(X):
    with pytest.raises(ValueError, match="decoder='reshape'.*5.*6 time steps"):
        one_batch(decoder="reshape", hidden_layer_sizes=(4, 5)).fit(X)
    with pytest.raises(ValueError, match="decoder='conditional'.*'bidirectional'"):
        one_batch(decoder="conditional", bidirectional=True).fit(X)


@pytest.mark.parametrize(
    "parameters",
    [
        {"decoder": "none"},
        {"cell": "rnn"},
        {"dropout": 1.0},
        {"recurrent_dropout": -0.1},
        {"l2": -1},
        {"input_noise": -1},
        {"global_clipnorm": 0},
        {"loss": "categorical_crossentropy"},
        {"error": "auto"},
        {"score_on": "window"},
        {"refit": "auto"},
    ],
    ids=str,
)
def test_bad_parameters_are_named(X, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter of LSTMAutoencoder"):
        one_batch(**parameters).fit(X)


# What makes training harder on purpose.


def test_the_network_sees_a_missing_cell_only_with_the_indicator(X):
    full = X[25:].copy()
    blind, seeing = fitted("autoencoder", "native"), fitted(NATIVE[1], "native")
    full[:, 3, 1] = blind.feature_means_[1]
    missing = full.copy()
    missing[:, 3, 1] = np.nan
    np.testing.assert_array_equal(blind.transform(missing), blind.transform(full))
    assert np.abs(seeing.transform(missing) - seeing.transform(full)).min() > 0
    assert seeing.architecture_.n_inputs == 2 * blind.architecture_.n_inputs
    assert seeing.reconstruct(missing).shape == missing.shape


@pytest.mark.parametrize(
    "parameters", [{"dropout": 0.4}, {"input_noise": 0.5}], ids=str
)
def test_dropout_and_noise_are_fixed_by_random_state_and_not_used_after(X, parameters):
    """Both are drawn before an engine sees a batch: test_engines_agree for Keras."""
    ae = one_batch(engine="native", **parameters).fit(X)
    again = clone(ae).fit(X)
    assert ae.loss_curve_ == again.loss_curve_
    plain, other = fitted("autoencoder", "native"), clone(ae).set_params(random_state=1)
    assert ae.loss_curve_[0] != plain.loss_curve_[0]
    assert ae.loss_curve_ != other.fit(X).loss_curve_
    np.testing.assert_array_equal(ae.score_samples(X), ae.score_samples(X))
    outputs = naive.outputs_of(ae, X[25:])
    np.testing.assert_allclose(ae.reconstruct(X[25:]), outputs, atol=1e-5)


def test_recurrent_dropout_is_fixed_by_random_state_and_not_used_after(X):
    ae = one_batch(hidden_layer_sizes=5, recurrent_dropout=0.4).fit(X)
    assert_same_weights(ae, clone(ae).fit(X))
    other = clone(ae).set_params(random_state=1).fit(X)
    assert ae.loss_curve_ != other.loss_curve_
    weights = ae.architecture_.initial_weights(np.random.RandomState(0))
    cells = naive.cells_of(ae.loss, X, naive.outputs_of(ae, X, weights))
    assert ae.loss_curve_[0] != pytest.approx(np.nanmean(cells, axis=(1, 2)).mean())
    outputs = naive.outputs_of(ae, X[25:])
    np.testing.assert_allclose(ae.reconstruct(X[25:]), outputs, atol=1e-5)


def test_a_penalty_makes_kernels_smaller(X):
    def size(**parameters):
        ae = one_batch(engine="native", max_epochs=50, learning_rate=0.02, **parameters)
        return naive.penalty(Architecture(6, 2, (5, 6), l2=1.0), ae.fit(X).weights_)

    assert size(l2=0.1) < size() / 4


def test_a_clipped_gradient_moves_less_where_steps_depend_on_its_length(X):
    """Adam's first moment is the gradient; it is no longer than it may be."""
    limit = 1e-3
    ae = one_batch(engine="native", max_epochs=1, global_clipnorm=limit).fit(X)
    moments = ae.optimizer_state_[1 : 1 + len(ae.weights_)]
    length = np.sqrt(sum(np.square(m, dtype=float).sum() for m in moments)) / 0.1
    assert length == pytest.approx(limit, rel=1e-4)
    free = one_batch(engine="native", max_epochs=1).fit(X)
    moments = free.optimizer_state_[1 : 1 + len(ae.weights_)]
    assert np.sqrt(sum(np.square(m).sum() for m in moments)) / 0.1 > 2 * limit


def test_probabilities_need_cells_between_zero_and_one(X):
    with pytest.raises(ValueError, match=r"cells in \[0, 1\]. X holds 1\.5.*'mse'"):
        one_batch(loss="binary_crossentropy").fit(np.where(X > 0.9, 1.5, X))
    windows = SlidingWindow(3).fit_transform([[0.0], [0.5], [-1.0], [1.0]])
    with pytest.raises(ValueError, match=r"X holds -1\.0"):
        one_batch(loss="binary_crossentropy").fit(windows)
    outputs = fitted("probabilities", "native").reconstruct(X[25:])
    assert 0 < outputs.min() < outputs.max() < 1


# Going on.


@pytest.mark.parametrize(
    "parameters",
    [
        {"engine": "native", "l2": 0.01},
        {"engine": "native", "add_missing_indicator": True, "global_clipnorm": 0.05},
        {"engine": "keras", "decoder": "conditional"},
    ],
    ids=str,
)
def test_training_goes_on_where_it_stopped(X, parameters):
    whole = one_batch(max_epochs=4, **parameters).fit(X)
    parts, warm = one_batch(**parameters), one_batch(warm_start=True, **parameters)
    for _ in range(4):
        parts.partial_fit(X)
    for _ in range(2):
        warm.fit(X)
    assert_same_training(whole, parts)
    assert_same_training(whole, warm)


@pytest.mark.parametrize(
    "changed",
    [{"hidden_layer_sizes": 3}, {"cell": "gru"}, {"bidirectional": True}],
)
def test_training_does_not_go_on_with_another_network(X, changed):
    warm = one_batch(warm_start=True, engine="native", max_epochs=1).fit(X)
    before = warm.weights_
    with pytest.raises(ValueError, match="cannot go on with another network"):
        warm.set_params(engine="auto", **changed).fit(X)
    assert warm.weights_ is before
