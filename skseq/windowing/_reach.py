# SPDX-License-Identifier: BSD-3-Clause
"""The rows of a table by series, and the windows that end at them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reach:
    """How far back the window of a row goes."""

    n_timesteps: int
    duration: float | None = None
    gap: float | None = None

    @property
    def joins_any(self) -> bool:
        """Whether a window holds rows however far apart these are."""
        return self.gap is None and self.duration is None and self.n_timesteps > 1

    def starts(self, rows, ends):
        """First row of the windows that end at some rows, given in increasing order."""
        segment_starts = rows.segment_starts(self.gap).astype(ends.dtype)
        segments = np.searchsorted(segment_starts, ends, side="right") - 1
        first = ends - ends.dtype.type(min(self.n_timesteps - 1, rows.n_rows))
        np.maximum(first, segment_starts[segments], out=first)
        if self.duration is None:
            return first
        return _first_within(rows.time, first, ends, self.duration)


def _first_within(time, low, ends, duration):
    """First row, of those from ``low`` on, less than ``duration`` before the last."""
    high, last_time = ends, time[ends]
    while (low < high).any():
        middle = low + (high - low) // 2
        recent = last_time - time[middle] < duration
        low = np.where(recent, low, middle + 1)
        high = np.where(recent, middle, high)
    return low
