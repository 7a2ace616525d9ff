# SPDX-License-Identifier: BSD-3-Clause
"""What the options of ``detect`` choose: columns, labels, parts, models, output."""

import io
import json
import re
import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from make import leave_out_pictures
from typer.testing import CliRunner

from skseq import RareEventClassifier, load
from skseq.cli import _choices, _run
from skseq.cli import _main as cli
from skseq.cli._choices import (
    Choices,
    Cut,
    Model,
    alarm_rule_of,
    horizon_of,
    network_of,
    threshold_of,
    window_of,
)
from skseq.cli._detect import MEMBERS, make_detectors, split
from skseq.cli._options import reading
from skseq.cli._table import LabelledTable, read_labelled_table, rows_before
from skseq.datasets import make_commanded_process
from skseq.detection._thresholds import _EVENT_RULES, _RULES

KEYS = ["--time", "timestamp", "--group-by", "machine"]
CONTEXT = ["set_point_0", "ambient"]


def run(*arguments):
    runner = CliRunner(env={"COLUMNS": "80"})
    return runner.invoke(cli.app, [str(argument) for argument in arguments])


def read(folder, label=None, group_by="machine", **settings):
    options = reading(time=["timestamp"], group_by=group_by)
    return read_labelled_table([folder / "table.csv"], label, options, **settings)


def event_log(table):
    """Start and end of each run of 1, series by series."""
    lines = []
    for name, rows in table.groupby("machine"):
        time, y = rows["timestamp"].to_numpy(), rows["event"].to_numpy()
        edges = np.flatnonzero(np.diff(y, prepend=0, append=0)).reshape(-1, 2)
        lines += [(name, time[first], time[end - 1]) for first, end in edges]
    return pd.DataFrame(lines, columns=["machine", "start", "end"])


@pytest.fixture(scope="module")
def table():
    X, y = make_commanded_process(
        540,
        2,
        n_set_points=1,
        n_series=3,
        fault_rate=0.1,
        event_length=6,
        random_state=0,
    )
    return X.assign(event=y)


