# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.dates import date2num

from skseq.plotting import FeatureErrorDisplay, ScoreTimelineDisplay

#                0    1    2    3    4    5    6    7    8    9
SCORE = np.array([1.0, 1.0, 2.0, 9.0, 2.0, 9.0, 1.0, 1.0, 1.0, 9.0])
EVENT = np.array([0, 0, 1, 1, 1, 0, 0, 1, 1, 1])
MINUTES = pd.date_range("2024-01-01", periods=10, freq="min")


def _shades(display):
    return {
        (patch.get_x(), patch.get_x() + patch.get_width()): to_hex(
            patch.get_facecolor()
        )
        for patch in display.ax_.patches
    }


def test_rows_above_the_threshold_are_alarms():
    display = ScoreTimelineDisplay.from_predictions(SCORE, threshold=5)
    np.testing.assert_array_equal(display.score_line_.get_ydata(), SCORE)
    np.testing.assert_array_equal(display.score_line_.get_xdata(), np.arange(10))
    np.testing.assert_array_equal(display.alarm_line_.get_xdata(), [3, 5, 9])
    assert display.threshold_line_.get_ydata() == [5, 5]


def test_delay_counts_the_rows_from_start_to_first_alarm():
    display = ScoreTimelineDisplay.from_predictions(SCORE, y_true=EVENT, threshold=5)
    expected = pd.DataFrame({"start": [2, 7], "stop": [5, 10], "delay": [1.0, 2.0]})
    pd.testing.assert_frame_equal(display.events_, expected)


def test_events_change_colour_at_their_first_alarm():
    display = ScoreTimelineDisplay.from_predictions(SCORE, y_true=EVENT, threshold=5)
    shades = _shades(display)
    assert set(shades) == {(2, 3), (3, 5), (7, 9), (9, 9)}
    assert shades[2, 3] == shades[7, 9] != shades[3, 5]
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert "event, found (2 of 2,\nmedian delay 1.5 rows)" in texts
    assert len(texts) == len(set(texts))


def test_a_missed_event_is_of_one_colour():
    display = ScoreTimelineDisplay.from_predictions(SCORE, y_true=EVENT, threshold=10)
    assert set(_shades(display)) == {(2, 5), (7, 9)}
    assert display.events_["delay"].isna().all()


def test_without_labels_and_threshold_only_scores_are_drawn():
    display = ScoreTimelineDisplay.from_predictions(SCORE - 5)
    assert display.alarm_line_ is None
    assert display.threshold_line_ is None
    assert display.events_.empty
    assert display.ax_.get_yscale() == "linear"
    assert display.ax_.get_xlabel() == "row"


@pytest.mark.parametrize("time", [MINUTES, MINUTES.to_series(), list(MINUTES)])
def test_time_may_be_dates(time):
    display = ScoreTimelineDisplay.from_predictions(
        SCORE, y_true=EVENT, threshold=5, time=time
    )
    display.figure_.canvas.draw()
    np.testing.assert_array_equal(display.score_line_.get_xdata(), MINUTES)
    shades = np.array(list(_shades(display)))
    np.testing.assert_allclose(shades[0], date2num(MINUTES[[2, 3]]))
    assert display.ax_.get_xlabel() == "time"


def test_dates_of_the_index_are_taken(detector):
    detector.reconstruction_error = lambda X, per="sample": (
        X.mean(axis=1) if per == "sample" else X
    )
    detector.score_samples = lambda X: -X.mean(axis=1).to_numpy()
    X = pd.DataFrame({"a": SCORE, "b": SCORE}, index=MINUTES)
    for display in (ScoreTimelineDisplay, FeatureErrorDisplay):
        assert display.from_estimator(detector, X, EVENT).time is X.index


def _map(**settings):
    error = np.column_stack([SCORE, SCORE + 1])
    return FeatureErrorDisplay.from_predictions(error, **settings)


def test_map_holds_each_feature_in_a_row():
    display = _map(feature_names=["flow", "pressure"])
    np.testing.assert_array_equal(display.mesh_.get_array(), [SCORE, SCORE + 1])
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["flow", "pressure"]
    assert display.ax_.yaxis_inverted()
    assert display.mesh_.norm.vmax == 10


def test_map_marks_the_events():
    first, second = _map(y_true=EVENT).ax_.lines
    np.testing.assert_array_equal(first.get_xdata(), [2, 5])
    np.testing.assert_array_equal(second.get_xdata(), [7, 10])


def test_map_leaves_a_gap_in_time_empty():
    time = np.arange(10.0)
    time[6:] += 100
    display = _map(time=time)
    cells = display.mesh_.get_array()
    edges = display.mesh_.get_coordinates()[0, :, 0]
    assert cells.shape == (2, 11)
    assert cells.mask[:, 6].all()
    assert cells.mask.sum() == 2
    np.testing.assert_array_equal(edges[[5, 6, 7]], [5, 6, 106])
    np.testing.assert_array_equal(cells[0].compressed(), SCORE)


def test_no_peak_is_lost_where_rows_share_a_column():
    error = np.full((10_007, 2), 0.1)
    error[[3, 5_000, 10_006], [0, 1, 0]] = 7
    cells = FeatureErrorDisplay.from_predictions(error).mesh_.get_array()
    assert cells.shape == (2, 1000)
    assert (cells == 7).sum() == 3


def test_map_leaves_out_what_was_not_observed():
    error = np.array([[0.1, np.nan], [0.2, 0.3]])
    cells = FeatureErrorDisplay.from_predictions(error).mesh_.get_array()
    np.testing.assert_array_equal(cells.mask, [[False, False], [True, False]])
