# SPDX-License-Identifier: BSD-3-Clause
"""What every threshold would give, counted on all rows."""

import numpy as np

from ..rows._events import OrderedRows
from ..rows._false_rows import auto_tolerance

_MAX_THRESHOLDS = 1000


class _Above:
    """Counts how many of some values exceed each of some thresholds."""

    def __init__(self, values):
        self.values = np.sort(values)

    def __call__(self, thresholds):
        return len(self.values) - np.searchsorted(self.values, thresholds, "right")


def candidate_thresholds(score, threshold=None):
    """Thresholds to choose from: increasing, close together where few rows exceed them.

    Those between which the number of rows above grows by a factor, so that rare alarms
    are set finely; every score where there are few; and the threshold in use.
    """
    ranks = np.geomspace(1, len(score), _MAX_THRESHOLDS).round().astype(int) - 1
    chosen = np.sort(score)[::-1][np.unique(ranks)]
    lowest = np.nextafter(chosen[-1], -np.inf)  # flags every row
    return np.unique([*chosen, lowest, *([] if threshold is None else [threshold])])


def operating_points(rows, score, thresholds):
    """Counts of rows, events and alarms above each threshold.

    Alarms, runs of rows above a threshold, are counted without looking for them: a row
    above starts one unless the row before is above too, that is unless the lower of the
    two is. False alarms are those of :func:`~skseq.metrics.false_alarm_rate`: in a
    stretch of normal rows between two events, the runs that meet neither, and of those
    that do what reaches beyond the tolerance.

    Parameters
    ----------
    rows : Rows

    score : ndarray of shape (n_rows,)

    thresholds : ndarray of shape (n_thresholds,)

    Returns
    -------
    counts : dict of str to ndarray of int of shape (n_thresholds,)
        ``tp`` and ``fp`` (rows), ``found`` (events), ``alarms``, ``false_alarms``.
    """
    score, y = score[rows.order], rows.y[rows.order]
    is_event = y[rows.starts]
    lower = np.minimum(score[1:], score[:-1])[rows.follows[1:]]
    meets_normal = ~(y[1:] & y[:-1])[rows.follows[1:]]
    normal = _Above(score[~y])(thresholds)
    counts = {
        "tp": _Above(score[y])(thresholds),
        "fp": normal,
        "found": _Above(np.maximum.reduceat(score, rows.starts)[is_event])(thresholds),
        "alarms": _Above(score)(thresholds) - _Above(lower)(thresholds),
    }
    counts["false_alarms"] = normal - _Above(lower[meets_normal])(thresholds)
    # A run that fills a stretch between two events was subtracted twice.
    for lowest in _false_beside_events(rows, score, y, is_event):
        counts["false_alarms"] += _Above(lowest)(thresholds)
    return counts


def _false_beside_events(rows, score, y, is_event):
    """Lowest scores of what has to be in alarm for one more false alarm.

    From an event to the first row that is farther from it than the tolerance, on
    either side of each stretch that has such a row; and each stretch between two events
    that has none, with the rows beside it.
    """
    ordered = OrderedRows(rows.order, rows.series_starts)
    tolerance = auto_tolerance(y, ordered)
    normal = np.flatnonzero(~is_event)
    starts = rows.starts[normal]
    stops = np.append(rows.starts, len(y))[normal + 1]
    # Labels alternate within a series, so a neighbour that follows is an event.
    joined = np.append(rows.follows[rows.starts], False)
    after, before = joined[normal], joined[normal + 1]
    far = stops - starts > tolerance * (after.astype(int) + before)
    left, right, bridged = after & far, before & far, after & before & ~far
    return (
        _minima(score, starts[left] - 1, starts[left] + tolerance),
        _minima(score, stops[right] - 1 - tolerance, stops[right]),
        _minima(score, starts[bridged] - 1, stops[bridged]),
    )


def _minima(score, first, last):
    """Lowest score of each of some ranges of rows."""
    if not len(first):
        return np.empty(0)
    bounds = np.column_stack([first, last + 1]).ravel()
    return np.minimum.reduceat(np.append(score, np.inf), bounds)[::2]
