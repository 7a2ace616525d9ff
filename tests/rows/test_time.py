# SPDX-License-Identifier: BSD-3-Clause
"""Windows by duration, and the time between rows."""

from datetime import timedelta

import naive
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from strategies import examples, rows

from skseq import SlidingWindow


def steps_held(windows):
    """How many rows each window holds."""
    return (~np.isnan(np.asarray(windows)[:, :, 0])).sum(axis=1).tolist()


def as_clock(numbers):
    return pd.Timestamp("2026-03-01") + pd.to_timedelta(numbers, unit="min")


# Windows by duration -----------------------------------------------------------------


@examples
@given(
    rows(),
    st.integers(1, 12),
    st.integers(1, 9),
    st.none() | st.integers(1, 5),
    st.booleans(),
)
def test_windows_by_duration_equal_the_loop(case, duration, max_steps, gap, is_clock):
    table = pd.DataFrame(case.table).add_prefix("x")
    table.insert(0, "series", case.series)
    table["at"] = as_clock(case.time) if is_clock else case.time
    slider = SlidingWindow(
        f"{duration}min" if is_clock else float(duration),
        group_by="series",
        time="at",
        max_gap=f"{gap}min" if gap and is_clock else gap,
        max_steps=max_steps,
    )
    expected = naive.windows(
        case.table, max_steps, case.series, case.time, gap, duration
    )
    windows = slider.fit_transform(table)
    assert windows.shape == expected.shape
    assert_array_equal(np.asarray(windows), expected)


@examples
@given(rows(), st.integers(1, 9))
def test_a_window_holds_as_many_rows_as_that_of_pandas(case, duration):
    """But for rows of equal time that come after its own: it never looks ahead."""
    at = as_clock(case.time)
    frame = pd.DataFrame({"x": case.table[:, 0], "at": at})
    windows = SlidingWindow(f"{duration}min", time="at").fit_transform(frame)
    counts = pd.Series(case.table[:, 0], index=at).rolling(f"{duration}min").count()
    assert steps_held(windows) == counts.tolist()


@pytest.mark.parametrize(
    "window_size",
    ["10min", pd.Timedelta("10min"), timedelta(minutes=10), np.timedelta64(600, "s")],
    ids=repr,
)
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("convert", [lambda frame: frame, pl.from_pandas])
def test_a_duration_of_any_kind_and_a_time_of_any_zone(window_size, zone, convert):
    frame = pd.DataFrame({"x": np.arange(5.0), "at": as_clock([0, 5, 10, 11, 40])})
    frame["at"] = frame["at"].dt.tz_localize(zone)
    slider = SlidingWindow(window_size, time="at", max_steps=4)
    windows = slider.fit_transform(convert(frame))
    assert windows.shape == (5, 4, 1)
    assert steps_held(windows) == [1, 2, 2, 3, 1]


def test_windows_of_frames_and_polars_frames_continue_from_one_another():
    at = as_clock(range(5)).tz_localize("Europe/Berlin")
    frame = pd.DataFrame({"s": list("aaaaa"), "x": np.arange(5.0), "at": at})
    slider = SlidingWindow(3, group_by="s", time="at")
    for convert, other in [
        (pl.from_pandas, pd.DataFrame),
        (pd.DataFrame, pl.DataFrame),
    ]:
        slider.fit(convert(frame[:3]))
        windows = slider.transform(other(frame[3:].to_dict("list")))
        assert windows[0].ravel().tolist() == [1, 2, 3]


def test_rows_of_equal_time_fall_in_if_they_come_before():
    frame = pd.DataFrame({"x": np.arange(5.0), "at": as_clock([0, 0, 0, 1, 1])})
    windows = SlidingWindow("1min", time="at", max_steps=4).fit_transform(frame)
    assert steps_held(windows) == [1, 2, 3, 1, 2]
    windows = SlidingWindow("61s", time="at", max_steps=4).fit_transform(frame)
    assert windows[4].ravel().tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("start", ["2026-10-25", "2026-03-29"])
def test_durations_hold_when_the_clock_is_changed(start):
    """Local time is set back, or forth, by an hour at night."""
    at = pd.date_range(start, periods=10, freq="30min", tz="Europe/Berlin")
    frame = pd.DataFrame({"x": np.arange(10.0), "at": at})
    slider = SlidingWindow("1h", time="at", max_gap="30min", add_time_delta=True)
    windows = slider.fit_transform(frame)
    assert steps_held(windows) == [1] + [2] * 9
    assert_array_equal(windows.table[1:, 1], 1)


def test_local_time_that_is_set_back_without_a_zone_is_an_error_with_a_remedy():
    at = pd.date_range("2026-10-25", periods=10, freq="30min", tz="Europe/Berlin")
    frame = pd.DataFrame({"x": np.arange(10.0), "at": at.tz_localize(None)})
    with pytest.raises(ValueError, match="decreases in row 6.*tz_localize.* in UTC"):
        SlidingWindow("1h", time="at").fit(frame)


def test_times_out_of_order_by_a_day_are_not_taken_for_local_time():
    frame = pd.DataFrame({"x": [0.0, 1], "at": as_clock([1440, 0])})
    with pytest.raises(ValueError, match="Sort the rows by time first.$"):
        SlidingWindow("1h", time="at").fit(frame)


