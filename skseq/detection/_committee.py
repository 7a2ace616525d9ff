# SPDX-License-Identifier: BSD-3-Clause
"""A committee that is fitted on a labelled past, and weighed on its held-out part."""

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression

from .._members import Members, bounded, fit_members
from .._sample_weight import taken
from .._validation import is_windows
from .._warnings import warn
from ..committee import default_detectors
from ..engines._cores import one_thread_of_blas
from ..windowing._held_out import HeldOut
from ._weights import cross_fitted, fit_weights, number_events

# Of so many windows a median is known to a few hundredths of a standard deviation.
_ENOUGH_FOR_A_MEDIAN = 1000


def default_members():
    return [
        *default_detectors(),
        ("logistic", LogisticRegression(C=0.01, class_weight="balanced")),
    ]


@dataclass(frozen=True)
class Past:
    """Windows, which of them are events, which hold one, and what is held out.

    ``weights`` of the windows are None where all count alike.
    """

    X: object
    event: np.ndarray
    holds_event: np.ndarray
    parts: HeldOut
    fit_on: str
    weights: np.ndarray | None = None

    @classmethod
    def of(cls, X, event, parts, fit_on, weights=None):
        holds_event = X.holds_any(event) if is_windows(X) else event
        return cls(X, event, holds_event, parts, fit_on, weights)

    def for_detectors(self, rows):
        """Those of some windows that detectors are fitted on."""
        return rows if self.fit_on == "all" else rows[~self.holds_event[rows]]

    def given_to(self, estimator, rows):
        """What a member is fitted on: windows, their weights, labels for a classifier.

        In the order of ``fit_members``.
        """
        if is_classifier(estimator):
            return self.X[rows], self.event[rows], taken(self.weights, rows)
        rows = self.for_detectors(rows)
        return self.X[rows], None, taken(self.weights, rows)


@contextmanager
def _reported(step, owner, estimator):
    """Tell callbacks of the fit of a member; it tells of its own steps if it can."""
    can_tell = hasattr(estimator, "set_callbacks")
    with step.propagate_callback_context(estimator) if can_tell else nullcontext():
        step.call_on_fit_task_begin(estimator=owner)
        yield
        step.call_on_fit_task_end(estimator=owner)


@dataclass(frozen=True)
class Committee:
    """Unfitted members by name, and how they are fitted for an estimator."""

    names: list
    estimators: list
    hidden: list
    owner: object
    task: object

    def without_classifiers(self):
        kept = [k for k, e in enumerate(self.estimators) if not is_classifier(e)]
        lists = (self.names, self.estimators, self.hidden)
        names, estimators, hidden = ([part[k] for k in kept] for part in lists)
        return replace(self, names=names, estimators=estimators, hidden=hidden)

    def fitted(self, past, rows, before=()):
        """A fitted copy of each member.

        Networks go on from the weights of those ``before``, fitted to some of the rows.
        """
        jobs = []
        members = zip_longest(self.names, self.estimators, self.hidden, before)
        for name, estimator, hidden, start in members:
            step = self.task.subcontext(task_name=f"fit-{name}")
            report = partial(_reported, step, self.owner)
            given = past.given_to(estimator, rows)
            start = start and start.estimator
            jobs.append((clone(estimator), *given, hidden, report, start))
        return fit_members(jobs, self.owner)


def _why_not_weighed(past):
    """Why no weights can be learnt, or None; and whether it is to be warned of."""
    if not past.parts.n_events[1]:
        return "no event"
    if past.holds_event[past.parts.held_out].all():
        return "no window without an event"
    return None


def fit_committee(committee, past, *, refit):
    """Fit the members, and weigh them on the held-out windows.

    Parameters
    ----------
    committee : Committee

    past : Past

    refit : bool

    Returns
    -------
    members : Members
        Without weights where the held-out part cannot tell them.

    score : ndarray of float64
        Of the held-out windows, higher for events, NaN where one is not judged.

    is_cross_fitted : bool
        Whether ``score`` is of weights that did not see these windows.

    standardized : ndarray of shape (n_held_out, n_members)
        What each member by itself says of the held-out windows.
    """
    committee, can_weigh = _those_to_fit(committee, past)
    held_out = past.parts.held_out
    X, event = past.X[held_out], past.event[held_out]
    members, standardized = Members.judged_on(
        committee.names,
        committee.fitted(past, past.parts.training),
        X,
        _usual(past.holds_event[held_out]),
    )
    score, is_cross_fitted = None, False
    if can_weigh:
        weights = taken(past.weights, held_out)
        with one_thread_of_blas():
            members, score = _weighed(members, X, event, standardized, weights)
        is_cross_fitted = score is not None
    if score is None:
        score = members.combined(standardized)
    if refit:
        both = past.for_detectors(past.parts.training)
        fitted = committee.fitted(past, np.arange(len(past.X)), members.fitted)
        members = members.fitted_again(fitted, past.X[both[:: _step(len(both))]])
    return members, score, is_cross_fitted, standardized


def _step(n_windows):
    return max(n_windows // _ENOUGH_FOR_A_MEDIAN, 1)


def _usual(holds_event):
    """Those that tell what is usual: all, where every one holds an event."""
    return ~holds_event if not holds_event.all() else slice(None)


def _those_to_fit(committee, past):
    """The members that can be fitted and judged, and whether they can be weighed."""
    detectors = committee.without_classifiers()
    reason = _why_not_weighed(past)
    if reason is not None and detectors.names:
        if past.event.any():
            warn(
                f"The part held out ({past.parts.place}) has {reason}: the members "
                "cannot be weighed. The detectors count alike, and "
                f"classifiers have no part in it. {past.parts.remedy}"
            )
        return detectors, False
    has_classifiers = len(detectors.names) < len(committee.names)
    is_lost = has_classifiers and not past.event[past.parts.training].any()
    if reason is not None or (is_lost and not detectors.names):
        raise ValueError(
            "The members of 'detector' are classifiers alone, which need events to be "
            f"trained on, and some held out. There are {past.parts.n_events[0]} in the "
            f"training part and {past.parts.n_events[1]} held out "
            f"({past.parts.place}). Add a detector, or label more events."
        )
    if is_lost:
        warn(
            "No event is left to train on: classifiers have no part in the committee. "
            f"{past.parts.remedy}"
        )
    return (detectors if is_lost else committee), True


def _weighed(members, X, event, standardized, weights):
    """The members with weights, and scores by weights that did not see their window.

    The scores are None where there are too few events for that.
    """
    judged = np.flatnonzero(~np.isnan(standardized).all(axis=1))
    seen, labels = bounded(standardized[judged]), event[judged]
    counts = taken(weights, judged)
    if not labels.any() or labels.all():
        return members, None
    events = number_events(X[judged], labels)
    weights = fit_weights(seen, events, counts=counts)
    if not weights.any():
        warn(
            "No member of the committee scores the held-out events higher than the "
            "rest: they cannot be weighed, and count alike."
        )
        return members, None
    weighed = cross_fitted(X[judged], seen, events, counts)
    members = replace(members, weights=weights)
    if weighed is None:
        return members, None
    score = np.full(len(event), np.nan)
    score[judged] = weighed
    return members, score
