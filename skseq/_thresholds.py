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
from scipy.stats import genpareto
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import confusion_matrix_at_thresholds

# Siffer et al. start their tail at this quantile.
_TAIL_QUANTILE = 0.98
# The standard error of the shape of a tail fitted to fewer is above 0.2.
_MIN_EXCESSES = 20
# An isotonic fit to fewer follows the noise: see CalibratedClassifierCV.
_MIN_ISOTONIC_SAMPLES = 1000
_MIN_ISOTONIC_OF_EACH_LABEL = 100


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
    weight = min(float(beta), 1e100) ** 2  # more cannot be told from recall alone
    hits = (1 + weight) * points.tp
    return points.best(hits / np.maximum(hits + weight * points.fn + points.fp, 1))


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


def _normal_scores(y, score):
    """Scores of the normal rows (of all rows, where none is normal)."""
    y, score = np.asarray(y, dtype=bool), np.asarray(score, dtype=np.float64)
    return score if y.all() else score[~y]


def quantile_threshold(y, score, quantile):
    """Quantile of the scores of the normal rows (of all rows, where none is normal)."""
    return float(np.quantile(_normal_scores(y, score), quantile))


def pot_threshold(y, score, risk):
    """Score that a normal row exceeds with this probability: peaks over threshold.

    The excesses over the 0.98 quantile are taken to follow a generalised Pareto
    distribution, which reaches beyond the highest score seen. Below that quantile, at a
    risk of 0.02 or more, the scores speak for themselves.

    References
    ----------
    .. [1] A. Siffer, P.-A. Fouque, A. Termier, C. Largouet, "Anomaly detection in
       streams with extreme value theory", KDD 2017.
    """
    normal = _normal_scores(y, score)
    if 1 - risk <= _TAIL_QUANTILE:
        return float(np.quantile(normal, 1 - risk))
    start = np.quantile(normal, _TAIL_QUANTILE)
    excesses = normal[normal > start] - start
    if len(excesses) < _MIN_EXCESSES:
        warnings.warn(
            f"{len(excesses)} of {len(normal)} normal scores are above their "
            f"{_TAIL_QUANTILE} quantile, too few to fit the shape of the tail: it is "
            "taken to be exponential. Hold out about "
            f"{_MIN_EXCESSES / (1 - _TAIL_QUANTILE):.0f} normal rows or more, or use "
            "('quantile', q).",
            UserWarning,
            stacklevel=2,
        )
    if not len(excesses):
        return float(start)
    shape, scale = _fit_tail(excesses)
    # Of tied scores, fewer than 0.02 may be above their 0.98 quantile.
    risk_in_tail = min(risk * len(normal) / len(excesses), 1)
    return float(start + genpareto.isf(risk_in_tail, shape, scale=scale))


def _fit_tail(excesses):
    """Shape and scale of the generalised Pareto distribution of positive excesses."""
    mean = excesses.mean()
    if len(excesses) < _MIN_EXCESSES:
        return 0.0, mean
    # In units of the mean, the exponential distribution is at (0, 1).
    shape, _, scale = genpareto.fit(excesses / mean, 0.0, floc=0, scale=1)
    return shape, scale * mean


def cost_threshold(y, score, false_alarm, missed_event):
    """Cut-off with the lowest total cost of false alarms and missed events."""
    points = _operating_points(y, score)
    high = max(false_alarm, missed_event)
    cost = false_alarm / high * points.fp + missed_event / high * points.fn
    return points.best(-cost)


def probability_threshold(y, score, probability):
    """Score at which the calibrated probability of an event is this one."""
    link = fit_link(y, score)
    if probability >= link.probability(np.inf):
        warnings.warn(
            f"No score of the held-out rows stands for a probability above "
            f"{probability}: no row will be flagged. The highest is "
            f"{link.probability(np.inf):.3g}.",
            UserWarning,
            stacklevel=2,
        )
    return link.score_at(probability)


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


