# SPDX-License-Identifier: BSD-3-Clause
"""LSTMAutoencoder with every network, on both engines, held to NumPy."""

import copy
import functools

import naive_networks as naive
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tolerances import assert_same_training

from skseq import EachTimeStep, LSTMAutoencoder, SlidingWindow
from skseq.engines._choose import borrow_engine
from skseq.networks import Architecture
from skseq.networks._keras import build_layers, keras

N, N_TIMESTEPS = 30, 6

NETWORKS = {
    "autoencoder": {},
    "sequence": {"architecture": "sequence"},
    "penalised, with missing indicator": {"l2": 0.01, "add_missing_indicator": True},
    "probabilities": {"loss": "binary_crossentropy"},
    "context": {"architecture": "context"},
    "reshape": {"decoder": "reshape"},
    "dense": {"decoder": "dense"},
    "conditional": {"decoder": "conditional"},
    "conditional gru": {"decoder": "conditional", "cell": "gru"},
    "gru": {"cell": "gru"},
    "bidirectional": {"bidirectional": True},
}
NATIVE = list(NETWORKS)[:4]
# The reconstruction of a step depends on its place in these.
BY_PLACE = ("reshape", "dense")


def tiny(**parameters):
    defaults = {
        "hidden_layer_sizes": (5, 6),
        "linear_skip": False,
        "max_epochs": 2,
        "batch_size": N,
        "early_stopping": False,
        "random_state": 0,
    }
    return LSTMAutoencoder(**{**defaults, **parameters})


def make_sequences():
    """Sequences in [0, 1], some padded at the front or the end, a cell missing."""
    X = np.random.default_rng(0).uniform(size=(N, N_TIMESTEPS, 2)).astype("float32")
    X[:5, :3] = np.nan
    X[5:9, 4:] = np.nan
    X[20, 2, 1] = np.nan
    return X


@pytest.fixture(scope="module")
def X():
    return make_sequences()


@functools.cache
def fitted(name, engine="keras"):
    return tiny(engine=engine, **NETWORKS[name]).fit(make_sequences())


@pytest.fixture(scope="module", params=NETWORKS)
def ae(request):
    """Native where it can be: test_engines_agree holds Keras to it."""
    return fitted(request.param, "native" if request.param in NATIVE else "keras")


def prepared(ae, X):
    """What the network is given of sequences: inputs and masks."""
    missing = np.isnan(X)
    inputs = np.where(missing, ae.feature_means_, X)
    if ae.add_missing_indicator:
        inputs = np.concatenate([inputs, missing], axis=2)
    return inputs, ~missing.all(axis=2)


def naive_outputs(ae, X, weights=None, *, forced=False):
    network, weights = ae.architecture_, ae.weights_ if weights is None else weights
    return [
        naive.output(network, weights, x, mask, x[:, :2] if forced else None)
        for x, mask in zip(*prepared(ae, X), strict=True)
    ]


def naive_cells(ae, X, outputs):
    if ae.loss == "mse":
        return (X - outputs) ** 2
    return -(X * np.log(outputs) + (1 - X) * np.log1p(-np.array(outputs)))


def naive_context_loss(ae, X, weights):
    """Squared error, variance below 0.5 and covariance, as written in VICReg."""
    network = ae.architecture_
    contexts = np.array(
        [
            naive.encode(network, weights, x, mask)[0]
            for x, mask in zip(*prepared(ae, X), strict=True)
        ]
    )
    error = np.mean((contexts - naive_outputs(ae, X, weights)) ** 2)
    covariance = np.cov(contexts, rowvar=False)
    deviations = np.sqrt(np.diag(covariance) + 1e-6)
    apart = covariance[~np.eye(len(covariance), dtype=bool)]
    return (
        error
        + np.maximum(0.5 - deviations, 0).mean()
        + np.sum(apart**2) / len(covariance)
    )


