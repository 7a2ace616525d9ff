# SPDX-License-Identifier: BSD-3-Clause
"""The worst windows, and what their errors are made of."""

from typing import NamedTuple

import numpy as np

from .._detectors import names_of_features


class WorstWindow(NamedTuple):
    """Row at which a window ends, and the part of each of its cells in its score."""

    row: int
    shares: np.ndarray | None  # (n_timesteps, n_features), 1 in sum
    feature_names: list[str]


def worst_windows(detector, rows, score, n_windows=10):
    """Windows of the highest scores, no two of which share a row.

    Parameters
    ----------
    detector : Detector or None
        Of None there are no shares.

    rows : Rows

    score : ndarray of shape (n_rows,)

    n_windows : int, default=10

    Returns
    -------
    windows : list of WorstWindow
        The worst one first.
    """
    if detector is None:
        chosen = _highest(score, rows, 1, n_windows)
        return [WorstWindow(row, None, []) for row in chosen]
    X = detector.X
    chosen = _highest(score, rows, X.shape[1], n_windows)
    shares = detector.cells(X[np.array(chosen)])
    names = names_of_features(detector.fitted, X, shares.shape[2])
    # A member without attribution, as a forest, tells of no cell.
    return [
        WorstWindow(row, window if window.any() else None, names)
        for row, window in zip(chosen, shares, strict=True)
    ]


def _highest(score, rows, apart, n_windows):
    """Rows of the highest scores, those of a series at least so many rows apart."""
    score, series = score[rows.order].astype(float), np.cumsum(~rows.follows)
    position, chosen = np.arange(len(score)), []
    for _ in range(n_windows):
        highest = int(np.argmax(score))
        if score[highest] == -np.inf:
            break
        chosen.append(int(rows.order[highest]))
        near = np.abs(position - highest) < apart
        score[near & (series == series[highest])] = -np.inf
    return chosen
