# SPDX-License-Identifier: BSD-3-Clause
"""How the scores of normal rows move over the scored period."""

from dataclasses import dataclass

import numpy as np

from ..alarms._drift import Drift, Level, drift, level_from, level_of
from ..rows._words import count, number, share
from ._zoomed import place_of

_LAST = 5  # the end of the period is its last fifth
_MIN_ROWS = 50  # normal rows in a fifth, of which something can be said


@dataclass(frozen=True)
class Course:
    """Scores of the normal rows in the order of their time, and what is usual."""

    order: np.ndarray  # positions of the normal rows
    score: np.ndarray
    level: Level | None
    is_held_out: bool  # whether the level is from before these rows

    @property
    def n_last(self):
        return len(self.order) // _LAST

    @property
    def drifts(self):
        """Over the whole period, and over its end."""
        start = 0 if self.is_held_out else self.n_last
        parts = self.score[start:], self.score[len(self.score) - self.n_last :]
        return [drift(part, self.level) for part in parts]


def course_of(rows, model, fitted):
    """The normal rows by time, and the level that held-out ones hardly exceeded.

    Parameters
    ----------
    rows : Rows

    model : Model

    fitted : estimator
        The detector of the model.
    """
    place = place_of(rows) if rows.time is not None else np.arange(len(rows))
    order = np.argsort(place, kind="stable")
    order = order[~rows.y[order]]
    score = np.asarray(model.score, dtype=float)[order]
    level, is_held_out = level_of(fitted), True
    n_first = len(order) // _LAST
    if level is None and n_first >= _MIN_ROWS:
        level, is_held_out = level_from(score[:n_first]), False
    return Course(order, score, level, is_held_out)


def drift_in_words(course, rows):
    """A sentence on it, with the ratio, and whether to train again."""
    kind = "normal row" if rows.labelled else "row"
    if course.level is None or course.n_last < _MIN_ROWS:
        text = f"{count(len(course.order), kind)} are too few to tell of a drift."
        return text, False
    whole, last = course.drifts
    expected = share(course.level.expected)
    basis, judged = f"{expected} of the windows held out in the training", kind
    if not course.is_held_out:
        basis = f"{expected} of the first fifth of these {kind}s"
        judged = f"later {kind}"
    text = (
        f"Above the score that {basis} exceeded lie {share(whole.share)} of the "
        f"{judged}s, and {share(last.share)} of their last fifth: {_times(last)}."
    )
    if last.asks_for_training:
        text += " What is normal has moved: train again, with later rows"
        text += "." if rows.labelled else ", unless that fifth holds a long event."
    elif whole.asks_for_training:
        text += " What is normal has moved for a time; training again may help."
    else:
        text += " There is no need to train again."
    return text, last.asks_for_training


def _times(moved: Drift):
    ratio = number(moved.ratio, 2)
    return f"{ratio} time{'' if ratio == '1' else 's'} as many as expected"
