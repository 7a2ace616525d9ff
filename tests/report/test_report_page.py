# SPDX-License-Identifier: BSD-3-Clause
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    average_precision_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.pipeline import make_pipeline

from skseq import PCAAutoencoder, RareEventClassifier, SlidingWindow
from skseq._report import _report as module
from skseq._report import report
from skseq._report._page import json_for_script, weights_html
from skseq._report._scored import Model, Rows
from skseq._report._zoomed import threshold_table, timeline
from skseq.metrics import false_alarm_rate
from skseq.rows._words import number

pytest.importorskip("matplotlib")

N_TRAIN = 180
NASTY = "<script>alert('&')</script>"


class Page(HTMLParser):
    """The cells of the table of models, the scripts, and every text, unescaped."""

    def __init__(self, path):
        super().__init__()
        self.scripts, self.texts, self.tags, self.rows = [], [], [], []
        self._inside = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "tr":
            self.rows.append([])
        elif tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
            return
        self.texts.append(data)
        if self._inside in ("th", "td"):
            self.rows[-1].append(data)

    @property
    def text(self):
        return " ".join(self.texts)

    @property
    def thresholds(self):
        return next(json.loads(s) for s in self.scripts if s.startswith('{"threshold"'))

    def measure(self, name):
        return next(row[1:] for row in self.rows if row and row[0] == name)


@pytest.fixture(scope="module")
def page(path):
    return Page(path)


def test_table_has_the_figures_of_sklearn(page, models, scored):
    X, y = scored
    for k, model in enumerate(models.values()):
        score, flagged = model.decision_function(X), model.predict(X)
        for name, value in (
            ("average precision", average_precision_score(y, score)),
            ("ROC AUC", roc_auc_score(y, score)),
            ("precision", precision_score(y, flagged)),
            ("recall", recall_score(y, flagged)),
        ):
            assert page.measure(name)[k] == f"{value:.3f}"


def test_slider_starts_at_the_threshold_in_use(page, models, scored):
    table, (X, y) = page.thresholds, scored
    start, model = table["start"], models["last step"]
    assert table["threshold"][start] == model[-1].threshold_
    hits, false = table["tp"][start], table["fp"][start]
    assert hits / (hits + false) == precision_score(y, model.predict(X))
    assert hits / table["event_rows"] == recall_score(y, model.predict(X))
    assert (
        f"{table['found'][start]} of {table['events']}"
        == (page.measure("events found")[0])
    )


def test_page_says_how_its_interval_was_made(page):
    assert "1,000 resamples of the 8 events" in page.text
    assert "random_state=0" in page.text


def test_page_says_that_it_takes_the_rows_on_trust(page):
    assert "The page cannot check it" in page.text


def test_page_holds_everything_it_shows(page):
    policy = next(attrs for tag, attrs in page.tags if "http-equiv" in attrs)
    assert policy["content"].startswith("default-src 'none'")
    for tag, attrs in page.tags:
        assert tag != "base"
        for name in ("src", "href"):
            assert attrs.get(name, "data:").startswith("data:"), tag


def test_without_events_the_page_says_what_it_cannot_tell(
    quick, models, scored, tmp_path
):
    X, y = scored
    page = Page(
        report(
            models["last step"],
            X,
            np.zeros_like(y),
            tmp_path / "report.html",
            baselines={"PCA": models["PCA"]},
        )
    )
    assert "There is no event in these 120 rows" in page.text
    assert "nor whether it beats PCA" in page.text
    assert page.measure("average precision") == ["–", "–"]
    rate = false_alarm_rate(np.zeros_like(y), models["last step"].predict(X))
    assert page.measure("false alarms per 1,000 rows")[0] == number(rate)


def test_without_a_baseline_the_page_says_what_it_cannot_tell(
    quick, models, scored, tmp_path
):
    page = Page(report(models["PCA"], *scored, tmp_path / "report.html"))
    assert "cannot be told: no baseline was given" in page.text
    assert "PCAAutoencoder scored 120 rows" in page.text


def test_rows_that_are_all_events_are_no_ground_for_a_verdict(
    quick, models, scored, tmp_path
):
    X, y = scored
    page = Page(report(models["PCA"], X[y == 1], y[y == 1], tmp_path / "report.html"))
    assert "All of these" in page.text


def test_time_and_series_are_those_of_the_windowing(quick, sensors, tmp_path):
    frame, y = sensors
    detector = RareEventClassifier(PCAAutoencoder(2), threshold=("quantile", 0.7))
    slider = SlidingWindow(
        3, group_by="sensor_id", time="timestamp", max_gap=pd.Timedelta("5min")
    )
    model = make_pipeline(slider, detector).fit(frame[:200], y[:200])
    later, labels = frame[200:], y[200:]
    page = Page(report(model, later, labels, tmp_path / "report.html"))
    rate = false_alarm_rate(
        labels,
        model.predict(later),
        time=later["timestamp"],
        max_gap="5min",
        groups=later["sensor_id"],
    )
    assert rate > 0
    assert page.measure("false alarms a day") == [number(rate)]
    assert "100 rows of 4 series" in page.text
    assert "series a, row" in page.text


