# SPDX-License-Identifier: BSD-3-Clause
import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import examples

from skseq import early_warning_labels


@examples
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), min_size=1, max_size=30),
    st.integers(1, 6),
)
def test_labels_of_interleaved_series_equal_the_loop(rows, horizon):
    y, groups = zip(*rows, strict=True)
    labels, keep = early_warning_labels(y, horizon, groups=groups)
    expected_labels, expected_keep = naive.early_warning_labels(y, horizon, groups)
    assert labels.tolist() == expected_labels
    assert keep.tolist() == expected_keep


@examples
@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from("abc"), st.integers(0, 4)),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 9),
)
def test_labels_by_the_clock_equal_the_loop(rows, horizon):
    y, groups, steps = zip(*rows, strict=True)
    time = np.cumsum(steps)
    expected = naive.early_warning_labels(y, horizon, groups, time)[0]
    labels, _ = early_warning_labels(y, float(horizon), groups=groups, time=time)
    assert labels.tolist() == expected
    stamps = pd.Timestamp("2026-03-01") + pd.to_timedelta(time, unit="min")
    for duration in (f"{horizon}min", pd.Timedelta(minutes=horizon)):
        labels, _ = early_warning_labels(y, duration, groups=groups, time=stamps)
        assert labels.tolist() == expected


def test_a_horizon_in_rows_stays_one_where_time_is_given():
    time = pd.date_range("2026-03-01", periods=6, freq="5min")
    labels, _ = early_warning_labels([0, 0, 0, 1, 1, 0], 2, time=time)
    assert labels.tolist() == [0, 1, 1, 0, 0, 0]


def test_rows_of_one_series_need_no_groups():
    y = [0, 0, 0, 1, 1, 0, 1, 0]
    labels, keep = early_warning_labels(y, 2)
    assert_array_equal(labels, [0, 1, 1, 0, 0, 1, 0, 0])
    assert_array_equal(keep, [1, 1, 1, 0, 0, 1, 0, 1])
    assert_array_equal(early_warning_labels(y, 2, groups=np.ones(8))[0], labels)


@pytest.mark.parametrize("y", [np.zeros(4), np.ones(4, dtype=bool), pd.Series([0] * 4)])
def test_without_a_change_nothing_is_positive(y):
    labels, keep = early_warning_labels(y, 3)
    assert not labels.any()
    assert labels.dtype.kind == "i"
    assert_array_equal(keep, ~np.asarray(y, dtype=bool))


def test_a_horizon_longer_than_the_series_reaches_its_start():
    assert early_warning_labels([0, 0, 1], 100)[0].tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": [0, 1, 2]}, "'y' must hold 1 in the rows of events .* Got 2 in row 2"),
        ({"y": [0, np.nan, 1]}, "Got nan in row 1"),
        ({"y": ["no", "event", "no"]}, "Got 'no' in row 0"),
        ({"horizon": 0}, "'horizon' parameter must be an int in the range .1, inf."),
        ({"horizon": 1.5}, "or a duration where 'time' is given. Got 1.5"),
        ({"horizon": "30min"}, "or a duration where 'time' is given. Got '30min'"),
        ({"horizon": "30min", "time": [1, 2, 3]}, "'horizon' .* positive number"),
        ({"time": [1, 3, 2]}, "'time' decreases in row 2"),
        ({"groups": [1, 1]}, "inconsistent numbers of samples"),
        ({"groups": ["a", "a", None]}, "'groups' has a missing value in row 2"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        early_warning_labels(**{"y": [0, 0, 1], "horizon": 1} | arguments)