@pytest.mark.parametrize(
    ("window_size", "at", "message"),
    [
        (5.0, as_clock([0, 1]), "'window_size' .* positive duration .* Got 5.0"),
        ("5", as_clock([0, 1]), "'window_size' .* positive duration .* Got '5'"),
        ("soon", as_clock([0, 1]), "'window_size' .* positive duration .* Got 'soon'"),
        ("-1h", as_clock([0, 1]), "'window_size' .* positive duration .* Got '-1h'"),
        (timedelta(0), as_clock([0, 1]), "'window_size' .* positive duration"),
        ("5min", [0, 1], "'window_size' .* positive number .* Got '5min'"),
        (np.timedelta64(5, "s"), [0, 1], "'window_size' .* positive number"),
        (-1.0, [0, 1], "The 'window_size' parameter of SlidingWindow must be an int"),
        (None, [0, 1], "The 'window_size' parameter of SlidingWindow must be an int"),
    ],
)
def test_a_duration_must_suit_the_time(window_size, at, message):
    frame = pd.DataFrame({"x": [0.0, 1], "at": at})
    with pytest.raises(ValueError, match=message):
        SlidingWindow(window_size, time="at").fit(frame)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"window_size": "5min"}, "'window_size' .* is '5min', but 'time' is None"),
        ({"window_size": 2.5}, "'window_size' .* 2.5, but .* rows must be an int"),
        ({"add_time_delta": True}, "'add_time_delta' .* is True, but 'time' is None"),
        ({"max_steps": 0}, "The 'max_steps' parameter of SlidingWindow must be an int"),
    ],
)
def test_what_needs_a_time_says_so(parameters, message):
    with pytest.raises(ValueError, match=message):
        SlidingWindow(**parameters).fit(np.zeros((3, 2)))


@pytest.mark.parametrize("at", [np.inf, np.nan])
def test_a_time_must_be_finite(at):
    with pytest.raises(ValueError, match="'time' column has a missing value in row 1"):
        SlidingWindow(2, time=0).fit([[1.0, 0], [at, 0]])


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        (as_clock([0, 1]), [0, 1], "holds numbers, but .* on datetimes without a"),
        ([0, 1], as_clock([0, 1]), "holds datetimes without .* fitted on numbers"),
        (as_clock([0, 1]).tz_localize("UTC"), as_clock([0, 1]), "on datetimes with a"),
    ],
)
def test_another_kind_of_time_than_in_fit_is_an_error(first, then, message):
    slider = SlidingWindow(2, time="at").fit(pd.DataFrame({"x": 0.0, "at": first}))
    with pytest.raises(ValueError, match=message):
        slider.transform(pd.DataFrame({"x": 0.0, "at": then}))


# The time between rows ---------------------------------------------------------------


@examples
@given(rows(), st.none() | st.integers(1, 5), st.booleans())
def test_time_deltas_equal_the_loop(case, max_gap, is_clock):
    table = pd.DataFrame(case.table).add_prefix("x")
    table.insert(0, "series", case.series)
    table["at"] = as_clock(case.time) if is_clock else case.time
    slider = SlidingWindow(
        1,
        group_by="series",
        time="at",
        max_gap=f"{max_gap}min" if max_gap and is_clock else max_gap,
        add_time_delta=True,
    )
    windows = np.asarray(slider.fit_transform(table))
    deltas = naive.time_deltas(case.series, case.time, max_gap)
    positive = [delta for delta in deltas if delta > 0]
    unit = 60 if is_clock else 1
    scale = unit * (max_gap or (np.median(positive) if positive else 1 / unit))
    assert slider.time_delta_scale_ == pytest.approx(scale)
    assert_array_equal(windows[:, 0, :-1], case.table)
    assert_allclose(windows[:, 0, -1] * scale / unit, deltas, rtol=1e-6)


@pytest.mark.parametrize("convert", [lambda frame: frame, pl.from_pandas])
def test_the_time_delta_is_the_last_feature(frame, pumps, convert):
    pumps.set_params(add_time_delta=True)
    windows = pumps.fit_transform(convert(frame))
    names = ["flow", "head", "time_delta"]
    assert windows.feature_names == pumps.get_feature_names_out().tolist() == names
    assert pumps.time_delta_scale_ == 300
    expected = [np.nan, np.nan, 0.2, 0.2, 0.2, 0.2, np.nan]
    assert_allclose(pumps.inverse_transform(windows)[:, 2], expected)
    assert not hasattr(clone(pumps), "time_delta_scale_")


def test_the_scale_is_that_of_the_training_table():
    train = pd.DataFrame({"x": np.zeros(4), "at": as_clock([0, 2, 4, 9])})
    test = pd.DataFrame({"x": np.zeros(3), "at": as_clock([1, 2, 7])})
    slider = SlidingWindow(2, time="at", add_time_delta=True).fit(train)
    assert slider.time_delta_scale_ == 120
    assert_array_equal(slider.transform(test).table[:, 1], [np.nan, 0.5, 2.5])


def test_a_feature_of_the_same_name_is_an_error(frame, pumps):
    pumps.set_params(add_time_delta=True)
    with pytest.raises(ValueError, match="X has a column 'time_delta' already"):
        pumps.fit(frame.rename(columns={"head": "time_delta"}))
    pumps.set_params(time="time_delta").fit(frame.rename(columns={"at": "time_delta"}))
