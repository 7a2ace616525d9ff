# SPDX-License-Identifier: BSD-3-Clause
"""DetectorCommittee: what any one of several detectors finds."""

from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import MetaEstimatorMixin, OutlierMixin, _fit_context, clone
from sklearn.ensemble import IsolationForest
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._detectors import (
    check_detector,
    fit_on_windows,
    give_context,
    is_error,
    log_errors,
    score_windows,
    seed,
    without_features,
)
from ._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from ._validation import check_sequences
from .autoencoder import LSTMAutoencoder
from .reconstruction._context import CONTEXT_FEATURES, context_mask, judged_columns
from .reconstruction._decisions import OutlierDecisionsMixin
from .reconstruction._errors import subsample
from .reconstruction._estimator import CONTAMINATION_CONSTRAINTS
from .reconstruction._mixin import shares_frame
from .reconstruction._offset import NORMAL_QUANTILE, check_contamination
from .residual import ResidualAutoencoder
from .windowing._held_out import hold_out


def _default_detectors():
    return [
        ("residual", ResidualAutoencoder()),
        ("lstm", LSTMAutoencoder(error="mahalanobis", score_on="recent")),
        ("forest", IsolationForest()),
    ]


def _fit_member(detector, X, hidden):
    return detector, fit_on_windows(detector, X, hidden)


def _fit_members(detectors, X, hidden, n_jobs):
    """Fitted copies of the detectors, each with its imputer or None."""
    jobs = (
        delayed(_fit_member)(clone(detector), X, mask)
        for detector, mask in zip(detectors, hidden, strict=True)
    )
    return Parallel(n_jobs=n_jobs)(jobs)


def _values(fitted, hidden, X):
    """Minus the scores of each detector."""
    members = zip(fitted, hidden, strict=True)
    return [score_windows(*member, X, mask) for member, mask in members]


@dataclass(frozen=True)
class _Members:
    """Fitted detectors with their imputers, and what is usual for each.

    ``hidden`` are masks of the features that a detector does not see, or None.
    """

    fitted: list
    hidden: list
    are_errors: np.ndarray
    centers: np.ndarray
    scales: np.ndarray

    @classmethod
    def judged_on(cls, fitted, hidden, X):
        """Learn from windows that were not trained on what is usual."""
        values = _values(fitted, hidden, X)
        if np.isnan(values).all(axis=1).any():
            raise ValueError(
                "None of the windows that are held out has an observed cell. Give a "
                "larger 'validation_fraction', or later rows with data."
            )
        are_errors = np.array([is_error(value) for value in values])
        logs = list(map(log_errors, values, are_errors))
        centers, far = np.nanquantile(logs, [0.5, NORMAL_QUANTILE], axis=1)
        # Where all are alike there is no scale.
        scales = np.where(far > centers, far - centers, 1.0)
        return cls(fitted, hidden, are_errors, centers, scales)

    def logs(self, X):
        """Log errors of shape (n_samples, n_members)."""
        values = _values(self.fitted, self.hidden, X)
        return np.column_stack(list(map(log_errors, values, self.are_errors)))

    def standardized(self, X):
        return (self.logs(X) - self.centers) / self.scales

    def scores(self, X):
        # Of members that do not judge a window the others speak.
        return -np.fmax.reduce(self.standardized(X), axis=1)

    def fitted_again(self, fitted, both):
        """Others in their place, on the same scales.

        How the errors of two fits compare is told by windows that both were trained on,
        by the median of the ratios: as of ``rescaled_offset``, in logarithms.
        """
        others = replace(self, fitted=fitted)
        shifts = np.nanmedian(others.logs(both) - self.logs(both), axis=0)
        # Where no window of these is judged, nothing is told.
        return replace(others, centers=self.centers + np.nan_to_num(shifts))


