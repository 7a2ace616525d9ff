# SPDX-License-Identifier: BSD-3-Clause
"""What every threshold would give, counted on all rows."""

import numpy as np

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
    two is. A false alarm is a run of normal rows, of those in a stretch between two
    events, that does not go on in an event.

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
    # A run that fills a stretch and goes on at both ends was subtracted twice.
    bridges = _Above(_bridges(rows, score, is_event))(thresholds)
    counts["false_alarms"] = normal - _Above(lower[meets_normal])(thresholds) + bridges
    return counts


def _bridges(rows, score, is_event):
    """Lowest score of each stretch between two events, the rows beside it included."""
    starts = rows.starts
    lowest = np.minimum.reduceat(score, starts)
    # Labels alternate within a series, so a neighbour that follows is an event.
    joined = rows.follows[starts]
    between = ~is_event[1:-1] & joined[1:-1] & joined[2:]
    edges = np.minimum(score[starts[1:-1] - 1], score[starts[2:]])
    return np.minimum(lowest[1:-1], edges)[between]
