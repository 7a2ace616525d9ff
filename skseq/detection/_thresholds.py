# SPDX-License-Identifier: BSD-3-Clause
"""From scores to cut-offs and probabilities, as plain functions of labels and scores.

Everywhere here ``y`` is true for events, ``score`` is higher for events, and a row is
flagged where ``score > threshold``. Of equally good cut-offs the highest is chosen:
that with the fewest alarms.
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
        warn(
            f"No threshold reaches a precision of {precision} on the held-out rows: "
            f"that of the highest precision, {reached:.3g}, is used.",
        )
    enough = points.precision >= min(precision, reached)
    return points.best(np.where(enough, points.recall, -1))


def recall_threshold(y, score, recall):
    """Cut-off with the highest precision among those of at least this recall."""
    points = _operating_points(y, score)
    return points.best(np.where(points.recall >= recall, points.precision, -1))


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


def _read_rule(rule):
    """Name and values of a rule, or None if it is none of these."""
    name, *values = ("fbeta", 1) if rule == "f1" else tuple(rule) or (None,)
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
        f"The 'threshold' parameter of {owner} must be 'f1', ('fbeta', beta) or "
        "('event_fbeta', beta) with beta > 0, ('precision', p), ('recall', r) or "
        "('quantile', q) with a share in [0, 1], ('probability', p) or ('pot', q) with "
        "0 < p, q < 1, ('cost', false_alarm, missed_event) or ('event_cost', "
        "per_alarm, per_missed_event) with two costs > 0, or ('alarms_per', n, per) "
        "with n >= 0 in so many rows, or in so much time, such as '1D'. "
        f"Got {rule!r} instead."
    )


def choose_threshold(rule, y, score, watched=None):
    """Cut-off of a checked rule on held-out labels and scores.

    ``watched`` tells how the held-out windows follow each other: rules that count
    events need it.
    """
    name, values = rule
    if name in _RULES:
        return _RULES[name][0](y, score, *values)
    return _EVENT_RULES[name][0](y, score, watched, *values)
