# SPDX-License-Identifier: BSD-3-Clause
"""Fitted estimators that give the same for few windows or rows, sooner.

What those of scikit-learn take for one row is checks, and of a forest a call of joblib
for each tree: 14 ms for 100 trees, which can be gone down in 0.01.
"""

from functools import cached_property

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer

from .._trees import Tree, isolating_trees, rounded_down, usual_depth
from ..engines.native._built import has_kernels
from ..reconstruction._mixin import ReconstructionMixin

_FEW_ROWS = 1024  # of these it takes half of the time, and of one a hundredth
_NONE = np.empty(0, dtype=np.intp)
_FEW_WINDOWS = 32  # more are sooner done in blocks


def plain(array):
    """An array as compiled code takes it: itself, unless it is of another kind."""
    is_plain = array.dtype == np.float32 and array.flags.carray
    return array if is_plain else np.require(array, np.float32, "CA")


def for_few(estimator):
    """A fitted estimator, a copy that may be changed, as one that is sooner done."""
    if isinstance(estimator, ReconstructionMixin) and hasattr(estimator, "_network"):
        estimator._score_samples = FewWindows(estimator)
    if type(estimator) is IsolationForest and hasattr(estimator, "estimators_"):
        return CompiledForest.of(estimator)
    if type(estimator) is SimpleImputer and hasattr(estimator, "statistics_"):
        return FewRowsImputer.of(estimator)
    return estimator


class FewWindows:
    """Scores of a fitted network, of windows that were checked already."""

    def __init__(self, detector):
        self._detector = detector

    def __reduce__(self):
        return type(self), (self._detector,)  # an engine stays in its process

    @cached_property
    def compiled(self):
        """What gives the errors of windows in compiled code, or None."""
        judge = self._detector._judge
        return self._detector._network.compiled_errors(judge.rule, judge.score_on)

    @cached_property
    def _running(self):
        return self._detector._network.kept_running()

    def __call__(self, windows):
        return -self.errors(windows)

    def errors(self, windows):
        """What the scores are minus of."""
        if self.compiled is not None:
            return self.compiled(plain(windows))
        detector = self._detector
        if self._running is None or len(windows) > _FEW_WINDOWS:
            return -type(detector)._score_samples(detector, windows)
        return detector._judge.errors_of(*self._running(windows))


def _as(kind, estimator):
    live = kind.__new__(kind)
    vars(live).update(vars(estimator))
    return live


def _is_plain(X, n_columns):
    """Whether an array is what the checks of scikit-learn would let pass as it is."""
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.dtype in (np.float32, np.float64)
        and X.shape[1] == n_columns
        and 0 < len(X) <= _FEW_ROWS
    )


class FewRowsImputer(SimpleImputer):
    """A fitted SimpleImputer that puts one number for what is missing in a column."""

    @classmethod
    def of(cls, fitted):
        """The same imputer, or itself where it does more than to put numbers."""
        statistics = np.asarray(fitted.statistics_)
        is_plain = (
            fitted.missing_values != fitted.missing_values  # NaN
            and not fitted.add_indicator
            and statistics.dtype.kind == "f"
            and not np.isnan(statistics).any()
        )
        return _as(cls, fitted) if is_plain else fitted

    def transform(self, X):
        if not _is_plain(X, len(self.statistics_)) or np.isinf(X).any():
            return super().transform(X)
        return self.filled(X)[0]

    def filled(self, X):
        """The same of an array of as many columns, and rows of which all is missing."""
        missing = np.isnan(X)
        if not np.count_nonzero(missing):
            return X, _NONE
        filled = np.where(missing, self.statistics_.astype(X.dtype), X)
        return filled, np.flatnonzero(missing.all(axis=1))


class CompiledTrees:
    """What trees say of rows, added up one tree after the other: (n_samples,)."""

    def __init__(self, trees, n_columns):
        from ..engines.native._kernels import SumOfTrees

        self._given = trees, n_columns
        parts = [np.concatenate(part) for part in zip(*trees, strict=True)]
        arrays = Tree(*parts)._asdict()
        sizes = [len(tree.left) for tree in trees]
        integers = {
            "roots": np.cumsum([0, *sizes[:-1]]),
            "features": arrays["feature"],
            "left": arrays["left"],
            "right": arrays["right"],
        }
        self._add_up = SumOfTrees(
            columns=n_columns,
            splits=rounded_down(arrays["split"]),
            values=arrays["value"],
            **{name: array.astype(np.int32) for name, array in integers.items()},
        ).add_up

    def __reduce__(self):
        return type(self), self._given

    def __call__(self, rows):
        sums = np.empty(len(rows))
        self._add_up(plain(rows), sums)
        return sums


class CompiledForest(IsolationForest):
    """A fitted IsolationForest that goes down its trees in compiled code."""

    @classmethod
    def of(cls, fitted):
        """The same forest, or itself where its scores would not be the same."""
        if not has_kernels():
            return fitted
        live, trees = _as(cls, fitted), isolating_trees(fitted)
        live._sum_of_trees = CompiledTrees(trees, fitted.n_features_in_)
        live._usual = usual_depth(fitted)
        # Near the splits, where trees tell rows apart; the last bit counts.
        rng = np.random.default_rng(0)
        splits = np.concatenate([tree.split[~tree.is_leaf] for tree in trees])
        rows = np.zeros((32, fitted.n_features_in_), dtype=np.float32)
        if len(splits):
            rows[:] = rng.choice(splits, rows.shape)
        same = np.array_equal(live.scores(rows), fitted.score_samples(rows))
        return live if same else fitted

    def score_samples(self, X):
        if not _is_plain(X, self.n_features_in_):
            return super().score_samples(X)
        with np.errstate(over="ignore"):
            X = X.astype(np.float32)
        if not np.isfinite(X).all():
            return super().score_samples(X)
        return self.scores(X)

    def scores(self, X):
        """The same of an array of as many columns of finite numbers in float32."""
        depths = self._sum_of_trees(X)
        # Grown on one row each, trees tell no row from another.
        share = depths / self._usual if self._usual else np.ones(len(X))
        return -(2**-share)
