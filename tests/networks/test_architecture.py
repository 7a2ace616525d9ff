# SPDX-License-Identifier: BSD-3-Clause
"""Architecture: sizes, first weights and errors (shapes: test_keras_models.py)."""

import dataclasses
import json
import pickle

import keras
import numpy as np
import pytest

from skseq.networks import Architecture


@pytest.mark.parametrize("shape", [(3, 8), (20, 128), (1, 4)])
def test_first_weights_are_distributed_as_keras_draws_them(shape):
    n_inputs, units = shape[0], shape[1] // 4
    architecture = Architecture(2, n_inputs, (units,))
    rng = np.random.RandomState(0)
    kernel, recurrent, bias = architecture.initial_weights(rng)[:3]
    theirs = keras.initializers.GlorotUniform(seed=0)(shape).numpy()
    limit = np.sqrt(6 / sum(shape))
    assert np.abs(kernel).max() <= limit
    assert np.abs(theirs).max() <= limit
    if kernel.size > 1000:
        assert kernel.std() == pytest.approx(theirs.std(), rel=0.05)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(units), atol=1e-5)
    layer = keras.layers.LSTM(units)
    layer.build((None, 2, n_inputs))
    np.testing.assert_array_equal(bias, layer.get_weights()[2])
    assert {w.dtype for w in (kernel, recurrent, bias)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_first_weights_of_both_directions_and_cells_are_keras_own(cell):
    architecture = Architecture(
        3, 2, (4,), kind="vector", cell=cell, bidirectional=True
    )
    weights = architecture.initial_weights(np.random.RandomState(0))
    kind = keras.layers.LSTM if cell == "lstm" else keras.layers.GRU
    layer = keras.layers.Bidirectional(kind(4))
    layer.build((None, 3, 2))
    for ours, theirs in zip(weights, layer.get_weights(), strict=False):
        assert ours.shape == theirs.shape
    for bias in (2, 5):
        np.testing.assert_array_equal(weights[bias], layer.get_weights()[bias])
    assert (weights[0] != weights[3]).any()


@pytest.mark.parametrize("kind", ["autoencoder", "sequence"])
def test_the_articles_two_networks_have_as_many_parameters(kind):
    assert Architecture(3, 2, (128, 64), kind=kind).n_parameters == 248_578


def test_an_architecture_is_frozen_and_hashable():
    architecture = Architecture(3, 2, (128, 64))
    assert hash(architecture) == hash(Architecture(3, 2, (128, 64)))
    assert architecture == Architecture(3, 2, (128, 64), kind="autoencoder")
    assert architecture != Architecture(3, 2, (128, 64), kind="sequence")
    assert len({architecture, Architecture(3, 2, (128, 64))}) == 1
    with pytest.raises(AttributeError):
        architecture.activation = "relu"


def test_an_architecture_goes_to_json_and_back():
    architecture = Architecture(
        3, 2, (4, 6), decoder="reshape", cell="gru", missing_indicator=True, l2=0.1
    )
    fields = json.loads(json.dumps(dataclasses.asdict(architecture)))
    fields["hidden_layer_sizes"] = tuple(fields["hidden_layer_sizes"])
    again = Architecture(**fields)
    assert again == architecture
    assert again.weight_shapes == architecture.weight_shapes
    assert pickle.loads(pickle.dumps(architecture)) == architecture


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"decoder": "reshape"},
            "decoder='reshape'.* 5, the last of 'hidden_layer_sizes', must be a "
            "multiple of the 4 time steps",
        ),
        ({"decoder": "reshape", "bidirectional": True}, "size 10, .* twice, must be"),
        (
            {"decoder": "conditional", "bidirectional": True},
            "decoder='conditional'.*'bidirectional' to False",
        ),
        (
            {"kind": "context", "hidden_layer_sizes": (5,)},
            r"A ContextEncoder needs two 'hidden_layer_sizes' or more.* Got \(5,\)\.",
        ),
    ],
)
def test_networks_that_cannot_be_are_refused_by_name(parameters, message):
    with pytest.raises(ValueError, match=message):
        Architecture(4, 2, **{"hidden_layer_sizes": (3, 5), **parameters})


def test_a_decoder_is_asked_for_nothing_where_there_is_none():
    """What only a decoder needs does not stand in the way of the other kinds."""
    for kind in ("sequence", "vector"):
        architecture = Architecture(4, 2, (3, 5), kind=kind, decoder="reshape")
        assert architecture.n_parameters > 0


def test_what_serves_any_length_is_known():
    def any_length(**parameters):
        return Architecture(4, 2, (3, 4), **parameters).is_of_any_length

    assert any_length()
    assert any_length(decoder="conditional")
    assert any_length(kind="sequence", decoder="dense")
    assert any_length(kind="context")
    assert any_length(kind="vector")
    assert not any_length(decoder="reshape")
    assert not any_length(decoder="dense")
