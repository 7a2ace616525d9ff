# SPDX-License-Identifier: BSD-3-Clause
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.calibration import calibration_curve
from sklearn.ensemble import IsolationForest, StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import (
    GridSearchCV,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import skseq.autoencoder
from skseq import (
    EachTimeStep,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
    Windows,
)
from skseq.detection._event_thresholds import Watched
from skseq.detection._thresholds import check_rule, choose_threshold


class Recorder(OutlierMixin, BaseEstimator):
    """Scores a window by its last value, and keeps what it was given."""

    def __init__(self, sequences=True, seen=None, random_state=None):
        self.sequences = sequences
        self.seen = seen
        self.random_state = random_state

    def fit(self, X, y=None):
        self.fitted_on_ = X
        return self

    def score_samples(self, X):
        if self.seen is not None:
            self.seen.append(X)
        X = np.asarray(X)
        return -X.reshape(len(X), -1)[:, -1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = self.sequences
        return tags


def make_table(n_samples=400, n_features=2, seed=0):
    """Noise, with an event of one row every 40 rows."""
    X = np.random.default_rng(seed).normal(size=(n_samples, n_features))
    y = np.arange(n_samples) % 40 == 25
    X[y] += 6
    return X, y.astype(int)


def make_windows(window_size=4, **settings):
    X, y = make_table(**settings)
    return SlidingWindow(window_size).fit_transform(X), y


def rows_of(windows):
    return set(windows.rows().tolist())


REPEATED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "the end is held out, of so many windows, repeated or not"
    )
}


