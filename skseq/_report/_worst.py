# SPDX-License-Identifier: BSD-3-Clause
"""The worst windows, and what their errors are made of."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from .._detectors import names_of_features, reach


class WorstWindow(NamedTuple):
    """Row at which a window ends, and the part of each of its cells in its score."""

    row: int
    shares: np.ndarray | None  # (n_timesteps, n_features), 1 in sum
    feature_names: list[str]


class Detector(NamedTuple):
    """The part of an estimator that tells of its windows, and what it is given."""

    fitted: object
    X: object  # windows of all rows
    reconstructor: object = None  # the part that reconstructs, if there is one
    seen: object = None  # the windows that it is given

    def judged(self, flags):
        seen = None if self.seen is None else self.seen[flags]
        return self._replace(X=self.X[flags], seen=seen)

    def explain(self, X, per="feature"):
        """Share of each feature or cell in the score of windows, as a frame."""
        if not hasattr(self.fitted, "explain"):
            error = self.fitted.reconstruction_error(X, per=per)
            names = names_of_features(self.fitted, X, X.shape[2])
            columns = names if per == "feature" else None
            return pd.DataFrame(np.reshape(error, (len(X), -1)), columns=columns)
        shares = self.fitted.explain(X, per=per)
        # Where a member decided that tells of no feature, another one that does.
        silent = shares.isna().all(axis=1).to_numpy()
        members = getattr(self.fitted, "estimators_", ())
        telling = next((m for m in members if hasattr(m, "explain")), None)
        if silent.any() and telling is not None:
            shares = shares.copy()
            shares[silent] = telling.explain(X[silent], per=per).to_numpy()
        return shares

    def cells(self, X):
        """Share of each cell in the score of its window, 1 in sum; NaN as 0."""
        shares = self.explain(X, per="cell").to_numpy()
        shares = np.nan_to_num(shares.reshape(len(X), self.X.shape[1], -1))
        total = shares.sum(axis=(1, 2), keepdims=True)
        return shares / np.where(total > 0, total, 1)


def telling(estimator, X):
    """The parts of an estimator that explain, and reconstruct; None without any."""
    explaining = _part(estimator, X, "explain")
    reconstructing = _part(estimator, X, "reconstruction_error")
    first = explaining or reconstructing
    return first and Detector(*first, *(reconstructing or ()))


def _part(estimator, X, attribute):
    """The part with an attribute and its windows; None without one."""
    try:
        fitted, windows = reach(estimator, X, attribute)
    except TypeError:
        return None
    return fitted, windows if hasattr(windows, "shape") else np.asarray(windows)


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
