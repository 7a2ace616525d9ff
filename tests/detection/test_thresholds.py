# SPDX-License-Identifier: BSD-3-Clause
"""The threshold rules, held to a naive search over every cut-off."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import genpareto
from sklearn.metrics import (
    brier_score_loss,
    confusion_matrix,
    fbeta_score,
    precision_score,
    recall_score,
)

from skseq.detection._calibration import (
    fit_isotonic,
    fit_link,
    fit_sigmoid,
    link_at,
)
from skseq.detection._thresholds import (
    check_rule,
    choose_threshold,
    cost_threshold,
    fbeta_threshold,
    precision_threshold,
    probability_threshold,
    recall_threshold,
)
from skseq.reconstruction._offset import (
    check_contamination,
    pot_threshold,
    quantile_threshold,
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


def tail_sample(shape, n_samples=20_000):
    """Evenly spread quantiles of a distribution with a generalised Pareto tail."""
    return genpareto.isf((np.arange(n_samples) + 0.5) / n_samples, shape)


@pytest.mark.parametrize("risk", [1e-2, 1e-3, 1e-5])
def test_pot_threshold_reaches_far_into_an_exponential_tail(risk):
    threshold = pot_threshold(np.zeros(20_000), tail_sample(0.0), risk)
    assert threshold == pytest.approx(-np.log(risk), rel=0.02)


@pytest.mark.parametrize("exponent", [2.0, 4.0])
@pytest.mark.parametrize("risk", [1e-2, 1e-3, 1e-4])
def test_pot_threshold_reaches_far_into_a_pareto_tail(exponent, risk):
    n_samples = 20_000
    score = ((np.arange(n_samples) + 0.5) / n_samples) ** (-1 / exponent)
    threshold = pot_threshold(np.zeros(n_samples), score, risk)
    assert threshold == pytest.approx(risk ** (-1 / exponent), rel=0.05)


def test_pot_threshold_stays_within_a_bounded_tail():
    score = tail_sample(-0.5)  # at most 2
    threshold = pot_threshold(np.zeros(len(score)), score, 1e-6)
    assert threshold == pytest.approx(genpareto.isf(1e-6, -0.5), rel=0.01)


def naive_pot(score, risk):
    """The formula of Siffer et al., and Grimshaw's profile likelihood."""
    start = np.quantile(score, 0.98)
    excesses = score[score > start] - start

    def shape(ratio):
        return np.mean(np.log1p(ratio * excesses))

    def loss(ratio):  # ratio = shape / scale
        return np.log(shape(ratio) / ratio) + shape(ratio)

    # Once below 0 and once above, where the ratio is 0 / 0.
    low, mean = -1 / excesses.max(), excesses.mean()
    fits = [
        minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12})
        for bounds in [(0.999 * low, -1e-9 / mean), (1e-9 / mean, 10 / mean)]
    ]
    ratio = min(fits, key=lambda fit: fit.fun).x
    share = len(excesses) / len(score)
    return start + ((risk / share) ** -shape(ratio) - 1) / ratio


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(size=5000),
        lambda rng: rng.exponential(size=5000),
        lambda rng: np.exp(rng.normal(size=5000)),
        lambda rng: rng.standard_t(3, size=5000),
    ],
    ids=["normal", "exponential", "lognormal", "student"],
)
def test_pot_threshold_equals_that_of_a_profile_likelihood(draw, seed):
    score = draw(np.random.default_rng(seed))
    y = np.zeros(len(score))
    assert pot_threshold(y, score, 1e-3) == pytest.approx(
        naive_pot(score, 1e-3), rel=1e-3
    )


def test_pot_threshold_is_exceeded_by_that_share_of_later_rows():
    rng = np.random.default_rng(0)
    threshold = pot_threshold(np.zeros(20_000), rng.gamma(2, size=20_000), 1e-3)
    later = rng.gamma(2, size=1_000_000)
    assert np.mean(later > threshold) == pytest.approx(1e-3, rel=0.2)


def test_pot_threshold_does_not_look_at_events():
    score = tail_sample(0.1)
    y = np.append(np.zeros(len(score)), np.ones(50))
    with_events = pot_threshold(y, np.append(score, np.full(50, 1e6)), 1e-4)
    assert with_events == pot_threshold(np.zeros(len(score)), score, 1e-4)


