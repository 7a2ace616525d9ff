# SPDX-License-Identifier: BSD-3-Clause
"""A row that goes straight through leaves the same behind as one the long way."""

import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make import native
from numpy.testing import assert_array_equal
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from strategies import examples

from skseq import (
    DetectorCommittee,
    EachTimeStep,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
    StreamScorer,
)
from skseq.alarms import AlarmRule
from skseq.streaming._taking import Taking

pytest.importorskip(
    "skseq.engines.native._kernels", reason="the kernels were not built"
)
NAMES = ["a", "b", "c"]
START = pd.Timestamp("2026-01-01")
EVENT = np.arange(120) % 10 > 7


def table(n_rows):
    values = np.random.default_rng(0).normal(size=(n_rows, 3))
    frame = pd.DataFrame(values * [1, 1, 1e-3], columns=NAMES)
    frame["pump"] = np.tile(["x", "y"], n_rows // 2)
    frame["time"] = START + pd.to_timedelta(np.arange(n_rows), "min")
    return frame


def pipelines():
    frame = table(120)
    number = frame.assign(time=np.arange(120.0)).drop(columns="pump")
    slider = SlidingWindow(4, group_by="pump", time="time", max_gap="5min")
    return {
        "scaled before": (StandardScaler(), SlidingWindow(4), native(), frame[NAMES]),
        "scaled after": (slider, EachTimeStep(StandardScaler()), native(), frame),
        "residual": (
            slider,
            EachTimeStep(RobustScaler()),
            EachTimeStep(StandardScaler(with_mean=False)),
            ResidualAutoencoder(native()),
            frame,
        ),
        "time in numbers": (
            SlidingWindow(4, time="time"),
            native(error="mahalanobis", score_on="last"),
            number,
        ),
        "array": (SlidingWindow(4), native(error="mae"), frame[NAMES].to_numpy()),
        "components": (slider, PCAAutoencoder(2, score_on="max"), frame),
        "committee": (
            SlidingWindow(4, group_by="pump", time="time"),
            DetectorCommittee(
                [
                    ("moving", MovingReference(PCAAutoencoder(2), memory=12)),
                    ("lstm", native()),
                ]
            ),
            frame,
        ),
        "classifier": (
            slider,
            RareEventClassifier(
                [
                    ("moving", MovingReference(PCAAutoencoder(2), memory=12)),
                    ("forest", IsolationForest(n_estimators=3)),
                    ("logistic", LogisticRegression()),
                ],
                random_state=0,
            ),
            frame.assign(a=frame["a"] + 3 * EVENT),
        ),
    }


@pytest.fixture(scope="module")
def fitted():
    return {
        name: make_pipeline(*steps).fit(X, EVENT)
        for name, (*steps, X) in pipelines().items()
    }


CELLS = [1.5, np.float64(-0.5), 2, np.nan, None, "0.25", True, 1e29, 1e31, np.inf, "x"]
MINUTES = [0, 2, 4, 7, -1, -3, 1500, 3000, None]


@st.composite
def streams(draw):
    """Rows of which most are ordinary, as dicts, and what is asked of the stream."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, now = [], draw(st.sampled_from([119, 130]))
    n_rows, n_missing = draw(st.integers(1, 25)), draw(st.integers(0, 6))
    for k, values in enumerate(rng.normal(size=(n_rows, 3)).tolist()):
        if rng.random() < 0.2:
            values[rng.integers(3)] = CELLS[rng.integers(len(CELLS))]
        if 8 <= k < 8 + n_missing:
            values = [np.nan] * 3
        minutes = MINUTES[rng.integers(len(MINUTES))] if rng.random() < 0.2 else 1
        at = None if minutes is None else now + minutes
        # A clock that is wrong may go on so, or not.
        now = at if at is not None and (minutes < 10 or rng.random() < 0.5) else now
        rows.append((values, "yyx"[rng.integers(3)], at))
    rule = draw(st.sampled_from([None, AlarmRule(), AlarmRule(min_rows=2)]))
    options = {
        "alarm_rule": rule,
        "on_late": draw(st.sampled_from(["raise", "drop"])),
        "max_series": draw(st.sampled_from([None, 2])),
    }
    return rows, options, draw(st.booleans())


def as_row(name, values, pump, minute):
    if name == "array":
        return values
    row = dict(zip(NAMES, values, strict=True))
    if name == "time in numbers":
        row["time"] = minute
    elif name != "scaled before":
        row["pump"] = pump
        row["time"] = START + pd.to_timedelta(minute, "min") if minute else None
    return row


def outcome(stream, rows, groups):
    """What one row or several give: scores and what happened, or the error."""
    score = stream.score_many if isinstance(rows, tuple) else stream.score_one
    try:
        scores = score(rows, groups)
    except Exception as error:
        return type(error), str(error)
    return scores, stream.events_, stream.health()


def state_of(stream):
    return json.dumps(stream.get_state(), default=np.ndarray.tolist)


@pytest.mark.parametrize("name", pipelines())
@settings(parent=examples, max_examples=15)
@given(case=streams())
def test_a_row_straight_through_is_as_one_the_long_way(fitted, name, case):
    rows, options, has_groups = case
    straight, long = both = [StreamScorer(fitted[name], **options) for _ in range(2)]
    assert straight._next_row is not None
    long._next_row = None
    for values, pump, minute in rows:
        row = as_row(name, values, pump, minute)
        group = pump if has_groups and name in ("scaled before", "array") else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of late rows, and drift
            np.testing.assert_equal(*(outcome(s, row, group) for s in both))
    assert state_of(straight) == state_of(long)
    if straight._last_window is not None:
        shares = [stream.explain_last() for stream in both]
        pd.testing.assert_series_equal(*shares, check_exact=True)


@pytest.mark.parametrize("name", pipelines())
@settings(parent=examples, max_examples=15)
@given(case=streams(), size=st.integers(1, 12))
def test_rows_at_once_are_as_rows_one_after_the_other(fitted, name, case, size):
    rows, options, has_groups = case
    if size % 2 and name in ("scaled after", "residual"):
        options = options | {"on_silence": "5min", "forget_after": "20min"}
    at_once, long = both = [StreamScorer(fitted[name], **options) for _ in range(2)]
    rows = [(as_row(name, *row), row[1]) for row in rows]
    groups = has_groups and name in ("scaled before", "array")
    for start in range(0, len(rows), size):
        part, pumps = zip(*rows[start : start + size], strict=True)
        outcomes = []
        for stream in both:
            with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                if stream is long:
                    patch.setattr(Taking, "_score_at_once", lambda *_: None)
                outcomes.append(outcome(stream, part, pumps if groups else None))
        np.testing.assert_equal(*outcomes)
    assert state_of(at_once) == state_of(long)
    if at_once._last_window is not None:
        assert_array_equal(at_once._last_window, long._last_window)


@pytest.mark.parametrize("name", pipelines())
def test_ordinary_rows_go_straight_through(fitted, name):
    stream = StreamScorer(fitted[name])
    later = table(160)[120:].reset_index(drop=True)
    rows = [
        as_row(name, row[:3], row[3], 200.0 + k)
        for k, row in enumerate(later.to_numpy(dtype=object).tolist())
    ]
    straight = [stream._next_row(stream, row, None) for row in rows[:2]]
    if name in ("scaled before", "array"):  # of a series that is not there yet
        assert straight == [None, None]
    stream.score_many(rows[:4])
    assert all(stream._next_row(stream, row, None) is not None for row in rows[4:])
    other = StreamScorer(fitted[name])
    other._next_row = None
    other.score_many(rows)
    assert state_of(stream) == state_of(other)


@pytest.mark.parametrize(
    ("name", "part"),
    [("residual", "_errors"), ("residual", "show_time"), ("committee", "show_time")],
)
def test_an_interrupt_leaves_the_stream_as_it_was(fitted, name, part, monkeypatch):
    rule = AlarmRule(on=-1e9)
    stream = StreamScorer(fitted[name], alarm_rule=rule, alarm_on="score")
    rows = [as_row(name, [0.1, 0.2, 0.3], "x", 200 + k) for k in range(3)]
    stream.score_one(rows[0])
    health = stream.health()
    stream._series["x"].alarm = stream._rules.new_alarm()  # to start at the next row

    def interrupt(*_):
        raise KeyboardInterrupt

    before = state_of(stream)
    owner = stream._next_row if part == "_errors" else stream._steps
    monkeypatch.setattr(owner, part, interrupt)
    with pytest.raises(KeyboardInterrupt):
        stream.score_one(rows[1])
    assert state_of(stream) == before
    assert stream.health() == health


def test_a_pickled_stream_goes_on_straight(fitted):
    stream = StreamScorer(fitted["array"])
    rows = np.random.default_rng(1).normal(size=(8, 3))
    stream.score_many(rows[:6])
    other = pickle.loads(pickle.dumps(stream))
    score = other._next_row(other, rows[6], None)
    assert score is not None
    assert score == stream.score_one(rows[6])


@pytest.mark.parametrize(
    "steps",
    [
        (SlidingWindow(4), EachTimeStep(MinMaxScaler()), PCAAutoencoder(1)),
        (SlidingWindow(4.0, time=2, max_steps=4), PCAAutoencoder(1)),
        (SlidingWindow(4, time=2, add_time_delta=True), PCAAutoencoder(1)),
        (StandardScaler(), SlidingWindow(4, time=2), PCAAutoencoder(1)),
        (SlidingWindow(4, group_by=2), PCAAutoencoder(1)),
    ],
    ids=str,
)
def test_what_is_not_known_goes_the_long_way(steps):
    X = np.random.default_rng(0).normal(size=(80, 3))
    slider = next(step for step in steps if isinstance(step, SlidingWindow))
    if slider.time is not None:
        X[:, 2] = np.arange(80)
    elif slider.group_by is not None:
        X[:, 2] = 1
    stream = StreamScorer(make_pipeline(*steps).fit(X))
    assert stream._next_row is None
    assert np.isfinite(stream.score_one([0.5, 1.0, 100.0]))


@pytest.mark.parametrize("limit", ["forget_after", "on_silence"])
def test_what_looks_at_all_series_goes_the_long_way(fitted, limit):
    assert StreamScorer(fitted["residual"], **{limit: "1D"})._next_row is None
