# SPDX-License-Identifier: BSD-3-Clause
"""A RareEventClassifier of several members, weighed on held-out events."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from make import tiny, windows_of
from sklearn.base import BaseEstimator, ClassifierMixin, OutlierMixin, clone
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.estimator_checks import parametrize_with_checks

from skseq import (
    EachTimeStep,
    LSTMClassifier,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
    StreamScorer,
    WindowSummary,
    load,
    report,
    save,
)
from skseq._detectors import reach
from skseq._members import Member, Members
from skseq.detection._weights import (
    LEAST_WEIGHT,
    cross_fitted,
    fit_weights,
    folds_of_events,
    number_events,
)

FOREST = IsolationForest(n_estimators=5, random_state=0)
LOGISTIC = LogisticRegression(C=0.01, class_weight="balanced")
MEMBERS = [("pca", PCAAutoencoder(3)), ("forest", FOREST), ("logistic", LOGISTIC)]
TREE = "sklearn.tree._tree.Tree"
SMALL = {"max_epochs": 1, "hidden_layer_sizes": 3}


def drifting(seed=0, n=3000, n_features=4):
    """A slow drift that is normal, and events in which it goes on too far.

    All sensors follow it: what tells normal rows from others is none of the relations.
    """
    rng = np.random.default_rng(seed)
    load = np.convolve(rng.normal(size=n + 49), np.ones(50) / 50, "valid") * 5
    y = np.zeros(n, int)
    for start in range(200, n - 80, 350):
        load[start : start + 60] += np.linspace(0, 7, 60)
        y[start + 30 : start + 60] = 1
    X = np.outer(load, rng.uniform(0.5, 1, n_features))
    return X + 0.5 * rng.normal(size=X.shape), y


@pytest.fixture(scope="module")
def past_and_later():
    """Windows of the past and of later rows, with their labels."""
    X, y = drifting()
    windows = windows_of(X, 5)
    return windows[:2000], y[:2000], windows[2000:], y[2000:]


@pytest.fixture(scope="module")
def fitted(past_and_later):
    """A committee, which tests must leave as it is."""
    X, y, _, _ = past_and_later
    return RareEventClassifier(MEMBERS).fit(X, y)


@pytest.fixture(scope="module")
def default(past_and_later):
    """The default committee with a small network."""
    X, y, _, _ = past_and_later
    small = {f"residual__network__{name}": value for name, value in SMALL.items()}
    small |= {f"lstm__{name}": value for name, value in SMALL.items()}
    small |= {"forest__n_estimators": 20}
    return RareEventClassifier(random_state=0).set_params(**small).fit(X, y)


# Weights.


def scores_and_events(seed=0, n=400, informative=(1.5, 0.5)):
    rng = np.random.default_rng(seed)
    event = np.arange(n) % 20 < 3
    events = event * (1 + np.arange(n) // 20)
    return rng.normal(size=(n, 2)) + np.outer(event, informative), events


@pytest.mark.parametrize("ridge", [0.0002, 0.01, 1.0])
def test_weights_are_those_of_scikit_learn_where_none_is_negative_there(ridge):
    scores, events = scores_and_events()
    of_sum = ridge * len(events) / events.max()
    oracle = LogisticRegression(C=1 / of_sum, class_weight="balanced", tol=1e-10)
    coef = oracle.fit(scores, events > 0).coef_[0]
    assert (coef > 0).all()
    weights = fit_weights(scores, events, ridge)
    np.testing.assert_allclose(weights, coef / coef.sum(), rtol=1e-4)


def test_a_member_that_misleads_has_no_weight_and_leaves_the_others_theirs():
    rng = np.random.default_rng(1)
    scores, events = scores_and_events()
    misled = np.column_stack([scores, rng.normal(size=len(events)) - 2 * (events > 0)])
    weights = fit_weights(misled, events)
    assert weights[2] == 0
    np.testing.assert_allclose(weights[:2], fit_weights(scores, events), rtol=1e-3)
    assert not fit_weights(-scores, events).any()


def test_members_of_less_than_a_fifth_leave_the_weight_to_the_others():
    rng = np.random.default_rng(1)
    scores, events = scores_and_events(informative=(1.5, 1.0))
    weak = rng.normal(size=(len(events), 2)) + np.outer(events > 0, (0.0, 0.2))
    weights = fit_weights(np.column_stack([weak, scores]), events)
    assert weights[:2].tolist() == [0, 0]
    np.testing.assert_array_equal(weights[2:], fit_weights(scores, events))
    # Of ten that tell the same, with noise of their own, some are kept.
    alike = rng.normal(size=(len(events), 10)) + 0.5 * (events > 0)[:, np.newaxis]
    weights = fit_weights(alike, events)
    assert 2 <= np.count_nonzero(weights) <= 5
    assert weights[weights > 0].min() >= LEAST_WEIGHT


def test_weights_sum_up_to_one_however_well_events_stand_out():
    scores, events = scores_and_events(informative=(50.0, 50.0))
    assert fit_weights(scores, events).sum() == pytest.approx(1)


def test_members_that_tell_a_single_event_share_its_weight():
    scores, events = scores_and_events(informative=(4.0, 3.5), n=1000)
    events[20:] = 0
    weights = fit_weights(scores, events)
    assert weights.min() > 0.4
    # What a ridge of next to nothing makes of three windows is chance.
    assert fit_weights(scores, events, 1e-7).min() < weights.min()


def test_folds_keep_each_event_whole_and_follow_time():
    event = np.zeros(100, bool)
    for start in (5, 20, 40, 60, 80, 90):
        event[start : start + 3] = True
    windows = windows_of(np.zeros((100, 1)), 4)
    folds = folds_of_events(windows, number_events(windows, event))
    assert (np.diff(folds) >= 0).all()
    assert folds.max() == 4
    for start in (5, 20, 40, 60, 80, 90):
        assert len(set(folds[start : start + 3])) == 1
    assert folds[[5, 20, 40, 60, 80, 90]].tolist() == [0, 0, 1, 2, 3, 4]
    # Midway between the end of one event and the start of the next.
    assert np.flatnonzero(np.diff(folds) == 1)[0] + 1 == (22 + 40 + 1) // 2
    turned = windows[::-1]
    backwards = folds_of_events(turned, number_events(turned, event[::-1]))
    np.testing.assert_array_equal(backwards[::-1], folds)


def test_the_weights_that_score_a_window_saw_none_of_its_rows():
    scores, events = scores_and_events()
    windows = windows_of(np.zeros((400, 1)), 6)
    weighed = cross_fitted(windows, scores, events)
    folds = folds_of_events(windows, events)
    for fold in range(5):
        inside = np.flatnonzero(folds == fold)
        reach = np.arange(inside[0] - 5, inside[-1] + 6)
        others = np.setdiff1d(np.arange(400), reach)
        weights = fit_weights(scores[others], events[others])
        np.testing.assert_allclose(weighed[inside], scores[inside] @ weights)


def test_of_too_few_events_no_scores_are_crossed():
    scores, events = scores_and_events(n=60)
    assert cross_fitted(scores[:, np.newaxis], scores, events) is None


# What the labels teach.


@pytest.mark.filterwarnings("ignore:.*no event that stands out:UserWarning")
def test_labelled_events_teach_what_reconstruction_is_blind_to(past_and_later, fitted):
    X, y, later, later_y = past_and_later
    alone = RareEventClassifier(PCAAutoencoder(3)).fit(X, y)
    blind = average_precision_score(later_y, alone.decision_function(later))
    seeing = average_precision_score(later_y, fitted.decision_function(later))
    assert blind < 0.3
    assert seeing > 0.8
    assert fitted.weights_["logistic"] > fitted.weights_["pca"]
    assert fitted.weights_.index.tolist() == ["pca", "forest", "logistic"]


def test_the_default_committee_finds_them_too(past_and_later, default):
    _, _, later, later_y = past_and_later
    assert average_precision_score(later_y, default.decision_function(later)) > 0.8
    assert (default.weights_ >= 0).all()


def test_the_score_is_the_weighed_mean_of_bounded_member_scores(past_and_later, fitted):
    _, _, later, _ = past_and_later
    members = fitted.member_scores(later)
    assert members.columns.tolist() == ["pca", "forest", "logistic"]
    expected = members.clip(-10, 10) @ fitted.weights_
    np.testing.assert_allclose(
        fitted.decision_function(later), expected - fitted.threshold_
    )


def test_a_member_of_no_weight_is_not_asked_for_the_score(past_and_later, fitted):
    _, _, later, _ = past_and_later
    weights = np.array([0, 0.5, 0.5])
    expected = fitted.member_scores(later).clip(-10, 10) @ weights
    members, names = fitted._members, fitted._members.names
    deaf = replace(members, weights=weights, fitted=[None, *members.fitted[1:]])
    np.testing.assert_allclose(deaf.scores(later), expected)
    # Where none of the others judges a window, there is nothing to go by.
    standardized = np.array([[1.0, np.nan, np.nan], [np.nan, 1.0, np.nan]])
    assert np.isnan(deaf.combined(standardized)).tolist() == [True, False]
    assert deaf.heard.names == names[1:]
    assert deaf.heard.heard.names == names[1:]
    assert members.alone("pca").heard.names == ["pca"]


def test_decisions_and_probabilities_are_of_held_out_windows(past_and_later, fitted):
    _, _, later, y = past_and_later
    decision = fitted.decision_function(later)
    np.testing.assert_array_equal(fitted.predict(later), decision > 0)
    probability = fitted.predict_proba(later)[:, 1]
    assert (np.diff(probability[np.argsort(decision)]) >= 0).all()
    assert probability[y == 1].mean() > 10 * probability[y == 0].mean()


@pytest.mark.parametrize(
    ("fraction", "is_cross_fitted"), [(0.35, False), (0.7, True)], ids=["two", "four"]
)
def test_scores_are_crossed_where_there_are_enough_events(
    past_and_later, fraction, is_cross_fitted
):
    X, y, _, _ = past_and_later
    members = [MEMBERS[0], MEMBERS[2]]
    clf = RareEventClassifier(members, validation_fraction=fraction, refit=False)
    assert clf.fit(X, y).cross_fitted_ == is_cross_fitted
    if not is_cross_fitted:  # then the threshold is of the very scores of later windows
        held_out = X[-round(fraction * len(X)) :]
        labels = y[-len(held_out) :]
        assert labels[clf.decision_function(held_out) > 0].mean() > 0.5


# Members.


class LastValue(OutlierMixin, BaseEstimator):
    """The error of a window is the exponential of its last value, times a factor.

    The factor is another where more was fitted on than a number of windows.
    """

    def __init__(self, feature=0, many=10**9, factor=1.0):
        self.feature = feature
        self.many = many
        self.factor = factor

    def fit(self, X, y=None):
        assert y is None
        self.factor_ = self.factor if len(X) > self.many else 1.0
        self.fitted_on_ = X
        return self

    def score_samples(self, X):
        return -self.factor_ * np.exp(np.asarray(X, np.float64)[:, -1, self.feature])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that takes windows, or rows, and keeps what it was given."""

    def __init__(self, sequences=True):
        self.sequences = sequences

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.fitted_on_ = X, y
        return self

    def predict_proba(self, X):
        last = np.asarray(X, np.float64).reshape(len(X), -1)[:, -1]
        odds = 1 / (1 + np.exp(-last))
        return np.column_stack([1 - odds, odds])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = self.sequences
        return tags