def test_the_first_loss_is_that_of_the_first_weights(ae, X):
    """Padding and missing cells included, in one batch of all sequences."""
    weights = ae.architecture_.initial_weights(np.random.RandomState(0))
    if ae.architecture == "context":
        expected = naive_context_loss(ae, X, weights)
    else:
        cells = naive_cells(ae, X, naive_outputs(ae, X, weights, forced=True))
        expected = np.nanmean(cells, axis=(1, 2)).mean()
        expected += naive.penalty(ae.architecture_, weights)
    assert ae.loss_curve_[0] == pytest.approx(expected, rel=1e-5)
    assert ae.loss_curve_[1] < ae.loss_curve_[0]


def test_scores_and_latent_vectors_are_those_of_the_naive_network(ae, X):
    outputs = naive_outputs(ae, X)
    if ae.architecture == "context":
        contexts = [
            naive.encode(ae.architecture_, ae.weights_, x, mask)[0]
            for x, mask in zip(*prepared(ae, X), strict=True)
        ]
        errors = np.mean((np.array(contexts) - outputs) ** 2, axis=1)
    else:
        expected = np.where(np.isnan(X).all(axis=2, keepdims=True), np.nan, outputs)
        np.testing.assert_allclose(ae.reconstruct(X), expected, atol=1e-5)
        errors = np.nanmean(naive_cells(ae, X, outputs), axis=(1, 2))
    np.testing.assert_allclose(ae.score_samples(X), -errors, atol=1e-5)
    if ae.architecture != "sequence":
        latent = [
            naive.encode(ae.architecture_, ae.weights_, x, mask)[-2]
            for x, mask in zip(*prepared(ae, X), strict=True)
        ]
        np.testing.assert_allclose(ae.transform(X), latent, atol=1e-5)


def test_models_say_what_the_estimator_says(ae, X):
    full = X[25:]
    inputs = prepared(ae, full)[0].astype("float32")
    outputs = np.asarray(ae.model_(inputs))
    if ae.architecture != "context":
        np.testing.assert_allclose(outputs, ae.reconstruct(full), atol=1e-6)
    if ae.architecture == "sequence":
        return
    latent = np.asarray(ae.encoder_(inputs))
    np.testing.assert_allclose(latent, ae.transform(full), atol=1e-6)
    np.testing.assert_allclose(ae.decoder_(latent), outputs, atol=1e-6)
    if ae.architecture != "context":
        np.testing.assert_allclose(ae.inverse_transform(latent), outputs, atol=1e-6)


@pytest.mark.parametrize("side", ["front", "end"])
def test_padding_moves_neither_score_nor_latent_vector(ae, X, side):
    short = X[25:, :4]
    width = (2, 0) if side == "front" else (0, 2)
    padded = np.pad(short, ((0, 0), width, (0, 0)), constant_values=np.nan)
    other = np.roll(padded, 1 if side == "end" else -1, axis=1)
    if ae.architecture != "sequence":
        np.testing.assert_allclose(ae.transform(padded), ae.transform(other), atol=1e-6)
    if ae.decoder in BY_PLACE:
        return
    np.testing.assert_allclose(
        ae.score_samples(padded), ae.score_samples(other), atol=1e-6
    )
    if not ae.architecture_.is_of_any_length:
        return
    unpadded = copy.deepcopy(ae)
    unpadded.sequence_shape_ = (4, 2)
    np.testing.assert_allclose(
        ae.score_samples(padded), unpadded.score_samples(short), atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("autoencoder", "native"),
        ("sequence", "native"),
        ("conditional", "keras"),
    ],
)
def test_padding_does_not_change_training(X, name, engine):
    full = X[9:20]
    parameters = {"engine": engine, "batch_size": len(full), **NETWORKS[name]}
    plain = tiny(**parameters).fit(full)
    padded = tiny(**parameters).fit(
        np.pad(full, ((0, 0), (2, 1), (0, 0)), constant_values=np.nan)
    )
    assert_same_training(plain, padded)


