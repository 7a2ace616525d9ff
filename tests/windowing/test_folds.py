# SPDX-License-Identifier: BSD-3-Clause
"""Parts that are left out in turn share no row with what is left."""

import numpy as np

from skseq import SlidingWindow
from skseq.windowing._folds import folds_in_time, without_padding


def test_each_sequence_of_an_array_is_left_out_once():
    folds = folds_in_time(np.zeros((23, 4, 2)), 10)
    assert len(folds) == 10
    np.testing.assert_array_equal(
        np.concatenate([left_out for _, left_out in folds]), np.arange(23)
    )
    for others, left_out in folds:
        np.testing.assert_array_equal(np.setdiff1d(np.arange(23), left_out), others)


def test_fewer_sequences_than_folds_are_left_out_one_by_one():
    folds = folds_in_time(np.zeros((3, 4, 2)), 10)
    assert [left_out.tolist() for _, left_out in folds] == [[0], [1], [2]]


def test_no_window_shares_a_row_with_those_left_out():
    X = SlidingWindow(5).fit_transform(np.zeros((100, 1)))
    shuffled = X[np.random.default_rng(0).permutation(100)]
    folds = folds_in_time(shuffled, 10)
    assert len(folds) == 10
    for others, left_out in folds:
        ends = shuffled.ends[left_out]
        assert ends.max() - ends.min() == len(ends) - 1  # neighbours
        assert not shuffled[others].shares_rows(shuffled[left_out]).any()


def test_what_leaves_too_little_is_not_left_out():
    X = SlidingWindow(40).fit_transform(np.zeros((100, 1)))[39:]
    folds = folds_in_time(X, 10)
    sizes = [len(others) for others, _ in folds]
    assert len(folds) < 10
    assert min(sizes) >= max(sizes) / 2


def test_padded_windows_are_told():
    table = np.zeros((12, 2))
    table[6] = np.nan
    table[9, 0] = np.nan
    X = SlidingWindow(3).fit_transform(table)
    expected = [False, False, True, True, True, True, False, True, False, True]
    assert without_padding(X).tolist() == [*expected, True, True]
    assert without_padding(np.asarray(X)).tolist() == [*expected, True, True]
