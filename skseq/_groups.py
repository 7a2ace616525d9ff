# SPDX-License-Identifier: BSD-3-Clause
"""The series of each row, from the ``groups`` of splitters and metrics."""

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, column_or_1d

from ._validation import naming


def series_order(groups, n_rows):
    """Rows with those of each series together, each series in the order of its rows.

    Parameters
    ----------
    groups : array-like of shape (n_rows,) or None
        Series of each row. None for a single series.

    n_rows : int

    Returns
    -------
    order : ndarray of int of shape (n_rows,)

    starts : ndarray of int of shape (n_series,)
        Positions in ``order`` at which each series starts.

    Raises
    ------
    ValueError
        If ``groups`` is not 1-D and of that length, or misses a value.
    """
    if groups is None:
        return np.arange(n_rows), np.zeros(1, dtype=int)
    with naming("groups"):
        groups = column_or_1d(groups)
        check_consistent_length(groups, np.empty(n_rows))
        codes, _ = pd.factorize(groups)
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        raise ValueError(
            f"'groups' has a missing value in row {missing[0]}. Give each row the name "
            "of its series."
        )
    order = np.argsort(codes, kind="stable")
    return order, np.flatnonzero(np.diff(codes[order], prepend=-1))