def shifted(n=2000, seed=0):
    """Noise with events of three rows, in which the first of two features is higher."""
    X = np.random.default_rng(seed).normal(size=(n, 2))
    y = np.arange(n) % 50 >= 47
    X[y, 0] += 3
    return X, y


@pytest.mark.parametrize("factor", [0.02, 50.0])
def test_a_shift_of_level_between_the_two_fits_does_not_move_the_alarm_rate(factor):
    X, y = shifted()
    later, _ = shifted(seed=1)
    past, later = windows_of(X, 3), windows_of(later, 3)
    made = [
        RareEventClassifier(
            [("a", LastValue(0, many=1600, factor=f)), ("b", LastValue(1))],
            threshold=("quantile", 0.98),
        ).fit(past, y)
        for f in (factor, 1.0)
    ]
    assert made[0].named_estimators_["a"].factor_ == factor
    np.testing.assert_array_equal(made[0].predict(later), made[1].predict(later))
    np.testing.assert_allclose(
        made[0].decision_function(later), made[1].decision_function(later)
    )


def test_members_are_fitted_twice_and_hold_no_held_out_row_at_first():
    X, y = shifted(500)
    windows = windows_of(X, 3)
    members = [("last", LastValue()), ("all", Recorder())]
    first = RareEventClassifier(members, refit=False).fit(windows, y)
    again = RareEventClassifier(members).fit(windows, y)
    for clf, stop in ((first, 400 - 2), (again, 500)):
        normal = np.flatnonzero(~windows.holds_any(y))
        on = clf.named_estimators_["last"].fitted_on_
        np.testing.assert_array_equal(on.ends, normal[normal < stop])
        on, labels = clf.named_estimators_["all"].fitted_on_
        np.testing.assert_array_equal(on.ends, np.arange(stop))
        np.testing.assert_array_equal(labels, y[:stop])


