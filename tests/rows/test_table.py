# SPDX-License-Identifier: BSD-3-Clause
import tracemalloc
from datetime import datetime, timedelta

import naive
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal
from sklearn.base import clone
from strategies import examples, rows, window_sizes

from skseq import SlidingWindow

# Tables ------------------------------------------------------------------------------


def as_array(frame):
    """Series and time as numbers, the same columns."""
    return np.column_stack(
        [
            frame["pump"].map({"a": 7, "b": 2}),
            frame["flow"],
            frame["at"].astype("datetime64[s]").astype(np.int64),
            frame["head"],
        ]
    )


@pytest.mark.parametrize(
    ("convert", "keys"),
    [
        (lambda frame: frame, ("pump", "at", "5min")),
        (lambda frame: frame.convert_dtypes(), ("pump", "at", "5min")),
        (lambda frame: frame.astype({"pump": "category"}), ("pump", "at", "5min")),
        (lambda frame: frame.astype({"flow": "float32"}), ("pump", "at", "5min")),
        (pl.from_pandas, ("pump", "at", "5min")),
        (as_array, (0, 2, 300)),
        (lambda frame: np.asfortranarray(as_array(frame)), (0, -2, 300)),
        (lambda frame: as_array(frame).tolist(), (0, 2, 300)),
        (lambda frame: frame.to_numpy(dtype=object), (0, 2, "5min")),
        (lambda frame: as_array(frame).astype(object), (0, 2, 300)),
    ],
    ids=[
        "pandas",
        "nullable",
        "category",
        "mixed",
        "polars",
        "array",
        "fortran",
        "lists",
        "objects",
        "numbers as objects",
    ],
)
def test_tables_of_any_kind_give_the_same_windows(frame, convert, keys):
    group_by, time, max_gap = keys
    slider = SlidingWindow(3, group_by=group_by, time=time, max_gap=max_gap)
    windows = slider.fit_transform(convert(frame))
    minutes = [0, 0, 1, 1, 2, 2, 30]
    expected = naive.windows(
        frame[["flow", "head"]].to_numpy(), 3, frame["pump"].to_list(), minutes, 5
    )
    assert_array_equal(np.asarray(windows), expected)


def test_windows_carry_the_names_and_the_index_of_a_frame(frame, pumps):
    windows = pumps.fit_transform(frame)
    assert windows.feature_names == ["flow", "head"]
    pd.testing.assert_index_equal(windows.index, frame.index)
    pd.testing.assert_index_equal(windows[2:4].index, frame.index[2:4])
    windows = pumps.fit_transform(pl.from_pandas(frame))
    assert windows.feature_names == ["flow", "head"]
    assert windows.index is None
    windows = SlidingWindow(2).fit_transform(np.zeros((3, 1)))
    assert windows.feature_names is windows.index is None


def test_columns_with_numbers_for_names_are_found_by_them(frame):
    frame.columns = [10, 11, 12, 13]
    windows = SlidingWindow(3, group_by=10, time=12).fit_transform(frame)
    assert windows.shape == (7, 3, 2)
    assert windows.feature_names is None


def test_integers_and_booleans_are_features():
    frame = pd.DataFrame({"on": [True, False, True], "count": [3, 2, 1]})
    windows = SlidingWindow(1).fit_transform(frame)
    assert_array_equal(np.asarray(windows)[:, 0], [[1, 3], [0, 2], [1, 1]])


# Time --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "max_gap",
    ["5min", pd.Timedelta("5min"), timedelta(minutes=5), np.timedelta64(300, "s")],
    ids=repr,
)
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_a_gap_is_any_duration_and_the_time_any_datetime(frame, max_gap, zone, unit):
    frame["at"] = frame["at"].dt.tz_localize(zone).dt.as_unit(unit)
    slider = SlidingWindow(2, group_by="pump", time="at", max_gap=max_gap)
    padded = np.isnan(np.asarray(slider.fit_transform(frame))[:, 0, 0])
    assert_array_equal(padded, [1, 1, 0, 0, 0, 0, 1])


