# SPDX-License-Identifier: BSD-3-Clause
"""The command line reads what ``read_table`` reads, and says it in its own words."""

import io
import json
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from make import leave_out_pictures
from typer.testing import CliRunner
from ugly_tables import UGLY, a_workbook, clean, text_of, write

from skseq.cli import _main as cli
from skseq.cli._options import option, reading
from skseq.datasets import make_process_faults

FAST = ["--model", "pca"]


def run(*arguments):
    runner = CliRunner(env={"COLUMNS": "100"})
    return runner.invoke(cli.app, [str(argument) for argument in arguments])


def plant(path, **settings):
    """A labelled table as a plant exports it."""
    X, y = make_process_faults(
        600, 3, fault_rate=0.1, event_length=6, precursor_length=5, random_state=0
    )
    X.assign(alarm=y).to_csv(path, index=False, **settings)
    return X


# --- detect ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def detected(tmp_path_factory):
    """A run on two files with semicolons, its scores, and the table of each."""
    folder = tmp_path_factory.mktemp("detected")
    files = [folder / "a.csv", folder / "b.csv"]
    for path in files:
        table = plant(path, sep=";", decimal=",", date_format="%d.%m.%Y %H:%M")
    with pytest.MonkeyPatch.context() as patch:
        leave_out_pictures(patch)
        result = run("detect", *files, "--label", "alarm", "--out", folder / "o", *FAST)
    assert result.exit_code == 0, result.stderr
    scores = pd.read_csv(folder / "o" / "scores.csv", parse_dates=["timestamp"])
    return result.stdout, scores, table


def test_detect_reads_semicolons_decimal_commas_and_days_first(detected):
    output, scores, table = detected
    assert "separator ';', decimal ',', utf-8, time 'timestamp', dates day first" in (
        output.replace("\n", " ")
    )
    for _, of_file in scores.groupby("series"):
        expected = table["timestamp"].dt.floor("min")[-len(of_file) :]
        assert (of_file["timestamp"].to_numpy() == expected.to_numpy()).all()


def test_detect_takes_files_as_series(detected):
    _, scores, _ = detected
    assert scores["series"].value_counts().to_dict() == {"a": 240, "b": 240}


def test_the_line_that_detect_prints_reads_the_next_file_of_the_kind(tmp_path):
    path, out = tmp_path / "plant.csv", tmp_path / "o"
    table = clean()
    table["flow"] = table["flow"].astype(object).where(table.index != 7, "n/m")
    table["shift"] = "early"
    at = table.pop("stamp").dt
    table.insert(0, "day", at.strftime("%d.%m.%Y"))
    table.insert(1, "clock", at.strftime("%H:%M:%S"))
    table.to_csv(path, sep=";", decimal=",", index=False)
    arguments = ["--na", "n/m", "--exclude", "shift", "--model", "pca"]
    result = run("detect", path, *arguments, "--out", out)
    assert result.exit_code == 0, result.stderr
    line = json.loads((out / "detect.json").read_text())["score"]
    assert line.partition("new.csv ")[2] == (
        "--sep=';' --decimal=, --time=day --time=clock --dayfirst --na=n/m "
        "--ignore=shift"
    )
    _, *arguments = shlex.split(line.replace("new.csv", str(path)))
    again = run(*arguments)
    assert again.exit_code == 0, again.stderr
    live = pd.read_csv(io.StringIO(again.stdout)).set_index("row")
    scores = pd.read_csv(out / "scores.csv").set_index("row")
    assert (live.loc[scores.index, "day clock"] == scores["day clock"]).all()
    np.testing.assert_allclose(live["score"][scores.index], scores["score"], rtol=1e-5)


@pytest.mark.parametrize("name", ["scores.csv", "score.png", "report.html"])
def test_detect_does_not_write_over_what_it_reads(tmp_path, name):
    path = tmp_path / name
    plant(path)
    before = path.read_bytes()
    result = run("detect", path, "--label", "alarm", "--out", tmp_path, *FAST)
    assert result.exit_code == 2
    assert "is read, and would be written over. Name another folder" in result.stderr
    assert path.read_bytes() == before


def test_detect_does_not_write_over_what_it_reads_by_another_name(tmp_path):
    plant(tmp_path / "plant.csv")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "scores.csv").symlink_to(tmp_path / "plant.csv")
    source = ["detect", tmp_path / "plant.csv", "--label", "alarm"]
    result = run(*source, "--out", tmp_path / "out", *FAST)
    assert "would be written over" in result.stderr
    page = ["--out", tmp_path / "new", "--report", tmp_path / "plant.csv"]
    assert "would be written over" in run(*source, *page, *FAST).stderr


