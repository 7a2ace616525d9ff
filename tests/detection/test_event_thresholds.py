# SPDX-License-Identifier: BSD-3-Clause
"""Rules that count events and alarms, held to a search over every cut-off in loops."""

import naive_events as naive
import numpy as np
import pandas as pd
import pytest

from skseq import PCAAutoencoder, RareEventClassifier, SlidingWindow, load, save
from skseq.alarms import AlarmRule
from skseq.detection import _event_thresholds
from skseq.detection._event_thresholds import Watched
from skseq.detection._thresholds import choose_threshold
from skseq.metrics import event_precision_recall_fscore_support, false_alarm_rate

RULES = [None, AlarmRule(min_rows=2, within=3, max_gap=1)]


def make_windows(seed, n_rows=36):
    """Windows of two machines, whose rows take turns, a row a minute; and labels."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n_rows),
            "machine": rng.choice(["a", "b"], size=n_rows),
            "at": pd.date_range("2026-03-01", periods=n_rows, freq="min"),
        }
    )
    windows = SlidingWindow(3, group_by="machine", time="at").fit_transform(frame)
    y = np.zeros(n_rows, dtype=bool)
    for start in rng.choice(n_rows - 4, size=3, replace=False):
        y[start : start + 4] = True
    score = (rng.normal(size=n_rows) + 1.5 * y).round(1)  # with ties
    return windows, y, score, frame


def counts_at(cut, windows, y, score, alarm_rule):
    """Events found, those missed, false alarms, and precision, by loops."""
    groups, flags = windows.series, score > cut
    if alarm_rule is not None:
        flags = alarm_rule.flag(flags, groups=groups).astype(bool)
    events = naive.events(y, groups)
    excused = 0.05 * np.sum(~y) / len(events)
    tolerance = int(min(np.median([len(event) for event in events]), excused))
    steps = pd.Series(y).groupby(groups).cumcount().to_numpy()
    n_false = naive.n_false_alarms(y, flags, groups, tolerance, steps)
    precision = recall = 0.0
    if flags.any():
        weights = np.ones(len(y))
        precision, recall = naive.precision_recall(
            y, flags, groups, tolerance, steps, weights
        )
    n_found = round(recall * len(events))
    return n_found, len(events) - n_found, n_false, precision


def every_cut(score):
    return [*np.unique(score)[::-1], -np.inf]


samples = pytest.mark.parametrize("seed", range(2))
with_and_without = pytest.mark.parametrize("alarm_rule", RULES, ids=["runs", "rule"])


@samples
@with_and_without
@pytest.mark.parametrize("beta", [0.5, 2])
def test_event_fbeta_gives_the_highest_fbeta(seed, alarm_rule, beta):
    windows, y, score, _ = make_windows(seed)

    def fbeta(cut):
        found, missed, _, p = counts_at(cut, windows, y, score, alarm_rule)
        r = found / (found + missed)
        return (1 + beta**2) * p * r / (beta**2 * p + r) if found else 0.0

    watched = Watched.of(windows, alarm_rule)
    threshold = choose_threshold(("event_fbeta", [beta]), y, score, watched)
    assert fbeta(threshold) == pytest.approx(max(map(fbeta, every_cut(score))))


@samples
@with_and_without
@pytest.mark.parametrize("costs", [(1, 6), (5, 1)])
def test_event_cost_gives_the_lowest_cost(seed, alarm_rule, costs):
    windows, y, score, _ = make_windows(seed)

    def cost(cut):
        _, missed, n_false, _ = counts_at(cut, windows, y, score, alarm_rule)
        return costs[0] * n_false + costs[1] * missed

    watched = Watched.of(windows, alarm_rule)
    threshold = choose_threshold(("event_cost", costs), y, score, watched)
    assert cost(threshold) == min(map(cost, every_cut(score)))


def test_event_cost_does_not_take_an_alarm_that_never_stops_for_cheap():
    y = np.arange(1000) % 100 == 99  # 1%, in ten events
    score = np.random.default_rng(0).normal(size=1000)
    in_order = Watched.of(score)
    threshold = choose_threshold(("event_cost", [1, 1000]), y, score, in_order)
    assert np.mean(score > threshold) <= 0.1


@samples
@with_and_without
@pytest.mark.parametrize(
    ("n", "per", "span"),
    [(0, "1D", 0.05), (2, "1h", 1.2), (2, 16, 2.25), (1, 10, 3.6)],
    ids=str,
)
def test_alarms_per_keeps_to_what_is_allowed(seed, alarm_rule, n, per, span):
    windows, y, score, _ = make_windows(seed)
    watched = Watched.of(windows, alarm_rule)
    # Both machines are watched for 36 minutes, or nearly.
    exact = watched.span(per)
    assert exact == pytest.approx(span, rel=0.1)
    threshold = choose_threshold(("alarms_per", [n, per]), y, score, watched)

    def is_within(cut):
        return counts_at(cut, windows, y, score, alarm_rule)[2] <= n * exact

    cuts = every_cut(score)
    kept = [cut for cut in cuts if cut >= threshold]
    assert all(map(is_within, [*kept, threshold]))
    below = [cut for cut in cuts if cut < threshold]
    # The next one down flags the same, or more than is allowed.
    flagged = np.count_nonzero(score > threshold)
    lower = next(cut for cut in below if np.count_nonzero(score > cut) > flagged)
    assert not is_within(lower)


def test_spans_are_those_of_the_rate_of_false_alarms():
    windows, y, score, frame = make_windows(5)
    flags = score > 0.5
    rate = false_alarm_rate(
        y, flags, time=frame["at"], groups=frame["machine"], per="1h"
    )
    n_false = false_alarm_rate(y, flags, groups=frame["machine"], per=len(y))
    assert rate == pytest.approx(n_false / Watched.of(windows).span("1h"))


def test_windows_left_out_keep_the_others_in_order():
    windows, *_ = make_windows(6)
    kept = np.random.default_rng(0).random(len(windows)) < 0.7
    watched, expected = Watched.of(windows).keep(kept), Watched.of(windows[kept])
    np.testing.assert_array_equal(watched.rows.order, expected.rows.order)
    np.testing.assert_array_equal(
        watched.rows.series_starts, expected.rows.series_starts
    )
    np.testing.assert_array_equal(watched.time, expected.time)


@pytest.mark.parametrize("rule", [("event_fbeta", [1]), ("alarms_per", [2, 500])])
def test_few_of_many_cuts_come_near_to_the_best(rule, monkeypatch):
    rng = np.random.default_rng(1)
    y = np.arange(1000) % 200 >= 195
    score = rng.normal(size=1000) + 3 * y
    in_order = Watched.of(score)
    best = choose_threshold(rule, y, score, in_order)
    monkeypatch.setattr(_event_thresholds, "_MAX_CUTS", 100)
    few = choose_threshold(rule, y, score, in_order)

    def measures(cut):
        flags = score > cut
        fscore = event_precision_recall_fscore_support(y, flags)[2]
        return fscore, false_alarm_rate(y, flags, per=500)

    assert measures(few) == pytest.approx(measures(best), rel=0.05)


# In the classifier.


def make_table(n_rows=1500):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n_rows, 2)), columns=["a", "b"])
    frame["at"] = pd.date_range("2026-03-01", periods=n_rows, freq="min")
    y = (np.arange(n_rows) % 100) // 5 == 12
    frame.loc[y, "a"] += 2.5
    return frame, y


def fit(frame, y, time="at", **parameters):
    windows = SlidingWindow(3, time=time).fit_transform(frame)
    detector = PCAAutoencoder(1, score_on="last")
    return RareEventClassifier(detector, **parameters).fit(windows, y), windows


@pytest.mark.parametrize("alarm_rule", RULES, ids=["runs", "rule"])
def test_the_classifier_counts_alarms_of_the_held_out_windows(alarm_rule):
    frame, y = make_table()
    threshold = ("alarms_per", 12, "1D")
    clf, windows = fit(frame, y, threshold=threshold, alarm_rule=alarm_rule)
    held_out = slice(1200, None)
    flags = clf.predict(windows)[held_out]
    if alarm_rule is not None:
        flags = alarm_rule.flag(flags)
    rate = false_alarm_rate(y[held_out], flags, time=frame["at"][held_out])
    # 300 minutes: two false alarms are 9.6 a day, three are 14.4.
    assert rate == pytest.approx(9.6)


def test_predict_tells_of_each_window_whatever_the_alarm_rule():
    frame, y = make_table()
    rule = AlarmRule(min_rows=3)
    clf, windows = fit(frame, y, threshold=("event_fbeta", 1), alarm_rule=rule)
    flags = clf.predict(windows)
    np.testing.assert_array_equal(flags, clf.decision_function(windows) > 0)
    assert flags.sum() > rule.flag(flags).sum() > 0


def test_a_file_holds_the_alarm_rule(tmp_path):
    frame, y = make_table(300)
    rule = AlarmRule(min_rows=2, max_gap="5min")
    clf, windows = fit(frame, y, threshold=("alarms_per", 9, "1D"), alarm_rule=rule)
    save(clf, tmp_path / "classifier.skseq")
    again = load(tmp_path / "classifier.skseq")
    assert again.get_params()["alarm_rule__max_gap"] == "5min"
    np.testing.assert_array_equal(again.predict(windows), clf.predict(windows))


def test_alarms_per_needs_no_event():
    frame, y = make_table()
    clf, windows = fit(frame, np.zeros(len(y), int), threshold=("alarms_per", 1, 100))
    flags = clf.predict(windows)[1200:]
    assert false_alarm_rate(np.zeros(300), flags, per=100) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"threshold": ("alarms_per", 2, "1D"), "time": None}, "do not tell the time"),
        ({"threshold": ("alarms_per", 2, 0.5)}, "must be a positive duration"),
        ({"alarm_rule": AlarmRule(on=3.5)}, r"'alarm_rule' has on=3.5, but .* flags"),
        ({"alarm_rule": AlarmRule(off=0.9)}, "must not be above 'on'"),
        ({"alarm_rule": AlarmRule(hold="5min"), "time": None}, "no time is given"),
    ],
    ids=str,
)
def test_what_alarms_cannot_be_counted_by_is_told_before_training(
    parameters, message, monkeypatch
):
    frame, y = make_table(300)
    monkeypatch.setattr("skseq.detection._classifier.fit_on_windows", None)
    if "time" in parameters:
        frame = frame.drop(columns="at")
    with pytest.raises(ValueError, match=message):
        fit(frame, y, **parameters)
