# SPDX-License-Identifier: BSD-3-Clause
"""SciKeras leaves nothing behind in the process."""

import random

import numpy as np
import pytest

from skseq.keras_networks._autoencoder import KerasAutoencoder
from skseq.keras_networks._scikeras import import_scikeras
from skseq.networks._quiet import import_keras

keras = import_keras()


def build(meta):
    _, n_timesteps, n_features = meta["X_shape_"]
    return keras.Sequential(
        [
            keras.Input((n_timesteps, n_features)),
            keras.layers.Flatten(),
            keras.layers.Dense(2, name="latent"),
            keras.layers.RepeatVector(n_timesteps),
        ]
    )


def autoencoder():
    wrapper = import_scikeras().BaseWrapper(
        build, loss="mse", optimizer="adam", verbose=0, random_state=0
    )
    return KerasAutoencoder(wrapper)


def test_a_seeded_fit_leaves_no_trace_in_any_generator():
    X = np.random.default_rng(0).normal(size=(40, 4, 2)).astype(np.float32)
    tf = pytest.importorskip("tensorflow")
    from tensorflow.python.framework.config import is_op_determinism_enabled

    def draws():
        return [
            random.random(),
            np.random.random(),  # noqa: NPY002
            *tf.random.uniform([3]).numpy(),
        ]

    def draws_before_and_after(between):
        states = random.getstate(), np.random.get_state()  # noqa: NPY002
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        tf.random.set_seed(1)
        try:
            before = draws()
            between()
            return before + draws()
        finally:
            tf.random.set_seed(None)
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002

    expected = draws_before_and_after(lambda: None)
    assert draws_before_and_after(lambda: autoencoder().fit(X)) == expected
    assert not is_op_determinism_enabled()
