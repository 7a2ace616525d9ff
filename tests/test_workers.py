# SPDX-License-Identifier: BSD-3-Clause
"""Threads, processes and forks."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, LSTMAutoencoder, SlidingWindow

# The file of a program: a process that is spawned imports it.
BACKENDS = """
import multiprocessing, sys
import joblib, numpy as np
from skseq import LSTMAutoencoder

X = np.random.default_rng(0).normal(size=(40, 5, 2))

def fit_and_score(seed):
    ae = LSTMAutoencoder(3, max_epochs=1, engine="native", random_state=seed)
    return ae.fit(X).score_samples(X)

def scores(backend):
    if backend in ("fork", "spawn"):
        with multiprocessing.get_context(backend).Pool(1) as pool:
            return pool.map(fit_and_score, range(3))
    tasks = map(joblib.delayed(fit_and_score), range(3))
    return joblib.Parallel(2, backend)(tasks)

def check(*backends):
    for backend in backends:
        np.testing.assert_array_equal(scores(backend), alone)
        print(backend, end=" ")

if __name__ == "__main__":
    alone = [fit_and_score(seed) for seed in range(3)]
    check("loky", "threading", "multiprocessing", "fork", "spawn")
    assert "tensorflow" not in sys.modules
    import tensorflow
    assert tensorflow.reduce_sum(tensorflow.matmul(X, X.mT)).shape == ()
    check("loky", "threading", "multiprocessing", "fork", "spawn")
"""

FORKED = """
import multiprocessing
import numpy as np
from skseq import LSTMAutoencoder

X = np.random.default_rng(0).normal(size=(40, 5, 2))

def score(autoencoder):
    try:
        return autoencoder.score_samples(X)
    except RuntimeError as error:
        return str(error)

if __name__ == "__main__":
    autoencoder = LSTMAutoencoder(3, max_epochs=1, engine="keras").fit(X)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.apply(score, [autoencoder]))
        # Told by the message: a fit with engine="native" goes on in a fork.
        autoencoder = autoencoder.set_params(engine="native").fit(X)
        expected = score(autoencoder)
        np.testing.assert_array_equal(pool.apply(score, [autoencoder]), expected)
"""

# Threads of a worker: the most that there were in a fit more than before, and of BLAS.
THREADS = """
import os
import joblib, numpy as np, threadpoolctl
from skseq import LSTMAutoencoder
from skseq.training._reports import watched_by

X = np.random.default_rng(0).normal(size=(400, 10, 8))

def count():
    return len(os.listdir("/proc/self/task"))

class Count:
    most = 0
    def begin(self, *about):
        pass
    def advance(self, *about):
        self.most = max(self.most, count())
    def end(self):
        pass

def threads():
    ae = LSTMAutoencoder(16, max_epochs=2, engine="native")
    before, watcher = count(), Count()
    with watched_by(watcher):
        ae.fit(X).score_samples(X)
    of_blas = max(lib["num_threads"] for lib in threadpoolctl.threadpool_info())
    return max(watcher.most, count()) - before, of_blas

if __name__ == "__main__":
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        print(*set(joblib.Parallel()([joblib.delayed(threads)()] * 4)))
"""

# A module that builds networks, and a program that uses their wrappers in a fork.
FORKED_WRAPPERS = """
import multiprocessing
import keras, numpy as np
from scikeras.wrappers import BaseWrapper
from skseq import KerasAutoencoder
from skseq.keras_networks import KerasClassifier

X = np.random.default_rng(0).normal(size=(40, 5, 2)).astype("float32")
y = np.arange(40) % 2

def network(meta):
    return keras.Sequential([
        keras.Input(X.shape[1:]),
        keras.layers.Flatten(),
        keras.layers.Dense(3, name="latent"),
        keras.layers.Dense(10),
        keras.layers.Reshape(X.shape[1:]),
    ])

