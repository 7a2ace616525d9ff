# SPDX-License-Identifier: BSD-3-Clause
"""How many threads may run at a time, and what those beside the main one are told."""

import contextlib
import multiprocessing
import os
import threading
from contextvars import ContextVar
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from .._sklearn import _openmp_effective_n_threads


def usable_threads():
    """Threads that one call may use by default: as in scikit-learn's compiled loops.

    One where others are likely to run beside it: in a thread that is not the main one,
    as those of Dask and of joblib's backend "threading", and in a process that another
    one started, unless it says otherwise in OMP_NUM_THREADS, as joblib's "loky" does.
    Among what shares its cores, those of all.
    """
    place = _place.get()
    if place is not None:
        return place.cores.n
    if threading.current_thread() is not threading.main_thread():
        return 1
    if multiprocessing.parent_process() and "OMP_NUM_THREADS" not in os.environ:
        return 1
    return _openmp_effective_n_threads()


class SharedCores:
    """Cores of several threads, each of which takes further ones while they are idle.

    Parameters
    ----------
    n : int
    """

    def __init__(self, n):
        self.n, self._n_taken, self._lock = n, 0, threading.Lock()

    @contextlib.contextmanager
    def one_taken(self, heed):
        """Let what runs in here take one of the cores.

        ``heed`` is called there time and again: it raises what the main thread was
        told, which alone hears of a Ctrl-C.
        """
        token = _place.set(_Place(self, heed))
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)
            _place.reset(token)

    def _add(self, n):
        with self._lock:
            self._n_taken += n

    @property
    def are_taken(self):
        return self._n_taken >= self.n


class _Place(NamedTuple):
    cores: SharedCores
    heed: object


_place: ContextVar[_Place | None] = ContextVar("_place", default=None)


def share_cores():
    """Whether what runs here shares cores with others."""
    return _place.get() is not None


def splits_pay():
    """Whether there are cores for the parts of what a thread could do by itself."""
    place = _place.get()
    return place is None or not place.cores.are_taken


def heed_the_main_thread():
    """Raise what the main thread was told. Called wherever work goes on for long."""
    place = _place.get()
    if place is not None:
        place.heed()


def one_thread_of_blas():
    """Keep a BLAS to one thread, in a ``with``, where more do harm.

    While networks train it would wait for its threads on their cores; in sums of few
    columns the wait is longer than the work. It is so where networks do not train side
    by side, too, as last bits hang on its threads. Not in other threads than the main
    one: the number is that of the process, and two would put back each other's.
    """
    if threading.current_thread() is not threading.main_thread():
        return contextlib.nullcontext()
    return threadpool_limits(1, "blas")