# Some of the checks label at random, hold no event out, or have hardly any rows.
@pytest.mark.filterwarnings("ignore:The errors of most held-out:UserWarning")
@pytest.mark.filterwarnings("ignore:.* too few to tell what:UserWarning")
@pytest.mark.filterwarnings("ignore:The part held out for the threshold:UserWarning")
@pytest.mark.filterwarnings("ignore:The greater label, :UserWarning")
@parametrize_with_checks(
    [
        # The one rule under which predict is the class with the higher probability,
        # as check_classifiers_train wants it.
        RareEventClassifier(
            IsolationForest(n_estimators=10), threshold=("probability", 0.5)
        ),
        RareEventClassifier(PCAAutoencoder(), threshold=("probability", 0.5)),
    ],
    expected_failed_checks=lambda estimator: REPEATED,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_detector_is_fitted_on_windows_that_hold_no_event():
    X, y = make_windows()
    events = set(np.flatnonzero(y))
    fitted_on = RareEventClassifier(Recorder()).fit(X, y).detector_.fitted_on_
    assert isinstance(fitted_on, Windows)
    assert not events & rows_of(fitted_on)
    # Of 320 windows that are not held out, 3 share rows with those that are, and 8
    # events are each held by 4 windows.
    assert len(fitted_on) == 320 - 3 - 8 * 4


def test_fit_on_all_takes_the_windows_with_events_too():
    X, y = make_windows()
    clf = RareEventClassifier(Recorder(), fit_on="all").fit(X, y)
    assert len(clf.detector_.fitted_on_) == 320 - 3


def test_array_samples_are_normal_by_their_own_label():
    X, y = make_table()
    clf = RareEventClassifier(Recorder()).fit(X[:, :, np.newaxis], y)
    assert clf.detector_.fitted_on_.shape == (320 - 8, 2, 1)


def test_threshold_is_set_on_rows_that_the_detector_never_saw():
    frame = pd.DataFrame(make_table()[0]).assign(sensor=np.arange(400) % 2)
    frame.columns = frame.columns.astype(str)
    y = np.isin(np.arange(400) % 80, [30, 71])
    X = SlidingWindow(4, group_by="sensor").fit_transform(frame)
    seen = []
    fitted_on = RareEventClassifier(Recorder(seen=seen)).fit(X, y).detector_.fitted_on_
    # clone copies the list that it is given: the fitted detector holds the copy.
    assert not seen
    clf = RareEventClassifier(Recorder(seen=seen)).fit(X, y)
    (held_out,) = clf.detector_.seen
    assert not rows_of(fitted_on) & rows_of(held_out)
    assert np.bincount(held_out.series).tolist() == [40, 40]
    for series in (0, 1):
        last_fitted = fitted_on.ends[fitted_on.series == series].max()
        assert last_fitted < held_out.starts[held_out.series == series].min()


@pytest.mark.parametrize(
    "threshold",
    [
        "f1",
        "event_f1",
        ("fbeta", 2),
        ("precision", 0.9),
        ("recall", 0.9),
        ("quantile", 0.9),
        ("pot", 0.05),
        ("probability", 0.3),
        ("cost", 1, 20),
    ],
)
def test_threshold_follows_its_rule_on_the_held_out_windows(threshold):
    X, y = make_table(seed=3)
    X -= 4 * y[:, np.newaxis]
    rule = check_rule(threshold, "Owner")
    windows = SlidingWindow(4).fit_transform(X)
    clf = RareEventClassifier(Recorder(), threshold=threshold).fit(windows, y)
    score = X[320:, -1].astype(np.float32)
    watched = Watched.of(windows[320:])
    assert clf.threshold_ == choose_threshold(rule, y[320:], score, watched)


def test_predict_flags_scores_beyond_the_threshold():
    X, y = make_windows()
    clf = RareEventClassifier(Recorder()).fit(X, y)
    decision = clf.decision_function(X)
    np.testing.assert_allclose(
        decision, -clf.detector_.score_samples(X) - clf.threshold_, rtol=1e-5
    )
    np.testing.assert_array_equal(clf.predict(X), decision > 0)
    np.testing.assert_array_equal(clf.predict(X), y)


def test_probabilities_of_few_windows_rise_strictly_with_the_decision():
    X, y = make_windows()
    clf = RareEventClassifier(PCAAutoencoder(2)).fit(X, y)
    order = np.argsort(clf.decision_function(X))
    probability = clf.predict_proba(X)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert np.all(np.diff(probability[order, 1]) > 0)


def plateau(x):
    """A probability that no sigmoid has: it rises at once, and to 0.6 only."""
    return 0.01 + 0.6 * (x > 3)


def logistic(x):
    return 1 / (1 + np.exp(4 - x))


@pytest.mark.parametrize(
    ("n_held_out", "method", "true_probability"),
    [
        (800, "sigmoid", logistic),
        (4000, "isotonic", logistic),
        (4000, "isotonic", plateau),
    ],
    ids=["few", "many", "many, not a sigmoid"],
)
def test_probabilities_are_reliable_in_later_rows(n_held_out, method, true_probability):
    rng = np.random.default_rng(0)
    n_past, n_later = 2 * n_held_out, 50_000
    X = rng.exponential(size=(n_past + n_later, 1))
    truth = true_probability(X[:, 0])
    y = rng.random(len(X)) < truth
    clf = RareEventClassifier(Recorder(), validation_fraction=0.5)
    clf.fit(X[:n_past], y[:n_past])
    assert clf.calibration_method_ == method
    estimate = clf.predict_proba(X[n_past:])[:, 1]
    observed, predicted = calibration_curve(y[n_past:], estimate, n_bins=10)
    counts = np.histogram(estimate, np.linspace(0, 1, 11))[0]
    weights = counts[counts > 0] / n_later
    assert weights @ np.abs(observed - predicted) < 0.02
    assert np.abs(estimate - truth[n_past:]).mean() < 0.02
    assert estimate.mean() == pytest.approx(y[n_past:].mean(), rel=0.2)


@pytest.mark.parametrize("n_held_out", [400, 4000])
def test_predict_follows_the_probability_of_its_rule(n_held_out):
    rng = np.random.default_rng(0)
    X = rng.exponential(size=(4 * n_held_out, 1))
    y = rng.random(len(X)) < logistic(X[:, 0])
    clf = RareEventClassifier(
        Recorder(), threshold=("probability", 0.3), validation_fraction=0.5
    ).fit(X[: 2 * n_held_out], y[: 2 * n_held_out])
    later = X[2 * n_held_out :]
    flagged = clf.predict(later)
    assert 0 < flagged.mean() < 0.2
    np.testing.assert_array_equal(flagged, clf.predict_proba(later)[:, 1] > 0.3)


@pytest.mark.parametrize(
    "labels", [np.array([False, True]), np.array([0, 1]), np.array(["no", "stop"])]
)
def test_the_event_is_the_greater_label(labels):
    X, y = make_windows()
    clf = RareEventClassifier(Recorder()).fit(X, labels[y])
    np.testing.assert_array_equal(clf.classes_, labels)
    np.testing.assert_array_equal(clf.predict(X), labels[y])


def test_labels_the_wrong_way_round_are_told():
    X, y = make_windows()
    X = X.with_table(-X.table)
    with pytest.warns(
        UserWarning, match="greater label, .*1.*, is taken for the event"
    ):
        RareEventClassifier(Recorder(), fit_on="all").fit(X, np.where(y, -1, 1))


def test_no_event_held_out_warns_and_takes_the_quantile():
    X, y = make_windows(n_samples=200)
    y[160:] = 0
    clf = RareEventClassifier(Recorder())
    with pytest.warns(
        UserWarning, match=r"end of each series\) has no event, .*: the thr"
    ):
        clf.fit(X, y)
    score = -clf.detector_.score_samples(X[160:]).astype(np.float64)
    assert clf.threshold_ == np.quantile(score, 0.99)
    probability = clf.predict_proba(X)[:, 1]
    np.testing.assert_array_equal(probability > 0.5, clf.predict(X))


@pytest.mark.parametrize("rule", [("quantile", 0.9), ("pot", 0.01)])
@pytest.mark.filterwarnings("ignore:.* of 40 normal scores are above:UserWarning")
def test_rules_without_events_are_followed_where_none_is_held_out(rule):
    X, y = make_windows(n_samples=200)
    y[160:] = 0
    clf = RareEventClassifier(Recorder(), threshold=rule)
    with pytest.warns(UserWarning, match="has no event, .*: predict_proba is not ca"):
        clf.fit(X, y)
    score = -clf.detector_.score_samples(X[160:]).astype(np.float64)
    assert clf.threshold_ == choose_threshold((rule[0], rule[1:]), y[160:], score)
    assert clf.calibration_method_ is None


def test_events_that_do_not_stand_out_are_told_and_flag_few():
    X, y = make_windows()
    X = X.with_table(-X.table)
    clf = RareEventClassifier(Recorder())
    with (
        pytest.warns(UserWarning, match="no event that stands out: predict_proba is"),
        pytest.warns(UserWarning, match="'f1' would flag 100.0% .* 2.50% are events"),
    ):
        clf.fit(X, y)
    score = X.table[320:, -1].astype(np.float32).astype(np.float64)
    assert clf.threshold_ == np.quantile(score[y[320:] == 0], 0.99)
    assert clf.predict(X).mean() < 0.05
    assert np.all(np.diff(np.sort(clf.predict_proba(X)[:, 1])) >= 0)


def test_sequence_detectors_get_lazy_windows():
    X, y = make_windows()
    clf = RareEventClassifier(Recorder(seen=[])).fit(X, y)
    clf.predict(X)
    assert all(isinstance(seen, Windows) for seen in clf.detector_.seen)


def test_a_pipeline_of_sequence_steps_gets_windows():
    X, y = make_windows()
    detector = make_pipeline(
        EachTimeStep(StandardScaler()), PCAAutoencoder(2, score_on="last")
    )
    clf = RareEventClassifier(detector).fit(X, y)
    assert clf.detector_[-1].n_features_in_ == 2
    assert average_precision_score(y, clf.decision_function(X)) > 0.3


def test_other_detectors_get_flat_windows_without_missing_values():
    X, y = make_windows()
    X.table[100, 1] = np.nan
    clf = RareEventClassifier(Recorder(sequences=False)).fit(X, y)
    fitted_on = clf.detector_.fitted_on_
    assert fitted_on.shape[1] == 4 * 2
    assert np.isfinite(fitted_on).all()
    gathered = np.asarray(X)[:317]
    normal = gathered[~X.holds_any(y)[:317]].reshape(len(fitted_on), -1)
    # The first window is padded with the mean of those that are not.
    np.testing.assert_allclose(fitted_on[0, :6], np.nanmean(normal, axis=0)[:6], 1e-5)


def test_flat_windows_are_scored_a_part_at_a_time():
    X, y = make_windows(window_size=64, n_samples=2000, n_features=64)
    clf = RareEventClassifier(Recorder(sequences=False, seen=[])).fit(X, y)
    whole = clf.decision_function(X)
    clf.detector_.seen.clear()
    with sklearn.config_context(working_memory=4):  # MiB, of the 31 in all windows
        np.testing.assert_array_equal(clf.decision_function(X), whole)
    assert sum(map(len, clf.detector_.seen)) == 2000
    assert max(seen.nbytes for seen in clf.detector_.seen) <= 4 * 2**20


@pytest.mark.parametrize(
    "detector",
    [
        make_pipeline(SlidingWindow(3), PCAAutoencoder()),
        make_pipeline(
            StandardScaler(), make_pipeline(SlidingWindow(3), PCAAutoencoder())
        ),
    ],
    ids=["pipeline", "nested"],
)
def test_a_detector_that_makes_windows_is_refused(detector):
    with pytest.raises(ValueError, match="join rows that are not neighbours"):
        RareEventClassifier(detector).fit(*make_table())


def test_random_state_reaches_the_detector():
    X, y = make_windows()
    first, second = (
        RareEventClassifier(IsolationForest(n_estimators=5), random_state=0)
        .fit(X, y)
        .decision_function(X)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_random_state_of_the_detector_itself_is_kept():
    X, y = make_windows()
    detector = make_pipeline(Recorder(random_state=7))
    clf = RareEventClassifier(detector, random_state=0).fit(X, y)
    assert clf.detector_[0].random_state == 7
    assert detector[0].random_state == 7


def test_no_random_state_leaves_the_global_generator_alone():
    X, y = make_windows()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    clf = RareEventClassifier(Recorder()).fit(X, y)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert clf.detector_.random_state is None


class Failing(Recorder):
    def fit(self, X, y=None):
        raise KeyboardInterrupt


def test_a_fit_that_fails_leaves_no_fitted_attributes():
    clf = RareEventClassifier(Failing())
    parameters = set(vars(clf))
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*make_windows())
    assert set(vars(clf)) == parameters


def test_a_fit_that_fails_keeps_the_one_before():
    X, y = make_windows()
    clf = RareEventClassifier(Recorder()).fit(X, y)
    decision = clf.decision_function(X)
    with pytest.raises(ValueError, match="1 class only"):
        clf.fit(np.zeros((20, 3, 5)), np.ones(20))
    np.testing.assert_array_equal(clf.decision_function(X), decision)


def test_fit_leaves_its_input_alone():
    X, y = make_windows()
    X.table[50] = np.nan
    table, labels, detector = X.table.copy(), y.copy(), IsolationForest(n_estimators=5)
    RareEventClassifier(detector, random_state=0).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(X.table, table)
    np.testing.assert_array_equal(y, labels)
    assert detector.random_state is None
    assert not hasattr(detector, "estimators_")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"detector": StandardScaler()}, "'detector' parameter"),
        ({"fit_on": "events"}, "'fit_on' parameter"),
        (
            {"threshold": "f2"},
            r"'f1', 'event_f1', .* \('alarms_per', n, per\) .* Got 'f2' instead",
        ),
        ({"alarm_rule": 3}, "'alarm_rule' parameter"),
        ({"threshold": ("quantile", 99)}, r"Got \('quantile', 99\) instead"),
        ({"threshold": 0.5}, "'threshold' parameter"),
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
    ],
)
def test_a_wrong_parameter_is_named(parameters, message):
    clf = RareEventClassifier(**{"detector": Recorder(), **parameters})
    with pytest.raises(ValueError, match=message):
        clf.fit(*make_windows())


