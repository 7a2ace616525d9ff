# SPDX-License-Identifier: BSD-3-Clause
import pickle

import naive
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from strategies import examples, rows, window_sizes

from skseq import (
    EachTimeStep,
    PCAAutoencoder,
    SlidingWindow,
    Windows,
    sliding_windows,
    temporalize,
)


def flatten(X):
    X = np.nan_to_num(np.asarray(X))
    return X.reshape(len(X), -1)


# The windows -------------------------------------------------------------------------


@examples
@given(rows(), window_sizes)
def test_windows_of_one_series_equal_the_loop(case, window_size):
    windows = SlidingWindow(window_size).fit_transform(case.table)
    assert isinstance(windows, Windows)
    expected = naive.windows(case.table, window_size)
    assert_array_equal(np.asarray(windows), expected, strict=True)


@examples
@given(rows(), window_sizes, st.none() | st.integers(1, 5))
def test_windows_of_interleaved_series_with_gaps_equal_the_loop(
    case, window_size, max_gap
):
    table = np.column_stack([case.series, case.table, case.time])
    slider = SlidingWindow(window_size, group_by=0, time=-1, max_gap=max_gap)
    expected = naive.windows(case.table, window_size, case.series, case.time, max_gap)
    windows = slider.fit_transform(table)
    assert_array_equal(np.asarray(windows), expected)
    same = case.series[:, np.newaxis] == case.series
    assert_array_equal(windows.series[:, np.newaxis] == windows.series, same)


