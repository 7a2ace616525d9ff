# SPDX-License-Identifier: BSD-3-Clause
"""Importing Keras quietly: what is held back, and what is not."""

import logging
import os
import subprocess
import sys

import pytest

from skseq.networks._quiet import _NOISE, quiet_tracing


@pytest.mark.parametrize(
    ("line", "is_noise"),
    [
        (
            b"2026-01-02 03:04:05.678: I tensorflow/core/util/port.cc:153] oneDNN\n",
            True,
        ),
        (b"E0000 00:00:1731 7501 cuda_dnn.cc:8579] Unable to register\n", True),
        (b"WARNING: All log messages before absl::InitializeLog()\n", True),
        (b"Traceback (most recent call last):\n", False),
        (b"disk is full\n", False),
    ],
)
def test_noise_is_told_from_messages(line, is_noise):
    assert bool(_NOISE.match(line)) is is_noise


def run(code, **environment):
    # JAX, where it is installed, sets this variable for the whole process.
    inherited = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**inherited, **environment},
    )


def test_messages_of_others_come_through_while_noise_is_held_back():
    code = (
        "import os; from skseq.networks._quiet import _hold_back_stderr\n"
        "with _hold_back_stderr():\n"
        "    os.write(2, b'I0000 00:00:1 a.cc:1] noise\\n')\n"
        "    os.write(2, b'message\\n')\n"
    )
    assert run(code).stderr == "message\n"


def test_everything_comes_through_after_an_error():
    code = (
        "import os; from skseq.networks._quiet import _hold_back_stderr\n"
        "with _hold_back_stderr():\n"
        "    os.write(2, b'E0000 00:00:1 a.cc:1] the cause\\n')\n"
        "    raise SystemExit(3)\n"
    )
    result = run(code)
    assert (result.returncode, result.stderr) == (
        3,
        "E0000 00:00:1 a.cc:1] the cause\n",
    )


def test_a_user_who_has_set_the_log_level_is_left_alone():
    code = (
        "import os; from skseq.networks._quiet import _hold_back_stderr\n"
        "with _hold_back_stderr():\n"
        "    os.write(2, b'I0000 00:00:1 a.cc:1] wanted\\n')\n"
    )
    assert "wanted" in run(code, TF_CPP_MIN_LOG_LEVEL="0").stderr


def test_retracing_warnings_are_dropped_within_the_context_alone(caplog):
    logger = logging.getLogger("tensorflow")
    with quiet_tracing():
        logger.warning("5 out of 5 calls triggered tf.function retracing.")
        logger.warning("something else")
    logger.warning("tf.function retracing again")
    assert [r.getMessage() for r in caplog.records] == [
        "something else",
        "tf.function retracing again",
    ]
