# SPDX-License-Identifier: BSD-3-Clause
import io
import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest
from make import leave_out_pictures
from rich.console import Console
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, f1_score
from typer.testing import CliRunner

from skseq import PCAAutoencoder, RareEventClassifier, SlidingWindow
from skseq.cli import _main as cli
from skseq.cli import _results
from skseq.cli._choices import Choices, Cut
from skseq.cli._detect import MEMBERS, Part, fit, split
from skseq.cli._options import reading
from skseq.cli._table import read_labelled_table
from skseq.datasets import make_process_faults

N_ROWS, N_TRAIN = 600, 360
TINY = ["--layers", "4,2", "--max-epochs", "1"]
MODELS = ["PCA", *MEMBERS.values(), "committee"]
FAST = ["--model", "pca"]  # where it does not matter which one it is


def run(*arguments):
    runner = CliRunner(env={"COLUMNS": "80"})
    return runner.invoke(cli.app, [str(argument) for argument in arguments])


def make_table(**settings):
    X, y = make_process_faults(
        N_ROWS,
        3,
        fault_rate=0.1,
        event_length=6,
        precursor_length=5,
        random_state=0,
        **settings,
    )
    return X.assign(event=y)


def assert_png(path):
    assert path.read_bytes().startswith(b"\x89PNG\r\n")


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def detected(table, tmp_path_factory):
    """Output and folder of one run of detect."""
    from matplotlib import pyplot

    pyplot.close("all")  # what other tests of the process left open
    folder = tmp_path_factory.mktemp("detect")
    table.to_csv(folder / "table.csv", index=False)
    source = ["detect", folder / "table.csv", "--label", "event", "--time", "timestamp"]
    result = run(*source, "--cut", N_TRAIN, "--out", folder / "out", *TINY)
    assert result.exit_code == 0, result.output
    return result.stdout, folder / "out", result.stderr


@pytest.fixture(scope="module")
def scores(detected):
    return pd.read_csv(detected[1] / "scores.csv", parse_dates=["timestamp"])


def measures(output, model):
    """The numbers that the printed table gives for a model."""
    line = next(line for line in output.splitlines() if line.startswith(f"{model}  "))
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", line)]


def test_detect_scores_the_rows_after_the_cut(scores, table):
    np.testing.assert_array_equal(scores["row"], np.arange(N_TRAIN, N_ROWS))
    assert (scores["timestamp"].to_numpy() == table["timestamp"][N_TRAIN:]).all()
    assert scores.notna().all(axis=None)


def test_detect_decides_by_a_threshold_on_the_score(scores):
    flagged = scores["alarm"] == 1
    assert set(scores["alarm"]) == {0, 1}
    assert scores["score"][flagged].min() > scores["score"][~flagged].max()


def test_detect_names_each_feature_once_for_a_row(scores):
    top = scores[["feature_1", "feature_2", "feature_3"]].to_numpy()
    np.testing.assert_array_equal(
        np.sort(top, axis=1)[0], ["sensor_0", "sensor_1", "sensor_2"]
    )
    assert (np.sort(top, axis=1) == np.sort(top, axis=1)[0]).all()


def test_detect_prints_the_measures_of_its_scores(detected, scores, table):
    y = table["event"][N_TRAIN:]
    n_events = ((y == 1) & (y.shift(fill_value=0) == 0)).sum()
    rows, events, precision, *_, f1 = measures(detected[0], "committee")
    assert rows == len(y)
    assert events == n_events
    assert precision == pytest.approx(
        average_precision_score(y, scores["score"]), abs=6e-4
    )
    assert f1 == pytest.approx(f1_score(y, scores["alarm"]), abs=6e-4)


def test_detect_prints_the_members_and_pca_beside_the_committee(detected):
    printed = [line.split("  ")[0] for line in detected[0].splitlines()]
    assert [name for name in printed if name in MODELS] == MODELS
    for model in MODELS:
        assert len(measures(detected[0], model)) == 7


def test_detect_tells_how_much_each_member_counts(detected):
    told = json.loads((detected[1] / "detect.json").read_text())["weights"]
    assert [*told] == MODELS[1:-1]
    assert sum(told.values()) == pytest.approx(1)
    words = ", ".join(f"{name} {weight:.2f}" for name, weight in told.items())
    assert f"Weights in the committee: {words}." in " ".join(detected[0].split())


