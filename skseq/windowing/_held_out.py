# SPDX-License-Identifier: BSD-3-Clause
"""The last part of each series, held out."""

import numpy as np

from .._validation import is_windows


def _last_of_each(series, order, fraction):
    """Flag the last ``fraction`` of each series, in the given order."""
    codes = series[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    counts = np.diff(starts, append=len(codes))
    held = np.floor(fraction * counts + 0.5).astype(int)
    if not held.any():
        held = (counts > 1).astype(int)
    nth_last = np.repeat(starts + counts, counts) - np.arange(len(codes))
    flags = np.empty(len(codes), dtype=bool)
    flags[order] = nth_last <= np.repeat(held, counts)
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
        flags = _last_of_each(X.series, np.argsort(X.ends, kind="stable"), fraction)
        training = ~X.shares_rows(X[flags])
    else:
        flags = _last_of_each(np.zeros(n_samples, int), np.arange(n_samples), fraction)
        training = ~flags
    if not flags.any() or not training.any():
        raise ValueError(
            f"'validation_fraction' of {fraction} cannot be held out of {n_samples} "
            "sample(s): no sequence would be left in one of the parts, after those "
            "that share rows with both are set aside. Give more rows, or another "
            "fraction."
        )
    return np.flatnonzero(training), np.flatnonzero(flags)