def test_wrong_labels_are_refused():
    X, y = make_windows()
    clf = RareEventClassifier(Recorder())
    with pytest.raises(ValueError, match=r"1 class only, .*1.* label all rows 0"):
        clf.fit(X, np.ones(400, dtype=int))
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        clf.fit(X, np.arange(400) % 3)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.fit(X, y[:-1])
    with pytest.raises(ValueError, match="NaN"):
        clf.fit(X, np.where(y, 1.0, np.nan))
    with pytest.raises(ValueError, match="y is None.* label all rows 0"):
        clf.fit(X, None)


def test_no_normal_window_is_an_error():
    X, y = make_windows(window_size=50)
    with pytest.raises(
        ValueError, match="No normal window is left .* 'fit_on' to 'all'"
    ):
        RareEventClassifier(Recorder()).fit(X[25:], y[25:])


def test_it_can_be_cloned_and_pickled():
    X, y = make_windows()
    clf = RareEventClassifier(PCAAutoencoder(2), threshold=("fbeta", 2)).fit(X, y)
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copy.predict_proba(X), clf.predict_proba(X))
    assert clone(clf).get_params()["detector__n_components"] == 2


@pytest.mark.parametrize(
    "detector", [PCAAutoencoder(2), IsolationForest(random_state=0)]
)
def test_a_frozen_detector_gets_another_threshold_without_training(detector):
    X, y = make_windows()
    X = np.nan_to_num(np.asarray(X))
    takes = X if isinstance(detector, PCAAutoencoder) else X.reshape(len(X), -1)
    fitted = clone(detector).fit(takes[y == 0])
    clf = RareEventClassifier(FrozenEstimator(fitted), threshold=("recall", 0.9))
    clf.fit(X, y)
    assert clf.detector_.estimator is fitted
    np.testing.assert_array_equal(
        clf.decision_function(X), -fitted.score_samples(takes) - clf.threshold_
    )


