# SPDX-License-Identifier: BSD-3-Clause
"""Each part of the sequences left out in turn, and which of them are whole."""

import numpy as np

from .._validation import is_windows
from ._labelled import time_order


def folds_in_time(X, n_folds):
    """Split sequences into neighbours that are left out in turn, and the others.

    Windows that share rows with those left out are in neither part. Where this leaves
    less than half as many as at the best place, nothing is left out.

    Parameters
    ----------
    X : Windows or ndarray of shape (n_samples, n_timesteps, n_features)
        An array is taken as one series of sequences that share no rows.

    n_folds : int
        At the most.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Numbers of the others, and of those left out; increasing.
    """
    order = np.arange(len(X))
    order = order[time_order(X.ends)] if is_windows(X) else order
    folds = []
    for left_out in np.array_split(order, min(n_folds, len(order))):
        others = np.ones(len(order), dtype=bool)
        others[left_out] = False
        if is_windows(X):
            others &= ~X.shares_rows(X[left_out])
        folds.append((np.flatnonzero(others), np.sort(left_out)))
    enough = max(len(others) for others, _ in folds) / 2
    return [fold for fold in folds if len(fold[0]) >= max(enough, 1)]


def without_padding(X):
    """Flags of the sequences of which the first and the last step were observed."""
    if not is_windows(X):
        return ~np.isnan(X[:, [0, -1]]).all(axis=2).any(axis=1)
    observed = ~np.isnan(X.table).all(axis=1)
    is_full = X.ends - X.starts == X.shape[1] - 1
    return is_full & observed[X.starts] & observed[X.ends]
