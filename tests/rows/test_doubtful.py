# SPDX-License-Identifier: BSD-3-Clause
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    DetectorCommittee,
    EachTimeStep,
    LSTMAutoencoder,
    LSTMClassifier,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
)

N_ROWS = 240
Y = (np.arange(N_ROWS) % 40 > 36).astype(int)
TINY = LSTMAutoencoder((2,), max_epochs=1, random_state=0)


@pytest.fixture
def plant():
    rng = np.random.default_rng(0)
    t = np.arange(N_ROWS)
    X = pd.DataFrame({"flow": np.sin(t / 9), "level": np.cos(t / 9)})
    return X + 0.05 * rng.normal(size=X.shape)


def said(detector, X, y=None, *, scaled=True, **slider):
    scaler = [EachTimeStep(StandardScaler())] if scaled else []
    pipeline = make_pipeline(SlidingWindow(4, **slider), *scaler, detector)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pipeline.fit(X, y)
    messages = [str(w.message) for w in caught]
    # What is held out of so few rows is spoken of elsewhere.
    return [m for m in messages if m.startswith("The feature")]


@pytest.mark.parametrize(
    "detector",
    [
        PCAAutoencoder(2),
        TINY,
        RareEventClassifier(PCAAutoencoder(2)),
        LSTMClassifier((2,), max_epochs=1, random_state=0),
    ],
    ids=lambda detector: type(detector).__name__,
)
def test_a_unit_that_hides_the_others_is_spoken_of(detector, plant):
    X = plant.assign(pressure=1e6 + 1e5 * plant["level"] ** 2)
    (message,) = said(detector, X, Y, scaled=False)
    assert "differ in scale" in message
    assert "'pressure'" in message
    assert "EachTimeStep(StandardScaler())" in message


def test_features_of_any_unit_are_ordinary_after_scaling(plant):
    X = plant.assign(pressure=1e6 + 1e5 * plant["level"] ** 2)
    assert said(PCAAutoencoder(2), X) == []


def test_what_scales_by_itself_says_nothing_of_units(plant):
    X = plant.assign(pressure=1e6 + 1e5 * plant["level"] ** 2)
    assert said(ResidualAutoencoder(TINY), X, scaled=False) == []
    forest = RareEventClassifier(IsolationForest(n_estimators=3, random_state=0))
    assert said(forest, X, Y, scaled=False) == []


@pytest.mark.parametrize(
    "detector",
    [
        PCAAutoencoder(2),
        ResidualAutoencoder(TINY),
        RareEventClassifier(IsolationForest(n_estimators=3, random_state=0)),
        DetectorCommittee([("a", PCAAutoencoder(2)), ("b", PCAAutoencoder(1))]),
    ],
    ids=lambda detector: type(detector).__name__,
)
def test_a_counter_is_spoken_of_once_and_by_name(detector, plant):
    X = plant.assign(hours=np.arange(N_ROWS) // 3)
    (message,) = said(detector, X, Y)
    assert "The feature 'hours' only rises or only falls within a series" in message
    assert "Drop it, or take its differences" in message


def test_hours_that_are_left_and_a_counter_with_holes_are_counters_too(plant):
    count = np.where(np.arange(N_ROWS) % 50 == 3, np.nan, np.arange(N_ROWS))
    X = plant.assign(left=N_ROWS - np.arange(N_ROWS), count=count)
    (message,) = said(PCAAutoencoder(2), X)
    assert "The features 'left', 'count' only rise or only fall" in message


def test_a_counter_of_each_machine_is_one(plant):
    count = np.tile(np.arange(N_ROWS // 4), 4)
    X = plant.assign(count=count, machine=np.repeat(list("abcd"), N_ROWS // 4))
    (message,) = said(PCAAutoencoder(2), X, group_by="machine")
    assert "'count'" in message
    assert said(PCAAutoencoder(2), X.drop(columns="machine")) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_noisy_trend_and_a_set_point_are_no_counters(plant, seed):
    rng = np.random.default_rng(seed)
    trend = np.arange(N_ROWS) / 20 + rng.normal(size=N_ROWS)
    X = plant.assign(trend=trend, set_point=np.arange(N_ROWS) // 60)
    assert said(PCAAutoencoder(2), X) == []


def test_a_counter_that_is_not_one_in_the_rows_looked_at_is_checked_in_all():
    rng = np.random.default_rng(0)
    almost = np.arange(6000) + rng.uniform(0, 1.5, 6000)
    rough = pd.DataFrame({"almost": almost, "level": rng.normal(size=6000)})
    assert said(PCAAutoencoder(1), rough) == []


def test_the_labels_among_the_features_are_spoken_of(plant):
    X = plant.assign(alarm=Y)
    (message,) = said(RareEventClassifier(PCAAutoencoder(2)), X, Y)
    assert "The feature 'alarm' agrees with the labels" in message


def test_no_word_on_ordinary_arrays_of_any_shape():
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PCAAutoencoder(2).fit(rng.normal(size=(60, 4, 3)) * [1, 10, 1000])
        PCAAutoencoder(2).fit(np.arange(300.0).reshape(60, 5))
        PCAAutoencoder(2).fit(np.full((60, 4, 3), np.nan_to_num(7.0)))
