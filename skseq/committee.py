# SPDX-License-Identifier: BSD-3-Clause
"""DetectorCommittee: what any of several detectors finds."""

from contextlib import nullcontext
from itertools import zip_longest
from numbers import Integral, Real

from sklearn.base import MetaEstimatorMixin, OutlierMixin, clone
from sklearn.ensemble import IsolationForest
from sklearn.utils.validation import check_is_fitted

from ._detectors import check_detector
from ._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from ._members import (
    Member,
    Members,
    NamedMembers,
    fit_members,
    hidden_from,
    seeded,
)
from ._sample_weight import taken, weighed
from ._sklearn import Interval, StrOptions, _fit_context, validate_params
from ._validation import check_sequences
from .autoencoder import LSTMAutoencoder
from .moving_reference import MovingReference
from .reconstruction._context import CONTEXT_FEATURES
from .reconstruction._decisions import OutlierDecisionsMixin
from .reconstruction._errors import subsample
from .reconstruction._estimator import CONTAMINATION_CONSTRAINTS
from .reconstruction._mixin import shares_frame
from .reconstruction._offset import check_contamination
from .residual import ResidualAutoencoder
from .windowing._held_out import hold_out


def default_networks(**parameters):
    """The networks of the members: of a third of the steps of those by its defaults.

    They are fitted twice. Beside a linear path, which finds most by itself, an epoch
    is shorter still.
    """
    network = LSTMAutoencoder(learning_rate=3e-3, max_samples=8192, **parameters)
    recent = clone(network).set_params(error="mahalanobis", score_on="recent")
    residual = ResidualAutoencoder(network.set_params(max_samples=2048))
    return [("residual", residual), ("lstm", recent)]


def default_detectors():
    return [*default_networks(), ("forest", IsolationForest())]


def _steady_detectors():
    """The same, for the score to be of events, not of what drifts.

    The network's error sits on the level of the signals. Where that drifts it would be
    far out for good, and nothing else would be heard.
    """
    members = dict(default_detectors())
    members["lstm"] = MovingReference(members["lstm"], strength=1, contamination=0.01)
    return [*members.items()]


