# SPDX-License-Identifier: BSD-3-Clause
"""How many threads one call may use."""

import multiprocessing
import threading

import pytest
from joblib import Parallel, delayed, parallel_config
from make import sine_table, tiny, windows_of
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
from threadpoolctl import threadpool_limits

from skseq.engines import _cores
from skseq.engines._cores import usable_threads


@pytest.fixture
def many_cores(monkeypatch):
    monkeypatch.setattr(_cores, "_openmp_effective_n_threads", lambda: 8)


def test_alone_a_call_may_use_what_scikit_learn_would(monkeypatch):
    assert usable_threads() == _openmp_effective_n_threads()
    with threadpool_limits(1, user_api="openmp"):
        assert usable_threads() == 1


def test_a_thread_beside_others_uses_itself_alone(many_cores):
    assert usable_threads() == 8
    found = []
    thread = threading.Thread(target=lambda: found.append(usable_threads()))
    thread.start()
    thread.join(10)
    assert found == [1]
    with parallel_config("threading"):
        assert Parallel(2)(delayed(usable_threads)() for _ in range(2)) == [1, 1]


def test_a_process_beside_others_uses_what_it_is_told(many_cores, monkeypatch):
    parent = multiprocessing.current_process()
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: parent)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert usable_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert usable_threads() == 8


def test_by_default_the_native_engine_is_lent_these_threads(many_cores, monkeypatch):
    lent = []
    from skseq.engines.native import _engine

    borrow = _engine.borrow

    def count(architecture, n_threads):
        lent.append(n_threads)
        return borrow(architecture, n_threads)

    monkeypatch.setattr(_engine, "borrow", count)
    windows = windows_of(sine_table(), 6)
    for n_threads, expected in ((None, 8), (3, 3)):
        lent.clear()
        ae = tiny(engine="native", max_epochs=1, n_threads=n_threads).fit(windows)
        ae.score_samples(windows)
        assert set(lent) == {expected}
