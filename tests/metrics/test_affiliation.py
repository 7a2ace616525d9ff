# SPDX-License-Identifier: BSD-3-Clause
import naive_events as naive
import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skseq.metrics import affiliation_precision_recall

# Affiliation_Precision and Affiliation_Recall of pr_from_events(pred, true, (0, 300)),
# of vus.affiliation.metrics in vus 0.0.6, a copy of the paper's authors' code, where
# pred and true are convert_vector_to_events of the rows made here.
REFERENCE = [
    # seed, precision, recall
    (0, 0.5764206090, 0.9666659987),
    (1, 0.7981962908, 0.9797861822),
    (2, 0.6608405653, 0.9651679668),
]


def from_intervals(intervals, n_rows):
    flags = np.zeros(n_rows, dtype=int)
    for start, stop in intervals:
        flags[start:stop] = 1
    return flags


@pytest.mark.parametrize(("seed", "precision", "recall"), REFERENCE)
def test_figures_equal_those_of_the_authors_code(seed, precision, recall):
    y_true = from_intervals([(20, 32), (90, 96), (104, 105), (280, 300)], 300)
    y_pred = np.random.default_rng(seed).normal(size=300) + y_true > 1.5
    figures = affiliation_precision_recall(y_true, y_pred)
    assert figures == pytest.approx((precision, recall), abs=1e-9)


def test_figures_of_the_papers_example():
    # Minutes; the paper gives 0.672 and 0.944 for the second event alone.
    y_true = from_intervals([(0, 10), (50, 70), (170, 175)], 180)
    y_pred = from_intervals([(40, 60), (115, 120)], 180)
    precision, recall = affiliation_precision_recall(y_true, y_pred)
    assert precision == pytest.approx(0.672222222)
    assert 3 * recall == pytest.approx(0.944444444)


@pytest.mark.parametrize("seed", range(8))
def test_figures_equal_the_definition_integrated_numerically(seed):
    rng = np.random.default_rng(seed)
    event = (int(rng.integers(1, 12)), int(rng.integers(14, 20)))
    starts = np.sort(rng.choice(np.arange(0, 30, 3), 3, replace=False))
    alarms = [(int(start), int(start) + 2) for start in starts]
    figures = affiliation_precision_recall(
        from_intervals([event], 32), from_intervals(alarms, 32)
    )
    expected = naive.affiliation(event, alarms, (0, 32))
    assert figures == pytest.approx(expected, abs=2e-3)


def test_an_alarm_across_a_border_counts_on_both_sides_for_its_part():
    events, alarms = [(2, 4), (11, 14)], [(5, 10)]
    figures = affiliation_precision_recall(
        from_intervals(events, 20), from_intervals(alarms, 20)
    )
    parts = [
        naive.affiliation(event, alarms, zone)
        for event, zone in zip(events, [(0, 7.5), (7.5, 20)], strict=True)
    ]
    assert figures == pytest.approx(np.mean(parts, axis=0), abs=2e-3)


def test_zones_end_with_their_series():
    y_true = from_intervals([(2, 4), (11, 14)], 30)
    y_pred = from_intervals([(5, 6), (18, 19)], 30)
    groups = np.repeat([0, 1, 2], [8, 12, 10])
    figures = affiliation_precision_recall(y_true, y_pred, groups=groups)
    parts = [
        affiliation_precision_recall(y_true[rows], y_pred[rows])
        for rows in (slice(0, 8), slice(8, 20))
    ]
    assert figures == pytest.approx(np.mean(parts, axis=0))


def test_interleaved_series_are_told_apart(labels):
    y_true, y_pred, _, groups = labels(3)
    order = np.argsort(groups, kind="stable")
    sorted_rows = affiliation_precision_recall(
        y_true[order], y_pred[order], groups=groups[order]
    )
    figures = affiliation_precision_recall(y_true, y_pred, groups=groups)
    assert figures == pytest.approx(sorted_rows)


def test_random_alarms_have_a_precision_of_about_a_half():
    y_true = from_intervals([(100, 110), (400, 500), (800, 801)], 1000)
    y_pred = np.random.default_rng(0).random(1000) < 0.2
    precision, recall = affiliation_precision_recall(y_true, y_pred)
    assert precision == pytest.approx(0.5, abs=0.1)
    assert recall > 0.9


def test_perfect_alarms_have_one_and_no_alarms_have_zero():
    y_true = from_intervals([(3, 5), (8, 9)], 12)
    assert affiliation_precision_recall(y_true, y_true) == (1.0, 1.0)
    nothing = np.zeros(12, dtype=int)
    with pytest.warns(UndefinedMetricWarning, match="no alarms in the zone"):
        assert affiliation_precision_recall(y_true, nothing) == (0.0, 0.0)
    precision, recall = affiliation_precision_recall(
        nothing, y_true, zero_division=np.nan
    )
    assert np.isnan(precision)
    assert np.isnan(recall)
