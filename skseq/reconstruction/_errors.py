# SPDX-License-Identifier: BSD-3-Clause
"""What the error of a cell is: of itself, or against what errors are usual."""

from typing import NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf, ledoit_wolf_shrinkage

from ..engines._losses import LOSSES, cell_losses
from ..engines._product import product

# From which to tell what is usual: of 8,192 windows the scale of an error is known to a
# few hundredths, and the cells of very wide ones are to take a bounded memory.
_MAX_SEQUENCES, _MAX_CELLS = 8192, 2_000_000
# Towards equal variances, on top of what Ledoit and Wolf find: the steps of windows
# that overlap are far from independent, which they assume, and so shrink too little.
_SHRINKAGE = 0.1
# The least standard deviation of an error, in units of the spread of its feature: a
# feature that is always met exactly is not to rule the distance alone.
_LEAST_DEVIATION = 1e-3
# What a reconstruction may be off by in float32, in units of the largest value of its
# feature: several times what full-rank components of 10 to 600 cells are off by.
_ROUNDING = 4 * float(np.finfo(np.float32).eps)


class ErrorRule(NamedTuple):
    """Error of each cell as its share of a squared distance.

    ``(e - location) * (P @ (e - location))`` for the differences ``e`` of one time
    step: these sum to the squared Mahalanobis distance of the step. The matrix P is
    ``precision``; or, where this is of shape (n_features,), it stands on the diagonal,
    less ``factors.T @ factors`` if there are ``factors``, of shape (n_factors,
    n_features).
    """

    location: np.ndarray
    precision: np.ndarray
    factors: np.ndarray | None = None

    def cells(self, targets, outputs):
        """Shares of shape (n_samples, n_timesteps, n_features), NaN where not observed.

        A missing cell differs by what is usual, so it adds nothing to the others.
        """
        deviation = np.subtract(targets, outputs, dtype=np.float64) - self.location
        missing = np.isnan(deviation)
        deviation[missing] = 0
        rows = deviation.reshape(-1, len(self.precision))
        shares = deviation * self._times_precision(rows).reshape(deviation.shape)
        shares[missing] = np.nan
        return shares

    def _times_precision(self, rows):
        if self.precision.ndim == 2:
            return product(rows, self.precision)
        out = rows * self.precision
        if self.factors is not None:
            out -= product(product(rows, self.factors.T), self.factors)
        return out

    def largest_distance(self, sizes):
        """What the distance of differences of these sizes may be, whatever their signs.

        An upper bound, where there are factors.
        """
        precision, factors = np.abs(self.precision), self.factors
        if precision.ndim == 2:
            return float(sizes @ precision @ sizes)
        of_factors = 0 if factors is None else np.abs(factors) @ sizes
        return float(np.sum(precision * sizes**2) + np.sum(np.square(of_factors)))

    def in_units(self, spread):
        """The same of differences that were divided by the spread of their feature."""
        of_two = np.outer(spread, spread) if self.precision.ndim == 2 else spread**2
        factors = None if self.factors is None else self.factors / spread
        return ErrorRule(self.location * spread, self.precision / of_two, factors)


def _standardized(location, centred):
    variance = _variance(centred) + np.square(location)
    return ErrorRule(np.zeros_like(location), 1 / variance)


def _mahalanobis(location, centred):
    """Shrunk towards equal variances, in units of the spread of each feature.

    So no unit counts, and a feature that is met to a hair does not rule the distance.
    """
    variance, (n_steps, n_features) = _variance(centred), centred.shape
    kept, least = 1 - _SHRINKAGE, _SHRINKAGE * variance.mean() + _LEAST_DEVIATION**2
    # Of one feature, or one time step, there is no correlation to tell.
    if min(centred.shape) == 1:
        return ErrorRule(location, 1 / (kept * variance + least))
    if 2 * n_steps < n_features:
        return ErrorRule(location, *_inverse_of_few(centred, kept, least))
    covariance, _ = ledoit_wolf(centred, assume_centered=True)
    covariance *= kept
    covariance[np.diag_indices_from(covariance)] += least
    return ErrorRule(location, np.linalg.inv(covariance))


