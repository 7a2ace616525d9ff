# SPDX-License-Identifier: BSD-3-Clause
"""How many threads may run at a time."""

import contextlib
import multiprocessing
import os
import threading
from contextvars import ContextVar

from .._sklearn import _openmp_effective_n_threads

_shared = ContextVar("_shared", default=None)


def usable_threads():
    """Threads that one call may use by default: as in scikit-learn's compiled loops.

    One where others are likely to run beside it: in a thread that is not the main one,
    as those of Dask and of joblib's backend "threading", and in a process that another
    one started, unless it says otherwise in OMP_NUM_THREADS, as joblib's "loky" does.
    Among what shares its cores, those of all.
    """
    shared = _shared.get()
    if shared is not None:
        return shared.n
    if threading.current_thread() is not threading.main_thread():
        return 1
    if multiprocessing.parent_process() and "OMP_NUM_THREADS" not in os.environ:
        return 1
    return _openmp_effective_n_threads()


class SharedCores:
    """Cores of several threads, each of which takes a second one where one is idle."""

    def __init__(self, n):
        self.n, self._n_taken, self._lock = n, 0, threading.Lock()

    @contextlib.contextmanager
    def one_taken(self):
        """Let what runs in here take one of the cores."""
        token = _shared.set(self)
        with self._lock:
            self._n_taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_taken -= 1
            _shared.reset(token)

    @property
    def are_taken(self):
        return self._n_taken >= self.n


def splits_pay():
    """Whether there are cores for the parts of what a thread could do by itself."""
    shared = _shared.get()
    return shared is None or not shared.are_taken
