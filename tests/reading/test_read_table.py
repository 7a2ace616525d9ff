# SPDX-License-Identifier: BSD-3-Clause
"""What ``read_table`` decides, asks, and tells."""

import json
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from ugly_tables import clean, text_of, write

from skseq import read_table
from skseq.reading._options import Options
from skseq.reading._order import _in_longest_run


def told(frame):
    return frame.attrs["read_table"]


def table(folder, *rows, names="stamp,flow", name="plant.csv"):
    return write(folder, [names, *rows], name)


def dated(folder, dates, name="plant.csv"):
    return table(folder, *(f"{d},{k}.5" for k, d in enumerate(dates)), name=name)


def days_of(frame):
    return frame["stamp"].dt.strftime("%m-%d").tolist()


# --- dates ----------------------------------------------------------------------------


def test_one_day_beyond_the_twelfth_decides_for_the_whole_column(tmp_path):
    dates = ["01/02/2026", "02/02/2026", "13/02/2026"]
    frame = read_table(dated(tmp_path, dates))
    assert days_of(frame) == ["02-01", "02-02", "02-13"]
    assert told(frame)["arguments"]["dayfirst"] is True


@pytest.mark.parametrize(
    ("form", "dayfirst"), [("%d.%m.%Y", True), ("%m/%d/%Y", False)]
)
def test_the_order_of_the_dates_decides_where_all_may_be_either(
    tmp_path, form, dayfirst
):
    days = pd.date_range("2026-04-08", periods=4).append(
        pd.date_range("2026-05-01", periods=6)
    )
    frame = read_table(dated(tmp_path, days.strftime(form)))
    assert (frame["stamp"].to_numpy() == days.to_numpy()).all()
    assert told(frame)["arguments"]["dayfirst"] is dayfirst


@pytest.mark.parametrize(
    "dates",
    [
        ["01/02/2026", "02/02/2026", "03/02/2026"],
        ["03.04.2026 10:00", "03.04.2026 11:00"],
    ],
)
def test_dates_that_may_be_either_in_either_order_are_asked_for(tmp_path, dates):
    path = dated(tmp_path, dates)
    with pytest.raises(ValueError, match=r"dayfirst=True or dayfirst=False"):
        read_table(path)
    first, second = (read_table(path, dayfirst=way) for way in (True, False))
    assert first["stamp"][0].strftime("%d/%m")[:5] == dates[0][:5].replace(".", "/")
    assert second["stamp"][0].strftime("%m/%d")[:5] == dates[0][:5].replace(".", "/")


def test_the_order_is_that_within_each_series(tmp_path):
    days = ["08.04.2026", "09.04.2026", "10.04.2026", "01.05.2026"]
    rows = [f"{d},{m},1" for m in "ab" for d in days]
    path = table(tmp_path, *rows, names="stamp,machine,flow")
    frame = read_table(path, group_by="machine")
    assert days_of(frame)[:4] == ["04-08", "04-09", "04-10", "05-01"]


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_no_day_is_followed_by_the_next_month(tmp_path, form):
    # Either way, the time goes on.
    times = pd.date_range("2026-01-01 22:00", periods=30, freq="10min")
    frame = read_table(dated(tmp_path, times.strftime(form)))
    assert (frame["stamp"].to_numpy() == times.to_numpy()).all()


@pytest.mark.parametrize("form", ["%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d %H%M%S"])
def test_dates_without_marks_are_dates(tmp_path, form):
    times = pd.date_range("2026-01-31 22:00", periods=30, freq="10min")
    frame = read_table(dated(tmp_path, times.strftime(form)))
    assert (frame["stamp"].to_numpy() == times.to_numpy()).all()


def test_whole_numbers_are_days_where_they_are_named_as_time_alone(tmp_path):
    times = pd.date_range("2026-01-25", periods=30, freq="1D")
    path = dated(tmp_path, times.strftime("%Y%m%d"))
    assert read_table(path)["stamp"].dtype == np.int64
    frame = read_table(path, time="stamp")
    assert (frame["stamp"].to_numpy() == times.to_numpy()).all()
    counted = read_table(dated(tmp_path, range(20260125, 20260155)), time="stamp")
    assert counted["stamp"].dtype == np.int64  # there is no 32nd of January


def test_the_same_day_and_month_ask_nobody(tmp_path):
    frame = read_table(dated(tmp_path, ["01.01.2026 10:00", "02.02.2026 10:00"]))
    assert days_of(frame) == ["01-01", "02-02"]
    assert "dayfirst" not in told(frame)["arguments"]


