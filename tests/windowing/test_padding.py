# SPDX-License-Identifier: BSD-3-Clause
import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import examples, sequences

from skseq.windowing import SlidingWindow, pad_sequences, unpad_sequences

paddings = st.sampled_from(["pre", "post"])


@examples
@given(sequences(), paddings, st.none() | st.integers(0, 3))
def test_padded_sequences_equal_the_loop(arrays, padding, more):
    longest = max(map(len, arrays))
    n_timesteps = None if more is None else longest + more
    X = pad_sequences(arrays, n_timesteps=n_timesteps, padding=padding)
    assert X.dtype == np.float32
    assert_array_equal(X, naive.pad(arrays, n_timesteps or longest, padding))


@examples
@given(sequences(), paddings)
def test_unpadding_gives_the_sequences_back(arrays, padding):
    back = unpad_sequences(pad_sequences(arrays, n_timesteps=7, padding=padding))
    assert len(back) == len(arrays)
    for array, expected in zip(back, arrays, strict=True):
        assert_array_equal(array, expected, strict=True)


@examples
@given(sequences(), paddings)
def test_1d_sequences_stay_univariate(arrays, padding):
    arrays = [array[:, 0] for array in arrays]
    X = pad_sequences(arrays, padding=padding)
    assert_array_equal(
        X[:, :, np.newaxis],
        pad_sequences([array[:, np.newaxis] for array in arrays], padding=padding),
    )
    for array, expected in zip(unpad_sequences(X), arrays, strict=True):
        assert_array_equal(array, expected, strict=True)


@pytest.mark.parametrize(
    "sequence",
    [
        [[1, 2], [3, 4]],
        pd.DataFrame({"a": [1, 3], "b": [2, 4]}),
        np.array([["1", "2"], ["3", "4"]]),
        np.array([[1, 2], [3, 4]], dtype=object),
    ],
    ids=["lists", "frame", "digits", "objects"],
)
def test_sequences_of_any_kind_can_be_padded(sequence):
    X = pad_sequences([sequence, np.ones((3, 2))])
    assert_array_equal(X[0], [[np.nan, np.nan], [1, 2], [3, 4]])


def test_float64_is_kept_and_unpadded_as_float64():
    totals = [1e8 + np.array([0.25, 0.5]), 1e8 + np.array([0.75])]
    X = pad_sequences(totals)
    assert X.dtype == np.float64
    for array, expected in zip(unpad_sequences(X), totals, strict=True):
        assert_array_equal(array, expected, strict=True)
    mixed = [totals[0], np.ones(3, dtype=np.float32)]
    assert pad_sequences(mixed).dtype == np.float64


def test_an_array_of_sequences_of_one_length_is_left_as_it_is():
    X = np.arange(12.0).reshape(2, 3, 2)
    assert_array_equal(pad_sequences(X), X)


def test_windows_can_be_unpadded():
    windows = SlidingWindow(3).fit_transform(np.arange(4.0).reshape(4, 1))
    lists = [array.ravel().tolist() for array in unpad_sequences(windows)]
    assert lists == [[0], [0, 1], [0, 1, 2], [1, 2, 3]]


def test_nothing_but_padding_is_a_sequence_of_length_0():
    first, second = unpad_sequences([[np.nan, np.nan], [np.nan, 1]])
    assert first.shape == (0,)
    assert second.tolist() == [1]


@pytest.mark.parametrize(
    ("sequences", "arguments", "message"),
    [
        ([], {}, "'sequences' is empty"),
        ([np.ones((2, 2)), np.ones((2, 3))], {}, r"Sequence 1 has the shape \(2, 3\)"),
        ([np.ones(2), np.ones((2, 1))], {}, r"Sequence 1 .* sequence 0 the shape \(2,"),
        ([[1.0], []], {}, r"Sequence 1 has the shape \(0,\)"),
        ([np.ones((2, 0))], {}, r"Sequence 0 has the shape \(2, 0\)"),
        ([1.0, 2.0], {}, r"Sequence 0 has the shape \(\)"),
        ([[1.0], [2.0, "x"]], {}, "Sequence 1 is not numeric: .*'x'"),
        ([[[1.0]], [[1.0], [2, 3]]], {}, "Sequence 1 is not numeric: .*inhomogeneous"),
        ([[1.0, 2], [np.inf]], {}, "infinity .* inf at sequence 1, step 0. Replace"),
        ([[1.0, -1e39]], {}, "infinity .* at sequence 0, step 1"),
        (
            [[[1.0]] * 3, [[1.0], [np.inf]]],
            {},
            "infinity .* at sequence 1, step 1, feature 0",
        ),
        ([[1.0], [1.0] * 3], {"n_timesteps": 2}, "Sequence 1 has 3 time steps, more"),
        ([[1.0]], {"n_timesteps": 0}, "'n_timesteps' parameter of pad_sequences"),
        ([[1.0]], {"padding": "both"}, "'padding' parameter of pad_sequences"),
        ("abc", {}, "'sequences' parameter of pad_sequences"),
    ],
)
def test_bad_sequences_are_named(sequences, arguments, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, **arguments)


def test_unpadding_needs_2_or_3_dimensions():
    with pytest.raises(ValueError, match="Got 4 dimensions"):
        unpad_sequences(np.zeros((1, 2, 3, 4)))
    with pytest.raises(ValueError, match="Expected 2D array"):
        unpad_sequences([1.0, 2.0])
