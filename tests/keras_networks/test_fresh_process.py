# SPDX-License-Identifier: BSD-3-Clause
"""A process that loads Keras and SciKeras for the first time: no word, no patch."""

import functools
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from skseq.keras_networks._autoencoder import KerasAutoencoder
from skseq.keras_networks._scikeras import import_scikeras
from skseq.networks._quiet import import_keras

# One program for all, as loading Keras takes longer than all it does here. A pickle is
# what loads SciKeras first; then it is loaded anew, as a user does. What TensorFlow
# writes from inside an operation on some machines alone is written here by hand.
PROGRAM = """
import json, os, pickle, sys
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

# All that is written to standard error is a line of a user's own callback.
from skseq import KerasAutoencoder, LSTMAutoencoder

X, layers = X[:20], keras.layers
LINE = b"2026-01-02 03:04:05.678: E tensorflow/a.cc:1] oneDNN supports DT_BOOL\\n"

class Loud(layers.Layer):
    def call(self, x):  # once for each graph that is traced
        os.write(2, LINE)
        return x

class Bar(keras.callbacks.Callback):
    def on_train_batch_end(self, *_, **__):
        print("batch", file=sys.stderr)

for name in ("train_on_batch", "predict_on_batch"):
    def loud(*args, call=getattr(keras.Model, name), seen=set(), **kwargs):
        key = args[0], np.shape(args[1][0])
        seen.add(key) if key in seen else (seen.add(key), os.write(2, LINE))
        return call(*args, **kwargs)
    setattr(keras.Model, name, loud)

def list_devices(*args, call=keras.distribution.list_devices, seen=[]):
    seen or os.write(
        2, b"E0000 00:00:1.5   77 cuda_platform.cc:52] cuInit failed\\n"
        b"=== Source Location Trace: === \\nexternal/xla/cuda_status.cc:50\\n\\n"
    )
    seen.append(1)
    return call(*args)

keras.distribution.list_devices = list_devices
LSTMAutoencoder(2, max_epochs=1).fit(X)  # engine="auto" asks for a GPU
ae = LSTMAutoencoder(2, engine="keras", max_epochs=1, random_state=0).fit(X)
ae.score_samples(X[:1]), ae.score_samples(X), ae.model_

def build(meta):
    return keras.Sequential([
        keras.Input((4, 2)), Loud(), layers.Flatten(), layers.Dense(2, name="latent"),
        layers.Dense(8), layers.Reshape((4, 2)),
    ])

wrapper = import_scikeras().BaseWrapper(build, loss="mse", callbacks=Bar, verbose=0)
KerasAutoencoder(wrapper).fit(X).predict(X)
print(json.dumps(said))
"""


def autoencoder(shape):
    keras = import_keras()
    network = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(2, name="latent"),
            keras.layers.RepeatVector(shape[0]),
        ]
    )
    # A function of this module would not be found there.
    build = functools.partial(keras.models.model_from_json, network.to_json())
    wrapper = import_scikeras().BaseWrapper(
        build, loss="mse", optimizer="adam", verbose=0, random_state=0
    )
    return KerasAutoencoder(wrapper)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """What the process says, its standard error, and the scores to be expected."""
    folder = tmp_path_factory.mktemp("fresh")
    X = np.random.default_rng(0).normal(size=(40, 4, 2)).astype(np.float32)
    ae = autoencoder(X.shape[1:]).fit(X)
    (folder / "ae.pkl").write_bytes(pickle.dumps(ae))
    np.save(folder / "X.npy", X)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, folder],
        # TensorFlow, and JAX where it is installed, set this one themselves; a user
        # who does is not kept from its log.
        env={k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr, ae.score_samples(X)


def test_scikeras_is_loaded_without_a_patch_of_keras(fresh):
    said, _, _ = fresh
    assert said["as it was"]


def test_a_user_who_loaded_scikeras_keeps_its_patch(fresh):
    said, _, _ = fresh
    assert said["keeps its patch"]


def test_a_pickle_loads_and_works_in_a_fresh_process_without_a_trace(fresh):
    said, _, expected = fresh
    np.testing.assert_allclose(said["scores"], expected, rtol=1e-5)
    assert said["as it was after a fit"]


def test_the_first_call_of_a_network_is_silent_but_for_the_users_own_lines(fresh):
    _, stderr, _ = fresh
    assert stderr == "batch\n"
