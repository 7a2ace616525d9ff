# SPDX-License-Identifier: BSD-3-Clause
"""Fitted estimators as a stream calls them: without names, and with a memory."""

import copy
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator

from .._detectors import log_errors
from .._members import Member, Members
from ..committee import DetectorCommittee
from ..detection import RareEventClassifier
from ..moving_reference import MovingReference
from ._few import for_few
from ._live_members import LiveMember, MinusScores
from ._series import Memory


class Batch:
    """The windows that are scored together: of each the series, and if it is new.

    Shared by the live references of one stream, which are called by estimators that
    know nothing of series.
    """

    def __init__(self):
        self.start([], [])

    def start(self, series, starts_anew):
        self.series, self.starts_anew = series, starts_anew
        self.told = {}  # scores by live reference: each is to count a window once


class LiveReference(MovingReference):
    """A fitted MovingReference that goes on from the scores that a series had."""

    @classmethod
    def of(cls, fitted, number, batch):
        live = cls.__new__(cls)
        vars(live).update(vars(fitted))
        live._number, live._batch = number, batch
        detector = Member(fitted.detector_, fitted._imputer, None)
        live._detector = LiveMember.of(detector)
        return live

    @property
    def size(self):
        return self.memory_ + self.lag_

    def _score_samples(self, X):
        batch = self._batch
        if self._number not in batch.told:
            if len(X) != len(batch.series):
                raise TypeError(
                    "A MovingReference in a stream must be given each window once. Put "
                    "it at the end of the pipeline, or directly into a committee or "
                    "classifier."
                )
            batch.told[self._number] = self._less_memory(self._logs(X))
        return batch.told[self._number]

    def _logs(self, X):
        if not self._detector.is_known:
            return super()._logs(X)
        return log_errors(self._detector.values(X), self.is_logarithmic_)

    def _less_memory(self, logs):
        scores = -logs
        rows = zip(self._batch.series, self._batch.starts_anew, logs, strict=True)
        for k, (series, starts_anew, log) in enumerate(rows):
            memory = series.memories[self._number]
            if starts_anew:
                memory.logs = np.empty(0)
            memory.push(log)
            scores[k] += self.strength_ * self._excess_now(memory.logs)
        return scores

    def _excess_now(self, logs):
        """What ``_Reference`` gives for the last row of these."""
        past = logs[: len(logs) - self.lag_][-self.memory_ :]
        known = np.sort(past[~np.isnan(past)])
        if len(logs) <= self.lag_ or not len(known):
            return 0.0
        share = min(len(past) / self.memory_, 1)
        # nanmedian, which takes several times as long.
        middle = (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2
        return share * (float(middle) - self.center_)

    def recall(self, name, names, history):
        """Scores of the training series of a name that ended with these rows.

        ``names`` are those of the training series, none where they had none.
        """
        tails = zip(self._last_logs, self._last_rows, strict=True)
        for k, (logs, rows) in enumerate(tails):
            if not names or names[k] == name:
                rows = rows[-len(history) :]
                if rows.shape == history.shape and np.allclose(
                    rows, history, rtol=1e-5, atol=1e-6, equal_nan=True
                ):
                    return logs
        return np.empty(0)


class Twin:
    """A copy of a fitted estimator that takes arrays, and the references inside it.

    It ``remembers`` where it is to score one row after the other.
    """

    def __init__(self, steps, *, remembers=True):
        self.batch, self.references = Batch(), []
        self._remembers = remembers
        self.steps = [self._of(step) for step in steps]

    def memories(self):
        """Empty ones, for a new series."""
        return [Memory(live.size) for live in self.references]

    def _of(self, value):
        """Arrays come without names: those of the columns are checked by the stream."""
        if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
            return type(value)(map(self._of, value))
        if isinstance(value, dict) and type(value) is dict:
            return {key: self._of(part) for key, part in value.items()}
        if isinstance(value, Members):
            members = [member._make(map(self._of, member)) for member in value.fitted]
            kind = LiveMember.of if self._remembers else Member._make
            return replace(value, fitted=[*map(kind, members)])
        if not isinstance(value, BaseEstimator):
            return value
        twin = copy.copy(value)
        for name, part in vars(value).items():
            setattr(twin, name, self._of(part))
        vars(twin).pop("feature_names_in_", None)
        is_reference = isinstance(value, MovingReference) and hasattr(value, "offset_")
        if is_reference and self._remembers:
            twin = LiveReference.of(twin, len(self.references), self.batch)
            self.references.append(twin)
        return _for_checked(for_few(twin)) if self._remembers else twin


def _for_checked(twin):
    """A fitted committee or classifier that gives its members what was checked once."""
    if type(twin) is DetectorCommittee and hasattr(twin, "offset_"):
        twin._score_samples = MinusScores(twin._members)
    elif type(twin) is RareEventClassifier and hasattr(twin, "threshold_"):
        if twin._members is None:
            live = LiveMember.of(Member(twin.detector_, twin._imputer, twin._hidden))
            if live.is_known:
                twin._scores = live.values
    return twin
