# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest

from skseq.cli._choices import Cut
from skseq.cli._options import reading
from skseq.cli._table import LabelledTable, read_labelled_table, rows_before


def _table(time=None, series=None, n_rows=4):
    return LabelledTable(
        pd.DataFrame({"a": np.zeros(n_rows)}),
        np.zeros(n_rows, dtype=int),
        None if time is None else pd.Series(time),
        None if series is None else pd.Series(series),
    )


def read(path, time=None, group_by=None):
    return read_labelled_table([path], "y", reading(time=time, group_by=group_by))


def _days(*days, tz=None):
    return pd.to_datetime([f"2024-01-{day:02d}" for day in days]).tz_localize(tz)


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "t": _days(1, 2, 3),
            "pump": ["a", "b", "a"],
            "flow": [1.5, np.nan, 2.5],
            "y": [0, 1, 0],
        }
    )


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_file_formats_give_the_same_table(frame, tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    table = read(path, ["t"], "pump")
    assert table.X.columns.to_list() == ["t", "pump", "flow"]
    np.testing.assert_array_equal(table.X["flow"], frame["flow"])
    np.testing.assert_array_equal(table.y, [0, 1, 0])
    assert (table.time == frame["t"]).all()
    assert table.series.to_list() == ["a", "b", "a"]


@pytest.mark.parametrize("labels", [[False, True, False], [0.0, 1.0, 0.0]])
def test_labels_may_be_flags_or_floats(frame, tmp_path, labels):
    frame.assign(y=labels).to_csv(tmp_path / "table.csv", index=False)
    table = read(tmp_path / "table.csv")
    np.testing.assert_array_equal(table.y, [0, 1, 0])


def test_times_may_be_numbers(frame, tmp_path):
    frame.assign(t=[1, 2, 5]).to_csv(tmp_path / "table.csv", index=False)
    table = read(tmp_path / "table.csv", ["t"])
    assert table.time.to_list() == [1, 2, 5]


def test_a_broken_parquet_file_is_a_value_error(tmp_path):
    (tmp_path / "table.parquet").write_text("no parquet")
    with pytest.raises(ValueError, match=r"table.parquet cannot be read"):
        read(tmp_path / "table.parquet")


@pytest.mark.parametrize(("cut", "n_past"), [("3", 3), ("0.5", 2), ("0.3", 1)])
def test_cut_counts_rows_as_they_stand(cut, n_past):
    past = rows_before(Cut.of(cut), _table())
    np.testing.assert_array_equal(past, np.arange(4) < n_past)


def test_cut_of_several_series_without_time_counts_rows_as_they_stand():
    past = rows_before(Cut.of("3"), _table(series=["a", "a", "b", "b"]))
    np.testing.assert_array_equal(past, [True, True, True, False])


@pytest.mark.parametrize("cut", ["2", "0.5"])
def test_cut_of_several_series_with_time_is_at_one_time(cut):
    table = _table(time=[1, 2, 1, 2], series=["a", "a", "b", "b"])
    np.testing.assert_array_equal(
        rows_before(Cut.of(cut), table), [True, False, True, False]
    )


def test_rows_of_one_time_are_never_parted_by_a_cut_in_time():
    table = _table(time=[1, 2, 2, 3], series=["a", "a", "b", "b"])
    np.testing.assert_array_equal(
        rows_before(Cut.of("2"), table), [True, False, False, False]
    )


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
def test_cut_at_a_date_is_strict(tz):
    past = rows_before(Cut.of("2024-01-03"), _table(time=_days(1, 2, 3, 4, tz=tz)))
    np.testing.assert_array_equal(past, [True, True, False, False])


@pytest.mark.parametrize(
    ("cut", "time", "message"),
    [
        ("0", None, r"a row in \[1, 3\]. Got 0"),
        ("4", None, r"a row in \[1, 3\]. Got 4"),
        ("1.5", None, r"share of the rows in \(0, 1\).* Got 1.5"),
        ("nan", None, "Got nan"),
        ("soon", None, "'soon' is no row, share of the rows or date"),
        ("2024-01-02", None, "the date 2024-01-02 needs --time"),
        ("2024-01-02", [1, 2, 3, 4], "the date 2024-01-02 needs --time"),
        ("2023-01-01", _days(1, 2, 3, 4), "no row of the table is before that"),
        ("2025-01-01", _days(1, 2, 3, 4), "no row of the table is after that"),
        ("0.1", None, "no row of the table is before that"),
    ],
)
def test_a_cut_that_cannot_be_is_refused(cut, time, message):
    with pytest.raises(ValueError, match=rf"^--cut.*{message}"):
        rows_before(Cut.of(cut), _table(time=time))