def _inverse_of_few(centred, kept, least):
    """The inverse of ``kept`` of Ledoit and Wolf's covariance and ``least`` variance.

    Of fewer steps than features it is a multiple of the unit matrix but in the
    directions of the steps: a diagonal, and the factors of what is taken off there.
    """
    n_steps, n_features = centred.shape
    shrinkage = ledoit_wolf_shrinkage(centred, assume_centered=True)
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    variances = kept * (1 - shrinkage) * values**2 / n_steps
    least = least + kept * shrinkage * np.mean(np.square(centred))
    factors = np.sqrt(variances / (least * (least + variances)))[:, np.newaxis] * axes
    return np.full(n_features, 1 / least), factors


def _variance(centred):
    return np.square(centred).mean(axis=0) + _LEAST_DEVIATION**2


# By these rules an error is told by what is usual; the others are losses by their name.
LEARNED_RULES = {"standardized": _standardized, "mahalanobis": _mahalanobis}


def fit_error_rule(error, reconstructions):
    """The rule of a name: itself, or what is learned of reconstructed sequences.

    Parameters
    ----------
    error : {"mse", "mae", "huber", "binary_crossentropy", "standardized", \
            "mahalanobis"}

    reconstructions : iterable of (rows, targets, outputs)
        Only looked at where the rule is learned.

    Returns
    -------
    rule : ErrorRule or str
    """
    if error in LOSSES:
        return error
    learn = LEARNED_RULES[error]
    differences, spread = _differences(reconstructions)
    if not len(differences):
        differences, spread = np.zeros((1, len(spread))), np.ones_like(spread)
    # In units of the spread, so that no unit of a feature counts; a constant has one.
    spread = np.where(spread > 0, spread, 1)
    differences = differences / spread
    observed = ~np.isnan(differences)
    count = np.maximum(observed.sum(axis=0), 1)
    location = np.where(observed, differences, 0).sum(axis=0) / count
    centred = np.where(observed, differences - location, 0)
    # A missing cell tells nothing of the variance.
    centred *= np.sqrt(len(centred) / count)
    return learn(location, centred).in_units(spread)


def rounding_error(rule, sizes):
    """What the error of a sequence may be by rounding alone.

    Parameters
    ----------
    rule : ErrorRule or str
    sizes : ndarray of shape (n_features,)
        Largest absolute value of each feature.
    """
    difference = _ROUNDING * np.asarray(sizes, dtype=np.float64)
    if isinstance(rule, str):
        return float(np.mean(cell_losses(difference, np.zeros_like(difference), rule)))
    return rule.largest_distance(difference) / len(difference)


def subsample(X):
    """Sequences at even distances: enough, and no more cells than memory may hold."""
    return X[:: subsample_step(X)]


def subsample_step(X):
    """The distance from one of these to the next."""
    most = min(max(_MAX_CELLS // (X.shape[1] * X.shape[2]), 1), _MAX_SEQUENCES)
    return -(-len(X) // most)


def _differences(reconstructions):
    """Differences of all steps but the padding, and the spread of each feature."""
    parts = []
    for _, targets, outputs in reconstructions:
        difference = np.subtract(targets, outputs, dtype=np.float64)
        seen = ~np.isnan(difference).all(axis=2)
        parts.append((difference[seen], targets[seen]))
    differences, targets = (
        np.concatenate(arrays) for arrays in zip(*parts, strict=True)
    )
    observed = ~np.isnan(targets)
    count = np.maximum(observed.sum(axis=0), 1)
    mean = np.sum(targets, axis=0, where=observed, dtype=np.float64) / count
    moments = np.square(np.where(observed, targets - mean, 0)).sum(axis=0) / count
    return differences, np.sqrt(moments)


def cell_errors(rule, targets, outputs):
    """Error of each cell by a rule, or by the name of a loss."""
    if isinstance(rule, str):
        return cell_losses(targets, outputs, rule)
    return rule.cells(targets, outputs)