@examples
@given(rows(), window_sizes, st.data())
def test_windows_never_look_ahead(case, window_size, data):
    row = data.draw(st.integers(0, len(case.table) - 1))
    changed = case.table.copy()
    changed[row] = -1
    before, after = (
        np.asarray(SlidingWindow(window_size, group_by=0).fit_transform(X))
        for X in (
            np.column_stack([case.series, case.table]),
            np.column_stack([case.series, changed]),
        )
    )
    differ = np.flatnonzero((before != after) & ~np.isnan(before)).tolist()
    differ = np.unique(np.array(differ, dtype=int) // before[0].size)
    later = [i for i in range(row, len(changed)) if case.series[i] == case.series[row]]
    assert differ.tolist() == later[:window_size]


@pytest.mark.parametrize(("n_rows", "window_size"), [(1, 1), (1, 4), (3, 10), (4, 4)])
def test_fewer_rows_than_the_window_are_padded(n_rows, window_size):
    table = np.arange(n_rows * 2.0).reshape(n_rows, 2)
    windows = SlidingWindow(window_size).fit_transform(table)
    assert windows.shape == (n_rows, window_size, 2)
    assert_array_equal(np.asarray(windows), naive.windows(table, window_size))


def test_an_array_without_keys_is_referred_to_and_not_copied():
    for dtype in (np.float32, np.float64):
        table = np.zeros((5, 2), dtype=dtype)
        assert np.shares_memory(SlidingWindow(2).fit_transform(table).table, table)


@pytest.mark.skipif(
    int(pd.__version__.split(".")[0]) < 3, reason="pandas 2 copies the columns"
)
def test_neighbouring_features_of_a_frame_are_referred_to_and_not_copied():
    frame = pd.DataFrame(np.zeros((5, 3)), columns=list("abc"))
    frame.insert(0, "at", range(5))
    windows = SlidingWindow(2, time="at").fit_transform(frame)
    assert np.shares_memory(windows.table, frame["b"].to_numpy())


# The scikit-learn estimator ----------------------------------------------------------


def test_other_columns_than_in_fit_are_an_error(frame, pumps):
    pumps.fit(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        pumps.transform(frame.rename(columns={"flow": "fluss"}))
    with pytest.raises(ValueError, match="feature names should match"):
        pumps.transform(frame[["at", "pump", "flow", "head"]])
    with pytest.raises(
        ValueError, match="X has 3 features, but SlidingWindow is expect"
    ):
        SlidingWindow().fit(np.zeros((4, 2))).transform(np.zeros((4, 3)))
    with pytest.raises(NotFittedError):
        SlidingWindow().transform(np.zeros((4, 2)))


def test_feature_names_are_those_of_the_columns_without_the_keys(frame, pumps):
    pumps.fit(frame)
    assert pumps.n_features_in_ == 4
    assert pumps.feature_names_in_.tolist() == ["pump", "flow", "at", "head"]
    assert pumps.get_feature_names_out().tolist() == ["flow", "head"]
    slider = SlidingWindow(group_by=1).fit(np.zeros((3, 3)))
    assert slider.get_feature_names_out().tolist() == ["x0", "x2"]
    assert slider.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "c"]


def test_the_inverse_is_the_last_step_of_each_window(frame, pumps):
    windows = pumps.fit_transform(frame)
    features = frame[["flow", "head"]].to_numpy()
    assert_array_equal(pumps.inverse_transform(windows), features)
    assert_array_equal(pumps.inverse_transform(np.asarray(windows)), features)
    with pytest.raises(ValueError, match=r"Got 2 dimension\(s\)"):
        pumps.inverse_transform(features)


def test_fitted_sliders_can_be_cloned_and_pickled(frame, pumps):
    expected = np.asarray(pumps.fit_transform(frame))
    other = pickle.loads(pickle.dumps(pumps))
    assert_array_equal(np.asarray(other.transform(frame)), expected)
    other = clone(pumps)
    assert not hasattr(other, "n_features_in_")
    assert_array_equal(np.asarray(other.fit_transform(frame)), expected)


def test_a_fit_that_fails_leaves_the_fit_before_as_it_was(frame, pumps):
    expected = np.asarray(pumps.fit(frame).transform(frame))
    with pytest.raises(ValueError, match="head"):
        pumps.fit(frame.assign(head="x", more=1))
    assert_array_equal(np.asarray(pumps.transform(frame)), expected)
    slider = SlidingWindow(3)
    with pytest.raises(ValueError, match="not numeric"):
        slider.fit(frame)
    with pytest.raises(NotFittedError):
        slider.transform(frame)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_windows_stay_windows_whatever_output_is_asked_for(frame, pumps, container):
    assert pumps.set_output(transform=container) is pumps
    assert isinstance(pumps.fit_transform(frame), Windows)
    with config_context(transform_output=container):
        assert isinstance(clone(pumps).fit_transform(frame), Windows)


@pytest.mark.parametrize("setting", ["set_output", "config_context"])
def test_a_pipeline_asked_for_frames_gives_latent_vectors_as_a_frame(
    frame, pumps, setting
):
    pipe = make_pipeline(pumps, EachTimeStep(StandardScaler()), PCAAutoencoder(2))
    with config_context(
        transform_output="pandas" * (setting == "config_context") or None
    ):
        if setting == "set_output":
            pipe.set_output(transform="pandas")
        latent = pipe.fit_transform(frame)
    assert latent.columns.tolist() == ["pcaautoencoder0", "pcaautoencoder1"]
    pd.testing.assert_index_equal(latent.index, frame.index)


def test_the_window_size_can_be_searched_with_aligned_labels():
    X = np.random.default_rng(0).normal(size=(80, 2))
    y = X[:, 0] + np.r_[0, X[:-1, 1]]
    pipe = make_pipeline(
        StandardScaler(), SlidingWindow(), FunctionTransformer(flatten), PCA(), Ridge()
    )
    grid = GridSearchCV(
        pipe, {"slidingwindow__window_size": [1, 2, 3]}, cv=TimeSeriesSplit(3, gap=2)
    )
    grid.fit(X, y)
    assert grid.best_params_ == {"slidingwindow__window_size": 2}
    assert grid.best_score_ > 0.9


@pytest.mark.parametrize(
    "parameters", [{"window_size": 0}, {"window_size": 2.5}, {"group_by": 1.5}], ids=str
)
def test_parameters_are_checked(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"The '{name}' parameter of SlidingWindow"):
        SlidingWindow(**parameters).fit(np.zeros((3, 2)))


# sliding_windows ---------------------------------------------------------------------


@examples
@given(rows(), window_sizes, st.integers(1, 4), st.booleans(), st.booleans())
def test_sliding_windows_equal_the_loop(case, window_size, stride, padded, grouped):
    series = case.series if grouped else np.zeros(len(case.series))
    held = naive.window_rows(len(case.table), window_size, series)
    first = 0 if padded else window_size - 1
    expected = []
    for i in range(len(case.table)):
        nth = sum(series[:i] == series[i])
        if nth >= first and (nth - first) % stride == 0:
            expected.append(i)
    windows, ends = sliding_windows(
        case.table,
        window_size,
        stride=stride,
        groups=case.series if grouped else None,
        padded=padded,
    )
    assert isinstance(windows, Windows)
    assert ends.tolist() == expected
    gathered = naive.gather(case.table, [held[i] for i in expected], window_size)
    assert_array_equal(np.asarray(windows), gathered, strict=True)
    assert padded or not np.isnan(gathered).any()


def test_sliding_windows_give_all_that_the_recipe_drops():
    X = np.arange(18.0).reshape(9, 2)
    windows, ends = sliding_windows(X, 3)
    assert windows.shape == (7, 3, 2)
    recipe, labels = temporalize(X, np.arange(9), 3)
    assert_array_equal(np.asarray(windows)[2:], recipe)
    assert_array_equal(ends[2:], labels)


def test_sliding_windows_of_a_frame_carry_names_and_index(frame):
    features = frame[["flow", "head"]]
    windows, ends = sliding_windows(features, 2, groups=frame["pump"], stride=2)
    assert windows.feature_names == ["flow", "head"]
    pd.testing.assert_index_equal(windows.index, frame.index[ends])
    other, ends_of_polars = sliding_windows(
        pl.from_pandas(features), 2, groups=pl.Series(list("abababa")), stride=2
    )
    assert_array_equal(np.asarray(windows), np.asarray(other))
    assert_array_equal(ends, ends_of_polars)


def test_sliding_windows_without_a_full_window_are_none():
    windows, ends = sliding_windows(np.zeros((3, 2)), 4)
    assert np.asarray(windows).shape == (0, 4, 2)
    assert len(ends) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"window_size": 0},
            "'window_size' parameter of sliding_windows must be an int",
        ),
        ({"stride": 0}, "'stride' parameter of sliding_windows must be an int"),
        ({"padded": "yes"}, "'padded' parameter of sliding_windows"),
        ({"groups": [1, 1]}, "inconsistent numbers of samples"),
        ({"groups": [1, None, 1]}, "'groups' column has a missing value in row 1"),
        ({"X": [[1.0], [np.inf], [1]]}, "infinity .* at row 1, feature 0"),
        ({"X": pd.DataFrame({"a": [1, 2, "x"]})}, "Column 'a' .* 'x' in row 2"),
        ({"X": np.zeros(3)}, "Expected 2D array"),
    ],
)
def test_bad_input_to_sliding_windows_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        sliding_windows(**{"X": np.zeros((3, 1)), "window_size": 2} | arguments)
