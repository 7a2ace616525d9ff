# SPDX-License-Identifier: BSD-3-Clause
"""Import and run Keras: without the log noise of its backend, nor where it hangs."""

import contextlib
import logging
import os
import re
import sys
import tempfile

# Lines that TensorFlow's C++ libraries write to file descriptor 2 when they load.
_NOISE = re.compile(
    rb"[IWE]\d{4} |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] |[IWE]0000 "
    rb"|WARNING: All log messages before absl|To enable the following instructions|\s*$"
)
_first_process: int | None = None  # in which Keras ran, of those forked from each other


@contextlib.contextmanager
def _hold_back_stderr():
    """Hold back file descriptor 2; write on what is not noise, or all after an error.

    Nothing in Python reaches these lines: they are written by C++ before any log level
    is read. A user who has set TF_CPP_MIN_LOG_LEVEL wants to decide alone.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ or "tensorflow" in sys.modules:
        yield
        return
    failed = True
    with tempfile.TemporaryFile() as held:
        try:
            stderr = os.dup(2)
        except OSError:  # A process without a standard error.
            yield
            return
        os.dup2(held.fileno(), 2)
        try:
            yield
            failed = False
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if failed or not _NOISE.match(line):
                    os.write(2, line)


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
    with _hold_back_stderr():
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
