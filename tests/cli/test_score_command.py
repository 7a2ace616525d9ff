# SPDX-License-Identifier: BSD-3-Clause
"""``skseq score`` writes a score for each line it reads."""

import io
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import typer
from numpy.testing import assert_allclose
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from skseq import DetectorCommittee, EachTimeStep, PCAAutoencoder, SlidingWindow
from skseq.cli._main import app as whole
from skseq.cli._score import score
from skseq.persistence import save

app = typer.Typer()
app.command()(score)

# Ends as Python ends it, with what is still to be written: first in a fork with a full
# disk for its output, of which the complaint and the exit code are written to a file.
ENDING = """
import os, sys, typer, warnings
from skseq.cli._score import score
from skseq.streaming._scorer import StreamScorer  # loaded once for both

model, rows, complaint = sys.argv[1:]
sys.argv[2:] = []
if sys.platform == "linux":
    with open(complaint, "w") as file:
        with warnings.catch_warnings(action="ignore"):  # libraries have threads
            child = os.fork()
        if not child:
            os.dup2(os.open(rows, os.O_RDONLY), 0)
            os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
            os.dup2(file.fileno(), 2)
            typer.run(score)
        file.write(str(os.waitstatus_to_exitcode(os.wait()[1])))
typer.run(score)
"""


def run(text, *arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], input=text)


@pytest.fixture(scope="module")
def model(sensors, tmp_path_factory):
    """File of a pipeline, the pipeline, and rows after its training rows."""
    frame = sensors[0].reset_index(drop=True)
    frame["sensor_id"] = frame["sensor_id"].map(
        {"a": "1", "b": "2", "c": "x", "d": "y"}
    )
    slider = SlidingWindow(4, group_by="sensor_id", time="timestamp", max_gap="1h")
    pipeline = make_pipeline(slider, EachTimeStep(StandardScaler()), PCAAutoencoder(2))
    pipeline.fit(frame[:140])
    path = tmp_path_factory.mktemp("model") / "pump.skseq"
    save(pipeline, path)
    return path, pipeline, frame[140:].reset_index(drop=True)


def read(output):
    return pd.read_csv(io.StringIO(output))


@pytest.mark.parametrize("follow", [[], ["--follow"]])
def test_the_scores_are_those_of_the_table(model, follow):
    path, pipeline, rows = model
    text = rows.assign(flow=rows["flow"].where(rows.index != 7)).to_csv(index=False)
    result = run(text, path, *follow, "--no-explain")
    assert result.exit_code == 0, result.stderr
    scores = read(result.stdout)
    assert scores.columns.tolist() == ["row", "score", "alarm"]
    assert scores["row"].tolist() == rows.index.tolist()
    rows = rows.assign(flow=rows["flow"].where(rows.index != 7))
    assert_allclose(scores["score"], pipeline.score_samples(rows), rtol=1e-6)
    assert scores["alarm"].tolist() == (pipeline.predict(rows) == -1).tolist()


class OneByOne(io.RawIOBase):
    """Lines, and what was written when each of them was asked for."""

    def __init__(self, lines, written):
        self._lines, self._written = iter(lines), written
        self.seen = []

    def readable(self):
        return True

    def readinto(self, buffer):
        self.seen.append(self._written.getvalue().decode())
        line = next(self._lines, "").encode()
        buffer[: len(line)] = line
        return len(line)


def test_each_line_is_scored_before_the_next_one_comes(model, monkeypatch):
    path, _, rows = model
    written = io.BytesIO()
    lines = OneByOne(rows[:3].to_csv(index=False).splitlines(keepends=True), written)
    # Both have buffers, as where they are pipes.
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(lines)))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BufferedWriter(written)))
    app([str(path), "--follow", "--no-explain"], standalone_mode=False)
    assert lines.seen[:2] == ["", "row,score,alarm\n"]
    for k, seen in enumerate(lines.seen[2:]):
        assert re.fullmatch(rf"(.*\n){{{k + 1}}}{k},.*\n", seen)
    assert len(lines.seen) == 5


