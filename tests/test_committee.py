# SPDX-License-Identifier: BSD-3-Clause
import copy

import numpy as np
import pandas as pd
import pytest
from make import assert_same_weights, sine_table, tiny, windows_of
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.svm import OneClassSVM

from skseq import (
    DetectorCommittee,
    LSTMAutoencoder,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
    StreamScorer,
    load,
    save,
)
from skseq._detectors import check_detector
from skseq._members import _going_on

TREE = "sklearn.tree._tree.Tree"
FOREST = IsolationForest(n_estimators=5, random_state=0)
MEMBERS = [("pca", PCAAutoencoder(2)), ("forest", FOREST)]


class LastValue(OutlierMixin, BaseEstimator):
    """The error of a window is the last value of a feature, times a factor.

    The factor is another where more was fitted on than a number of windows: a second
    model in other units.
    """

    def __init__(self, feature=0, many=10**9, factor=1.0):
        self.feature = feature
        self.many = many
        self.factor = factor

    def fit(self, X, y=None):
        self.factor_ = self.factor if len(X) > self.many else 1.0
        return self

    def score_samples(self, X):
        return -self.factor_ * np.asarray(X, np.float64)[:, -1, self.feature]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def lognormal(n_samples=500, n_features=2, seed=0):
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(size=(n_samples, 1, n_features)) * [1, 3][:n_features])


def two(**parameters):
    members = [("a", LastValue(0)), ("b", LastValue(1))]
    return DetectorCommittee(members, **parameters)


def distance(standardized):
    """Root of the sum of squares of what is above 0; where none is, the largest."""
    above = np.where(standardized > 0, standardized, 0)
    distance = np.sqrt((above**2).sum(axis=1))
    return np.where(distance > 0, distance, standardized.max(axis=1))


def test_the_score_is_the_distance_of_standardised_log_errors_from_usual():
    X = lognormal()
    committee = two(validation_fraction=0.2).fit(X)
    logs = np.log(X.astype("float32").astype(float))[:, 0]
    median, far = np.quantile(logs[400:], [0.5, 0.99], axis=0)
    expected = (logs - median) / (far - median)
    np.testing.assert_allclose(committee.score_samples(X), -distance(expected))
    assert (expected < 0).all(axis=1).any()
    np.testing.assert_allclose(committee.member_scores(X).to_numpy(), expected)
    assert committee.logarithmic_.all()


def test_what_may_have_any_sign_is_no_error_and_stays_as_it_is():
    X = np.random.default_rng(0).normal(size=(200, 2, 2))
    members = [("svm", OneClassSVM()), ("forest", FOREST)]
    committee = DetectorCommittee(members, refit=False).fit(X)
    assert committee.logarithmic_.tolist() == [False, True]
    cells = X.astype("float32").reshape(200, -1)
    svm, forest = (-m.score_samples(cells) for m in committee.estimators_)
    assert (svm < 0).any()
    logs = np.column_stack([svm, np.log(forest)])
    expected = (logs - committee.centers_) / committee.scales_
    np.testing.assert_allclose(committee.member_scores(X), expected)


@pytest.mark.parametrize("factor", [0.1, 7.0])
def test_a_shift_between_the_two_fits_moves_no_score_and_no_decision(factor):
    X, later = lognormal(seed=0), lognormal(1000, seed=1)
    whole = DetectorCommittee(
        [("a", LastValue(0, many=460, factor=factor)), ("b", LastValue(1))]
    ).fit(X)
    assert whole.estimators_[0].factor_ == factor
    same = two().fit(X)
    np.testing.assert_allclose(whole.score_samples(later), same.score_samples(later))
    np.testing.assert_array_equal(whole.predict(later), same.predict(later))


def test_as_many_as_meant_of_normal_windows_are_beyond_the_offset():
    committee = two(validation_fraction=0.5, contamination=("quantile", 0.95))
    committee.fit(lognormal(2000))
    share = np.mean(committee.predict(lognormal(2000, seed=1)) == -1)
    assert share == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 * 3 / 2000))


def test_contamination_is_a_share_of_all_training_sequences():
    labels = two(contamination=0.1).fit_predict(lognormal())
    assert np.mean(labels == -1) == pytest.approx(0.1)