def classes(meta):
    return keras.Sequential([
        keras.Input(X.shape[1:]),
        keras.layers.Flatten(),
        keras.layers.Dense(1, activation="sigmoid"),
    ])

def refusal(task):
    method, arguments = task
    try:
        method(*arguments)
    except RuntimeError as error:
        return str(error)

if __name__ == "__main__":
    wrapper = BaseWrapper(network, loss="mse", verbose=0)
    autoencoder = KerasAutoencoder(wrapper).fit(X)
    classifier = KerasClassifier(classes, loss="bce", verbose=0).fit(X, y)
    tasks = [
        (autoencoder.fit, [X]),
        (autoencoder.score_samples, [X]),
        (autoencoder.transform, [X]),
        (classifier.fit, [X, y]),
        (classifier.predict, [X]),
    ]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        for message in pool.map(refusal, tasks):
            print(message)
"""

# What a process does with Keras before it is forked need not be a fit.
FORKED_AFTER_IMPORT = """
import multiprocessing
import numpy as np
import skseq.keras_networks._classifier  # loads Keras
from skseq import LSTMAutoencoder

X = np.zeros((40, 5, 2))

def fit():
    LSTMAutoencoder(3, max_epochs=1, engine="keras").fit(X)

def make_model():
    LSTMAutoencoder(3, max_epochs=1, engine="native").fit(X).model_

def refusal(call):
    try:
        call()
    except RuntimeError as error:
        return str(error)

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(1) as pool:
        for call in fit, make_model:
            print(pool.apply(refusal, [call]))
"""

needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")


def output_of(program, folder):
    script = folder / "program.py"
    script.write_text(program)
    run = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@needs_fork
def test_the_native_engine_gives_the_same_in_all_kinds_of_workers(tmp_path):
    backends = ["loky", "threading", "multiprocessing", "fork", "spawn"]
    # Without TensorFlow in the process that starts them, then with it.
    assert output_of(BACKENDS, tmp_path).split() == backends + backends


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_a_worker_starts_no_threads_of_its_own(tmp_path):
    assert output_of(THREADS, tmp_path) == "(0, 1)\n"


@needs_fork
def test_keras_in_a_fork_of_a_process_that_ran_it_is_refused_with_the_remedy(tmp_path):
    message = output_of(FORKED, tmp_path)
    assert "Keras ran before this process was forked" in message
    assert "engine='native'" in message
    assert "'loky'" in message


@needs_fork
def test_wrappers_of_scikeras_are_refused_in_such_a_fork_too(tmp_path):
    messages = output_of(FORKED_WRAPPERS, tmp_path).splitlines()
    assert len(messages) == 5
    for message in messages:
        assert "Keras ran before this process was forked" in message
        assert "'loky'" in message


@needs_fork
def test_loading_keras_is_enough_to_be_refused_in_a_fork(tmp_path):
    messages = output_of(FORKED_AFTER_IMPORT, tmp_path).splitlines()
    assert len(messages) == 2
    for message in messages:
        assert "Keras ran before this process was forked" in message


@pytest.mark.parametrize(
    ("engine", "n_threads"), [("native", 1), ("native", 2), ("keras", 1)]
)
def test_eight_threads_on_one_fitted_pipeline_get_what_one_gets(engine, n_threads):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3000, 3))
    pipeline = make_pipeline(
        SlidingWindow(10),
        EachTimeStep(StandardScaler()),
        LSTMAutoencoder(
            (8, 4), max_epochs=1, engine=engine, n_threads=n_threads, random_state=0
        ),
    ).fit(table)
    # Of all sizes, so that threads are in different places of the code.
    parts = [table[rng.integers(2900) :][: rng.integers(5, 2000)] for _ in range(16)]
    for method in (pipeline.score_samples, pipeline.transform):
        alone = [method(part) for part in parts]
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(method, parts))
        for a, b in zip(together, alone, strict=True):
            assert_array_equal(a, b)
