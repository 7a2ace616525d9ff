# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from skseq.datasets import make_sensor_events


def _values(X, n_sensors):
    return X.filter(like="value_").to_numpy().reshape(n_sensors, -1, X.shape[1] - 2)


@pytest.fixture(scope="module")
def all_or_none():
    """Values of sensors that are in alarm all the time, and never."""
    tables = (
        make_sensor_events(
            400, 20, 2, alarm_rate=rate, alarm_length=20, random_state=seed
        )
        for seed, rate in enumerate((1, 0))
    )
    return [_values(X, 400) for X, _ in tables]


def test_the_asked_share_of_rows_is_in_alarm():
    X, y = make_sensor_events(random_state=0)
    assert X.shape == (120_000, 4)
    assert X.index.equals(y.index)
    assert y.mean() == 0.05
    assert set(y) == {0, 1}


def test_a_sensor_has_one_alarm_of_the_asked_length_or_none():
    X, y = make_sensor_events(300, 40, alarm_length=15, random_state=0)
    assert set(y.groupby(X["sensor_id"]).sum()) == {0, 15}
    starts = (y == 1) & (y.groupby(X["sensor_id"]).shift(fill_value=0) == 0)
    assert starts.groupby(X["sensor_id"]).sum().max() == 1


def test_timestamps_are_irregular_and_increase_within_each_sensor():
    X, _ = make_sensor_events(500, mean_interval=15, random_state=0)
    assert X["sensor_id"].is_monotonic_increasing
    seconds = X.groupby("sensor_id")["timestamp"].diff().dt.total_seconds().dropna()
    assert (seconds > 0).all()
    assert seconds.mean() == pytest.approx(15, rel=0.02)
    assert seconds.std() == pytest.approx(15, rel=0.05)  # as of an exponential


def test_without_noise_the_phase_moves_with_time_and_backwards_in_an_alarm():
    X, y = make_sensor_events(
        50, 60, 1, mean_interval=1, noise=0, alarm_rate=0.1, random_state=0
    )
    x = X["value_0"]
    assert x.between(0, 1).all()
    seconds = X["timestamp"].diff().dt.total_seconds()
    slope = (x.diff() / seconds)[X["sensor_id"].diff() == 0]
    rising = slope > 0
    # Rises last four times as long as falls; the other way round in an alarm.
    assert rising[y == 0].mean() == pytest.approx(0.8, abs=0.05)
    assert rising[y == 1].mean() == pytest.approx(0.2, abs=0.12)
    # 1 / 0.8 in a cycle of 120 to 240 seconds, but where a row spans a turn.
    steady = slope[(y == 0) & rising].quantile([0.2, 0.8])
    assert steady.between(1 / 0.8 / 240, 1 / 0.8 / 120).all()


@pytest.mark.parametrize("statistic", [np.mean, np.std, np.min, np.max])
def test_summary_statistics_do_not_tell_an_alarm(all_or_none, statistic):
    alarm, normal = (statistic(x, axis=1).ravel() for x in all_or_none)
    assert ks_2samp(alarm, normal).pvalue > 0.01


def test_the_order_of_the_rows_tells_an_alarm(all_or_none):
    asymmetry = [(np.diff(x, axis=1) ** 3).mean(axis=(1, 2)) for x in all_or_none]
    y = np.repeat([1, 0], 400)
    assert roc_auc_score(y, np.concatenate(asymmetry)) > 0.9


def test_the_table_is_fixed_by_random_state():
    first, second, other = (make_sensor_events(10, random_state=k) for k in (3, 3, 4))
    pd.testing.assert_frame_equal(first[0], second[0])
    pd.testing.assert_series_equal(first[1], second[1])
    assert not np.allclose(first[0]["value_0"], other[0]["value_0"])


@pytest.mark.parametrize("settings", [{"alarm_rate": 0.6}, {"alarm_length": 61}])
def test_alarms_that_do_not_fit_are_refused(settings):
    with pytest.raises(ValueError, match=r"do not fit in 10 sensors of 60 rows"):
        make_sensor_events(10, **settings)


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="'alarm_rate' parameter of make_sensor_ev"):
        make_sensor_events(alarm_rate=2)