def test_a_column_of_both_orders_is_refused(tmp_path):
    path = dated(tmp_path, ["13/02/2026", "02/14/2026"])
    with pytest.raises(ValueError, match="'13/02/2026'.* day, and '02/14/2026'"):
        read_table(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-01T10:00:00.5", "2026-02-01 10:00:00.500"),
        ("2026-02-01 10:00:00,250", "2026-02-01 10:00:00.250"),
        ("2026/2/1 9:05", "2026-02-01 09:05"),
        ("20260201T1000", "2026-02-01 10:00"),
        ("01-Feb-2026 10:00", "2026-02-01 10:00"),
        ("Feb 1, 2026 10:00 PM", "2026-02-01 22:00"),
        ("31.12.26 23:59", "2026-12-31 23:59"),
    ],
)
def test_dates_in_many_spellings(tmp_path, text, expected):
    path = write(tmp_path, ["stamp;flow", f"{text};1", f"{text};2"])
    assert read_table(path)["stamp"].tolist() == [pd.Timestamp(expected)] * 2


def test_a_cell_that_is_no_date_is_named_with_the_parameter(tmp_path):
    path = dated(tmp_path, ["2026-01-01", "soon", "2026-01-02"])
    with pytest.raises(ValueError, match=r"'soon' in row 1\..* na_values=\['soon'\]"):
        read_table(path, time="stamp")


def test_numbers_may_be_the_time(tmp_path):
    path = write(tmp_path, ["t;flow", "0,5;1", "1,25;2"])
    frame = read_table(path, time="t")
    assert frame["t"].tolist() == [0.5, 1.25]


def test_no_time_is_looked_for_where_it_is_said_so(tmp_path):
    frame = read_table(dated(tmp_path, ["2026-01-01", "2026-01-02"]), time=False)
    assert frame["stamp"].tolist() == ["2026-01-01", "2026-01-02"]
    assert told(frame)["time"] is None


def test_a_date_and_a_clock_may_be_named(tmp_path):
    rows = [f"x,2026-01-0{k},1{k}:00,1" for k in (1, 2)]
    path = table(tmp_path, *rows, names="tag,day,clock,flow")
    frame = read_table(path, time=["day", "clock"])
    assert frame["day clock"].tolist() == [
        pd.Timestamp("2026-01-01 11:00"),
        pd.Timestamp("2026-01-02 12:00"),
    ]


# --- zones ----------------------------------------------------------------------------


def test_one_offset_is_kept(tmp_path):
    frame = read_table(
        dated(tmp_path, ["2026-01-01T10:00+02:00", "2026-01-01T11:00+02:00"])
    )
    assert frame["stamp"][0] == pd.Timestamp("2026-01-01 08:00", tz="UTC")
    assert frame["stamp"][0].hour == 10


def test_several_offsets_become_utc_and_it_is_noted(tmp_path):
    dates = ["2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00"]
    path = dated(tmp_path, dates)
    frame = read_table(path)
    assert frame["stamp"].dt.hour.tolist() == [0, 1]
    assert "several offsets: read as UTC" in told(frame)["notes"][0]
    local = read_table(path, tz="Europe/Berlin")
    assert local["stamp"].dt.hour.tolist() == [1, 3]


def test_times_with_and_without_an_offset_are_refused(tmp_path):
    path = dated(tmp_path, ["2026-01-01T10:00Z", "2026-01-01T11:00"])
    with pytest.raises(ValueError, match=r"without one: '2026-01-01T11:00' in row 1"):
        read_table(path)


def test_local_times_get_their_zone_over_the_hour_that_is_there_twice(tmp_path):
    stamps = pd.date_range("2026-10-25 00:00", periods=8, freq="30min", tz="UTC")
    local = stamps.tz_convert("Europe/Berlin").strftime("%Y-%m-%d %H:%M")
    frame = read_table(dated(tmp_path, local), tz="Europe/Berlin", time="stamp")
    assert (frame["stamp"] == stamps).all()


def test_a_zone_that_does_not_fit_is_told(tmp_path):
    path = dated(tmp_path, ["2026-03-29 02:30", "2026-03-29 03:30"])
    with pytest.raises(ValueError, match=r"tz='Europe/Berlin' does not fit .*'stamp'"):
        read_table(path, tz="Europe/Berlin")


# --- order ----------------------------------------------------------------------------

BACK = ["2026-01-01", "2026-01-02", "2026-01-05", "2026-01-03", "2026-01-04"]


def test_rows_out_of_order_are_an_error_that_names_both_ways_out(tmp_path):
    path = dated(tmp_path, BACK)
    with pytest.raises(
        ValueError, match="decreases in row 3: .*'sort'.*'drop'.*'group_by'"
    ):
        read_table(path, time="stamp")


def test_rows_out_of_a_time_that_was_only_found_are_noted(tmp_path):
    frame = read_table(dated(tmp_path, BACK))
    assert len(frame) == 5
    assert "decreases in row 3" in told(frame)["notes"][0]