def make_classifier(detector=None):
    detector = PCAAutoencoder(2, score_on="last") if detector is None else detector
    return make_pipeline(SlidingWindow(4), RareEventClassifier(detector))


@pytest.mark.parametrize(
    "detector",
    [PCAAutoencoder(2, score_on="last"), IsolationForest(random_state=0)],
    ids=["sequences", "flat"],
)
def test_average_precision_is_the_right_way_up_in_cross_validation(detector):
    X, y = make_table(800)
    values = cross_val_score(
        make_classifier(detector),
        X,
        y,
        cv=TimeSeriesSplit(3, gap=3),
        scoring="average_precision",
    )
    assert values.min() > 5 * y.mean()


def test_grid_search_reaches_the_detector():
    X, y = make_table(800)
    grid = GridSearchCV(
        make_classifier(),
        {
            "rareeventclassifier__detector__n_components": [2, 4],
            "rareeventclassifier__threshold": ["f1", ("fbeta", 2)],
        },
        cv=TimeSeriesSplit(2, gap=3),
        scoring="f1",
    )
    assert grid.fit(X, y).best_score_ > 0.5


def test_tuned_threshold_works_around_it():
    X, y = make_table(800)
    clf = TunedThresholdClassifierCV(make_classifier(), scoring="f1", cv=3).fit(X, y)
    assert clf.best_score_ > 0.5
    assert clf.predict(X).sum() > 0


