# SPDX-License-Identifier: BSD-3-Clause
"""Losses of one cell, and their means over the cells that are observed."""

import numpy as np

_SMALL = np.float32(1e-7)  # what Keras keeps probabilities away from 0 and 1 by


def cell_losses(targets, outputs, loss):
    """Error of each cell in float64, NaN where it is not observed.

    Parameters
    ----------
    targets, outputs : ndarray of shape (n_samples, n_timesteps, n_features)

    loss : {"mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy"}
        Squared error, absolute error, Huber's with its corner at 1, or the
        cross-entropy of a probability; of several, such that their mean is Keras's sum
        over classes.

    Returns
    -------
    errors : ndarray of shape (n_samples, n_timesteps, n_features)
    """
    if loss.endswith("crossentropy"):
        p = np.clip(outputs, _SMALL, 1 - _SMALL).astype(np.float64)
        if loss == "categorical_crossentropy":
            return -targets * np.log(p) * outputs.shape[-1]
        return -(targets * np.log(p) + (1 - targets) * np.log1p(-p))
    difference = np.subtract(targets, outputs, dtype=np.float64)
    if loss == "mse":
        return np.square(difference, out=difference)
    distance = np.abs(difference, out=difference)
    if loss == "mae":
        return distance
    return np.where(distance <= 1, 0.5 * distance**2, distance - 0.5)


def observed_mean(errors, axis, empty=0.0):
    """Mean over the cells that are not NaN; ``empty`` where there is none."""
    # One way with and without NaN: no last bit hangs on the other sequences.
    missing = np.isnan(errors)
    count = np.sum(~missing, axis=axis)
    total = np.where(missing, 0, errors).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), empty)
