# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_validate,
)

from skseq import SlidingWindow
from skseq.model_selection import PurgedKFold, SeriesTimeSplit

splitters = pytest.mark.parametrize("Splitter", [SeriesTimeSplit, PurgedKFold])


@pytest.fixture
def groups():
    """Interleaved series of 40, 25 and 3 rows."""
    names = np.repeat(["long", "middle", "short"], [40, 25, 3])
    return np.random.default_rng(0).permutation(names)


def assert_same_splits(splits, expected):
    for (train, test), (its_train, its_test) in zip(splits, expected, strict=True):
        np.testing.assert_array_equal(train, its_train)
        np.testing.assert_array_equal(test, its_test)


@pytest.mark.parametrize("gap", [0, 3])
@pytest.mark.parametrize("test_size", [None, 4])
def test_a_single_series_is_split_as_by_scikit_learn(gap, test_size):
    X = np.zeros((37, 1))
    assert_same_splits(
        SeriesTimeSplit(4, gap=gap, test_size=test_size).split(X),
        TimeSeriesSplit(4, gap=gap, test_size=test_size).split(X),
    )
    assert_same_splits(PurgedKFold(4).split(X), KFold(4).split(X))


def test_time_split_is_that_of_each_series_alone(groups):
    splits = list(SeriesTimeSplit(4, gap=2).split(groups, groups=groups))
    for name in ["long", "middle"]:
        rows = np.flatnonzero(groups == name)
        alone = [
            (train[np.isin(train, rows)], test[np.isin(test, rows)])
            for train, test in splits
        ]
        expected = [
            (rows[train], rows[test])
            for train, test in TimeSeriesSplit(4, gap=2).split(rows)
        ]
        assert_same_splits(alone, expected)


def test_a_series_too_short_to_test_is_trained_on_in_every_time_split(groups):
    short = np.flatnonzero(groups == "short")
    for train, test in SeriesTimeSplit(4).split(groups, groups=groups):
        assert np.isin(short, train).all()
        assert not np.isin(short, test).any()


def test_no_training_row_is_later_than_a_tested_row_of_its_series(groups):
    for train, test in SeriesTimeSplit(4, gap=3).split(groups, groups=groups):
        for name in ["long", "middle"]:
            rows = np.flatnonzero(groups == name)
            last = np.searchsorted(rows, train[groups[train] == name].max())
            first = np.searchsorted(rows, test[groups[test] == name].min())
            assert first - last == 4


def test_every_row_is_tested_once_in_contiguous_folds(groups):
    tests = [test for _, test in PurgedKFold(4).split(groups, groups=groups)]
    np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(68))
    for test in tests:
        for name in np.unique(groups):
            rows = np.flatnonzero(groups == name)
            places = np.searchsorted(rows, test[groups[test] == name])
            assert (np.diff(places) == 1).all()


def test_folds_are_of_equal_size_though_many_series_are_short():
    groups = np.repeat(np.arange(20), 3)
    tests = [test for _, test in PurgedKFold(5).split(groups, groups=groups)]
    assert [len(test) for test in tests] == [12] * 5


def test_purged_rows_are_those_beside_the_fold_in_its_series(groups):
    for train, test in PurgedKFold(4, gap=2).split(groups, groups=groups):
        expected = set()
        for name in np.unique(groups):
            rows = np.flatnonzero(groups == name).tolist()
            tested = [place for place, row in enumerate(rows) if row in test]
            expected |= {
                row
                for place, row in enumerate(rows)
                if all(abs(place - other) > 2 for other in tested)
            }
        assert set(train.tolist()) == expected


@splitters
def test_a_gap_keeps_windows_from_sharing_rows(Splitter, groups):
    frame = pd.DataFrame({"name": groups, "x": np.arange(68.0)})
    windows = SlidingWindow(4, group_by="name").fit_transform(frame)
    for train, test in Splitter(3, gap=3).split(windows):
        assert not windows[train].shares_rows(windows[test]).any()
    shared = [
        windows[train].shares_rows(windows[test]).any()
        for train, test in Splitter(3, gap=2).split(windows)
    ]
    assert all(shared)


