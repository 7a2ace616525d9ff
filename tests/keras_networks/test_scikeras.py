# SPDX-License-Identifier: BSD-3-Clause
"""SciKeras leaves nothing behind in the process."""

import functools
import json
import os
import pickle
import random
import subprocess
import sys

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


def autoencoder(function=build):
    wrapper = import_scikeras().BaseWrapper(
        function, loss="mse", optimizer="adam", verbose=0, random_state=0
    )
    return KerasAutoencoder(wrapper)


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(40, 4, 2)).astype(np.float32)


def test_a_seeded_fit_leaves_no_trace_in_any_generator(X):
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


# A pickle is what loads SciKeras first; then it is loaded anew, as a user does.
FRESH = """
import json, pickle, sys
import numpy as np
from skseq.keras_networks._scikeras import import_scikeras
from skseq.networks._quiet import import_keras
keras = import_keras()
classes = (
    keras.Model, keras.losses.Loss, keras.metrics.Metric, keras.optimizers.Optimizer
)
def methods():
    return [(cls.__reduce__, getattr(cls, "__deepcopy__", None)) for cls in classes]

before = methods()
X = np.load(sys.argv[1] + "/X.npy")
with open(sys.argv[1] + "/ae.pkl", "rb") as file:
    ae = pickle.load(file)
import_scikeras()
said = {"as it was": methods() == before}
said["scores"] = ae.score_samples(X).tolist()
ae.fit(X)
said["as it was after a fit"] = methods() == before

for name in [name for name in sys.modules if name.startswith("scikeras")]:
    del sys.modules[name]
import scikeras.wrappers
patched = methods()
import_scikeras()
said["keeps its patch"] = methods() == patched != before
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def fresh(X, tmp_path_factory):
    """What a fresh process says, its standard error, and the scores to be expected."""
    folder = tmp_path_factory.mktemp("fresh")
    # A function of this module would not be found there.
    network = build({"X_shape_": X.shape}).to_json()
    ae = autoencoder(functools.partial(keras.models.model_from_json, network)).fit(X)
    (folder / "ae.pkl").write_bytes(pickle.dumps(ae))
    np.save(folder / "X.npy", X)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FRESH, folder],
        # TensorFlow sets this one itself; a user who does is not kept from its log.
        env={k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr, ae.score_samples(X)


def test_scikeras_is_loaded_without_a_patch_of_keras_or_a_word(fresh):
    said, stderr, _ = fresh
    assert said["as it was"]
    assert stderr == ""


def test_a_user_who_loaded_scikeras_keeps_its_patch(fresh):
    said, _, _ = fresh
    assert said["keeps its patch"]


def test_a_pickle_loads_and_works_in_a_fresh_process_without_a_trace(fresh):
    said, _, expected = fresh
    np.testing.assert_allclose(said["scores"], expected, rtol=1e-5)
    assert said["as it was after a fit"]
