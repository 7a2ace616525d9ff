# SPDX-License-Identifier: BSD-3-Clause
"""Importing Keras quietly: what is held back, and what is not."""

import logging
import os
import subprocess
import sys

import pytest

from skseq.networks import _quiet
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
        (
            b"2026-01-02 03:04:05.678901: E tensorflow/core/util/util.cc:131] oneDNN "
            b"supports DT_BOOL only on platforms with AVX-512.\n",
            True,
        ),
        (b"I0000 00:00:1731612881.384082   20996 cudart_stub.cc:31] No GPU\n", True),
        (b"2026-01-02 03:04:05.678: INFO of the user's own\n", False),
        (b"E1234 is what the user calls it\n", False),
        (b"\n", False),
        (b"Traceback (most recent call last):\n", False),
        (b"disk is full\n", False),
    ],
)
def test_noise_is_told_from_messages(line, is_noise):
    assert bool(_NOISE.match(line)) is is_noise


def run(code, *options, **environment):
    # JAX, where it is installed, sets this variable for the whole process.
    inherited = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env={**inherited, **environment},
    )


# The module alone, which needs nothing else of the package: that takes seconds to load.
IMPORT = (
    f"import os, sys; sys.path.insert(0, {os.path.dirname(_quiet.__file__)!r})\n"
    "from _quiet import hold_back_stderr\n"
)


def test_messages_of_others_come_through_while_noise_is_held_back():
    code = IMPORT + (
        "with hold_back_stderr():\n"
        "    os.write(2, b'I0000 00:00:1 a.cc:1] noise\\n')\n"
        "    os.write(2, b'message\\n')\n"
    )
    assert run(code).stderr == "message\n"


def test_everything_comes_through_after_an_error():
    code = IMPORT + (
        "with hold_back_stderr():\n"
        "    os.write(2, b'E0000 00:00:1 a.cc:1] the cause\\n')\n"
        "    raise SystemExit(3)\n"
    )
    result = run(code)
    assert (result.returncode, result.stderr) == (
        3,
        "E0000 00:00:1 a.cc:1] the cause\n",
    )


HOLD = IMPORT + ("noise = lambda: os.write(2, b'I0000 00:00:1 a.cc:1] noise\\n')\n")


def test_what_python_prints_comes_through_in_its_order_with_its_empty_lines():
    code = HOLD + (
        "sys.stderr.write('before\\nhalf ')\n"
        "with hold_back_stderr():\n"
        "    noise(); os.write(2, b'\\n'); print('a line\\n', file=sys.stderr)\n"
        "    noise(); sys.stderr.write('\\r 3 of 4')\n"
        "print(' done', file=sys.stderr)\n"
    )
    # The carriage return reads as a line end.
    assert run(code).stderr == "before\nhalf a line\n\n\n 3 of 4 done\n"


def test_who_lets_go_first_takes_it_from_nobody():
    """As of two threads, of which the first to hold is the first to let go."""
    code = HOLD + (
        "one, two = hold_back_stderr(), hold_back_stderr()\n"
        "one.__enter__(); two.__enter__(); noise()\n"
        "one.__exit__(None, None, None); noise(); os.write(2, b'held\\n')\n"
        "two.__exit__(None, None, None); os.write(2, b'after\\n'); noise()\n"
    )
    expected = "held\nafter\nI0000 00:00:1 a.cc:1] noise\n"
    assert run(code).stderr == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_writes_to_standard_error_at_once():
    code = HOLD + (
        "with hold_back_stderr():\n"
        "    os.write(2, b'held\\n')\n"
        "    if not os.fork():\n"
        "        os.write(2, b'child\\n'); os._exit(0)\n"
        "    os.wait()\n"
    )
    # Python warns of a fork where there are threads, as NumPy's may be.
    assert run("import warnings; warnings.simplefilter('ignore')\n" + code).stderr == (
        "child\nheld\n"
    )


def test_nothing_is_held_where_there_is_no_standard_error():
    code = HOLD + ("os.close(2)\nwith hold_back_stderr():\n    print('ran')\n")
    assert run(code).stdout == "ran\n"


def test_a_user_who_has_set_the_log_level_is_left_alone():
    code = IMPORT + (
        "with hold_back_stderr():\n"
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
