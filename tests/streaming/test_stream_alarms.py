# SPDX-License-Identifier: BSD-3-Clause
"""Alarms, silence and health of a stream."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from strategies import examples

from skseq import PCAAutoencoder, SlidingWindow
from skseq.alarms import AlarmRule
from skseq.streaming import StreamScorer


@pytest.fixture(scope="module")
def pipeline():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 2)), columns=["flow", "head"])
    table["pump"] = rng.choice(["a", "b"], size=200)
    table["at"] = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.arange(200), "min")
    slider = SlidingWindow(3, group_by="pump", time="at", max_gap="20min")
    return make_pipeline(slider, PCAAutoencoder(2, contamination=0.3)).fit(table)


@pytest.fixture(scope="module")
def in_numbers():
    table = np.random.default_rng(0).normal(size=(60, 3))
    table[:, 2] = np.arange(60)
    return make_pipeline(SlidingWindow(2, time=2), PCAAutoencoder(1)).fit(table)


@st.composite
def later_rows(draw):
    """Rows of two series after the training, some without data."""
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    minutes = np.cumsum(rng.choice([0, 1, 1, 2, 30], size=n))
    table = pd.DataFrame(rng.normal(size=(n, 2)) * 1.5, columns=["flow", "head"])
    table.loc[rng.random(n) < 0.2, ["flow", "head"]] = np.nan
    table["pump"] = rng.choice(["a", "b"], size=n)
    table["at"] = pd.Timestamp("2026-03-02") + pd.to_timedelta(minutes, "min")
    return table


LENGTHS = st.sampled_from([None, 2, "3min", "40min"])


@st.composite
def rules(draw, on):
    least = draw(st.integers(1, 3))
    within = draw(st.sampled_from([None, 3, "4min", "1h"]))
    return AlarmRule(
        on=on,
        off=draw(st.sampled_from([None, on - 0.5])),
        min_rows=least,
        within=within,
        hold=draw(LENGTHS),
        max_gap=draw(LENGTHS),
    )


def run(stream, parts, *, through_json=False):
    """Events with the rows of all parts; those that end with the stream, too."""
    events, scores, n_rows = [], [], 0
    for part in parts:
        scores.append(stream.score_many(part))
        events += [event._replace(row=event.row + n_rows) for event in stream.events_]
        n_rows += len(part)
        if through_json:
            text = json.dumps(stream.get_state(), default=np.ndarray.tolist)
            twin = copy.copy(stream)
            stream = twin.set_state(json.loads(text))
    return stream, events, np.concatenate(scores)


@settings(examples, max_examples=25)
@given(later_rows(), st.data(), st.sampled_from(["flag", "score"]), st.integers(1, 40))
def test_alarms_of_a_stream_are_those_of_its_table(
    pipeline, table, data, alarm_on, size
):
    rule = data.draw(rules(0.5 if alarm_on == "flag" else 2.0))
    parts = [table[k : k + size] for k in range(0, len(table), size)]
    # All is believed: a row that is in doubt has no alarm before the next one.
    stream = StreamScorer(
        pipeline, alarm_rule=rule, alarm_on=alarm_on, max_jump=None, on_late="raise"
    )
    stream, events, scores = run(stream, parts, through_json=size > 5)
    given_ = -scores
    if alarm_on == "flag":
        given_ = np.where(np.isnan(scores), np.nan, stream.is_alarm(scores))
    expected = rule.flag(given_, time=table["at"], groups=table["pump"])

    flags = np.zeros(len(table), dtype=int)
    places = {name: np.flatnonzero(table["pump"] == name) for name in "ab"}
    alarms = [(e.series, e.alarm) for e in events if e.kind == "end"]
    alarms += [
        (key, series.alarm.alarm)
        for key, series in stream._series.items()
        if series.alarm.is_on
    ]
    for name, alarm in alarms:
        flags[places[name][alarm.first_row : alarm.last_row + 1]] = 1
    assert flags.tolist() == expected.tolist()
    starts = [e for e in events if e.kind == "start"]
    assert len(starts) == len(alarms)
    for event in starts:
        assert table["at"].iloc[event.row] == event.time == event.alarm.start
        assert table["pump"].iloc[event.row] == event.series


def rows_at(minutes, *, pump="a", value=0.0):
    start = pd.Timestamp("2026-03-02")
    return pd.DataFrame(
        {
            "flow": value,
            "head": value,
            "pump": pump,
            "at": [start + pd.Timedelta(minutes=m) for m in minutes],
        }
    )


def test_silence_is_told_by_the_time_of_another_series_and_ended_by_data(pipeline):
    stream = StreamScorer(pipeline, on_silence="30min", max_jump=None)
    stream.score_many(rows_at([0], pump="a"))
    stream.score_many(rows_at([0, 20, 30], pump="b"))
    assert stream.events_ == []
    stream.score_many(rows_at([31, 50], pump="b"))
    (event,) = stream.events_
    assert (event.kind, event.series, event.row) == ("silent", "a", 0)
    assert event.time == pd.Timestamp("2026-03-02")
    assert stream.health()["n_silent"] == 1
    stream.score_many(rows_at([60]))
    assert [(e.kind, e.series) for e in stream.events_] == [("heard", "a")]
    assert stream.health()["n_silent"] == 0


def test_rows_without_data_are_silence(pipeline):
    stream = StreamScorer(pipeline, on_silence="30min", max_jump=None)
    stream.score_many(rows_at([0]))
    empty = rows_at([25, 31, 32, 40], value=np.nan)
    assert np.isnan(stream.score_many(empty)).all()
    assert [(e.kind, e.row) for e in stream.events_] == [("silent", 1)]
    assert stream.health()["n_without_data"] == 4


def test_a_clock_alone_tells_of_silence(pipeline):
    stream = StreamScorer(pipeline, on_silence="30min", max_jump=None)
    stream.score_many(rows_at([0]))
    assert stream.tick("2026-03-02 00:30") == []
    (event,) = stream.tick(pd.Timestamp("2026-03-02 00:31"))
    assert (event.kind, event.series, event.row) == ("silent", "a", None)
    assert stream.tick("2026-03-02 09:00") == []  # told once


def test_silence_is_told_alike_however_the_rows_are_divided(pipeline):
    rng = np.random.default_rng(1)
    minutes = np.cumsum(rng.choice([1, 5, 40], size=60))
    table = rows_at(minutes).assign(pump=rng.choice(list("abc"), size=60))
    table.loc[rng.random(60) < 0.4, ["flow", "head"]] = np.nan
    told = []
    for size in (1, 7, 60):
        stream = StreamScorer(pipeline, on_silence="30min", max_jump=None)
        parts = [table[k : k + size] for k in range(0, 60, size)]
        told.append(run(stream, parts)[1])
    assert told[0] == told[1] == told[2]
    assert {event.kind for event in told[0]} == {"silent", "heard"}


def test_health_counts_by_hand(pipeline):
    stream = StreamScorer(pipeline, on_late="drop", alarm_rule=AlarmRule())
    loud = rows_at([0, 1, 2, 3], value=9.0)
    empty = rows_at([50, 51], value=np.nan)
    with pytest.warns(UserWarning, match="came late"):
        scores = stream.score_many(pd.concat([loud, empty, loud[:1]]))
    health = stream.health()
    n_judged = np.isfinite(scores).sum()
    n_alarms = stream.is_alarm(scores).sum()
    assert (health["n_rows"], health["n_late"]) == (6, 1)
    assert health["n_without_data"] == 6 - n_judged == 2
    assert health["share_in_alarm"] == n_alarms / n_judged == 1
    assert health["drift"] == pytest.approx(1 / 0.3)  # all beyond what 0.3 were
    assert health["n_series"] == 2


def test_drift_is_of_the_last_rows(pipeline):
    stream = StreamScorer(pipeline)
    rng = np.random.default_rng(0)
    quiet = rows_at(np.arange(1200) / 60)
    quiet[["flow", "head"]] = rng.normal(size=(1200, 2))
    stream.score_many(quiet)
    assert stream.health()["drift"] == pytest.approx(1, abs=0.5)
    loud = rows_at(20 + np.arange(1000) / 60, value=9.0)
    stream.score_many(loud)
    assert stream.health()["drift"] == pytest.approx(1 / 0.3)


def test_an_alarm_of_a_series_that_is_forgotten_is_over(pipeline):
    rule = AlarmRule()
    stream = StreamScorer(pipeline, alarm_rule=rule, forget_after="1h", max_jump=None)
    stream.score_many(rows_at([0], value=9.0))
    assert [event.kind for event in stream.events_] == ["start"]
    (event,) = stream.tick("2026-03-02 02:00")
    assert (event.kind, event.series, event.row) == ("end", "a", None)


def test_what_cannot_be_followed_is_refused_with_the_remedy(pipeline, in_numbers):
    no_time = make_pipeline(SlidingWindow(2), PCAAutoencoder(1))
    no_time.fit(np.random.default_rng(0).normal(size=(60, 2)))
    for name in ("on_silence", "forget_after", "max_jump"):
        with pytest.raises(ValueError, match=f"'{name}' .* in 'time' of Sliding"):
            StreamScorer(no_time, **{name: "1h"})
    with pytest.raises(ValueError, match="'tick' of StreamScorer needs the time"):
        StreamScorer(no_time).tick(5)
    with pytest.raises(ValueError, match="'on_silence' .* must be a positive number"):
        StreamScorer(in_numbers, on_silence="30min")
    with pytest.raises(ValueError, match="'max_gap' .* duration '5min'.* no time is"):
        StreamScorer(no_time, alarm_rule=AlarmRule(max_gap="5min"))
    with pytest.raises(ValueError, match="alarm_on='score'"):
        StreamScorer(no_time, alarm_rule=AlarmRule(on=2))
    with pytest.raises(ValueError, match="'max_series' parameter of StreamScorer"):
        StreamScorer(no_time, max_series=0)


def test_the_reason_of_the_last_score_is_that_of_the_detector(pipeline):
    stream = StreamScorer(pipeline)
    with pytest.raises(ValueError, match="No row was scored"):
        stream.explain_last()
    rows = rows_at([0, 1, 2]).assign(head=[0, 0, 9.0])
    stream.score_many(rows)
    shares = stream.explain_last()
    expected = pipeline[-1].explain(pipeline[:-1].transform(rows)).iloc[-1]
    assert shares.index[0] == expected.idxmax()
    np.testing.assert_allclose(shares[expected.index], expected, rtol=1e-5)
