# SPDX-License-Identifier: BSD-3-Clause
import naive_events as naive
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skseq.metrics import detection_delay, false_alarm_rate

Y_TRUE = [0, 1, 1, 1, 0, 0, 0, 0]
Y_PRED = [0, 0, 0, 1, 1, 0, 1, 1]


@pytest.mark.parametrize("within", [None, 0, 1, 6])
@pytest.mark.parametrize("seed", range(10))
def test_delays_equal_those_of_plain_loops(labels, seed, within):
    y_true, _, y_score, groups = labels(seed)
    y_pred = y_score > 0.2
    expected = naive.delays(y_true, y_pred, groups, within)
    in_time = [delay for delay in expected if delay is not None]
    delay, found = detection_delay(y_true, y_pred, groups=groups, within=within)
    assert delay == np.median(in_time)
    assert found == pytest.approx(len(in_time) / len(expected))


def test_an_alarm_that_is_on_already_finds_an_event_at_once():
    assert detection_delay([0, 0, 1, 1], [0, 1, 1, 0]) == (0.0, 1.0)


def test_a_late_alarm_counts_within_the_limit_but_not_for_the_event_before():
    y_true, y_pred = [1, 0, 0, 1, 0], [0, 0, 0, 1, 0]
    assert detection_delay(y_true, y_pred, within=4) == (0.0, 0.5)
    assert detection_delay([1, 0, 0, 0], [0, 0, 1, 0], within=2) == (2.0, 1.0)


def test_an_alarm_in_the_next_series_finds_nothing():
    with pytest.warns(UndefinedMetricWarning, match="no event is found in time"):
        delay, found = detection_delay([1, 0], [0, 1], within=3, groups=[0, 1])
    assert np.isnan(delay)
    assert found == 0


@pytest.mark.parametrize("seed", range(10))
def test_delays_in_time_equal_those_of_plain_loops(labels, seed):
    y_true, _, y_score, groups = labels(seed)
    y_pred = y_score > 0.2
    time = np.cumsum(np.random.default_rng(seed).integers(0, 9, len(y_true)))
    expected = naive.delays(y_true, y_pred, groups, None, time)
    in_time = [delay for delay in expected if delay is not None]
    delay, found = detection_delay(y_true, y_pred, groups=groups, time=time)
    assert delay == np.median(in_time)
    stamps = pd.Timestamp("2026-03-01") + pd.to_timedelta(time, unit="s")
    figures = detection_delay(y_true, y_pred, groups=groups, time=stamps)
    assert figures == (pd.Timedelta(seconds=delay), found)


def test_in_time_may_be_a_duration():
    y_true, y_pred = [1, 0, 0, 1, 1, 0], [0, 0, 1, 0, 1, 0]
    time = pd.date_range("2026-03-01", periods=6, freq="5min")
    for within in ("5min", pd.Timedelta("9min"), 1):
        figures = detection_delay(y_true, y_pred, time=time, within=within)
        assert figures == (pd.Timedelta("5min"), 0.5)
    figures = detection_delay(y_true, y_pred, time=time, within="10min")
    assert figures == (pd.Timedelta("7.5min"), 1.0)
    assert detection_delay(y_true, y_pred, time=np.arange(6), within=1.5) == (1, 0.5)
    with pytest.raises(ValueError, match="'within' parameter must be an int"):
        detection_delay(y_true, y_pred, within="5min")


def test_no_delay_in_time_is_no_time():
    time = pd.date_range("2026-03-01", periods=2, freq="5min")
    with pytest.warns(UndefinedMetricWarning, match="no event is found"):
        delay, found = detection_delay([1, 0], [0, 0], time=time)
    assert delay is pd.NaT
    assert found == 0


def test_delay_without_an_event_is_undefined():
    with pytest.warns(UndefinedMetricWarning, match="y_true holds no event"):
        assert np.isnan(detection_delay([0, 0], [0, 1])).all()


