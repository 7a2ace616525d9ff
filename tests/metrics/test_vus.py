# SPDX-License-Identifier: BSD-3-Clause
import naive_events as naive
import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skseq.metrics import vus_pr_score, vus_roc_score

measures = pytest.mark.parametrize("measure", [vus_roc_score, vus_pr_score])

# The mean over w = 0, ..., max_window of the first two results of
#   metricor().RangeAUC(labels=y_true, score=y_score, window=w, plot_ROC=True)
# of vus.utils.metrics in the authors' package vus 0.0.6, on reference_rows(seed). (Its
# RangeAUC_volume_opt has left the definition of 2022, as TSB-AD: see below.)
REFERENCE = [
    # seed, max_window, VUS-ROC, VUS-PR
    (0, 0, 0.7403723352, 0.2736412667),
    (1, 10, 0.8303553052, 0.4468903012),
    (2, 40, 0.7780300688, 0.4514386992),
]

# The last two results of
#   generate_curve(y_true, y_score, max_window, "opt", 250)
# of TSB_AD.evaluation.basic_metrics in the leaderboard's package TSB-AD 1.5, on
# reference_rows(seed). On 300 random tables of 20 to 900 rows, with windows of up to
# 30, the figures of the package and those of this one differed by 3e-16 at the most.
TSB_AD = [
    # seed, max_window, VUS-ROC, VUS-PR
    (0, 0, 0.7403723351999214, 0.2860745849499073),
    (1, 10, 0.8667583001837017, 0.48041288762824136),
    (2, 40, 0.8668760994196487, 0.502714414542005),
]


def reference_rows(seed):
    rng = np.random.default_rng(seed)
    y_true = np.zeros(300, dtype=int)
    for start, length in zip([20, 90, 104, 280], [12, 6, 1, 20], strict=True):
        y_true[start : start + length] = 1
    return y_true, rng.normal(size=300) + y_true


@pytest.mark.parametrize(("seed", "max_window", "roc", "pr"), REFERENCE)
def test_scores_equal_those_of_the_authors_code(seed, max_window, roc, pr):
    y_true, y_score = reference_rows(seed)
    parameters = {"max_window": max_window, "n_thresholds": 250}
    assert vus_roc_score(y_true, y_score, **parameters) == pytest.approx(roc, abs=1e-9)
    assert vus_pr_score(y_true, y_score, **parameters) == pytest.approx(pr, abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_scores_equal_those_of_the_definition(labels, seed):
    y_true, _, y_score, groups = labels(seed)
    roc, pr = naive.vus(y_true, y_score, 7, groups)
    parameters = {"max_window": 7, "groups": groups}
    assert vus_roc_score(y_true, y_score, **parameters) == pytest.approx(roc)
    assert vus_pr_score(y_true, y_score, **parameters) == pytest.approx(pr)


@pytest.mark.parametrize(("seed", "max_window", "roc", "pr"), TSB_AD)
def test_the_variant_gives_the_figures_of_the_leaderboard(seed, max_window, roc, pr):
    y_true, y_score = reference_rows(seed)
    parameters = {"max_window": max_window, "variant": "tsb-ad"}
    assert vus_roc_score(y_true, y_score, **parameters) == pytest.approx(roc, abs=1e-12)
    assert vus_pr_score(y_true, y_score, **parameters) == pytest.approx(pr, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("max_window", [0, 7, 20])
def test_the_variant_equals_a_plain_loop(labels, seed, max_window):
    y_true, _, y_score, groups = labels(seed)
    roc, pr = naive.vus_tsb_ad(y_true, y_score, max_window, groups)
    parameters = {"max_window": max_window, "groups": groups, "variant": "tsb-ad"}
    assert vus_roc_score(y_true, y_score, **parameters) == pytest.approx(roc, abs=1e-12)
    assert vus_pr_score(y_true, y_score, **parameters) == pytest.approx(pr, abs=1e-12)


def test_as_many_thresholds_in_the_paper_are_not_the_variant():
    y_true, y_score = reference_rows(1)
    variant = vus_pr_score(y_true, y_score, max_window=10, variant="tsb-ad")
    paper = vus_pr_score(y_true, y_score, max_window=10, n_thresholds=250)
    assert variant - paper > 0.03


@measures
def test_only_the_order_of_the_scores_counts(measure, labels):
    y_true, _, y_score, _ = labels(0)
    value = measure(y_true, y_score, max_window=5)
    assert measure(y_true, np.exp(y_score), max_window=5) == pytest.approx(value)


@measures
def test_a_near_miss_scores_more_than_a_far_one(measure):
    y_true = np.arange(200) // 10 == 7
    near, far = (np.roll(y_true, shift).astype(float) for shift in (3, 60))
    near, far = (measure(y_true, score, max_window=20) for score in (near, far))
    assert near > far + 0.1


@measures
def test_as_many_thresholds_as_rows_are_all_of_them(measure, labels):
    y_true, _, y_score, _ = labels(1)
    every = measure(y_true, y_score, max_window=5)
    assert measure(y_true, y_score, max_window=5, n_thresholds=60) == every


@measures
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_undefined(measure, label):
    with pytest.warns(UndefinedMetricWarning, match="Only one class"):
        assert np.isnan(measure(np.full(5, label), np.arange(5.0)))


@measures
def test_scores_that_are_infinite_are_refused(measure):
    with pytest.raises(ValueError, match="y_score contains infinity"):
        measure([0, 1], [0.5, np.inf])
    with pytest.raises(ValueError, match="'max_window' parameter"):
        measure([0, 1], [0.5, 1.0], max_window=-1)


@measures
def test_rows_that_were_not_judged_are_left_out_and_counted(measure, labels):
    y_true, _, y_score, groups = labels(0)
    y_score[[3, 17, 40]] = np.nan
    seen = ~np.isnan(y_score)
    with pytest.warns(UserWarning, match="3 of 60 rows were not judged") as caught:
        value = measure(y_true, y_score, max_window=5, groups=groups)
    assert caught[0].filename == __file__
    assert value == measure(
        y_true[seen], y_score[seen], max_window=5, groups=groups[seen]
    )
    # A series of which nothing was judged is none.
    y_score[groups == 1] = np.nan
    seen = ~np.isnan(y_score)
    with pytest.warns(UserWarning, match="rows were not judged"):
        value = measure(y_true, y_score, max_window=5, groups=groups)
    expected = measure(y_true[seen], y_score[seen], max_window=5, groups=groups[seen])
    assert value == expected
    with pytest.raises(ValueError, match="No row was judged"):
        measure([0, 1], [np.nan, np.nan])
