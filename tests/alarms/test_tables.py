# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from skseq.alarms import AlarmRule, alarm_table, event_table, series_table
from skseq.metrics import detection_delay, false_alarm_share, time_in_alarm

tables = st.lists(
    st.tuples(
        st.booleans(),  # event
        st.sampled_from([0.0, 0.0, 1.0, np.nan]),  # score
        st.sampled_from("ab"),
        st.integers(0, 4),  # step in time
    ),
    min_size=2,
    max_size=40,
)


def columns(rows):
    y, score, groups, steps = (np.array(column) for column in zip(*rows, strict=True))
    return y.astype(int), score, groups, np.cumsum(steps)


def runs(flags, groups):
    """Runs of flagged rows, as lists of rows, by series in order of appearance."""
    found = []
    for name in dict.fromkeys(groups.tolist()):
        run = []
        for row in np.flatnonzero(groups == name):
            if flags[row]:
                run.append(row)
            elif run:
                found.append(run)
                run = []
        found += [run] * bool(run)
    return found


@examples
@given(tables)
def test_alarms_and_events_know_which_of_the_others_they_met(rows):
    y, score, groups, time = columns(rows)
    flags = AlarmRule().flag(score, groups=groups)
    alarms, events = runs(flags, groups), runs(y, groups)
    # An alarm may end where another starts, but only of neighbouring series.
    table = alarm_table(score, y, groups=groups, time=time)
    lines = event_table(score, y, groups=groups, time=time)
    assert table["first_row"].tolist() == [alarm[0] for alarm in alarms]
    assert lines["last_row"].tolist() == [event[-1] for event in events]
    for mine, others, frame, number, count in (
        (alarms, events, table, "event", "n_events"),
        (events, alarms, lines, "alarm", "n_alarms"),
    ):
        for k, run in enumerate(mine):
            met = [j for j, other in enumerate(others) if set(run) & set(other)]
            assert frame[count][k] == len(met)
            first = frame[number][k]
            assert (pd.isna(first) and not met) or first == met[0]
    assert table["series"].tolist() == [groups[alarm[0]] for alarm in alarms]
    assert lines["found"].tolist() == [any(flags[event]) for event in events]


@examples
@given(tables, st.sampled_from([None, 1, 3, 2.0, 6.0]))
def test_delays_and_warnings_equal_those_of_a_loop(rows, horizon):
    y, score, groups, time = columns(rows)
    flags = AlarmRule().flag(score, groups=groups)
    lines = event_table(score, y, groups=groups, time=time, horizon=horizon)
    events = runs(y, groups)
    for k, event in enumerate(events):
        first = next((row for row in event if flags[row]), None)
        delay = np.nan if first is None else time[first] - time[event[0]]
        np.testing.assert_equal(lines["delay"][k], delay)
        series = np.flatnonzero(groups == groups[event[0]]).tolist()
        begin = series.index(event[0])
        after = max(
            (series.index(e[-1]) for e in events[:k] if e[-1] in series), default=-1
        )
        starts = [
            series.index(alarm[0])
            for alarm in runs(flags, groups)
            if alarm[0] in series
            and after < series.index(alarm[0]) < begin
            and (
                event[0] in alarm
                if horizon is None
                else begin - series.index(alarm[0]) <= horizon
                if isinstance(horizon, int)
                else time[event[0]] - time[alarm[0]] <= horizon
            )
        ]
        warning = time[event[0]] - time[series[min(starts)]] if starts else np.nan
        np.testing.assert_equal(lines["warning"][k], warning)


@examples
@given(tables)
def test_lines_of_series_are_counts_of_their_rows(rows):
    y, score, groups, _ = columns(rows)
    flags = AlarmRule().flag(score, groups=groups)
    table = series_table(score, y, groups=groups)
    assert table.index.tolist() == list(dict.fromkeys(groups.tolist()))
    for name, line in table.iterrows():
        part = groups == name
        one = np.zeros(part.sum())
        alarms, events = runs(flags[part], one), runs(y[part], one)
        assert line["n_rows"] == part.sum()
        assert line["n_not_judged"] == np.isnan(score[part]).sum()
        assert (line["n_alarms"], line["n_events"]) == (len(alarms), len(events))
        assert line["n_found"] == sum(any(flags[part][event]) for event in events)
        assert line["n_false_alarms"] == sum(not any(y[part][a]) for a in alarms)
        assert line["time_in_alarm"] == pytest.approx(time_in_alarm(flags[part]))
        if y[part].all():
            assert np.isnan(line["false_alarm_share"])
        else:
            share = false_alarm_share(y[part], flags[part])
            assert line["false_alarm_share"] == pytest.approx(share)


