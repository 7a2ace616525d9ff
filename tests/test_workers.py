# SPDX-License-Identifier: BSD-3-Clause
"""Threads, processes and forks; a process that loads Keras: no word, no patch."""

import functools
import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, KerasAutoencoder, LSTMAutoencoder, SlidingWindow
from skseq.keras_networks._scikeras import import_scikeras
from skseq.networks._quiet import import_keras

needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")


def keras_autoencoder(shape):
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
    """What the program says, its standard error, and the scores to be expected."""
    folder = tmp_path_factory.mktemp("fresh")
    X = np.random.default_rng(0).normal(size=(40, 4, 2)).astype(np.float32)
    ae = keras_autoencoder(X.shape[1:]).fit(X)
    (folder / "ae.pkl").write_bytes(pickle.dumps(ae))
    np.save(folder / "X.npy", X)
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("fresh_process.py"), folder],
        # TensorFlow, and JAX where it is installed, set this one themselves; a user
        # who does is not kept from its log.
        env={k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr, ae.score_samples(X)


@pytest.fixture
def said(fresh):
    return fresh[0]


@needs_fork
def test_the_native_engine_gives_the_same_in_all_kinds_of_workers(said):
    backends = ["loky", "threading", "multiprocessing", "fork", "spawn"]
    # Without TensorFlow in the process that starts them, then with it.
    assert said["same"] == backends
    assert said["same after"] == backends[:-1]


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_a_worker_starts_no_threads_of_its_own(said):
    assert said["threads"] == [[0, 1]]


@needs_fork
def test_worker_processes_get_the_windows(said):
    assert said["windows"]


@needs_fork
def test_a_committee_is_the_same_from_processes(said):
    one, two = said["committees"]
    assert len(one) == 60
    assert one == two


@pytest.fixture
def searches(said):
    if said["searches"] is None:
        pytest.skip("callbacks are experimental in scikit-learn 1.9")
    return said["searches"]


def test_a_search_over_two_processes_shows_the_epochs_of_a_detector(searches):
    shown, *_ = searches
    for level in ("GridSearchCV", "SlidingWindow", "RareEventClassifier"):
        assert f"{level} - fit" in shown
    assert "fit-detector | LSTMAutoencoder - fit" in shown


def test_a_search_over_two_processes_hears_of_every_epoch(searches):
    _, shown, scores = searches
    n_fits = 2 * 2 + 1  # two candidates on two folds, and the best one on all rows
    assert len(scores) == n_fits * 2
    assert shown.count("GridSearchCV - fit") >= 1
    assert "Pipeline - fit-final-estimator | LSTMClassifier - fit" in shown


@needs_fork
def test_keras_in_a_fork_of_a_process_that_ran_it_is_refused_with_the_remedy(said):
    assert "Keras ran before this process was forked" in said["refused"]
    assert "engine='native'" in said["refused"]
    assert "'loky'" in said["refused"]
    assert said["native"]


@needs_fork
def test_wrappers_of_scikeras_are_refused_in_such_a_fork_too(said):
    assert len(said["wrappers"]) == 5
    for message in said["wrappers"]:
        assert "Keras ran before this process was forked" in message
        assert "'loky'" in message


@needs_fork
def test_loading_keras_is_enough_to_be_refused_in_a_fork(said):
    assert len(said["loaded"]) == 2
    for message in said["loaded"]:
        assert "Keras ran before this process was forked" in message


def test_scikeras_is_loaded_without_a_patch_of_keras(said):
    assert said["as it was"]


def test_a_user_who_loaded_scikeras_keeps_its_patch(said):
    assert said["keeps its patch"]


def test_a_pickle_loads_and_works_in_a_fresh_process_without_a_trace(fresh):
    said, _, expected = fresh
    np.testing.assert_allclose(said["scores"], expected, rtol=1e-5)
    assert said["as it was after a fit"]


def test_the_first_call_of_a_network_is_silent_but_for_the_users_own_lines(fresh):
    _, stderr, _ = fresh
    assert stderr == "batch\n"


# Of Keras: test_autoencoder.py, where a fit and a score run at once.
@pytest.mark.parametrize("n_threads", [1, 2, None])
def test_threads_on_one_fitted_pipeline_get_what_one_gets(n_threads):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3000, 3))
    network = LSTMAutoencoder(
        (8, 4), max_epochs=1, engine="native", n_threads=n_threads, random_state=0
    )
    pipeline = make_pipeline(
        SlidingWindow(10), EachTimeStep(StandardScaler()), network
    ).fit(table[:500])
    # Of all sizes, so that threads are in different places of the code.
    parts = [table[rng.integers(2900) :][: rng.integers(5, 2000)] for _ in range(16)]
    for method in (pipeline.score_samples, pipeline.transform):
        alone = [method(part) for part in parts]
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(method, parts))
        for a, b in zip(together, alone, strict=True):
            assert_array_equal(a, b)