def test_the_printed_line_scores_new_rows_as_the_committee_does(
    detected, scores, table, tmp_path
):
    line = " ".join(detected[0].split()).partition("with it: skseq ")[2]
    assert line.endswith(" --trust sklearn.tree._tree.Tree")
    rows = tmp_path / "rows.csv"
    table[N_TRAIN - 9 : N_TRAIN + 5].to_csv(rows, index=False)
    command = shlex.split(line.replace("new.csv", str(rows)))
    result = run(*command, "--ignore", "event")
    assert result.exit_code == 0, result.stderr
    # Nine rows before them fill the first window.
    new = pd.read_csv(io.StringIO(result.stdout))[9:]
    np.testing.assert_allclose(new["score"], scores["score"][:5], rtol=1e-5)
    assert (new["alarm"].to_numpy() == scores["alarm"][:5]).all()
    told = [name for name in scores if name.startswith("feature_")]
    assert (new[told].to_numpy() == scores[told][:5].to_numpy()).all()


def test_a_member_is_shown_as_it_is_in_the_committee_with_a_threshold_of_its_own():
    X, y = make_process_faults(900, 3, fault_rate=0.1, random_state=0)
    windows = SlidingWindow(4).fit_transform(X.drop(columns="timestamp"))
    past = Part(windows[:600], y[:600].to_numpy())
    given = [("residual", PCAAutoencoder()), ("forest", IsolationForest())]
    models, _ = fit({"committee": given}, past, Choices(), context=())
    assert [*models] == ["residual autoencoder", "IsolationForest", "committee"]
    later = windows[600:]
    scores = models["committee"].member_scores(later)
    for key, name in MEMBERS.items():
        if key in scores:
            score = models[name].decision_function(later) + models[name].threshold_
            np.testing.assert_allclose(score, scores[key])
            assert [*models[name].named_estimators_] == [key]
    # As where that member is fitted by itself, to the same windows.
    alone = RareEventClassifier(given[:1], random_state=0).fit(past.windows, past.y)
    same = models["residual autoencoder"]
    assert same.threshold_ == pytest.approx(alone.threshold_)
    np.testing.assert_array_equal(same.predict(later), alone.predict(later))


def test_detect_says_how_the_thresholds_were_set(detected):
    assert "the last 20% of the training rows, on which" in " ".join(
        detected[0].split()
    )
    assert "No scored row had a part in it" in detected[0]


def test_detect_draws_nothing_where_standard_error_is_no_terminal(detected):
    assert detected[2] == ""
    assert "\x1b" not in detected[0]


def test_detect_writes_two_pictures(detected):
    assert_png(detected[1] / "score.png")
    assert_png(detected[1] / "precision_recall.png")


def test_detect_writes_a_page_about_the_scored_rows(detected, table):
    page = (detected[1] / "report.html").read_text(encoding="utf-8")
    assert f"Wrote {detected[1] / 'report.html'}" in detected[0].replace("\n", "")
    assert f"committee scored {N_ROWS - N_TRAIN} rows" in page
    for model in MODELS:
        average_precision = measures(detected[0], model)[2]
        assert f"<td>{average_precision:.3f}</td>" in page
    assert "Rare events in table.csv" in page
    assert "a day" in page


def test_detect_writes_a_line_for_each_alarm_and_event(detected, scores, table):
    alarms = pd.read_csv(detected[1] / "alarms.csv", parse_dates=["start", "end"])
    events = pd.read_csv(detected[1] / "events.csv", parse_dates=["start"])
    flags = np.concatenate([[0], scores["alarm"], [0]])
    starts = N_TRAIN + np.flatnonzero(np.diff(flags) == 1)
    np.testing.assert_array_equal(alarms["first_row"], starts)
    assert (alarms["start"].to_numpy() == table["timestamp"][starts].to_numpy()).all()
    assert alarms["features"].str.count("sensor_").eq(3).all()
    y = table["event"].to_numpy()
    first = np.flatnonzero((y == 1) & (np.roll(y, 1) == 0))
    np.testing.assert_array_equal(events["first_row"], first[first >= N_TRAIN])
    for row, found in zip(events["first_row"], events["found"], strict=True):
        rows = scores["row"].between(row, row + 5)
        assert found == scores["alarm"][rows].any()


