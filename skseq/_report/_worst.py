# SPDX-License-Identifier: BSD-3-Clause
"""The worst windows, and what their errors are made of."""

from typing import NamedTuple

import numpy as np

from .._detectors import names_of_features, reach
from ..plotting._style import as_sequences


class WorstWindow(NamedTuple):
    """Row at which a window ends, and the part of each of its cells in its score."""

    row: int
    shares: np.ndarray | None  # (n_timesteps, n_features), 1 in sum
    feature_names: list[str]


def reconstructor(estimator, X):
    """The part of an estimator that reconstructs, and what it is given; or None."""
    try:
        detector, X = reach(estimator, X, "reconstruction_error")
    except TypeError:
        return None, None
    return detector, X if hasattr(X, "shape") else np.asarray(X)


def worst_windows(detector, X, rows, score, n_windows=10):
    """Windows of the highest scores, no two of which share a row.

    Parameters
    ----------
    detector : estimator or None
        That reconstructs. Of None there are no shares.

    X : array-like of shape (n_rows, n_timesteps, n_features) or \
            (n_rows, n_timesteps) or None
        Its input.

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
    chosen = _highest(score, rows, X.shape[1], n_windows)
    shares = _shares(detector, X[np.array(chosen)])
    names = names_of_features(detector, X, shares.shape[2])
    return [
        WorstWindow(row, window, names)
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


def _shares(detector, X):
    """Share of each cell in the error of its sequence."""
    error = as_sequences(detector.reconstruction_error(X, per="cell"))
    if hasattr(detector, "explain"):
        error = detector.explain(X, per="cell").to_numpy().reshape(error.shape)
    error = np.nan_to_num(error)
    total = error.sum(axis=(1, 2), keepdims=True)
    return error / np.where(total > 0, total, 1)