def test_other_classifiers_see_a_standardised_summary_of_each_window():
    X, y = shifted(500)
    X[7] = np.nan
    windows = windows_of(X, 3)
    members = [("last", LastValue()), ("rows", Recorder(sequences=False))]
    clf = RareEventClassifier(members, refit=False).fit(windows, y)
    seen, _ = clf.named_estimators_["rows"].fitted_on_
    summary = WindowSummary().fit_transform(windows[:398])
    expected = StandardScaler().fit_transform(summary)
    np.testing.assert_allclose(seen, expected, atol=1e-4)


def test_classifiers_see_context_features_that_detectors_are_not_shown():
    X, y = shifted(500)
    members = [("last", LastValue()), ("all", Recorder()), ("pca", PCAAutoencoder(2))]
    clf = RareEventClassifier(members, context_features=[0]).fit(windows_of(X, 3), y)
    assert clf.named_estimators_["last"].fitted_on_.shape[2] == 1
    assert clf.named_estimators_["all"].fitted_on_[0].shape[2] == 2
    assert clf.named_estimators_["pca"].is_context_.tolist() == [True, False]
    assert clf.explain(windows_of(X, 3)).shape == (500, 2)


def test_a_window_without_data_is_judged_by_no_member():
    X, y = shifted(500)
    windows = windows_of(X, 3)
    members = [("logistic", LOGISTIC), ("all", Recorder())]
    clf = RareEventClassifier(members).fit(windows, y)
    X[10:14] = np.nan
    for later in (windows_of(X, 3), np.asarray(windows_of(X, 3))):
        scores = clf.member_scores(later)
        empty = np.isin(np.arange(500), [12, 13])
        np.testing.assert_array_equal(scores.isna().all(axis=1), empty)
        np.testing.assert_array_equal(np.isnan(clf.decision_function(later)), empty)


