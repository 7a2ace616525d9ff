# SPDX-License-Identifier: BSD-3-Clause
"""Windows after a cut continue from the training rows before it."""

import pickle

import naive
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from strategies import Rows, examples, rows

from skseq import SlidingWindow


def as_table(case):
    return np.column_stack([case.series // 2, case.series % 2, case.time, case.table])


def flatten(X):
    X = np.nan_to_num(np.asarray(X))
    return X.reshape(len(X), -1)


def part(case, rows):
    return Rows(*(column[rows] for column in case))


@st.composite
def cut_rows(draw):
    """Training and test rows; in one case of two all test rows are later."""
    case = draw(rows())
    n_rows = len(case.table)
    if draw(st.booleans()):
        cut = draw(st.integers(1, max(n_rows - 1, 1)))
        is_train = np.arange(n_rows) < cut
    else:
        flags = st.lists(st.booleans(), min_size=n_rows, max_size=n_rows)
        is_train = np.array(draw(flags))
        is_train[0] = True
    if is_train.all():
        return case, case
    return part(case, is_train), part(case, ~is_train)


@examples
@given(
    cut_rows(),
    st.integers(1, 6),
    st.none() | st.integers(1, 9),
    st.none() | st.integers(1, 5),
    st.booleans(),
)
def test_windows_after_a_cut_equal_the_loop(cut, n_timesteps, duration, gap, deltas):
    train, test = cut
    slider = SlidingWindow(
        n_timesteps if duration is None else float(duration),
        group_by=[0, 1],
        time=2,
        max_gap=gap,
        max_steps=n_timesteps,
        add_time_delta=deltas,
    ).fit(as_table(train))
    windows = slider.transform(as_table(test))

    kept = naive.rows_to_continue(train, test)
    joined = Rows(*map(np.concatenate, zip(part(train, kept), test, strict=True)))
    table = joined.table
    if deltas:
        times = naive.time_deltas(joined.series, joined.time, gap)
        table = np.column_stack([table, np.array(times) / slider.time_delta_scale_])
    expected = naive.windows(
        table, n_timesteps, joined.series, joined.time, gap, duration
    )[len(kept) :]
    assert windows.shape == expected.shape
    assert_allclose(np.asarray(windows), expected, rtol=1e-6)
    same = test.series[:, np.newaxis] == test.series
    assert_array_equal(windows.series[:, np.newaxis] == windows.series, same)


@examples
@given(rows(), st.integers(1, 6), st.none() | st.integers(1, 9))
def test_the_training_table_gives_what_fit_transform_gives(case, n_timesteps, duration):
    slider = SlidingWindow(
        n_timesteps if duration is None else float(duration),
        group_by=[0, 1],
        time=2,
        max_steps=n_timesteps,
        add_time_delta=True,
    )
    windows = slider.fit_transform(as_table(case))
    again = slider.transform(as_table(case))
    assert_array_equal(np.asarray(again), np.asarray(windows), strict=True)
    assert again.table.shape == windows.table.shape


@pytest.fixture
def sensors():
    """Seven sensors, a row a minute each, the rows of a minute in any order."""
    rng = np.random.default_rng(0)
    minutes = np.repeat(np.arange(20), 7)
    names = np.concatenate([rng.permutation(list("abcdefg")) for _ in range(20)])
    return pd.DataFrame(
        {
            "sensor": names,
            "at": pd.Timestamp("2026-03-01", tz="UTC")
            + pd.to_timedelta(minutes, unit="min"),
            "flow": np.arange(140.0),
        }
    )


@pytest.mark.parametrize("window_size", [4, "4min"])
def test_a_sensor_that_falls_silent_leaves_the_others_complete(sensors, window_size):
    slider = SlidingWindow(window_size, group_by="sensor", time="at", max_steps=4)
    expected = slider.fit_transform(sensors)
    late = (np.arange(140) >= 70) & (sensors["sensor"] != "c").to_numpy()
    windows = slider.fit(sensors[:70]).transform(sensors[late])
    assert_array_equal(np.asarray(windows), np.asarray(expected[late]))
    assert not np.isnan(np.asarray(windows)).any()
    assert len(np.unique(windows.series)) == 6
    # Three rows each of the six, none of the silent one.
    assert len(windows.table) == 60 + 18
    pd.testing.assert_index_equal(windows.index, sensors.index[late])


def test_a_series_with_a_row_that_is_no_later_starts_anew(sensors):
    slider = SlidingWindow(2, group_by="sensor", time="at").fit(sensors[:70])
    mixed = sensors[63:].copy()
    late = mixed["at"] > sensors["at"][69]
    mixed = mixed[late | (mixed["sensor"] == "a")]
    windows = slider.transform(mixed)
    padded = np.isnan(np.asarray(windows)).any(axis=(1, 2))
    assert mixed["sensor"][padded].tolist() == ["a"]


def test_a_row_at_the_very_time_of_the_last_one_is_not_later():
    slider = SlidingWindow(2, time=0).fit([[1.0, 1], [2, 2]])
    assert_array_equal(slider.transform([[2.0, 3]])[0].ravel(), [np.nan, 3])
    assert_array_equal(slider.transform([[2.5, 3]])[0].ravel(), [2, 3])


def test_a_gap_after_the_training_rows_is_not_bridged():
    slider = SlidingWindow(3, time=0, max_gap=2).fit([[0.0, 9], [5, 1], [6, 2]])
    assert_array_equal(slider.transform([[8.0, 3]])[0].ravel(), [1, 2, 3])
    assert_array_equal(slider.transform([[9.0, 3]])[0].ravel(), [np.nan, np.nan, 3])
    assert_array_equal(slider.plan_.last_rows.table.ravel(), [1, 2])


def test_a_new_series_starts_anew(sensors):
    slider = SlidingWindow(2, group_by="sensor", time="at").fit(sensors[:70])
    windows = slider.transform(sensors[70:].assign(sensor="new", at=sensors["at"][80]))
    assert np.isnan(windows[0][0, 0])
    assert len(windows.table) == 70


def test_without_a_time_nothing_is_guessed(sensors):
    features = sensors[["sensor", "flow"]]
    slider = SlidingWindow(3, group_by="sensor").fit(features[:70])
    windows = slider.transform(features[70:])
    assert np.isnan(np.asarray(windows)[:7, :2]).all()


def test_no_more_is_remembered_than_windows_reach(sensors):
    table = sensors[["sensor", "at", "flow"]]
    for window_size, expected in [(1, None), (4, 21), (30, 140), ("3min", 21)]:
        slider = SlidingWindow(window_size, group_by="sensor", time="at").fit(table)
        n_rows = (
            None
            if slider.plan_.last_rows is None
            else len(slider.plan_.last_rows.table)
        )
        assert n_rows == expected
    assert not np.shares_memory(slider.plan_.last_rows.table, table["flow"].to_numpy())


@pytest.mark.parametrize("convert", [pd.DataFrame, pl.from_pandas])
@pytest.mark.parametrize(
    "name",
    [
        lambda names: names,
        lambda names: names.astype("category"),
        lambda names: names.map(ord),
        lambda names: pd.to_datetime(names.map(ord), unit="D"),
    ],
    ids=["str", "category", "int", "datetime"],
)
@pytest.mark.parametrize("several", [False, True])
def test_series_of_any_name_continue(sensors, convert, name, several):
    group_by = ["sensor", "at_site"] if several else "sensor"
    table = sensors.assign(at_site=sensors.index % 2, sensor=name(sensors["sensor"]))
    slider = SlidingWindow(3, group_by=group_by, time="at")
    expected = np.asarray(slider.fit_transform(table))[70:]
    slider.fit(convert(table[:70]))
    late = table[70:]
    if isinstance(late["sensor"].dtype, pd.CategoricalDtype):
        late = late.assign(sensor=late["sensor"].cat.set_categories(list("gfedcba")))
    assert_array_equal(np.asarray(slider.transform(convert(late))), expected)


def test_numbers_of_other_types_continue():
    train = pd.DataFrame({"at": [0.5, 1.5], "x": np.float32([1, 2])})
    test = pd.DataFrame({"at": [2, 3], "x": [3.0, 4]})
    slider = SlidingWindow(2.5, time="at", max_steps=4).fit(train)
    assert_array_equal(slider.transform(test)[0].ravel(), [np.nan, 1, 2, 3])


def test_what_is_remembered_is_pickled_and_not_cloned(sensors):
    slider = SlidingWindow(4, group_by="sensor", time="at").fit(sensors[:70])
    expected = np.asarray(slider.transform(sensors[70:]))
    other = pickle.loads(pickle.dumps(slider))
    assert_array_equal(np.asarray(other.transform(sensors[70:])), expected)
    other = clone(slider).fit(sensors[70:])
    assert not np.isnan(expected).any()
    assert np.isnan(np.asarray(other.transform(sensors[70:]))).any()


# Windows whose table holds rows at which none ends -----------------------------------


def test_windows_over_remembered_rows_keep_their_promises(sensors):
    slider = SlidingWindow(4, group_by="sensor", time="at").fit(sensors[:70])
    windows = slider.transform(sensors[70:])
    gathered = np.asarray(windows)
    assert windows.rows().tolist() == list(range(91))
    first = windows[:7]
    assert first.table.shape == (91, 1)
    assert first.compact().table.shape == (28, 1)
    other = pickle.loads(pickle.dumps(first))
    assert other.table.shape == (28, 1)
    assert_array_equal(np.asarray(other), gathered[:7])
    assert_array_equal(slider.inverse_transform(windows)[:, 0], sensors["flow"][70:])

    names = sensors["sensor"][70:].to_numpy()
    flags = np.arange(70) < 7
    held = windows.holds_any(flags)
    assert held.tolist() == [True] * 28 + [False] * 42
    assert windows.shares_rows(windows[:7]).tolist() == [True] * 28 + [False] * 42
    assert not windows[28:].shares_rows(windows[:7]).any()
    same = names[:, np.newaxis] == names
    assert_array_equal(windows.series[:, np.newaxis] == windows.series, same)


def test_a_fold_after_the_training_rows_is_complete():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 1)).cumsum(axis=0)
    y = X[:, 0] + np.r_[0, 0, X[:-2, 0]]
    table = np.column_stack([np.arange(80), X])
    seen = []

    def flattened(windows):
        seen.append(np.isnan(np.asarray(windows)).any(axis=(1, 2)).sum())
        return flatten(windows)

    pipe = make_pipeline(
        SlidingWindow(time=0), FunctionTransformer(flattened), Ridge(1e-6)
    )
    grid = GridSearchCV(
        pipe, {"slidingwindow__window_size": [3]}, cv=TimeSeriesSplit(2), refit=False
    )
    grid.fit(table, y)
    # Of each fold, what trains starts with two padded windows and the test with none.
    assert seen == [2, 0, 2, 0]
    assert grid.cv_results_["mean_test_score"][0] > 0.99
