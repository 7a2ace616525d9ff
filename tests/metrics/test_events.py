# SPDX-License-Identifier: BSD-3-Clause
import naive_events as naive
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skseq.metrics import event_precision_recall_fscore_support


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("tolerance", [0, 1, 5])
def test_measures_equal_those_of_plain_loops(labels, seed, tolerance):
    y_true, y_pred, _, groups = labels(seed)
    precision, recall, fscore, support = event_precision_recall_fscore_support(
        y_true, y_pred, beta=2, groups=groups, tolerance=tolerance
    )
    place = np.array([np.sum(groups[:k] == group) for k, group in enumerate(groups)])
    expected = naive.precision_recall(
        y_true, y_pred, groups, tolerance, place, np.ones(len(y_true))
    )
    assert (precision, recall) == pytest.approx(expected)
    assert fscore == pytest.approx(5 * precision * recall / (4 * precision + recall))
    assert support == len(naive.events(y_true, groups))


@pytest.mark.parametrize("seed", range(10))
def test_precision_in_time_equals_that_of_plain_loops(labels, seed):
    y_true, y_pred, *_ = labels(seed)
    steps = np.random.default_rng(seed).integers(1, 9, len(y_true)).astype(float)
    steps[-1] = np.median(steps[:-1])
    time = np.append(0, np.cumsum(steps[:-1]))
    one = np.zeros(len(y_true))
    expected = naive.precision_recall(y_true, y_pred, one, 6.5, time, steps)
    precision, *_ = event_precision_recall_fscore_support(
        y_true, y_pred, time=time, tolerance=6.5
    )
    assert precision == pytest.approx(expected[0])


def test_durations_are_those_of_the_clock():
    y_true, y_pred = np.repeat([0, 1, 0], [6, 2, 6]), np.repeat([0, 1, 0], [6, 5, 3])
    time = pd.date_range("2026-03-01", periods=14, freq="5min")
    for tolerance, right in (("15min", 1), ("10min", 2 / 3), (1, 1 / 2)):
        precision, *_ = event_precision_recall_fscore_support(
            y_true, y_pred, time=time, tolerance=tolerance
        )
        assert precision == pytest.approx(right)


def test_an_event_counts_once_however_long_it_is():
    y_true = np.repeat([0, 1, 0, 1, 0], [5, 100, 5, 1, 5])
    y_pred = np.zeros_like(y_true)
    y_pred[110] = 1
    assert event_precision_recall_fscore_support(y_true, y_pred)[:2] == (1.0, 0.5)


def test_events_end_with_their_series_and_interleaved_series_are_told_apart():
    y_true, y_pred = [1, 0, 1, 0], [1, 0, 0, 0]
    assert event_precision_recall_fscore_support(y_true, y_pred)[3] == 2
    one_series = event_precision_recall_fscore_support(
        y_true, y_pred, groups=list("abab")
    )
    assert one_series == (1.0, 1.0, 1.0, 1)
    assert event_precision_recall_fscore_support([1, 1], [1, 1], groups=[0, 1])[3] == 2


def test_rows_beside_an_event_are_excused_only_of_an_alarm_that_meets_it():
    y_true = np.repeat([0, 1, 0], [10, 2, 10])
    measure = event_precision_recall_fscore_support
    long, early = np.repeat([0, 1, 0], [8, 6, 8]), np.repeat([0, 1, 0], [8, 2, 12])
    assert measure(y_true, long, tolerance=2)[0] == 1
    assert measure(y_true, long, tolerance=1)[0] == 0.5
    assert measure(y_true, early, tolerance=2)[0] == 0


def test_the_tolerance_is_the_median_event_and_never_a_tenth_of_the_normal_rows():
    y_true = np.zeros(1000, dtype=int)
    for start, length in ((100, 4), (400, 6), (700, 50)):
        y_true[start : start + length] = 1
    measure = event_precision_recall_fscore_support
    late = np.max([np.roll(y_true, k) for k in range(7)], axis=0)
    assert measure(y_true, late)[0] == 1
    assert measure(y_true, late | np.roll(late, 1))[0] < 1
    crowded = np.tile(np.repeat([0, 1, 0], [30, 10, 30]), 10)  # room for 3 rows a side
    shifted = crowded | np.roll(crowded, 3)
    assert measure(crowded, shifted)[0] == 1
    assert measure(crowded, crowded | np.roll(crowded, 4))[0] < 1


def test_no_alarm_and_no_event_are_zero_with_a_warning():
    measure = event_precision_recall_fscore_support
    with pytest.warns(UndefinedMetricWarning, match="Precision .* due to no alarms"):
        assert measure([0, 1], [0, 0]) == (0.0, 0.0, 0.0, 1)
    with pytest.warns(UndefinedMetricWarning, match="Recall .* due to no events"):
        assert measure([0, 0], [0, 1])[1] == 0.0
    assert measure([0, 1], [0, 0], zero_division=1.0)[:2] == (1.0, 0.0)
    assert np.isnan(measure([0, 1], [0, 0], zero_division=np.nan)[0])


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([0, 2], [0, 1], r"y_true must be 1 .* labels \[0, 2\]"),
        ([0, 1], [1, -1], "y_pred must be 1 .* pass y_pred == -1"),
        ([], [], "y_true is empty"),
        ([0, 1], [0, 1, 1], "inconsistent numbers of samples"),
        ([[0, 1]], [0, 1], "should be a 1d array"),
        ([0, np.nan], [0, 1], "y_true must be 1"),
    ],
)
def test_other_labels_are_refused(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        event_precision_recall_fscore_support(y_true, y_pred)


def test_a_row_without_a_series_is_named():
    with pytest.raises(ValueError, match="'groups' has a missing value in row 1"):
        event_precision_recall_fscore_support([0, 1], [0, 1], groups=["a", None])


@pytest.mark.parametrize("tolerance", [-1, 1.5, "5min", "x", None])
def test_a_tolerance_that_cannot_be_is_named(tolerance):
    with pytest.raises(ValueError, match="'tolerance' parameter must be an int in"):
        event_precision_recall_fscore_support([0, 1], [0, 1], tolerance=tolerance)