def test_classifiers_of_sequences_and_of_probabilities_alone_can_be_members():
    X, y = shifted(600)
    members = [
        ("last", LastValue(1)),
        ("network", tiny(LSTMClassifier)),
        ("trees", RandomForestClassifier(5, random_state=0)),
    ]
    clf = RareEventClassifier(members, random_state=0).fit(windows_of(X, 3), y)
    assert average_precision_score(y, clf.decision_function(windows_of(X, 3))) > 0.7
    assert clf.weights_["trees"] > 0


# Too little to learn weights from.


def none_held_out():
    X, y = shifted(600)
    y = y.copy()
    y[480:] = False
    return windows_of(X, 3), y


@pytest.mark.filterwarnings("ignore:The part held out for the threshold:UserWarning")
def test_without_held_out_events_the_detectors_count_alike():
    windows, y = none_held_out()
    members = [("a", LastValue(0)), ("b", LastValue(1)), ("logistic", LOGISTIC)]
    clf = RareEventClassifier(members)
    with pytest.warns(UserWarning, match="has no event:.*classifiers have no part"):
        clf.fit(windows, y)
    assert clf.weights_.index.tolist() == ["a", "b"]
    assert clf.weights_.isna().all()
    scores = clf.member_scores(windows)
    distance = np.linalg.norm(scores.clip(lower=0), axis=1)
    distance = np.where(distance > 0, distance, scores.max(axis=1))
    np.testing.assert_allclose(
        clf.decision_function(windows), distance - clf.threshold_
    )


def test_a_single_held_out_event_weighs_the_members():
    X, y = shifted(600)
    y = y & (np.arange(600) < 500)  # the last 120 rows hold one more
    members = [("a", LastValue(0)), ("b", LastValue(1)), ("logistic", LOGISTIC)]
    clf = RareEventClassifier(members).fit(windows_of(X, 3), y)
    assert clf.validation_["held_out"]["n_events"] == 1
    assert clf.weights_["a"] > clf.weights_["b"]
    assert not clf.cross_fitted_


