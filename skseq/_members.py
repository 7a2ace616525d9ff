# SPDX-License-Identifier: BSD-3-Clause
"""Named members of a committee: how they are given, fitted, scored and compared."""

import copy
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from scipy.special import logit
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._detectors import (
    fit_on_windows,
    give_context,
    is_error,
    log_errors,
    score_windows,
    seed,
    takes_sequences,
    without_features,
)
from ._sample_weight import fit_params
from ._sklearn import LinearClassifierMixin, _BaseComposition
from ._validation import check_sequences, is_windows
from .engines._cores import one_thread_of_blas
from .reconstruction._context import context_mask, judged_columns
from .reconstruction._offset import NORMAL_QUANTILE
from .training._side_by_side import only_trains, side_by_side
from .windowing import WindowSummary

# What a forest of a hundred trees calls impossible is rarer than one in a hundred.
_LEAST_PROBABILITY = 1e-4
_MANY = 4096  # windows that are worth a thread
# A weighed score further out than this is as good as here, and cannot outvote all.
_FARTHEST = 10.0


def has_members(self):
    """Tell a committee: by its fit, or what it is to be fitted with."""
    if hasattr(self, "_members"):
        return self._members is not None
    return isinstance(getattr(self, self._members_parameter), list | None)


class NamedMembers(_BaseComposition):
    """Parameters of a list of (name, estimator), or of those that None stands for.

    A class that uses it names its parameter in ``_members_parameter``, and gives the
    default by ``_default_members()``.
    """

    def get_params(self, deep=True):
        """Get the parameters, those of the members, by default too, included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to give the members, and their parameters, too.

        Returns
        -------
        params : dict
        """
        parameter = self._members_parameter
        given = getattr(self, parameter)
        if given is None and deep:
            twin = copy.copy(self)
            setattr(twin, parameter, self._default_members())
            return twin._get_params(parameter) | {parameter: None}
        if isinstance(given, list):
            return self._get_params(parameter, deep)
        return super().get_params(deep)

    def set_params(self, **params):
        """Set parameters; a member by its name, and its parameters by ``name__``.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : object
            The estimator.
        """
        parameter = self._members_parameter
        if params.get(parameter, getattr(self, parameter)) is None:
            defaults = self._default_members()
            if {name.split("__")[0] for name in params} & {*dict(defaults)}:
                params[parameter] = defaults
        return self._set_params(parameter, **params)

    def _checked_members(self, check):
        """Names and estimators of those that are not dropped."""
        parameter = self._members_parameter
        place = f"The {parameter!r} parameter of {type(self).__name__}"
        given = getattr(self, parameter)
        given = self._default_members() if given is None else given
        for item in given:
            if not (isinstance(item, (tuple, list)) and len(item) == 2):
                raise ValueError(
                    f"{place} must be a list of (name, estimator). Got {item!r} in it "
                    "instead."
                )
        self._validate_names([name for name, _ in given])
        kept = [(n, d) for n, d in given if not (isinstance(d, str) and d == "drop")]
        if not kept:
            raise ValueError(
                f"{place} holds none that is not dropped. Give at least one."
            )
        for name, estimator in kept:
            check(estimator, f"The member {name!r} of {parameter!r}")
        return [name for name, _ in kept], [estimator for _, estimator in kept]

    @property
    def named_estimators_(self):
        """The fitted members by name."""
        estimators = [member.estimator for member in self._members.fitted]
        return Bunch(**dict(zip(self._members.names, estimators, strict=True)))

    @available_if(has_members)
    def member_scores(self, X):
        """Errors of the members, in units of what is usual for each: larger is worse.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        scores : DataFrame of shape (n_samples, n_members)
            0 is the median of normal sequences, 1 their 0.99 quantile. NaN where a
            member does not judge.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        scores = self._members.standardized(sequences)
        index = X.index if isinstance(getattr(X, "index", None), pd.Index) else None
        return pd.DataFrame(scores, index, self._members.names)


def seeded(estimators, random_state):
    """Copies, in which every ``random_state`` that is None is set, each to another."""
    rng = None if random_state is None else check_random_state(random_state)
    return [seed(clone(estimator), rng) for estimator in estimators]


def hidden_from(estimators, owner, X):
    """Masks of the features that each unfitted member is not shown, or None.

    The ``context_features`` of the owner are set of detectors that know of such. A
    classifier sees them, as they explain to it what it is to tell apart.
    """
    is_context = context_mask(owner, X)
    knowing = [
        is_classifier(estimator) or give_context(estimator, owner.context_features)
        for estimator in estimators
    ]
    return [None if knows else is_context for knows in knowing]


class Member(NamedTuple):
    """A fitted estimator, what prepares windows for it or None, what it may not see."""

    estimator: BaseEstimator
    preparation: BaseEstimator | None
    hidden: np.ndarray | None

    def values(self, X):
        """What it says of windows, higher for events."""
        if is_classifier(self.estimator):
            return _log_odds(self.estimator, self.preparation, X)
        return score_windows(*self[:2], X, self.hidden)

    def explains(self, per):
        """Tell whether its score can be shared out among features, or cells."""
        is_linear = self.preparation is not None and hasattr(self.estimator, "coef_")
        return hasattr(self.estimator, "explain") or (is_linear and per == "feature")

    def shares(self, X, shape, per):
        """Share of each column in its score; 0 for what it is not shown."""
        if hasattr(self.estimator, "explain"):
            seen = without_features(X, self.hidden)
            of_columns = self.estimator.explain(seen, per=per).to_numpy()
        else:
            of_columns = self._linear_parts(X)
        total = of_columns.sum(axis=1, keepdims=True)
        of_columns = of_columns / np.where(total, total, 1)
        shares = np.zeros((len(X), *shape))
        shares[..., judged_columns(self.hidden)] = of_columns.reshape(
            len(X), *shape[:-1], -1
        )
        return shares

    def _linear_parts(self, X):
        """What each feature adds to the log-odds of a linear classifier, beyond usual.

        What speaks against an event is no part of the score that it has all the same.
        """
        parts = linear_parts(self.estimator, self.preparation.transform(X))
        return np.maximum(parts.reshape(len(X), X.shape[2], -1).sum(axis=2), 0)


def _fit_classifier(classifier, X, y, weights):
    """Fit a classifier; what summed up its windows, or None if it takes windows."""
    given = fit_params(classifier, weights)
    if takes_sequences(classifier):
        classifier.fit(X, y, **given)
        return None
    summary = make_pipeline(
        WindowSummary(), SimpleImputer(keep_empty_features=True), StandardScaler()
    )
    classifier.fit(summary.fit_transform(X), y, **given)
    return summary


@contextmanager
def _going_on(estimator, before):
    """Let a network go on from the weights that it came to on a part of the windows."""
    name = getattr(estimator, "_warm_start", None)
    if before is None or name is None:
        yield
        return
    given, own = estimator.get_params(deep=False), estimator.get_params()[name]
    estimator.set_params(**{name: True})
    vars(estimator).update({k: v for k, v in vars(before).items() if k.endswith("_")})
    yield
    estimator.set_params(**{name: own})
    vars(estimator).update(given)


def _fit_member(estimator, X, y, weights, hidden, report, before=None):
    with report(estimator), _going_on(estimator, before):
        if is_classifier(estimator):
            preparation = _fit_classifier(estimator, X, y, weights)
        else:
            preparation = fit_on_windows(estimator, X, hidden, weights)
    return Member(estimator, preparation, hidden)


def fit_members(jobs, owner):
    """Fit estimators, each to windows and, where it is a classifier, their labels.

    Parameters
    ----------
    jobs : iterable of (estimator, X, y, weights, hidden, report[, before])
        ``weights`` are those of the windows, or None; ``hidden`` is a mask of the
        features that it is not to see, or None; ``report`` is called with the estimator
        for the context in which it is fitted; ``before`` is the same estimator, fitted
        to some of the windows, or None.

    owner : estimator
        That of the members, with ``n_jobs``: where this is None, networks are trained
        side by side in threads.

    Returns
    -------
    fitted : list of Member
    """
    jobs = list(jobs)
    train = [only_trains(estimator) for estimator, *_ in jobs]
    for job, in_thread in zip(jobs, train, strict=True):
        if in_thread:  # no order of threads is to tell what each draws
            seed(job[0], check_random_state(np.random))
    with one_thread_of_blas() if sum(train) > 1 else nullcontext():
        if owner.n_jobs is not None or effective_n_jobs(owner.n_jobs) > 1:
            fit_one = delayed(_fit_member)
            return Parallel(n_jobs=owner.n_jobs)(fit_one(*job) for job in jobs)
        if getattr(owner, "_skl_callbacks", None):
            train = [False] * len(jobs)
        return side_by_side([partial(_fit_member, *job) for job in jobs], train)


def _observed(X):
    """Flags of the windows of which any cell was observed."""
    if is_windows(X):
        return X._hold(~np.isnan(X.table).all(axis=1))
    return ~np.isnan(X).all(axis=(1, 2))


def is_linear(estimator):
    """Whether a classifier weighs its columns as LogisticRegression does."""
    own = getattr(type(estimator), "decision_function", None)
    return own is LinearClassifierMixin.decision_function


def linear_odds(classifier, cells):
    """``decision_function`` of a linear classifier of two classes, in float64.

    A product of matrices adds up in an order that hangs on how many rows it has.
    """
    return np.add.reduce(linear_parts(classifier, cells), 1) + classifier.intercept_


def linear_parts(classifier, cells):
    """What each column adds to its ``decision_function``: (n_samples, n_columns)."""
    weights = np.ravel(classifier.coef_)  # of some in two dimensions
    return np.multiply(cells, weights, dtype=np.float64, order="C")


def _log_odds(classifier, preparation, X):
    """How much more likely an event is, to a classifier of two classes."""
    cells = X if preparation is None else preparation.transform(X)
    if preparation is not None and is_linear(classifier):
        odds = linear_odds(classifier, cells)
    elif hasattr(classifier, "decision_function"):
        odds = np.asarray(classifier.decision_function(cells), dtype=np.float64)
    else:
        probability = np.asarray(classifier.predict_proba(cells), np.float64)[:, 1]
        odds = logit(np.clip(probability, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY))
    return np.where(_observed(X), odds, np.nan)


def _side_by_side(functions, fitted, X):
    """Ask fitted members about windows: those with networks in threads, of many."""
    if len(X) < _MANY:
        return [function() for function in functions]
    in_thread = [only_trains(member.estimator) for member in fitted]
    return side_by_side(functions, in_thread)


def _values(fitted, X):
    """What each fitted member says of windows: (n_samples, n_members)."""
    asked = [partial(member.values, X) for member in fitted]
    values = np.empty((len(X), len(fitted)))
    for k, said in enumerate(_side_by_side(asked, fitted, X)):
        values[:, k] = said
    return values


@dataclass(frozen=True)
class Members:
    """Fitted members, what is usual for each, and how they are put together.

    Without ``weights`` all count alike, by the distance from what is usual.
    """

    names: list
    fitted: list
    logarithmic: np.ndarray
    centers: np.ndarray
    scales: np.ndarray
    weights: np.ndarray | None = None

    @classmethod
    def judged_on(cls, names, fitted, X, usual=slice(None)):
        """Learn from windows that were not trained on what is usual.

        ``usual`` tells those that hold no event, where that is known.

        Returns
        -------
        members : Members

        standardized : ndarray of shape (n_samples, n_members)
            Of all these windows.
        """
        values = _values(fitted, X)
        normal = values[usual]
        if np.isnan(normal).all(axis=0).any():
            raise ValueError(
                "None of the windows that are held out has an observed cell. Give a "
                "larger 'validation_fraction', or later rows with data."
            )
        logarithmic = np.array(
            [
                not is_classifier(member.estimator) and is_error(value)
                for member, value in zip(fitted, values.T, strict=True)
            ]
        )
        members = cls(names, fitted, logarithmic, np.zeros(1), np.ones(1))
        logs = members._logs_of(values)
        centers, far = np.nanquantile(logs[usual], [0.5, NORMAL_QUANTILE], axis=0)
        # Where all are alike there is no scale.
        scales = np.where(far > centers, far - centers, 1.0)
        members = replace(members, centers=centers, scales=scales)
        return members, (logs - centers) / scales

    def _logs_of(self, values):
        logs = values.copy()
        logs[:, self.logarithmic] = log_errors(values[:, self.logarithmic], True)
        return logs

    def logs(self, X):
        """Log errors of shape (n_samples, n_members)."""
        return self._logs_of(_values(self.fitted, X))

    def standardized(self, X):
        return (self.logs(X) - self.centers) / self.scales

    def combined(self, standardized):
        """One score for each window, higher for events."""
        # Of members that do not judge a window the others speak.
        if self.weights is None:
            return distances(standardized)
        has_weight = self.weights > 0
        standardized = standardized[:, has_weight]
        # No product of matrices: its last bits hang on how many windows there are.
        weighed = bounded(standardized) * self.weights[has_weight]
        scores = np.add.reduce(weighed, axis=1)
        scores[np.isnan(standardized).all(axis=1)] = np.nan
        return scores

    def scores(self, X):
        heard = self.heard
        return heard.combined(heard.standardized(X))

    @property
    def heard(self):
        """Those that have a say: all, but for members whose weight is 0."""
        if self.weights is None or self.weights.all():
            return self
        kept = np.flatnonzero(self.weights)
        return self._only(kept, self.weights[kept])

    def alone(self, name):
        """The same with one member."""
        return self._only([self.names.index(name)], None)

    def _only(self, kept, weights):
        """Those of some numbers, with other weights or none."""
        names, fitted = ([part[k] for k in kept] for part in (self.names, self.fitted))
        arrays = self.logarithmic, self.centers, self.scales
        return Members(names, fitted, *(array[kept] for array in arrays), weights)

    def heaviest(self, attribute):
        """The member of the largest weight that has an attribute; None if none has."""
        weights = np.zeros(len(self.fitted)) if self.weights is None else self.weights
        for k in np.argsort(-weights, kind="stable"):
            if hasattr(self.fitted[k].estimator, attribute):
                return self.fitted[k]
        return None

    def fitted_again(self, fitted, both):
        """Others in their place, on the same scales.

        How the errors of two fits compare is told by windows that both were trained on,
        by the median of the ratios: as of ``ratio_of_scores``, in logarithms.
        """
        others = replace(self, fitted=fitted)
        shifts = np.nanmedian(others.logs(both) - self.logs(both), axis=0)
        # Where no window of these is judged, nothing is told.
        return replace(others, centers=self.centers + np.nan_to_num(shifts))

    def shares(self, X, shape, per, standardized=None):
        """Share of each feature or cell in the score; rows sum up to what is explained.

        Of each member by what it adds to the weighed sum, or to the squared distance.
        NaN where no member with a say explains. ``standardized`` need not be computed
        again where they are known.
        """
        if standardized is None:
            standardized = self.standardized(X)
        say = self._say(standardized)
        shape = shape[per == "feature" :]
        shares = np.zeros((len(X), *shape))
        explained = np.zeros(len(X), dtype=bool)
        told = [
            (k, member, np.flatnonzero(say[:, k] > 0))
            for k, member in enumerate(self.fitted)
            if member.explains(per) and (say[:, k] > 0).any()
        ]
        parts = _side_by_side(
            [partial(member.shares, X[rows], shape, per) for _, member, rows in told],
            [member for _, member, _ in told],
            X,
        )
        for (k, _, rows), part in zip(told, parts, strict=True):
            shares[rows] += part * say[rows, k].reshape(-1, *[1] * len(shape))
            explained[rows] = True
        shares[~explained & (say > 0).any(axis=1)] = np.nan
        return shares.reshape(len(X), -1)

    def _say(self, standardized):
        """Share of each member in each score: (n_samples, n_members)."""
        judged = ~np.isnan(standardized).all(axis=1)
        if self.weights is None:
            say = np.square(above_usual(standardized))
            nothing = ~say.any(axis=1)
            largest = np.argmax(np.nan_to_num(standardized, nan=-np.inf), axis=1)
            say[nothing, largest[nothing]] = 1
        else:  # where nothing is unusual, by their weights alone
            say = self.weights * np.maximum(bounded(standardized), 1e-9)
        return say * judged[:, np.newaxis] / say.sum(axis=1, keepdims=True)


def above_usual(standardized):
    """What of standardised scores is above 0; none where a member does not judge."""
    return np.fmax(standardized, 0)


def distances(standardized):
    """How far from usual windows are to all members: (n_samples,).

    The root of the sum of the squares of what is above 0: near the largest, which one
    member is enough for, and more where several agree. Where none is, the largest.
    """
    largest = np.fmax.reduce(standardized, axis=1)
    squares = np.square(above_usual(standardized))
    distance = np.sqrt(np.add.reduce(squares, axis=1))
    return np.where(largest > 0, distance, largest)


def bounded(standardized):
    """What is weighed: as usual where a member does not judge, and never too far."""
    known = np.where(np.isnan(standardized), 0, standardized)
    return np.minimum(np.maximum(known, -_FARTHEST), _FARTHEST)