@pytest.mark.parametrize("unit", ["s", "ns"])
def test_time_since_a_start_is_a_time(frame, unit):
    frame["at"] = (frame["at"] - frame["at"].iloc[0]).dt.as_unit(unit)
    slider = SlidingWindow(2, group_by="pump", time="at", max_gap="5min")
    padded = np.isnan(np.asarray(slider.fit_transform(frame))[:, 0, 0])
    assert_array_equal(padded, [1, 1, 0, 0, 0, 0, 1])


def test_a_gap_as_long_as_max_gap_is_bridged():
    table = np.array([[0.0, 1], [5, 2], [10.5, 3]])
    windows = SlidingWindow(2, time=0, max_gap=5).fit_transform(table)
    assert np.isnan(np.asarray(windows)[:, 0, 0]).tolist() == [True, False, True]


def test_local_time_that_is_set_back_by_an_hour_is_in_order():
    at = pd.date_range("2026-10-25", periods=6, freq="1h", tz="Europe/Berlin")
    frame = pd.DataFrame({"at": at, "x": range(6)})
    windows = SlidingWindow(2, time="at", max_gap="1h").fit_transform(frame)
    assert not np.isnan(np.asarray(windows)[1:]).any()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint64", "float32", "Int16"])
def test_numbers_of_any_type_are_times(dtype):
    frame = pd.DataFrame({"at": [0, 3, 3, 120], "x": np.arange(4.0)})
    frame = frame.astype({"at": dtype})
    windows = SlidingWindow(2, time="at", max_gap=4).fit_transform(frame)
    assert np.isnan(np.asarray(windows)[:, 0, 0]).tolist() == [True, False, False, True]
    with pytest.raises(ValueError, match="decreases in row 1: 3(.0)? comes after 120"):
        SlidingWindow(2, time="at").fit_transform(frame[::-1])


def test_a_short_integer_may_cross_its_whole_range():
    frame = pd.DataFrame({"at": np.array([-100, 100], dtype=np.int8), "x": [0.0, 1]})
    windows = SlidingWindow(2, time="at").fit_transform(frame)
    assert_array_equal(windows[1].ravel(), [0, 1])


def test_equal_times_are_in_order(frame):
    frame["at"] = frame["at"].iloc[0]
    windows = SlidingWindow(7, time="at").fit_transform(frame[["flow", "at"]])
    assert_array_equal(windows[6].ravel(), np.arange(7))


def test_time_that_decreases_names_the_first_such_row_and_its_series(frame):
    # Series 'b' goes back in row 3, before 'a' does in row 4.
    frame["at"] = pd.Timestamp("2026-03-01") + pd.to_timedelta(
        [5, 9, 6, 8, 4, 9, 9], unit="min"
    )
    message = (
        "The 'time' column decreases in row 3 of the series 'b': 2026-03-01 00:08:00 "
        "comes after 2026-03-01 00:09:00. Sort the rows by time first."
    )
    with pytest.raises(ValueError, match=message):
        SlidingWindow(3, group_by="pump", time="at").fit_transform(frame)


def test_time_that_decreases_is_an_error_without_series_and_in_transform(frame):
    slider = SlidingWindow(2, time="at").fit(frame.drop(columns="pump"))
    shuffled = frame.drop(columns="pump").iloc[[0, 4, 1]]
    with pytest.raises(ValueError, match="decreases in row 2: 2026-03-01 00:00:00"):
        slider.transform(shuffled)


def test_time_may_decrease_from_one_series_to_the_next():
    table = np.array([[1.0, 8, 0], [1, 9, 0], [2, 3, 0], [2, 4, 0]])
    windows = SlidingWindow(2, group_by=0, time=1, max_gap=1).fit_transform(table)
    assert np.isnan(np.asarray(windows)[:, 0, 0]).tolist() == [True, False, True, False]


# Several columns that name the series -------------------------------------------------


