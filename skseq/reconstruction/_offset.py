# SPDX-License-Identifier: BSD-3-Clause
"""Thresholds from the scores of normal rows alone."""

from typing import NamedTuple

import numpy as np
from scipy.stats import genpareto, norm

from .._validation import is_number
from .._warnings import warn, warn_once
from ..rows._row_numbers import evenly

# Siffer et al. start their tail at this quantile.
_TAIL_QUANTILE = 0.98
# The standard error of the shape of a tail fitted to fewer is above 0.2.
_MIN_EXCESSES = 20


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
        warn(
            f"{len(excesses)} of {len(normal)} normal scores are above their "
            f"{_TAIL_QUANTILE} quantile, too few to fit the shape of the tail: it is "
            "taken to be exponential. Hold out about "
            f"{_MIN_EXCESSES / (1 - _TAIL_QUANTILE):.0f} normal rows or more, or use "
            "('quantile', q).",
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


class ContaminationRule(NamedTuple):
    """How ``contamination`` sets an offset: a rule, its value, and on which samples."""

    name: str
    value: float

    @property
    def of_all(self):
        """Whether it is of all training samples by definition, held out or not."""
        return self.name == "share"

    @property
    def has_limit(self):
        """Whether the offset is held to what normal sequences can score."""
        return self.name == "auto"

    def offset(self, scores):
        """``offset_`` on scores that are higher for normal samples; NaN counts not."""
        errors = _errors(scores)
        if not len(errors):
            raise ValueError(
                "No sequence that sets 'offset_' has an observed cell. Give later "
                "sequences with data, or another 'validation_fraction'."
            )
        if self.of_all:
            return float(np.quantile(-errors, self.value))
        name = "quantile" if self.name == "auto" else self.name
        normal = np.zeros(len(errors))
        return -RULES_WITHOUT_EVENTS[name](normal, errors, self.value)

    def told_by(self, X, held_out):
        """The sequences whose scores set the offset, where ``held_out`` rows were.

        A share of the training sequences is of all of them by definition. Of many that
        were held out those at even distances tell "auto" enough; other rules may be of
        events that are rarer.
        """
        if held_out is None or self.of_all:
            return X
        return X[evenly(held_out, _MAX_SCORED) if self.name == "auto" else held_out]

    def limited(self, offset, scores, unseen, rounding):
        """The offset of "auto", no further out than normal sequences can be.

        Held-out sequences may hold more events than 1%, which nobody labelled: an
        offset among them would hide those that follow. The limit is six standard
        deviations above the median of the logarithms of the errors, by their upper
        quartile; of any other rule the offset is what it says. Of errors that are
        within ``rounding`` there is none.

        Also tells whether most of the ``unseen`` are further out than that.
        """
        told, unseen = (
            np.log(error[error > rounding]) for error in map(_errors, (scores, unseen))
        )
        limit = self._limit(told)
        return max(offset, -float(np.exp(limit))), _is_beyond(unseen, limit)

    def limited_log(self, offset, scores, unseen):
        """The same, of scores that are minus the logarithm of an error; warns."""
        limit = self._limit(_errors(scores))
        if _is_beyond(_errors(unseen), limit):
            warn_of_far()
        return max(offset, -limit)

    def _limit(self, log_errors):
        """How far out the logarithm of a normal error can be."""
        if not self.has_limit or not len(log_errors):
            return np.inf
        middle, upper = np.quantile(log_errors, [0.5, 0.75])
        if upper == middle:
            return np.inf
        return middle + _MAX_DEVIATIONS * (upper - middle) / norm.ppf(0.75)


def _is_beyond(log_errors, limit):
    return len(log_errors) > 0 and bool(np.median(log_errors) > limit)


def warn_of_far():
    """Warn that what was held out told nothing of what is usual."""
    warn_once(
        "The errors of most held-out sequences lie far beyond those of the "
        "training sequences, which alone set 'offset_' then. Where these are "
        "too few for their length and number of features, it is far off: give "
        "more of them, shorter windows, or a smaller model. Else look at what "
        "was held out: events, or another way of running."
    )


def _errors(scores):
    """Errors of the scores that are none of a sequence without data."""
    scores = np.asarray(scores, dtype=np.float64)
    return -scores[~np.isnan(scores)]


# Rules that need no event.
RULES_WITHOUT_EVENTS = {"quantile": quantile_threshold, "pot": pot_threshold}
# 200 of these are above their 0.99 quantile.
_MAX_SCORED = 20_000
# What "auto" stands for: of normal samples that were not trained on, 1% are outliers.
NORMAL_QUANTILE = 0.99
# Of a lognormal error, one in 10^9 is further out: no normal tail, and no quantile of
# 0.99 unless outliers made it.
_MAX_DEVIATIONS = 6


def check_contamination(contamination, owner):
    """Validate the ``contamination`` of an outlier detector, before it is fitted.

    Parameters
    ----------
    contamination : "auto", float or tuple
        Share of the training samples that are to count as outliers, in (0, 0.5]; or, of
        held-out samples, one of the rules ``("quantile", q)``, the same as a share of
        ``1 - q``, and ``("pot", q)``. "auto" is ``("quantile", 0.99)``.

    owner : str
        Name of the estimator, for the error.

    Returns
    -------
    rule : ContaminationRule
    """
    if isinstance(contamination, str) and contamination == "auto":
        return ContaminationRule("auto", NORMAL_QUANTILE)
    if is_number(contamination) and 0 < contamination <= 0.5:
        return ContaminationRule("share", float(contamination))
    if isinstance(contamination, (tuple, list)) and len(contamination) == 2:
        name, value = contamination
        share = is_number(value) and not isinstance(value, bool)
        if name == "quantile" and share and 0 <= value <= 1:
            return ContaminationRule("quantile", float(value))
        if name == "pot" and share and 0 < value < 1:
            return ContaminationRule("pot", float(value))
    raise ValueError(
        f"The 'contamination' parameter of {owner} must be 'auto', a share in "
        "(0, 0.5], ('quantile', q) with a share in [0, 1], or ('pot', q) with "
        f"0 < q < 1. Got {contamination!r} instead."
    )


def ratio_of_scores(before, after, rounding=0.0):
    """How the scores of a model that was fitted again compare with those before.

    The first model's offset is from sequences that it had not seen, which is what it is
    good for; the second has seen all. In units of its scores the offset is so many
    times as large. The ratio is told by sequences that both were trained on, by the
    median.

    Parameters
    ----------
    before, after : ndarray of shape (n_samples,)
        Scores of the same sequences by the first model and the second.

    rounding : float, default=0.0
        What errors may be by rounding alone: such have no ratio.

    Returns
    -------
    ratio : float
    """
    told = (before < -rounding) & (after < -rounding)
    if not told.any():
        return 1.0
    return float(np.exp(np.median(np.log(after[told] / before[told]))))
