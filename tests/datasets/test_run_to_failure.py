# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, PCAAutoencoder, SlidingWindow, WindowSummary
from skseq.datasets import make_run_to_failure


def _sensors(X):
    return X.filter(like="sensor_").to_numpy()


def _remaining(X):
    return X.groupby("unit")["cycle"].transform("max") - X["cycle"]


def test_each_unit_runs_through_its_own_number_of_cycles():
    X, y = make_run_to_failure(30, 4, mean_life=80, random_state=0)
    assert X.columns[:3].to_list() == ["unit", "cycle", "sensor_0"]
    assert X["unit"].is_monotonic_increasing
    assert X["unit"].nunique() == 30
    lives = X.groupby("unit")["cycle"].agg(["min", "max", "size"])
    assert (lives["min"] == 1).all()
    assert (lives["max"] == lives["size"]).all()
    assert lives["max"].between(40, 120).all()
    assert lives["max"].nunique() > 15
    assert X.index.equals(y.index)


def test_the_last_cycles_of_each_unit_are_the_event():
    X, y = make_run_to_failure(5, horizon=7, random_state=0)
    np.testing.assert_array_equal(y, _remaining(X) < 7)
    assert y.name == "event"
    assert y.dtype == int


def test_wear_adds_in_the_direction_in_which_normal_rows_vary_most():
    X, _ = make_run_to_failure(40, random_state=0)
    early, late = (X["cycle"] < 60), (_remaining(X) < 5)
    _, size, axes = np.linalg.svd(
        _sensors(X[early]) - _sensors(X[early]).mean(axis=0), full_matrices=False
    )
    assert size[0] > 2 * size[1]
    wear = _sensors(X[late]).mean(axis=0) - _sensors(X[early]).mean(axis=0)
    assert abs(wear @ axes[0]) / np.linalg.norm(wear) > 0.95


def test_without_wear_the_end_is_like_the_start():
    X, _ = make_run_to_failure(200, wear=0, random_state=0)
    late = _sensors(X[_remaining(X) < 20])
    level, spread = _sensors(X).mean(axis=0), _sensors(X).std(axis=0)
    np.testing.assert_allclose((late.mean(axis=0) - level) / spread, 0, atol=0.15)


def test_reconstruction_is_blind_to_it_and_labels_are_not():
    X, y = make_run_to_failure(random_state=0)
    past = X["unit"] < 35
    windows = make_pipeline(
        SlidingWindow(10, group_by="unit", time="cycle"),
        EachTimeStep(StandardScaler()),
    )
    train, test = windows.fit_transform(X[past]), windows.transform(X[~past])
    detector = PCAAutoencoder().fit(train[(_remaining(X)[past] >= 100).to_numpy()])
    classifier = make_pipeline(
        WindowSummary(), LogisticRegression(C=0.01, class_weight="balanced")
    ).fit(train, y[past])
    scores = -detector.score_samples(test), classifier.decision_function(test)
    blind, seeing = (average_precision_score(y[~past], score) for score in scores)
    assert blind < 0.15
    assert seeing > 0.6


def test_the_table_is_fixed_by_random_state():
    first, second, other = (make_run_to_failure(2, random_state=k) for k in (3, 3, 4))
    pd.testing.assert_frame_equal(first[0], second[0])
    pd.testing.assert_series_equal(first[1], second[1])
    assert len(first[0]) != len(other[0])


def test_a_horizon_of_whole_lives_is_refused():
    with pytest.raises(ValueError, match=r"'horizon' is 50, but units .* 50 cycle"):
        make_run_to_failure(mean_life=100, horizon=50)


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="'n_units' parameter of make_run_to_failure"):
        make_run_to_failure(0)
