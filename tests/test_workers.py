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
    check("threading", "fork")
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
        autoencoder.engine = "native"
        expected = score(autoencoder)
        np.testing.assert_array_equal(pool.apply(score, [autoencoder]), expected)
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
    done = output_of(BACKENDS, tmp_path).split()
    assert done[:2] == ["threading", "fork"]
    assert done[2:] == ["loky", "threading", "multiprocessing", "fork", "spawn"]


@needs_fork
def test_keras_in_a_fork_of_a_process_that_ran_it_is_refused_with_the_remedy(tmp_path):
    message = output_of(FORKED, tmp_path)
    assert "Keras ran before this process was forked" in message
    assert "engine='native'" in message
    assert "'loky'" in message


@pytest.mark.parametrize("n_threads", [1, 2])
def test_eight_threads_on_one_fitted_pipeline_get_what_one_gets(n_threads):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3000, 3))
    pipeline = make_pipeline(
        SlidingWindow(10),
        EachTimeStep(StandardScaler()),
        LSTMAutoencoder(
            (8, 4), max_epochs=1, engine="native", n_threads=n_threads, random_state=0
        ),
    ).fit(table)
    # Of all sizes, so that threads are in different places of the code.
    parts = [table[rng.integers(2900) :][: rng.integers(5, 2000)] for _ in range(32)]
    for method in (pipeline.score_samples, pipeline.transform):
        alone = [method(part) for part in parts]
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(method, parts))
        for a, b in zip(together, alone, strict=True):
            assert_array_equal(a, b)
