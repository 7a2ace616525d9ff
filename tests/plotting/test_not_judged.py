# SPDX-License-Identifier: BSD-3-Clause
"""Rows without a score in the displays."""

import numpy as np
import pytest

from skseq.plotting import (
    ErrorDistributionDisplay,
    ScoreTimelineDisplay,
    ThresholdDisplay,
)

Y = np.array([0, 0, 1, 1, 0, 0])
SCORE = np.array([0.1, np.nan, 0.4, np.nan, 0.5, 0.2])
SEEN = ~np.isnan(SCORE)
not_judged = pytest.warns(UserWarning, match="2 of 6 rows were not judged")


def test_the_distribution_is_of_the_rows_that_were_judged():
    with not_judged as caught:
        display = ErrorDistributionDisplay.from_predictions(Y, SCORE)
    assert caught[0].filename == __file__
    expected = ErrorDistributionDisplay.from_predictions(Y[SEEN], SCORE[SEEN])
    for name, patch in display.patches_.items():
        values = expected.patches_[name].get_data().values
        np.testing.assert_array_equal(patch.get_data().values, values)


def test_thresholds_are_of_the_rows_that_were_judged():
    with not_judged:
        display = ThresholdDisplay.from_predictions(Y, SCORE)
    expected = ThresholdDisplay.from_predictions(Y[SEEN], SCORE[SEEN])
    np.testing.assert_array_equal(display.precision, expected.precision)
    np.testing.assert_array_equal(display.thresholds, expected.thresholds)


def test_a_timeline_has_gaps_and_no_alarm_in_them():
    with not_judged:
        display = ScoreTimelineDisplay.from_predictions(SCORE, y_true=Y, threshold=0.3)
    assert np.isnan(display.score_line_.get_ydata()).sum() == 2
    assert display.alarm_line_.get_xdata().tolist() == [2, 4]
