# SPDX-License-Identifier: BSD-3-Clause
import naive
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator
from strategies import examples

from skseq import SlidingWindow, Windows
from skseq._validation import (
    check_sequences,
    is_windows,
    n_dimensions,
    observed_steps,
)


@pytest.fixture
def estimator():
    return BaseEstimator()


@pytest.fixture
def windows():
    frame = pd.DataFrame(np.arange(8.0).reshape(4, 2), columns=["flow", "head"])
    return SlidingWindow(3).fit_transform(frame)


# Shape and type ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.int8, bool, object])
def test_sequences_become_contiguous_float32(estimator, dtype):
    given_X = np.asfortranarray(np.ones((4, 3, 2), dtype=dtype))
    X = check_sequences(estimator, given_X, reset=True)
    assert_array_equal(X, np.ones((4, 3, 2), dtype=np.float32), strict=True)
    assert X.flags.c_contiguous
    assert estimator.n_features_in_ == 2
    assert estimator.sequence_shape_ == (3, 2)


def test_float32_sequences_are_not_copied(estimator):
    given_X = np.zeros((4, 3, 2), dtype=np.float32)
    assert np.shares_memory(check_sequences(estimator, given_X, reset=True), given_X)


@pytest.mark.parametrize("container", [np.array, list, pd.DataFrame, pl.DataFrame])
def test_2d_means_univariate_sequences(estimator, container):
    X = check_sequences(estimator, container(np.eye(4, 3)), reset=True)
    assert_array_equal(X, np.eye(4, 3, dtype=np.float32)[:, :, np.newaxis], strict=True)
    assert estimator.n_features_in_ == 3
    assert estimator.sequence_shape_ == (3, 1)


def test_univariate_sequences_may_be_3d_after_a_fit_in_2d(estimator):
    check_sequences(estimator, np.zeros((4, 3)), reset=True)
    X = check_sequences(estimator, np.zeros((2, 3, 1)), reset=False)
    assert X.shape == (2, 3, 1)


def test_windows_are_returned_as_they_are(estimator, windows):
    assert check_sequences(estimator, windows, reset=True) is windows
    assert estimator.n_features_in_ == 2
    assert estimator.sequence_shape_ == (3, 2)
    assert check_sequences(estimator, windows[1:], reset=False).table is windows.table
    X = check_sequences(
        estimator, SlidingWindow(3).fit_transform(windows.table), reset=True
    )
    assert isinstance(X, Windows)


def test_missing_values_are_kept(estimator):
    given_X = np.array([[[np.nan], [1], [np.nan]]])
    X = check_sequences(estimator, given_X, reset=True)
    assert_array_equal(X, given_X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (3.0, "Expected 2D array, got scalar|Found array with dim 0"),
        (np.zeros(3), "Expected 2D array, got 1D|Found array with dim 1"),
        (np.zeros((2, 2, 2, 2)), "Found array with dim 4"),
        (np.zeros((0, 3)), r"Found array with 0 sample\(s\)"),
        (np.zeros((3, 0)), r"Found array with 0 (sample|feature)\(s\)"),
        (np.zeros((3, 0, 2)), r"0 sample\(s\), step\(s\) or feature\(s\)"),
        (np.zeros((3, 2, 0)), r"0 sample\(s\), step\(s\) or feature\(s\)"),
        ([["a", "b"]], "could not convert string to float"),
        (np.full((2, 2, 1), "a"), "could not convert string to float"),
        ([[1.0, 2.0], [3.0]], "inhomogeneous"),
        (np.ones((2, 2), dtype=complex), "Complex data not supported"),
    ],
    ids=lambda value: str(getattr(value, "shape", value))[:20],
)
def test_what_is_no_sequence_is_an_error(estimator, X, message):
    with pytest.raises(ValueError, match=message):
        check_sequences(estimator, X, reset=True)
    assert not hasattr(estimator, "sequence_shape_")


def test_windows_of_no_rows_are_an_error(estimator, windows):
    with pytest.raises(ValueError, match=r"0 sample.*shape=\(0, 3, 2\)"):
        check_sequences(estimator, windows[:0], reset=True)


def test_sparse_input_is_refused(estimator):
    with pytest.raises(TypeError, match="dense data is required"):
        check_sequences(estimator, sparse.eye_array(3, format="csr"), reset=True)


