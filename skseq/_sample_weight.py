# SPDX-License-Identifier: BSD-3-Clause
"""Weights of sequences: what each counts for in a fit."""

import numpy as np
from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from ._sklearn import _check_sample_weight
from ._validation import named_errors


def check_weights(sample_weight, X):
    """Weights of mean 1, in float64; None where all count alike.

    So what is trained hangs on their ratios alone, and on their scale no more than that
    of sequences that are repeated does.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), a number, or None

    X : array-like of n_samples

    Raises
    ------
    ValueError
        If they are not one for each sequence, negative, not finite, or all 0.
    """
    if sample_weight is None:
        return None
    with named_errors("sample_weight"):
        weights = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        weights = weights / weights.max()  # their sum may not be finite
    if (weights == weights[0]).all():
        return None
    return weights / weights.mean()


def weighed(X, sample_weight):
    """The sequences that have a weight, their weights of mean 1, and where they are.

    Returns
    -------
    X : ndarray of shape (n_kept, n_timesteps, n_features) or Windows

    weights : ndarray of shape (n_kept,) or None
        None where all count alike.

    kept : ndarray of int of shape (n_kept,) or slice
    """
    weights = check_weights(sample_weight, X)
    if weights is None:
        return X, None, slice(None)
    kept = np.flatnonzero(weights)
    if len(kept) == len(weights):
        return X, weights, slice(None)
    X = X[kept]
    return X, check_weights(weights[kept], X), kept


def taken(weights, rows):
    """Weights of some rows; None where all count alike."""
    return None if weights is None else weights[rows]


def fit_params(estimator, weights):
    """What hands weights to a ``fit``: nothing where it takes none.

    A pipeline is handed those of its last step. With scikit-learn's metadata routing
    switched on, its steps say by their requests which of them are given any.
    """
    if weights is None:
        return {}
    if not isinstance(estimator, Pipeline):
        takes = has_fit_parameter(estimator, "sample_weight")
        return {"sample_weight": weights} if takes else {}
    if get_config()["enable_metadata_routing"]:
        routing = get_routing_for_object(estimator)
        return dict.fromkeys(routing.consumes("fit", ["sample_weight"]), weights)
    name, last = estimator.steps[-1]
    return {f"{name}__{key}": value for key, value in fit_params(last, weights).items()}