@pytest.mark.parametrize(
    "parameters",
    [
        {"architecture": "sequence"},
        {"dropout": 0.3, "input_noise": 0.1},
        {"architecture": "sequence", "dropout": 0.5, "activation": "relu"},
        {"l2": 0.01, "add_missing_indicator": True, "global_clipnorm": 0.05},
        {"loss": "binary_crossentropy", "l2": 0.01},
    ],
    ids=str,
)
def test_engines_agree(X, parameters):
    """The same first weights and batches give the same network."""
    settings = {"batch_size": 8, "max_epochs": 3, "learning_rate": 0.01}
    native, by_keras = (
        tiny(engine=engine, **settings, **parameters).fit(X)
        for engine in ("native", "keras")
    )
    assert native.architecture_ == by_keras.architecture_
    atol = assert_same_training(native, by_keras)
    np.testing.assert_allclose(
        native.score_samples(X), by_keras.score_samples(X), atol=atol
    )


UNSUPPORTED = {
    "architecture='context'": {"architecture": "context"},
    "decoder='reshape'": {"decoder": "reshape"},
    "decoder='dense'": {"decoder": "dense"},
    "decoder='conditional'": {"decoder": "conditional"},
    "cell='gru'": {"cell": "gru"},
    "bidirectional=True": {"bidirectional": True},
    "recurrent_dropout=0.2": {"recurrent_dropout": 0.2},
}


@pytest.mark.parametrize("named", UNSUPPORTED)
def test_the_native_engine_names_what_it_does_not_support(X, named):
    ae = tiny(engine="native", **UNSUPPORTED[named])
    with pytest.raises(ValueError, match=f"not support {named}.*engine='keras'"):
        ae.fit(X)
    assert not ae.__sklearn_is_fitted__()


def test_auto_takes_keras_for_what_the_native_engine_does_not_support(monkeypatch):
    lent = []
    monkeypatch.setattr("skseq.engines._keras.borrow", lent.append)
    for parameters in UNSUPPORTED.values():
        parameters = {**parameters, "kind": parameters.get("architecture", "sequence")}
        parameters.pop("architecture", None)
        if "decoder" in parameters:
            parameters["kind"] = "autoencoder"
        borrow_engine(Architecture(6, 2, (5, 6), **parameters), "auto")
    assert len(lent) == len(UNSUPPORTED)
    # Of a network without one, the decoder does not matter.
    borrow_engine(Architecture(6, 2, (5,), kind="sequence", decoder="dense"), "native")
    assert len(lent) == len(UNSUPPORTED)


def test_a_sequence_network_has_no_latent_vector_and_says_so():
    ae = fitted("sequence", "native")
    for name in (
        "transform",
        "fit_transform",
        "inverse_transform",
        "encoder_",
        "decoder_",
    ):
        assert not hasattr(ae, name)
    with pytest.raises(AttributeError) as error:
        ae.transform  # noqa: B018
    assert "has no latent vector" in f"{error.value} {error.value.__cause__}"
    with pytest.raises(AttributeError, match="has no latent vector.*architecture="):
        ae.encoder_  # noqa: B018
    assert hasattr(ae, "reconstruct")


def test_a_context_network_reconstructs_no_sequence_and_says_so(X):
    ae = fitted("context")
    for name in ("reconstruct", "inverse_transform"):
        assert not hasattr(ae, name)
        with pytest.raises(AttributeError) as error:
            getattr(ae, name)
        assert "its own context vector" in f"{error.value} {error.value.__cause__}"
    with pytest.raises(ValueError, match="no error for each 'step'.*per='sample'"):
        ae.reconstruction_error(X, per="step")
    assert ae.transform(X).shape == (N, 6)
    assert ae.encoder_.output_shape == (None, 6)
    assert ae.decoder_.output_shape == (None, 5)


@pytest.mark.parametrize("name", ["autoencoder", "conditional", "reshape"])
def test_an_autoencoder_has_all_methods(name):
    ae = tiny(**NETWORKS[name])
    assert hasattr(ae, "transform")
    assert hasattr(ae, "inverse_transform")
    assert hasattr(ae, "reconstruct")