def test_events_in_the_held_out_part_do_not_hide_those_that_follow():
    X = lognormal(1000)
    X[950:970] = 1e12
    committee = two().fit(X)
    assert (committee.predict(X[950:970]) == -1).all()
    assert (two(contamination=("quantile", 0.99)).fit(X).predict(X[950:970]) == 1).all()


def test_either_member_finds_what_the_other_is_blind_to():
    table = np.random.default_rng(0).normal(size=(1000, 2))
    table[:, 1] = table[:, 0] + 0.1 * table[:, 1]
    table[950], table[980:983] = [1.5, -1.5], 5  # a relation breaks; a level
    X = windows_of(table, 3)
    forest = IsolationForest(random_state=0)
    members = [("pca", PCAAutoencoder(3)), ("forest", forest)]
    committee = DetectorCommittee(members).fit(X[:900])
    assert committee.predict(X[[950, 982]]).tolist() == [-1, -1]
    winners = committee.member_scores(X[[950, 982]]).idxmax(axis=1)
    assert winners.tolist() == ["pca", "forest"]


def test_members_that_agree_outvote_one_that_goes_further():
    X = lognormal()
    committee = two().fit(X)
    logs = committee.centers_ + committee.scales_ * [[2.5, 0], [2, 2], [2, -9]]
    both = np.repeat(np.exp(logs)[:, np.newaxis], X.shape[1], axis=1)
    scores = committee.score_samples(both)
    np.testing.assert_allclose(scores, [-2.5, -np.sqrt(8), -2], rtol=1e-5)


def test_members_see_no_row_of_the_held_out_part_before_they_are_fitted_again():
    X, seen = windows_of(sine_table(200), 4), []

    class Recorder(PCAAutoencoder):
        def fit(self, X, y=None):
            seen.append(X)
            return super().fit(X, y)

    DetectorCommittee([("a", Recorder(2))], validation_fraction=0.25).fit(X)
    first, again = seen
    assert len(first) == 150 - 3
    assert not first.shares_rows(X[150:]).any()
    assert again is X


def test_without_refit_the_members_are_those_of_the_training_part():
    X = windows_of(sine_table(200), 4)
    committee = DetectorCommittee(MEMBERS, refit=False).fit(X)
    pca = PCAAutoencoder(2).fit(X[: 180 - 3])
    np.testing.assert_array_equal(committee.estimators_[0].components_, pca.components_)


@pytest.fixture(scope="module")
def networks():
    """Members that are networks, by committees before and after the refit."""
    X = windows_of(sine_table(120), 4)
    network = tiny(engine="native", max_epochs=2, tol=0)
    members = [("lstm", network), ("residual", ResidualAutoencoder(network))]
    first = DetectorCommittee(members, refit=False).fit(X)
    return X, first, DetectorCommittee(members).fit(X)


@pytest.mark.parametrize("name", ["lstm", "residual"])
def test_a_network_goes_on_where_it_is_fitted_again(networks, name):
    X, first, again = networks
    member, given = again.named_estimators_[name], dict(again.detectors)[name]
    assert repr(member) == repr(given)
    warm = copy.deepcopy(first.named_estimators_[name])
    parameter = {"lstm": "warm_start", "residual": "network__warm_start"}[name]
    warm.set_params(**{parameter: True}).fit(X)
    assert_same_weights(member, warm)
    assert member.offset_ == warm.offset_
    assert not np.array_equal(member.weights_[0], clone(given).fit(X).weights_[0])


def test_a_network_by_default_is_left_unset_where_it_goes_on(networks):
    _, first, _ = networks
    detector = ResidualAutoencoder()
    with _going_on(detector, first.named_estimators_["residual"]):
        assert detector.network.warm_start
        assert_same_weights(detector, first.named_estimators_["residual"])
    assert detector.network is None


def test_windows_that_a_member_does_not_judge_are_judged_by_the_others():
    X = lognormal()
    committee = two().fit(X)
    X[3, 0, 0] = np.nan
    X[5] = np.nan
    scores = committee.score_samples(X)
    b = committee.member_scores(X)["b"]
    np.testing.assert_allclose(scores[3], -b[3])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(scores)), [5])


def shares_of(scores):
    """Share of each member in the squared distance; where that is 0, of the largest."""
    squares = scores.clip(lower=0) ** 2
    largest = pd.get_dummies(scores.idxmax(axis=1)).reindex(columns=scores.columns)
    squares = squares.where(squares.sum(axis=1) > 0, largest.astype(float), axis=0)
    return squares.div(squares.sum(axis=1), axis=0)


