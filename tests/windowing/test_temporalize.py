# SPDX-License-Identifier: BSD-3-Clause
import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import examples

from skseq import temporalize


def test_the_toy_series_gives_the_five_windows_of_the_recipe():
    steps = np.arange(1, 10) / 10
    windows, labels = temporalize(np.column_stack([steps, steps**3]), np.arange(9), 3)
    assert windows.shape == (5, 3, 2)
    assert_allclose(windows[0, 0], [0.3, 0.027])
    assert_allclose(windows[-1, -1], [0.9, 0.729])
    assert_array_equal(labels, [4, 5, 6, 7, 8])


@examples
@given(st.integers(1, 6), st.integers(1, 15), st.integers(1, 3))
def test_output_equals_the_recipe(lookback, n_windows, n_features):
    n_rows = n_windows + lookback + 1
    X = np.arange(float(n_rows * n_features)).reshape(n_rows, n_features)
    y = np.arange(n_rows) % 3
    windows, labels = temporalize(X, y, lookback)
    expected_windows, expected_labels = naive.temporalize(X, y, lookback)
    assert_array_equal(windows, expected_windows, strict=True)
    assert_array_equal(labels, expected_labels, strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_windows_are_a_read_only_view_of_the_rows(dtype):
    X = np.zeros((8, 2), dtype=dtype)
    windows, _ = temporalize(X, np.zeros(8), 3)
    assert windows.dtype == dtype
    assert np.shares_memory(windows, X)
    assert not windows.flags.writeable


def test_frames_and_missing_values_are_taken():
    frame = pd.DataFrame({"a": [0, 1, np.nan, 3, 4], "b": range(5)})
    windows, labels = temporalize(frame, pd.Series(list("vwxyz")), 2)
    assert_array_equal(windows, [[[np.nan, 2], [3, 3]], [[3, 3], [4, 4]]])
    assert labels.tolist() == ["y", "z"]


def test_fewer_rows_than_the_recipe_needs_are_an_error():
    with pytest.raises(ValueError, match="needs at least 5 rows. Got 4 instead"):
        temporalize(np.zeros((4, 1)), np.zeros(4), 3)
    assert temporalize(np.zeros((5, 1)), np.zeros(5), 3)[0].shape == (1, 3, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lookback": 0}, "'lookback' parameter of temporalize must be an int"),
        ({"y": np.zeros(8)}, "inconsistent numbers of samples"),
        ({"X": np.zeros(9)}, "Expected 2D array"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        temporalize(
            **{"X": np.zeros((9, 1)), "y": np.zeros(9), "lookback": 3} | arguments
        )
