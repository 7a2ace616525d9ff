# SPDX-License-Identifier: BSD-3-Clause
"""What a fitted SlidingWindow knows, and that nothing else is read of it."""

import copy
import dataclasses
import io
import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skseq
from skseq import EachTimeStep, PCAAutoencoder, SlidingWindow, StreamScorer
from skseq.persistence import load, save

N_ROWS = 60
SETTINGS = {
    "window_size": "10min",
    "group_by": ["machine", "site"],
    "time": "at",
    "max_gap": "5min",
    "max_steps": 6,
    "add_time_delta": True,
}
OTHER = {
    "window_size": 3,
    "group_by": None,
    "time": None,
    "max_gap": "1min",
    "max_steps": 2,
    "add_time_delta": False,
}
NAMES = {
    "text": ["a", "b"],
    "numbers": [1, 2],
    "nullable": pd.array([1, 2], "Int64"),
    "categories": pd.Categorical(["a", "b"]),
    "dates": pd.to_datetime(["2026-01-01", "2026-02-01"]),
    "dates of a zone": pd.to_datetime(["2026-01-01", "2026-02-01"]).tz_localize(
        "Europe/Berlin"
    ),
}


def table(names="text", zone=None):
    return pd.DataFrame(
        {
            "machine": pd.Series(NAMES[names]).iloc[np.arange(N_ROWS) % 2].array,
            "site": np.arange(N_ROWS) % 4 // 2,
            "at": pd.date_range("2026-03-01", periods=N_ROWS, freq="1min", tz=zone),
            "flow": np.sin(np.arange(N_ROWS)),
            "head": np.cos(np.arange(N_ROWS)),
        }
    )


def pipeline():
    scaler = EachTimeStep(StandardScaler())
    return make_pipeline(SlidingWindow(**SETTINGS), scaler, PCAAutoencoder(2))


def all_that_is_read(slider, X):
    windows = slider.transform(X)
    names = slider.get_feature_names_out().tolist()
    return np.asarray(windows), names, slider.inverse_transform(windows)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_parameter_set_after_fit_changes_nothing_until_the_next_fit(name):
    assert SETTINGS.keys() == SlidingWindow().get_params().keys()
    X = table()
    fitted = pipeline().fit(X[:40])
    slider = fitted[0]
    before = all_that_is_read(slider, X[40:])
    expected = fitted.score_samples(X[40:])
    slider.set_params(**{name: OTHER[name]})
    for value, was in zip(all_that_is_read(slider, X[40:]), before, strict=True):
        assert_array_equal(value, was)
    scores = StreamScorer(fitted).score_many(X[40:])
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert_array_equal(fitted.score_samples(X[40:]), expected)


def plain(value):
    """Whether a value is made of plain types and arrays only."""
    if dataclasses.is_dataclass(value):
        return all(plain(getattr(value, f.name)) for f in dataclasses.fields(value))
    if type(value) is tuple:
        return all(map(plain, value))
    return value is None or type(value) in (int, float, str, np.ndarray)


def with_skops(fitted):
    content = skops.io.dumps(fitted)
    trusted = skops.io.get_untrusted_types(data=content)
    assert all(name.startswith("skseq.") for name in trusted)
    return skops.io.loads(content, trusted=trusted)


def with_save(fitted, tmp_path):
    save(fitted, tmp_path / "a.skseq")
    return load(tmp_path / "a.skseq")


@pytest.mark.parametrize("names", NAMES)
def test_the_plan_is_plain_and_survives_every_way_of_copying(names, tmp_path):
    X = table(names, zone="Europe/Berlin")
    fitted = pipeline().fit(X[:40])
    assert plain(fitted[0].plan_)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fitted[0].plan_.time = None
    expected = fitted.score_samples(X[40:])
    continued = np.asarray(fitted[0].transform(X[40:]))[:, -2:]
    assert not np.isnan(continued).any()
    copies = {
        "skops": with_skops(fitted),
        "pickle": pickle.load(io.BytesIO(pickle.dumps(fitted))),
        "deepcopy": copy.deepcopy(fitted),
        "skseq": with_save(fitted, tmp_path),
    }
    for way, other in copies.items():
        assert_array_equal(other.score_samples(X[40:]), expected, err_msg=way)
    assert not hasattr(clone(fitted)[0], "plan_")
    stream = StreamScorer(copies["skops"]).score_many(X[40:])
    np.testing.assert_allclose(stream, expected, atol=1e-5)


def test_a_second_sliding_window_is_refused_by_name():
    X = table()[["flow", "head"]]
    twice = make_pipeline(SlidingWindow(2), PCAAutoencoder(1)).fit(X)
    twice.steps.insert(1, ("again", twice[0]))
    with pytest.raises(TypeError, match="'again' is the second SlidingWindow"):
        StreamScorer(twice)


def test_the_plan_of_no_keys_is_short():
    plan = SlidingWindow(3).fit([[1.0, 2], [3, 4]]).plan_
    assert plan == skseq.windowing._plan.WindowPlan(
        (0, 1), (), None, skseq.windowing._reach.Reach(3)
    )