@pytest.fixture(scope="module")
def unlabelled(table, tmp_path_factory):
    """Output and folder of a run without labels, and what it sent to a terminal."""
    shown = io.StringIO()
    terminal = Console(
        file=shown, width=100, force_terminal=True, force_interactive=True
    )
    folder = tmp_path_factory.mktemp("unlabelled")
    table.drop(columns="event").to_csv(folder / "table.csv", index=False)
    source = ["detect", folder / "table.csv", "--time", "timestamp"]
    with pytest.MonkeyPatch.context() as patch:
        leave_out_pictures(patch)
        patch.setattr("skseq.cli._progress.Console", lambda stderr: terminal)
        result = run(*source, "--cut", N_TRAIN, "--out", folder / "out", *TINY)
    assert result.exit_code == 0, result.output
    return result.output, folder / "out", shown.getvalue()


def test_detect_shows_the_progress_of_the_training(unlabelled):
    output, _, shown = unlabelled
    assert "epoch 1/1" in shown
    assert "\x1b" not in output


def test_without_labels_detect_tells_of_alarms_alone(unlabelled):
    output, out, _ = unlabelled
    assert {path.name for path in out.iterdir()} == {
        "scores.csv",
        "alarms.csv",
        "score.png",
        "report.html",
        "model.skseq",
        "detect.json",
    }
    assert "Note:" not in output
    assert "events" not in output
    decision = pd.read_csv(out / "scores.csv")["alarm"]
    line = next(line for line in output.splitlines() if line.startswith("committee "))
    _, rows, alarms, _ = re.split("  +", line.strip())
    assert int(rows) == len(decision) == N_ROWS - N_TRAIN
    assert int(alarms) == (np.diff(decision, prepend=0) == 1).sum()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "no row is labelled" in page
    assert "average precision" not in page


def test_a_horizon_without_labels_is_an_error(table, tmp_path):
    table.to_csv(tmp_path / "table.csv", index=False)
    result = run("detect", tmp_path / "table.csv", "--out", tmp_path, "--horizon", "3")
    assert result.exit_code == 2
    assert "--horizon needs --label" in result.stderr


def test_a_page_that_cannot_be_written_is_told_before_training(table, tmp_path):
    table.to_csv(tmp_path / "table.csv", index=False)
    source = ["detect", tmp_path / "table.csv", "--label", "event"]
    keys = [
        "--time",
        "timestamp",
        "--out",
        tmp_path / "out",
        "--report",
        tmp_path / "no/a.html",
    ]
    result = run(*source, *keys, *FAST)
    assert result.exit_code == 2
    assert re.fullmatch("Error: .* there is no folder .*\n", result.stderr)
    assert "Fitting" not in result.stdout


def test_detect_leaves_pyplot_without_figures(detected):
    from matplotlib import pyplot

    assert not pyplot.get_fignums()


@pytest.fixture(scope="module")
def warned(tmp_path_factory):
    """Table and folder of a run that warns of events in two series, with --report."""
    folder = tmp_path_factory.mktemp("warned")
    table = make_table(n_series=2).sort_values("timestamp", kind="stable")
    table.to_parquet(folder / "table.parquet")
    keys = ["--label", "event", "--time", "timestamp", "--group-by", "machine"]
    source = ["detect", folder / "table.parquet", *keys, "--horizon", "3"]
    target = ["--out", folder / "out", "--report", folder / "page.html"]
    with pytest.MonkeyPatch.context() as patch:
        leave_out_pictures(patch)
        result = run(*source, *target, *FAST)
    assert result.exit_code == 0, result.output
    return table.reset_index(drop=True), folder


def test_detect_warns_of_an_early_event_in_several_series(warned):
    table, folder = warned
    scores = pd.read_csv(folder / "out" / "scores.csv", parse_dates=["timestamp"])
    assert scores.columns[:3].to_list() == ["row", "timestamp", "machine"]
    row = table.loc[scores["row"]]
    assert (row["machine"].to_numpy() == scores["machine"]).all()
    assert not row["event"].any()
    assert_png(folder / "out" / "score.png")


