# SPDX-License-Identifier: BSD-3-Clause
"""The threshold rules, held to a naive search over every cut-off."""

import numpy as np
import pytest
from sklearn.metrics import (
    brier_score_loss,
    confusion_matrix,
    fbeta_score,
    precision_score,
    recall_score,
)

from skseq._thresholds import (
    check_rule,
    choose_threshold,
    cost_threshold,
    fbeta_threshold,
    fit_link,
    link_at,
    precision_threshold,
    probability_threshold,
    quantile_threshold,
    recall_threshold,
)


def make_scores(seed, n_samples=30, ties=False):
    rng = np.random.default_rng(seed)
    y = rng.random(n_samples) < 0.3
    y[:2] = True, False
    score = rng.normal(size=n_samples) + y
    return y, score.round(0 if ties else 9)


def naive_flags(score):
    """The flags at every distinct cut-off, from "all" to "none"."""
    for cut in [-np.inf, *np.unique(score)]:
        yield score > cut


samples = pytest.mark.parametrize(
    ("seed", "ties"), [(seed, ties) for seed in range(3) for ties in (False, True)]
)


@samples
@pytest.mark.parametrize("beta", [0.5, 1, 2])
def test_fbeta_threshold_gives_the_highest_fbeta(seed, ties, beta):
    y, score = make_scores(seed, ties=ties)

    def fbeta(flags):
        return fbeta_score(y, flags, beta=beta)

    best = max(fbeta(flags) for flags in naive_flags(score))
    assert fbeta(score > fbeta_threshold(y, score, beta)) == pytest.approx(best)


@samples
@pytest.mark.parametrize("least", [0.3, 0.4, 0.5])
def test_precision_threshold_gives_the_highest_recall_at_that_precision(
    seed, ties, least
):
    y, score = make_scores(seed, ties=ties)
    best = max(
        recall_score(y, flags)
        for flags in naive_flags(score)
        if precision_score(y, flags, zero_division=0) >= least
    )
    flags = score > precision_threshold(y, score, least)
    assert precision_score(y, flags) >= least
    assert recall_score(y, flags) == best


@samples
@pytest.mark.parametrize("least", [0.5, 0.9, 1])
def test_recall_threshold_gives_the_highest_precision_at_that_recall(seed, ties, least):
    y, score = make_scores(seed, ties=ties)
    best = max(
        precision_score(y, flags)
        for flags in naive_flags(score)
        if recall_score(y, flags) >= least
    )
    flags = score > recall_threshold(y, score, least)
    assert recall_score(y, flags) >= least
    assert precision_score(y, flags) == best


@samples
@pytest.mark.parametrize("costs", [(1, 1), (1, 10), (50, 1)])
def test_cost_threshold_gives_the_lowest_cost(seed, ties, costs):
    y, score = make_scores(seed, ties=ties)

    def cost(flags):
        _, false_alarms, missed, _ = confusion_matrix(y, flags).ravel()
        return costs[0] * false_alarms + costs[1] * missed

    best = min(cost(flags) for flags in naive_flags(score))
    assert cost(score > cost_threshold(y, score, *costs)) == best


def test_quantile_threshold_flags_that_share_of_the_normal_rows():
    score = np.arange(200.0)
    y = score >= 100
    assert np.mean(score[~y] > quantile_threshold(y, score, 0.9)) == 0.1


def test_quantile_threshold_takes_all_rows_where_none_is_normal():
    assert quantile_threshold([1, 1, 1], [1.0, 2.0, 3.0], 0.5) == 2


def test_unreachable_precision_warns_and_gives_the_highest():
    y, score = [0, 1, 0, 1], [4.0, 3.0, 2.0, 1.0]
    with pytest.warns(UserWarning, match="No threshold reaches a precision of 0.9"):
        threshold = precision_threshold(y, score, 0.9)
    # 1 of 2 and 2 of 4: of two that are as precise, that which finds more.
    assert threshold < 1


@pytest.mark.parametrize(
    "rule",
    [("fbeta", [1]), ("precision", [0.9]), ("recall", [0.9]), ("cost", [1, 1])],
)
def test_threshold_lies_midway_between_the_scores_that_it_parts(rule):
    assert choose_threshold(rule, [0, 0, 1, 1], [1.0, 2.0, 4.0, 5.0]) == 3