# Infinity ----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39, -1e39])
def test_infinity_names_row_step_and_feature(estimator, value):
    X = np.zeros((4, 3, 2))
    X[2, 1, 0] = value
    with pytest.raises(ValueError, match="infinity .* at row 2, step 1, feature 0"):
        check_sequences(estimator, X, reset=True)
    with pytest.raises(ValueError, match="infinity .* at row 2, step 1, feature 0"):
        check_sequences(estimator, X[:, :, 0], reset=True)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39, -1e39])
def test_infinity_in_windows_names_the_first_window_and_the_column(
    estimator, windows, value
):
    table = windows.table.copy()
    table[1, 1] = value
    windows = windows.with_table(table, ["flow", "head"])
    with pytest.raises(ValueError, match="at row 1, step 2, feature 'head'"):
        check_sequences(estimator, windows, reset=True)
    with pytest.raises(ValueError, match="at row 0, step 0, feature 1"):
        check_sequences(estimator, windows.with_table(table)[3:], reset=True)


def test_infinity_that_no_window_refers_to_does_no_harm(estimator, windows):
    table = windows.table.copy()
    table[0] = np.inf
    part = windows.with_table(table)[3:]
    assert check_sequences(estimator, part, reset=True) is part


# What an estimator remembers ---------------------------------------------------------


@pytest.mark.parametrize(
    ("fitted", "shape", "message"),
    [
        ((4, 3, 1), (4, 3, 3), "X has 3 features, but BaseEstimator is expecting 1"),
        ((4, 3, 2), (4, 5, 2), "X has 5 time steps, but .* is expecting 3 time steps"),
        ((4, 3), (4, 5), "X has 5 features, but BaseEstimator is expecting 3 features"),
        ((4, 3), (4, 3, 2), "X has 2 features, but BaseEstimator is expecting 1"),
        ((4, 3, 2), (4, 3), "X has 1 features, but BaseEstimator is expecting 2"),
    ],
)
def test_another_shape_than_in_fit_is_an_error(estimator, fitted, shape, message):
    check_sequences(estimator, np.zeros(fitted), reset=True)
    with pytest.raises(ValueError, match=message):
        check_sequences(estimator, np.zeros(shape), reset=False)


def test_windows_of_another_shape_than_in_fit_are_an_error(estimator, windows):
    check_sequences(estimator, windows, reset=True)
    longer = SlidingWindow(4).fit_transform(
        pd.DataFrame(windows.table, columns=["flow", "head"])
    )
    with pytest.raises(ValueError, match="X has 4 time steps, but .* expecting 3"):
        check_sequences(estimator, longer, reset=False)


def test_feature_names_come_from_windows_and_frames(estimator, windows):
    check_sequences(estimator, windows, reset=True)
    assert estimator.feature_names_in_.tolist() == ["flow", "head"]
    renamed = windows.with_table(windows.table, ["flow", "fall"])
    with pytest.raises(ValueError, match="feature names should match"):
        check_sequences(estimator, renamed, reset=False)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        check_sequences(estimator, np.asarray(windows), reset=False)

    check_sequences(estimator, np.asarray(windows), reset=True)
    assert not hasattr(estimator, "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names, but BaseEstimator"):
        check_sequences(estimator, windows, reset=False)

    check_sequences(
        estimator, pd.DataFrame(np.eye(2), columns=["t0", "t1"]), reset=True
    )
    assert estimator.feature_names_in_.tolist() == ["t0", "t1"]


# Helpers -----------------------------------------------------------------------------


@examples
@given(
    arrays(
        np.float32,
        array_shapes(min_dims=3, max_dims=3, max_side=5),
        elements=st.sampled_from([0, 1, np.nan, np.nan]),
    )
)
def test_observed_steps_equal_the_loop(X):
    assert_array_equal(observed_steps(X), naive.observed_steps(X))


def test_windows_are_told_from_arrays(windows):
    assert is_windows(windows)
    assert not is_windows(np.asarray(windows))
    assert not is_windows(pd.DataFrame({"table": [1], "starts": [0]}))


@pytest.mark.parametrize(
    ("X", "n"),
    [
        (np.zeros((2, 2, 2)), 3),
        ([[1, 2]], 2),
        ([[[1.0]]], 3),
        (pd.DataFrame({"a": [1]}), 2),
        (pl.DataFrame({"a": [1]}), 2),
    ],
    ids=["array", "list", "nested list", "pandas", "polars"],
)
def test_dimensions_of_any_container_are_counted(X, n):
    assert n_dimensions(X) == n