def test_pot_threshold_does_not_depend_on_the_units_of_the_scores():
    score = tail_sample(0.2, 5000)
    y = np.zeros(len(score))
    expected = 1e-6 * pot_threshold(y, score, 1e-4) - 3
    assert pot_threshold(y, 1e-6 * score - 3, 1e-4) == pytest.approx(expected, 1e-6)


@pytest.mark.parametrize("risk", [0.02, 0.1, 0.5])
def test_pot_threshold_of_a_risk_that_was_seen_is_the_quantile(risk):
    score = np.random.default_rng(0).normal(size=60)
    assert pot_threshold(np.zeros(60), score, risk) == np.quantile(score, 1 - risk)


def test_pot_threshold_takes_few_excesses_for_exponential_and_warns():
    score = np.random.default_rng(0).normal(size=400)
    with pytest.warns(UserWarning, match="^8 of 400 normal scores .* 1000 normal rows"):
        threshold = pot_threshold(np.zeros(400), score, 1e-3)
    start = np.quantile(score, 0.98)
    mean = np.mean(score[score > start] - start)
    assert threshold == pytest.approx(start + mean * np.log(0.02 / 1e-3))


def test_pot_threshold_of_equal_scores_is_that_score():
    with pytest.warns(UserWarning, match="^0 of 90 normal scores"):
        assert pot_threshold(np.zeros(90), np.full(90, 2.5), 1e-3) == 2.5


def test_pot_threshold_stands_ties_at_its_quantile():
    score = np.append(np.full(4960, 1.0), 1 + tail_sample(0.0, 40))
    threshold = pot_threshold(np.zeros(5000), score, 0.01)
    # 40 of 5000 are above 1: fewer than the risk.
    assert threshold == 1
    assert pot_threshold(np.zeros(5000), score, 1e-3) > 2


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
        (("event_cost", 1, 50), ("event_cost", [1, 50])),
        (("alarms_per", 0, 1000), ("alarms_per", [0, 1000])),
        (("alarms_per", 2, "1D"), ("alarms_per", [2, "1D"])),
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
        ("pot", 0),
        ("pot", 1),
        ("cost", 1),
        ("cost", 1, -1),
        ("f1", 1),
        ("event_f1",),
        ("event_fbeta", 0),
        ("event_cost", 1),
        ("alarms_per", 2),
        ("alarms_per", -1, "1D"),
        ("alarms_per", 2, 0),
        ("alarms_per", 2, "a day"),
        ("alarms_per", 2, "-1D"),
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


@pytest.mark.parametrize(
    ("n_samples", "method", "error"),
    [(900, "sigmoid", 0.02), (20_000, "isotonic", 0.005)],
)
def test_link_recovers_probabilities_behind_heavy_tailed_scores(
    n_samples, method, error
):
    y, score, probability = make_heavy_tailed(0, n_samples)
    link = fit_link(y, score)
    assert link.method == method
    estimate = link.probability(score)
    assert estimate.mean() == pytest.approx(y.mean(), rel=0.05)
    assert np.abs(estimate - probability).mean() < error
    assert brier_score_loss(y, estimate) < 1.02 * brier_score_loss(y, probability)


@pytest.mark.parametrize(
    ("n_normal", "n_events", "method"),
    [
        (900, 100, "isotonic"),
        (899, 100, "sigmoid"),
        (9901, 99, "sigmoid"),
        (100, 900, "isotonic"),
        (99, 9901, "sigmoid"),
    ],
)
def test_isotonic_needs_many_samples_of_each_label(n_normal, n_events, method):
    y = np.repeat([0, 1], [n_normal, n_events])
    score = np.random.default_rng(0).normal(size=len(y)) + y
    assert fit_link(y, score).method == method


