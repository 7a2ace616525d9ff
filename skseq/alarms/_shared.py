# SPDX-License-Identifier: BSD-3-Clause
"""What the tables of alarms, events and series have in common."""

import numpy as np
import pandas as pd

from ._alarm_rule import AlarmRule

SCORED = {
    "score": ["array-like"],
    "rule": [AlarmRule, None],
    "time": ["array-like", None],
    "groups": ["array-like", None],
}


def rule_or_default(rule):
    return AlarmRule() if rule is None else rule


def met(runs, others):
    """Of each run, the first of the others that it meets, and how many it meets."""
    first = np.searchsorted(others.stops, runs.starts, side="right")
    stop = np.searchsorted(others.starts, runs.stops)
    count = np.maximum(stop - first, 0)
    return pd.Series(first, dtype="Int64").mask(count == 0), count
