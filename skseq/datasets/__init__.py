# SPDX-License-Identifier: BSD-3-Clause
"""Series with rare events: generators and hash-checked downloads."""

from ._chaotic import make_chaotic_process
from ._commanded import make_commanded_process
from ._fetch import fetch_nab, fetch_tep
from ._generators import load_toy_series, make_process_faults
from ._run_to_failure import make_run_to_failure
from ._sensors import make_sensor_events
from ._sequences import make_damped_sines, make_moving_ones

__all__ = [
    "fetch_nab",
    "fetch_tep",
    "load_toy_series",
    "make_chaotic_process",
    "make_commanded_process",
    "make_damped_sines",
    "make_moving_ones",
    "make_process_faults",
    "make_run_to_failure",
    "make_sensor_events",
]
