# SPDX-License-Identifier: BSD-3-Clause
"""Rows that stand in training windows and in test windows."""

import numpy as np


class WindowOverlapWarning(UserWarning):
    """Training windows hold rows of the test part, or join rows that do not follow."""

    __module__ = "skseq.model_selection"


def shared_rows(train, test):
    """Rows of the table that stand in windows of both of two parts.

    Parameters
    ----------
    train, test : Windows
        Slices of the same Windows.

    Returns
    -------
    rows : ndarray of int
        Increasing.
    """
    return np.intersect1d(train.rows(), test.rows(), assume_unique=True)


def short_holes(X):
    """Count the places where a few windows are missing between two of a series.

    A splitter that shuffles leaves many: the rows of a window it held out still stand
    in the windows beside it. One that keeps a gap of ``n_timesteps - 1`` rows leaves
    none, as its holes are at least as long as twice that gap and a row.

    Parameters
    ----------
    X : Windows
        Of which one ended at each row, before some were taken.

    Returns
    -------
    n_holes : int
    """
    order = np.lexsort((X.ends, X.series))
    ends, series = X.ends[order], X.series[order]
    missing = np.diff(ends) - 1
    short = (missing > 0) & (missing < 2 * X.shape[1] - 1)
    return int(np.count_nonzero(short & (np.diff(series) == 0)))