def test_detectors_take_windows_and_arrays(quick, table, tmp_path):
    X, y = table
    windows = SlidingWindow(5).fit_transform(X)
    detector = PCAAutoencoder(2).fit(windows[:N_TRAIN])
    of_windows = report(detector, windows[N_TRAIN:], y[N_TRAIN:], tmp_path / "a.html")
    array = np.asarray(windows[N_TRAIN:])
    of_array = report(detector, array, y[N_TRAIN:], tmp_path / "b.html")
    assert Page(of_windows).rows[1:9] == Page(of_array).rows[1:9]


def test_a_score_that_has_no_parts_is_not_explained(quick, models, scored, tmp_path):
    page = Page(report(models["forest"], *scored, tmp_path / "report.html"))
    assert "score of IsolationForest cannot be divided into features" in page.text


def test_time_zones_are_no_obstacle(quick, table, tmp_path):
    X, y = table
    hours = pd.date_range("2026-03-25", periods=300, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame(X, hours, ["flow", "pressure"])
    model = make_pipeline(SlidingWindow(5), RareEventClassifier(PCAAutoencoder(2)))
    model.fit(frame[:N_TRAIN], y[:N_TRAIN])
    page = Page(report(model, frame[N_TRAIN:], y[N_TRAIN:], tmp_path / "report.html"))
    assert page.measure("false alarms a day")
    assert "from 2026-04-01 13:00:00+02:00" in page.text


def test_every_foreign_string_is_escaped(quick, sensors, tmp_path):
    frame, y = sensors
    frame = frame.rename(columns={"flow": NASTY}).replace({"sensor_id": {"a": NASTY}})
    slider = SlidingWindow(3, group_by="sensor_id")
    frame = frame.drop(columns="timestamp")
    model = make_pipeline(slider, RareEventClassifier(PCAAutoencoder(2)))
    path = report(
        model.fit(frame, y),
        frame,
        y,
        tmp_path / "report.html",
        name=NASTY,
        baselines={f"{NASTY}2": model},
        title=NASTY,
        notes=[NASTY],
    )
    page = Page(path)
    assert "<script>alert" not in path.read_text(encoding="utf-8")
    assert page.text.count(NASTY) > 8
    assert f"series {NASTY}" in page.text
    assert not any("alert('" in script for script in page.scripts[-1:])


def test_same_input_gives_the_same_page(path, models, scored, tmp_path):
    estimator, *rest = models.values()
    baselines = dict(zip(list(models)[1:], rest, strict=True))
    target = tmp_path / "b.html"
    again = report(estimator, *scored, target, name="last step", baselines=baselines)
    assert again.read_bytes() == path.read_bytes()


def test_a_page_that_fails_leaves_the_one_before(
    quick, models, scored, tmp_path, monkeypatch
):
    path = tmp_path / "report.html"
    path.write_text("before")

    def fail(**fields):
        raise RuntimeError("in the middle")

    monkeypatch.setattr(module, "fill", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        report(models["PCA"], *scored, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": [0, 1]}, ValueError, "one label for each of the 120 scores"),
        ({"y": np.full(120, 2)}, ValueError, "1 .or True. for events"),
        ({"time": [1, 2]}, ValueError, "inconsistent numbers of samples"),
        ({"groups": ["a"]}, ValueError, "inconsistent numbers of samples"),
        ({"path": "."}, IsADirectoryError, "must name a file"),
        ({"path": "no/such/report.html"}, FileNotFoundError, "a folder that exists"),
        ({"n_resamples": 0}, ValueError, "n_resamples"),
        ({"estimator": object()}, ValueError, "estimator"),
    ],
)
def test_bad_input_is_told(
    models, scored, tmp_path, monkeypatch, change, error, message
):
    monkeypatch.chdir(tmp_path)
    X, y = scored
    arguments = {"estimator": models["PCA"], "X": X, "y": y, **change}
    with pytest.raises(error, match=message):
        report(**arguments)
    assert not list(tmp_path.iterdir())


def test_two_models_of_one_name_are_an_error(models, scored, tmp_path):
    with pytest.raises(ValueError, match="has a model of the name 'PCA'"):
        report(
            models["PCA"],
            *scored,
            tmp_path / "report.html",
            name="PCA",
            baselines={"PCA": models["forest"]},
        )


def test_missing_matplotlib_names_the_extra(models, scored, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"matplotlib: pip install skseq\[report\]"):
        report(models["PCA"], *scored, tmp_path / "report.html")


def test_rows_without_data_are_counted_and_left_out(quick, models, scored, tmp_path):
    X, y = scored
    gap = np.arange(len(y)) // 20 == 2
    X = np.where(gap[:, np.newaxis], np.nan, X)
    estimator = models["last step"]
    unjudged = np.isnan(estimator.decision_function(X))
    assert unjudged.any()
    page = Page(
        report(
            estimator,
            X,
            y,
            tmp_path / "a.html",
            name="last step",
            baselines={"PCA": models["PCA"], "forest": models["forest"]},
        )
    )
    text = " ".join(page.texts)
    assert f"{unjudged.sum()} more rows could not be judged" in text
    assert f"{y[unjudged].sum()} of them are labelled" in text
    assert f"scored {(~unjudged).sum()} rows" in text
    expected = average_precision_score(
        y[~unjudged], estimator.decision_function(X)[~unjudged]
    )
    assert f"{expected:.3f}" in text


def test_rows_keep_their_numbers_where_others_are_left_out(
    quick, models, scored, tmp_path
):
    X, y = scored
    X = X.copy()
    X[:60] = np.nan
    worst = np.nanargmax(models["PCA"].decision_function(X))
    text = report(models["PCA"], X, y, tmp_path / "a.html").read_text(encoding="utf-8")
    assert f"row {worst}" in text


def test_weights_of_a_committee_are_shares_the_largest_first():
    html = weights_html(pd.Series({"forest": 1.0, "net": 3.0}))
    shown = re.findall(r"<th scope='row'>(\w+)</th><td>(\d+%)", html)
    assert shown == [("net", "75%"), ("forest", "25%")]
    assert weights_html([np.ones(3)]) == weights_html(None) == ""


def test_what_the_script_is_given_stays_small_for_many_rows():
    rng = np.random.default_rng(0)
    time = pd.Series(pd.date_range("2026-03-01", periods=50_000, freq="1min"))
    rows = Rows(np.arange(50_000) % 5000 < 20, np.arange(50_000) // 5000, time)
    model = Model("net", rng.exponential(size=50_000), 5.0)
    parts = threshold_table(rows, model), timeline(rows, model, "error")
    assert sum(len(json_for_script(part)) for part in parts) < 400_000
    assert [strip["name"] for strip in parts[1]["strips"]] == [
        f"{k}" for k in range(10)
    ]
    for k, strip in enumerate(parts[1]["strips"]):
        assert max(strip["y"]) == model.score[5000 * k : 5000 * (k + 1)].max()
        assert len(strip["events"]) == 1


def test_a_line_breaks_at_a_gap_and_series_have_strips_of_their_own():
    minutes = np.array([0, 1, 2, 90, 91, 92] * 2)
    time = pd.Series(pd.Timestamp("2026-03-01") + pd.to_timedelta(minutes, "min"))
    rows = Rows(np.arange(12) == 4, np.repeat(["a", "b"], 6), time)
    strips = timeline(rows, Model("net", np.arange(1.0, 13), 5.0), "error")["strips"]
    assert strips[0]["y"] == [1, 2, 3, None, 4, 5, 6]
    assert strips[1]["y"] == [7, 8, 9, None, 10, 11, 12]
    start = int(pd.Timestamp("2026-03-01 01:31").timestamp() * 1000)
    assert strips[0]["events"] == [[start, start]]
    assert strips[1]["events"] == []


@pytest.mark.filterwarnings("ignore:The part held out")
def test_sensors_are_graded_in_the_units_of_the_table(quick, sensors, tmp_path):
    frame, y = sensors
    frame = frame.assign(valve=1.0, hours=np.arange(300.0) // 4)
    slider = SlidingWindow(3, group_by="sensor_id", time="timestamp")
    detector = RareEventClassifier(PCAAutoencoder(2), threshold=("quantile", 0.7))
    with pytest.warns(UserWarning, match="'hours' only rises"):
        model = make_pipeline(slider, detector).fit(frame[:200], y[:200])
    page = Page(report(model, frame[200:], y[200:], tmp_path / "report.html"))
    assert "2 of 4 columns are doubtful in these rows: valve (constant)" in page.text
    assert "hours (counter" in page.text
    assert "sensor_id (" not in page.text


def test_alarms_and_events_have_a_line_each(page, models, scored):
    X, y = scored
    flagged = models["last step"].predict(X)
    n_alarms = (np.diff(flagged, prepend=0) == 1).sum()
    assert f"{n_alarms} alarms, those of the highest scores first" in page.text
    starts = np.flatnonzero(np.diff(y, prepend=0) == 1)
    found = sum(flagged[start : start + 2].any() for start in starts)
    assert f"{len(starts)} events, {found} found" in page.text


def test_without_labels_the_page_tells_of_alarms_and_judges_nothing(
    quick, models, scored, tmp_path
):
    X, _ = scored
    page = Page(report(models["PCA"], X, path=tmp_path / "a.html"))
    n_alarms = (np.diff(models["PCA"].predict(X), prepend=0) == 1).sum()
    assert f"Raises {n_alarms} alarms in 120 rows" in page.text
    assert "None of them is labelled" in page.text
    for word in ("average precision", "in an event", "false alarms", "Useless"):
        assert word not in page.text


def test_a_page_about_no_data_is_refused(models, scored, tmp_path):
    X, y = scored
    with pytest.raises(ValueError, match="nothing was observed in any"):
        report(models["PCA"], np.full(X.shape, np.nan), y, tmp_path / "a.html")
