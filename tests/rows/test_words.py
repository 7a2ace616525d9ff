# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest

from skseq.rows import _words as words


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 events"), (1, "1 event"), (2000, "2,000 events")]
)
def test_one_is_no_plural(n, text):
    assert words.count(n, "event") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0%"),
        (-0.0, "0%"),
        (1e-6, "under 0.01%"),
        (-1e-6, "above -0.01%"),
        (0.0004, "0.04%"),
        (0.003, "0.3%"),
        (0.095, "9.5%"),
        (0.5, "50%"),
        (0.9999, "over 99.9%"),
        (1, "100%"),
        (np.nan, "–"),
    ],
)
def test_a_share_is_never_nothing_where_there_is_something(value, text):
    assert words.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5320, "5,320"),
        (5319.7, "5,320"),
        (0.4, "0.4"),
        (12.345, "12.3"),
        (0.00123, "0.00123"),
        (-1.5, "-1.5"),
        (100, "100"),
        (0, "0"),
        (1e-7, "1e-07"),
        (np.inf, "–"),
    ],
)
def test_numbers_are_written_out(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("13min", "13 minutes"),
        ("60min", "1 hour"),
        ("90min", "1.5 hours"),
        ("1s", "1 second"),
        ("36h", "1.5 days"),
        ("321D", "321 days"),
        ("500ms", "0.5 seconds"),
        ("0s", "0 seconds"),
    ],
)
def test_durations_are_in_a_unit_that_fits(value, text):
    assert words.duration(pd.Timedelta(value)) == text


def test_lists_end_with_and():
    assert words.each("a") == "a"
    assert words.each(["a", "b"]) == "a and b"
    assert words.each(["a", "b", "c"]) == "a, b and c"