def test_detect_writes_the_page_where_it_is_told(warned):
    _, folder = warned
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "up to 3 rows before an event" in page
    assert not (folder / "out" / "report.html").exists()


@pytest.fixture(scope="module")
def lacking(table, tmp_path_factory):
    """A run without an event before the cut, and without data in rows after it."""
    folder = tmp_path_factory.mktemp("lacking")
    sensors = [name for name in table if name.startswith("sensor")]
    lacking = table.assign(event=table["event"].where(table.index >= N_TRAIN, 0))
    lacking.loc[table.index // 30 == 15, sensors] = np.nan
    lacking.to_csv(folder / "table.csv", index=False)
    source = ["detect", folder / "table.csv", "--label", "event"]
    keys = ["--time", "timestamp", "--window", "10", "--cut", N_TRAIN]
    with pytest.MonkeyPatch.context() as patch:
        leave_out_pictures(patch)
        result = run(*source, *keys, "--out", folder / "out", *FAST)
    assert result.exit_code == 0, result.output
    return result.stdout, folder / "out"


def test_detect_takes_a_quantile_where_no_event_is_known_yet(lacking):
    output, out = lacking
    assert "0 of them in 0 events" in output
    words = " ".join(output.split())
    assert "set to the 0.99 quantile of scores on the last 20% of the training" in words
    assert len(pd.read_csv(out / "scores.csv")) == N_ROWS - N_TRAIN


def test_rows_without_data_have_no_score_and_are_counted(lacking):
    output, out = lacking
    scores = pd.read_csv(out / "scores.csv")
    missing = scores["score"].isna()
    assert missing.any()
    assert (missing == scores["alarm"].isna()).all()
    assert f"{missing.sum()} rows were not judged" in output
    assert_png(out / "score.png")


def _split(table, tmp_path, *, series=None, horizon=None, cut="0.6"):
    table.to_csv(tmp_path / "table.csv", index=False)
    options = reading(time=["timestamp"], group_by=series)
    read = read_labelled_table([tmp_path / "table.csv"], "event", options)
    parts = split(read, Choices(horizon=horizon, cut=Cut.of(cut)))
    return parts.past, parts.future


def test_first_scored_window_reaches_back_across_the_cut(table, tmp_path):
    past, future = _split(table, tmp_path, cut=str(N_TRAIN))
    assert len(past.windows) == N_TRAIN
    assert future.windows.index[0] == N_TRAIN
    last, first = past.windows[N_TRAIN - 1], future.windows[0]
    np.testing.assert_array_equal(first[:-1], last[1:])


def test_scaling_knows_the_training_rows_only(table, tmp_path):
    past, _ = _split(table, tmp_path, cut=str(N_TRAIN))
    rows = past.windows.table[:N_TRAIN]
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(rows.std(axis=0), 1, atol=1e-5)


def test_early_warning_finds_the_rows_before_an_event_and_drops_the_event(
    table, tmp_path
):
    past, future = _split(table, tmp_path, horizon=3)
    event = table["event"].to_numpy()
    for part in (past, future):
        for row, label in zip(part.windows.index, part.y, strict=True):
            assert not event[max(row - 9, 0) : row + 1].any()
            assert label == event[row + 1 : row + 4].any()


def test_series_are_cut_at_one_time(tmp_path):
    table = make_table(n_series=2, n_gaps=0)
    past, future = _split(table, tmp_path, series="machine")
    time = table["timestamp"]
    assert time[past.windows.index].max() < time[future.windows.index].min()
    assert len(past.windows) == N_TRAIN


@pytest.mark.parametrize(
    ("validation", "words"),
    [
        ("time", "the last 20% of the training rows of each series"),
        ("series", "2 whole series, about 20% of the training rows"),
    ],
)
def test_the_rows_of_the_threshold_are_put_in_words(validation, words):
    X = np.random.default_rng(0).normal(size=(300, 3))
    X[:, 0] = np.repeat(np.arange(10), 30)
    windows = SlidingWindow(3, group_by=0).fit_transform(X)
    model = RareEventClassifier(
        PCAAutoencoder(), threshold=("quantile", 0.9), validation=validation
    )
    model.fit(windows, np.zeros(300, dtype=int))
    assert _results._threshold_rows(model) == words


def _unsorted(frame):
    return frame.iloc[[0, 2, 1, *range(3, N_ROWS)]]


def _text_cell(frame):
    frame = frame.astype({"sensor_1": object})
    frame.loc[7, "sensor_1"] = "n/m"
    return frame


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda f: f, ["--label", "fault"], "--label: .* has no column 'fault'"),
        (lambda f: f, ["--time", "when"], "--time: .* has no column 'when'"),
        (lambda f: f, ["--group-by", "pump"], "--group-by: .* has no column 'pump'"),
        (lambda f: f.assign(event=0), [], "has no events: all of its 600 rows are 0"),
        (lambda f: f.assign(event=2), [], "must hold 1 .* Got 2 in row 0"),
        (lambda f: f.assign(event="no"), [], "must hold 1 .* Got 'no' in row 0"),
        (_unsorted, [], "'timestamp' decreases in row 2: .*--sort.*--drop-late"),
        (lambda f: f.assign(timestamp="x"), [], "must hold dates .* 'x' in row 0"),
        (_text_cell, [], "'sensor_1' .* not numeric: .* 'n/m' in row 7.* --na=n/m"),
        (lambda f: f.assign(sensor_0=np.inf), [], "row 0, feature 'sensor_0'"),
        (lambda f: f[:0], [], "is empty: it has no rows"),
        (lambda f: f, ["--cut", "9999"], r"a row in \[1, 599\]. Got 9999"),
        (lambda f: f, ["--cut", "599"], "of the 1 rows to be scored, 0 are"),
        (lambda f: f, ["--max-gap", "soon"], "'max_gap' .* Got 'soon'"),
        (lambda f: f, ["--max-gap", "5"], "'max_gap' .* Got 5.0"),
        (lambda f: f, ["--layers", "8;4"], "--layers: .* Got '8;4'"),
        (lambda f: f[["timestamp", "event"]], [], "no feature column left"),
    ],
)
def test_bad_input_ends_with_one_line_before_training(
    table, tmp_path, change, arguments, message
):
    path, out = tmp_path / "table.csv", tmp_path / "out"
    change(table).to_csv(path, index=False)
    defaults = ["--label", "event", "--time", "timestamp", "--out", out]
    result = run("detect", path, *defaults, *arguments)
    assert result.exit_code == 2
    assert re.fullmatch(rf"Error: .*{message}.*\n", result.stderr)
    assert "Fitting" not in result.stdout
    assert not out.exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "There is no file"),
        (lambda path: path.touch(), "is empty"),
        (
            lambda path: path.write_bytes(b"a,b\n1,2\n3,4\n5,6,7\n8,9\n"),
            "cannot be read",
        ),
    ],
)
def test_a_file_that_is_no_table_ends_with_one_line(tmp_path, make, message):
    path = tmp_path / "table.csv"
    make(path)
    result = run("detect", path, "--label", "event", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert re.fullmatch(rf"Error: .*{message}.*\n", result.stderr)


def test_too_few_training_rows_end_with_one_line(table, tmp_path):
    path = tmp_path / "table.csv"
    table.assign(event=np.arange(N_ROWS) % 3 == 0).to_csv(path, index=False)
    label = ["--label", "event", "--time", "timestamp"]
    result = run("detect", path, *label, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert re.fullmatch("Error: No normal window is left to train .*\n", result.stderr)


def test_a_folder_that_cannot_be_made_ends_with_one_line(table, tmp_path):
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    keys = ["--label", "event", "--time", "timestamp"]
    result = run("detect", path, *keys, "--out", path)
    assert result.exit_code == 2
    assert re.fullmatch("Error: .*table.csv.*\n", result.stderr)


def test_demo_makes_a_table_and_detects_in_it(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        cli, "detect", lambda *args, label, **rest: calls.append((*args, label))
    )
    result = run("demo", "--out", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    tables, out, label = calls[0]
    table = read_labelled_table(
        tables, label, reading(time=["timestamp"], group_by=None)
    )
    assert table.y.mean() == pytest.approx(0.015)
    assert out == tmp_path / "demo"
    assert f"skseq detect {tables[0]} --label event" in result.stdout


def test_without_arguments_the_commands_are_listed():
    result = run()
    assert "detect" in result.output
    assert "demo" in result.output
