# SPDX-License-Identifier: BSD-3-Clause
"""Trainings side by side, each in a thread of this process."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextvars import copy_context

from sklearn import config_context, get_config
from sklearn.base import BaseEstimator

from .._warnings import holding_back
from ..engines._choose import may_be_native
from ..engines._cores import SharedCores, share_cores, usable_threads
from ._reports import beside_others

# Seconds: a wait without end hears of no Ctrl-C on Windows.
_WAIT = 0.1


class _EndedError(BaseException):
    """Ends a training of which nobody is to have the result."""


class _Call:
    """A call, what it came to, and what its thread is told meanwhile."""

    def __init__(self, function):
        self._function = function
        self.result = self.error = None
        self.warned = []
        self.is_running = self.is_interrupted = self.is_ended = False

    def run(self, cores):
        try:
            with holding_back() as self.warned, cores.one_taken(self._heed):
                self.is_running = True
                self._heed()
                self.result = self._function()
                self._heed()
        except BaseException as error:
            self.error = error
        finally:
            self.is_running = False

    @property
    def has_failed(self):
        return self.error is not None and not isinstance(self.error, _EndedError)

    def _heed(self):
        if self.is_ended:
            raise _EndedError
        if self.is_interrupted:
            self.is_interrupted = False
            raise KeyboardInterrupt


def only_trains(estimator) -> bool:
    """Tell what ``side_by_side`` may fit in a thread.

    It is of this package alone, its networks are native, leave their number of threads
    to us, print nothing, and nobody is told of their epochs.
    """
    params = estimator.get_params()
    parts = [estimator, *params.values()]
    for part in parts:
        if isinstance(part, BaseEstimator) and (
            type(part).__module__.split(".")[0] != __package__.split(".")[0]
            or getattr(part, "_needs_keras", False)
            or getattr(part, "_skl_callbacks", None)
        ):
            return False
    names = [name for name in params if name.split("__")[-1] == "n_threads"]
    networks = [_parameters(params, name.removesuffix("n_threads")) for name in names]
    return bool(networks) and all(map(_is_left_to_us, networks))


def _parameters(params, prefix):
    return {
        name.removeprefix(prefix): value
        for name, value in params.items()
        if name.startswith(prefix)
    }


def _is_left_to_us(network):
    is_silent = not network["verbose"] and network["n_threads"] is None
    return is_silent and may_be_native(network)


def side_by_side(functions: Sequence[Callable], train: Sequence[bool]) -> list:
    """Call functions; those that ``train`` marks in threads, beside one another.

    All else is as if they were called one after the other: warnings come in that order
    and point at the user's line, of several errors the first one is raised, and a
    Ctrl-C ends the trainings that are running, which keep what they came to.

    Parameters
    ----------
    functions : list of callables
        Without arguments. Those that are not marked run in this thread meanwhile.

    train : list of bool
        Whether a function does nothing but train networks with the native engine.

    Returns
    -------
    results : list
    """
    cores = SharedCores(usable_threads())
    n_threads = min(sum(train), cores.n)
    if n_threads < 2 or share_cores():
        return [function() for function in functions]
    calls = [_Call(function) for function in functions]
    # It puts back what threads leave of the filters, of which there is one list.
    with warnings.catch_warnings():
        _run_all(calls, train, cores, n_threads)
    for call in calls:
        for warn in call.warned:
            warn()
        if call.has_failed:
            raise call.error
    return [call.result for call in calls]


def _run_all(calls, train, cores, n_threads):
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            config = get_config()
            waiting = {
                pool.submit(copy_context().run, _run_beside, call, calls, cores, config)
                for call, is_training in zip(calls, train, strict=True)
                if is_training
            }
            for call, is_training in zip(calls, train, strict=True):
                if not is_training:
                    call.run(cores)
                    _end_those_in_vain(calls)
            while waiting:
                with _interrupting(calls):
                    _, waiting = wait(waiting, _WAIT, FIRST_COMPLETED)
        except BaseException:
            for call in calls:
                call.is_ended = True
            raise


def _run_beside(call, calls, cores, config):
    with config_context(**config), beside_others():
        call.run(cores)
    _end_those_in_vain(calls)


@contextlib.contextmanager
def _interrupting(calls):
    """Pass a Ctrl-C on to the trainings that are running."""
    try:
        yield
    except KeyboardInterrupt:
        if not any(call.is_running for call in calls):
            raise
        for call in calls:
            call.is_interrupted = call.is_running


def _end_those_in_vain(calls):
    """After an error of one nobody asks for those that come after it.

    Nor for any where the error is none of the program.
    """
    failed = [k for k, call in enumerate(calls) if call.has_failed]
    if not failed:
        return
    first = failed[0]
    if not isinstance(calls[first].error, Exception):
        first = -1
    for call in calls[first + 1 :]:
        call.is_ended = True