@examples
@given(rows(), window_sizes)
def test_several_columns_name_a_series_as_one_does(case, window_size):
    one = np.column_stack([case.series, case.table])
    two = np.column_stack([case.series // 2, case.table, case.series % 2])
    expected = SlidingWindow(window_size, group_by=0).fit_transform(one)
    windows = SlidingWindow(window_size, group_by=[0, -1]).fit_transform(two)
    assert_array_equal(np.asarray(windows), np.asarray(expected))
    assert_array_equal(windows.series, expected.series)


@pytest.mark.parametrize("convert", [lambda frame: frame, pl.from_pandas])
def test_columns_are_not_joined_into_one_name(convert):
    frame = pd.DataFrame(
        {"a": ["x", "xy", "x"], "b": ["yz", "z", "yz"], "v": [0, 1, 2]}
    )
    slider = SlidingWindow(2, group_by=["a", "b"])
    windows = slider.fit_transform(convert(frame))
    assert windows.series.tolist() == [0, 1, 0]
    assert windows.feature_names == ["v"]
    assert_array_equal(windows[2].ravel(), [0, 2])


def test_a_list_of_one_column_is_that_column(frame, pumps):
    expected = np.asarray(pumps.fit_transform(frame))
    pumps.set_params(group_by=["pump"])
    assert_array_equal(np.asarray(pumps.fit_transform(frame)), expected)


def test_errors_name_the_series_by_all_of_its_columns(frame):
    frame["site"] = 7
    slider = SlidingWindow(group_by=["pump", "site"], time="at")
    frame.loc[frame.index[3], "at"] = pd.Timestamp("2020-01-01")
    with pytest.raises(ValueError, match=r"in row 3 of the series \('b', 7\): 2020"):
        slider.fit(frame)
    frame["site"] = [7, 7, None, 7, 7, 7, 7]
    with pytest.raises(ValueError, match="'group_by' column has a missing .* row 2"):
        slider.fit(frame)


@pytest.mark.parametrize("group_by", [[], [None], [1.5], [["pump"]]], ids=repr)
def test_a_list_of_columns_is_checked(frame, group_by):
    with pytest.raises(ValueError, match="'group_by' parameter must be a column, a li"):
        SlidingWindow(group_by=group_by).fit(frame)
    with pytest.raises(ValueError, match="'group_by' parameter names the column 'pum'"):
        SlidingWindow(group_by=["pump", "pum"]).fit(frame)


@pytest.mark.parametrize("time", [None, 1])
def test_many_series_of_one_row_are_windows_of_one_row(time):
    n_rows = 50_000
    names = np.random.default_rng(0).permutation(n_rows)
    table = np.column_stack([names, np.arange(n_rows), names])
    slider = SlidingWindow(3, group_by=0, time=time).fit(table)
    windows = slider.transform(table)
    assert_array_equal(windows.starts, windows.ends)
    assert_array_equal(slider.inverse_transform(windows)[:, -1], names)


def test_windows_of_shuffled_rows_take_memory_in_proportion_to_the_table():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(50_000, 12))
    table[:, 0] = rng.integers(0, 500, 50_000)
    table[:, 1] = np.arange(50_000)
    for window_size in (50, 500.0):
        slider = SlidingWindow(window_size, group_by=0, time=1, max_gap=1e4)
        tracemalloc.start()
        slider.fit_transform(table)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3 * table.nbytes


# Errors ------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["pump", "at"])
def test_a_missing_series_or_time_names_the_row(frame, pumps, column):
    frame.loc[frame.index[4], column] = None
    parameter = {"pump": "group_by", "at": "time"}[column]
    with pytest.raises(ValueError, match=f"'{parameter}' column .* value in row 4"):
        pumps.fit_transform(frame)
    with pytest.raises(ValueError, match=f"'{parameter}' column .* value in row 4"):
        pumps.fit_transform(pl.from_pandas(frame))


@pytest.mark.parametrize("convert", [lambda frame: frame, pl.from_pandas])
def test_an_unknown_column_is_named_with_those_there_are(frame, convert):
    message = "'group_by' parameter names the column 'valve', which X has 0 times. Its"
    with pytest.raises(ValueError, match=message + r" columns are \['pump', 'flow'"):
        SlidingWindow(group_by="valve").fit(convert(frame))


@pytest.mark.parametrize("column", ["at", 2, -3])
def test_a_column_of_an_array_is_an_index_within_it(column):
    with pytest.raises(
        ValueError, match=r"'time' parameter must be an index in \[0, 2"
    ):
        SlidingWindow(time=column).fit(np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("column", "row", "shown"),
    [("flow", 3, "'off'"), ("head", 0, "'12,5'"), ("flow", 6, r"\[1\]")],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_a_cell_that_is_no_number_names_column_row_and_value(
    frame, pumps, column, row, shown, method
):
    wrong = frame.astype({column: object})
    wrong.iloc[row, wrong.columns.get_loc(column)] = eval(shown.replace("\\", ""))
    message = f"Column '{column}' of X is not numeric: .* {shown} in row {row}"
    with pytest.raises(ValueError, match=message):
        getattr(clone(pumps).fit(frame) if method == "transform" else pumps, method)(
            wrong
        )


def test_a_cell_that_is_no_number_is_named_in_polars_frames_and_arrays():
    frame = pl.DataFrame({"a": [1.0, 2], "b": ["7", "x"]})
    with pytest.raises(ValueError, match="Column 'b' of X .* 'x' in row 1"):
        SlidingWindow().fit(frame)
    with pytest.raises(ValueError, match="Column 1 of X .* 'x' in row 1"):
        SlidingWindow().fit(frame.to_numpy())


@pytest.mark.parametrize("convert", [lambda frame: frame, pl.from_pandas])
def test_a_time_that_is_not_named_is_no_feature(frame, convert):
    for columns in (["flow", "at"], ["at"]):
        with pytest.raises(ValueError, match="'at' of X is not numeric: .*name it in"):
            SlidingWindow().fit(convert(frame[columns]))


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
def test_infinity_names_the_row_and_the_feature(frame, pumps, value):
    pumps.fit(frame)
    frame.iloc[4, 3] = value
    with pytest.raises(ValueError, match="infinity .* at row 4, feature 'head'"):
        pumps.transform(frame)
    with pytest.raises(ValueError, match="infinity .* at row 4, feature 1"):
        SlidingWindow().fit(frame[["flow", "head"]].to_numpy())


@pytest.mark.parametrize(
    "max_gap", [5, 0.5, "5", "5 bananas", "-5min", 0, True, [1], pd.NaT]
)
def test_a_gap_in_time_must_be_a_duration(frame, max_gap):
    slider = SlidingWindow(group_by="pump", time="at", max_gap=max_gap)
    with pytest.raises(ValueError, match="'max_gap' .* positive duration"):
        slider.fit(frame)


@pytest.mark.parametrize("max_gap", ["5min", timedelta(1), 0, -1, np.nan])
def test_a_gap_in_numbers_must_be_a_number(max_gap):
    slider = SlidingWindow(time=0, max_gap=max_gap)
    with pytest.raises(ValueError, match="'max_gap' .* positive number"):
        slider.fit_transform(np.arange(6.0).reshape(3, 2))


def test_a_gap_needs_a_time(frame):
    message = "'max_gap' parameter of SlidingWindow is '5min', but 'time' is None"
    with pytest.raises(ValueError, match=message):
        SlidingWindow(max_gap="5min").fit(frame[["flow"]])


@pytest.mark.parametrize("at", [list("abc"), [True, False, True], [datetime, 1, 2]])
def test_a_time_must_be_datetimes_or_numbers(at):
    frame = pd.DataFrame({"at": at, "x": np.zeros(3)})
    with pytest.raises(
        ValueError, match="must hold datetimes or numbers. Got .* row 0"
    ):
        SlidingWindow(time="at").fit_transform(frame)


def test_a_table_of_keys_alone_has_no_features(frame, pumps):
    with pytest.raises(ValueError, match="no feature column left"):
        pumps.fit(frame[["pump", "at"]])
