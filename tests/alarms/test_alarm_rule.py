# SPDX-License-Identifier: BSD-3-Clause
import json
import pickle

import naive_alarms as naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from strategies import EFFORT, examples

from skseq.alarms import AlarmRule, alarm_table

scores = st.lists(
    st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, 4.0, np.nan, np.inf]),
    min_size=1,
    max_size=40,
)
in_rows = st.fixed_dictionaries(
    {
        "min_rows": st.integers(1, 3),
        "within": st.integers(3, 5),
        "hold": st.none() | st.integers(0, 4),
        "max_gap": st.none() | st.integers(0, 4),
    }
)
in_time = st.fixed_dictionaries(
    {
        "min_rows": st.integers(1, 3),
        "within": st.integers(1, 9).map(float),
        "hold": st.none() | st.integers(1, 9).map(float),
        "max_gap": st.none() | st.integers(1, 9).map(float),
    }
)
many = settings(examples, max_examples=50 * EFFORT)
levels = st.sampled_from([(2.0, None), (2.0, 1.0), (3.5, 1.2), (0.5, 0.5)])


def rows_of(alarms):
    return [(alarm.first_row, alarm.last_row) for alarm in alarms]


def streamed(rule, score, time=None):
    """Alarms of a stream that is written down and read back after every row."""
    state, alarms, started = rule.start(), [], []
    time = [None] * len(score) if time is None else time
    for value, at in zip(score, time, strict=True):
        events = state.update(value, at)
        started += [event.alarm.first_row for event in events if event.kind == "start"]
        alarms += [event.alarm for event in events if event.kind == "end"]
        kept = json.loads(json.dumps(state.get_state()))
        state = pickle.loads(pickle.dumps(rule.start(kept)))
    alarms += [event.alarm for event in state.finish()]
    assert started == [alarm.first_row for alarm in alarms]
    return alarms


@many
@given(scores, levels, in_rows)
def test_table_and_stream_equal_the_loop_in_rows(score, levels, options):
    on, off = levels
    rule = AlarmRule(on=on, off=off, **options)
    expected = naive.alarms(score, on, on if off is None else off, **options)
    score = np.clip(score, None, 1e6)
    alarms = streamed(rule, score)
    assert rows_of(alarms) == expected
    table = alarm_table(score, rule=rule)
    assert list(zip(table["first_row"], table["last_row"], strict=True)) == expected
    assert table["peak"].tolist() == [alarm.peak for alarm in alarms]
    flags = np.zeros(len(score), dtype=int)
    for first, last in expected:
        flags[first : last + 1] = 1
    assert rule.flag(score).tolist() == flags.tolist()


@many
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.5, 3.0, np.nan]), st.integers(0, 4)),
        min_size=1,
        max_size=40,
    ),
    levels,
    in_time,
)
def test_table_and_stream_equal_the_loop_in_time(rows, levels, options):
    score, steps = zip(*rows, strict=True)
    time = np.cumsum(steps)
    on, off = levels
    rule = AlarmRule(on=on, off=off, **options)
    off = on if off is None else off
    expected = naive.alarms(score, on, off, **options, time=time.tolist())
    assert rows_of(streamed(rule, score, time.tolist())) == expected
    table = alarm_table(score, rule=rule, time=time)
    assert list(zip(table["first_row"], table["last_row"], strict=True)) == expected
    # The same by the clock
    minutes = {
        name: f"{value}min" if isinstance(value, float) else value
        for name, value in options.items()
    }
    rule = AlarmRule(on=on, off=off, **minutes)
    clock = pd.Timestamp("2026-03-01", tz="Asia/Tokyo") + pd.to_timedelta(time, "min")
    alarms = streamed(rule, score, clock)
    assert rows_of(alarms) == expected
    table = alarm_table(score, rule=rule, time=clock)
    assert table["start"].tolist() == [alarm.start for alarm in alarms]
    assert table["end"].tolist() == [alarm.end for alarm in alarms]


