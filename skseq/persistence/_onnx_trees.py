# SPDX-License-Identifier: BSD-3-Clause
"""Trees of scikit-learn as one node of an ONNX graph."""

import numpy as np

from .._trees import boosted_trees, isolating_trees, rounded_down, usual_depth


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
        nodes_values=rounded_down(np.where(is_leaf, 0, split)).tolist(),
        nodes_truenodeids=np.where(is_leaf, 0, left).tolist(),
        nodes_falsenodeids=np.where(is_leaf, 0, right).tolist(),
        nodes_missing_value_tracks_true=(missing_left & ~is_leaf).astype(int).tolist(),
        target_treeids=tree_ids[is_leaf].tolist(),
        target_nodeids=node_ids[is_leaf].tolist(),
        target_ids=np.zeros(np.count_nonzero(is_leaf), int).tolist(),
        target_weights=value[is_leaf].tolist(),
    )


def isolation_errors(graph, forest, x):
    """Minus ``score_samples`` of an IsolationForest: (n_samples,)."""
    depth = _sum_of_trees(graph, x, isolating_trees(forest))
    usual = np.array([usual_depth(forest)])
    share = graph.add("Div", depth, usual) if usual.all() else np.ones(1)
    return graph.add("Pow", np.float64(2), graph.add("Neg", share))


def boosted_log_odds(graph, classifier, x):
    """``decision_function`` of a HistGradientBoostingClassifier: (n_samples,)."""
    trees = boosted_trees(classifier)
    start = np.asarray(classifier._baseline_prediction, np.float64).reshape(-1)
    return graph.add("Add", _sum_of_trees(graph, x, trees), start)
