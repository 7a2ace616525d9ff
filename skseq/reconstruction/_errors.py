# SPDX-License-Identifier: BSD-3-Clause
"""What the error of a cell is: of itself, or against what errors are usual."""

from typing import NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf

from ..engines._losses import cell_losses
from ..engines._product import product

_MAX_CELLS = 2_000_000  # from which to tell what is usual
_SHRINKAGE = 0.1  # towards equal variances, on top of what Ledoit and Wolf find


class ErrorRule(NamedTuple):
    """Error of each cell as its share of a squared distance.

    ``(e - location) * (precision @ (e - location))`` for the differences ``e`` of one
    time step: these sum to the squared Mahalanobis distance of the step.
    """

    location: np.ndarray
    precision: np.ndarray

    def cells(self, targets, outputs):
        """Shares of shape (n_samples, n_timesteps, n_features), NaN where not observed.

        A missing cell differs by what is usual, so it adds nothing to the others.
        """
        deviation = np.subtract(targets, outputs, dtype=np.float64) - self.location
        missing = np.isnan(deviation)
        deviation[missing] = 0
        rows = deviation.reshape(-1, len(self.precision))
        shares = deviation * product(rows, self.precision).reshape(deviation.shape)
        shares[missing] = np.nan
        return shares


def fit_error_rule(error, differences):
    """Fit a rule to the differences of steps that were not trained on.

    Parameters
    ----------
    error : {"standardized", "mahalanobis"}

    differences : ndarray of shape (n_steps, n_features)
        With NaN where a cell was not observed.

    Returns
    -------
    rule : ErrorRule
    """
    observed = ~np.isnan(differences)
    count = np.maximum(observed.sum(axis=0), 1)
    location = np.where(observed, differences, 0).sum(axis=0) / count
    centred = np.where(observed, differences - location, 0)
    variance = np.square(centred).sum(axis=0) / count
    # A feature that is always met exactly would divide by zero.
    floor = np.finfo(np.float32).eps ** 2 + 1e-6 * variance.mean()
    if error == "standardized":
        scale = np.maximum(variance + np.square(location), floor)
        return ErrorRule(np.zeros_like(location), np.diag(1 / scale))
    covariance = np.diag(variance)
    if len(centred) > 1:
        covariance, _ = ledoit_wolf(centred, assume_centered=True)
    # The steps of windows that overlap are far from independent, which Ledoit and Wolf
    # assume: they shrink too little.
    covariance *= 1 - _SHRINKAGE
    covariance[np.diag_indices_from(covariance)] += _SHRINKAGE * variance.mean() + floor
    return ErrorRule(location, np.linalg.inv(covariance))


def subsample(X):
    """Sequences at even distances, such that their cells take a bounded memory."""
    n_cells = len(X) * X.shape[1] * X.shape[2]
    return X[:: -(-n_cells // _MAX_CELLS)]


def residuals(reconstructions):
    """Steps of (rows, targets, outputs), as rows of one array, without the padding."""
    parts = [np.empty((0, 0))]
    for _, targets, outputs in reconstructions:
        difference = np.subtract(targets, outputs, dtype=np.float64)
        seen = ~np.isnan(difference).all(axis=2)
        parts.append(difference[seen])
    return np.concatenate(parts[1:])


def cell_errors(rule, targets, outputs):
    """Error of each cell by a rule, or by the name of a loss."""
    if isinstance(rule, str):
        return cell_losses(targets, outputs, rule)
    return rule.cells(targets, outputs)