def test_of_a_table_without_any_event_nothing_is_said_of_weights():
    windows, _ = none_held_out()
    clf = RareEventClassifier(MEMBERS, threshold=("quantile", 0.99))
    clf.fit(windows, np.zeros(len(windows), int))
    assert [*clf.named_estimators_] == ["pca", "forest"]


def test_without_an_event_to_train_on_the_classifiers_drop_out():
    X, y = shifted(600)
    y = y.copy()
    y[:480] = False
    members = [("a", LastValue(0)), ("logistic", LOGISTIC)]
    clf = RareEventClassifier(members)
    with pytest.warns(UserWarning, match="classifiers have no part"):
        clf.fit(windows_of(X, 3), y)
    assert clf.weights_["a"] > 0
    assert [*clf.weights_.index] == ["a"]


@pytest.mark.filterwarnings("ignore:.*no event that stands out:UserWarning")
def test_where_no_member_finds_the_events_all_count_alike():
    X, y = shifted(600)
    members = [("a", LastValue(0)), ("b", LastValue(0))]
    clf = RareEventClassifier(members, threshold=("quantile", 0.9))
    with pytest.warns(UserWarning, match="No member of the committee"):
        clf.fit(windows_of(-X, 3), y)
    assert clf.weights_.isna().all()


def test_classifiers_alone_need_events_in_both_parts():
    windows, y = none_held_out()
    with pytest.raises(ValueError, match="Add a detector, or label more events"):
        RareEventClassifier([("logistic", LOGISTIC)]).fit(windows, y)


# Named members.


def test_the_default_members_can_be_set_before_they_are_given():
    clf = RareEventClassifier()
    params = clf.get_params()
    assert params["detector"] is None
    assert params["logistic__class_weight"] == "balanced"
    clf.set_params(residual__network__hidden_layer_sizes=8, forest="drop")
    assert clf.get_params()["residual__network__hidden_layer_sizes"] == 8
    assert [name for name, _ in clf.detector] == [*dict(clf._default_members())]
    assert clone(clf).get_params()["forest"] == "drop"


@pytest.mark.filterwarnings("ignore:.*no event that stands out:UserWarning")
def test_a_single_detector_is_none_of_several(past_and_later):
    X, y, _, _ = past_and_later
    clf = RareEventClassifier(PCAAutoencoder(3)).fit(X, y)
    assert clf.get_params()["detector__n_components"] == 3
    assert not hasattr(clf, "weights_")
    assert not hasattr(clf, "member_scores")
    assert not hasattr(clf, "named_estimators_")
    assert clf.cross_fitted_ is None


def test_a_dropped_member_is_not_fitted(past_and_later):
    X, y, _, _ = past_and_later
    clf = RareEventClassifier(MEMBERS).set_params(forest="drop", pca__n_components=2)
    assert [*clf.fit(X, y).named_estimators_] == ["pca", "logistic"]
    assert clf.named_estimators_.pca.n_components_ == 2


def test_a_grid_reaches_the_members():
    X, y = shifted(1500)
    pipeline = make_pipeline(SlidingWindow(3), RareEventClassifier(MEMBERS[::2]))
    grid = {
        "rareeventclassifier__pca__n_components": [1, 2],
        "rareeventclassifier__logistic": ["drop", LOGISTIC],
    }
    search = GridSearchCV(
        pipeline, grid, cv=TimeSeriesSplit(2), scoring="average_precision"
    )
    assert len(search.fit(X, y).cv_results_["params"]) == 4


def test_members_in_parallel_give_the_same_as_one_after_the_other():
    X, y = shifted(600)
    windows = windows_of(X, 3)
    one, two = (RareEventClassifier(MEMBERS, n_jobs=n, random_state=0) for n in (1, 2))
    with parallel_config("threading"):
        decisions = two.fit(windows, y).decision_function(windows)
    np.testing.assert_array_equal(
        decisions, one.fit(windows, y).decision_function(windows)
    )


