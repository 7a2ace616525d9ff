# SPDX-License-Identifier: BSD-3-Clause
"""How far a difference between two models depends on the events that happened."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

_MIN_STRETCHES = 50
_CUTS_AT_ONCE = 256


def resampling_units(rows):
    """Number the events and the normal stretches, which are drawn as a whole.

    Rows that follow each other are alike, so they stay together. A long stretch is cut,
    so that there are about 50 of them at the least.

    Parameters
    ----------
    rows : Rows

    Returns
    -------
    units : ndarray of int of shape (n_rows,)
        Number of the event or stretch of each row.

    is_event : ndarray of bool of shape (n_units,)
    """
    y = rows.y[rows.order]
    longest = max(1, -(-int((~y).sum()) // _MIN_STRETCHES))
    first = np.zeros(len(y), dtype=bool)
    first[rows.starts] = True
    in_run = np.arange(len(y)) - rows.starts[np.cumsum(first) - 1]
    first |= ~y & (in_run % longest == 0)
    units = np.empty(len(y), dtype=int)
    units[rows.order] = np.cumsum(first) - 1
    return units, y[first]


def _average_precisions(y, score, units, weights):
    """Average precision of the rows under each weighting of their units.

    It changes only at the scores of event rows. For each of these, the rows that reach
    it are counted by unit, and all weightings are one matrix product.

    Parameters
    ----------
    y : ndarray of bool of shape (n_rows,)

    score : ndarray of shape (n_rows,)

    units : ndarray of int of shape (n_rows,)

    weights : ndarray of shape (n_weightings, n_units)

    Returns
    -------
    average_precision : ndarray of shape (n_weightings,)
    """
    cuts = np.unique(-score[y])  # from the highest score down
    first = np.searchsorted(cuts, -score)  # cut from which on a row is counted
    order = np.argsort(first, kind="stable")
    total, hits, flagged = np.zeros((3, len(weights), 1))
    for low in range(0, len(cuts), _CUTS_AT_ONCE):
        high = min(low + _CUTS_AT_ONCE, len(cuts))
        rows = order[slice(*np.searchsorted(first[order], [low, high]))]
        shape = weights.shape[1], high - low
        cells = np.ravel_multi_index((units[rows], first[rows] - low), shape)
        new, new_hits = (
            weights
            @ np.bincount(cells, counts, minlength=np.prod(shape)).reshape(shape)
            for counts in (None, y[rows])
        )
        flagged = flagged[:, -1:] + np.cumsum(new, axis=1)
        hits = hits[:, -1:] + np.cumsum(new_hits, axis=1)
        total += np.sum(new_hits * hits / np.maximum(flagged, 1), axis=1, keepdims=True)
    return (total / hits[:, -1:])[:, 0]


@dataclass(frozen=True)
class Difference:
    """Difference in average precision, and its interval over resamples."""

    value: float
    low: float
    high: float
    n_resamples: int
    n_events: int
    n_stretches: int

    @property
    def is_clear(self):
        return self.low > 0 or self.high < 0


def average_precision_difference(
    rows, score, other, *, n_resamples, random_state, confidence=0.95
):
    """Average precision of scores minus that of others, with a percentile interval.

    Parameters
    ----------
    rows : Rows
        With events and normal rows.

    score, other : ndarray of shape (n_rows,)
        Scores of the two models, higher for events. Both are measured on the same
        resamples, each of as many events and as many stretches as there are.

    n_resamples : int

    random_state : int, RandomState instance or None

    confidence : float, default=0.95

    Returns
    -------
    difference : Difference
    """
    rng = check_random_state(random_state)
    units, is_event = resampling_units(rows)
    weights = np.ones((n_resamples + 1, len(is_event)))  # the first: the rows as given
    kinds = [np.flatnonzero(is_event), np.flatnonzero(~is_event)]
    for kind in kinds:
        shares = np.full(len(kind), 1 / len(kind))
        weights[1:, kind] = rng.multinomial(len(kind), shares, size=n_resamples)
    precision, baseline = (
        _average_precisions(rows.y, values, units, weights) for values in (score, other)
    )
    value, *differences = precision - baseline
    tail = (1 - confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail])
    return Difference(
        float(value),
        float(low),
        float(high),
        n_resamples,
        *(len(kind) for kind in kinds),
    )