@pytest.fixture(scope="module")
def folder(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    state = np.where(table["event"], "stuck", "ok")
    table.assign(state=state).to_csv(folder / "table.csv", index=False)
    event_log(table).to_csv(folder / "log.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def detected(folder):
    """One run with nearly all of the options."""
    out = folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        leave_out_pictures(patch)
        result = run(
            "detect", folder / "table.csv", *KEYS, "--label", "state", "--event-value",
            "stuck", "--exclude", "event", "--context", ",".join(CONTEXT), "--cut",
            "each:0.5", "--window", "5", "--model", "pca", "--threshold",
            "event_fbeta:1", "--alarm-rule", "min_rows=2,max_gap=3", "--out", out,
        )  # fmt: skip
    assert result.exit_code == 0, result.output
    return result.stdout, out


def test_detect_tells_in_json_what_it_did(detected, table):
    told = json.loads((detected[1] / "detect.json").read_text())
    assert told["context"] == CONTEXT
    assert told["n_rows"] == {"trained": 270, "scored": 270}
    assert told["model"] == "PCA"
    assert [*told["models"]] == ["IsolationForest", "LogisticRegression", "PCA"]
    assert sorted(told["files"]) == sorted(
        path.name for path in detected[1].iterdir() if path.name != "detect.json"
    )
    scores = pd.read_csv(detected[1] / "scores.csv")
    measures = told["models"]["PCA"]
    assert measures["n_judged"] == scores["score"].notna().sum()
    assert (scores["alarm"] == (scores["score"] > measures["threshold"])).all()


def test_context_is_in_no_feature_of_a_score(detected):
    scores = pd.read_csv(detected[1] / "scores.csv")
    named = scores.filter(like="feature_").stack()
    assert set(named.dropna()) == {"sensor_0", "sensor_1"}


def test_the_alarm_rule_and_the_threshold_are_as_asked(detected):
    output, out = detected
    alarms = pd.read_csv(out / "alarms.csv")
    decision = pd.read_csv(out / "scores.csv").set_index("row")["alarm"]
    for alarm in alarms.itertuples():
        assert decision[alarm.first_row] == decision[alarm.first_row - 1] == 1
    assert "set by event_fbeta:1 on" in " ".join(output.split())


def test_the_saved_model_scores_as_detect_did(detected, folder):
    output, out = detected
    line = re.search(r"skseq score (\S+) new.csv", output.replace("\n", " ")).group(1)
    (path,) = shlex.split(line)
    model = load(path)
    rows = read(folder, "state", event_values=["stuck"], exclude="event")
    scores = pd.read_csv(out / "scores.csv")
    decision = model.decision_function(rows.X)[scores["row"]]
    np.testing.assert_allclose(
        decision + model[-1].threshold_, scores["score"], rtol=1e-5
    )


def test_the_saved_model_writes_what_scores_csv_holds(detected, folder):
    _, out = detected
    line = json.loads((out / "detect.json").read_text())["score"]
    line = line.replace("new.csv", str(folder / "table.csv"))
    _, *arguments = shlex.split(line)
    ignored = [word for name in ("event", "state") for word in ("--ignore", name)]
    result = CliRunner().invoke(cli.app, [*arguments, *ignored])
    assert result.exit_code == 0, result.stderr
    live = pd.read_csv(io.StringIO(result.stdout)).set_index("row")
    scores = pd.read_csv(out / "scores.csv").set_index("row")
    live = live.loc[scores.index]
    pd.testing.assert_frame_equal(live, scores, check_dtype=False, rtol=1e-4)


def test_a_page_is_written_on_the_saved_model(detected, folder, tmp_path):
    model, page = detected[1] / "model.skseq", tmp_path / "page.html"
    asked = "--label", "state", "--event-value", "stuck", "--out", page
    told = run("report", model, folder / "table.csv", *asked)
    assert told.exit_code == 0, told.output
    assert told.stdout.endswith(f"Wrote {page}\n")
    text = page.read_text(encoding="utf-8")
    assert "scored 540 rows of 3 series" in text
    (folder / "less.csv").write_text("timestamp,machine\n2026-01-01,a\n")
    refused = run("report", model, folder / "less.csv", "--out", page).stderr
    assert "no column 'set_point_0', which the model was fitted on" in refused
    refused = run("report", model, folder / "table.csv", "--out", model).stderr
    assert "is read, and would be written over" in refused


def test_a_folder_of_detect_is_written_again_and_others_are_not(detected, folder):
    again = ["detect", folder / "table.csv", *KEYS, "--label", "no", "--out"]
    assert "has no column 'no'" in run(*again, detected[1]).stderr
    other = folder / "other"
    other.mkdir()
    (other / "notes.txt").touch()
    refused = run(*again, other).stderr
    assert "holds files that are not of detect, such as notes.txt" in refused
    assert "has no column 'no'" in run(*again, other, "--force").stderr
    assert "is a file" in run(*again, other / "notes.txt").stderr
    alone = folder / "alone" / "table.csv"
    alone.parent.mkdir()
    alone.write_bytes((folder / "table.csv").read_bytes())
    beside = run("detect", alone, *KEYS, "--label", "no", "--out", alone.parent)
    assert "has no column 'no'" in beside.stderr


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_json_prints_json_alone_and_quiet_nothing(
    folder, tmp_path, monkeypatch, option
):
    def detect_in(table, choices, out, page, *, title, bars):
        print("Fitting")
        assert bars == (option == "--json")
        return {"window": choices.window}

    monkeypatch.setattr(_run, "detect_in", detect_in)
    source = ["detect", folder / "table.csv", *KEYS, "--out", tmp_path / "out"]
    result = run(*source, "--label", "event", "--window", "7", option)
    assert result.exit_code == 0, result.output
    if option == "--json":
        assert json.loads(result.stdout) == {"window": 7}
    else:
        assert result.output == ""


def test_events_of_a_log_are_the_labels(folder, table):
    rows = read(folder, events=folder / "log.csv", exclude="event,state")
    np.testing.assert_array_equal(rows.y, table["event"])
    assert rows.labelled
    assert not {"event", "state"} & {*rows.X}


def test_a_log_without_a_series_is_of_all(folder, table, tmp_path):
    log = event_log(table).drop(columns="machine")
    log.to_csv(tmp_path / "log.csv", index=False, sep=";")
    rows = read(folder, events=tmp_path / "log.csv")
    within = [
        ((log["start"] <= time) & (time <= log["end"])).any()
        for time in table["timestamp"]
    ]
    np.testing.assert_array_equal(rows.y, within)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda log: log.rename(columns={"end": "stop"}),
            "--events: .* no column 'end'",
        ),
        (lambda log: log.assign(end=log["start"][::-1].to_numpy()), "--events: .*log"),
        (
            lambda log: log + pd.Timedelta("9000D"),
            "--events: none of the 540 rows lie in .*2048-",
        ),
    ],
)
def test_a_log_that_is_none_is_refused(folder, table, tmp_path, change, message):
    log = event_log(table).drop(columns="machine")
    change(log).to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(ValueError, match=message):
        read(folder, events=tmp_path / "log.csv")


