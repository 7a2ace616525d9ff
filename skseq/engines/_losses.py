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
    return LOSSES[loss](targets, outputs)


def _difference(targets, outputs):
    return np.subtract(targets, outputs, dtype=np.float64)


def _squared(targets, outputs):
    difference = _difference(targets, outputs)
    return np.square(difference, out=difference)


def _absolute(targets, outputs):
    difference = _difference(targets, outputs)
    return np.abs(difference, out=difference)


def _huber(targets, outputs):
    distance = _absolute(targets, outputs)
    return np.where(distance <= 1, 0.5 * distance**2, distance - 0.5)


def _probability(outputs):
    return np.clip(outputs, _SMALL, 1 - _SMALL).astype(np.float64)


def _binary_crossentropy(targets, outputs):
    p = _probability(outputs)
    return -(targets * np.log(p) + (1 - targets) * np.log1p(-p))


def _categorical_crossentropy(targets, outputs):
    return -targets * np.log(_probability(outputs)) * outputs.shape[-1]


LOSSES = {
    "mse": _squared,
    "mae": _absolute,
    "huber": _huber,
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _categorical_crossentropy,
}


def observed_mean(errors, axis, empty=0.0):
    """Mean over the cells that are not NaN; ``empty`` where there is none."""
    # One way with and without NaN: no last bit hangs on the other sequences.
    missing = np.isnan(errors)
    count = np.sum(~missing, axis=axis)
    total = np.where(missing, 0, errors).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), empty)
