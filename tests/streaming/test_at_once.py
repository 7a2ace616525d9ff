# SPDX-License-Identifier: BSD-3-Clause
"""Rows of several series, sorted by series, and the times between them."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skseq.streaming._at_once import Following
from skseq.streaming._series import Limits

KEYS = ["b", "a", "b", "c", "b", "a"]
TIMES = [10, 3, 11, 50, 14, 3]
LASTS = [8, 1, 50]  # of b, a, c


def series_of(lasts, **changed):
    plain = {"from_training": False, "before": None}
    return [SimpleNamespace(times=[t], **{**plain, **changed}) for t in lasts]


def deltas(times=TIMES, lasts=LASTS, limits=None, **changed):
    series = series_of(lasts, **changed)
    return Following.of(KEYS).deltas(series, times, limits or Limits())


def test_rows_are_put_together_by_series_in_order():
    following = Following.of(KEYS)
    assert following.names == ["b", "a", "c"]
    assert following.firsts.tolist() == [0, 1, 3]
    assert following.lasts.tolist() == [4, 5, 3]
    rows = np.arange(6.0)[:, np.newaxis]
    kept = [np.full((2, 1), -k, np.float32) for k in (1, 2, 3)]
    table, places = following.joined(kept, rows)
    assert table.dtype == np.float32
    assert table[:, 0].tolist() == [-1, -1, 0, 2, 4, -2, -2, 1, 5, -3, -3, 3]
    assert_array_equal(table[places], rows)


@pytest.mark.parametrize("shift", [0, 0.5, 10**18])
def test_the_time_since_the_row_before_is_exact(shift):
    times, lasts = ([t + shift for t in part] for part in (TIMES, LASTS))
    assert deltas(times, lasts).tolist() == [2, 2, 1, 0, 3, 0]


@pytest.mark.parametrize("limit", ["gap", "jump", "memory"])
def test_rows_follow_up_to_each_limit(limit):
    assert deltas(limits=Limits(**{limit: 3})) is not None
    assert deltas(limits=Limits(**{limit: 2.5})) is None


def test_rows_that_do_more_than_to_follow_are_told():
    assert deltas(lasts=[8, 1, 51]) is None  # late
    assert deltas(from_training=True) is None
    assert deltas(before=object()) is None
    assert deltas([None] * 6).tolist() == [0] * 6
    nothing = [SimpleNamespace(times=[], from_training=False, before=None)] * 3
    assert Following.of(KEYS).deltas(nothing, TIMES, Limits()) is None


@pytest.mark.parametrize("time", [2.0**60, 2.0**53, 2**63, 2**70])
def test_times_that_an_array_may_round_are_left_alone(time):
    assert deltas([time] * 6, [time] * 3) is None
