# SPDX-License-Identifier: BSD-3-Clause
"""How much time each row stands for."""

import numpy as np

from ._time import number_duration, ordered_time


def watched_time(time, max_gap, rows):
    """Time that each row stands for: until the next row of its series.

    The last row of a series stands for the median of these steps. Without ``time``
    each row counts as 1.

    Returns
    -------
    weights : ndarray of float of shape (n_rows,)

    time : ndarray of shape (n_rows,) or None
        In the order of ``rows``; nanoseconds where datetimes are given.

    as_duration : callable
        Reads a duration in the unit of the time.
    """
    if time is None:
        if max_gap is not None:
            raise ValueError(
                f"The 'max_gap' parameter is {max_gap!r}, but 'time' is None. Give the "
                "time of each row in 'time'."
            )
        return np.ones(rows.n_rows), None, number_duration
    time, as_duration = ordered_time(time, rows)
    max_gap = np.inf if max_gap is None else as_duration(max_gap, "max_gap")
    weights = row_durations(time, rows, max_gap)
    if weights.sum() > 0:
        return weights, time, as_duration
    raise ValueError(
        "'time' does not last: no series has two rows of different times. Count per "
        "rows, without 'time'."
    )


def row_durations(places, rows, max_gap=np.inf):
    """Steps to the next row, none of them longer than ``max_gap``."""
    weights = np.minimum(np.append(np.diff(places).astype(np.float64), 0.0), max_gap)
    last = np.append(rows.series_starts[1:], rows.n_rows) - 1
    steps = np.delete(weights, last)
    weights[last] = np.median(steps) if len(steps) else 0.0
    return weights
