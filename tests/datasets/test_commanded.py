# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from skseq.datasets import make_commanded_process


@pytest.fixture(scope="module")
def process():
    return make_commanded_process(20_000, random_state=0)


def test_the_columns_are_set_points_weather_and_sensors():
    X, y = make_commanded_process(300, 2, n_set_points=1, n_series=2, random_state=0)
    names = ["set_point_0", "ambient", "sensor_0", "sensor_1"]
    assert X.columns.to_list() == ["machine", "timestamp", *names]
    assert X["machine"].value_counts().to_list() == [150, 150]
    assert X.index.equals(y.index)
    assert set(y) == {0, 1}
    for _, times in X.groupby("machine")["timestamp"]:
        assert (times.diff().dropna() == pd.Timedelta("1min")).all()


def test_random_state_fixes_the_process():
    first, second, other = (
        make_commanded_process(300, random_state=seed) for seed in (3, 3, 4)
    )
    pd.testing.assert_frame_equal(first[0], second[0])
    pd.testing.assert_series_equal(first[1], second[1])
    assert not np.allclose(first[0]["sensor_0"], other[0]["sensor_0"])


def test_set_points_are_held_for_an_hour_on_average(process):
    X, _ = process
    for k in range(3):
        changes = (X[f"set_point_{k}"].diff().dropna() != 0).mean()
        assert changes == pytest.approx(1 / 60, rel=0.2)


def features(X, lags):
    """The columns of each row, and of rows before it."""
    parts = [X.shift(lag).add_suffix(f"_{lag}") for lag in lags]
    return pd.concat(parts, axis=1).dropna()


def auc_of_residuals(X, y, target, causes):
    """Of a linear regression on normal rows: how well its errors tell events."""
    lagged = features(X[causes], [0, 1, 2, 4, 8, 16, 32])
    values, event = X.loc[lagged.index, target], y[lagged.index]
    model = LinearRegression().fit(lagged[event == 0], values[event == 0])
    errors = np.square(values - model.predict(lagged)).sum(axis=1)
    return roc_auc_score(event, errors)


def test_faults_show_against_the_set_points_alone(process):
    X, y = process
    sensors = list(X.filter(like="sensor"))
    givens = [*X.filter(like="set_point"), "ambient"]
    scaled = (X[sensors] - X[sensors].mean()) / X[sensors].std()
    X = X[givens].join(scaled)
    assert auc_of_residuals(X, y, sensors, givens) > 0.75
    # One sensor against the others, and each by itself, tell next to nothing.
    assert auc_of_residuals(X, y, sensors[:1], sensors[1:]) < 0.65
    assert roc_auc_score(y, np.square(scaled).sum(axis=1)) < 0.6


def test_a_fault_stays_in_the_range_of_the_set_point():
    params = {"disturbance": 0, "noise": 0, "random_state": 0, "fault_size": 1.7}
    faulty, y = make_commanded_process(20_000, 3, fault_rate=0.1, **params)
    normal, _ = make_commanded_process(20_000, 3, fault_rate=0, **params)
    assert y.mean() == 0.1
    for name in faulty.filter(like="sensor"):
        low, high = normal[name].min(), normal[name].max()
        margin = 0.2 * (high - low)
        assert faulty[name].between(low - margin, high + margin).all()


def test_events_that_do_not_fit_and_wrong_parameters_are_refused():
    with pytest.raises(ValueError, match="'n_series' is 5, more than the 3 rows"):
        make_commanded_process(3, n_series=5)
    with pytest.raises(ValueError, match="'fault_size' parameter of make_commanded"):
        make_commanded_process(fault_size=-1)