@pytest.fixture
def plant():
    """Two machines, a row every 5 minutes, with a pause at night."""
    time = pd.date_range("2026-03-01 08:00", periods=6, freq="5min", tz="Europe/Berlin")
    time = time[:3].append(time[3:] + pd.Timedelta("12h"))
    score = np.array([0, 3, 4, 0, np.nan, 0, 0, 0, 2, 2, 0, 2.0])
    y = np.array([0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0])
    return score, y, time.append(time), np.repeat(["a", "b"], 6)


def test_columns_of_the_tables_at_work(plant):
    score, y, time, groups = plant
    options = {"rule": AlarmRule(on=1), "time": time, "groups": groups}
    alarms = alarm_table(score, y, **options)
    assert alarms["series"].tolist() == ["a", "b", "b"]
    assert alarms["start"].tolist() == [time[1], time[8], time[11]]
    assert alarms["duration"].tolist() == [
        pd.Timedelta("10min"),
        pd.Timedelta("12h 10min"),
        pd.Timedelta("5min"),
    ]
    assert alarms["peak"].tolist() == [4, 2, 2]
    assert alarms["is_on"].tolist() == [False, False, True]
    assert alarms["event"].tolist() == [0, 1, pd.NA]
    events = event_table(score, y, **options)
    assert events["delay"].tolist() == [pd.Timedelta(0)] * 2
    assert events["warning"].tolist() == [
        pd.Timedelta("5min"),
        pd.Timedelta("12h 5min"),
    ]
    assert events["duration"][0] == pd.Timedelta("12h 10min")
    late = event_table(score, y, **options, horizon="1h")
    assert late["warning"].tolist() == [pd.Timedelta("5min"), pd.NaT]
    series = series_table(score, y, **options)
    assert series["n_not_judged"].tolist() == [1, 0]
    assert series["end"].tolist() == [time[5], time[11]]


def test_the_median_delay_is_that_of_the_metric(plant):
    score, y, time, groups = plant
    flags = AlarmRule(on=2).flag(score, time=time, groups=groups)
    events = event_table(flags, y, time=time, groups=groups)
    delay, found = detection_delay(y, flags, time=time, groups=groups)
    assert events["delay"].median() == delay
    assert events["found"].mean() == found


def test_features_are_those_that_contributed_most_to_the_alarm():
    parts = pd.DataFrame(
        {"flow": [9, 1, 1, 0], "level": [0, 2, 4, 9], "x": [0, 1, 2, 0]}
    )
    parts.loc[2, "x"] = np.nan
    table = alarm_table([0, 1, 1, 0], contributions=parts, n_features=2)
    assert table["features"].tolist() == ["level, flow"]
    table = alarm_table([1, 0, 0, 0], contributions=parts.to_numpy(), n_features=1)
    assert table["features"].tolist() == ["0"]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        alarm_table([0, 1], contributions=parts)


def test_without_alarms_or_events_the_tables_are_empty_with_all_columns():
    time = pd.date_range("2026-03-01", periods=3)
    nothing = np.zeros(3)
    full = alarm_table([0, 1, 1], [0, 1, 0], time=time, groups=list("abb"))
    empty = alarm_table(nothing, nothing, time=time, groups=list("abb"))
    assert empty.empty
    assert empty.columns.tolist() == full.columns.tolist()
    assert empty.dtypes["duration"] == full.dtypes["duration"]
    assert event_table(nothing, nothing, time=time).empty
    assert event_table(nothing, nothing, horizon=2).empty
    table = series_table(nothing, [1, 1, 1])
    assert table["n_alarms"].tolist() == [0]
    assert np.isnan(table["false_alarm_share"][0])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="y_true must be 1"):
        event_table([0, 1], [0, 2])
    with pytest.raises(ValueError, match="'rule' parameter of alarm_table"):
        alarm_table([0, 1], rule="on")
    with pytest.raises(ValueError, match="'horizon' parameter must be an int in"):
        event_table([0, 1], [0, 1], horizon="5min")