@pytest.mark.parametrize(
    ("detector", "error", "message"),
    [
        ([], ValueError, "none that is not dropped"),
        ([PCAAutoencoder()], ValueError, r"list of \(name, estimator\)"),
        ([("a", PCAAutoencoder)], TypeError, "'a' of 'detector' must be an outlier"),
        ([("a", StandardScaler())], TypeError, "'a' of 'detector' must be an outlier"),
        ([("refit", FOREST)], ValueError, "conflict with constructor"),
        (
            [("a", make_pipeline(SlidingWindow(2), PCAAutoencoder()))],
            ValueError,
            "must not hold a SlidingWindow",
        ),
        ([("a", LogisticRegression(C=-1))], ValueError, "'C' parameter"),
    ],
)
def test_wrong_members_are_told(detector, error, message):
    X, y = shifted(200)
    with pytest.raises(error, match=message):
        RareEventClassifier(detector).fit(windows_of(X, 3), y)


REPEATED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "the end is held out, of so many windows, repeated or not"
    )
}


# Some of the checks label at random, hold no event out, or have hardly any rows.
@pytest.mark.filterwarnings("ignore:The errors of most held-out:UserWarning")
@pytest.mark.filterwarnings("ignore:.* too few to tell what:UserWarning")
@pytest.mark.filterwarnings("ignore:The part held out:UserWarning")
@pytest.mark.filterwarnings("ignore:The greater label, :UserWarning")
@pytest.mark.filterwarnings("ignore:No member of the committee:UserWarning")
@pytest.mark.filterwarnings("ignore:No event is left to train on:UserWarning")
@parametrize_with_checks(
    [
        RareEventClassifier(
            [("pca", PCAAutoencoder()), ("logistic", LOGISTIC)],
            threshold=("probability", 0.5),
        )
    ],
    expected_failed_checks=lambda estimator: REPEATED,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# What is told of it.


def test_explain_shares_out_what_each_member_adds():
    X, y = shifted(800)
    frame = pd.DataFrame(X, columns=["flow", "heat"])
    frame.index = pd.date_range("2026", periods=800)
    windows = windows_of(frame, 3)
    members = [("fine", PCAAutoencoder(1)), ("pca", PCAAutoencoder(2, error="mae"))]
    clf = RareEventClassifier([*members, ("forest", FOREST)]).fit(windows, y)
    shares = clf.explain(windows)
    assert shares.columns.tolist() == ["flow", "heat"]
    assert shares.index.equals(frame.index)
    say = clf.weights_ * clf.member_scores(windows).clip(1e-9, 10)
    say = say.div(say.sum(axis=1), axis=0)
    expected = 0
    for name in ("fine", "pca"):
        own = clf.named_estimators_[name].explain(windows)
        own = own.div(own.sum(axis=1), axis=0)
        expected = expected + own.mul(say[name], axis=0)
    has_say = say[["fine", "pca"]].sum(axis=1) > 0
    np.testing.assert_allclose(shares[has_say], expected[has_say], atol=1e-9)
    np.testing.assert_allclose(
        shares[has_say].sum(axis=1), 1 - say["forest"][has_say], atol=1e-6
    )
    assert shares[y]["flow"].mean() > shares[y]["heat"].mean()
    cells = clf.explain(windows[:5], per="cell")
    np.testing.assert_allclose(
        cells.T.groupby(level="feature").sum().T, shares[:5], atol=1e-9
    )


@pytest.mark.parametrize("linear", [LOGISTIC, RidgeClassifier()], ids=str)
def test_a_linear_classifier_explains_by_what_raises_its_log_odds(linear):
    X, y = shifted(800)
    windows = windows_of(X, 3)
    members = [("last", LastValue(1)), ("logistic", linear)]
    clf = RareEventClassifier(members).fit(windows, y)
    members = clf._members.fitted
    summary = members[1].preparation.transform(windows)
    parts = summary * np.ravel(members[1].estimator.coef_)
    parts = parts.reshape(800, 2, 4).sum(axis=2)
    log_odds = parts.sum(axis=1) + members[1].estimator.intercept_
    np.testing.assert_allclose(log_odds, members[1].values(windows), atol=1e-4)
    raised = np.maximum(parts, 0)
    say = clf.weights_ * clf.member_scores(windows).clip(1e-9, 10)
    say = (say["logistic"] / say.sum(axis=1)).to_numpy()
    both = (raised.sum(axis=1) > 0) & (say > 0)
    expected = say[:, None] * raised / raised.sum(axis=1, keepdims=True).clip(1e-12)
    np.testing.assert_allclose(clf.explain(windows)[both], expected[both], atol=1e-6)
    assert clf.explain(windows)[y].idxmax(axis=1).eq("x0").mean() > 0.9
    assert clf.explain(windows, per="cell").isna().all(axis=None)


def test_displays_step_down_to_the_heaviest_member_that_has_what_they_draw(fitted):
    windows = windows_of(drifting()[0][:50], 5)
    member, X = reach(fitted, windows, "reconstruction_error")
    assert member is fitted.named_estimators_["pca"]
    assert X is windows
    with pytest.raises(TypeError, match="'loss_curve_', which RareEventClassifier"):
        reach(fitted, windows, "loss_curve_")


def test_the_display_shows_who_found_the_events(fitted):
    html = estimator_html_repr(fitted)
    assert f"logistic {fitted.weights_['logistic']:.0%} \N{FULL BLOCK}" in html
    assert "logistic" in estimator_html_repr(RareEventClassifier(MEMBERS))
    unweighed = RareEventClassifier(MEMBERS, threshold=("quantile", 0.9))
    unweighed.fit(
        *(part[:200] for part in (windows_of(shifted()[0], 3), np.zeros(200)))
    )
    html = estimator_html_repr(unweighed)
    assert "pca not weighed" in html
    assert "logistic left out" in html


# Elsewhere.


def test_a_stream_gives_the_scores_of_the_table():
    X, y = shifted(600)
    frame = pd.DataFrame(X, columns=["flow", "heat"])
    pipeline = make_pipeline(
        SlidingWindow(3), EachTimeStep(StandardScaler()), RareEventClassifier(MEMBERS)
    )
    later = frame[540:]
    expected = pipeline.fit(frame[:540], y[:540]).decision_function(later)
    scorer = StreamScorer(pipeline)
    scores = [scorer.score_one(row) for _, row in later.iterrows()]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)