def test_an_event_value_that_is_nowhere_is_told_with_those_that_are(folder):
    with pytest.raises(ValueError, match="never holds 'fault'. It holds ok, stuck"):
        read(folder, "state", event_values=["fault"])
    rows = read(folder, "event", event_values=["1.0"])
    assert rows.y.mean() == pytest.approx(0.1)
    with pytest.raises(ValueError, match="all rows"):
        read(folder, "event", event_values=["0", "1"])


def test_columns_are_chosen_left_out_and_kept_as_context(folder):
    rows = read(folder, "event", features="sensor_1", context="ambient")
    assert [*rows.X] == ["machine", "timestamp", "ambient", "sensor_1"]
    assert rows.context == ("ambient",)
    rows = read(folder, "event", exclude="state, sensor_1")
    assert "sensor_1" not in rows.X
    for given, message in [
        ({"features": "sensor_1,x"}, "--features: .* no column 'x'"),
        ({"exclude": "timestamp"}, "'timestamp' is the time or names the series"),
        ({"features": "ambient", "context": "ambient"}, "leave none to judge"),
    ]:
        with pytest.raises(ValueError, match=message):
            read(folder, "event", **given)


def labelled(series, time=None):
    series = pd.Series(series, name="pump")
    return LabelledTable(
        pd.DataFrame({"pump": series, "a": 0.0}),
        np.zeros(len(series), dtype=int),
        None if time is None else pd.Series(time, name="t"),
        series,
    )


def test_each_series_is_cut_at_a_share_of_its_own():
    past = rows_before(Cut.of("each:0.5"), labelled(["a", "b", "a", "a", "b", "a"]))
    np.testing.assert_array_equal(past, [1, 1, 1, 0, 0, 0])
    assert Cut.of("each").at == 0.6


def test_whole_series_are_held_out_those_that_begin_last():
    names = ["a", "a", "b", "b", "c", "c"]
    past = rows_before(Cut.of("series:0.67"), labelled(names))
    np.testing.assert_array_equal(past, [1, 1, 1, 1, 0, 0])
    times = [5, 6, 1, 2, 3, 4]
    past = rows_before(Cut.of("series:0.67"), labelled(names, times))
    np.testing.assert_array_equal(past, [0, 0, 1, 1, 1, 1])
    with pytest.raises(ValueError, match="no row of the table is after that"):
        rows_before(Cut.of("series:0.9"), labelled(["a", "a"]))


def test_a_cut_of_series_needs_series():
    rows = replace(labelled(["a", "a"]), series=None)
    with pytest.raises(ValueError, match="--cut each needs --group-by"):
        rows_before(Cut.of("each"), rows)


def test_a_horizon_may_be_a_duration(folder, table):
    rows = read(folder, "event", exclude="state")
    in_rows, in_time = (
        split(rows, Choices(window=3, horizon=horizon, cut=Cut.of("each")))
        for horizon in (4, "4min")
    )
    np.testing.assert_array_equal(in_time.future.y, in_rows.future.y)