class DetectorCommittee(
    OutlierDecisionsMixin,
    OutlierMixin,
    MetaEstimatorMixin,
    CallbackSupportMixin,
    DocumentationLinkMixin,
    _BaseComposition,
):
    """Several detectors, of which the one that is most surprised decides.

    For events of unknown kind, without labels. Each detector is blind to something: to
    levels that were never seen, to relations that break, to dynamics. The score is
    minus the largest of the members' errors, each in units of what is usual for it.

    Parameters
    ----------
    detectors : list of (str, estimator), default=None
        Names, and anything with ``fit`` and ``score_samples``, higher for what is more
        normal; "drop" leaves one out. Detectors that do not take sequences, such as
        :class:`~sklearn.ensemble.IsolationForest`, are given flattened windows, with
        the mean of a cell where it is missing. None for "residual", a
        :class:`ResidualAutoencoder`, "lstm", an :class:`LSTMAutoencoder` with
        ``error="mahalanobis"`` and ``score_on="recent"``, and "forest", an
        ``IsolationForest``, whose parameters can be set all the same:
        ``set_params(lstm__hidden_layer_sizes=16)``.

    context_features : array-like of str, int or bool, default=None
        Names, indices or a mask of the features that explain and are not judged: set
        points, commands, modes. They are set of each member that has
        ``context_features`` of its own, which are None; a member that knows of none
        is not shown these features.

    validation_fraction : float, default=0.1
        Share to hold out for what is usual, and for ``offset_``. Of :class:`Windows` it
        is the end of each series, or whole series where these are many and short, and
        windows that share rows with it are set aside.

    refit : bool, default=True
        Whether to fit the members again to all sequences then.

    contamination : "auto", float or tuple, default="auto"
        What sets ``offset_``, as of :class:`LSTMAutoencoder`. That of the members is
        not used.

    n_jobs : int, default=None
        Number of members that are fitted at the same time, as in scikit-learn.

    random_state : int, RandomState instance or None, default=None
        Seeds every ``random_state`` of the members that is None.

    Attributes
    ----------
    estimators_ : list of estimators
        The fitted members, without those that are dropped.

    named_estimators_ : Bunch
        The same by name.

    centers_ : ndarray of shape (n_members,)
        Median of the log errors of normal sequences that a member was not trained on.

    scales_ : ndarray of shape (n_members,)
        Their 0.99 quantile less their median.

    logarithmic_ : ndarray of bool of shape (n_members,)
        Whether the logarithm of minus the score of a member is taken: where no held-out
        score is above 0. Else minus its score stands for a log error as it is, as of a
        log-likelihood.

    offset_ : float
        Score below which a sequence counts as an outlier.

    n_features_in_ : int
        Number of features; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    See Also
    --------
    ResidualAutoencoder : The member that finds most by itself.
    RareEventClassifier : A classifier with a threshold from any detector.

    Notes
    -----
    A score of -1 is what one of a hundred normal sequences reaches by a single member,
    and one of 0 the median. The largest of standardised scores finds what a single
    member does [1]_, where a mean would let the others outvote it. Members are fitted
    twice unless ``refit`` is False: what is usual is learnt from sequences that they
    were not trained on, and carried over by the median of the ratios of the errors of
    both fits on sequences that both were trained on.

    References
    ----------
    .. [1] C. C. Aggarwal and S. Sathe, "Theoretical foundations and algorithms for
       outlier ensembles", SIGKDD Explorations 17(1), 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from skseq import DetectorCommittee, PCAAutoencoder, sliding_windows
    >>> table = np.random.default_rng(0).normal(size=(1000, 2))
    >>> table[:, 1] = table[:, 0] + 0.1 * table[:, 1]
    >>> table[950] = [1.5, -1.5]  # a relation breaks
    >>> windows, rows = sliding_windows(table, 3)
    >>> members = [("pca", PCAAutoencoder(3)), ("forest", IsolationForest())]
    >>> committee = DetectorCommittee(members, random_state=0).fit(windows[:900])
    >>> rows[900:][committee.predict(windows[900:]) < 0]
    array([950, 951, 952])
    >>> committee.member_scores(windows[948:949]).idxmax(axis=1).tolist()
    ['pca']
    """

    _parameter_constraints: dict = {
        "detectors": [list, None],
        "context_features": CONTEXT_FEATURES,
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "refit": ["boolean"],
        "contamination": CONTAMINATION_CONSTRAINTS,
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        detectors=None,
        *,
        context_features=None,
        validation_fraction=0.1,
        refit=True,
        contamination="auto",
        n_jobs=None,
        random_state=None,
    ):
        self.detectors = detectors
        self.context_features = context_features
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.contamination = contamination
        self.n_jobs = n_jobs
        self.random_state = random_state

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
        params = self._get_params("detectors", deep)
        if deep and self.detectors is None:
            params = DetectorCommittee(_default_detectors()).get_params() | params
        return params

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
        defaults = _default_detectors()
        of_members = {name.split("__")[0] for name in params} & {*dict(defaults)}
        if of_members and params.get("detectors", self.detectors) is None:
            params["detectors"] = defaults
        return self._set_params("detectors", **params)

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=False)
    @reports_fit
    def fit(self, X, y=None):
        """Fit the members, and learn what is usual for each of them.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences, in time order. NaN is padding or a missing value.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        TypeError
            If a member is no detector.

        ValueError
            If the input is not valid or too short for ``validation_fraction``, or names
            of members are not unique or hold "__".
        """
        rule = check_contamination(self.contamination, type(self).__name__)
        names, detectors = self._check_detectors()
        X = check_sequences(self, X, reset=True)
        parts = hold_out(X, self.validation_fraction)
        rng = None
        if self.random_state is not None:
            rng = check_random_state(self.random_state)
        detectors = [seed(clone(detector), rng) for detector in detectors]
        is_context = context_mask(self, X)
        knowing = [give_context(d, self.context_features) for d in detectors]
        hidden = [None if knows else is_context for knows in knowing]
        fitted = _fit_members(detectors, X[parts.training], hidden, self.n_jobs)
        members = _Members.judged_on(fitted, hidden, X[parts.held_out])
        offset = rule.offset(members.scores(X[parts.held_out]))
        if self.refit:
            fitted = _fit_members(detectors, X, hidden, self.n_jobs)
            members = members.fitted_again(fitted, subsample(X[parts.training]))
        if rule.of_all:
            offset = rule.offset(members.scores(X))
        else:
            offset = rule.limited_log(offset, members.scores(subsample(X)))
        self._names, self._hidden = names, hidden
        self.estimators_, self._imputers = map(list, zip(*members.fitted, strict=True))
        self.logarithmic_ = members.are_errors
        self.centers_, self.scales_ = members.centers, members.scales
        self.offset_ = offset
        return self

    def _check_detectors(self):
        """Names and detectors of those that are not dropped."""
        given = _default_detectors() if self.detectors is None else self.detectors
        for item in given:
            if not (isinstance(item, (tuple, list)) and len(item) == 2):
                raise ValueError(
                    "The 'detectors' parameter of DetectorCommittee must be a list of "
                    f"(name, estimator). Got {item!r} in it instead."
                )
        self._validate_names([name for name, _ in given])
        kept = [(n, d) for n, d in given if not (isinstance(d, str) and d == "drop")]
        if not kept:
            raise ValueError(
                "The 'detectors' parameter of DetectorCommittee holds none that is not "
                "dropped. Give at least one."
            )
        for name, detector in kept:
            check_detector(detector, f"The member {name!r} of 'detectors'")
        return [name for name, _ in kept], [detector for _, detector in kept]

    @property
    def named_estimators_(self):
        """The fitted members by name."""
        return Bunch(**dict(zip(self._names, self.estimators_, strict=True)))

    @property
    def _members(self):
        fitted = list(zip(self.estimators_, self._imputers, strict=True))
        return _Members(
            fitted, self._hidden, self.logarithmic_, self.centers_, self.scales_
        )

    def _score_samples(self, X):
        return self._members.scores(X)

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
            0 is the median of normal sequences, 1 their 0.99 quantile. The largest of a
            row is minus ``score_samples``. NaN where a member does not judge.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        scores = self._members.standardized(sequences)
        index = X.index if isinstance(getattr(X, "index", None), pd.Index) else None
        return pd.DataFrame(scores, index, self._names)

    @validate_params(
        {"per": [StrOptions({"feature", "cell"})]}, prefer_skip_nested_validation=True
    )
    def explain(self, X, *, per="feature"):
        """Tell what made each sequence unusual, to the member that decided.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        per : {"feature", "cell"}, default="feature"
            Whether the columns are the features, or the pairs of a time step (counted
            back from the last one, 0) and a feature.

        Returns
        -------
        shares : DataFrame of shape (n_samples, n_features) or \
                (n_samples, n_timesteps * n_features)
            Share of each column in the error of the member with the largest of
            ``member_scores``: each row sums up to 1, as the errors of different members
            have different units. A share of a Mahalanobis distance may be negative. NaN
            where that member has no ``explain``, as an ``IsolationForest``; 0 where no
            cell was observed, or the error is 0.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        scores = self._members.standardized(sequences)
        shape = self.sequence_shape_[per == "feature" :]
        shares = np.zeros((len(sequences), *shape))
        judged = ~np.isnan(scores).all(axis=1)
        winners = np.argmax(np.nan_to_num(scores, nan=-np.inf), axis=1)
        for k, (member, hidden) in enumerate(
            zip(self.estimators_, self._hidden, strict=True)
        ):
            rows = np.flatnonzero(judged & (winners == k))
            if not hasattr(member, "explain"):
                shares[rows] = np.nan
            elif len(rows):
                seen = without_features(sequences[rows], hidden)
                of_member = member.explain(seen, per=per).to_numpy()
                total = of_member.sum(axis=1, keepdims=True)
                of_member = of_member / np.where(total, total, 1)
                part = np.zeros((len(rows), *shape))
                part[..., judged_columns(hidden)] = of_member.reshape(
                    len(rows), *shape[:-1], -1
                )
                shares[rows] = part
        return shares_frame(self, shares.reshape(len(shares), -1), X, per)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")
