# SPDX-License-Identifier: BSD-3-Clause
import naive_events as naive
import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skseq.metrics import event_precision_recall_fscore_support


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("min_overlap", [0.0, 0.5])
def test_measures_equal_those_of_plain_loops(labels, seed, min_overlap):
    y_true, y_pred, _, groups = labels(seed)
    precision, recall, fscore, support = event_precision_recall_fscore_support(
        y_true, y_pred, beta=2, groups=groups, min_overlap=min_overlap
    )
    expected = naive.precision_recall(y_true, y_pred, groups, min_overlap)
    assert (precision, recall) == pytest.approx(expected)
    assert fscore == pytest.approx(5 * precision * recall / (4 * precision + recall))
    assert support == len(naive.events(y_true, groups))


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


def test_an_alarm_over_all_rows_is_right_unless_overlap_is_asked_for():
    y_true, y_pred = np.arange(20) == 7, np.ones(20, dtype=bool)
    measure = event_precision_recall_fscore_support
    assert measure(y_true, y_pred)[:3] == (1.0, 1.0, 1.0)
    assert measure(y_true, y_pred, min_overlap=0.5)[:3] == (0.0, 1.0, 0.0)


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
