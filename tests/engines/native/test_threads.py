# SPDX-License-Identifier: BSD-3-Clause
"""Fits and scorings side by side, in threads: each gives what it gives alone.

Under the thread sanitizer, where a compiler has it (the kernels are built anew):

    cmake -S skseq/engines/native -B build/tsan -DCMAKE_BUILD_TYPE=Release \
        -Dnanobind_DIR=$(python -m nanobind --cmake_dir) \
        -DCMAKE_CXX_FLAGS="-g -fsanitize=thread"
    cmake --build build/tsan && cp build/tsan/_kernels*.so skseq/engines/native
    LD_PRELOAD=$(c++ -print-file-name=libtsan.so) TSAN_OPTIONS=exitcode=66 \
        python -m pytest tests/engines/native/test_threads.py
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline

from skseq import (
    LSTMAutoencoder,
    LSTMClassifier,
    PCAAutoencoder,
    ResidualAutoencoder,
    SlidingWindow,
    StreamScorer,
)
from skseq.engines._batches import Batch
from skseq.networks import Architecture

pytest.importorskip(
    "skseq.engines.native._kernels", reason="the kernels were not built"
)
from skseq.engines.native._engine import NativeEngine  # noqa: E402

SETTINGS = {"max_epochs": 2, "random_state": 0, "engine": "native", "n_threads": 2}


@pytest.fixture(scope="module")
def X():
    X = np.random.default_rng(0).normal(size=(200, 6, 3)).astype(np.float32)
    X[5, 2, 1] = X[7, :2] = np.nan
    return X


def network():
    return LSTMAutoencoder((5, 3), **SETTINGS)


def test_fits_scores_and_streams_at_once_give_what_each_gives_alone(X, isa):
    makers = [
        network,
        lambda: ResidualAutoencoder(network()),
        lambda: PCAAutoencoder(3, error="mahalanobis"),
    ]
    shared = [make().fit(X) for make in makers]
    classifier = LSTMClassifier(4, **SETTINGS).fit(X, np.arange(200) % 2)
    table = np.nan_to_num(X[:, 0])
    pipeline = make_pipeline(SlidingWindow(6), network()).fit(table)

    def fit(k):
        return makers[k % 3]().fit(X).score_samples(X)

    def score(k):
        one = [shared[k % 3].score_samples(X[i : i + 1]) for i in range(20)]
        return np.concatenate([*one, shared[k % 3].score_samples(X)])

    def classify(k):
        return classifier.predict_proba(X)

    def stream(k):
        return StreamScorer(pipeline).score_many(table)

    calls = [(call, k) for k in range(3) for call in (fit, score, classify, stream)]
    alone = [call(k) for call, k in calls]
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(call, k) for call, k in calls]
        for job, expected in zip(jobs, alone, strict=True):
            assert_array_equal(job.result(timeout=120), expected)


@pytest.mark.parametrize(("n", "n_parts"), [(1024, 16), (200, 7), (9, 1)])
def test_each_thread_has_a_part_of_what_is_scored_to_the_same_bits(n, n_parts, isa):
    rng = np.random.default_rng(0)
    architecture, called = Architecture(30, 20, (32, 16)), []
    X = rng.normal(size=(n, 30, 20)).astype(np.float32)
    steps = np.arange(30) >= rng.integers(3, size=(n, 1))
    batch = Batch(X * steps[..., None], steps, X)

    def counting(function, parts):
        called.extend(parts := list(parts))
        return map(function, parts)

    outputs = []
    for n_threads in (16, 1):
        engine = NativeEngine(architecture, counting, n_threads)
        engine.load_weights(architecture.initial_weights(np.random.RandomState(0)))
        outputs.append(engine.reconstruct(batch))
        if n_threads == 16:
            assert max(len(called), 1) == n_parts
    assert_array_equal(*outputs)
