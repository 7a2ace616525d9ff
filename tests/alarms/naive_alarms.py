# SPDX-License-Identifier: BSD-3-Clause
"""Slow and obvious oracle of the alarms of one series: it looks at all rows at once."""

import math


def alarms(score, on, off, min_rows, within, hold, max_gap, time=None):
    """First and last row of each alarm.

    ``within``, ``hold`` and ``max_gap`` are numbers of judged rows, or with ``time``
    durations in its unit; ``None`` for none.
    """
    judged = [row for row, value in enumerate(score) if not math.isnan(value)]
    places = judged if time is None else [time[row] for row in judged]
    if time is None:
        places = list(range(len(judged)))
    values = [score[row] for row in judged]
    found, free = [], 0
    while True:
        first = next(
            (
                k
                for k in range(free, len(values))
                if _starts(values, places, k, free, on, min_rows, within)
                and (
                    not found or hold is None or places[k] - places[found[-1][1]] > hold
                )
            ),
            None,
        )
        if first is None:
            return [(judged[a], judged[b]) for a, b in found]
        last = first
        while True:
            high = next(
                (k for k in range(last + 1, len(values)) if values[k] > off), None
            )
            if high is None or not _bridged(places, last, high, max_gap, time):
                break
            last = high
        found.append((first, last))
        # The row that ends an alarm may start one, those in the gap may not.
        free = _end(values, places, last, off, max_gap, time)


def _starts(values, places, k, free, on, min_rows, within):
    if values[k] <= on:
        return False
    near = [
        j
        for j in range(free, k + 1)
        if values[j] > on and places[k] - places[j] < within
    ]
    return len(near) >= min_rows


def _bridged(places, last, high, max_gap, time):
    if high == last + 1:
        return True
    if max_gap is None:
        return False
    if time is None:
        return high - last - 1 <= max_gap
    return places[high] - places[last] <= max_gap


def _end(values, places, last, off, max_gap, time):
    """The first row at which it is known that the alarm is over."""
    for k in range(last + 1, len(values)):
        if values[k] > off:
            return k
        if max_gap is None or (
            k - last > max_gap if time is None else places[k] - places[last] > max_gap
        ):
            return k
    return len(values)
