# SPDX-License-Identifier: BSD-3-Clause
"""Trees of scikit-learn as arrays."""

from typing import NamedTuple

import numpy as np

from ._sklearn import _average_path_length


class Tree(NamedTuple):
    """Of all nodes of a tree: what it goes by, and what a leaf adds."""

    left: np.ndarray
    right: np.ndarray
    is_leaf: np.ndarray
    feature: np.ndarray
    split: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray


def isolating_trees(forest):
    """Those of an IsolationForest: a leaf adds how deep a row is taken to lie in it."""
    pairs = zip(forest.estimators_, forest.estimators_features_, strict=True)
    return [_isolating(tree.tree_, columns) for tree, columns in pairs]


def _isolating(tree, columns):
    depths = tree.compute_node_depths() + _average_path_length(tree.n_node_samples)
    return Tree(
        tree.children_left,
        tree.children_right,
        tree.children_left < 0,
        np.asarray(columns)[np.maximum(tree.feature, 0)],
        tree.threshold,
        tree.missing_go_to_left.astype(bool),
        depths - 1.0,
    )


def usual_depth(forest):
    """What the trees of an IsolationForest add up to for a usual row.

    0 where they were grown on one row each: then the score of any row is that of a
    usual one.
    """
    of_one = _average_path_length(np.array([forest.max_samples_]))
    return float(len(forest.estimators_) * of_one[0])


def boosted_trees(classifier):
    """Those of a HistGradientBoostingClassifier of two classes."""
    return [_boosted(tree.nodes) for (tree,) in classifier._predictors]


def _boosted(nodes):
    return Tree(
        nodes["left"].astype(np.int64),
        nodes["right"].astype(np.int64),
        nodes["is_leaf"].astype(bool),
        nodes["feature_idx"],
        nodes["num_threshold"],
        nodes["missing_go_to_left"].astype(bool),
        nodes["value"],
    )


def rounded_down(splits):
    """The largest numbers of single precision that are no larger.

    A number of single precision exceeds one of these where it exceeds the split.
    """
    with np.errstate(over="ignore"):
        rounded = splits.astype(np.float32)
    return np.where(
        rounded > splits, np.nextafter(rounded, np.float32(-np.inf)), rounded
    )