@pytest.fixture(scope="module")
def ended(model, tmp_path_factory):
    """How it ends where nobody reads its output, and where the disk is full."""
    path, _, rows = model
    folder = tmp_path_factory.mktemp("ended")
    text = rows.to_csv(index=False)
    (folder / "rows.csv").write_text(text)
    read_end, write_end = os.pipe()
    os.close(read_end)
    nobody_reads = subprocess.run(
        [sys.executable, "-c", ENDING, path, folder / "rows.csv", folder / "complaint"],
        input=text,
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(write_end)
    return nobody_reads, folder / "complaint"


def test_a_reader_that_leaves_ends_it_without_a_complaint(ended):
    nobody_reads, _ = ended
    assert nobody_reads.returncode == 1
    assert nobody_reads.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_scores_that_do_not_fit_on_a_disk_end_with_one_line(ended):
    _, complaint = ended
    expected = "Error: [Errno 28] No space left on device: 'standard output'\n2"
    assert complaint.read_text() == expected


BAD_LINES = {
    "1,2024-03-01 00:00:00,n/m,1.0": "'flow' .*could not convert 'n/m'",
    "1,2024-03-01 00:00:00,1.0": "it has 3 cells, but the header names 4",
    "1,,1.0,1.0": "'time' of row 0 is missing",
    "1,2023-03-01 00:00:00,1.0,1.0": "comes late",
    "1,2024-03-01 00:00:00,inf,1.0": "infinity",
}


@pytest.mark.parametrize("follow", [[], ["--follow"]])
@pytest.mark.parametrize("bad", BAD_LINES)
def test_a_bad_line_is_named_and_stops_or_is_skipped(model, bad, follow):
    path, pipeline, rows = model
    lines = rows.to_csv(index=False).splitlines()
    text = "\n".join([*lines[:9], "", bad, *lines[9:], ""])
    stopped = run(text, path, *follow)
    assert stopped.exit_code == 2
    assert stopped.stdout.count("\n") == 9
    assert stopped.stderr.count("\n") == 1
    assert re.search(f"line 11: .*{BAD_LINES[bad]}", stopped.stderr)

    skipped = run(text, path, *follow, "--on-error", "skip")
    assert skipped.exit_code == 0
    assert skipped.stderr == stopped.stderr
    scores = read(skipped.stdout)["score"]
    assert np.isnan(scores[8])
    assert_allclose(scores.drop(8), pipeline.score_samples(rows), rtol=1e-6)


def test_a_late_row_can_be_dropped(model):
    path, pipeline, rows = model
    text = pd.concat([rows[:8], rows[:4], rows[8:]]).to_csv(index=False)
    result = run(text, path, "--on-late", "drop")
    assert result.exit_code == 0
    assert re.fullmatch(r"Warning: 4 row\(s\) .* came late.*\n", result.stderr)
    scores = read(result.stdout)["score"]
    assert scores[8:12].isna().all()
    assert_allclose(scores.dropna(), pipeline.score_samples(rows), rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Standard input is empty"),
        ("sensor_id,timestamp,flow\n", "no 'pressure', a column seen in fit"),
    ],
)
def test_a_header_that_is_wrong_ends_with_one_line(model, text, message):
    result = run(text, model[0])
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_file_that_is_no_model_ends_with_one_line(tmp_path):
    (tmp_path / "pump.skseq").write_bytes(b"nothing")
    for name in ("pump.skseq", "none.skseq"):
        result = run("a\n1\n", tmp_path / name)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1


def test_what_is_no_model_is_told_in_words(tmp_path):
    other = tmp_path / "other.skseq"
    other.write_text("flow,head")
    gone = tmp_path / "gone.skseq"
    words = {other: "not a zip file", gone: "There is no file", tmp_path: "not a reg"}
    for path, said in words.items():
        result = run("", path)
        assert result.exit_code == 2
        assert said in result.stderr


def test_a_type_that_is_not_trusted_is_named_with_its_option(tmp_path):
    path, rows = tmp_path / "forest.skseq", tmp_path / "rows.csv"
    table = np.random.default_rng(0).normal(size=(60, 2))
    forest = IsolationForest(n_estimators=5, random_state=0)
    pipe = make_pipeline(SlidingWindow(3), DetectorCommittee([("forest", forest)]))
    tree = "sklearn.tree._tree.Tree"
    save(pipe.fit(table), path, trusted=[tree])
    pd.DataFrame(table).to_csv(rows, index=False)
    expected = (
        f"Error: {path} holds {tree}, which is not trusted. If you trust who wrote "
        f"the file, add --trust {tree}.\n"
    )
    report = CliRunner().invoke(whole, ["report", str(path), str(rows)])
    for result in (run("", path, rows), report):
        assert (result.exit_code, result.stderr) == (2, expected)
    assert run("", path, rows, "--trust", tree).exit_code == 0


