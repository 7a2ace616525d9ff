# SPDX-License-Identifier: BSD-3-Clause
"""One small table, written in the many ways in which plants hand out tables."""

import gzip
import zipfile

import numpy as np
import pandas as pd

N_ROWS = 60


def clean():
    """What every one of the files holds: the days go beyond the twelfth."""
    rng = np.random.default_rng(0)
    stamp = pd.date_range("2026-02-10 22:00", periods=N_ROWS, freq="90min")
    flow = np.round(1500 + 300 * rng.normal(size=N_ROWS), 2)
    level = np.round(rng.normal(size=N_ROWS), 4)
    return pd.DataFrame({"stamp": stamp.as_unit("ns"), "flow": flow, "level": level})


def german(number):
    """1234.5 as 1.234,5."""
    return f"{number:,.4f}".translate(str.maketrans(",.", ".,"))


def text_of(frame=None, date="%Y-%m-%d %H:%M", number="{}".format, sep=","):
    """The names and the rows as lines."""
    frame = clean() if frame is None else frame
    rows = [
        [row.stamp.strftime(date), number(row.flow), number(row.level)]
        for row in frame.itertuples()
    ]
    return [sep.join(cells) for cells in [list(frame.columns), *rows]]


def write(folder, lines, name="plant.csv", encoding="utf-8", end="\n"):
    path = folder / name
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


def semicolons_and_commas(folder):
    def number(x):
        return str(x).replace(".", ",")

    lines = text_of(date="%d.%m.%Y %H:%M", number=number, sep=";")
    return write(folder, lines)


def fully_german(folder):
    lines = text_of(date="%d.%m.%Y %H:%M", number=german, sep=";")
    return write(folder, lines, encoding="cp1252", end="\r\n")


def month_first_with_am_and_pm(folder):
    return write(folder, text_of(date="%m/%d/%Y %I:%M %p"))


def quoted_thousands(folder):
    return write(folder, text_of(number='"{:,.4f}"'.format))


def apostrophes(folder):
    lines = text_of(sep=";", number=lambda x: f"{x:,.4f}".replace(",", "'"))
    return write(folder, lines)


def tabs_of_another_windows(folder):
    return write(folder, text_of(sep="\t"), "plant.txt", "utf-16", "\r\n")


def byte_order_mark(folder):
    return write(folder, text_of(), encoding="utf-8-sig")


def pipes(folder):
    return write(folder, text_of(sep="|"))


def blanks(folder):
    lines = text_of(date="%Y-%m-%dT%H:%M", sep="   ")
    return write(folder, [f"  {line}  " for line in lines], "plant.dat")


def units_below_the_names(folder):
    first, *rows = text_of(sep=";")
    return write(folder, [first, ";m³/h;°C", *rows], encoding="cp1252")


def a_preamble(folder):
    above = ["Historian export", "Server;P01", "", "Tags: 2"]
    return write(folder, [*above, *text_of(sep=";")])


def comments(folder):
    first, second, *rows = text_of()
    return write(folder, ["# by logger 7", first, second, "# restart", *rows])


def a_mark_at_each_end(folder):
    return write(folder, [f"{line};" for line in text_of(sep=";")])


def numbered_rows_without_a_name(folder):
    first, *rows = text_of()
    return write(folder, [first, *(f"{k},{row}" for k, row in enumerate(rows))])


def without_names(folder):
    return write(folder, text_of()[1:])


def a_date_and_a_clock(folder):
    first, *rows = text_of(date="%d.%m.%Y;%H:%M", sep=";")
    return write(folder, [first.replace("stamp", "day;clock"), *rows])


def a_blank_line_and_blanks_around(folder):
    lines = text_of(sep=" , ")
    return write(folder, ["", lines[0], "", *lines[1:], "", ""])


def units_in_the_cells(folder):
    return write(folder, text_of(number="{} bar".format, sep=";"))


def packed_by_gzip_under_a_wrong_name(folder):
    path = folder / "plant.csv"
    path.write_bytes(gzip.compress("\n".join(text_of()).encode()))
    return path


def packed_by_zip(folder):
    path = folder / "plant.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("export/plant.csv", "\n".join(text_of()))
        archive.writestr("__MACOSX/export/._plant.csv", b"\0")
    return path


def parquet_with_an_index(folder):
    clean().set_index("stamp").to_parquet(folder / "plant.parquet")
    return folder / "plant.parquet"


def a_workbook(folder):
    frame = clean().astype(object)
    above = pd.DataFrame([["Export", None, None], [None] * 3], columns=frame.columns)
    names = pd.DataFrame([list(frame.columns)], columns=frame.columns)
    sheet = pd.concat([above, names, frame])
    sheet.to_excel(folder / "plant.xlsx", index=False, header=False)
    return folder / "plant.xlsx"


# Each with words of what is told to have been assumed.
UGLY = {
    semicolons_and_commas: "separator ';', decimal ',', utf-8, .*dates day first",
    fully_german: "separator ';', decimal ',', thousands '.', utf-8, .*day first",
    month_first_with_am_and_pm: "separator ',', .*dates month first",
    quoted_thousands: "decimal '.', thousands ','",
    apostrophes: 'thousands "\'"',
    tabs_of_another_windows: "separator a tab, .*utf-16",
    byte_order_mark: "utf-8-sig",
    pipes: r"separator '\|'",
    blanks: "separator blanks",
    units_below_the_names: "cp1252, a row of units",
    a_preamble: "3 lines above the table",
    comments: "comments after '#'",
    a_mark_at_each_end: "separator ';'",
    numbered_rows_without_a_name: "separator ','",
    without_names: "no header",
    a_date_and_a_clock: "time 'day clock', dates day first",
    a_blank_line_and_blanks_around: "separator ','",
    units_in_the_cells: "separator ';'",
    packed_by_gzip_under_a_wrong_name: "separator ','",
    packed_by_zip: "separator ','",
    parquet_with_an_index: "time 'stamp'",
    a_workbook: "2 lines above the table|1 line above the table",
}
