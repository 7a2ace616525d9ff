# SPDX-License-Identifier: BSD-3-Clause
"""Context features: those that explain the others, and are not judged."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

CONTEXT_FEATURES = ["array-like", None]


def context_mask(estimator, X):
    """The mask of the ``context_features`` of an estimator; None where there are none.

    Parameters
    ----------
    estimator : estimator
        Whose input was checked.
    X : ndarray of shape (n_samples, n_timesteps, n_features) or Windows

    Returns
    -------
    is_context : ndarray of bool of shape (n_features,) or None

    Raises
    ------
    ValueError
        If they are not names, indices or a mask of features, or are all of these.
    """
    if estimator.context_features is None:
        return None
    given, n_features = np.asarray(estimator.context_features), X.shape[2]
    whose = f"The 'context_features' parameter of {type(estimator).__name__}"
    if given.ndim != 1:
        raise ValueError(f"{whose} must be 1-D. Got an array of {given.shape} instead.")
    if given.dtype.kind == "b":
        is_context = _masked(given, n_features, whose)
    elif not given.size or given.dtype.kind in "iu":
        is_context = _at(given.astype(int), n_features, whose)
    elif all(isinstance(name, str) for name in given.tolist()):
        is_context = _named(given, getattr(estimator, "feature_names_in_", None), whose)
    else:
        raise ValueError(
            f"{whose} must be a list of names (str), of indices (int), or a mask "
            f"(bool). Got {estimator.context_features!r} instead."
        )
    if is_context.all():
        raise ValueError(
            f"{whose} names all of the {n_features} features, and leaves none to judge."
        )
    return is_context if is_context.any() else None


def _masked(given, n_features, whose):
    if len(given) != n_features:
        raise ValueError(
            f"{whose} is a mask of {len(given)} features, but X has {n_features}. Give "
            "one bool for each."
        )
    return given.copy()


def _at(given, n_features, whose):
    wrong = given[(given < 0) | (given >= n_features)]
    if len(wrong):
        raise ValueError(
            f"{whose} holds {wrong[0]}, which is not the index of one of {n_features} "
            "features."
        )
    is_context = np.zeros(n_features, dtype=bool)
    is_context[given] = True
    return is_context


def _named(given, names, whose):
    if names is None:
        raise ValueError(
            f"{whose} names {given.tolist()[0]!r}, but X has no names of features. "
            "Give indices, or Windows of a DataFrame."
        )
    unknown = [name for name in given.tolist() if name not in names]
    if unknown:
        raise ValueError(
            f"{whose} names {unknown[0]!r}, which is not a feature of X: it has "
            f"{', '.join(names)}."
        )
    return np.isin(names.astype(str), given.astype(str))


def judged_columns(is_context):
    """What picks the features that are judged out of an axis of all."""
    return slice(None) if is_context is None else np.flatnonzero(~is_context)


def check_context(estimator, context, n_samples):
    """Validate the context that latent vectors are decoded under.

    Returns
    -------
    context : ndarray of shape (n_samples, n_timesteps, n_context), float32, or None
        Where the estimator has none. NaN stands for what is not known.
    """
    check_is_fitted(estimator)
    is_context = getattr(estimator, "is_context_", None)
    if is_context is None:
        if context is not None:
            raise ValueError(
                f"'context' was given, but this {type(estimator).__name__} was fitted "
                "without 'context_features'."
            )
        return None
    shape = n_samples, estimator.sequence_shape_[0], int(is_context.sum())
    if context is None:
        return np.full(shape, np.nan, dtype=np.float32)
    context = np.asarray(context, dtype=np.float32)
    if context.shape != shape:
        raise ValueError(
            f"'context' must be of shape (n_samples, n_timesteps, n_context) = {shape}:"
            f" the 'context_features' alone, at each step. Got {context.shape} instead."
        )
    return context