def test_sort_puts_rows_in_order(tmp_path):
    frame = read_table(dated(tmp_path, BACK), time="stamp", out_of_order="sort")
    assert days_of(frame) == ["01-01", "01-02", "01-03", "01-04", "01-05"]
    assert frame["flow"].tolist() == [0.5, 1.5, 3.5, 4.5, 2.5]
    assert "Sorted by 'stamp'" in told(frame)["notes"][0]


def test_drop_leaves_out_the_fewest_rows(tmp_path):
    frame = read_table(dated(tmp_path, BACK), time="stamp", out_of_order="drop")
    assert days_of(frame) == ["01-01", "01-02", "01-03", "01-04"]
    assert "Dropped row 2: the fewest" in told(frame)["notes"][0]


def test_the_rows_that_stay_are_the_most_that_can():
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.integers(0, 6, size=rng.integers(1, 9))
        kept = _in_longest_run(values)
        masks = [
            [(m >> k) & 1 == 1 for k in range(len(values))]
            for m in range(2 ** len(values))
        ]
        most = max(sum(m) for m in masks if (np.diff(values[np.array(m)]) >= 0).all())
        assert (np.diff(values[kept]) >= 0).all()
        assert kept.sum() == most


def test_series_are_in_order_each_by_itself(tmp_path):
    rows = [f"2026-01-0{d},{m},1" for m in "ab" for d in (1, 2)]
    path = table(tmp_path, *rows, names="stamp,machine,flow")
    frame = read_table(path, time="stamp", group_by="machine")
    assert len(frame) == 4
    with pytest.raises(ValueError, match="decreases in row 2"):
        read_table(path, time="stamp")


def test_rows_without_a_time_are_told_or_dropped(tmp_path):
    path = dated(tmp_path, ["2026-01-01", "", "2026-01-02"])
    with pytest.raises(ValueError, match=r"no time in 1 of 3 rows; the first is row 1"):
        read_table(path, time="stamp")
    frame = read_table(path, time="stamp", out_of_order="drop")
    assert frame["flow"].tolist() == [0.5, 2.5]
    assert "Dropped row 1, without a time" in told(frame)["notes"][0]


def test_rows_that_are_there_twice_are_told_and_dropped_on_request(tmp_path):
    path = table(tmp_path, *["2026-01-01,1"] * 2, "2026-01-01,2")
    frame = read_table(path)
    assert len(frame) == 3
    assert "1 row that repeats another" in told(frame)["notes"][0]
    assert read_table(path, drop_duplicates=True)["flow"].tolist() == [1, 2]


# --- missing values -------------------------------------------------------------------


def with_words(folder):
    return table(
        folder,
        "1,2,run",
        "Bad Input,3,stop",
        "4,-,run",
        "-,5,run",
        "6,NaN,run",
        "7,8,run",
        names="flow,level,mode",
    )


def test_text_between_numbers_is_listed_with_the_argument_that_helps(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"'flow' is not numeric: beside 4 numbers it holds 'Bad Input' in row 1"
        r".*'-' \(2 times\), 'Bad Input' \(1 times\).*na_values=\['-', 'Bad Input'\]",
    ):
        read_table(with_words(tmp_path))


def test_text_that_is_said_to_be_missing_is(tmp_path):
    frame = read_table(with_words(tmp_path), na_values=["-", "Bad Input"])
    assert frame["flow"].isna().tolist() == [False, True, False, True, False, False]
    assert frame["level"].isna().tolist() == [False, False, True, False, True, False]
    assert frame["mode"].tolist() == ["run", "stop", "run", "run", "run", "run"]


def test_a_number_far_from_all_others_is_spoken_of(tmp_path):
    path = table(tmp_path, *(f"{x},{x}" for x in [1.5, 2, -9999, 3, 2.5]), names="a,b")
    frame = read_table(path)
    assert frame["a"].min() == -9999
    assert "'a' holds -9999 in 1 row, far from" in told(frame)["notes"][0]
    assert "na_values=[-9999]" in told(frame)["notes"][0]
    assert read_table(path, na_values=[-9999])["a"].isna().sum() == 1


def test_a_usual_number_is_not_spoken_of(tmp_path):
    path = table(tmp_path, *(f"{x}" for x in range(90, 110)), names="a,")
    assert told(read_table(path))["notes"] == []


def test_a_number_may_stand_for_missing_in_parquet_too(tmp_path):
    frame = clean()
    frame.loc[3, "flow"] = -999
    frame.to_parquet(tmp_path / "plant.parquet")
    again = read_table(tmp_path / "plant.parquet", na_values=-999)
    assert again["flow"].isna().sum() == 1


def test_a_comma_that_comes_late_is_told_with_the_parameter(tmp_path):
    rows = [*(str(k) for k in range(200_000)), '"3,5"']
    path = write(tmp_path, ["flow", *rows])
    with pytest.raises(ValueError, match=r"'3,5' in row 200000.* decimal=','"):
        read_table(path)


