# SPDX-License-Identifier: BSD-3-Clause
"""Rows without a score are left out of the pictures, and counted beside them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skseq.plotting import (
    ErrorDistributionDisplay,
    ScoreTimelineDisplay,
    ThresholdDisplay,
)
from skseq.plotting._figures import precision_recall_figure

Y = [0, 1, 0, 1, 0, 1]
SCORE = np.array([0.1, 0.4, 0.5, 0.8, np.nan, np.nan])
JUDGED = slice(0, 4)


def test_the_distribution_is_of_the_rows_that_were_judged():
    display = ErrorDistributionDisplay.from_predictions(Y, SCORE, threshold=0.3)
    alone = ErrorDistributionDisplay.from_predictions(Y[JUDGED], SCORE[JUDGED])
    for name in ("normal", "event"):
        values = display.patches_[name].get_data().values
        assert_array_equal(values, alone.patches_[name].get_data().values)
    assert display.ax_.get_xlabel().endswith("2 rows were not judged")
    assert "not judged" not in alone.ax_.get_xlabel()


def test_thresholds_are_measured_on_the_rows_that_were_judged():
    display = ThresholdDisplay.from_predictions(Y, SCORE)
    alone = ThresholdDisplay.from_predictions(Y[JUDGED], SCORE[JUDGED])
    for name, line in display.lines_.items():
        assert_array_equal(line.get_xydata(), alone.lines_[name].get_xydata())
    assert display.ax_.get_xlabel().endswith("2 rows were not judged")


def test_the_timeline_has_no_alarm_where_nothing_was_judged():
    display = ScoreTimelineDisplay.from_predictions(SCORE, y_true=Y, threshold=0.3)
    assert_array_equal(display.alarm_line_.get_xdata(), [1, 2, 3])
    assert display.events_["delay"].isna().tolist() == [False, False, True]
    assert display.score_line_.get_label() == "score\n2 rows were not judged"


def test_one_row_is_counted_in_the_singular():
    display = ScoreTimelineDisplay.from_predictions([0.1, np.nan])
    assert display.score_line_.get_label().endswith("1 row was not judged")


def test_precision_and_recall_are_those_of_the_rows_that_were_judged():
    figure = precision_recall_figure(Y, {"model": SCORE - 0.6}, title="")
    (axes,) = figure.axes
    recall, precision = axes.lines[1].get_xydata()[0]
    assert (recall, precision) == (0.5, 1)


def test_without_any_score_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="all scores are NaN"):
        ErrorDistributionDisplay.from_predictions(Y, np.full(6, np.nan))