def test_explain_gives_shares_by_what_each_member_adds():
    table = sine_table(200)
    table[150, 1] += 5
    frame = pd.DataFrame(table, columns=list("abc"))
    frame.index = pd.date_range("2024", periods=200)
    X = windows_of(frame, 4)
    members = [("pca", PCAAutoencoder(2)), ("fine", PCAAutoencoder(3))]
    committee = DetectorCommittee(members).fit(X)
    shares = committee.explain(X)
    assert shares.columns.tolist() == list("abc")
    assert shares.index.equals(frame.index)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert shares.iloc[150].idxmax() == "b"
    say, expected = shares_of(committee.member_scores(X)), 0
    assert (say > 0).all(axis=1).any()
    assert (say == 1).any(axis=1).any()
    for name, member in committee.named_estimators_.items():
        own = member.explain(X)
        own = own.div(own.sum(axis=1), axis=0)
        expected = expected + own.mul(say[name], axis=0)
    np.testing.assert_allclose(shares, expected, rtol=1e-6)
    cells = committee.explain(X, per="cell")
    np.testing.assert_allclose(
        cells.T.groupby(level="feature").sum().T, shares, atol=1e-9
    )


def test_a_member_without_attribution_leaves_its_share_open():
    X = windows_of(sine_table(200), 4)
    committee = DetectorCommittee(MEMBERS).fit(X)
    of_forest = shares_of(committee.member_scores(X))["forest"]
    shares = committee.explain(X)
    alone = of_forest == 1
    assert 0 < alone.sum() < len(X)
    assert shares[alone].isna().all(axis=None)
    np.testing.assert_allclose(shares[~alone].sum(axis=1), 1 - of_forest[~alone])


def test_a_member_that_drifts_decides_no_more_than_others_with_a_reference():
    X = lognormal(3000)
    X[1000:, :, 0] *= np.exp(np.linspace(0, 20, 2000))[:, np.newaxis]
    X[2500, :, 1] = 1e8
    a, b = ("a", LastValue(0)), ("b", LastValue(1))
    steady = ("a", MovingReference(LastValue(0), memory=100, strength=1))
    places = []
    for first in (a, steady):
        committee = DetectorCommittee([first, b]).fit(X[:1000])
        score = committee.score_samples(X)[1000:]
        places.append(int(np.count_nonzero(score < score[1500])))
    assert places[0] > 100
    assert places[1] < 10


# Named members.


def test_the_default_members_can_be_set_before_they_are_given():
    committee = DetectorCommittee()
    params = committee.get_params()
    assert params["detectors"] is None
    assert isinstance(params["residual"], ResidualAutoencoder)
    assert params["lstm__detector__error"] == "mahalanobis"
    committee.set_params(lstm__detector__hidden_layer_sizes=8, residual="drop")
    names, (lstm, forest) = committee._checked_members(check_detector)
    assert names == ["lstm", "forest"]
    assert isinstance(lstm, MovingReference)
    assert isinstance(lstm.detector, LSTMAutoencoder)
    assert lstm.detector.hidden_layer_sizes == 8
    assert isinstance(forest, IsolationForest)
    assert clone(committee).get_params()["lstm__detector__hidden_layer_sizes"] == 8


def test_the_default_committee_fits_and_saves(tmp_path):
    X = windows_of(sine_table(120), 4)
    small = {"max_epochs": 1, "hidden_layer_sizes": 3}
    parameters = {f"lstm__detector__{name}": value for name, value in small.items()}
    parameters |= {f"residual__network__{name}": v for name, v in small.items()}
    committee = DetectorCommittee(random_state=0).set_params(**parameters).fit(X)
    assert [*committee.named_estimators_] == ["residual", "lstm", "forest"]
    again = clone(committee).fit(X)
    np.testing.assert_array_equal(again.score_samples(X), committee.score_samples(X))
    save(committee, tmp_path / "committee.skseq", trusted=[TREE])
    loaded = load(tmp_path / "committee.skseq", trusted=[TREE])
    np.testing.assert_array_equal(loaded.score_samples(X), committee.score_samples(X))
    pd.testing.assert_frame_equal(loaded.explain(X), committee.explain(X))