class DetectorCommittee(
    OutlierDecisionsMixin,
    OutlierMixin,
    MetaEstimatorMixin,
    CallbackSupportMixin,
    DocumentationLinkMixin,
    NamedMembers,
):
    """Several detectors, any of which can raise the alarm.

    For events of unknown kind, without labels. Each detector is blind to something: to
    levels that were never seen, to relations that break, to dynamics. The score is
    minus the distance of the members' errors from what is usual, each in its units: one
    that is surprised is enough, and several that agree count more.

    Parameters
    ----------
    detectors : list of (str, estimator), default=None
        Names, and anything with ``fit`` and ``score_samples``, higher for what is more
        normal; "drop" leaves one out. Detectors that do not take sequences, such as
        :class:`~sklearn.ensemble.IsolationForest`, are given flattened windows, with
        the mean of a cell where it is missing. None for "residual", a
        :class:`ResidualAutoencoder`, "lstm", an :class:`LSTMAutoencoder` with
        ``error="mahalanobis"`` and ``score_on="recent"`` in a :class:`MovingReference`
        with ``strength=1``, and "forest", an ``IsolationForest``. The networks of both
        have ``learning_rate=3e-3``, and ``max_samples`` of 2048 and 8192: they come to
        the figures of their defaults in a third of the steps. Parameters can be set all
        the same: ``set_params(lstm__detector__hidden_layer_sizes=16)``.

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
        Number of processes in which members are fitted at the same time, as in
        scikit-learn. None for this one, in which networks of the native engine, with
        ``n_threads=None``, are trained side by side in as many threads as they may use;
        1 for one member after the other. It does not change the result.

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
    MovingReference : Around the committee it keeps false alarms near their rate where
        all of what is normal drifts, and order is known.
    RareEventClassifier : A classifier with a threshold from any detector.

    Notes
    -----
    Each member's log error is taken less its median, in units of its 0.99 quantile less
    the median (``member_scores``). The distance is the root of the sum of the squares
    of what is above 0, or the largest where none is. So a score of -1 is what one of a
    hundred normal sequences reaches by a single member. It lies between two rules that
    [1]_ compares: the largest finds what a single member does, but whichever goes
    furthest outvotes what two others agree on; a mean lets those outvote it that see
    nothing.

    Members are fitted twice unless ``refit`` is False: what is usual is learnt from
    sequences that they were not trained on, and carried over by the median of the
    ratios of the errors of both fits on sequences that both were trained on. Networks
    go on from the weights of their first fit then.

    The error of a network alone sits on the level of the signals. Where that drifts, it
    would be far out for good, and the other members would not be heard: so, by default,
    it is measured against what was usual lately, and the score of a window hangs a
    little on those before it.

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
    array([904, 905, 950, 951, 952])
    >>> committee.member_scores(windows[948:949]).idxmax(axis=1).tolist()
    ['pca']
    """

    _members_parameter = "detectors"
    _default_members = staticmethod(_steady_detectors)
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

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=False)
    @reports_fit
    def fit(self, X, y=None, sample_weight=None):
        """Fit the members, and learn what is usual for each of them.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences, in time order. NaN is padding or a missing value.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sequence, of a window that of its last row: given to every
            member whose ``fit`` takes a ``sample_weight`` (of a pipeline, to its last
            step; with scikit-learn's metadata routing, as its steps request). Of weight
            0 it is left out altogether. Their ratios count. What is usual, and
            ``offset_``, are told by all that are left alike. None for the same weight.

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
        names, detectors = self._checked_members(check_detector)
        X = check_sequences(self, X, reset=True)
        X, weights, _ = weighed(X, sample_weight)
        parts = hold_out(X, self.validation_fraction)
        detectors = seeded(detectors, self.random_state)
        hidden = hidden_from(detectors, self, X)
        rows = parts.training
        fitted = self._fit_members(detectors, hidden, X[rows], taken(weights, rows))
        members, held_out = Members.judged_on(names, fitted, X[parts.held_out])
        offset = rule.offset(-members.combined(held_out))
        if self.refit:
            fitted = self._fit_members(detectors, hidden, X, weights, fitted)
            members = members.fitted_again(fitted, subsample(X[rows]))
        if rule.of_all:
            offset = rule.offset(-members.scores(X))
        else:
            scores = -members.scores(subsample(X))
            offset = rule.limited_log(offset, scores, -members.combined(held_out))
        self._names, self._hidden = names, hidden
        self.estimators_ = [member.estimator for member in members.fitted]
        self._imputers = [member.preparation for member in members.fitted]
        self.logarithmic_ = members.logarithmic
        self.centers_, self.scales_ = members.centers, members.scales
        self.offset_ = offset
        return self

    def _fit_members(self, detectors, hidden, X, weights, before=()):
        members = zip_longest(detectors, hidden, (m.estimator for m in before))
        jobs = (
            (clone(detector), X, None, weights, mask, nullcontext, start)
            for detector, mask, start in members
        )
        return fit_members(jobs, self)

    @property
    def _members(self):
        parts = zip(self.estimators_, self._imputers, self._hidden, strict=True)
        return Members(
            self._names,
            [Member(*part) for part in parts],
            self.logarithmic_,
            self.centers_,
            self.scales_,
        )

    def _score_samples(self, X):
        return -self._members.scores(X)

    @validate_params(
        {"per": [StrOptions({"feature", "cell"})]}, prefer_skip_nested_validation=True
    )
    def explain(self, X, *, per="feature"):
        """Tell what made each sequence unusual to the members.

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
            Share of each column in the score: those in the errors of the members, each
            by the square of what ``member_scores`` has above 0, or of the largest alone
            where none is. A row sums up to the share of the members with an
            ``explain``, which an ``IsolationForest`` lacks, and is NaN where no such
            member has a part. A share of a Mahalanobis distance may be negative. 0
            where no cell was observed, or the error is 0.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        shares = self._members.shares(sequences, self.sequence_shape_, per)
        return shares_frame(self, shares, X, per)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")