def test_a_sequence_network_is_the_last_step_of_a_pipeline(table):
    X, _ = table
    pipe = make_pipeline(
        SlidingWindow(5),
        EachTimeStep(StandardScaler()),
        tiny(architecture="sequence", engine="native", batch_size=64),
    )
    assert not hasattr(pipe, "transform")
    scores = pipe.fit(X).score_samples(X)
    assert pipe.score(X) == pytest.approx(scores.mean())
    assert np.isfinite(cross_val_score(pipe, X, cv=2)).all()


def test_a_network_that_cannot_be_is_an_error_of_fit(X):
    with pytest.raises(ValueError, match="decoder='reshape'.*5.*6 time steps"):
        tiny(decoder="reshape", hidden_layer_sizes=(4, 5)).fit(X)
    with pytest.raises(ValueError, match="decoder='conditional'.*'bidirectional'"):
        tiny(decoder="conditional", bidirectional=True).fit(X)
    with pytest.raises(ValueError, match="architecture='context' needs two"):
        tiny(architecture="context", hidden_layer_sizes=5).fit(X)


@pytest.mark.parametrize(
    "parameters",
    [
        {"architecture": "vector"},
        {"decoder": "none"},
        {"cell": "rnn"},
        {"dropout": 1.0},
        {"recurrent_dropout": -0.1},
        {"l2": -1},
        {"input_noise": -1},
        {"global_clipnorm": 0},
        {"loss": "categorical_crossentropy"},
    ],
    ids=str,
)
def test_bad_parameters_are_named(X, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter of LSTMAutoencoder"):
        tiny(**parameters).fit(X)


# What makes training harder on purpose.


def test_the_network_sees_a_missing_cell_only_with_the_indicator(X):
    full = X[25:].copy()
    blind, seeing = fitted("autoencoder", "native"), fitted(NATIVE[2], "native")
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
    ae = tiny(engine="native", **parameters).fit(X)
    again = clone(ae).fit(X)
    assert ae.loss_curve_ == again.loss_curve_
    plain, other = fitted("autoencoder", "native"), clone(ae).set_params(random_state=1)
    assert ae.loss_curve_[0] != plain.loss_curve_[0]
    assert ae.loss_curve_ != other.fit(X).loss_curve_
    np.testing.assert_array_equal(ae.score_samples(X), ae.score_samples(X))
    outputs = naive_outputs(ae, X[25:])
    np.testing.assert_allclose(ae.reconstruct(X[25:]), outputs, atol=1e-5)


def test_recurrent_dropout_is_fixed_by_random_state_and_not_used_after(X):
    ae = tiny(recurrent_dropout=0.4).fit(X)
    for a, b in zip(ae.weights_, clone(ae).fit(X).weights_, strict=True):
        np.testing.assert_array_equal(a, b)
    other = clone(ae).set_params(random_state=1).fit(X)
    assert ae.loss_curve_ != other.loss_curve_
    weights = ae.architecture_.initial_weights(np.random.RandomState(0))
    cells = naive_cells(ae, X, naive_outputs(ae, X, weights))
    assert ae.loss_curve_[0] != pytest.approx(np.nanmean(cells, axis=(1, 2)).mean())
    outputs = naive_outputs(ae, X[25:])
    np.testing.assert_allclose(ae.reconstruct(X[25:]), outputs, atol=1e-5)


def test_a_penalty_makes_kernels_smaller(X):
    def size(**parameters):
        ae = tiny(engine="native", max_epochs=50, learning_rate=0.02, **parameters)
        return naive.penalty(Architecture(6, 2, (5, 6), l2=1.0), ae.fit(X).weights_)

    assert size(l2=0.1) < size() / 4


def test_a_clipped_gradient_moves_less_where_steps_depend_on_its_length(X):
    """Adam's first moment is the gradient; it is no longer than it may be."""
    limit = 1e-3
    ae = tiny(engine="native", max_epochs=1, global_clipnorm=limit).fit(X)
    moments = ae.optimizer_state_[1 : 1 + len(ae.weights_)]
    length = np.sqrt(sum(np.square(m, dtype=float).sum() for m in moments)) / 0.1
    assert length == pytest.approx(limit, rel=1e-4)
    free = tiny(engine="native", max_epochs=1).fit(X)
    moments = free.optimizer_state_[1 : 1 + len(ae.weights_)]
    assert np.sqrt(sum(np.square(m).sum() for m in moments)) / 0.1 > 2 * limit


def test_probabilities_need_cells_between_zero_and_one(X):
    with pytest.raises(ValueError, match=r"cells in \[0, 1\]. X holds 1\.5.*'mse'"):
        tiny(loss="binary_crossentropy").fit(np.where(X > 0.9, 1.5, X))
    windows = SlidingWindow(3).fit_transform([[0.0], [0.5], [-1.0], [1.0]])
    with pytest.raises(ValueError, match=r"X holds -1\.0"):
        tiny(loss="binary_crossentropy").fit(windows)
    outputs = fitted("probabilities", "native").reconstruct(X[25:])
    assert 0 < outputs.min() < outputs.max() < 1


# Going on.


@pytest.mark.parametrize(
    "parameters",
    [
        {"engine": "native", "architecture": "sequence", "l2": 0.01},
        {"engine": "native", "add_missing_indicator": True, "global_clipnorm": 0.05},
        {"engine": "keras", "decoder": "conditional"},
        {"engine": "keras", "architecture": "context"},
    ],
    ids=str,
)
def test_training_goes_on_where_it_stopped(X, parameters):
    whole = tiny(max_epochs=4, **parameters).fit(X)
    parts, warm = tiny(**parameters), tiny(warm_start=True, **parameters)
    for _ in range(4):
        parts.partial_fit(X)
    for _ in range(2):
        warm.fit(X)
    assert_same_training(whole, parts)
    assert_same_training(whole, warm)


@pytest.mark.parametrize(
    "changed", [{"architecture": "sequence"}, {"cell": "gru"}, {"bidirectional": True}]
)
def test_training_does_not_go_on_with_another_network(X, changed):
    warm = tiny(warm_start=True, engine="native", max_epochs=1).fit(X)
    before = warm.weights_
    with pytest.raises(ValueError, match="cannot go on with another network"):
        warm.set_params(engine="auto", **changed).fit(X)
    assert warm.weights_ is before


# The context network.


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
    nothing = np.zeros((len(X), network.encoder_layers[-1].n_outputs))
    losses = [model.train_on_batch(X, nothing) for _ in range(n_epochs)]
    return model.get_weights(), losses


def test_the_context_vector_does_not_collapse():
    """Left free the encoder makes the context vector zero; ours keeps its spread."""
    X = np.random.default_rng(0).normal(size=(48, 5, 2)).astype(np.float32)
    ae = tiny(
        hidden_layer_sizes=(6, 2),
        architecture="context",
        learning_rate=0.05,
        max_epochs=60,
        batch_size=len(X),
    ).fit(X)
    network = ae.architecture_
    first = network.initial_weights(np.random.RandomState(0))
    naive_weights, naive_losses = train_naively(network, X, ae.n_iter_)
    before = context_deviations(network, first, X)
    assert naive_losses[-1] < 0.1 * naive_losses[0]
    assert context_deviations(network, naive_weights, X) < 0.2 * before
    assert context_deviations(network, ae.weights_, X) > max(0.45, before)


def test_the_context_loss_of_held_out_sequences_stops_training(X):
    ae = tiny(
        architecture="context",
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=1,
        tol=10,
        max_epochs=5,
    ).fit(X)
    assert ae.n_iter_ == 2
    network = copy.deepcopy(ae)
    expected = naive_context_loss(network, X[21:], ae.weights_)
    assert ae.validation_loss_curve_[0] == pytest.approx(expected, rel=1e-4)


def test_of_a_context_network_empty_sequences_change_nothing(X):
    full = np.concatenate([X[9:19], np.full((2, N_TIMESTEPS, 2), np.nan)])
    plain, padded = (tiny(architecture="context").fit(part) for part in (X[9:19], full))
    assert padded.loss_curve_ == pytest.approx(plain.loss_curve_, rel=1e-4)
    assert padded.score_samples(full)[-2:].tolist() == [0, 0]