def fit_sigmoid(y, score):
    """Sigmoid fitted to labels: Platt's scaling of squashed scores."""
    link = SigmoidLink(float(np.median(score)), _spread(score))
    squashed = np.arcsinh((score - link.center) / link.scale)
    minus_slope, minus_intercept = _sigmoid_calibration(squashed, y)
    return link._replace(slope=-float(minus_slope), intercept=-float(minus_intercept))


def fit_isotonic(y, score):
    """Isotonic regression of labels, within the bounds of Platt's targets.

    So no probability is 0 or 1, which no finite number of rows can tell.
    """
    n_events = np.count_nonzero(y)
    low, high = 1 / (len(y) - n_events + 2), (n_events + 1) / (n_events + 2)
    regression = IsotonicRegression(y_min=low, y_max=high).fit(score, y)
    return IsotonicLink(regression.X_thresholds_, regression.y_thresholds_)


def fit_link(y, score):
    """Link fitted to labels, or None where events do not score higher than the rest."""
    y, score = np.asarray(y, dtype=int), np.asarray(score, dtype=np.float64)
    n_events = np.count_nonzero(y)
    if not n_events:
        return None
    sigmoid = fit_sigmoid(y, score)
    if sigmoid.slope <= 0:
        return None
    enough = (
        len(y) >= _MIN_ISOTONIC_SAMPLES
        and min(n_events, len(y) - n_events) >= _MIN_ISOTONIC_OF_EACH_LABEL
    )
    return fit_isotonic(y, score) if enough else sigmoid


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
    "pot": (pot_threshold, 1, _is_probability),
    "cost": (cost_threshold, 2, _is_positive),
}
# These look at normal rows only.
RULES_WITHOUT_EVENTS = {"quantile", "pot"}


def _read_rule(rule, names):
    """Name and values of a rule, or None if it is none of these."""
    name, *values = ("fbeta", 1) if rule == "f1" else tuple(rule) or (None,)
    if not isinstance(name, str) or name not in names:
        return None
    _, n_values, is_valid = _RULES[name]
    numbers = [v for v in values if isinstance(v, Real) and is_valid(v)]
    return (name, values) if len(numbers) == len(values) == n_values else None


def check_rule(rule, owner):
    """Name and values of a threshold rule, or a ValueError that lists the rules."""
    checked = _read_rule(rule, _RULES)
    if checked is not None:
        return checked
    raise ValueError(
        f"The 'threshold' parameter of {owner} must be 'f1', ('fbeta', beta) with "
        "beta > 0, ('precision', p), ('recall', r) or ('quantile', q) with a share in "
        "[0, 1], ('probability', p) or ('pot', q) with 0 < p, q < 1, or "
        "('cost', false_alarm, missed_event) with two costs > 0. "
        f"Got {rule!r} instead."
    )


def choose_threshold(rule, y, score):
    """Cut-off of a checked rule on held-out labels and scores."""
    name, values = rule
    return _RULES[name][0](y, score, *values)


def contamination_offset(scores, contamination, owner):
    """``offset_`` of an outlier detector, whose scores are higher for normal samples.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        What ``score_samples`` gives for the samples that set the offset.

    contamination : float or tuple
        Share of these samples that are to count as outliers, in (0, 0.5]; or one of the
        rules ``("quantile", q)``, the same as a share of ``1 - q``, and ``("pot", q)``.

    owner : str
        Name of the estimator, for the error.

    Returns
    -------
    offset : float
        Samples with a lower score are outliers.
    """
    if isinstance(contamination, Real) and 0 < contamination <= 0.5:
        return float(np.quantile(scores, contamination))
    if isinstance(contamination, (tuple, list)):
        rule = _read_rule(contamination, RULES_WITHOUT_EVENTS)
        if rule is not None:
            error = -np.asarray(scores, dtype=np.float64)
            return -choose_threshold(rule, np.zeros(len(error)), error)
    raise ValueError(
        f"The 'contamination' parameter of {owner} must be a share in (0, 0.5], "
        "('quantile', q) with a share in [0, 1], or ('pot', q) with 0 < q < 1. "
        f"Got {contamination!r} instead."
    )
