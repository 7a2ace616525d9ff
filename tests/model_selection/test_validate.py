# SPDX-License-Identifier: BSD-3-Clause
import warnings

import numpy as np
import pytest
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import make_pipeline

from skseq import PCAAutoencoder, SlidingWindow
from skseq.metrics import detector_average_precision
from skseq.model_selection import (
    PurgedKFold,
    SeriesTimeSplit,
    WindowOverlapWarning,
    cross_validate_windows,
)
from skseq.rows._overlap import short_holes

SHUFFLED = KFold(4, shuffle=True, random_state=0)
SCORING = {"scoring": detector_average_precision}


@pytest.fixture
def windows(table):
    return SlidingWindow(5).fit_transform(table[0]), table[1]


def windows_as_sets(windows):
    bounds = zip(windows.starts.tolist(), windows.ends.tolist(), strict=True)
    return [set(range(start, end + 1)) for start, end in bounds]


def test_shared_rows_are_those_in_windows_of_both_parts(windows):
    X, y = windows
    with pytest.warns(WindowOverlapWarning, match="also stand in test windows"):
        results = cross_validate_windows(
            PCAAutoencoder(2), X, y, cv=SHUFFLED, **SCORING
        )
    rows = windows_as_sets(X)
    expected = [
        len(set.union(*(rows[i] for i in train)) & set.union(*(rows[i] for i in test)))
        for train, test in SHUFFLED.split(X)
    ]
    assert results["shared_rows"].tolist() == expected
    assert results["joined_rows"].tolist() == [0] * 4


@pytest.mark.parametrize("cv", [SeriesTimeSplit(3, gap=4), PurgedKFold(3, gap=4)])
def test_results_are_those_of_scikit_learn(windows, cv):
    X, y = windows
    results = cross_validate_windows(
        PCAAutoencoder(2), X, y, cv=cv, return_train_score=True, **SCORING
    )
    expected = cross_validate(
        PCAAutoencoder(2), X, y, cv=cv, return_train_score=True, **SCORING
    )
    assert set(results) == {*expected, "shared_rows", "joined_rows"}
    np.testing.assert_array_equal(results["test_score"], expected["test_score"])
    np.testing.assert_array_equal(results["shared_rows"], 0)


def test_default_is_a_time_split_with_a_gap(windows):
    X, y = windows
    results = cross_validate_windows(
        PCAAutoencoder(2), X, y, return_indices=True, **SCORING
    )
    expected = [test for _, test in SeriesTimeSplit(5, gap=4).split(X)]
    np.testing.assert_array_equal(results["indices"]["test"], expected)
    results = cross_validate_windows(PCAAutoencoder(2), X, y, cv=2, **SCORING)
    assert len(results["shared_rows"]) == 2


def test_a_time_split_without_gap_shares_the_rows_of_a_window(windows):
    X, y = windows
    with pytest.warns(WindowOverlapWarning, match="up to 4 rows"):
        results = cross_validate_windows(
            PCAAutoencoder(2), X, y, cv=SeriesTimeSplit(2), **SCORING
        )
    assert results["shared_rows"].tolist() == [4, 4]


def test_warnings_can_be_turned_off(windows):
    X, y = windows
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = cross_validate_windows(
            PCAAutoencoder(2), X, y, cv=SHUFFLED, warn_on_overlap=False, **SCORING
        )
    assert results["shared_rows"].min() > 0


def test_rows_that_a_shuffled_splitter_joins_are_counted(table):
    X, y = table
    pipeline = make_pipeline(SlidingWindow(5), PCAAutoencoder(2))
    with pytest.warns(WindowOverlapWarning, match="do not follow the row before them"):
        results = cross_validate_windows(pipeline, X, y, cv=SHUFFLED, **SCORING)
    expected = [
        sum(b != a + 1 for part in split for a, b in zip(part, part[1:], strict=False))
        for split in SHUFFLED.split(X)
    ]
    assert results["joined_rows"].tolist() == expected
    assert results["shared_rows"].tolist() == [0] * 4


def test_rows_before_and_after_a_fold_are_joined_but_in_a_time_split(table):
    X, y = table
    pipeline = make_pipeline(SlidingWindow(5), PCAAutoencoder(2))
    groups = np.arange(len(y)) % 2
    results = cross_validate_windows(pipeline, X, y, groups=groups, cv=2, **SCORING)
    assert results["joined_rows"].tolist() == [0, 0]
    results = cross_validate_windows(
        pipeline,
        X,
        y,
        groups=groups,
        cv=PurgedKFold(3),
        warn_on_overlap=False,
        **SCORING,
    )
    assert results["joined_rows"].tolist() == [0, 2, 0]


def test_windows_cut_at_gaps_in_time_need_no_warning(table):
    X, y = table
    X = np.column_stack([np.arange(len(X)), X])
    pipeline = make_pipeline(SlidingWindow(5, time=0, max_gap=1), PCAAutoencoder(2))
    results = cross_validate_windows(pipeline, X, y, cv=PurgedKFold(3), **SCORING)
    assert results["joined_rows"].max() == 1


def test_holes_of_a_shuffled_split_are_told_from_those_of_a_purged_one(windows):
    X, _ = windows
    assert short_holes(X) == 0
    for train, _ in PurgedKFold(4, gap=4).split(X):
        assert short_holes(X[train]) == 0
    for train, _ in SHUFFLED.split(X):
        assert short_holes(X[train]) > len(train) / 10
