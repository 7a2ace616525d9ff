# SPDX-License-Identifier: BSD-3-Clause
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from skseq import labels_from_intervals

TIME = pd.date_range("2026-03-01", periods=6, freq="5min")
LOG = pd.DataFrame({"start": TIME[[1]], "end": TIME[[3]], "unit": ["a"]})
intervals = st.tuples(st.integers(-2, 40), st.integers(0, 20), st.sampled_from("abx"))


@examples
@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from("ab")), min_size=1),
    st.lists(intervals, max_size=6),
    st.sampled_from(["both", "left"]),
)
def test_labels_equal_a_loop_over_rows_and_lines(rows, lines, inclusive):
    steps, groups = zip(*rows, strict=True)
    time = np.cumsum(steps)
    lines = [line for line in lines if line[2] in groups]
    log = pd.DataFrame(
        {
            "from": [start for start, _, _ in lines],
            "to": [start + length for start, length, _ in lines],
            "unit": [unit for *_, unit in lines],
        }
    )
    expected = [
        any(
            unit == group
            and start <= t
            and (t < start + length or (inclusive == "both" and t == start + length))
            for start, length, unit in lines
        )
        for t, group in zip(time, groups, strict=True)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = labels_from_intervals(
            log,
            time,
            start="from",
            end="to",
            group="unit",
            groups=groups,
            inclusive=inclusive,
        )
    assert labels.tolist() == expected


def test_dates_zones_and_frames_of_polars():
    expected = [0, 1, 1, 1, 0, 0]
    assert labels_from_intervals(LOG, TIME).tolist() == expected
    in_polars = pl.DataFrame({"start": [TIME[1]], "end": [TIME[3]]})
    assert labels_from_intervals(in_polars, TIME).tolist() == expected
    zoned = LOG.assign(
        start=LOG["start"].dt.tz_localize("UTC"),
        end=LOG["end"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
    )
    in_utc = TIME.tz_localize("UTC")
    assert labels_from_intervals(zoned, in_utc).tolist() == expected


def test_without_a_group_an_interval_is_one_of_all_series():
    labels = labels_from_intervals(LOG, np.repeat(TIME, 2), groups=list("ab") * 6)
    assert labels.tolist() == np.repeat([0, 1, 1, 1, 0, 0], 2).tolist()


def test_an_empty_log_labels_nothing():
    assert not labels_from_intervals(LOG[:0], TIME).any()


def test_an_interval_between_two_rows_is_spoken_of():
    log = pd.DataFrame({"start": [1.2, -9, 7, 2], "end": [1.8, -7, 9, 3]})
    with pytest.warns(UserWarning, match="1 intervals of the log lie between two") as w:
        labels = labels_from_intervals(log, np.arange(5))
    assert labels.tolist() == [0, 0, 1, 1, 0]
    assert w[0].filename == __file__


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"end": [pd.NaT]}, {}, r"'log' has no end in row 0 \(column 'end'\)"),
        ({"start": [TIME[4]]}, {}, "row 0 of 'log' ends before it starts"),
        ({"unit": [None]}, {"group": "unit"}, "'log' has no series in row 0"),
        ({}, {"start": "from"}, "'start' parameter names the column 'from'"),
        ({}, {"group": "unit", "groups": None}, "'groups' is None"),
        ({"unit": ["z"]}, {"group": "unit"}, "No row of 'log' is of a series in"),
        ({"end": ["2026-03-01"]}, {}, "'time' holds datetimes .* dtype"),
        ({"start": [3]}, {}, "column 'start' of 'log' numbers: 3 in row 0"),
        ({}, {"time": TIME.tz_localize("UTC")}, "with a time zone, but the column"),
        ({}, {"time": TIME[::-1]}, "'time' decreases"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(change, options, message):
    log = LOG.assign(**change)
    options = {"time": TIME, "groups": ["a"] * 6} | options
    with pytest.raises(ValueError, match=message):
        labels_from_intervals(log, **options)


def test_what_is_no_frame_has_no_columns():
    with pytest.raises(ValueError, match="'log' has 0 times"):
        labels_from_intervals([[1, 2]], TIME)