def test_an_alarm_counts_once_and_only_if_it_touches_no_event():
    assert false_alarm_rate(Y_TRUE, Y_PRED, tolerance=1) == 1000 / 8
    assert false_alarm_rate(Y_TRUE, Y_PRED, tolerance=1, per=8) == 1


def test_what_goes_on_after_an_event_is_a_false_alarm_of_its_own():
    assert false_alarm_rate(Y_TRUE, Y_PRED, tolerance=0, per=8) == 2


@pytest.mark.parametrize("tolerance", [0, 1, 4])
@pytest.mark.parametrize("seed", range(10))
def test_false_alarms_equal_those_of_plain_loops(labels, seed, tolerance):
    y_true, y_pred, _, groups = labels(seed)
    place = np.array([np.sum(groups[:k] == group) for k, group in enumerate(groups)])
    n_false = naive.n_false_alarms(y_true, y_pred, groups, tolerance, place)
    rate = false_alarm_rate(
        y_true, y_pred, groups=groups, per=len(y_true), tolerance=tolerance
    )
    assert rate == pytest.approx(n_false)


def test_rate_is_per_day_where_time_is_given():
    time = pd.date_range("2026-03-01", periods=8, freq="3h")
    assert false_alarm_rate(Y_TRUE, Y_PRED, time=time, tolerance=1) == 1
    assert false_alarm_rate(Y_TRUE, Y_PRED, time=time, per="12h", tolerance="3h") == 0.5
    hours = np.timedelta64(12, "h")
    rate = false_alarm_rate(Y_TRUE, Y_PRED, time=time, per=hours, tolerance="3h")
    assert rate == 0.5
    with pytest.raises(ValueError, match="'per' parameter must be a positive number"):
        false_alarm_rate(Y_TRUE, Y_PRED, per=hours)
    zoned = time.tz_localize("Europe/Berlin")
    assert false_alarm_rate(Y_TRUE, Y_PRED, time=zoned.to_series(), tolerance=1) == 1
    assert (
        false_alarm_rate(Y_TRUE, Y_PRED, time=np.arange(8) * 3, per=24, tolerance=3.0)
        == 1
    )


def test_two_machines_watched_for_a_day_are_two_days():
    time = pd.date_range("2026-03-01", periods=8, freq="3h")
    rate = false_alarm_rate(
        np.tile(Y_TRUE, 2),
        np.tile(Y_PRED, 2),
        time=np.tile(time, 2),
        groups=np.repeat(["a", "b"], 8),
        tolerance=1,
    )
    assert rate == 1


def test_a_pause_counts_as_the_longest_gap_allowed():
    time = [0, 1, 2, 3, 103, 104, 105, 106]
    assert false_alarm_rate(Y_TRUE, Y_PRED, time=time, per=107, tolerance=1) == 1
    assert (
        false_alarm_rate(Y_TRUE, Y_PRED, time=time, per=8, max_gap=1, tolerance=1) == 1
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"time": [0, 1, 2, 1, 4, 5, 6, 7], "per": 1}, "'time' decreases in row 3"),
        ({"time": np.zeros(8), "per": 1}, "'time' does not last"),
        ({"time": np.arange(8)}, "'per' parameter is None, but 'time' holds numbers"),
        ({"time": [0, 1, 2, None, 4, 5, 6, 7], "per": 1}, "missing value in row 3"),
        ({"time": list("abcdefgh"), "per": 1}, "datetimes or numbers. Got 'a' in row"),
        ({"time": pd.date_range("2026", periods=8), "per": 5}, "'per' .* duration"),
        ({"time": pd.date_range("2026", periods=8), "per": "x"}, "'per' .* duration"),
        ({"max_gap": 5}, "'time' is None"),
        ({"per": 0}, "'per' parameter must be a positive number"),
        ({"per": "1D"}, "'per' parameter must be a positive number"),
        ({"time": [0, 1], "per": 1}, "inconsistent numbers of samples"),
    ],
)
def test_bad_times_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        false_alarm_rate(Y_TRUE, Y_PRED, **parameters)
