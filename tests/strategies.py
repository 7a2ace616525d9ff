# SPDX-License-Identifier: BSD-3-Clause
"""Hypothesis strategies, and the settings that keep them fast and repeatable."""

from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

examples = settings(max_examples=50, deadline=None, derandomize=True)


class Rows(NamedTuple):
    """Rows of interleaved series, each in time order."""

    table: np.ndarray
    series: np.ndarray
    time: np.ndarray


@st.composite
def rows(draw, max_rows=25):
    n_rows = draw(st.integers(1, max_rows))
    n_features = draw(st.integers(1, 3))
    series = draw(st.lists(st.integers(0, 3), min_size=n_rows, max_size=n_rows))
    steps = draw(st.lists(st.integers(0, 4), min_size=n_rows, max_size=n_rows))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    # Numbering the cells makes every one of them recognisable.
    table = np.arange(n_rows * n_features, dtype=dtype).reshape(n_rows, n_features)
    return Rows(table, np.array(series), np.cumsum(steps))


@st.composite
def sequences(draw):
    """Up to 6 sequences of unequal length that neither begin nor end with padding."""
    n_features = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    arrays = []
    for number, length in enumerate(lengths):
        array = np.arange(length * n_features, dtype=np.float32) + 100 * number
        array = array.reshape(length, n_features)
        missing = draw(st.lists(st.integers(0, array.size - 1), max_size=3))
        array.flat[missing] = np.nan
        array[0, 0] = array[-1, 0] = number
        arrays.append(array)
    return arrays


window_sizes = st.integers(1, 8)
