# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest

from skseq.rows._sensors import grade_sensors

N_ROWS = 400


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "at": pd.date_range("2026-01-01", periods=N_ROWS, freq="1min"),
            "machine": np.tile(["a", "b"], N_ROWS // 2),
            "flow": rng.normal(size=N_ROWS),
            "level": rng.normal(size=N_ROWS) * 30,
            "temperature": rng.normal(size=N_ROWS) * 5,
        }
    )


def grade(table, **columns):
    y = columns.pop("y", None)
    table = table.assign(**columns)
    return grade_sensors(table, time="at", group_by="machine", y=y)["grade"].to_dict()


def test_readings_are_good_and_keys_are_not_graded(table):
    assert grade(table) == dict.fromkeys(["flow", "level", "temperature"], "good")


def mostly(value, other, n_others):
    values = np.full(N_ROWS, value, dtype=float)
    values[:n_others] = other
    return values


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.ones(N_ROWS), "constant"),
        (mostly(1, 2, 4), "near-constant"),
        (mostly(1, 2, 5), "good"),
        (np.full(N_ROWS, np.nan), "nothing was observed"),
        (mostly(np.nan, 1, 100), "75% missing, constant"),
        (np.arange(N_ROWS), "counter"),
        (np.arange(N_ROWS) // 40, "good"),  # ten steps
        (np.repeat(["auto", "manual"], N_ROWS // 2), "text"),
        (pd.date_range("2026", periods=N_ROWS), "text"),
        (np.random.default_rng(1).normal(size=N_ROWS) * 1e6, "other unit"),
        (np.random.default_rng(1).normal(size=N_ROWS) * 1e4, "good"),
    ],
)
def test_what_is_no_reading_is_told(table, column, expected):
    assert grade(table, other=column)["other"] == expected


def test_a_counter_counts_within_each_series(table):
    counts = np.repeat(np.arange(N_ROWS // 2), 2) + np.tile([1000, 0], N_ROWS // 2)
    assert grade(table, hours=counts)["hours"] == "counter"
    assert (np.diff(counts) < 0).any()


def test_the_second_of_two_is_the_same_as_the_first(table):
    grades = grade(table, again=table["level"])
    assert grades["again"] == "same as level"
    assert grades["level"] == "good"


def test_what_goes_with_the_labels_looks_like_them(table):
    y = np.arange(N_ROWS) % 50 == 0
    noise = 0.01 * np.random.default_rng(0).normal(size=N_ROWS)
    grades = grade(table, y=y, leak=y * 1.0, inverse=5 - 3 * y + noise)
    assert grades["leak"] == "looks like the label"
    assert grades["inverse"] == "looks like the label"
    assert grades["flow"] == "good"


def test_without_labels_a_name_tells(table):
    flags = np.arange(N_ROWS) % 5 == 0
    grades = grade(table, is_fault=flags, valve=flags.astype(int))
    assert grades["is_fault"] == "looks like the label"
    assert grades["valve"] == "same as is_fault"


def test_the_figures_stand_beside_the_grades(table):
    table.loc[:99, "flow"] = np.nan
    figures = grade_sensors(table, time="at", group_by=["machine"])
    assert figures.loc["flow", "missing"] == 0.25
    assert figures.loc["level", "distinct"] == N_ROWS
    low, high = np.quantile(table["level"], [0.25, 0.75])
    assert figures.loc["level", "spread"] == pytest.approx(high - low)
    assert not figures[["constant", "counter", "label", "other_unit"]].any(axis=None)


def test_a_table_of_keys_alone_has_no_grades(table):
    assert len(grade_sensors(table[["at"]], time="at")) == 0
