# SPDX-License-Identifier: BSD-3-Clause
"""The Keras models of each architecture, held to NumPy."""

import keras
import naive_networks as naive
import numpy as np
import pytest

from skseq.networks import Architecture
from skseq.networks._keras import build_models

ARCHITECTURES = {
    "autoencoder": {},
    "relu": {"activation": "relu"},
    "gru": {"cell": "gru"},
    "bidirectional": {"bidirectional": True},
    "bidirectional gru": {"bidirectional": True, "cell": "gru"},
    "reshape": {"decoder": "reshape"},
    "bidirectional reshape": {"decoder": "reshape", "bidirectional": True},
    "dense": {"decoder": "dense"},
    "dense of a bidirectional gru": {
        "decoder": "dense",
        "cell": "gru",
        "bidirectional": True,
    },
    "conditional": {"decoder": "conditional"},
    "conditional gru": {"decoder": "conditional", "cell": "gru"},
    "probabilities": {"output_activation": "sigmoid"},
    "conditional probabilities": {
        "decoder": "conditional",
        "output_activation": "sigmoid",
    },
    "missing indicator": {"missing_indicator": True},
    "conditional with missing indicator": {
        "decoder": "conditional",
        "missing_indicator": True,
    },
    "sequence": {"kind": "sequence"},
    "bidirectional gru sequence": {
        "kind": "sequence",
        "bidirectional": True,
        "cell": "gru",
    },
    "context": {"kind": "context"},
    "bidirectional context": {"kind": "context", "bidirectional": True},
    "vector": {"kind": "vector", "n_outputs": 1},
    "classes": {"kind": "vector", "n_outputs": 3, "output_activation": "softmax"},
}


# Of three steps: Keras takes as long for each, as no graph is made of a model.
@pytest.fixture(params=ARCHITECTURES)
def architecture(request):
    return Architecture(3, 2, (4, 3), **ARCHITECTURES[request.param])


@pytest.fixture
def weights(architecture):
    rng = np.random.RandomState(0)
    weights = architecture.initial_weights(rng)
    return [w + rng.normal(scale=0.2, size=w.shape).astype("float32") for w in weights]


@pytest.fixture
def X(architecture):
    return np.random.default_rng(0).normal(size=(2, 3, architecture.n_inputs))


def test_models_compute_what_numpy_computes(architecture, weights, X):
    model, encoder, decoder = build_models(architecture, weights)
    assert [w.shape for w in model.get_weights()] == architecture.weight_shapes
    assert model.count_params() == architecture.n_parameters
    assert model.input_shape == (None, 3, architecture.n_inputs)
    expected = [naive.output(architecture, weights, x) for x in X]
    np.testing.assert_allclose(model(X), expected, atol=1e-5)
    assert model.output_shape == (None, *np.shape(expected)[1:])
    assert (encoder is None) == (decoder is None)
    assert (encoder is None) == (architecture.kind in ("sequence", "vector"))
    if encoder is not None:
        mask = np.ones(3, bool)
        latent = [naive.encode(architecture, weights, x, mask)[-2] for x in X]
        np.testing.assert_allclose(encoder(X), latent, atol=1e-5)
        np.testing.assert_allclose(decoder(np.array(latent)), expected, atol=1e-5)
        assert encoder.output_shape == (None, architecture.latent_size)


# Keras itself, which asks a variable for an array in an old way.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_saved_model_is_loaded_without_this_package_being_named(tmp_path):
    architecture = Architecture(
        3, 2, (4, 3), decoder="conditional", cell="gru", output_activation="sigmoid"
    )
    weights = architecture.initial_weights(np.random.RandomState(0))
    models = build_models(architecture, weights)
    X = np.random.default_rng(0).normal(size=(2, 3, 2))
    for name, inputs in (("model", X), ("decoder", X[:, 0, :1] * np.ones(3))):
        model = getattr(models, name)
        model.save(tmp_path / f"{name}.keras")
        again = keras.saving.load_model(tmp_path / f"{name}.keras")
        np.testing.assert_array_equal(again(inputs), model(inputs))
        assert [w.shape for w in again.get_weights()] == [
            w.shape for w in model.get_weights()
        ]


def test_training_options_are_layers_options_of_the_models_too():
    architecture = Architecture(3, 2, (4,), recurrent_dropout=0.5, l2=0.1)
    weights = architecture.initial_weights(np.random.RandomState(0))
    model = build_models(architecture, weights).model
    layer = model.get_layer("encoder_0")
    assert layer.recurrent_dropout == 0.5
    expected = naive.penalty(architecture, weights)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    X = np.random.default_rng(0).normal(size=(2, 3, 2))
    expected = [naive.output(architecture, weights, x) for x in X]
    np.testing.assert_allclose(model(X), expected, atol=1e-5)
