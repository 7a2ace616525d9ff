# SPDX-License-Identifier: BSD-3-Clause
"""How far the scores of normal rows have moved since a detector was fitted."""

from typing import NamedTuple

import numpy as np

from .._validation import is_number
from ..reconstruction._offset import NORMAL_QUANTILE

# From so many times the expected share on, and no fewer rows, training again pays.
_MOVED = 5.0
_MIN_ROWS_ABOVE = 20


class Level(NamedTuple):
    """A score, and the share of normal rows that is expected above it."""

    score: float
    expected: float


class Drift(NamedTuple):
    """Rows above a level, beside what is expected of rows like those held out."""

    n_above: int
    n_rows: int
    expected: float

    @property
    def share(self):
        return self.n_above / self.n_rows if self.n_rows else np.nan

    @property
    def ratio(self):
        """How many times as many rows are above the level as are expected: 1 is none.

        It is the same for a score and for its logarithm.
        """
        return self.share / self.expected

    @property
    def asks_for_training(self):
        """Whether this is far more than chance and one short disturbance would give."""
        return self.n_above >= _MIN_ROWS_ABOVE and self.ratio >= _MOVED


def level_of(detector):
    """What a fitted detector took for the end of the normal, of rows it held out.

    Parameters
    ----------
    detector : estimator
        Fitted outlier detector.

    Returns
    -------
    level : Level or None
        Its score is minus ``offset_``, higher for events. None where it is not known
        what share of normal rows that was set to leave out.
    """
    offset = getattr(detector, "offset_", None)
    expected = _share_of(getattr(detector, "contamination", None))
    if offset is None or not expected or type(detector).__module__[:6] != "skseq.":
        return None
    return Level(-float(np.squeeze(offset)), expected)


def _share_of(contamination):
    """Share of normal rows beyond the offset that a contamination sets."""
    if isinstance(contamination, str) and contamination == "auto":
        return 1 - NORMAL_QUANTILE
    if is_number(contamination):
        return float(contamination)
    if isinstance(contamination, (tuple, list)):
        name, value = contamination
        return 1 - value if name == "quantile" else value
    return None


def level_from(score, expected=1 - NORMAL_QUANTILE):
    """The same from the scores of rows that are taken as normal; NaN counts not."""
    return Level(float(np.nanquantile(score, 1 - expected)), expected)


def drift(score, level):
    """Count the rows above a level.

    Parameters
    ----------
    score : array-like of shape (n_rows,)
        Scores of normal rows, higher for events; NaN counts not.

    level : Level

    Returns
    -------
    drift : Drift
    """
    score = np.asarray(score, dtype=np.float64)
    judged = score[~np.isnan(score)]
    return Drift(int((judged > level.score).sum()), len(judged), level.expected)
