# SPDX-License-Identifier: BSD-3-Clause
"""The last part of each series, held out."""

import numpy as np

from .._validation import is_windows
from ..rows._row_numbers import all_rows, index_dtype


def _last_of_each(ends, series_starts, fraction):
    """Flag the windows that end in the last ``fraction`` of those of their series."""
    order = slice(None)
    if (ends[1:] < ends[:-1]).any():
        order = np.argsort(ends, kind="stable")
        ends = ends[order]
    stops = np.append(np.searchsorted(ends, series_starts[1:]), len(ends))
    counts = np.diff(stops, prepend=0)
    held = np.floor(fraction * counts + 0.5).astype(int)
    if not held.any():
        held = (counts > 1).astype(int)
    # Where the flags of a series begin, and where they end: in a byte for each window.
    change = np.zeros(len(ends) + 1, dtype=np.int8)
    np.add.at(change, stops - held, 1)
    np.add.at(change, stops, -1)
    flags = np.empty(len(ends), dtype=bool)
    flags[order] = np.cumsum(change[:-1], dtype=np.int8)
    return flags


def split_last_part(X, fraction):
    """Split sequences in time order: what trains, and the last part of each series.

    Windows that share a row with a held-out window are in neither part, so that nothing
    is judged on what it was trained on. An array is taken as one series of sequences
    that share no rows.

    Parameters
    ----------
    X : Windows or ndarray of shape (n_samples, n_timesteps, n_features)

    fraction : float
        Share of each series to hold out, in (0, 1).

    Returns
    -------
    training, held_out : ndarray of int
        Positions in ``X``, increasing.

    Raises
    ------
    ValueError
        If nothing would be left in one of the parts.
    """
    n_samples = len(X)
    if is_windows(X):
        flags = _last_of_each(X.ends, X.series_starts, fraction)
        training = ~X.shares_rows(X[flags])
    else:
        flags = _last_of_each(all_rows(n_samples), np.zeros(1, int), fraction)
        training = ~flags
    if not flags.any() or not training.any():
        raise ValueError(
            f"'validation_fraction' of {fraction} cannot be held out of {n_samples} "
            "sample(s): no sequence would be left in one of the parts, after those "
            "that share rows with both are set aside. Give more rows, or another "
            "fraction."
        )
    dtype = index_dtype(n_samples)
    return tuple(np.flatnonzero(part).astype(dtype) for part in (training, flags))