def test_a_model_of_an_array_takes_the_columns_in_order(tmp_path, table):
    X = table[0]
    pipeline = make_pipeline(SlidingWindow(3), PCAAutoencoder(2)).fit(X[:200])
    save(pipeline, tmp_path / "pump.skseq")
    text = pd.DataFrame(X[200:], columns=["p", "q"]).to_csv(index=False)
    scores = read(run(text, tmp_path / "pump.skseq").stdout)["score"]
    assert_allclose(scores, pipeline.score_samples(X[200:]), rtol=1e-6)
    assert run("p\n1\n", tmp_path / "pump.skseq").exit_code == 2


def test_lines_have_time_series_and_the_features_that_add_most(model):
    path, pipeline, rows = model
    rows = rows[:12]
    result = run(rows.to_csv(index=False), path)
    assert result.exit_code == 0, result.stderr
    scores = read(result.stdout)
    features = ["feature_1", "feature_2", "feature_3"]
    assert scores.columns.tolist() == [
        *("row", "timestamp", "sensor_id", "score", "alarm"),
        *features,
    ]
    assert scores["sensor_id"].tolist() == rows["sensor_id"].tolist()
    times = pd.to_datetime(scores["timestamp"])
    assert (times.to_numpy() == rows["timestamp"].to_numpy()).all()
    assert_allclose(scores["score"], pipeline.score_samples(rows), rtol=1e-6)
    windows = pipeline[:2].transform(rows)
    shares = pipeline[2].explain(windows)
    expected = shares.columns.to_numpy()[np.argsort(-shares.to_numpy(), axis=1)]
    n = min(3, shares.shape[1])
    np.testing.assert_array_equal(scores[features[:n]], expected[:, :n])


PLANT = {"sep": ";", "decimal": ",", "date_format": "%d.%m.%Y %H:%M:%S"}


def test_lines_are_read_as_they_are_said_to_be_written(model):
    path, pipeline, rows = model
    text = rows.to_csv(index=False, **PLANT)
    result = run(text, path, "--sep", ";", "--decimal", ",", "--dayfirst")
    assert result.exit_code == 0, result.stderr
    expected = pipeline.score_samples(rows)
    assert_allclose(read(result.stdout)["score"], expected, rtol=1e-6)


def test_no_line_tells_by_itself_what_is_the_day(model):
    path, _, rows = model
    result = run(rows.to_csv(index=False, date_format="%d/%m/%Y %H:%M"), path)
    assert result.exit_code == 2
    assert re.search("line 2: .*Say so: --dayfirst or --monthfirst", result.stderr)


def test_a_table_is_read_as_it_is_written(model, tmp_path):
    path, pipeline, rows = model
    table = tmp_path / "new.csv"
    table.write_text(rows.assign(note="x").to_csv(index=False, **PLANT))
    refused = run("", path, table)
    assert refused.exit_code == 2
    assert "'note', which was not there in fit" in refused.stderr
    result = run("", path, table, "--ignore", "note")
    assert result.exit_code == 0, result.stderr
    scores = read(result.stdout)
    assert_allclose(scores["score"], pipeline.score_samples(rows), rtol=1e-6)
    times = pd.to_datetime(scores["timestamp"])
    assert (times.to_numpy() == rows["timestamp"].to_numpy()).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sort"], "--sort is for files"),
        (["--tz", "UTC"], "--tz is for files"),
        (["--sep", "ab"], "--sep: one character .* Got 'ab'"),
        (["no.csv"], "There is no file no.csv"),
    ],
)
def test_options_that_cannot_be_followed_are_refused(model, arguments, message):
    result = run("a\n", model[0], *arguments)
    assert result.exit_code == 2
    assert re.search(message, result.stderr)


def test_files_are_not_followed(model):
    result = run("", model[0], model[0], "--follow")
    assert result.exit_code == 2
    assert "--follow is for lines of standard input" in result.stderr


def test_a_row_without_a_score_is_not_explained(model):
    path, _, rows = model
    dead = rows.columns.difference(["sensor_id", "timestamp"])
    text = rows[:1].assign(**dict.fromkeys(dead)).to_csv(index=False)
    twice = text + text.splitlines()[1].replace("2024", "1999") + "\n"
    result = run(twice, path, "--on-late", "drop")
    last = result.stdout.splitlines()[-1].split(",")
    assert last[3:] == [""] * 5
