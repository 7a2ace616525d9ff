# SPDX-License-Identifier: BSD-3-Clause
"""Weights of the members of a committee, from held-out windows and their labels."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from .._sample_weight import taken
from .._validation import is_windows
from ..windowing._labelled import Labelled, time_order

# Beside a mean loss for each event: so much is known, however many windows it has. Of
# one event, which a member may tell by a whim, it shares the weight among members.
RIDGE = 0.01
# A member of less tells little of the events that the others do not, and may drift all
# the same. Chosen on generated tables: benchmarks/RESULTS.md, "No small weights".
LEAST_WEIGHT = 0.2
# So that, with one fold of events left out, weights are still set by three of them.
MIN_EVENTS_TO_CROSS = 4
_N_FOLDS = 5


def fit_weights(scores, events, ridge=RIDGE, counts=None):
    """Non-negative weights of scores, by a logistic regression; they sum up to 1.

    The log losses of the events and those of the rest count alike; ``ridge / 2`` times
    the sum of the squared weights, over the number of events, is added to their mean.
    So the weighed score is a mean of scores, in their units, however well it tells the
    events: that of a regression grows without bound as these stand out. Members with
    less than a fifth of it are left out in turn, the least first, and the others
    weighed anew.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_members)
        Finite.

    events : ndarray of int of shape (n_samples,)
        Number of the event that each sample is of, 0 for none. Of both kinds.

    ridge : float

    counts : ndarray of shape (n_samples,), default=None
        Positive weight of each sample among those of its kind. None for all alike.

    Returns
    -------
    weights : ndarray of shape (n_members,)
        All 0 where no score is higher for events.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.
    .. [2] L. Breiman, "Stacked regressions", Machine Learning 24(1), 1996, which finds
       that the weights must not be negative.
    """
    weights = np.zeros(scores.shape[1])
    kept = np.arange(len(weights))
    while True:
        of_kept = _regression_weights(scores[:, kept], events, ridge, counts)
        least = of_kept.argmin()
        if of_kept[least] >= LEAST_WEIGHT or not of_kept.any():
            weights[kept] = of_kept
            return weights
        kept = np.delete(kept, least)


def _regression_weights(scores, events, ridge, counts):
    """Those of a logistic regression on all of the scores."""
    event = events > 0
    ridge = ridge / len(np.unique(events[event]))
    sign = np.where(event, 1.0, -1.0)
    # As of scikit-learn's class_weight="balanced".
    share = np.ones(len(event)) if counts is None else counts
    share = 0.5 * share / np.where(event, share[event].sum(), share[~event].sum())

    def objective(parameters):
        intercept, weights = parameters[0], parameters[1:]
        margin = sign * (scores @ weights + intercept)
        loss = share @ np.logaddexp(0, -margin) + ridge / 2 * weights @ weights
        slope = -share * sign * expit(-margin)
        gradient = np.append(slope.sum(), scores.T @ slope + ridge * weights)
        return loss, gradient

    weights = minimize(
        objective,
        np.zeros(1 + scores.shape[1]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None)] + [(0, None)] * scores.shape[1],
        options={"ftol": 1e-12, "gtol": 1e-8, "maxiter": 1000},
    ).x[1:]
    return weights / (weights.sum() or 1)


def number_events(X, event):
    """Number of the event that each window is of: runs of a series, 0 for none."""
    return Labelled(X, event).events


def folds_of_events(X, events):
    """Fold of each window: neighbours in time, with as many events in each.

    A bound between two folds lies midway between two events. None of too few events.
    """
    order = time_order(X.ends) if is_windows(X) else slice(None)
    events = events[order]
    n_events = events.max()
    if n_events < MIN_EVENTS_TO_CROSS:
        return None
    n_folds = min(_N_FOLDS, n_events)
    first, last = (
        np.array([np.flatnonzero(events == k)[end] for k in range(1, n_events + 1)])
        for end in (0, -1)
    )
    fold_of_event = np.arange(n_events) * n_folds // n_events
    changes = np.flatnonzero(np.diff(fold_of_event))
    bounds = (last[changes] + first[changes + 1] + 1) // 2
    folds = np.empty(len(events), dtype=int)
    folds[order] = np.searchsorted(bounds, np.arange(len(events)), side="right")
    return folds


def cross_fitted(X, scores, events, counts=None):
    """Weighed scores of windows by weights that none of their rows was used for.

    Returns
    -------
    weighed : ndarray of shape (n_samples,) or None
        None where there are too few events, or a fold would leave no normal window.
    """
    folds = folds_of_events(X, events)
    if folds is None:
        return None
    weighed = np.empty(len(scores))
    for fold in np.unique(folds):
        inside = folds == fold
        others = ~inside
        if is_windows(X):
            others &= ~X.shares_rows(X[inside])
        if events[others].all() or not events[others].any():
            return None
        weights = fit_weights(
            scores[others], events[others], counts=taken(counts, others)
        )
        weighed[inside] = scores[inside] @ weights
    return weighed
