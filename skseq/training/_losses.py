# SPDX-License-Identifier: BSD-3-Clause
"""Losses of one cell, and their means over the cells that are observed."""

import numpy as np


def cell_errors(targets, outputs, loss):
    """Error of each cell in float64, NaN where it is not observed.

    Parameters
    ----------
    targets, outputs : ndarray of shape (n_samples, n_timesteps, n_features)

    loss : {"mse", "mae", "huber"}
        Squared error, absolute error, or Huber's with its corner at 1.

    Returns
    -------
    errors : ndarray of shape (n_samples, n_timesteps, n_features)
    """
    difference = np.subtract(targets, outputs, dtype=np.float64)
    if loss == "mse":
        return np.square(difference, out=difference)
    distance = np.abs(difference, out=difference)
    if loss == "mae":
        return distance
    return np.where(distance <= 1, 0.5 * distance**2, distance - 0.5)


def observed_mean(errors, axis, empty=0.0):
    """Mean over the cells that are not NaN; ``empty`` where there is none."""
    missing = np.isnan(errors)
    if not missing.any():
        return errors.mean(axis=axis)
    observed = ~missing
    count = observed.sum(axis=axis)
    total = np.sum(errors, axis=axis, where=observed)
    return np.where(count > 0, total / np.maximum(count, 1), empty)
