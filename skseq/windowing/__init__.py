# SPDX-License-Identifier: BSD-3-Clause
"""Rows in time order to windows."""

from ._each_series import EachSeries
from ._intervals import labels_from_intervals
from ._labels import early_warning_labels
from ._memmap import table_to_memmap
from ._padding import pad_sequences, unpad_sequences
from ._sliding import SlidingWindow
from ._sliding_windows import sliding_windows
from ._steps import EachTimeStep
from ._summary import WindowSummary
from ._temporalize import temporalize
from ._window_size import suggest_window_size
from ._windows import Windows

__all__ = [
    "EachSeries",
    "EachTimeStep",
    "SlidingWindow",
    "WindowSummary",
    "Windows",
    "early_warning_labels",
    "labels_from_intervals",
    "pad_sequences",
    "sliding_windows",
    "suggest_window_size",
    "table_to_memmap",
    "temporalize",
    "unpad_sequences",
]
