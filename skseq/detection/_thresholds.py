# SPDX-License-Identifier: BSD-3-Clause
"""From scores to cut-offs and probabilities, as plain functions of labels and scores.

Everywhere here ``y`` is true for events, ``score`` is higher for events, and a row is
flagged where ``score > threshold``. Of equally good cut-offs the highest is chosen:
that with the fewest alarms. Where a rule counts rows by ``weights``, None is for all
alike.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix_at_thresholds

from .._validation import is_number
from .._warnings import warn
from ..reconstruction._offset import (
    RULES_WITHOUT_EVENTS,
    pot_threshold,
    quantile_threshold,
)
from ._calibration import fit_link
from ._event_thresholds import (
    alarms_per_threshold,
    event_cost_threshold,
    event_fbeta_threshold,
)


def _ratio(part, whole):
    """0 of nothing."""
    return part / np.where(whole > 0, whole, 1)


class _OperatingPoints(NamedTuple):
    """Counts at every distinct cut-off, from "flag nothing" to "flag everything"."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    threshold: np.ndarray

    @property
    def precision(self):
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self):
        return _ratio(self.tp, self.tp + self.fn)

    def best(self, objective):
        return float(self.threshold[np.argmax(objective)])


def _operating_points(y, score, weights):
    y, score = np.asarray(y, dtype=int), np.asarray(score, dtype=np.float64)
    _, fp, fn, tp, above = confusion_matrix_at_thresholds(
        y, score, pos_label=1, sample_weight=weights
    )
    below = np.append(above[1:], np.nextafter(above[-1], -np.inf))
    # Midway between two scores, or on the lower of two that have nothing between.
    middle = above / 2 + below / 2
    threshold = np.where((below < middle) & (middle < above), middle, below)
    return _OperatingPoints(
        tp=np.append(0, tp),
        fp=np.append(0, fp),
        fn=np.append(y.sum() if weights is None else y @ weights, fn),
        threshold=np.append(above[0], threshold),
    )


def fbeta_threshold(y, score, beta, weights=None):
    """Cut-off with the highest F-beta."""
    points = _operating_points(y, score, weights)
    weight = min(float(beta), 1e100) ** 2  # more cannot be told from recall alone
    hits = (1 + weight) * points.tp
    return points.best(_ratio(hits, hits + weight * points.fn + points.fp))


def precision_threshold(y, score, precision, weights=None):
    """Cut-off with the highest recall among those of at least this precision."""
    points = _operating_points(y, score, weights)
    reached = points.precision.max()
    if reached < precision:
        warn(
            f"No threshold reaches a precision of {precision} on the held-out rows: "
            f"that of the highest precision, {reached:.3g}, is used.",
        )
    enough = points.precision >= min(precision, reached)
    return points.best(np.where(enough, points.recall, -1))


def recall_threshold(y, score, recall, weights=None):
    """Cut-off with the highest precision among those of at least this recall."""
    points = _operating_points(y, score, weights)
    return points.best(np.where(points.recall >= recall, points.precision, -1))


def cost_threshold(y, score, false_alarm, missed_event, weights=None):
    """Cut-off with the lowest total cost of false alarms and missed events."""
    points = _operating_points(y, score, weights)
    high = max(false_alarm, missed_event)
    cost = false_alarm / high * points.fp + missed_event / high * points.fn
    return points.best(-cost)


def probability_threshold(y, score, probability, weights=None):
    """Score at which the calibrated probability of an event is this one."""
    link = fit_link(y, score, weights)
    if probability >= link.probability(np.inf):
        warn(
            f"No score of the held-out rows stands for a probability above "
            f"{probability}: no row will be flagged. The highest is "
            f"{link.probability(np.inf):.3g}.",
        )
    return link.score_at(probability)


def _is_share(value):
    return is_number(value) and 0 <= value <= 1


def _is_probability(value):
    return is_number(value) and 0 < value < 1


def _is_positive(value):
    return is_number(value) and 0 < value < np.inf


def _is_rate(value):
    return is_number(value) and 0 <= value < np.inf


def _is_span(value):
    """Tell a number of rows, a number in the unit of the time, and a duration."""
    if is_number(value):
        return _is_positive(value)
    try:
        return pd.Timedelta(value) > pd.Timedelta(0)
    except (ValueError, TypeError):
        return False


# name: (function, what each of its values must be)
_RULES = {
    "fbeta": (fbeta_threshold, [_is_positive]),
    "precision": (precision_threshold, [_is_share]),
    "recall": (recall_threshold, [_is_share]),
    "probability": (probability_threshold, [_is_probability]),
    "quantile": (quantile_threshold, [_is_share]),
    "pot": (pot_threshold, [_is_probability]),
    "cost": (cost_threshold, [_is_positive, _is_positive]),
}
# The same of rules that count events and alarms, not rows.
_EVENT_RULES = {
    "event_fbeta": (event_fbeta_threshold, [_is_positive]),
    "event_cost": (event_cost_threshold, [_is_positive, _is_positive]),
    "alarms_per": (alarms_per_threshold, [_is_rate, _is_span]),
}
# They are about what normal rows score.
RULES_OF_NORMAL_ROWS = {*RULES_WITHOUT_EVENTS, "alarms_per"}


# What they are called with a beta of 1.
_F1 = {"f1": "fbeta", "event_f1": "event_fbeta"}


def _read_rule(rule):
    """Name and values of a rule, or None if it is none of these."""
    if isinstance(rule, str) and rule in _F1:
        rule = _F1[rule], 1
    name, *values = tuple(rule) or (None,)
    rules = _RULES | _EVENT_RULES
    if not isinstance(name, str) or name not in rules:
        return None
    _, checks = rules[name]
    if len(values) != len(checks):
        return None
    valid = all(check(value) for check, value in zip(checks, values, strict=True))
    return (name, values) if valid else None


def check_rule(rule, owner):
    """Name and values of a threshold rule, or a ValueError that lists the rules."""
    checked = _read_rule(rule)
    if checked is not None:
        return checked
    raise ValueError(
        f"The 'threshold' parameter of {owner} must be 'f1', 'event_f1', ('fbeta', "
        "beta) or ('event_fbeta', beta) with beta > 0, ('precision', p), ('recall', "
        "r) or ('quantile', q) with a share in [0, 1], ('probability', p) or "
        "('pot', q) with 0 < p, q < 1, ('cost', false_alarm, missed_event) or "
        "('event_cost', per_alarm, per_missed_event) with two costs > 0, or "
        "('alarms_per', n, per) with n >= 0 in so many rows, or in so much time, such "
        "as '1D'. "
        f"Got {rule!r} instead."
    )


def choose_threshold(rule, y, score, watched=None, weights=None):
    """Cut-off of a checked rule on held-out labels and scores.

    ``watched`` tells how the held-out windows follow each other: rules that count
    events need it. Rules that weigh events against the rest, row by row, count rows by
    their ``weights``.
    """
    name, values = rule
    if name in RULES_WITHOUT_EVENTS:
        return RULES_WITHOUT_EVENTS[name](y, score, *values)
    if name in _RULES:
        return _RULES[name][0](y, score, *values, weights=weights)
    return _EVENT_RULES[name][0](y, score, watched, *values)