def test_stacking_works_over_it():
    X, y = make_table(800)
    clf = StackingClassifier(
        [("rare", make_classifier()), ("linear", LogisticRegression())], cv=3
    )
    assert average_precision_score(y, clf.fit(X, y).predict_proba(X)[:, 1]) > 0.9


def test_many_sensors_in_a_frame():
    X, y = make_table(800)
    frame = pd.DataFrame(X, columns=["flow", "heat"]).assign(
        sensor=np.repeat(["a", "b"], 400),
        time=pd.date_range("2024-01-01", periods=800, freq="min"),
    )
    pipe = make_pipeline(
        SlidingWindow(4, group_by="sensor", time="time", max_gap="5min"),
        EachTimeStep(StandardScaler()),
        RareEventClassifier(PCAAutoencoder(2, score_on="last")),
    )
    pipe.fit(frame, pd.Series(y.astype(bool)))
    assert pipe.predict_proba(frame[:100]).shape == (100, 2)
    assert pipe[-1].feature_names_in_.tolist() == ["flow", "heat"]


def test_an_lstm_autoencoder_detects():
    X, y = make_windows(n_samples=200)
    detector = skseq.autoencoder.LSTMAutoencoder((4, 2), max_epochs=1, random_state=0)
    clf = RareEventClassifier(detector).fit(X, y)
    assert average_precision_score(y, clf.decision_function(X)) > y.mean()
