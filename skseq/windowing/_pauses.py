# SPDX-License-Identifier: BSD-3-Clause
"""A word on a gap in time that cuts all windows, or that none is cut at."""

import numpy as np
import pandas as pd

from .._warnings import warn
from ..rows._series import names_index
from ..rows._time import NUMBERS, typical_step

# Usual steps from which on rows belong to another time than those remembered.
_LONG = 100


def _words(value, kind):
    return f"{value:g}" if kind == NUMBERS else str(pd.Timedelta(int(value), "ns"))


def warn_of_gap(rows, plan):
    """Warn, in fit, where 'max_gap' is shorter than what lies between most rows."""
    gap, kind = plan.reach.gap, plan.time.kind
    step = typical_step(rows.time, rows.starts)
    if gap is None or step is None or step <= gap:
        return
    warn(
        f"'max_gap' is {_words(gap, kind)}, but the time between two rows is "
        f"{_words(step, kind)} (median): most windows hold one row. Set 'max_gap' to a "
        "few times that."
    )


def warn_of_pause(remembered, rows, kind):
    """Warn, in transform, where rows go on from a series that ended long before."""
    step = typical_step(rows.time, rows.starts)
    if step is None:
        return
    known = np.zeros(len(rows.starts), dtype=int)
    if rows.names:
        known = names_index(remembered.names).get_indexer(names_index(rows.names))
    ends = remembered.time[remembered.starts + remembered.lengths - 1]
    pauses = (rows.time[rows.starts] - ends[known])[known >= 0]
    if len(pauses) and pauses.max() > _LONG * step:
        warn(
            f"A series goes on {_words(pauses.max(), kind)} after its last row in the "
            f"training, at a usual step of {_words(step, kind)}, and 'max_gap' of "
            "SlidingWindow is None: its first windows join rows that are far apart. "
            "Set 'max_gap' to the longest time between two rows of a window."
        )
