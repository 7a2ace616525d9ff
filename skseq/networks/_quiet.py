# SPDX-License-Identifier: BSD-3-Clause
"""Import and run Keras: without the log noise of its backend, nor where it hangs."""

import contextlib
import logging
import os
import re
import sys
import tempfile
import threading

# Lines that TensorFlow's C++ libraries write to file descriptor 2.
_NOISE = re.compile(
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] \S+:\d+\] "
    rb"|[IWE]\d{4} \d\d:\d\d:\d+(\.\d+)?( +\d+)? \S+:\d+\] "
    rb"|WARNING: All log messages before absl|To enable the following instructions"
)
# And lines that belong to one of these before them: empty ones, and traces of places.
_MORE_NOISE = re.compile(rb"\s*$|=== Source Location Trace|\S+\.(cc|h):\d+\s*$")
_first_process: int | None = None  # in which Keras ran, of those forked from each other


class _HeldStderr:
    """File descriptor 2 as a file, until the last of those who hold it lets go."""

    def __init__(self):
        self._stderr = os.dup(2)
        try:
            self._file = tempfile.TemporaryFile()
        except OSError:
            os.close(self._stderr)
            raise
        self.n_holders, self.failed = 0, False
        _flush_stderr()
        os.dup2(self._file.fileno(), 2)

    def let_go(self):
        os.dup2(self._stderr, 2)
        os.close(self._stderr)

    def write_on(self):
        """Write on what is not noise, and all of it where anything failed."""
        self._file.seek(0)
        noise = False
        for line in self._file:
            kinds = (_NOISE, _MORE_NOISE) if noise else (_NOISE,)
            noise = any(kind.match(line) for kind in kinds)
            while line and (self.failed or not noise):
                line = line[os.write(2, line) :]
        self._file.close()


_held: _HeldStderr | None = None
_held_lock = threading.Lock()


def _flush_stderr():
    with contextlib.suppress(AttributeError, ValueError, OSError):
        sys.stderr.flush()  # None, closed or not to be written to: nothing to keep


def _let_go_in_child():
    """In a fork: write to standard error again. The parent writes what was held."""
    global _held, _held_lock
    if _held is not None:
        _held.let_go()
    _held, _held_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)


@contextlib.contextmanager
def hold_back_stderr():
    """Hold back file descriptor 2; write on what is not noise, or all after an error.

    Nothing in Python reaches these lines: C++ writes them, some before any log level is
    read. It is held for as short as may be, the import or the first step of a network:
    what others write meanwhile comes late, and a process that another thread starts has
    the file for its standard error. A user who has set TF_CPP_MIN_LOG_LEVEL wants to
    decide alone.
    """
    global _held
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    with _held_lock:
        if _held is None:
            # No standard error, or no room for a file: then nothing is held.
            with contextlib.suppress(OSError):
                _held = _HeldStderr()
        held = _held
        if held is not None:
            held.n_holders += 1
    failed = True
    try:
        yield
        failed = False
    finally:
        # A fork within has let go already.
        if held is not None and held is _held:
            _leave(held, failed)


def _leave(held, failed):
    global _held
    with _held_lock:
        held.n_holders -= 1
        held.failed |= failed
        if not held.n_holders:
            _held = None
            _flush_stderr()
            held.let_go()
            held.write_on()


@contextlib.contextmanager
def quiet_first_call(called, key):
    """Hold back standard error in the first call of a kind, which traces a network.

    ``called`` is the set of the kinds so far.
    """
    with contextlib.nullcontext() if key in called else hold_back_stderr():
        yield
    called.add(key)


class _FirstQuiet:
    """A function of which the first call is quiet."""

    def __init__(self, function):
        self.function, self._called = function, set()

    def __call__(self, *args, **kwargs):
        with quiet_first_call(self._called, "step"):
            return self.function(*args, **kwargs)


@contextlib.contextmanager
def quiet_first_steps(model):
    """Let a Keras model be quiet in its first steps, while the user fits or asks it.

    The steps alone: no callback of the user is called in one, and no bar is drawn.
    """
    names = "train", "test", "predict"

    def quiet(name):
        make = getattr(model, f"make_{name}_function")

        def made(*args, **kwargs):
            made_function = make(*args, **kwargs)
            function = getattr(model, f"{name}_function")
            if not isinstance(function, _FirstQuiet):
                setattr(model, f"{name}_function", _FirstQuiet(function))
            return made_function

        return made

    for name in names:
        setattr(model, f"make_{name}_function", quiet(name))
    try:
        yield
    finally:
        for name in names:
            delattr(model, f"make_{name}_function")
            function = getattr(model, f"{name}_function")
            if isinstance(function, _FirstQuiet):
                setattr(model, f"{name}_function", function.function)


@contextlib.contextmanager
def quiet_tracing():
    """Drop TensorFlow's warnings about tracing: each network is traced once."""

    def keep(record):
        return "tf.function retracing" not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def import_keras():
    """Import Keras 3 with the backend that the user has chosen (else TensorFlow)."""
    if "keras" in sys.modules:
        return sys.modules["keras"]
    own = "tensorflow" not in sys.modules  # else it has written its lines already
    with hold_back_stderr() if own else contextlib.nullcontext():
        import keras

        # Some lines come only when the backend starts its devices.
        keras.ops.zeros(1)
    _check_not_forked()
    return keras


def _check_not_forked():
    """Refuse what would wait for ever: a fork has none of the threads of Keras."""
    global _first_process
    if _first_process is None:
        _first_process = os.getpid()
    elif _first_process != os.getpid():
        raise RuntimeError(
            "Keras ran before this process was forked, and would hang in it. Use "
            "engine='native', where there is one; or start processes with joblib's "
            "'loky' backend, or with multiprocessing.get_context('spawn')."
        )


@contextlib.contextmanager
def running_keras():
    """Run Keras, once it is sure that it will not hang.

    Raises
    ------
    RuntimeError
        If Keras ran before this process was forked.
    """
    _check_not_forked()
    with quiet_tracing():
        yield
