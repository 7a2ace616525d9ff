# SPDX-License-Identifier: BSD-3-Clause
"""Threads, processes and forks."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, LSTMAutoencoder, SlidingWindow

# One program for all, as loading Keras takes longer than all it does here: what its
# workers do before Keras was loaded, after that, and after it ran. A process that is
# spawned imports the file.
PROGRAM = """
import json, multiprocessing, os, sys
import joblib, numpy as np, threadpoolctl
from skseq import (
    DetectorCommittee, KerasAutoencoder, LSTMAutoencoder, PCAAutoencoder, SlidingWindow
)
from skseq.training._reports import watched_by

X = np.random.default_rng(0).normal(size=(40, 5, 2)).astype("float32")
LARGE = np.random.default_rng(0).normal(size=(400, 10, 8))


# Of a worker: the most threads that there were in a fit more than before, and of BLAS.

class Count:
    most = 0
    def begin(self, *about):
        pass
    def advance(self, *about):
        self.most = max(self.most, count())
    def validated(self, loss):
        pass
    def end(self):
        pass

def count():
    return len(os.listdir("/proc/self/task"))

def threads():
    ae = LSTMAutoencoder(16, max_epochs=2, engine="native")
    before, watcher = count(), Count()
    with watched_by(watcher):
        ae.fit(LARGE).score_samples(LARGE)
    of_blas = max(lib["num_threads"] for lib in threadpoolctl.threadpool_info())
    return max(watcher.most, count()) - before, of_blas

def by_loky(tasks):
    # One setting, so that the same two processes are at work all the time.
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        return joblib.Parallel()(tasks)


# The native engine in all kinds of workers.

def fit_and_score(seed):
    ae = LSTMAutoencoder(3, max_epochs=1, engine="native", random_state=seed)
    return ae.fit(X).score_samples(X)

def scores(backend):
    if backend in ("fork", "spawn"):
        with multiprocessing.get_context(backend).Pool(1) as pool:
            return pool.map(fit_and_score, range(3))
    tasks = map(joblib.delayed(fit_and_score), range(3))
    return by_loky(tasks) if backend == "loky" else joblib.Parallel(2, backend)(tasks)

def same_in(*backends):
    alone = [fit_and_score(seed) for seed in range(3)]
    return [b for b in backends if np.array_equal(scores(b), alone)]


# What is given to processes: windows of a table with a missing cell, and a committee
# that fits its members in them.

def windows():
    table = np.random.default_rng(0).normal(size=(60, 2))
    table[7, 1] = np.nan
    return SlidingWindow(4).fit_transform(table)

def sums_of_windows():
    X = windows()
    sums = by_loky([joblib.delayed(np.nansum)(X[k::3]) for k in range(3)])
    return sums == [np.nansum(np.asarray(X)[k::3]) for k in range(3)]

def scores_of_committee(n_jobs):
    members = [("pca", PCAAutoencoder(2)), ("lstm", LSTMAutoencoder(3, max_epochs=1))]
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        committee = DetectorCommittee(members, n_jobs=n_jobs, random_state=0)
        return committee.fit(windows()).score_samples(windows()).tolist()


# Keras in a fork.

def refusal(task):
    method, arguments = task
    try:
        method(*arguments)
    except RuntimeError as error:
        return str(error)

def refusals(*tasks):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map(refusal, tasks)

def fit():
    LSTMAutoencoder(3, max_epochs=1, engine="keras").fit(X)

def make_model():
    LSTMAutoencoder(3, max_epochs=1, engine="native").fit(X).model_

def refused_then_native():
    autoencoder = LSTMAutoencoder(3, max_epochs=1, engine="keras").fit(X)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        message = pool.apply(refusal, [(autoencoder.score_samples, [X])])
        # Told by the message: a fit with engine="native" goes on in a fork.
        autoencoder.set_params(engine="native").fit(X)
        there = pool.apply(autoencoder.score_samples, [X])
    return message, np.array_equal(there, autoencoder.score_samples(X))

def network(meta):
    import keras
    return keras.Sequential([
        keras.Input(X.shape[1:]),
        keras.layers.Flatten(),
        keras.layers.Dense(3, name="latent"),
        keras.layers.Dense(10),
        keras.layers.Reshape(X.shape[1:]),
    ])

def classes(meta):
    import keras
    return keras.Sequential([
        keras.Input(X.shape[1:]),
        keras.layers.Flatten(),
        keras.layers.Dense(1, activation="sigmoid"),
    ])

def refused_wrappers():
    from scikeras.wrappers import BaseWrapper
    from skseq.keras_networks import KerasClassifier

    y = np.arange(40) % 2
    how = {"verbose": 0, "run_eagerly": True}  # sooner than to trace it
    wrapper = BaseWrapper(network, loss="mse", **how)
    autoencoder = KerasAutoencoder(wrapper).fit(X)
    classifier = KerasClassifier(classes, loss="bce", **how).fit(X, y)
    return refusals(
        (autoencoder.fit, [X]),
        (autoencoder.score_samples, [X]),
        (autoencoder.transform, [X]),
        (classifier.fit, [X, y]),
        (classifier.predict, [X]),
    )

def main():
    said = {}
    if sys.platform == "linux":
        said["threads"] = [*set(by_loky([joblib.delayed(threads)()] * 4))]
    said["windows"] = sums_of_windows()
    said["committees"] = [scores_of_committee(n_jobs) for n_jobs in (1, 2)]
    said["same"] = same_in("loky", "threading", "multiprocessing", "fork", "spawn")
    assert "tensorflow" not in sys.modules
    # What a process does with Keras before it is forked need not be a fit.
    import skseq.keras_networks._classifier  # loads Keras
    said["loaded"] = refusals((fit, []), (make_model, []))
    import tensorflow
    assert tensorflow.reduce_sum(tensorflow.matmul(X, X.mT)).shape == ()
    # A process that is spawned knows nothing of it.
    said["same after"] = same_in("loky", "threading", "multiprocessing", "fork")
    said["refused"], said["native"] = refused_then_native()
    said["wrappers"] = refused_wrappers()
    print(json.dumps(said))

if __name__ == "__main__":
    main()
"""

needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What the program says of each of its parts."""
    script = tmp_path_factory.mktemp("workers") / "program.py"
    script.write_text(PROGRAM)
    run = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


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


# Each thread has a Keras network lent to it, which is traced for seconds.
@pytest.mark.parametrize(
    ("engine", "n_threads", "sizes", "n_users"),
    [
        ("native", 1, (8, 4), 8),
        ("native", 2, (8, 4), 8),
        ("native", None, (8, 4), 8),
        ("keras", 1, 4, 2),
    ],
)
def test_threads_on_one_fitted_pipeline_get_what_one_gets(
    engine, n_threads, sizes, n_users
):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3000, 3))
    pipeline = make_pipeline(
        SlidingWindow(10),
        EachTimeStep(StandardScaler()),
        LSTMAutoencoder(
            sizes, max_epochs=1, engine=engine, n_threads=n_threads, random_state=0
        ),
    ).fit(table)
    # Of all sizes, so that threads are in different places of the code.
    parts = [table[rng.integers(2900) :][: rng.integers(5, 2000)] for _ in range(16)]
    for method in (pipeline.score_samples, pipeline.transform):
        alone = [method(part) for part in parts]
        with ThreadPoolExecutor(n_users) as threads:
            together = list(threads.map(method, parts))
        for a, b in zip(together, alone, strict=True):
            assert_array_equal(a, b)