@examples
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.5, 3.0]), st.sampled_from("abc")), min_size=1
    )
)
def test_each_series_has_alarms_of_its_own(rows):
    score, groups = (np.array(column) for column in zip(*rows, strict=True))
    rule = AlarmRule(on=2, off=1, min_rows=2, within=3, max_gap=1)
    flags = rule.flag(score, groups=groups)
    for name in set(groups):
        part = groups == name
        assert flags[part].tolist() == rule.flag(score[part]).tolist()


def test_the_default_takes_flags():
    flags = np.array([0, 1, 1, 0, 1])
    assert AlarmRule().flag(flags).tolist() == flags.tolist()
    assert AlarmRule().flag(flags.astype(bool)).tolist() == flags.tolist()


def test_rows_that_were_not_judged_neither_start_nor_end_an_alarm():
    score = [np.nan, np.nan, 3, np.nan, np.nan, 3, 0, np.nan, 3]
    flags = AlarmRule(on=2).flag(score)
    assert flags.tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 1]
    assert not AlarmRule(on=2).flag([np.nan] * 5).any()
    # They are no rows between others, either.
    assert AlarmRule(on=2, min_rows=2).flag([3, np.nan, 3]).tolist() == [0, 0, 1]
    state = AlarmRule(on=2).start()
    for value in score:
        state.update(value)
    assert (state.n_rows, state.n_not_judged) == (9, 5)


def test_an_alarm_is_told_as_it_starts_and_once_its_end_is_known():
    state = AlarmRule(on=2, off=1, max_gap=1).start()
    kinds = [[e.kind for e in state.update(v)] for v in (3, 0, 2, 0, 0, 3)]
    assert kinds == [["start"], [], [], [], ["end"], ["start"]]
    assert state.is_on
    assert state.alarm.first_row == 5


def test_an_alarm_may_end_and_another_start_at_one_row():
    state = AlarmRule(on=2, max_gap="6min").start()
    state.update(3, "2026-03-01 00:00")
    state.update(0, "2026-03-01 00:05")
    events = state.update(3, "2026-03-01 00:10")
    assert [event.kind for event in events] == ["end", "start"]
    assert events[0].alarm.end == pd.Timestamp("2026-03-01 00:00")


def test_a_rule_is_a_set_of_parameters():
    rule = AlarmRule(on=2, hold="5min")
    assert clone(rule).get_params() == rule.get_params()
    assert rule.get_params()["hold"] == "5min"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"on": "high"}, "'on' parameter of AlarmRule must be a float"),
        ({"on": 1, "off": 2}, "'off' parameter of AlarmRule must not be above 'on', 1"),
        ({"min_rows": 0}, "'min_rows' parameter of AlarmRule must be an int"),
        ({"min_rows": 3, "within": 2}, r"'within' .* in the range \[3, inf\).* Got 2"),
        ({"hold": -1}, r"'hold' parameter of AlarmRule .* \[0, inf\)"),
        ({"max_gap": "5min"}, "'max_gap' .* is the duration '5min', but no time"),
        ({"max_gap": 1.5}, "'max_gap' .* is the duration 1.5, but no time"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        AlarmRule(**parameters).flag([0, 1])


def test_a_duration_has_the_unit_of_the_time():
    dates = pd.date_range("2026-03-01", periods=2)
    with pytest.raises(ValueError, match="'hold' .* must be a positive duration"):
        AlarmRule(hold=1.5).flag([0, 1], time=dates)
    with pytest.raises(ValueError, match="'hold' .* must be a positive number"):
        AlarmRule(hold="1h").flag([0, 1], time=[0, 1])


def test_a_stream_refuses_what_a_table_refuses():
    state = AlarmRule().start()
    state.update(0, "2026-03-01 00:05")
    with pytest.raises(ValueError, match="'time' decreases: 2026-03-01 00:00 comes"):
        state.update(0, "2026-03-01 00:00")
    with pytest.raises(ValueError, match="times of another kind .datetimes"):
        state.update(0, 5.0)
    with pytest.raises(ValueError, match="times of another kind .datetimes"):
        state.update(0, "2026-03-01 00:10+00:00")
    with pytest.raises(ValueError, match="'time' is missing"):
        state.update(0, pd.NaT)
    with pytest.raises(ValueError, match="score is not valid: .* 0 sample"):
        AlarmRule().flag([])