@splitters
def test_windows_tell_their_series(Splitter, groups):
    frame = pd.DataFrame({"name": groups, "x": np.arange(68.0)})
    windows = SlidingWindow(4, group_by="name").fit_transform(frame)
    assert_same_splits(
        Splitter(3).split(windows), Splitter(3).split(frame, groups=frame["name"])
    )


@splitters
def test_searches_and_cross_validation_take_groups(Splitter, table):
    X, y = table
    groups = np.arange(len(y)) % 2
    grid = GridSearchCV(LogisticRegression(), {"C": [1e-3, 1]}, cv=Splitter(3, gap=1))
    assert grid.fit(X, y, groups=groups).n_splits_ == 3
    cv = Splitter(3)
    results = cross_validate(
        LogisticRegression(), X, y, groups=groups, cv=cv, return_indices=True
    )
    expected = [test for _, test in cv.split(X, y, groups)]
    np.testing.assert_array_equal(results["indices"]["test"], expected)


@splitters
def test_metadata_routing_brings_groups_without_being_asked(Splitter, table):
    X, y = table
    groups = np.arange(len(y)) % 2
    with config_context(enable_metadata_routing=True):
        results = cross_validate(
            LogisticRegression(),
            X,
            y,
            cv=Splitter(3),
            params={"groups": groups},
            return_indices=True,
        )
    expected = [test for _, test in Splitter(3).split(X, y, groups)]
    np.testing.assert_array_equal(results["indices"]["test"], expected)


def test_cross_val_predict_takes_purged_folds(table):
    X, y = table
    groups = np.arange(len(y)) % 7
    predicted = cross_val_predict(
        LogisticRegression(), X, y, groups=groups, cv=PurgedKFold(4, gap=2)
    )
    assert predicted.shape == y.shape


def test_repr_and_number_of_splits():
    assert repr(SeriesTimeSplit(3, gap=2)) == (
        "SeriesTimeSplit(gap=2, n_splits=3, test_size=None)"
    )
    assert repr(PurgedKFold()) == "PurgedKFold(gap=0, n_splits=5)"
    assert SeriesTimeSplit(3).get_n_splits() == 3


@splitters
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_splits": 1}, r"'n_splits' .* range \[2, inf\). Got 1 instead"),
        ({"n_splits": True}, "'n_splits' .* Got True"),
        ({"gap": -1}, r"'gap' .* range \[0, inf\). Got -1"),
        ({"gap": 0.5}, "'gap' .* Got 0.5"),
    ],
)
def test_bad_parameters_are_refused(Splitter, parameters, message):
    with pytest.raises(ValueError, match=message):
        next(Splitter(**parameters).split(np.zeros(50)))


@splitters
def test_a_duration_is_no_number_of_splits(Splitter):
    """NumPy counts its durations among the integers."""
    with pytest.raises(ValueError, match="'n_splits' .* must be an int"):
        next(Splitter(np.timedelta64(3, "s")).split(np.zeros((20, 1))))


def test_a_bad_test_size_is_refused():
    with pytest.raises(ValueError, match="'test_size' .* or None. Got 0"):
        next(SeriesTimeSplit(test_size=0).split(np.zeros(50)))


def test_series_too_short_for_any_time_split_are_refused():
    with pytest.raises(ValueError, match=r"gap=3 .* n_splits=5 .*has 8 row\(s\). Low"):
        next(SeriesTimeSplit(5, gap=3).split(np.zeros(10), groups=[0] * 8 + [1] * 2))
    with pytest.raises(ValueError, match="test_size=10 rows"):
        next(SeriesTimeSplit(2, test_size=10).split(np.zeros(20)))


def test_too_few_rows_or_too_wide_gaps_for_purged_folds_are_refused():
    with pytest.raises(ValueError, match="n_splits=5 folds of 4"):
        next(PurgedKFold(5).split(np.zeros(4)))
    with pytest.raises(ValueError, match="in fold 0: 5 of 10 rows .* gap=5"):
        next(PurgedKFold(2, gap=5).split(np.zeros(10)))


@splitters
def test_groups_must_go_with_the_rows(Splitter):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(Splitter(2).split(np.zeros(10), groups=[0, 1]))
    with pytest.raises(ValueError, match="missing value in row 2"):
        next(Splitter(2).split(np.zeros(4), groups=["a", "a", None, "a"]))
