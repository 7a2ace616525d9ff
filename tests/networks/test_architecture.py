# SPDX-License-Identifier: BSD-3-Clause
"""Architecture: sizes, shapes and first weights, held to Keras."""

import keras
import numpy as np
import pytest

from skseq.networks import Architecture
from skseq.networks._keras import build_models

ARCHITECTURES = [
    Architecture(3, 2, (128, 64)),
    Architecture(5, 59, (32, 16), "relu"),
    Architecture(4, 1, (1,)),
    Architecture(1, 3, (5, 4, 2), "linear"),
]


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=repr)
def test_shapes_and_parameters_are_those_of_the_keras_model(architecture):
    weights = architecture.initial_weights(np.random.RandomState(0))
    model = build_models(architecture, weights).model
    assert [w.shape for w in model.get_weights()] == architecture.weight_shapes
    assert model.count_params() == architecture.n_parameters
    shape = (architecture.n_timesteps, architecture.n_features)
    assert model.input_shape == model.output_shape == (None, *shape)


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


def test_an_architecture_is_frozen_and_hashable():
    architecture = ARCHITECTURES[0]
    assert hash(architecture) == hash(Architecture(3, 2, (128, 64)))
    with pytest.raises(AttributeError):
        architecture.activation = "relu"
