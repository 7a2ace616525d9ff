# SPDX-License-Identifier: BSD-3-Clause
"""Trees of scikit-learn as one node of an ONNX graph."""

from typing import NamedTuple

import numpy as np

from .._detectors import path_lengths
from .._sklearn import _average_path_length


class _Tree(NamedTuple):
    """Of all nodes of a tree: what it goes by, and what a leaf adds."""

    left: np.ndarray
    right: np.ndarray
    is_leaf: np.ndarray
    feature: np.ndarray
    split: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray


def _rounded_down(splits):
    """The largest numbers of single precision that are no larger.

    A number of single precision is below these where it is below the splits.
    """
    with np.errstate(over="ignore"):
        rounded = splits.astype(np.float32)
    return np.where(
        rounded > splits, np.nextafter(rounded, np.float32(-np.inf)), rounded
    )


def _sum_of_trees(graph, x, trees):
    sizes = [len(tree.left) for tree in trees]
    left, right, is_leaf, feature, split, missing_left, value = (
        np.concatenate(part) for part in zip(*trees, strict=True)
    )
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    return graph.trees(
        x,
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_modes=np.where(is_leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_featureids=np.where(is_leaf, 0, feature).tolist(),
        nodes_values=_rounded_down(np.where(is_leaf, 0, split)).tolist(),
        nodes_truenodeids=np.where(is_leaf, 0, left).tolist(),
        nodes_falsenodeids=np.where(is_leaf, 0, right).tolist(),
        nodes_missing_value_tracks_true=(missing_left & ~is_leaf).astype(int).tolist(),
        target_treeids=tree_ids[is_leaf].tolist(),
        target_nodeids=node_ids[is_leaf].tolist(),
        target_ids=np.zeros(np.count_nonzero(is_leaf), int).tolist(),
        target_weights=value[is_leaf].tolist(),
    )


def _isolating(tree, columns):
    return _Tree(
        tree.children_left,
        tree.children_right,
        tree.children_left < 0,
        np.asarray(columns)[np.maximum(tree.feature, 0)],
        tree.threshold,
        tree.missing_go_to_left.astype(bool),
        path_lengths(tree),
    )


def isolation_errors(graph, forest, x):
    """Minus ``score_samples`` of an IsolationForest: (n_samples,)."""
    pairs = zip(forest.estimators_, forest.estimators_features_, strict=True)
    trees = [_isolating(tree.tree_, columns) for tree, columns in pairs]
    depth = _sum_of_trees(graph, x, trees)
    # Of a single training sample all depths are 0, and the score is set to 1.
    usual = len(trees) * _average_path_length(np.array([forest.max_samples_]))
    share = graph.add("Div", depth, usual) if usual.all() else np.ones(1)
    return graph.add("Pow", np.float64(2), graph.add("Neg", share))


def _boosted(nodes):
    return _Tree(
        nodes["left"].astype(np.int64),
        nodes["right"].astype(np.int64),
        nodes["is_leaf"].astype(bool),
        nodes["feature_idx"],
        nodes["num_threshold"],
        nodes["missing_go_to_left"].astype(bool),
        nodes["value"],
    )


def boosted_log_odds(graph, classifier, x):
    """``decision_function`` of a HistGradientBoostingClassifier: (n_samples,)."""
    trees = [_boosted(tree.nodes) for (tree,) in classifier._predictors]
    start = np.asarray(classifier._baseline_prediction, np.float64).reshape(-1)
    return graph.add("Add", _sum_of_trees(graph, x, trees), start)
