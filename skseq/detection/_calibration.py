# SPDX-License-Identifier: BSD-3-Clause
"""From scores to probabilities."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from .._sklearn import _sigmoid_calibration

# An isotonic fit to fewer follows the noise: see CalibratedClassifierCV.
_MIN_ISOTONIC_SAMPLES = 1000
_MIN_ISOTONIC_OF_EACH_LABEL = 100


class SigmoidLink(NamedTuple):
    """Strictly increasing map from scores to probabilities: a sigmoid of arcsinh.

    The arcsinh, in units of the interquartile range, is linear where most scores are
    and logarithmic far out: reconstruction errors have heavy tails, which would
    otherwise rule the fit.
    """

    center: float
    scale: float
    slope: float = 1.0
    intercept: float = 0.0
    method = "sigmoid"

    def probability(self, score):
        squashed = np.arcsinh((score - self.center) / self.scale)
        return expit(self.slope * squashed + self.intercept)

    def score_at(self, probability):
        squashed = (logit(probability) - self.intercept) / self.slope
        # A nearly flat sigmoid gets there at no score that will ever be seen; further
        # out the differences between real scores would be lost to rounding.
        return float(self.center + self.scale * np.sinh(np.clip(squashed, -20, 20)))


class IsotonicLink(NamedTuple):
    """Map that never falls: linear between its knots, and constant beyond them."""

    scores: np.ndarray
    probabilities: np.ndarray
    method = "isotonic"

    def probability(self, score):
        return np.interp(score, self.scores, self.probabilities)

    def score_at(self, probability):
        """Highest score of at most this probability."""
        above = np.searchsorted(self.probabilities, probability, side="right")
        # As far out as that of a sigmoid, where no score or every score gets there.
        far = 1e8 * np.ptp(self.scores)
        if above == 0:
            return float(self.scores[0] - far)
        if above == len(self.scores):
            return float(self.scores[-1] + far)
        around = slice(above - 1, above + 1)
        return float(
            np.interp(probability, self.probabilities[around], self.scores[around])
        )


def _spread(score):
    low, high = np.quantile(score, [0.25, 0.75])
    return float(high - low) or 1.0


def link_at(threshold, score):
    """Uncalibrated link: 0.5 at the threshold, in units of the spread of the scores."""
    return SigmoidLink(float(threshold), _spread(score))


def fit_sigmoid(y, score, weights=None):
    """Sigmoid fitted to labels: Platt's scaling of squashed scores."""
    link = SigmoidLink(float(np.median(score)), _spread(score))
    squashed = np.arcsinh((score - link.center) / link.scale)
    minus_slope, minus_intercept = _sigmoid_calibration(squashed, y, weights)
    return link._replace(slope=-float(minus_slope), intercept=-float(minus_intercept))


def fit_isotonic(y, score, weights=None):
    """Isotonic regression of labels, within the bounds of Platt's targets.

    So no probability is 0 or 1, which no finite number of rows can tell.
    """
    n_events = np.count_nonzero(y)
    low, high = 1 / (len(y) - n_events + 2), (n_events + 1) / (n_events + 2)
    regression = IsotonicRegression(y_min=low, y_max=high).fit(score, y, weights)
    return IsotonicLink(regression.X_thresholds_, regression.y_thresholds_)


def fit_link(y, score, weights=None):
    """Link fitted to labels, or None where events do not score higher than the rest.

    Rows count by their ``weights``, where these are given.
    """
    y, score = np.asarray(y, dtype=int), np.asarray(score, dtype=np.float64)
    n_events = np.count_nonzero(y)
    if not n_events:
        return None
    sigmoid = fit_sigmoid(y, score, weights)
    if sigmoid.slope <= 0:
        return None
    enough = (
        len(y) >= _MIN_ISOTONIC_SAMPLES
        and min(n_events, len(y) - n_events) >= _MIN_ISOTONIC_OF_EACH_LABEL
    )
    return fit_isotonic(y, score, weights) if enough else sigmoid
