# SPDX-License-Identifier: BSD-3-Clause
"""Losses of the cells of a block, with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

# Losses of a cell: the value and its derivative by y.


def _mse(y, target):
    error = y - target
    return error * error, 2 * error


def _mae(y, target):
    error = y - target
    return np.abs(error), np.sign(error)


def _huber(y, target):
    error = y - target
    clipped = np.clip(error, -1, 1)
    return clipped * (error - 0.5 * clipped), clipped


def _binary_crossentropy(y, target):
    p = np.clip(y, np.float32(1e-7), np.float32(1 - 1e-7))  # as Keras does
    value = -(target * np.log(p) + (1 - target) * np.log1p(-p))
    return value, np.where(p == y, (p - target) / (p * (1 - p)), np.float32(0))


LOSSES: dict[str, Callable] = {
    "mse": _mse,
    "mae": _mae,
    "huber": _huber,
    "binary_crossentropy": _binary_crossentropy,
}


def loss_and_gradient(
    loss: str, y: np.ndarray, target: np.ndarray, share: np.ndarray
) -> tuple[float, np.ndarray]:
    """Weighted loss over the observed cells (those where ``target`` is not NaN).

    The loss of a sample is the mean over its observed cells; ``share``, of shape
    (n_blocks, LANES), is the weight of each sample in the sum over samples.
    """
    observed = ~np.isnan(target)
    value, gradient = LOSSES[loss](y, target)
    if observed.all():
        counts = prod(y.shape[1:3])
    else:
        counts = np.maximum(observed.sum(axis=(1, 2)), 1)
        value, gradient = (np.where(observed, a, 0) for a in (value, gradient))
    share = share / counts
    gradient *= share.astype(np.float32)[:, None, None, :]
    per_sample = value.sum(axis=2).sum(axis=1, dtype=np.float64)
    return float(np.sum(per_sample * share, where=share != 0)), gradient
