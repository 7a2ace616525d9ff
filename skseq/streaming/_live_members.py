# SPDX-License-Identifier: BSD-3-Clause
"""Members of a committee as a stream asks them: of windows that were checked already.

What a member does to a few windows takes a hundredth of what checks and tags do around
it. What each is, and what it needs, is looked up once here.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.preprocessing import StandardScaler

from .._detectors import without_features
from .._members import Member, is_linear, linear_odds
from ..engines.native._built import has_kernels
from ..reconstruction._decisions import OutlierDecisionsMixin
from ..windowing import WindowSummary
from ..windowing._summary import NAMES, summarised
from ._few import CompiledForest, FewRowsImputer, FewWindows, plain


class LiveMember(Member):
    """A member that is given arrays, which were checked already."""

    @classmethod
    def of(cls, member):
        live = cls(*member)
        live._says = _known(*member[:2])
        return live

    @property
    def is_known(self):
        """Whether it is asked otherwise than any other member."""
        return self._says is not None

    def values(self, X):
        if self._says is None:
            return super().values(X)
        return self._says(without_features(X, self.hidden))


def _known(estimator, preparation):
    """What gives the values of windows sooner than ``Member.values``, or None."""
    own = getattr(type(estimator), "score_samples", None)
    if own is OutlierDecisionsMixin.score_samples and preparation is None:
        return _OfDetector(estimator)
    fills = isinstance(preparation, FewRowsImputer)
    if isinstance(estimator, CompiledForest) and fills:
        return _OfForest(estimator, preparation)
    if is_linear(estimator) and preparation is not None:
        summary, imputer, scaler = (step for _, step in preparation.steps)
        kinds = WindowSummary, FewRowsImputer, StandardScaler
        if kinds == (type(summary), type(imputer), type(scaler)):
            return _OfLinear(estimator, summary, imputer, scaler)
    return None


class _OfDetector:
    def __init__(self, detector):
        self._detector = detector

    def __call__(self, X):
        scores = self._detector._score_samples
        if isinstance(scores, FewWindows):
            return scores.errors(X)
        return -np.asarray(scores(X), dtype=np.float64)


class _OfForest:
    def __init__(self, forest, imputer):
        self._forest, self._imputer = forest, imputer

    def __call__(self, X):
        cells, empty = self._imputer.filled(X.reshape(len(X), -1))
        values = -self._forest.scores(cells)
        values[empty] = np.nan
        return values


class CompiledSummary:
    """What ``summarised`` gives of windows, in compiled code."""

    def __init__(self, statistics):
        self._numbers = np.array([*map(NAMES.index, statistics)], dtype=np.int32)

    def __call__(self, X):
        from ..engines.native._kernels import summarise

        summary = np.empty((len(X), X.shape[2], len(self._numbers)), dtype=np.float32)
        summarise(plain(X), self._numbers, summary)
        return summary


class _OfLinear:
    """A linear classifier of summed-up windows."""

    def __init__(self, classifier, summary, imputer, scaler):
        statistics = summary.statistics_
        self._classifier, self._imputer = classifier, imputer
        self._summarised = partial(summarised, statistics=statistics)
        if has_kernels():
            self._summarised = CompiledSummary(statistics)
        self._center, self._scale = (
            None if array is None else array.astype(np.float32)
            for array in (scaler.mean_ if scaler.with_mean else None, scaler.scale_)
        )

    def __call__(self, X):
        cells, empty = self._imputer.filled(self._summarised(X).reshape(len(X), -1))
        if self._center is not None:
            cells = cells - self._center
        if self._scale is not None:
            cells = cells / self._scale
        odds = linear_odds(self._classifier, cells)
        odds[empty] = np.nan
        return odds


class MinusScores:
    """Scores of a committee of live members, higher for what is more normal."""

    def __init__(self, members):
        fitted = [LiveMember.of(member) for member in members.fitted]
        self._members = replace(members, fitted=fitted)

    def __call__(self, X):
        return -self._members.scores(X)
