# SPDX-License-Identifier: BSD-3-Clause
"""Decisions on rare events from the scores of an outlier detector."""

import copy
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, MetaEstimatorMixin
from sklearn.metrics import average_precision_score
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._detectors import (
    check_member,
    fit_on_windows,
    parts,
    score_windows,
)
from .._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    with_callbacks,
)
from .._members import NamedMembers, has_members, hidden_from, seeded
from .._sample_weight import taken, weighed
from .._sklearn import HasMethods, Interval, StrOptions, _fit_context, validate_params
from .._validation import check_sequences, is_windows
from ..alarms import AlarmRule
from ..engines._cores import one_thread_of_blas
from ..reconstruction._context import CONTEXT_FEATURES
from ..reconstruction._decisions import warn_of_no_data
from ..reconstruction._mixin import shares_frame
from ..rows._doubtful import check_features
from ..training._docs import with_docs
from ..windowing import SlidingWindow
from ..windowing._held_out import VALIDATION, hold_out
from ._committee import Committee, Past, default_members, fit_committee
from ._decision import (
    check_two_classes,
    decide,
    warn_of_holes,
)
from ._display import visual_block
from ._event_thresholds import Watched, check_alarms
from ._thresholds import check_rule


class _Judged(NamedTuple):
    """The held-out windows, and what thresholds are set by."""

    rule: tuple
    event: np.ndarray
    split: object
    known: bool  # whether there is any event in y
    watched: Watched
    weights: np.ndarray | None  # None where all count alike
    by_member: np.ndarray | None = None  # their score by each, of a committee


def _check_both_weigh(event):
    """Raise where ``sample_weight`` leaves nothing but events."""
    if event.all():
        raise ValueError(
            "'sample_weight' leaves one class only: every normal window has the weight "
            "0. A classifier needs at least one normal window."
        )


def _explains(self):
    if not has_members(self):
        getattr(self, "detector_", self.detector).explain  # noqa: B018
    return True