def test_numbers_that_may_be_thousands_or_decimals_are_asked_for(tmp_path):
    path = write(tmp_path, ["a\tb", "1,234\t5", "2,345\t6"])
    with pytest.raises(ValueError, match=r"decimal=',' or thousands=','"):
        read_table(path)
    assert read_table(path, decimal=",")["a"].tolist() == [1.234, 2.345]
    assert read_table(path, thousands=",")["a"].tolist() == [1234, 2345]


def test_units_are_kept(tmp_path):
    path = write(tmp_path, ["a;b", "bar;°C", "1;2", "3;4"])
    frame = read_table(path)
    assert told(frame)["units"] == {"a": "bar", "b": "°C"}
    assert frame["a"].tolist() == [1, 3]


def test_ids_and_modes_stay_text(tmp_path):
    path = table(tmp_path, "p1,auto,1", "p2,manual,2", names="machine,mode,flow")
    frame = read_table(path, group_by="machine")
    assert frame["machine"].tolist() == ["p1", "p2"]
    assert frame["mode"].tolist() == ["auto", "manual"]


def test_names_that_count_the_columns_are_names(tmp_path):
    path = write(tmp_path, ["0,1,2", "5.5,6,7", "8,9,10"])
    assert read_table(path).columns.tolist() == ["0", "1", "2"]
    assert len(read_table(path, header=False)) == 3


# --- files ----------------------------------------------------------------------------


def two_files(folder):
    for name in ("pump_1", "pump_2"):
        write(folder, text_of(), f"{name}.csv")
    (folder / "readme.md").write_text("no table")
    (folder / ".hidden.csv").write_text("no table")
    return folder


def test_files_of_a_folder_are_its_series(tmp_path):
    frame = read_table(two_files(tmp_path), time="stamp")
    assert frame["series"].unique().tolist() == ["pump_1", "pump_2"]
    assert told(frame)["group_by"] == "series"
    assert frame.equals(read_table([tmp_path / "pump_1.csv", tmp_path / "pump_2.csv"]))


def test_files_may_be_parts_of_one_table(tmp_path):
    for k in range(3):
        part = clean()[20 * k : 20 * k + 20]
        write(tmp_path, text_of(part, date="%d.%m.%Y %H:%M"), f"part_{k}.csv")
    frame = read_table(tmp_path, files="rows", time="stamp")
    pd.testing.assert_frame_equal(frame, clean(), check_dtype=False)


def test_files_of_other_columns_are_refused(tmp_path):
    write(tmp_path, text_of(), "a.csv")
    write(tmp_path, [line.replace("flow", "flux") for line in text_of()], "b.csv")
    with pytest.raises(ValueError, match=r"b.csv has other columns .*'flow', 'flux'"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: it has no rows"),
        (b"a,b\n", "is empty: it has no rows"),
        (b"a,b\n1,2\n3,4\n5,6,7\n8,9\n", "cannot be read: .*line 4.*sep=';'"),
        (b"\x89PNG\0\0\0\0\n\0", "cannot be read: it is no text"),
        (b"\xd0\xcf\x11\xe0\0\0", "workbook of before 2007"),
        (b"PAR1....", "cannot be read"),
        (b"\x1f\x8b\x08\0no gzip", "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_told(tmp_path, content, message):
    path = tmp_path / "plant.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(path)


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(ValueError, match="There is no file"):
        read_table(tmp_path / "plant.csv")
    with pytest.raises(ValueError, match="holds no table"):
        read_table(tmp_path)
    path = write(tmp_path, text_of())
    with pytest.raises(
        ValueError, match="'time': .* has no column 'when'. Its columns"
    ):
        read_table(path, time="when")
    with pytest.raises(ValueError, match="'group_by': .* has no column 'pump'"):
        read_table(path, group_by="pump")
    with pytest.raises(ValueError, match="'out_of_order' parameter .* Got 'sorted'"):
        read_table(path, out_of_order="sorted")


def test_the_encoding_can_be_named(tmp_path):
    path = write(tmp_path, ["Дата,flow", "2026-01-01,1"], encoding="cp1251")
    assert "Дата" in read_table(path, encoding="cp1251")
    with pytest.raises(ValueError, match="cannot be read: .* encoding='latin-1'"):
        read_table(path, encoding="utf-8")


def test_what_is_told_is_plain_data(tmp_path):
    frame = read_table(write(tmp_path, text_of()))
    assert json.loads(json.dumps(told(frame))) == told(frame)
    frame.to_parquet(tmp_path / "again.parquet")


def test_the_options_are_the_parameters():
    parameters = [*signature(read_table).parameters][1:]
    assert [*Options.__dataclass_fields__][:-1] == parameters