def test_a_grid_reaches_the_members():
    pipeline = make_pipeline(SlidingWindow(3), DetectorCommittee(MEMBERS))
    grid = {
        "detectorcommittee__pca__n_components": [1, 2],
        "detectorcommittee__forest": ["drop", FOREST],
    }
    search = GridSearchCV(
        pipeline,
        grid,
        cv=TimeSeriesSplit(2),
        scoring=lambda pipeline, X, y=None: pipeline.score(X),
        error_score="raise",
    )
    assert len(search.fit(sine_table(200)).cv_results_["params"]) == 4


def test_a_stream_gives_the_scores_of_the_table():
    frame = pd.DataFrame(sine_table(200), columns=list("abc"))
    pipeline = make_pipeline(SlidingWindow(3), DetectorCommittee(MEMBERS))
    expected = pipeline.fit(frame[:150]).score_samples(frame)
    scorer = StreamScorer(pipeline)
    scores = [scorer.score_one(row) for _, row in frame.iterrows()]
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_a_classifier_sets_its_threshold_on_a_committee():
    table = sine_table(400)
    y = np.arange(400) % 40 == 25
    table[y] += 3
    members = [("pca", PCAAutoencoder(3, score_on="last")), ("forest", FOREST)]
    classifier = RareEventClassifier(DetectorCommittee(members))
    X = windows_of(table, 3)
    classifier.fit(X[:300], y[:300])
    assert (classifier.predict(X[300:])[y[300:]] == 1).all()


@pytest.mark.parametrize(
    ("detectors", "error", "message"),
    [
        ([], ValueError, "none that is not dropped"),
        ([("a", "drop")], ValueError, "none that is not dropped"),
        ([PCAAutoencoder()], ValueError, r"list of \(name, estimator\)"),
        ([("a", PCAAutoencoder)], TypeError, "'a' of 'detectors' must be an outlier"),
        ([("a", 3)], TypeError, "'a' of 'detectors' must be an outlier detector"),
        ([("a", FOREST), ("a", FOREST)], ValueError, "not unique"),
        ([("n_jobs", FOREST)], ValueError, "conflict with constructor"),
        ([("a__b", FOREST)], ValueError, "must not contain __"),
        (
            [("a", make_pipeline(SlidingWindow(2), PCAAutoencoder()))],
            ValueError,
            "must not hold a SlidingWindow",
        ),
    ],
)
def test_wrong_members_are_told(detectors, error, message):
    with pytest.raises(error, match=message):
        DetectorCommittee(detectors).fit(lognormal())


def test_parameters_of_all_members_are_validated_before_one_is_fitted(monkeypatch):
    def fail(*args):
        raise AssertionError("a member is fitted")

    monkeypatch.setattr("skseq._members.fit_on_windows", fail)
    for wrong in (IsolationForest(n_estimators=0), ResidualAutoencoder(tiny(tol=-1))):
        members = [("pca", PCAAutoencoder(2)), ("wrong", wrong)]
        with pytest.raises(ValueError, match=r"'(n_estimators|tol)' parameter of"):
            DetectorCommittee(members).fit(lognormal())


def test_a_held_out_part_without_data_is_told():
    X = lognormal()
    X[400:] = np.nan
    with pytest.raises(ValueError, match="larger 'validation_fraction'"):
        two().fit(X)


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("centers_", np.zeros(3), "centers has the shape"),
        ("scales_", np.zeros(2, "float32"), "scales is of float32"),
        ("logarithmic_", np.zeros(2), "logarithmic is of float64"),
        ("estimators_", None, "estimators_ is not a list"),
        ("estimators_", [None, None], "member gives no scores"),
        ("_imputers", [None], "not an imputer, or None, for each"),
        ("_names", ["pca"], "not a name for each"),
        ("offset_", "low", "offset_ is not a number"),
    ],
)
def test_a_file_of_what_does_not_go_together_is_refused(
    tmp_path, attribute, value, message
):
    members = [("a", PCAAutoencoder(2)), ("b", PCAAutoencoder(3))]
    committee = DetectorCommittee(members).fit(windows_of(sine_table(100), 4))
    setattr(committee, attribute, value)
    with pytest.raises(ValueError, match=message):
        save(committee, tmp_path / "committee.skseq")
