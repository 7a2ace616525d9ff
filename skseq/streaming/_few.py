# SPDX-License-Identifier: BSD-3-Clause
"""Fitted estimators that give the same for few windows or rows, sooner.

What those of scikit-learn take for one row is checks, and of a forest a call of joblib
for each tree: 14 ms for 100 trees, which can be gone down in 0.1.
"""

from functools import cached_property

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer

from .._detectors import path_lengths
from .._sklearn import _average_path_length
from ..reconstruction._mixin import ReconstructionMixin

_FEW_ROWS = 1024  # of these it takes half of the time, and of one a hundredth
_FEW_WINDOWS = 32  # more are sooner done in blocks


def for_few(estimator):
    """A fitted estimator, a copy that may be changed, as one that is sooner done."""
    if isinstance(estimator, ReconstructionMixin) and hasattr(estimator, "_network"):
        estimator._score_samples = FewWindows(estimator)
    if type(estimator) is IsolationForest and hasattr(estimator, "estimators_"):
        return FewRowsForest.of(estimator)
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
    def error_of_one(self):
        """What gives the error of one window, minus which is its score, or None."""
        judge = self._detector._judge
        return self._detector._network.error_of_one(judge.rule, judge.score_on)

    @cached_property
    def _running(self):
        return self._detector._network.kept_running()

    def __call__(self, windows):
        detector = self._detector
        if self._running is None or len(windows) > _FEW_WINDOWS:
            return type(detector)._score_samples(detector, windows)
        if self.error_of_one is None:
            return -detector._judge.errors_of(*self._running(windows))
        windows = np.require(windows, np.float32, "CA")
        return -np.array([self.error_of_one(window) for window in windows])


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
        return np.where(np.isnan(X), self.statistics_.astype(X.dtype), X)


class FewRowsForest(IsolationForest):
    """A fitted IsolationForest that goes down all of its trees at once."""

    @classmethod
    def of(cls, fitted):
        """The same forest, or itself where its scores would not be the same."""
        n_columns = fitted.n_features_in_
        sees_all = all(len(seen) == n_columns for seen in fitted.estimators_features_)
        if not sees_all or fitted.max_samples_ < 2:
            return fitted
        live = _as(cls, fitted)
        live._set_trees([tree.tree_ for tree in fitted.estimators_])
        # Near the splits, where trees tell rows apart; the last bit counts.
        rng = np.random.default_rng(0)
        rows = np.empty((32, n_columns), dtype=np.float32)
        splits = live._splits[np.isfinite(live._splits)]
        rows[:] = rng.choice(splits, rows.shape) if len(splits) else 0
        same = np.array_equal(live._few_scores(rows), fitted.score_samples(rows))
        return live if same else fitted

    def _set_trees(self, trees):
        """Of all nodes: its feature, its split, its two children, what it adds."""
        sizes = [tree.node_count for tree in trees]
        self._roots = np.cumsum([0, *sizes[:-1]])
        is_leaf = np.concatenate([tree.children_left < 0 for tree in trees])
        features, splits = (
            np.concatenate([getattr(tree, name) for tree in trees])
            for name in ("feature", "threshold")
        )
        self._features = np.where(is_leaf, 0, features)
        self._splits = np.where(is_leaf, np.inf, splits)
        children = np.concatenate(
            [
                np.column_stack([tree.children_left, tree.children_right]) + root
                for tree, root in zip(trees, self._roots, strict=True)
            ]
        )
        nodes = np.arange(len(is_leaf))[:, np.newaxis]  # a leaf leads to itself
        self._children = np.where(is_leaf[:, np.newaxis], nodes, children).ravel()
        self._depth = max(tree.max_depth for tree in trees)
        self._adds = np.concatenate([path_lengths(tree) for tree in trees])
        self._usual = len(trees) * _average_path_length(np.array([self.max_samples_]))

    def score_samples(self, X):
        if not _is_plain(X, self.n_features_in_):
            return super().score_samples(X)
        with np.errstate(over="ignore"):
            X = X.astype(np.float32)
        if not np.isfinite(X).all():
            return super().score_samples(X)
        return self._few_scores(X)

    def _few_scores(self, X):
        rows = np.arange(len(X))[:, np.newaxis] * X.shape[1]
        cells, nodes = X.ravel(), np.tile(self._roots, (len(X), 1))
        for _ in range(self._depth):
            is_right = cells[self._features[nodes] + rows] > self._splits[nodes]
            nodes = self._children[2 * nodes + is_right]
        # One tree after the other, as the forest adds them up.
        depths = np.add.accumulate(self._adds[nodes], axis=1)[:, -1]
        return -(2 ** -(depths / self._usual))
