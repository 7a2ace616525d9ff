# SPDX-License-Identifier: BSD-3-Clause
import re
import warnings

import naive_events as naive
import numpy as np
import pytest
from sklearn.metrics import f1_score

from skseq.metrics import PointAdjustmentWarning, point_adjusted_f1_score


@pytest.fixture
def long_events():
    return (np.arange(3000) // 100 % 10 == 3).astype(int)


def adjusted(y_true, y_pred, groups):
    filled = np.array(y_pred)
    for event in naive.events(y_true, groups):
        if any(y_pred[row] for row in event):
            filled[event] = 1
    return filled


@pytest.mark.parametrize("seed", range(10))
def test_score_is_the_f1_of_filled_events(labels, seed):
    y_true, y_pred, _, groups = labels(seed)
    order = np.argsort(groups, kind="stable")
    with pytest.warns(PointAdjustmentWarning):
        score = point_adjusted_f1_score(y_true, y_pred, groups=groups)
    expected = f1_score(y_true[order], adjusted(y_true, y_pred, groups)[order])
    assert score == pytest.approx(expected)


def test_warning_tells_what_random_alarms_reach_on_these_labels(long_events):
    with pytest.warns(PointAdjustmentWarning) as caught:
        point_adjusted_f1_score(long_events, long_events)
    message = str(caught[0].message)
    found = re.search(r"random, (\S+) of them, .* F1 of (\S+)\. Use", message)
    rate, told = map(float, found.groups())
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PointAdjustmentWarning)
        reached = [
            point_adjusted_f1_score(long_events, rng.random(3000) < rate)
            for _ in range(200)
        ]
    assert told > 0.8
    assert np.mean(reached) == pytest.approx(told, abs=0.02)


def test_every_call_warns_at_the_place_of_the_call(long_events):
    for _ in range(2):
        with pytest.warns(PointAdjustmentWarning) as caught:
            point_adjusted_f1_score(long_events, long_events)
        assert caught[0].filename == __file__


def test_no_alarm_has_a_score_of_zero(long_events):
    with pytest.warns(PointAdjustmentWarning):
        assert point_adjusted_f1_score(long_events, np.zeros(3000)) == 0
