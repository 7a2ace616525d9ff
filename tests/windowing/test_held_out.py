# SPDX-License-Identifier: BSD-3-Clause
import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, rows

from skseq import SlidingWindow
from skseq.windowing._held_out import split_last_part


@pytest.mark.parametrize("fraction", [0.16, 0.2, 0.24])
def test_the_last_part_of_an_array_is_held_out(fraction):
    training, held_out = split_last_part(np.zeros((10, 3, 1)), fraction)
    assert training.tolist() == list(range(8))
    assert held_out.tolist() == [8, 9]


def test_windows_that_share_rows_with_held_out_ones_are_set_aside():
    windows = SlidingWindow(4).fit_transform(np.zeros((20, 1)))
    training, held_out = split_last_part(windows, 0.25)
    assert held_out.tolist() == [15, 16, 17, 18, 19]
    assert training.tolist() == list(range(12))


def test_the_last_part_of_each_series_is_held_out():
    table = np.column_stack([[0, 1] * 10, np.zeros(20)])
    windows = SlidingWindow(2, group_by=0).fit_transform(table)
    training, held_out = split_last_part(windows, 0.2)
    assert held_out.tolist() == [16, 17, 18, 19]
    assert training.tolist() == list(range(14))


def test_the_split_follows_time_and_not_the_order_of_the_windows():
    windows = SlidingWindow(1).fit_transform(np.zeros((10, 1)))
    training, held_out = split_last_part(windows[::-1], 0.2)
    assert held_out.tolist() == [0, 1]
    assert training.tolist() == list(range(2, 10))


def test_one_window_of_each_series_is_held_out_where_the_share_is_less():
    table = np.column_stack([[0, 0, 0, 1, 1, 1, 2], np.zeros(7)])
    windows = SlidingWindow(1, group_by=0).fit_transform(table)
    training, held_out = split_last_part(windows, 0.1)
    assert held_out.tolist() == [2, 5]
    assert training.tolist() == [0, 1, 3, 4, 6]


@examples
@given(rows(), st.integers(1, 3), st.floats(0.05, 0.95))
def test_training_never_sees_a_held_out_row_nor_a_later_one(
    case, window_size, fraction
):
    table = np.column_stack([case.series, case.table])
    windows = SlidingWindow(window_size, group_by=0).fit_transform(table)
    held = naive.window_rows(len(table), window_size, case.series)
    try:
        training, held_out = split_last_part(windows, fraction)
    except ValueError:
        return
    rows_of = [{row for i in part for row in held[i]} for part in (training, held_out)]
    assert not rows_of[0] & rows_of[1]
    for series in np.unique(case.series):
        last = max((i for i in training if case.series[i] == series), default=-1)
        assert all(i > last for i in held_out if case.series[i] == series)


@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_too_few_windows_to_split_are_an_error(n_rows):
    windows = SlidingWindow(5).fit_transform(np.zeros((n_rows, 1)))
    with pytest.raises(ValueError, match=f"cannot be held out of {n_rows} sample"):
        split_last_part(windows, 0.2)
    with pytest.raises(ValueError, match="cannot be held out of 1 sample"):
        split_last_part(np.zeros((1, 2, 1)), 0.2)
