# SPDX-License-Identifier: BSD-3-Clause
"""Wrong clocks, forgotten series, and calls that fail half way."""

import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, PCAAutoencoder, SlidingWindow
from skseq.alarms import AlarmRule
from skseq.streaming import StreamScorer

START = pd.Timestamp("2026-03-01")


def make_frame(n_rows=260, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n_rows, 2)), columns=["flow", "head"])
    frame["pump"] = np.tile(["a", "b"], n_rows // 2)
    frame["at"] = START + pd.to_timedelta(np.arange(n_rows) // 2, "min")
    return frame


@pytest.fixture(scope="module")
def fitted():
    frame = make_frame()
    slider = SlidingWindow(5, group_by="pump", time="at", max_gap="5min")
    steps = EachTimeStep(StandardScaler()), PCAAutoencoder(2)
    return make_pipeline(slider, *steps).fit(frame[:200]), frame[200:]


def with_time(row, time):
    return row.to_dict() | {"at": pd.Timestamp(time)}


def test_one_row_with_a_wrong_clock_costs_one_row(fitted):
    pipeline, later = fitted
    for on_late in ("drop", "raise"):
        stream = StreamScorer(pipeline, on_late=on_late)
        first = stream.score_many(later[:10])
        wrong = stream.score_one(with_time(later.iloc[10], "2099-01-01"))
        assert np.isfinite(wrong)  # what it holds is judged
        with pytest.warns(UserWarning, match="2099-01-01 .*'max_jump'"):
            rest = stream.score_many(later[11:])
        without = later.drop(later.index[10])
        expected = pipeline.score_samples(without)
        assert_allclose([*first, *rest], expected, rtol=1e-5)
        assert (stream.n_ahead_, stream.n_late_) == (1, 0)


def test_a_true_pause_is_scored_as_in_the_table(fitted):
    pipeline, later = fitted
    moved = later.assign(at=later["at"] + pd.Timedelta("60D"))
    moved = pd.concat([later[:10], moved[10:]])
    for size in (1, 7, 60):
        stream = StreamScorer(pipeline)
        parts = [moved[k : k + size] for k in range(0, len(moved), size)]
        scores = np.concatenate([stream.score_many(part) for part in parts])
        assert_allclose(scores, pipeline.score_samples(moved), rtol=1e-5)
        assert (stream.n_ahead_, stream.n_late_) == (0, 0)


def test_a_row_in_doubt_raises_no_alarm_before_the_next_one_agrees(fitted):
    pipeline, later = fitted
    loud = later.iloc[10].to_dict() | {"flow": 50.0}
    quiet = {"pump": "a", "flow": 0.0, "head": 0.0}
    for following, kinds in (("2026-03-01 02:00", []), ("2099-01-02", ["start"])):
        stream = StreamScorer(pipeline, alarm_rule=AlarmRule(min_rows=1))
        stream.score_many(later[:10])
        stream.score_one(loud | {"at": pd.Timestamp("2099-01-01")})
        assert stream.events_ == []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream.score_one(with_time(later.iloc[12], following) | quiet)
        assert [event.kind for event in stream.events_][:1] == kinds


def test_a_jump_is_what_max_jump_says(fitted):
    pipeline, later = fitted
    row, far = later.iloc[0], START + pd.Timedelta("4h")
    for max_jump, n_ahead in ((None, 0), ("5h", 0), ("1h", 1), ("auto", 0)):
        stream = StreamScorer(pipeline, on_late="drop", max_jump=max_jump)
        stream.score_one(row)
        stream.score_one(with_time(row, far))
        with pytest.warns(UserWarning, match="row"):
            stream.score_one(with_time(row, row["at"] + pd.Timedelta("1min")))
        assert (stream.n_ahead_, stream.n_late_) == (n_ahead, 1 - n_ahead)


def test_a_doubt_is_part_of_the_state(fitted):
    pipeline, later = fitted
    stream = StreamScorer(pipeline)
    stream.score_many(later[:10])
    stream.score_one(with_time(later.iloc[10], "2099-01-01"))
    text = json.dumps(stream.get_state(), default=np.ndarray.tolist)
    stream = StreamScorer(pipeline).set_state(json.loads(text))
    with pytest.warns(UserWarning, match="2099"):
        rest = stream.score_many(later[11:])
    without = later.drop(later.index[10])
    assert_allclose(rest, pipeline.score_samples(without)[10:], rtol=1e-5)


def test_drops_are_warned_of_at_once_and_at_powers_of_ten(fitted):
    pipeline, later = fitted
    stream, told = StreamScorer(pipeline, on_late="drop"), []
    stream.score_many(later)
    for _ in range(105):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            stream.score_one(later.iloc[0])
        if caught:
            told.append((stream.n_late_, str(caught[0].message)))
            assert caught[0].filename == __file__
    assert [count for count, _ in told] == [1, 10, 100]
    assert "forget('a')" in told[0][1]
    assert "summer time" in told[0][1]  # less than an hour back


def test_the_end_of_summer_time_is_named_where_it_may_be(fitted):
    pipeline, later = fitted
    stream = StreamScorer(pipeline)
    stream.score_many(later)
    hour, more = (later["at"].iloc[-1] - pd.Timedelta(h) for h in ("1h", "61min"))
    with pytest.raises(ValueError, match=r"tz_localize.* record the time in UTC"):
        stream.score_one(with_time(later.iloc[-1], hour))
    with pytest.raises(ValueError, match=r"comes late") as error:
        stream.score_one(with_time(later.iloc[-1], more))
    assert "summer" not in str(error.value)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_a_call_that_is_broken_off_has_taken_in_nothing(fitted, monkeypatch, error):
    pipeline, later = fitted
    stream = StreamScorer(pipeline, alarm_rule=AlarmRule(), on_silence="10min")
    stream.score_many(later[:10])
    before, detector = pickle.dumps(stream.get_state()), type(stream._steps._final)
    calls = []

    def broken(self, X):
        calls.append(len(X))
        if len(calls) == 2:
            raise error
        return whole(self, X)

    whole = detector._score_samples
    monkeypatch.setattr("skseq.streaming._taking.CHUNK", 8)
    monkeypatch.setattr(detector, "_score_samples", broken)
    stream._steps._method = stream._steps._final._score_samples
    with pytest.raises(error):
        stream.score_many(later[10:])
    assert len(calls) == 2  # some were scored
    assert pickle.dumps(stream.get_state()) == before
    calls += [0]
    scores = stream.score_many(later[10:])
    assert_allclose(scores, pipeline.score_samples(later)[10:], rtol=1e-5)


def test_a_warning_that_is_an_error_has_taken_in_nothing(fitted):
    pipeline, later = fitted
    stream = StreamScorer(pipeline, on_late="drop")
    stream.score_many(later[:10])
    before = pickle.dumps(stream.get_state())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="came late"):
            stream.score_many(pd.concat([later[10:12], later[:1]]))
    assert pickle.dumps(stream.get_state()) == before


def test_series_that_went_quiet_are_forgotten(fitted):
    pipeline, later = fitted
    stream = StreamScorer(pipeline, forget_after="1D", max_jump=None)
    stream.score_many(later)
    row = later.iloc[0]
    stream.score_one(with_time(row, "2026-03-05") | {"pump": "new"})
    assert stream.get_state()["names"] == ["new"]
    assert stream.health()["n_series"] == 1


def test_a_row_after_longer_than_forget_after_starts_anew(fitted):
    frame = make_frame()
    pipeline = make_pipeline(
        SlidingWindow(5, group_by="pump", time="at"), PCAAutoencoder(2)
    ).fit(frame[:200])
    later = frame[200:]
    moved = later.assign(at=later["at"] + pd.Timedelta("2h"))
    for size in (1, 30, 60):
        stream = StreamScorer(pipeline, forget_after="90min")
        parts = [moved[k : k + size] for k in range(0, len(moved), size)]
        scores = np.concatenate([stream.score_many(part) for part in parts])
        fresh = moved.assign(pump="new " + moved["pump"])
        assert_allclose(scores, pipeline.score_samples(fresh), rtol=1e-5)


def test_no_more_series_than_max_series_are_kept(fitted):
    pipeline, later = fitted
    stream = StreamScorer(pipeline, max_series=3)
    for name in "cdefcg":
        stream.score_one(later.iloc[0].to_dict() | {"pump": name})
    assert sorted(stream.get_state()["names"]) == ["c", "f", "g"]


def test_memory_is_bounded_with_names_that_come_and_go(fitted):
    pipeline, later = fitted
    stream = StreamScorer(pipeline, forget_after="1h", max_jump=None)
    row = later.iloc[0]
    for k in range(400):
        time = row["at"] + pd.Timedelta(minutes=10 * k)
        stream.score_one(with_time(row, time) | {"pump": f"batch {k}"})
        assert stream.health()["n_series"] <= 11


def test_scores_are_the_same_however_the_rows_are_divided(fitted):
    pipeline, later = fitted
    rng = np.random.default_rng(0)
    table = later.sample(frac=1, random_state=0)  # nearly all late
    table.loc[rng.random(60) < 0.1, "at"] = pd.Timestamp("2099-01-01")
    found = []
    for size in (1, 7, 60):
        stream = StreamScorer(pipeline, on_late="drop")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts = [table[k : k + size] for k in range(0, 60, size)]
            scores = [stream.score_many(part) for part in parts]
        found.append((np.concatenate(scores), stream.n_late_, stream.n_ahead_))
    for scores, *counts in found[1:]:
        assert_array_equal(np.isnan(scores), np.isnan(found[0][0]))
        assert_allclose(scores, found[0][0], rtol=1e-5)
        assert counts == [*found[0][1:]]