def test_neighbouring_floats_are_parted():
    low, high = 1.0, np.nextafter(1.0, 2)
    assert low <= fbeta_threshold([0, 1], [low, high], 1) < high


def test_of_equally_good_thresholds_that_with_fewest_alarms_is_chosen():
    # One alarm finds one event of two, three alarms both: F1 is 2/3 or 4/5.
    assert recall_threshold([1, 0, 1], [3.0, 2.0, 1.0], 0.5) == 2.5
    # Flagging nothing costs 1, as flagging both does.
    assert cost_threshold([1, 0], [1.0, 2.0], 1, 1) == 2


@pytest.mark.parametrize(
    ("rule", "checked"),
    [
        ("f1", ("fbeta", [1])),
        (("fbeta", 2), ("fbeta", [2])),
        (["cost", 1, 10.5], ("cost", [1, 10.5])),
        (("quantile", np.float32(0.5)), ("quantile", [np.float32(0.5)])),
    ],
)
def test_rules_are_read(rule, checked):
    assert check_rule(rule, "Owner") == checked


@pytest.mark.parametrize(
    "rule",
    [
        "f2",
        (),
        ("fbeta",),
        ("fbeta", 0),
        ("fbeta", "2"),
        ("fbeta", float("nan")),
        ("precision", 1.5),
        ("quantile", 99),
        ("probability", 1),
        ("cost", 1),
        ("cost", 1, -1),
        ("f1", 1),
        (3, 4),
        ([], 1),
    ],
)
def test_a_wrong_rule_is_an_error_that_lists_the_rules(rule):
    with pytest.raises(ValueError, match="'threshold' parameter of Owner must be 'f1'"):
        check_rule(rule, "Owner")


def make_heavy_tailed(seed, n_samples=4000):
    """Scores like reconstruction errors, and the true probability of an event."""
    rng = np.random.default_rng(seed)
    score = np.exp(1.5 * rng.normal(size=n_samples))
    probability = 1 / (1 + np.exp(-2 * (np.log(score) - 3)))
    return rng.random(n_samples) < probability, score, probability


def test_link_recovers_probabilities_behind_heavy_tailed_scores():
    y, score, probability = make_heavy_tailed(0)
    estimate = fit_link(y, score).probability(score)
    assert estimate.mean() == pytest.approx(y.mean(), rel=0.05)
    assert np.abs(estimate - probability).mean() < 0.01
    assert brier_score_loss(y, estimate) < 1.02 * brier_score_loss(y, probability)


def test_link_is_strictly_increasing_far_beyond_the_scores_it_was_fitted_to():
    y, score, _ = make_heavy_tailed(1)
    probability = fit_link(y, score).probability(np.geomspace(0.01, 1e4 * score.max()))
    assert np.all(np.diff(probability) > 0)


def test_link_does_not_depend_on_the_units_of_the_scores():
    y, score, _ = make_heavy_tailed(2)
    np.testing.assert_allclose(
        fit_link(y, score).probability(score),
        fit_link(y, 1e-4 * score - 7).probability(1e-4 * score - 7),
        rtol=1e-3,
    )


def test_probability_threshold_is_where_the_link_has_that_probability():
    y, score, _ = make_heavy_tailed(3)
    threshold = probability_threshold(y, score, 0.2)
    assert fit_link(y, score).probability(threshold) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("y", "score"),
    [([0, 0, 0], [1.0, 2.0, 3.0]), ([1, 0, 0, 0, 0], [1.0, 2.0, 3.0, 4.0, 5.0])],
    ids=["no event", "events score lower"],
)
def test_no_link_is_fitted_to_scores_that_say_nothing(y, score):
    assert fit_link(y, score) is None


def test_link_without_events_is_one_half_at_the_threshold():
    link = link_at(3.0, np.arange(9.0))
    assert link.probability(3.0) == 0.5
    assert link.probability(7.0) > 0.5 > link.probability(0.0)


def test_link_stands_constant_scores():
    assert link_at(1.0, np.ones(5)).probability(1.0) == 0.5
