# SPDX-License-Identifier: BSD-3-Clause
"""Splitters for series of rows, and a check of what train and test parts share."""

from ..rows._overlap import WindowOverlapWarning
from ._split import PurgedKFold, SeriesTimeSplit
from ._validate import cross_validate_windows

__all__ = [
    "PurgedKFold",
    "SeriesTimeSplit",
    "WindowOverlapWarning",
    "cross_validate_windows",
]