@with_docs
class RareEventClassifier(
    CallbackSupportMixin,
    ClassifierMixin,
    MetaEstimatorMixin,
    DocumentationLinkMixin,
    NamedMembers,
):
    """Classifier of rare events: a committee weighed by labels, or one detector.

    Fits detectors on normal windows and classifiers on all, learns on labelled windows
    that none of them has seen which of them finds the events, and sets the threshold on
    these. It stands after :class:`SlidingWindow` in a pipeline, and selects
    *windows*, never rows: a table without its event rows would join rows that are not
    neighbours.

    Here the sign turns: detectors give a higher score to what is more normal, this
    classifier gives a higher ``decision_function`` to events, as classifiers do.

    Parameters
    ----------
    detector : estimator or list of (str, estimator), default=None
        A list is a committee: names, and detectors or classifiers; "drop" leaves one
        out. One estimator is a detector alone, of which the labels set the threshold.
        A detector is anything with ``fit`` and ``score_samples``, higher for what is
        more normal. Those that take sequences (a :class:`ResidualAutoencoder`, or a
        pipeline with such a step) get the windows as they are. Other detectors, such as
        :class:`~sklearn.ensemble.IsolationForest`, get them flattened to ``(n_samples,
        n_timesteps * n_features)``, with the mean of the training windows in the place
        of padding and missing values; other classifiers a :class:`WindowSummary`, with
        the mean where it is missing, standardised.

        None for the "residual", "lstm" and "forest" of :class:`DetectorCommittee`, the
        network without its :class:`MovingReference`, and "logistic", a
        ``LogisticRegression(C=0.01, class_weight="balanced")``, whose parameters can be
        set all the same: ``set_params(logistic__C=1, lstm="drop")``.

    fit_on : {"normal", "all"}, default="normal"
        Windows that detectors are fitted on. "normal" for those that hold no event row
        at all, which only a :class:`Windows` can tell; of an array, those that are not
        labelled as events. "all" for every window.

    threshold : "f1", "event_f1" or tuple, default="f1"
        How the threshold is set on the held-out windows.

        - "f1" or ``("fbeta", beta)``: the highest F-beta of rows.
        - "event_f1" or ``("event_fbeta", beta)``: the highest F-beta of events, each of
          which counts once, and of alarms, runs of flagged windows of a series, as of
          :func:`~skseq.metrics.event_precision_recall_fscore_support`.
        - ``("precision", p)``: the highest recall of those with a precision of at least
          ``p``.
        - ``("recall", r)``: the highest precision of those with a recall of at least
          ``r``.
        - ``("quantile", q)``: the quantile ``q`` of the scores of normal windows, so
          that about ``1 - q`` of them are false alarms. Needs no event.
        - ``("pot", q)``: the score that a normal window exceeds with probability ``q``,
          such as 1e-3, by peaks over threshold [1]_: from a generalised Pareto
          distribution fitted to what is above their 0.98 quantile. Needs no event.
        - ``("probability", p)``: where the calibrated probability of an event is ``p``.
        - ``("cost", false_alarm, missed_event)``: the lowest total cost of rows.
        - ``("event_cost", per_alarm, per_missed_event)``: the lowest total cost of
          false alarms, as :func:`~skseq.metrics.false_alarm_rate` counts them, and of
          events that no alarm meets.
        - ``("alarms_per", n, per)``: the lowest threshold with at most ``n`` false
          alarms in ``per``, a number of rows, or, where the windows come from a
          :class:`SlidingWindow` with a ``time``, a duration such as ``"1D"``. Needs no
          event.

        Of equally good thresholds, that with the fewest alarms; by the rules of events
        the middle one, as an event is found by any of its rows. A threshold by which
        more than ten times the share of events would be flagged, since these do not
        stand out, is replaced by the 0.99 quantile, with a warning, unless the rule
        needs no event.

    alarm_rule : AlarmRule, default=None
        What makes alarms of flagged windows for the rules that count events:
        :class:`~skseq.alarms.AlarmRule` with ``on`` and ``off`` in [0, 1), as it is
        given flags of 0 and 1. None for each run of flagged windows. It has no part in
        ``predict``, which tells of each window by itself: for the alarms give its
        :meth:`~skseq.alarms.AlarmRule.flag` what ``predict`` gives.

    context_features : array-like of str, int or bool, default=None
        Names, indices or a mask of the features that explain and are not judged: set
        points, commands, modes. They are set of each part of a detector that has
        ``context_features`` of its own, which are None; a detector that knows of none
        is not shown these features. Classifiers see them as any others.

    validation_fraction : float, default=0.2
        Share of the windows that is held out for the weights, the threshold and the
        probabilities.

    <VALIDATION>

    refit : bool, default=True
        Whether to fit the members of a committee again, to all windows, when weights
        and threshold are set. A single detector is fitted once.

    n_jobs : int, default=None
        Number of processes in which members are fitted at the same time, as in
        scikit-learn. None for this one, in which networks of the native engine, with
        ``n_threads=None``, are trained side by side in as many threads as they may use;
        1 for one member after the other. It does not change the result.

    warn_on_overlap : bool, default=True
        Whether to warn where ``X`` are :class:`Windows` with holes as a splitter that
        shuffles leaves them: the rows of its test windows would be trained on.

    random_state : int, RandomState instance or None, default=None
        Seeds every ``random_state`` of the detector, or of the members, that is None.

    Attributes
    ----------
    detector_ : estimator or None
        The fitted detector, None for a committee.

    named_estimators_ : Bunch
        The fitted members of a committee, by name.

    weights_ : Series of shape (n_members,)
        Weight of each member of a committee; they sum up to 1. NaN where none could be
        learnt, so that they count alike, as in a :class:`DetectorCommittee`.

    cross_fitted_ : bool or None
        Whether threshold and probabilities come of weights that did not see the windows
        they are set on; of too few held-out events they come of the same. None for a
        single detector.

    threshold_ : float
        A window is an event where its score exceeds it: the weighed mean of the scores
        of a committee, or minus the detector's ``score_samples``, so a reconstruction
        error, for an autoencoder.

    calibration_method_ : {"isotonic", "sigmoid"} or None
        How ``predict_proba`` was calibrated. None if it could not be.

    classes_ : ndarray of shape (2,)
        The labels. The event is ``classes_[1]``, the greater: 1 of 0 and 1, True of
        False and True.

    <HELD_OUT>

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen during fit, where all of them are strings.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training windows.

    Raises
    ------
    ValueError
        If ``y`` holds neither two classes nor 0 or False alone, no normal window is
        left to fit a detector on, none that is held out has an observed cell, a
        detector holds a :class:`SlidingWindow`, names of members are not unique or hold
        "__", all of them are classifiers and there are no events for them, or a
        duration is asked of windows that do not tell the time.

    TypeError
        If a member is neither a detector nor a classifier.

    Warns
    -----
    UserWarning
        If ``y`` or the held-out part has no event (the threshold is the 0.99 quantile
        then, unless its rule needs none), if the held-out part has no normal window, or
        its events score no higher than the rest, if the members of a committee cannot
        be weighed, or its classifiers not trained, if the threshold would flag more
        than ten times the share of events, if no threshold reaches the precision or
        probability asked for, if "pot" has few scores for its tail, or if most of ``y``
        are events.

    WindowOverlapWarning
        If windows are missing here and there between those of a series, as after a
        split that shuffles. See ``warn_on_overlap``.

    See Also
    --------
    DetectorCommittee : Several detectors, without labels.
    sklearn.model_selection.TunedThresholdClassifierCV : Threshold by cross-validation.
    skseq.metrics.detector_average_precision : Scorer for a detector without classifier.

    Notes
    -----
    Nobody can know beforehand whether events break what is usual, as a fault of a new
    kind does, or are alike, as wear is; the held-out events can. The score of a member
    is the logarithm of its error, or the log-odds of a classifier, less the median of
    the held-out normal windows, over their 0.99 quantile less that median, and bounded
    by 10 either way: 1 is what one of a hundred normal windows reaches. The score of a
    committee is their mean by the weights of a logistic regression on the held-out
    windows [4]_, both classes counting alike, with a ridge of 0.01 over the number of
    events beside their mean loss and, as [5]_ finds best, no negative weights. Members
    with less than a fifth of the weight are left out in turn, the least first, and the
    others weighed anew: what they tell of the events the others do too, and they may
    drift.

    Threshold and probabilities are set on scores by weights from other events: with
    four or more held-out events, a fifth of them is left out in turn; of fewer, weights
    and threshold come of the same windows, which flatters them (``cross_fitted_``
    tells). With none, or where no member scores them higher than the rest, there are no
    weights: detectors count alike, as in :class:`DetectorCommittee`, and classifiers
    have no part. They have none either where the events are all held out.

    The members are fitted again to all of the past then, unless ``refit`` is False, and
    their scales carried over by the median difference of the scores of both fits, on
    normal windows that both were trained on. Networks go on from the weights of their
    first fit.

    Weights and threshold are set on rows that no member was fitted on: windows that
    share rows with those held out (``n_timesteps - 1`` before the end of a series) are
    not used at all then. A plain array is taken for one series of samples that share no
    rows: pass overlapping windows as :class:`Windows`, which can tell.

    The threshold is as fine as the held-out part is large: with five events there, a
    recall can only be a multiple of 0.2. It is a good one for later data only where
    both hold several events. With none, a warning says so, and the threshold is the
    0.99 quantile of the held-out scores, unless the rule needs no event.

    ``score`` is the average precision, not the accuracy.

    ``predict`` follows the threshold, that is ``decision_function > 0``.
    ``predict_proba`` estimates the probability of an event, whatever the threshold. As
    with :class:`~sklearn.model_selection.FixedThresholdClassifier` the two need not
    agree: at a threshold that accepts false alarms, the probability is below 0.5. With
    ``threshold=("probability", 0.5)`` they do.

    The probability is calibrated on the held-out windows, and never falls where
    ``decision_function`` rises. With at least 1,000 of them, 100 of these with an event
    and 100 without, by isotonic regression [2]_: it takes any shape, but needs that
    many not to follow the noise (:class:`~sklearn.calibration.CalibratedClassifierCV`
    gives the same advice). Scores within one of its steps share a probability: rank by
    ``decision_function``, as scikit-learn's ranking scorers do. With fewer, by a
    sigmoid [3]_, strictly increasing, after a squashing of the scores that is
    logarithmic far out (arcsinh in units of the interquartile range), since
    reconstruction errors have heavy tails. Where neither can be fitted (no event is
    held out, or they score no higher than the rest) it is 0.5 at the threshold, and not
    a calibrated probability. The windows of one event are alike: a few long events tell
    less than their number of windows suggests.

    References
    ----------
    .. [1] A. Siffer, P.-A. Fouque, A. Termier, C. Largouet, "Anomaly detection in
       streams with extreme value theory", KDD 2017.

    .. [2] B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate
       multiclass probability estimates", KDD 2002.

    .. [3] J. Platt, "Probabilistic outputs for support vector machines and comparisons
       to regularized likelihood methods", Advances in Large Margin Classifiers, 1999.

    .. [4] D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.

    .. [5] L. Breiman, "Stacked regressions", Machine Learning 24(1), 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from skseq import PCAAutoencoder, RareEventClassifier, SlidingWindow
    >>> t = np.arange(1000)
    >>> X = np.column_stack([np.sin(t / 5), np.cos(t / 5)])
    >>> X += 0.1 * np.random.default_rng(0).normal(size=X.shape)
    >>> y = t % 50 == 40
    >>> X[y, 0] += 3
    >>> detector = PCAAutoencoder(4, score_on="last")
    >>> clf = make_pipeline(SlidingWindow(5), RareEventClassifier(detector))
    >>> np.flatnonzero(clf.fit(X[:800], y[:800]).predict(X[800:]))
    array([ 40,  90, 140, 190])
    >>> clf.predict_proba(X)[838:842].round(2)
    array([[1.  , 0.  ],
           [1.  , 0.  ],
           [0.35, 0.65],
           [0.95, 0.05]])

    A committee tells who found the events. Here they are alike, so that most of them
    is the classifier's:

    >>> from sklearn.linear_model import LogisticRegression
    >>> members = [("pca", detector), ("logistic", LogisticRegression())]
    >>> clf = make_pipeline(SlidingWindow(5), RareEventClassifier(members))
    >>> clf.fit(X[:800], y[:800])[-1].weights_.round(1)
    pca         0.3
    logistic    0.7
    Name: weight, dtype: float64
    """

    _members_parameter = "detector"
    _default_members = staticmethod(default_members)
    _parameter_constraints: dict = {
        "detector": [HasMethods(["fit", "score_samples", "get_params"]), list, None],
        "fit_on": [StrOptions({"normal", "all"})],
        "threshold": [str, tuple, list],
        "alarm_rule": [AlarmRule, None],
        "context_features": CONTEXT_FEATURES,
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "validation": VALIDATION,
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
        "warn_on_overlap": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        detector=None,
        *,
        fit_on="normal",
        threshold="f1",
        alarm_rule=None,
        context_features=None,
        validation_fraction=0.2,
        validation="auto",
        refit=True,
        n_jobs=None,
        warn_on_overlap=True,
        random_state=None,
    ):
        self.detector = detector
        self.fit_on = fit_on
        self.threshold = threshold
        self.alarm_rule = alarm_rule
        self.context_features = context_features
        self.validation_fraction = validation_fraction
        self.validation = validation
        self.refit = refit
        self.n_jobs = n_jobs
        self.warn_on_overlap = warn_on_overlap
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit the members or the detector, then set the threshold on other windows.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Windows, in time order within each series. A 2-D ``X`` means univariate
            sequences.

        y : array-like of shape (n_samples,)
            Labels of two classes, for the last row of each window. All may be 0 or
            False: then the threshold is set by a rule that needs no event.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each window, as that of its last row. Every member or detector
            whose ``fit`` takes a ``sample_weight`` is given it (of a pipeline, the last
            step; with scikit-learn's metadata routing, as its steps request). On the
            held-out windows it counts for the weights of the members, the
            probabilities, and the threshold where that is set by rows, events against
            the rest. Windows of weight 0 are left out altogether. Their ratios count.
            None for the same weight.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        self._fit_and_tell(X, y, sample_weight)
        return self

    @all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def _fit_and_tell(self, X, y, sample_weight=None):
        """Fit; what is known of the held-out windows, for :meth:`_alone`."""
        n_fits = 1
        if self._is_committee:
            given = self._default_members() if self.detector is None else self.detector
            n_fits = (1 + self.refit) * len(given)
        task = self._init_callback_context(max_subtasks=n_fits)
        task.call_on_fit_task_begin(estimator=self, X=X, y=y)
        judged = self._fit(X, y, sample_weight, task)
        task.call_on_fit_task_end(
            estimator=self, X=X, y=y, reconstruction_attributes={}
        )
        return judged

    def _fit(self, X, y, sample_weight, task):
        rule = check_rule(self.threshold, self.__class__.__name__)
        names, estimators = self._unfitted()
        X = check_sequences(self, X, reset=True)
        hidden = hidden_from(estimators, self, X)
        classes, event = check_two_classes(X, y)
        if self.warn_on_overlap and is_windows(X):
            warn_of_holes(X)
        X, weights, kept = weighed(X, sample_weight)
        event = event[kept]
        _check_both_weigh(event)
        check_features(X, units=False, y=event)
        split = self._hold_out(X, event)
        watched = Watched.of(X[split.held_out], self.alarm_rule)
        check_alarms(rule, watched)
        past = Past.of(X, event, split, self.fit_on, weights)
        judged = _Judged(
            rule,
            event[split.held_out],
            split,
            event.any(),
            watched,
            taken(weights, split.held_out),
        )
        if self._is_committee:
            committee = Committee(names, estimators, hidden, self, task)
            score, by_member = self._fit_committee(committee, past)
            judged = judged._replace(by_member=by_member)
        else:
            score = self._fit_one(*estimators, *hidden, past, task)
        self._decide(judged, score)
        self.classes_ = classes
        self.validation_ = split.facts
        return judged

    def _decide(self, judged, score):
        """Set the threshold, and the probabilities, on scores of held-out windows."""
        seen = ~np.isnan(score)
        if not seen.any():
            raise ValueError(
                "None of the windows that are held out for the threshold has an "
                "observed cell. Give a larger 'validation_fraction', or later rows "
                "with data."
            )
        with one_thread_of_blas():
            self.threshold_, self._link, self.calibration_method_ = decide(
                judged.rule,
                judged.event[seen],
                score[seen],
                judged.split,
                known=judged.known,
                watched=judged.watched.keep(seen),
                weights=taken(judged.weights, seen),
            )

    def _alone(self, name, judged):
        """A classifier of one member, as it was fitted for the committee."""
        twin = copy.copy(self)
        members = self._default_members() if self.detector is None else self.detector
        twin.detector = [(name, dict(members)[name])]
        twin._members, twin.cross_fitted_ = self._members.alone(name), False
        twin._decide(judged, judged.by_member[:, self._members.names.index(name)])
        return twin

    @property
    def _is_committee(self):
        """What ``fit`` is to make of ``detector``."""
        return isinstance(self.detector, list | None)

    def _fit_one(self, detector, hidden, past, task):
        """Fit the only detector; the scores of the held-out windows."""
        rows = past.for_detectors(past.parts.training)
        training, weights = past.X[rows], taken(past.weights, rows)
        step = task.subcontext(task_name="fit-detector")
        with step.propagate_callback_context(detector):
            step.call_on_fit_task_begin(estimator=self, X=training)
            self._imputer = fit_on_windows(detector, training, hidden, weights)
            step.call_on_fit_task_end(estimator=self, X=training)
        self.detector_, self._hidden = detector, hidden
        self._members = self.cross_fitted_ = None
        held_out = past.X[past.parts.held_out]
        return score_windows(detector, self._imputer, held_out, hidden)

    def _fit_committee(self, committee, past):
        """Fit and weigh the members; the scores of the held-out windows, and theirs."""
        self._members, score, self.cross_fitted_, by_member = fit_committee(
            committee, past, refit=self.refit
        )
        self.detector_ = self._imputer = self._hidden = None
        return score, by_member

    def _hold_out(self, X, event):
        return hold_out(
            X,
            self.validation_fraction,
            how=self.validation,
            y=event,
            trained="normal" if self.fit_on == "normal" else "unlabelled",
            tell_of_held_out=False,  # decide() does
        )

    def _unfitted(self):
        """Names and unfitted copies of the members, or of the only detector; seeded."""
        if self._is_committee:
            names, estimators = self._checked_members(check_member)
            return names, seeded(estimators, self.random_state)
        if any(isinstance(part, SlidingWindow) for part in parts(self.detector)):
            raise ValueError(
                "The 'detector' parameter of RareEventClassifier must not hold a "
                "SlidingWindow: it is fitted without the events, and windows made from "
                "the rows that are left would join rows that are not neighbours. Put "
                "the windowing before the classifier: "
                "make_pipeline(SlidingWindow(...), RareEventClassifier(detector))."
            )
        return None, seeded([self.detector], self.random_state)

    @property
    def weights_(self):
        """Weight of each member in the score, a Series; NaN where there are none."""
        check_is_fitted(self)
        if self._members is None:
            raise AttributeError("A single detector has no weights_.")
        weights = self._members.weights
        weights = np.nan if weights is None else weights
        return pd.Series(weights, self._members.names, dtype=float, name="weight")

    def _anomaly_score(self, X):
        check_is_fitted(self)
        return self._scores(check_sequences(self, X, reset=False))

    def _scores(self, X):
        """The same of valid windows."""
        if self._members is not None:
            return self._members.scores(X)
        return score_windows(self.detector_, self._imputer, X, self._hidden)

    def _decisions(self, X):
        return self._scores(X) - self.threshold_

    def decision_function(self, X):
        """How far the score of each window is beyond the threshold.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Windows.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            The score less ``threshold_``; positive for events, NaN where no cell was
            observed.
        """
        return self._anomaly_score(X) - self.threshold_

    def predict(self, X):
        """Tell the events: where ``decision_function`` is positive.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Windows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels out of ``classes_``.
        """
        decision = self.decision_function(X)
        warn_of_no_data(np.isnan(decision))
        return self.classes_[(decision > 0).astype(int)]

    def predict_proba(self, X):
        """Calibrated probabilities of the two classes.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Windows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, 2)
            In the order of ``classes_``; the second column is that of the event; it
            never falls where ``decision_function`` rises.
        """
        score = self._anomaly_score(X)
        probability = self._link.probability(score)
        return np.column_stack([1 - probability, probability])

    def score(self, X, y, sample_weight=None):
        """Average precision of ``decision_function``.

        Not the accuracy, as of other classifiers: where events are rare, that is best
        for a classifier that never finds one. A search without ``scoring`` so chooses
        what ranks events highest.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Windows.

        y : array-like of shape (n_samples,)
            Labels out of ``classes_``.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the windows.

        Returns
        -------
        score : float
            In [0, 1]. Windows of which nothing was observed are left out. NaN where no
            other one is an event.
        """
        decision = self.decision_function(X)
        event = np.asarray(y) == self.classes_[1]
        check_consistent_length(decision, event, sample_weight)
        judged = ~np.isnan(decision)
        if not event[judged].any():
            return np.nan
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[judged]
        return float(
            average_precision_score(
                event[judged], decision[judged], sample_weight=sample_weight
            )
        )

    @available_if(_explains)
    @validate_params(
        {"per": [StrOptions({"feature", "cell"})]}, prefer_skip_nested_validation=True
    )
    def explain(self, X, *, per="feature"):
        """Tell what the score of each window is made of.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Windows.

        per : {"feature", "cell"}, default="feature"
            Whether the columns are the features, or the pairs of a time step (counted
            back from the last one, 0) and a feature.

        Returns
        -------
        shares : DataFrame of shape (n_samples, n_features) or \
                (n_samples, n_timesteps * n_features)
            Of a committee: the share of each column in the score, by what each member
            adds to the weighed mean, or to the squared distance. Of a linear classifier
            of summed-up windows, that of the features which raise its log-odds. Other
            members without an ``explain``, as an ``IsolationForest`` or boosted trees,
            have no part, nor has any classifier with ``per="cell"``: a row sums up to
            the share of those that explain, and is NaN where none does. Of a single
            detector: what its own ``explain`` gives.
        """
        check_is_fitted(self)
        if self._members is None:
            return self.detector_.explain(X, per=per)
        return self._explain(X, per)

    def _explain(self, X, per="feature", standardized=None):
        """The same of a committee, of which each member may have been asked before."""
        sequences = check_sequences(self, X, reset=False)
        shape = self.sequence_shape_
        shares = self._members.shares(sequences, shape, per, standardized)
        return shares_frame(self, shares, X, per)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "threshold_")

    def _sk_visual_block_(self):
        return visual_block(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        # It learns what is normal, not what sets the two classes apart.
        tags.classifier_tags.poor_score = True
        return tags
