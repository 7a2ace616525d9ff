# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skseq import suggest_window_size
from skseq.windowing._window_size import autocorrelation


def waves(periods, n_rows=3000, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.arange(n_rows)[:, np.newaxis]
    phases = rng.uniform(0, 6, size=len(periods))
    clean = np.sin(2 * np.pi * rows / np.asarray(periods) + phases)
    return clean + noise * rng.normal(size=clean.shape)


@pytest.mark.parametrize("period", [7, 24, 60, 144])
@pytest.mark.parametrize("seed", range(3))
def test_the_period_of_the_features_is_suggested(period, seed):
    size = suggest_window_size(waves([period] * 3, seed=seed))
    assert size == pytest.approx(period, abs=max(1, 0.03 * period))


def test_it_is_the_median_over_the_features_that_have_a_period():
    noise = np.random.default_rng(0).normal(size=(3000, 4))
    table = np.hstack([waves([20, 30, 90]), noise, np.ones((3000, 1))])
    assert suggest_window_size(table) == 30


def test_a_saw_tooth_has_the_period_of_its_teeth():
    rows = np.arange(2000)
    assert suggest_window_size((rows % 48)[:, np.newaxis]) == 48


def test_a_trend_hides_no_period():
    table = waves([30]) + np.linspace(0, 50, 3000)[:, np.newaxis]
    assert suggest_window_size(table) == 30


def test_missing_values_hide_no_period():
    table = waves([30, 30])
    table[np.random.default_rng(1).random(table.shape) < 0.4] = np.nan
    assert suggest_window_size(table) == 30


def test_without_a_period_it_is_how_long_the_features_remember():
    rng = np.random.default_rng(0)
    decay, x = np.exp(-1 / 40), np.zeros(20_000)
    for k in range(1, len(x)):
        x[k] = decay * x[k - 1] + rng.normal()
    assert suggest_window_size(x[:, np.newaxis]) == pytest.approx(40, rel=0.25)


@pytest.mark.parametrize(
    ("settings", "size"), [({}, 5), ({"max_size": 3, "min_size": 2}, 2)]
)
def test_noise_is_given_the_least(settings, size):
    noise = np.random.default_rng(0).normal(size=(3000, 2))
    assert suggest_window_size(noise, **settings) == size


def test_no_period_beyond_the_bound_is_suggested():
    assert suggest_window_size(waves([150]), max_size=100) <= 100


def test_series_are_taken_together_and_never_joined():
    # Each by itself is shorter than two of the bound.
    parts = [waves([25], n_rows=130, seed=seed) for seed in range(12)]
    table = pd.DataFrame({"x": np.concatenate(parts)[:, 0]})
    table["machine"] = np.repeat([f"m{k}" for k in range(12)], 130)
    mixed = table.sample(frac=1, random_state=0).sort_index(key=lambda i: i % 130)
    for frame in (table, mixed):
        size = suggest_window_size(frame, group_by="machine", max_size=60)
        assert size == pytest.approx(25, abs=1)


def test_a_window_holds_an_event():
    y = np.zeros(3000, dtype=int)
    y[500:545] = y[1000:1045] = y[2000:2005] = 1
    assert suggest_window_size(waves([20]), y=y) == 45
    assert suggest_window_size(waves([80]), y=y) == pytest.approx(80, abs=2)
    assert suggest_window_size(waves([20]), y=0 * y) == 20


def test_events_end_with_their_series():
    table = pd.DataFrame(
        {"x": waves([10], n_rows=400)[:, 0], "m": np.repeat([0, 1], 200)}
    )
    y = np.zeros(400, dtype=int)
    y[180:220] = 1
    assert suggest_window_size(table, group_by="m", y=y) == 20


def test_the_time_is_no_feature():
    table = pd.DataFrame(waves([30]), columns=["x"])
    table["at"] = pd.date_range("2026-01-01", periods=3000, freq="1min")
    assert suggest_window_size(table, time="at") == 30


def test_the_autocorrelation_is_that_of_its_definition():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=n).cumsum() for n in (40, 25)]
    parts[0][[3, 17]] = np.nan
    products, pairs = np.zeros(11), np.zeros(11)
    for part in parts:
        rows = np.arange(len(part))
        seen = ~np.isnan(part)
        rest = part - np.polyval(np.polyfit(rows[seen], part[seen], 1), rows)
        for lag in range(11):
            both = rest[: len(rest) - lag] * rest[lag:]
            products[lag] += np.nansum(both)
            pairs[lag] += np.sum(~np.isnan(both))
    expected = products / pairs / (products[0] / pairs[0])
    assert_allclose(autocorrelation(np.concatenate(parts), [0, 40], 10), expected)


@pytest.mark.parametrize("n_rows", [1, 2, 5])
def test_a_short_table_is_given_the_least(n_rows):
    assert suggest_window_size(np.arange(n_rows * 1.0)[:, np.newaxis]) == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_size": 0}, "'min_size' parameter of suggest_window_size"),
        ({"min_size": 9, "max_size": 8}, "Got 9 and 8"),
        ({"y": [0, 1]}, "inconsistent numbers of samples"),
        ({"y": np.full(3000, 2)}, "y must be 1"),
        ({"time": "at"}, "'time' parameter"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        suggest_window_size(waves([30]), **settings)
