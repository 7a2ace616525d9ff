# SPDX-License-Identifier: BSD-3-Clause
import itertools

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from skseq._report._bootstrap import (
    Difference,
    _average_precisions,
    average_precision_difference,
    resampling_units,
)
from skseq._report._operating import candidate_thresholds, operating_points
from skseq._report._scored import Rows
from skseq._report._verdict import judge
from skseq._report._worst import worst_windows
from skseq._report._zoomed import drawn_rows
from skseq._telling import Detector
from skseq.metrics import false_alarm_rate


def naive_counts(y, score, groups, threshold):
    """What operating_points counts, one row after the other."""
    alarm = score > threshold
    counts = dict.fromkeys(("tp", "fp", "found", "alarms", "false_alarms"), 0)
    counts["tp"] = int(sum(alarm & y))
    counts["fp"] = int(sum(alarm & ~y))
    for series in np.unique(groups):
        rows = np.flatnonzero(groups == series)
        for is_event, run in itertools.groupby(rows, lambda row: y[row]):
            counts["found"] += bool(is_event and any(alarm[list(run)]))
        counts["alarms"] += sum(bool(key) for key, _ in itertools.groupby(alarm[rows]))
    counts["false_alarms"] = round(
        false_alarm_rate(y, alarm, groups=groups, per=len(y))
    )
    return counts


@pytest.mark.parametrize("seed", range(20))
def test_counts_at_every_threshold_are_those_of_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    n_rows = rng.integers(1, 40) if seed % 2 else 400
    y = np.repeat(rng.random(n_rows) < rng.random() / 10 ** (seed % 3), 1 + seed % 3)
    n_rows = len(y)
    score = rng.integers(0, 6, n_rows).astype(float)
    groups = rng.integers(0, 3, n_rows)
    thresholds = candidate_thresholds(score, 2.5)
    assert 2.5 in thresholds
    counts = operating_points(Rows(y, groups), score, thresholds)
    for k, threshold in enumerate(thresholds):
        expected = naive_counts(y, score, groups, threshold)
        assert {name: values[k] for name, values in counts.items()} == expected


def test_thresholds_flag_from_no_row_to_every_row():
    score = np.random.default_rng(0).normal(size=5000)
    thresholds = candidate_thresholds(score)
    flagged = (score > thresholds[:, np.newaxis]).sum(axis=1)
    assert flagged[0] == 5000
    assert flagged[-1] == 0
    np.testing.assert_array_equal(flagged[-50:], np.arange(50)[::-1])
    assert len(thresholds) <= 1002


@pytest.fixture
def simulated():
    """Rows with six events, and two scores, of which the first is the better one."""
    rng = np.random.default_rng(0)
    y = np.zeros(400, dtype=bool)
    for start in (20, 70, 150, 200, 290, 380):
        y[start : start + 8] = True
    better, worse = rng.normal(size=(2, 400)) + y * np.array([[2.5], [1.0]])
    return Rows(y), better.round(1), worse.round(1)


def test_average_precision_of_resamples_is_that_of_the_repeated_rows(simulated):
    rows, score, _ = simulated
    units, is_event = resampling_units(rows)
    weights = np.random.default_rng(1).integers(1, 4, size=(5, len(is_event)))
    for got, weight in zip(
        _average_precisions(rows.y, score, units, weights), weights, strict=True
    ):
        repeated = np.repeat(np.arange(len(rows)), weight[units])
        expected = average_precision_score(rows.y[repeated], score[repeated])
        assert got == pytest.approx(expected, abs=1e-12)


def test_units_are_whole_events_and_stretches_between_them(simulated):
    rows, *_ = simulated
    units, is_event = resampling_units(rows)
    assert is_event.sum() == rows.n_events == 6
    assert (is_event[units] == rows.y).all()
    assert (np.diff(units) >= 0).all()
    assert np.bincount(units)[is_event].tolist() == [8] * 6
    longest = np.bincount(units)[~is_event].max()
    assert longest <= np.ceil((~rows.y).sum() / 50)


def test_interval_is_that_of_a_bootstrap_done_by_hand(simulated):
    rows, score, other = simulated
    got = average_precision_difference(
        rows, score, other, n_resamples=2000, random_state=3
    )
    units, is_event = resampling_units(rows)
    members = [np.flatnonzero(units == k) for k in range(len(is_event))]
    rng = np.random.default_rng(5)  # other draws, of the same distribution
    differences = []
    for _ in range(600):
        drawn = np.concatenate(
            [
                members[k]
                for kind in (np.flatnonzero(is_event), np.flatnonzero(~is_event))
                for k in rng.choice(kind, len(kind))
            ]
        )
        first, second = (
            average_precision_score(rows.y[drawn], values[drawn])
            for values in (score, other)
        )
        differences.append(first - second)
    low, high = np.quantile(differences, [0.025, 0.975])
    assert got.value == pytest.approx(
        average_precision_score(rows.y, score) - average_precision_score(rows.y, other)
    )
    assert got.low == pytest.approx(low, abs=0.05)
    assert got.high == pytest.approx(high, abs=0.05)
    assert (got.n_resamples, got.n_events) == (2000, 6)


@pytest.mark.parametrize(
    ("difference", "kind", "words"),
    [
        ((0.2, 0.1, 0.3), "better", "net beats PCA"),
        ((0.1, -0.1, 0.3), "open", "includes zero"),
        ((-0.1, -0.3, 0.1), "open", "It is not shown that net beats PCA"),
        ((-0.2, -0.3, -0.1), "worse", "net is worse than PCA"),
    ],
)
def test_verdict_says_no_more_than_the_interval(difference, kind, words):
    rows = Rows(np.array([False, True, False, True]))
    measures = [{"average precision": 0.6}, {"average precision": 0.5}]
    verdict = judge("net", "PCA", rows, measures, Difference(*difference, 9, 2, 2))
    assert verdict.kind == kind
    assert words in verdict.sentence
    assert f"{difference[1]:+.3f} to {difference[2]:+.3f}" in verdict.sentence


def test_verdict_gives_no_interval_of_one_event():
    rows = Rows(np.array([False, True, False]))
    measures = [{"average precision": 0.6}, {"average precision": 0.5}]
    difference = Difference(0.1, 0.05, 0.2, 9, 1, 2)
    verdict = judge("net", "PCA", rows, measures, difference)
    assert verdict.kind == "open"
    assert "cannot be told from one event" in verdict.sentence


def test_worst_windows_share_no_row_and_explain_their_scores(models, scored):
    X, y = scored
    pipeline = models["PCA"]
    windows, detector = pipeline[0].transform(X), pipeline[-1].detector_
    score = -detector.score_samples(windows)
    worst = worst_windows(Detector(detector, windows), Rows(y == 1), score)
    chosen = [window.row for window in worst]
    assert chosen[0] == np.argmax(score)
    assert np.diff(np.sort(chosen)).min() >= 5
    assert (np.diff(score[chosen]) <= 0).all()
    explained = detector.explain(windows[chosen], per="cell").to_numpy()
    for window, shares in zip(worst, explained, strict=True):
        assert window.shares.sum() == pytest.approx(1)
        np.testing.assert_allclose(
            window.shares.ravel(), shares / score[window.row], rtol=1e-5, atol=1e-7
        )


def test_line_that_is_drawn_loses_no_peak():
    score = np.random.default_rng(0).normal(size=50_000)
    score[[7, 31_415]] = 50, -50
    drawn = drawn_rows(score)
    assert len(drawn) <= 4000
    assert {7, 31_415} <= set(drawn)
