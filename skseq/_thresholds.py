# SPDX-License-Identifier: BSD-3-Clause
"""From scores to cut-offs and probabilities, as plain functions of labels and scores.

Everywhere here ``y`` is true for events, ``score`` is higher for events, and a row is
flagged where ``score > threshold``. Of equally good cut-offs the highest is chosen:
that with the fewest alarms.
"""

import warnings
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from sklearn.calibration import _sigmoid_calibration
from sklearn.metrics import confusion_matrix_at_thresholds


class _OperatingPoints(NamedTuple):
    """Counts at every distinct cut-off, from "flag nothing" to "flag everything"."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    threshold: np.ndarray

    @property
    def precision(self):
        return self.tp / np.maximum(self.tp + self.fp, 1)

    @property
    def recall(self):
        return self.tp / np.maximum(self.tp + self.fn, 1)

    def best(self, objective):
        return float(self.threshold[np.argmax(objective)])


def _operating_points(y, score):
    y, score = np.asarray(y, dtype=int), np.asarray(score, dtype=np.float64)
    _, fp, fn, tp, above = confusion_matrix_at_thresholds(y, score, pos_label=1)
    below = np.append(above[1:], np.nextafter(above[-1], -np.inf))
    # Midway between two scores, or on the lower of two that have nothing between.
    middle = above / 2 + below / 2
    threshold = np.where((below < middle) & (middle < above), middle, below)
    return _OperatingPoints(
        tp=np.append(0, tp),
        fp=np.append(0, fp),
        fn=np.append(y.sum(), fn),
        threshold=np.append(above[0], threshold),
    )


def fbeta_threshold(y, score, beta):
    """Cut-off with the highest F-beta."""
    points = _operating_points(y, score)
    hits = (1 + beta**2) * points.tp
    return points.best(hits / np.maximum(hits + beta**2 * points.fn + points.fp, 1))


def precision_threshold(y, score, precision):
    """Cut-off with the highest recall among those of at least this precision."""
    points = _operating_points(y, score)
    reached = points.precision.max()
    if reached < precision:
        warnings.warn(
            f"No threshold reaches a precision of {precision} on the held-out rows: "
            f"that of the highest precision, {reached:.3g}, is used.",
            UserWarning,
            stacklevel=2,
        )
    enough = points.precision >= min(precision, reached)
    return points.best(np.where(enough, points.recall, -1))


def recall_threshold(y, score, recall):
    """Cut-off with the highest precision among those of at least this recall."""
    points = _operating_points(y, score)
    return points.best(np.where(points.recall >= recall, points.precision, -1))


def quantile_threshold(y, score, quantile):
    """Quantile of the scores of the normal rows (of all rows, where none is normal)."""
    y, score = np.asarray(y, dtype=bool), np.asarray(score, dtype=np.float64)
    return float(np.quantile(score if y.all() else score[~y], quantile))


def cost_threshold(y, score, false_alarm, missed_event):
    """Cut-off with the lowest total cost of false alarms and missed events."""
    points = _operating_points(y, score)
    return points.best(-(false_alarm * points.fp + missed_event * points.fn))


def probability_threshold(y, score, probability):
    """Score at which the calibrated probability of an event is this one."""
    return fit_link(y, score).score_at(probability)


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

    def probability(self, score):
        squashed = np.arcsinh((score - self.center) / self.scale)
        return expit(self.slope * squashed + self.intercept)

    def score_at(self, probability):
        squashed = (logit(probability) - self.intercept) / self.slope
        # A nearly flat sigmoid gets there at no score that will ever be seen; further
        # out the differences between real scores would be lost to rounding.
        return float(self.center + self.scale * np.sinh(np.clip(squashed, -20, 20)))


def _spread(score):
    low, high = np.quantile(score, [0.25, 0.75])
    return float(high - low) or 1.0


def link_at(threshold, score):
    """Uncalibrated link: 0.5 at the threshold, in units of the spread of the scores."""
    return SigmoidLink(float(threshold), _spread(score))


def fit_link(y, score):
    """Link fitted to labels, or None where events do not score higher than the rest."""
    y, score = np.asarray(y, dtype=int), np.asarray(score, dtype=np.float64)
    if not y.any():
        return None
    link = SigmoidLink(float(np.median(score)), _spread(score))
    squashed = np.arcsinh((score - link.center) / link.scale)
    minus_slope, minus_intercept = _sigmoid_calibration(squashed, y)
    if minus_slope >= 0:
        return None
    return link._replace(slope=-float(minus_slope), intercept=-float(minus_intercept))


def _is_share(value):
    return 0 <= value <= 1


def _is_probability(value):
    return 0 < value < 1


def _is_positive(value):
    return 0 < value < np.inf


# name: (function, number of values, what each must be)
_RULES = {
    "fbeta": (fbeta_threshold, 1, _is_positive),
    "precision": (precision_threshold, 1, _is_share),
    "recall": (recall_threshold, 1, _is_share),
    "probability": (probability_threshold, 1, _is_probability),
    "quantile": (quantile_threshold, 1, _is_share),
    "cost": (cost_threshold, 2, _is_positive),
}


def check_rule(rule, owner):
    """Name and values of a threshold rule, or a ValueError that lists the rules."""
    name, *values = ("fbeta", 1) if rule == "f1" else tuple(rule) or (None,)
    if isinstance(name, str) and name in _RULES:
        _, n_values, is_valid = _RULES[name]
        numbers = [v for v in values if isinstance(v, Real) and is_valid(v)]
        if len(numbers) == len(values) == n_values:
            return name, values
    raise ValueError(
        f"The 'threshold' parameter of {owner} must be 'f1', ('fbeta', beta) with "
        "beta > 0, ('precision', p), ('recall', r) or ('quantile', q) with a share in "
        "[0, 1], ('probability', p) with 0 < p < 1, or "
        "('cost', false_alarm, missed_event) with two costs > 0. "
        f"Got {rule!r} instead."
    )


def choose_threshold(rule, y, score):
    """Cut-off of a checked rule on held-out labels and scores."""
    name, values = rule
    return _RULES[name][0](y, score, *values)
