# SPDX-License-Identifier: BSD-3-Clause
"""What loggers write: ``skseq score --follow`` loses a line, never the rest."""

import io

import numpy as np
import pandas as pd
import pytest
import typer
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

from skseq import PCAAutoencoder, SlidingWindow
from skseq.cli._score import score
from skseq.persistence import save

app = typer.Typer()
app.command()(score)


def run(text, *arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], input=text)


def read(result):
    assert result.exit_code == 0, result.stderr
    return pd.read_csv(io.StringIO(result.stdout))["score"]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=["flow", "head"]).round(3)
    frame["pump"] = np.tile(["p 1", "p 2"], 30)
    frame["at"] = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.arange(60), "min")
    return frame


@pytest.fixture(scope="module")
def model(frame, tmp_path_factory):
    """A file, its pipeline, and the lines of later rows."""
    slider = SlidingWindow(3, group_by="pump", time="at", max_gap="1h")
    pipeline = make_pipeline(slider, PCAAutoencoder(2)).fit(frame[:30])
    path = tmp_path_factory.mktemp("model") / "pump.skseq"
    save(pipeline, path)
    text = frame[30:].to_csv(index=False)
    return path, pipeline, text.splitlines(keepends=True)


FOLLOWED = [["--follow"], []]


@pytest.mark.parametrize("options", FOLLOWED)
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('.1,".2,p 1,2026-03-01 00:59:00\n', "unexpected end of data"),
        ('.1,"2"3,p 1,2026-03-01 00:59:00\n', "expected after"),
        ("\0\0\0\0.1,.2,p 1,2026-03-01 00:59:00\n", "bytes of 0"),
        ("1_0,.2,p 1,2026-03-01 00:59:00\n", "could not convert '1_0'"),
        ("\uff11,.2,p 1,2026-03-01 00:59:00\n", "could not convert '\uff11'"),
        (".1,.2,p 1\n", "it has 3 cells"),
        (".1,.2,p 1,2026-03-01 00:59:00,9\n", "it has 5 cells"),
        (".1,.2\r.3,.4,p 1,2026-03-01 00:59:00\n", "carriage return"),
    ],
)
def test_a_line_that_cannot_be_read_costs_that_line_alone(
    model, frame, line, message, options
):
    path, pipeline, lines = model
    text = "".join([*lines[:9], line, *lines[9:]])
    result = run(text, path, "--on-error", "skip", *options)
    assert result.stderr.startswith("Error: line 10: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    scores = read(result)
    assert np.isnan(scores[8])
    expected = pipeline.score_samples(frame[30:])
    assert_allclose(scores.drop(8), expected, rtol=1e-6)
    stopped = run(text, path, *options)
    assert stopped.exit_code == 2
    assert message in stopped.stderr


def test_bytes_that_are_no_text_cost_their_line(model, frame):
    path, pipeline, lines = model
    content = "".join(lines).encode()
    content = content.replace(b"\n", b"\n\xff\xfe,1,p 1,now\n", 1)
    scores = read(run(content, path, "--follow", "--on-error", "skip"))
    assert_allclose(scores.drop(0), pipeline.score_samples(frame[30:]), rtol=1e-6)


def test_a_last_line_that_was_cut_off_is_not_scored_when_following(model):
    path, _, lines = model
    text = "".join(lines).rstrip("\n")[:-1]  # 00:59:0 is a time, too
    result = run(text, path, "--follow", "--on-error", "skip")
    assert "line 31: it has no end: it was cut off" in result.stderr
    assert np.isnan(read(result).iloc[-1])
    whole = read(run("".join(lines).rstrip("\n"), path))  # a file may lack it
    assert np.isfinite(whole).all()


@pytest.mark.parametrize("options", FOLLOWED)
def test_a_header_in_the_middle_is_passed_over(model, frame, options):
    path, pipeline, lines = model
    text = "".join([*lines[:9], lines[0], *lines[9:]])
    result = run(text, path, *options)
    assert result.stderr == ""
    assert_allclose(read(result), pipeline.score_samples(frame[30:]), rtol=1e-6)


@pytest.mark.parametrize("options", FOLLOWED)
def test_a_header_in_another_order_tells_what_follows(model, frame, options):
    path, pipeline, lines = model
    later = frame[38:][["at", "pump", "head", "flow"]].to_csv(index=False)
    result = run("".join(lines[:9]) + later, path, *options)
    assert result.stderr == "Note: the columns go on in another order.\n"
    assert_allclose(read(result), pipeline.score_samples(frame[30:]), rtol=1e-6)


@pytest.mark.parametrize("options", FOLLOWED)
def test_lines_of_windows_end_as_others_do(model, frame, options):
    path, pipeline, lines = model
    text = "\ufeff" + "".join(lines).replace("\n", "\r\n")
    scores = read(run(text, path, *options))
    assert_allclose(scores, pipeline.score_samples(frame[30:]), rtol=1e-6)


def test_cells_with_quotes_and_commas_are_read(model, frame):
    path, pipeline, lines = model
    text = "".join(lines).replace("p 1", '"p 1"')
    scores = read(run(text, path, "--follow"))
    assert_allclose(scores, pipeline.score_samples(frame[30:]), rtol=1e-6)


def test_a_column_that_was_not_there_in_fit_is_refused_or_ignored(model, frame):
    path, pipeline, _ = model
    text = frame[30:].assign(note="x, y").to_csv(index=False)
    refused = run(text, path)
    assert refused.exit_code == 2
    assert "'note', which was not there in fit" in refused.stderr
    assert "--ignore" in refused.stderr
    scores = read(run(text, path, "--ignore", "note"))
    assert_allclose(scores, pipeline.score_samples(frame[30:]), rtol=1e-6)
    assert "no such column" in run(text, path, "--ignore", "none").stderr


def test_a_header_that_names_a_column_twice_is_refused(model):
    path, _, lines = model
    text = "flow," + "".join(lines)
    result = run(text, path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "names the column 'flow' twice" in result.stderr


def test_drops_are_told_on_standard_error(model):
    path, _, lines = model
    text = "".join([*lines, *lines[1:16]])
    result = run(text, path, "--follow", "--on-late", "drop")
    told = result.stderr.splitlines()
    assert [line[: len("Warning: 15 row")] for line in told] == ["Warning: 15 row"]
    assert read(result)[30:].isna().all()


def test_one_wrong_clock_is_told_and_costs_one_line(model, frame):
    path, pipeline, lines = model
    wrong = ".1,.2,p 1,2099-01-01 00:00:00\n"
    result = run("".join([*lines[:9], wrong, *lines[9:]]), path, "--follow")
    assert result.stderr.startswith("Warning: 1 row(s) of the stream had a time too")
    scores = read(result)
    assert_allclose(scores.drop(8), pipeline.score_samples(frame[30:]), rtol=1e-6)


def test_durations_are_given_as_text(model):
    path, _, lines = model
    text = "".join(lines)
    good = run(text, path, "--max-jump", "1h", "--forget-after", "7D")
    assert np.isfinite(read(good)).all()
    bad = run(text, path, "--forget-after", "soon")
    assert bad.exit_code == 2
    assert "'forget_after'" in bad.stderr


def test_each_of_several_wrong_lines_costs_itself_alone(model, frame):
    path, pipeline, lines = model
    wrong = {4: "n/m,.2,p 1,2024-01-01 00:00:00\n", 5: '".1,.2\n', 17: ".1\n"}
    text = list(lines)
    for number, line in wrong.items():
        text.insert(number, line)
    result = run("".join(text), path, "--follow", "--on-error", "skip")
    told = result.stderr.splitlines()
    assert [line.split(":")[1] for line in told] == [" line 5", " line 6", " line 18"]
    scores = read(result)
    is_wrong = [number - 1 for number in wrong]
    assert scores[is_wrong].isna().all()
    assert_allclose(scores.drop(is_wrong), pipeline.score_samples(frame[30:]), 1e-6)
