# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skseq.metrics import false_alarm_share, time_in_alarm


@pytest.mark.parametrize("seed", range(10))
def test_shares_are_the_flagged_of_the_normal_and_of_all_rows(labels, seed):
    y_true, y_pred, _, groups = labels(seed)
    share = false_alarm_share(y_true, y_pred, groups=groups)
    assert share == pytest.approx(y_pred[y_true == 0].mean())
    assert time_in_alarm(y_pred, groups=groups) == pytest.approx(y_pred.mean())


def test_a_row_stands_for_the_time_until_the_next_of_its_series():
    y_pred, groups = [1, 0, 0, 1, 0, 1], list("ababab")
    time = [0, 0, 10, 1, 12, 4]  # a: 10, 2, 6; b: 1, 3, 2.5
    steps = [10, 1, 2, 3, 3, 3]  # the last rows: the median of 10, 2, 1 and 3 is 2.5
    steps[4] = steps[5] = 2.5
    flagged = np.array(y_pred, dtype=bool)
    expected = np.sum(np.array(steps)[flagged]) / np.sum(steps)
    assert time_in_alarm(y_pred, time=time, groups=groups) == pytest.approx(expected)
    y_true = [1, 0, 0, 0, 0, 0]
    expected = (steps[3] + steps[5]) / sum(steps[1:])
    share = false_alarm_share(y_true, y_pred, time=time, groups=groups)
    assert share == pytest.approx(expected)


def test_a_pause_counts_as_the_longest_gap_allowed():
    time = pd.to_datetime(["2026-03-01 00:00", "2026-03-01 00:01", "2026-03-02 00:00"])
    assert time_in_alarm([0, 1, 0], time=time) > 0.5
    share = time_in_alarm([0, 1, 0], time=time, max_gap="1min")
    assert share == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="'time' is None"):
        time_in_alarm([0, 1, 0], max_gap="1min")


def test_without_normal_time_the_share_is_undefined():
    with pytest.warns(UndefinedMetricWarning, match="no normal time"):
        assert np.isnan(false_alarm_share([1, 1], [0, 1]))


def test_other_labels_are_refused():
    with pytest.raises(ValueError, match="y_pred must be 1 .* pass y_pred == -1"):
        time_in_alarm([1, -1])
