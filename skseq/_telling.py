# SPDX-License-Identifier: BSD-3-Clause
"""What the score of a window is made of, by the part of an estimator that tells."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from ._detectors import names_of_features, reach


class Detector(NamedTuple):
    """The part of an estimator that tells of its windows, and what it is given."""

    fitted: object
    X: object  # windows of all rows
    reconstructor: object = None  # the part that reconstructs, if there is one
    seen: object = None  # the windows that it is given
    known: pd.DataFrame | None = None  # what was explained of all rows before

    def judged(self, flags):
        seen, known = (
            None if part is None else part[flags] for part in (self.seen, self.known)
        )
        return self._replace(X=self.X[flags], seen=seen, known=known)

    def explained(self, rows):
        """Share of each feature in the scores of some rows, as a frame."""
        if self.known is not None:
            return self.known.iloc[rows]
        return self.explain(self.X[rows])

    def explain(self, X, per="feature", standardized=None):
        """Share of each feature or cell in the score of windows, as a frame.

        ``standardized`` is what each member says of them, of a committee that was asked
        before.
        """
        if not hasattr(self.fitted, "explain"):
            error = self.fitted.reconstruction_error(X, per=per)
            names = names_of_features(self.fitted, X, X.shape[2])
            columns = names if per == "feature" else None
            return pd.DataFrame(np.reshape(error, (len(X), -1)), columns=columns)
        if standardized is None:
            shares = self.fitted.explain(X, per=per)
        else:
            shares = self.fitted._explain(X, per, standardized)
        # Where those with a part tell of no feature, another member that does.
        silent = np.flatnonzero(shares.isna().all(axis=1))
        member = _explaining_member(self.fitted)
        if len(silent) and member is not None:
            shape = X.shape[1:] if per == "cell" else X.shape[2:]
            shares = shares.copy()
            told = member.shares(X[silent], shape, per)
            shares.iloc[silent] = told.reshape(len(silent), -1)
        return shares

    def cells(self, X):
        """Share of each cell in the score of its window, 1 in sum; NaN as 0."""
        shares = self.explain(X, per="cell").to_numpy()
        shares = np.nan_to_num(shares.reshape(len(X), self.X.shape[1], -1))
        total = shares.sum(axis=(1, 2), keepdims=True)
        return shares / np.where(total > 0, total, 1)


def _explaining_member(estimator):
    """The member of a committee, in wrappers too, that tells of features, or None."""
    while estimator is not None:
        members = getattr(estimator, "_members", None)
        if members is not None:
            return members.heaviest("explain")
        estimator = getattr(estimator, "detector_", None)
    return None


def telling(estimator, X=None):
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
    if windows is None or hasattr(windows, "shape"):
        return fitted, windows
    return fitted, np.asarray(windows)


def top_features(shares, n=3):
    """Names of the features that add most to each score, "" where fewer add to it.

    Parameters
    ----------
    shares : DataFrame of shape (n_samples, n_features)

    n : int, default=3

    Returns
    -------
    names : ndarray of object of shape (n_samples, n)
    """
    names, parts = shares.columns.to_numpy(dtype=object), shares.to_numpy(dtype=float)
    # What is negative speaks against the score; what is NaN is not told.
    parts = np.where(parts > 0, parts, 0.0)
    top = np.argsort(-parts, axis=1, kind="stable")[:, :n]
    adds = np.take_along_axis(parts, top, axis=1) > 0
    found = np.full((len(parts), n), "", dtype=object)
    found[:, : top.shape[1]] = np.where(adds, names[top], "")
    return found