def test_detect_does_not_write_among_the_tables_of_a_folder(tmp_path):
    plant(tmp_path / "plant.csv")
    result = run("detect", tmp_path, "--label", "alarm", "--out", tmp_path, *FAST)
    assert result.exit_code == 2
    assert "beside the tables that are read" in result.stderr


# --- words ----------------------------------------------------------------------------


def shuffled(folder):
    lines = text_of()
    return write(folder, [lines[0], *lines[3:5], *lines[1:3], *lines[5:]])


def both_orders(folder):
    return write(folder, ["stamp,flow", "01/02/2026,1", "02/02/2026,2"])


def bad_words(folder):
    return write(folder, ["flow", "1", "2", "3", "Bad Input", "-"])


def either_mark(folder):
    return write(folder, ["a\tb", "1,234\t5", "2,345\t6"])


@pytest.mark.parametrize(
    ("make", "arguments", "message", "remedy"),
    [
        (bad_words, [], "'Bad Input' in row 3", ["--na=Bad Input", "--na", "-"]),
        (both_orders, [], "day or with the month", ["--dayfirst"]),
        (both_orders, [], "day or with the month", ["--monthfirst"]),
        (either_mark, [], "1,234", ["--decimal=,"]),
        (either_mark, [], "1,234", ["--thousands=,"]),
    ],
)
def test_a_complaint_names_the_option_that_helps(
    tmp_path, make, arguments, message, remedy
):
    path = make(tmp_path)
    result = run("inspect", path, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert remedy[0].replace("=", "='" if " " in remedy[0] else "=") in result.stderr
    helped = run("inspect", path, *arguments, *remedy)
    assert helped.exit_code == 0, helped.output


@pytest.mark.parametrize("remedy", ["--sort", "--drop-late"])
def test_rows_out_of_order_are_mended_as_the_complaint_says(tmp_path, remedy):
    path = shuffled(tmp_path)
    table = ["detect", path, "--label", "flow", "--out", tmp_path / "out"]
    result = run(*table)
    assert result.exit_code == 2
    assert "'stamp' decreases in row 2" in result.stderr
    assert remedy in result.stderr
    assert "decreases in row 2" in run("inspect", path, "--time", "stamp").stdout
    shown = run("inspect", path, remedy).stdout
    assert {"--sort": "Sorted by", "--drop-late": "Dropped rows 0, 1"}[remedy] in shown


def test_sort_and_drop_late_exclude_each_other(tmp_path):
    result = run("inspect", write(tmp_path, text_of()), "--sort", "--drop-late")
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr


def test_every_parameter_has_its_option():
    help_text = run("inspect", "--help").stdout
    for name in reading(time=None, group_by=None).__dataclass_fields__:
        if name not in {"out_of_order", "files", "say"}:
            words = option(name, True if name in {"header", "units"} else None)
            assert words[:18] in help_text, name


# --- inspect --------------------------------------------------------------------------


@pytest.mark.parametrize("make", UGLY, ids=lambda make: make.__name__)
def test_inspect_tells_of_every_ugly_file(tmp_path, make):
    if make is a_workbook:
        pytest.importorskip("openpyxl")
    result = run("inspect", make(tmp_path))
    assert result.exit_code == 0, result.output
    assert "60 rows" in result.stdout
    assert "2026-02-10 22:00:00 to 2026-02-14 14:30:00" in result.stdout
    assert "step 1.5h (median)" in result.stdout
    assert result.stdout.count("good") == 2
    assert "Suggested window: 5 rows, 7.5h" in result.stdout


@pytest.fixture
def fleet(tmp_path):
    """Two machines, with a column for each grade, a gap and a row of equal time."""
    rows = np.arange(2000)
    frame = pd.DataFrame(
        {
            "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(rows // 2, "min"),
            "machine": np.tile(["a", "b"], 1000),
            "wave": np.sin(2 * np.pi * (rows // 2) / 25),
            "flow": np.random.default_rng(0).normal(size=2000).round(4),
            "rows": rows,
            "valve": 1,
            "fault": (rows > 1900).astype(int),
        }
    )
    frame.loc[1000:, "at"] += pd.Timedelta("3h")
    frame.loc[3, "at"] = frame.loc[1, "at"]
    frame.to_csv(tmp_path / "fleet.csv", index=False)
    return tmp_path / "fleet.csv"


def test_inspect_finds_the_name_of_the_series_by_the_time(fleet, tmp_path):
    """Mixed in time, and one after the other; not where the time rises anyway."""
    known = run("inspect", fleet, "--group-by", "machine").stdout
    mixed = run("inspect", fleet).stdout
    assert "The time rises within each 'machine'" in mixed
    assert mixed.splitlines()[-1] == known.splitlines()[-1]
    frame = pd.read_csv(fleet).sort_values("machine", kind="stable")
    frame.to_csv(tmp_path / "stacked.csv", index=False)
    stacked = run("inspect", tmp_path / "stacked.csv").stdout
    assert "The time rises within each 'machine'" in stacked
    assert "--label fault" in stacked
    frame[frame["machine"] == "a"].to_csv(tmp_path / "one.csv", index=False)
    one = run("inspect", tmp_path / "one.csv").stdout
    assert "rises within" not in one
    assert "--group-by" not in one


def test_inspect_tells_of_time_series_and_sensors(fleet):
    result = run("inspect", fleet, "--group-by", "machine")
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert "step 1min (median), 1 rows of the time of the row before" in text
    assert "2 gaps of more than 5 steps, the longest 3.017h before row 1000" in text
    assert "Series 'machine': 2, of 1000 to 1000 rows" in text
    for name, grade in {
        "wave": "good",
        "flow": "good",
        "rows": "counter",
        "valve": "constant",
        "fault": "looks like the label",
    }.items():
        assert re.search(rf"^{name} .*% .* {grade} *$", text, re.M), name
    assert "Suggested window: 25 rows, 25min" in text
    assert "--group-by machine --window 25 --max-gap 5min --out results" in text


def test_inspect_takes_the_length_of_events_into_account(fleet):
    result = run("inspect", fleet, "--group-by", "machine", "--label", "fault")
    assert "Suggested window: 50 rows" in result.stdout
    assert "--label fault" in result.stdout


def test_inspect_of_a_table_without_a_feature_says_so(tmp_path):
    result = run("inspect", write(tmp_path, ["mode", "auto", "manual", "auto"]))
    assert result.exit_code == 0, result.output
    assert "No time" in result.stdout
    assert "No column is fit to be a feature" in result.stdout


def test_inspect_writes_nothing(tmp_path):
    path = write(tmp_path, text_of())
    run("inspect", path)
    assert [p.name for p in tmp_path.iterdir()] == ["plant.csv"]
    assert len(clean()) == 60


# --- at once --------------------------------------------------------------------------


def test_the_version_is_shown():
    import skseq

    assert run("--version").stdout == f"skseq {skseq.__version__}\n"


ANSWERED_AT_ONCE = {
    "help": ["--help"],
    "of detect": ["detect", "--help"],
    "of score": ["score", "--help"],
    "a file that is not there": ["detect", "no.csv", "--label", "y", "--out", "o"],
    "no such label": ["detect", "plant.csv", "--label", "y", "--out", "o"],
    "no such time": [
        *("detect", "plant.csv", "--time", "y", "--label", "flow", "--out", "o"),
    ],
    "a model that is not there": ["score", "gone.skseq"],
    "a file to inspect that is not there": ["inspect", "gone.csv"],
    "no table to inspect": ["inspect", "note", "--sort", "--drop-late"],
    "a threshold that is none": ["detect", "note", "--out", "o", "--threshold", "f3"],
}
# Each in a fork of a process that has loaded the command line, and nothing else.
LOADED = """
import io, json, os, sys
from skseq.cli import main

def loaded(arguments):
    read, write = os.pipe()
    if not os.fork():
        sys.argv[1:] = arguments
        sys.stdout = sys.stderr = io.StringIO()
        try:
            main()
        except SystemExit as end:
            modules = {name.split(".")[0] for name in sys.modules}
            os.write(write, " ".join([str(end.code), *modules]).encode())
        os._exit(0)
    os.close(write)
    with open(read) as pipe:
        return pipe.read().split()

print(json.dumps([loaded(arguments) for arguments in json.loads(sys.argv[1])]))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The exit code of each answer, and what is loaded after it."""
    folder = tmp_path_factory.mktemp("loaded")
    write(folder, text_of())
    (folder / "note").write_text("flow,head")
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps([*ANSWERED_AT_ONCE.values()])],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(ANSWERED_AT_ONCE, json.loads(done.stdout), strict=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs in forks")
@pytest.mark.parametrize("name", ANSWERED_AT_ONCE)
def test_help_and_complaints_wait_for_no_large_package(loaded, name):
    code, *modules = loaded[name]
    assert code == ("0" if "--help" in ANSWERED_AT_ONCE[name] else "2")
    modules = {*modules}
    assert "typer" in modules
    assert not modules & {
        *("tensorflow", "keras", "plotly", "sklearn", "scipy", "matplotlib"),
    }
    if "plant.csv" not in ANSWERED_AT_ONCE[name]:
        assert "pandas" not in modules