def test_partitions_of_a_table_get_the_scores_of_the_whole():
    dd = pytest.importorskip("dask.dataframe")
    from skseq.dask import windowed_scores

    X, y = shifted(600)
    frame = pd.DataFrame(X, columns=["flow", "heat"])
    pipeline = make_pipeline(SlidingWindow(3), RareEventClassifier(MEMBERS))
    expected = pipeline.fit(frame, y).decision_function(frame)
    parts = dd.from_pandas(frame, npartitions=3)
    scores = windowed_scores(parts, pipeline, method="decision_function")
    np.testing.assert_allclose(
        scores.compute(scheduler="synchronous"), expected, rtol=1e-5, atol=1e-6
    )


def test_the_report_names_the_committee_and_shows_its_weights(
    fitted, past_and_later, tmp_path, monkeypatch
):
    pytest.importorskip("matplotlib")
    for name in ("draw_pictures", "drift_picture"):  # which take most of the time
        monkeypatch.setattr(f"skseq._report._fields.{name}", lambda *given: [])
    _, _, later, y = past_and_later
    page = report(fitted, later, y, tmp_path / "report.html").read_text("utf-8")
    assert "RareEventClassifier" in page
    assert "weights of the members" in page
    for name in fitted.weights_.index:
        assert f"<th scope='row'>{name}</th>" in page


def test_a_loaded_committee_decides_the_same(fitted, past_and_later, tmp_path):
    _, _, later, _ = past_and_later
    save(fitted, tmp_path / "committee.skseq", trusted=[TREE])
    loaded = load(tmp_path / "committee.skseq", trusted=[TREE])
    np.testing.assert_array_equal(
        loaded.predict_proba(later), fitted.predict_proba(later)
    )
    pd.testing.assert_series_equal(loaded.weights_, fitted.weights_)
    pd.testing.assert_frame_equal(loaded.explain(later), fitted.explain(later))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"weights": np.zeros(2)}, "weights has the shape"),
        ({"fitted": [None]}, "a member is not one"),
        ({"fitted": [Member(StandardScaler(), None, None)]}, "member gives no scores"),
        ({"names": [1]}, "not a name for each"),
    ],
    ids=str,
)
def test_a_file_of_what_does_not_go_together_is_refused(tmp_path, part, message):
    X, y = shifted(200)
    clf = RareEventClassifier([("a", PCAAutoencoder(2))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf.fit(windows_of(X, 3), y)
    clf._members = Members(**{**vars(clf._members), **part})
    with pytest.raises(ValueError, match=message):
        save(clf, tmp_path / "committee.skseq")