def test_auto_takes_the_window_that_the_training_rows_suggest(folder):
    from skseq import suggest_window_size

    rows = read(folder, "event", exclude="state")
    parts = split(rows, Choices(window="auto", cut=Cut.of("each:0.5")))
    past = rows_before(Cut.of("each:0.5"), rows)
    expected = suggest_window_size(
        rows.X[past].drop(columns="timestamp"), group_by="machine", y=rows.y[past]
    )
    assert parts.slider.window_size == expected


@pytest.mark.parametrize(
    ("model", "labels", "name"),
    [
        (None, True, "committee"),
        (None, False, "committee"),
        (Model.residual, True, "residual autoencoder"),
        (Model.lstm, True, "LSTM autoencoder"),
        (Model.pca, False, "PCA"),
    ],
)
def test_the_model_of_the_headline_comes_last_and_once(model, labels, name):
    network = network_of("8,4", 3)
    detectors = make_detectors(Choices(model=model, network=network), labels)
    assert [*detectors][-1] == name
    members = dict(detectors[name]) if name == "committee" and labels else {}
    assert "PCA" in detectors
    assert "forest" in members or "IsolationForest" in detectors
    for detector in members.values() or [detectors[name]]:
        for key, value in detector.get_params().items():
            assert not key.endswith("hidden_layer_sizes") or value == (8, 4)


def test_the_committee_of_labels_is_that_of_the_classifier():
    given = Choices(network=network_of("8,4", 3))
    members = dict(make_detectors(given, True)["committee"])
    assert [*members] == [*dict(RareEventClassifier()._default_members())]
    assert {*members} <= {*MEMBERS}
    assert members["residual"].network.max_epochs == members["lstm"].max_epochs == 3


def test_what_is_not_asked_for_is_left_to_the_committee():
    from skseq.detection._committee import default_members

    members = dict(make_detectors(Choices(), True)["committee"])
    assert repr([*members.items()]) == repr(default_members())


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (window_of, "10", 10),
        (window_of, "auto", "auto"),
        (window_of, "30min", "30min"),
        (horizon_of, "3", 3),
        (horizon_of, "30min", "30min"),
        (threshold_of, "f1", "f1"),
        (threshold_of, "cost:1:20", ("cost", 1.0, 20.0)),
        (threshold_of, "alarms_per:2:1D", ("alarms_per", 2.0, "1D")),
        (alarm_rule_of, "min_rows=3,hold=1h", {"min_rows": 3, "hold": "1h"}),
        (alarm_rule_of, None, None),
    ],
)
def test_options_are_read_as_they_are_written(read, text, expected):
    assert read(text) == expected


def test_the_rules_that_are_known_early_are_those_of_the_class():
    known = {name: len(checks) for name, (_, checks) in (_RULES | _EVENT_RULES).items()}
    assert known | {"f1": 0, "event_f1": 0} == _choices._RULES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threshold", "f3"], "--threshold: expected one of f1, event_f1, .* 'f3'"),
        (["--threshold", "cost:1"], "--threshold: expected .*cost:N:N.* 'cost:1'"),
        (["--window", "0"], "--window: expected a number of rows, or auto.* Got '0'"),
        (["--window", "wide"], "--window: .* Got 'wide'"),
        (["--horizon", "-3"], "--horizon: .* Got '-3'"),
        (["--cut", "each:2"], r"--cut each:2: expected a share in \(0, 1\)"),
        (["--alarm-rule", "on=3"], "--alarm-rule: expected some of min_rows"),
        (["--events", "no.csv"], "There is no file no.csv"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_read(folder, arguments, message):
    given = ["detect", folder / "table.csv", "--out", folder / "none"]
    label = [] if "--events" in arguments else ["--label", "event"]
    result = run(*given, *label, *arguments)
    assert result.exit_code == 2
    assert re.fullmatch(rf"Error: .*{message}.*\n", result.stderr)
    assert "Read" not in result.stdout


def test_labels_come_from_one_place(folder):
    given = ["detect", folder / "table.csv", "--out", folder / "none"]
    both = run(*given, "--label", "event", "--events", folder / "log.csv")
    assert "--label and --events exclude each other" in both.stderr
    assert "--event-value needs --label" in run(*given, "--event-value", "x").stderr
