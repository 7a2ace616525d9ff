# SPDX-License-Identifier: BSD-3-Clause
"""A state belongs to its estimator, is checked, and its rows can go on with another."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skseq
from skseq import (
    EachSeries,
    EachTimeStep,
    LSTMAutoencoder,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
)
from skseq.alarms import AlarmRule
from skseq.streaming import StreamScorer
from skseq.streaming._fingerprint import fingerprint


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(240, 2)), columns=["flow", "head"])
    frame["pump"] = np.tile(["a", "b"], 120)
    frame["at"] = pd.Timestamp("2026-03-01") + pd.to_timedelta(
        np.arange(240) // 2, "min"
    )
    return frame


def pipeline(*steps, window_size=4, **slider):
    slider = {"group_by": "pump", "time": "at"} | slider
    scale = EachTimeStep(StandardScaler())
    return make_pipeline(
        SlidingWindow(window_size, **slider), *(steps or (scale, PCAAutoencoder(2)))
    )


@pytest.fixture(scope="module")
def fitted(frame):
    return pipeline().fit(frame[:120])


def rescaled(frame):
    return frame.assign(flow=frame["flow"] * 3 + 20, head=frame["head"] - 7)


def state_of(fitted, rows, **parameters):
    stream = StreamScorer(fitted, **parameters)
    stream.score_many(rows)
    return json.loads(json.dumps(stream.get_state(), default=np.ndarray.tolist))


def test_the_state_of_another_model_is_refused_with_the_way_to_go_on(frame, fitted):
    other = pipeline().fit(rescaled(frame[:120]))
    state = state_of(fitted, rescaled(frame[120:200]))
    stream = StreamScorer(other)
    before = pickle.dumps(stream.get_state())
    with pytest.raises(ValueError, match=r"another estimator.*continue_from\(state\)"):
        stream.set_state(state)
    assert pickle.dumps(stream.get_state()) == before


def test_another_window_another_scaler_another_network_are_other_models(frame):
    def forest(n):
        return RareEventClassifier(
            IsolationForest(n_estimators=2, random_state=n), threshold=("quantile", 0.9)
        )

    network = LSTMAutoencoder((2,), max_epochs=1, random_state=0, engine="native")
    variants = [
        pipeline(),
        pipeline(window_size=5),
        pipeline(max_gap="5min"),
        pipeline(PCAAutoencoder(2)),
        pipeline(PCAAutoencoder(2, score_on="last")),
        pipeline(network),
        pipeline(copy.deepcopy(network).set_params(random_state=1)),
        pipeline(forest(0)),
        pipeline(forest(1)),
        pipeline(FunctionTransformer(np.asarray), PCAAutoencoder(2)),
        pipeline(FunctionTransformer(np.array), PCAAutoencoder(2)),
    ]
    y = np.zeros(120, dtype=int)
    fitted = [variant.fit(frame[:120], y) for variant in variants]
    fitted.append(pipeline().fit(frame[:110]))
    prints = [fingerprint(one) for one in fitted]
    assert len({*prints}) == len(prints)
    for one, known in zip(fitted, prints, strict=True):
        assert fingerprint(copy.deepcopy(one)) == known
        assert fingerprint(pickle.loads(pickle.dumps(one))) == known


def test_a_saved_and_loaded_model_is_the_same(frame, tmp_path):
    network = LSTMAutoencoder((2,), max_epochs=1, random_state=0, engine="native")
    moving = MovingReference(PCAAutoencoder(1), memory=5, validation_fraction=0.3)
    series = EachSeries(StandardScaler(), min_rows=5)
    for steps in ((), (series, moving), (EachTimeStep(StandardScaler()), network)):
        fitted = pipeline(*steps).fit(frame[:120])
        fitted.set_params(slidingwindow__max_steps=64)
        skseq.save(fitted, tmp_path / "model")
        loaded = skseq.load(tmp_path / "model")
        assert fingerprint(loaded) == fingerprint(fitted)


def new_models(frame):
    """Fitted again: on other rows, with other scalers, windows and steps."""
    later = rescaled(frame)
    return {
        "scaler": (pipeline().fit(frame[:120]), pipeline().fit(later[:150])),
        "shorter windows": (
            pipeline().fit(frame[:120]),
            pipeline(window_size=2).fit(later[:150]),
        ),
        "gap and delta": (
            pipeline().fit(frame[:120]),
            pipeline(max_gap="90s", add_time_delta=True).fit(later[:150]),
        ),
        "duration": (
            pipeline().fit(frame[:120]),
            pipeline(window_size="3min").fit(later[:150]),
        ),
        "series": (
            pipeline().fit(frame[:120]),
            pipeline(EachSeries(StandardScaler(), min_rows=5), PCAAutoencoder(2)).fit(
                later[:150]
            ),
        ),
    }


@pytest.mark.parametrize("name", ["scaler", "shorter windows", "gap and delta"])
def test_a_model_that_was_trained_again_goes_on_with_the_right_scores(frame, name):
    old, new = new_models(frame)[name]
    later = rescaled(frame)
    stream = StreamScorer(old)
    stream.score_many(later[120:200])
    state = json.loads(json.dumps(stream.get_state(), default=np.ndarray.tolist))
    continued = StreamScorer(new).continue_from(state)
    expected = new.score_samples(later[:240])[200:]
    assert_allclose(continued.score_many(later[200:]), expected, rtol=1e-5)
    assert continued.health()["n_rows"] == 80 + 40
    # The windows of the other model, scaled as that one does, give others.
    wrong = StreamScorer(new)
    wrong.score_many(frame[120:200])
    assert not np.allclose(wrong.score_one(later.iloc[200]), expected[0], rtol=1e-2)


@pytest.mark.parametrize("name", ["duration", "series"])
def test_other_windows_and_steps_go_on_with_the_rows_as_they_came(frame, name):
    old, new = new_models(frame)[name]
    later = rescaled(frame)
    stream = StreamScorer(old)
    stream.score_many(later[120:200])
    continued = StreamScorer(new).continue_from(stream.get_state())
    expected = new.score_samples(later[:240])[200:]
    assert_allclose(continued.score_many(later[200:]), expected, rtol=1e-5)


def test_a_scaler_before_the_windows_transforms_the_cells_anew():
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.normal(size=(200, 2)), np.arange(200.0) % 7])
    old, new = (
        make_pipeline(StandardScaler(), SlidingWindow(4), PCAAutoencoder(2)).fit(part)
        for part in (table[:100], table[:150] * [3, 1, 1] + [20, 0, 0])
    )
    later = table * [3, 1, 1] + [20, 0, 0]
    stream = StreamScorer(old)
    stream.score_many(later[:160])
    text = json.dumps(stream.get_state(), default=np.ndarray.tolist)
    continued = StreamScorer(new).continue_from(json.loads(text))
    expected = new.score_samples(later)[160:]
    assert_allclose(continued.score_many(later[160:]), expected, rtol=1e-5)


def test_rows_of_other_columns_cannot_go_on(frame, fitted):
    state = state_of(fitted, frame[120:200])
    other = pipeline().fit(frame[:120].rename(columns={"head": "level"}))
    with pytest.raises(ValueError, match="'head'.*'level'.* same columns"):
        StreamScorer(other).continue_from(state)


def test_an_alarm_that_is_on_goes_on(frame, fitted):
    rule = AlarmRule(max_gap="1h")
    later = frame[120:160].assign(flow=40.0)
    state = state_of(fitted, later, alarm_rule=rule)
    new = pipeline().fit(frame[:150])
    stream = StreamScorer(new, alarm_rule=rule).continue_from(state)
    stream.score_many(frame[160:240].assign(flow=0.0, head=0.0))
    alarms = [event.alarm for event in stream.events_ if event.series == "a"]
    assert alarms == []  # it bridges an hour
    assert stream._series["a"].alarm.alarm.start == later["at"].iloc[0]


def test_later_rows_of_the_new_training_are_not_replaced_by_older_ones(frame, fitted):
    state = state_of(fitted, frame[120:140])
    new = pipeline().fit(frame[:200])
    stream = StreamScorer(new).continue_from(state)
    expected = new.score_samples(frame[200:])
    assert_allclose(stream.score_many(frame[200:]), expected, rtol=1e-5)


def change(state, *path, to):
    *path, last = path
    part = state
    for key in path:
        part = part[key]
    part[last] = to
    return state


BAD = {
    "no state": (lambda s: [1, 2], "it is a list"),
    "a part is missing": (
        lambda s: {k: v for k, v in s.items() if k != "series"},
        "no",
    ),
    "format": (lambda s: s | {"format": 99}, "format is 99"),
    "times": (
        lambda s: change(s, "series", 0, "times", -1, to="soon"),
        "'soon' is no",
    ),
    "nan": (lambda s: change(s, "series", 0, "times", -1, to=np.nan), "nan is no time"),
    "order": (lambda s: change(s, "series", 0, "times", 0, to=2**62), "decrease"),
    "count": (lambda s: change(s, "counts", "n_late", to=-1), "n_late is -1"),
    "bool": (lambda s: change(s, "counts", "n_rows", to=True), "n_rows is True"),
    "a count more": (lambda s: change(s, "counts", "n_x", to=1), "n_x"),
    "window": (lambda s: change(s, "series", 0, "window", to=[[1.0]]), "the shape"),
    "infinity": (
        lambda s: change(s, "series", 0, "window", 0, to=[np.inf, 0]),
        "infinity",
    ),
    "in window": (lambda s: change(s, "series", 0, "n_in_window", to=5), "5 rows are"),
    "rows": (lambda s: change(s, "series", 0, "rows", to=[[1, 2]]), "times and 1 rows"),
    "cells": (lambda s: change(s, "series", 0, "rows", 0, to=[1]), "a row has 1 cells"),
    "text": (lambda s: change(s, "series", 0, "rows", 0, to=["x", 1]), "float"),
    "name": (lambda s: change(s, "names", 0, to=5), "named 5"),
    "names": (lambda s: change(s, "names", 0, to="b"), "twice"),
    "recent": (lambda s: change(s, "counts", "recent", to=[9]), "recent"),
    "long": (lambda s: change(s, "counts", "recent", to=[0] * 5000), "recent"),
    "alarm": (lambda s: change(s, "series", 0, "alarm", "n_rows", to=-1), "alarm"),
    "zone": (
        lambda s: change(s, "series", 0, "alarm", "zone", to="dateutil//etc/passwd"),
        "zone is",
    ),
    "before": (lambda s: change(s, "series", 0, "before", to=7), "not valid"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("method", ["set_state", "continue_from"])
def test_a_state_that_is_not_one_is_refused_and_changes_nothing(
    frame, fitted, name, method
):
    edit, message = BAD[name]
    rule = AlarmRule()
    state = edit(state_of(fitted, frame[120:200], alarm_rule=rule))
    stream = StreamScorer(fitted, alarm_rule=rule)
    before = pickle.dumps(stream.get_state())
    if method == "continue_from" and name in (
        *("window", "infinity", "in window", "before"),  # not what goes on
    ):
        return
    with pytest.raises(ValueError, match=message):
        getattr(stream, method)(state)
    assert pickle.dumps(stream.get_state()) == before


def test_a_state_of_another_alarm_rule_is_refused(frame, fitted):
    state = state_of(fitted, frame[120:200], alarm_rule=AlarmRule(min_rows=2))
    with pytest.raises(ValueError, match="alarm rule .*'min_rows': 2"):
        StreamScorer(fitted, alarm_rule=AlarmRule()).set_state(state)
    with pytest.raises(ValueError, match="alarm rule"):
        StreamScorer(fitted).set_state(state)


def test_a_state_with_no_series_is_one(fitted, frame):
    no_time = make_pipeline(SlidingWindow(3), PCAAutoencoder(1))
    no_time.fit(frame[["flow", "head"]])
    state = StreamScorer(no_time).get_state()
    stream = StreamScorer(no_time).set_state(state)
    assert stream.get_state()["names"] == []
