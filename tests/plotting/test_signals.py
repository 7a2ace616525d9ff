# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, PCAAutoencoder, RareEventClassifier, SlidingWindow
from skseq.plotting import SignalsDisplay

SIGNALS = np.array([[1.0, 5, 7], [1, 5, 7], [9, 5, 7], [1, 4, 7], [1, 5, 7]])
SCORE = [0.1, 0.1, 2.0, 0.2, 0.1]


def test_features_that_contributed_most_stand_above_the_score():
    display = SignalsDisplay.from_predictions(
        SIGNALS, SCORE, contributions=[0.2, -0.1, 0.6], max_features=2, threshold=1
    )
    assert display.features_.tolist() == [2, 0]
    assert [ax.get_ylabel() for ax in display.axes_[:2]] == ["feature 2", "feature 0"]
    assert display.axes_[0].get_title(loc="right") == "75% of the score"
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), SIGNALS[:, 0])
    np.testing.assert_array_equal(display.lines_[2].get_ydata(), SCORE)
    for marks in display.alarm_lines_:
        assert marks.get_xdata().tolist() == [2]


def test_events_are_shaded_in_all_panels():
    display = SignalsDisplay.from_predictions(
        SIGNALS, SCORE, y_true=[0, 1, 1, 0, 0], max_features=2
    )
    for ax in display.axes_:
        (patch,) = ax.patches
        assert (patch.get_x(), patch.get_width()) == (1, 2)
    assert display.alarm_lines_ == []


def test_lines_break_at_gaps_in_time():
    time = pd.to_datetime(["2026-03-01"] * 5) + pd.to_timedelta(
        [0, 1, 2, 90, 91], "min"
    )
    display = SignalsDisplay.from_predictions(SIGNALS, SCORE, time=time)
    assert np.isnan(display.lines_[0].get_ydata()[3])
    assert len(display.lines_[0].get_ydata()) == 6


def test_rows_are_drawn_in_the_units_of_the_table():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"flow": rng.normal(100, 1, 90), "level": rng.normal(0, 1, 90)}
    )
    y = np.arange(90) % 30 == 25
    frame.loc[y, "flow"] += 30
    model = make_pipeline(
        SlidingWindow(2),
        EachTimeStep(StandardScaler()),
        RareEventClassifier(PCAAutoencoder(1), threshold=("quantile", 0.9)),
    ).fit(frame, y)
    display = SignalsDisplay.from_estimator(model, frame, y)
    names = [frame.columns[k] for k in display.features_]
    for line, name in zip(display.lines_, names, strict=False):
        np.testing.assert_array_equal(line.get_ydata(), frame[name])
    explained = model[-1].detector_.explain(
        model[:-1].transform(frame)[model.decision_function(frame) > 0]
    )
    shares = explained.div(explained.sum(axis=1), axis=0).mean()
    assert names == list(shares.sort_values(ascending=False).index)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"contributions": [1, 2]}, "one number for each of the 3 features"),
        ({"max_features": 0}, "'max_features' must be an int"),
        ({"y_true": [1]}, "one label for each of the 5 scores"),
    ],
)
def test_bad_input_is_told(change, message):
    with pytest.raises(ValueError, match=message):
        SignalsDisplay.from_predictions(SIGNALS, SCORE, **change)


def test_a_few_scores_of_nothing_leave_the_scale_logarithmic():
    score = np.append(np.geomspace(0.1, 10, 40), [0.0, 1e-12])
    display = SignalsDisplay.from_predictions(np.ones((42, 1)), score)
    ax = display.axes_[-1]
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] > 1e-5