def naive_isotonic(y):
    """Highest, over the starts before i, of the lowest mean over the ends after it."""
    n = len(y)
    return [
        max(min(np.mean(y[a : b + 1]) for b in range(i, n)) for a in range(i + 1))
        for i in range(n)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_isotonic_link_is_the_monotone_fit_within_bounds(seed):
    y, score = make_scores(seed)
    order = np.argsort(score)
    n_events = y.sum()
    expected = np.clip(
        naive_isotonic(y[order]),
        1 / (len(y) - n_events + 2),
        (n_events + 1) / (n_events + 2),
    )
    link = fit_isotonic(y.astype(int), score)
    np.testing.assert_allclose(link.probability(score[order]), expected)


def test_isotonic_link_is_constant_beyond_its_scores_and_never_certain():
    y, score, _ = make_heavy_tailed(1)
    probability = fit_isotonic(y, score).probability([-1e9, score.min()])
    assert 0 < probability[0] == probability[1]
    probability = fit_isotonic(y, score).probability([score.max(), 1e9])
    assert probability[0] == probability[1] < 1


def test_sigmoid_is_strictly_increasing_far_beyond_the_scores_it_was_fitted_to():
    y, score, _ = make_heavy_tailed(1)
    link = fit_sigmoid(y.astype(int), score)
    probability = link.probability(np.geomspace(0.01, 1e4 * score.max()))
    assert np.all(np.diff(probability) > 0)


def test_link_does_not_depend_on_the_units_of_the_scores():
    y, score, _ = make_heavy_tailed(2)
    np.testing.assert_allclose(
        fit_link(y, score).probability(score),
        fit_link(y, 1e-4 * score - 7).probability(1e-4 * score - 7),
        rtol=1e-3,
    )


@pytest.mark.parametrize("n_samples", [900, 4000])
def test_probability_threshold_is_where_the_link_has_that_probability(n_samples):
    y, score, _ = make_heavy_tailed(3, n_samples)
    threshold = probability_threshold(y, score, 0.2)
    assert fit_link(y, score).probability(threshold) == pytest.approx(0.2)


@pytest.mark.parametrize("n_samples", [900, 4000])
def test_probability_threshold_flags_what_has_a_higher_probability(n_samples):
    y, score, _ = make_heavy_tailed(3, n_samples)
    link = fit_link(y, score)
    later = make_heavy_tailed(4)[1]
    # The levels of the steps themselves too.
    for probability in [0.003, 0.2, 0.5, *np.unique(link.probability(score))[1:-1:9]]:
        threshold = probability_threshold(y, score, probability)
        np.testing.assert_array_equal(
            later > threshold, link.probability(later) > probability
        )


def test_probability_that_no_score_reaches_warns_and_flags_none():
    rng = np.random.default_rng(0)
    y = rng.random(2000) < 0.2
    score = rng.normal(size=2000) + 0.3 * y
    assert fit_link(y, score).method == "isotonic"
    with pytest.warns(UserWarning, match="for a probability above 0.99: no row will"):
        threshold = probability_threshold(y, score, 0.99)
    assert np.isfinite(threshold)
    assert threshold > 1e6


def test_probability_that_every_score_reaches_flags_all():
    y, score, _ = make_heavy_tailed(3)
    threshold = probability_threshold(y, score, 1e-9)
    assert np.isfinite(threshold)
    assert threshold < -1e6


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


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_contamination_is_the_share_of_lower_scores(share):
    scores = np.random.default_rng(0).normal(size=200)
    offset = check_contamination(share, "Owner").offset(scores)
    assert np.mean(scores < offset) == share
    assert offset == pytest.approx(np.percentile(scores, 100 * share), rel=1e-12)


def test_contamination_may_be_a_rule_of_normal_scores():
    error = tail_sample(0.1, 5000)
    risk = pot_threshold(np.zeros(5000), error, 1e-4)
    assert check_contamination(("pot", 1e-4), "Owner").offset(-error) == -risk
    quantile = check_contamination(("quantile", 0.9), "Owner").offset(-error)
    assert quantile == pytest.approx(check_contamination(0.1, "Owner").offset(-error))


@pytest.mark.parametrize(
    "contamination", [0, 0.6, "f1", ("fbeta", 1), ("pot", 1), ("pot",), None]
)
def test_a_wrong_contamination_is_named(contamination):
    with pytest.raises(ValueError, match="'contamination' parameter of Owner must be"):
        check_contamination(contamination, "Owner")
