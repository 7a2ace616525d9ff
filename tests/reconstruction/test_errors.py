# SPDX-License-Identifier: BSD-3-Clause
"""Errors against what is usual, what they are made of, and the scores of rows."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from skseq import LSTMAutoencoder, PCAAutoencoder, SlidingWindow
from skseq.reconstruction import _errors as _error_rules
from skseq.reconstruction._errors import fit_error_rule, subsample
from skseq.reconstruction._judge import Judge
from skseq.reconstruction._offset import (
    ContaminationRule,
    pot_threshold,
    quantile_threshold,
    ratio_of_scores,
)
from skseq.windowing._held_out import hold_out


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3))
    table[50:53] = np.nan
    table[80, 1] = np.nan
    names = ["flow", "level", "heat"]
    frame = pd.DataFrame(table, columns=names, index=np.arange(200) * 5)
    return SlidingWindow(4).fit_transform(frame)


@pytest.fixture(
    scope="module",
    params=[
        ("loss", "mean"),
        ("standardized", "max"),
        ("mahalanobis", "mean"),
        ("mahalanobis", "last"),
    ],
    ids="-".join,
)
def fitted(windows, request):
    error, score_on = request.param
    return LSTMAutoencoder(
        2, max_epochs=2, error=error, score_on=score_on, random_state=0
    ).fit(windows)


@pytest.fixture(scope="module")
def differences():
    rng = np.random.default_rng(1)
    return rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3)) + [1, 0, -2]


def rule_of(error, differences):
    """Learned of steps that are off by these differences."""
    targets = np.asarray(differences)[:, np.newaxis]
    return fit_error_rule(error, [(slice(None), targets, np.zeros_like(targets))])


def test_the_shares_of_a_step_sum_to_its_mahalanobis_distance(differences):
    """Of standardised differences, shrunk towards the unit matrix."""
    rule = rule_of("mahalanobis", differences)
    outputs = np.zeros((5, 1, 3))
    cells = rule.cells(differences[:5, np.newaxis], outputs)
    deviation = differences.std(axis=0)
    standardized = (differences - differences.mean(axis=0)) / deviation
    correlation = LedoitWolf(assume_centered=True).fit(standardized).covariance_
    shrunk = 0.9 * correlation + 0.1 * np.eye(3)
    inverse = np.linalg.inv(shrunk * np.outer(deviation, deviation))
    expected = [
        mahalanobis(row, differences.mean(axis=0), inverse) ** 2
        for row in differences[:5]
    ]
    np.testing.assert_allclose(cells.sum(axis=(1, 2)), expected, rtol=1e-4)


def dense_rule(differences, spread=1.0):
    """The same by a dense covariance and its inverse."""
    location = differences.mean(axis=0)
    centred = (differences - location) / spread
    variance = np.square(centred).mean() + 1e-6
    covariance = LedoitWolf(assume_centered=True).fit(centred).covariance_
    covariance = 0.9 * covariance + (0.1 * variance + 1e-6) * np.eye(len(location))
    return location, np.linalg.inv(covariance * np.outer(spread, spread))


@pytest.mark.parametrize("n_steps", [2, 9, 19, 20, 60])
def test_of_few_steps_the_distance_is_that_of_the_dense_inverse(n_steps):
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.01, 100, 40)
    mixed = rng.normal(size=(n_steps, 3)) @ rng.normal(size=(3, 40))
    steps = (mixed + 0.1 * rng.normal(size=mixed.shape)) * spread
    targets = steps[:, np.newaxis]
    rule = rule_of("mahalanobis", steps)
    assert (rule.factors is not None) == (2 * n_steps < 40)
    new = np.concatenate([steps, 3 * spread * rng.normal(size=(5, 40))])
    new[-1, 4] = np.nan
    location, precision = dense_rule(steps, steps.std(axis=0))
    dense = _error_rules.ErrorRule(location, precision)
    targets = new[:, np.newaxis]
    outputs = np.zeros_like(targets)
    expected = dense.cells(targets, outputs)
    atol = 1e-9 * np.nanmax(np.abs(expected))
    cells = rule.cells(targets, outputs)
    np.testing.assert_allclose(cells, expected, atol=atol)
    alone = rule.cells(targets[1:2], outputs[1:2])
    np.testing.assert_array_equal(alone, cells[1:2])  # the same in any company
    sizes = np.abs(new[0])
    most = np.sum(sizes * (np.abs(precision) @ sizes))
    assert rule.largest_distance(sizes) >= most * (1 - 1e-9)


def test_a_rule_of_many_features_and_few_steps_is_small():
    rng = np.random.default_rng(0)
    rule = rule_of("mahalanobis", rng.normal(size=(6, 5000)))
    assert sum(array.nbytes for array in rule) <= 8 * 8 * 5000
    one = rule_of("mahalanobis", rng.normal(size=(1, 5000)))
    assert one.precision.shape == (5000,)
    assert one.factors is None


def test_standardized_errors_are_one_on_average_for_each_feature(differences):
    rule = rule_of("standardized", differences)
    cells = rule.cells(differences[:, np.newaxis], np.zeros((500, 1, 3)))
    # But for the least deviation, a thousandth of the spread.
    np.testing.assert_allclose(cells.mean(axis=(0, 1)), 1, rtol=1e-6)


@pytest.mark.parametrize("error", ["standardized", "mahalanobis"])
def test_units_of_a_feature_do_not_count(differences, error):
    units = np.array([1e5, 1, 1e-3])
    cells, scaled = (
        rule_of(error, d).cells(d[:, np.newaxis], np.zeros((500, 1, 3)))
        for d in (differences, differences * units)
    )
    np.testing.assert_allclose(scaled, cells, rtol=1e-9)


def test_a_name_is_its_own_rule_and_an_unknown_one_an_error():
    assert fit_error_rule("huber", []) == "huber"
    with pytest.raises(KeyError, match="rmse"):
        fit_error_rule("rmse", [])
    with pytest.raises(KeyError, match="rmse"):
        Judge("rmse", "mean").cells(np.zeros((1, 1, 1)), np.zeros((1, 1, 1)))
    with pytest.raises(KeyError, match="first"):
        Judge("mse", "first").weights(np.zeros((1, 1, 1)))
    with pytest.raises(KeyError, match="f1"):
        ContaminationRule("f1", 0.9).offset(np.zeros(3))


def test_a_missing_cell_has_no_part_in_a_rule_or_in_an_error(differences):
    missing = differences.copy()
    missing[::7, 1] = np.nan
    rule = rule_of("standardized", missing)
    scale = np.nanmean(missing**2, axis=0)
    np.testing.assert_allclose(rule.precision, 1 / scale, rtol=1e-6)
    rule = rule_of("mahalanobis", missing)
    cells = rule.cells(missing[:1, np.newaxis], np.zeros((1, 1, 3)))
    assert np.isnan(cells[0, 0]).tolist() == [False, True, False]


def test_a_feature_that_is_always_met_exactly_stays_finite(differences):
    exact = differences.copy()
    exact[:, 0] = 0
    for error in ("standardized", "mahalanobis"):
        assert np.isfinite(rule_of(error, exact).precision).all()
        zeros = rule_of(error, np.zeros((4, 3)))
        assert np.isfinite(zeros.precision).all()


def test_explained_shares_sum_to_the_error(fitted, windows):
    error = np.nan_to_num(fitted.reconstruction_error(windows))
    by_feature = fitted.explain(windows)
    np.testing.assert_allclose(by_feature.sum(axis=1), error, rtol=1e-9)
    assert by_feature.columns.tolist() == ["flow", "level", "heat"]
    assert by_feature.index.equals(windows.index)
    by_cell = fitted.explain(windows, per="cell")
    np.testing.assert_allclose(
        by_cell.T.groupby(level="feature").sum().T[by_feature.columns], by_feature
    )
    assert by_cell.columns[-1] == (0, "heat")
    assert (by_cell.iloc[0][-3] == 0).all()  # padding
    assert by_cell.loc[80 * 5, (0, "level")] == 0  # a missing cell


def test_explained_arrays_have_numbered_features(windows):
    array = np.asarray(windows)[3:40]
    shares = PCAAutoencoder(2).fit(array).explain(array)
    assert shares.columns.tolist() == ["x0", "x1", "x2"]
    assert shares.index.tolist() == list(range(37))


def test_the_score_of_a_row_is_its_mean_over_the_windows_that_hold_it(fitted, windows):
    part = windows[20:120]
    cells = fitted.reconstruction_error(part, per="step")
    by_row = {}
    for errors, end in zip(cells, part.ends, strict=True):
        for step, error in enumerate(errors):
            if not np.isnan(error):
                by_row.setdefault(end - 3 + step, []).append(error)
    expected = [-np.mean(by_row.get(end, [np.nan])) for end in part.ends]
    np.testing.assert_allclose(fitted.score_rows(part), expected)


def test_a_row_may_score_as_the_mean_of_the_windows_that_hold_it(fitted, windows):
    part = windows[20:120]
    scores = fitted.score_samples(part)
    by_row = {}
    for score, start, end in zip(scores, part.starts, part.ends, strict=True):
        for row in range(start, end + 1):
            by_row.setdefault(row, []).append(score)
    empty = np.isnan(part.table).all(axis=1)
    expected = [np.nan if empty[end] else np.nanmean(by_row[end]) for end in part.ends]
    got = fitted.score_rows(part, aggregate="windows")
    np.testing.assert_allclose(got, expected)


def test_rows_of_arrays_are_not_known(windows):
    array = np.asarray(windows)
    pca = PCAAutoencoder(2).fit(array)
    with pytest.raises(ValueError, match="X must be Windows"):
        pca.score_rows(array)


@pytest.mark.parametrize(("score_on", "reduce"), [("last", "last"), ("max", "max")])
def test_the_scored_step_is_the_last_or_the_worst(windows, score_on, reduce):
    pca = PCAAutoencoder(2, score_on=score_on).fit(windows)
    steps = pca.reconstruction_error(windows, per="step")
    for error, of_steps in zip(pca.reconstruction_error(windows), steps, strict=True):
        seen = of_steps[~np.isnan(of_steps)]
        expected = np.nan
        if len(seen):
            expected = seen[-1] if reduce == "last" else seen.max()
        assert error == pytest.approx(expected, nan_ok=True)


def test_recent_steps_count_by_the_square_of_their_place(windows):
    X = np.asarray(windows)[10:30].copy()
    pca = PCAAutoencoder(2, score_on="recent").fit(X)
    X[0, 0], X[1, -1], X[2, 2, 1] = np.nan, np.nan, np.nan
    cells = pca.reconstruction_error(X, per="cell")
    places = np.tile([1.0, 4, 9, 16], (len(X), 1))
    places[1] = 4, 9, 16, 0  # the last step that is not padding counts most
    weights = places[:, :, np.newaxis] * ~np.isnan(cells)
    expected = np.nansum(weights * cells, axis=(1, 2)) / weights.sum(axis=(1, 2))
    np.testing.assert_allclose(pca.reconstruction_error(X), expected)
    np.testing.assert_allclose(pca.explain(X).sum(axis=1), expected)
    by_feature = np.nansum(weights * cells, axis=1) / weights.sum(axis=1)
    errors = pca.reconstruction_error(X, per="feature")
    np.testing.assert_allclose(errors, by_feature)


def test_the_linear_baseline_is_judged_by_the_same_rules(windows):
    pca = PCAAutoencoder(2, error="mahalanobis").fit(windows)
    outputs = pca.reconstruct(windows)
    targets = np.asarray(windows, np.float64)
    rule = fit_error_rule("mahalanobis", [(slice(None), targets, outputs)])
    cells = rule.cells(targets, outputs)
    expected = np.nanmean(cells[10:40], axis=(1, 2))
    np.testing.assert_allclose(
        pca.reconstruction_error(windows)[10:40], expected, rtol=1e-3
    )


def test_of_few_sequences_each_is_judged_by_components_of_others():
    X = np.random.default_rng(0).normal(size=(60, 4, 3))
    pca = PCAAutoencoder(2, contamination=("quantile", 0.9)).fit(X)
    unseen = []
    for left_out in np.split(np.arange(60), 10):
        others = np.delete(X, left_out, axis=0)
        first = PCAAutoencoder(2, contamination=0.1).fit(others)
        ratio = np.median(pca.score_samples(others) / first.score_samples(others))
        unseen.extend(ratio * first.score_samples(X[left_out]))
    assert pca.offset_ == pytest.approx(np.quantile(unseen, 0.1), rel=1e-3)


@pytest.mark.filterwarnings("ignore:.* too few to fit the shape:UserWarning")
@pytest.mark.parametrize("rule", [("quantile", 0.95), ("pot", 0.01)])
def test_the_offset_follows_a_rule(rule):
    table = np.random.default_rng(0).normal(size=(400, 3))
    windows = SlidingWindow(4).fit_transform(table)
    pca = PCAAutoencoder(2, contamination=rule).fit(windows)
    parts = hold_out(windows, 0.1)
    training, held_out = parts.training, parts.held_out
    first = PCAAutoencoder(2).fit(windows[training])
    unseen = -first.score_samples(windows[held_out])
    choose = quantile_threshold if rule[0] == "quantile" else pot_threshold
    offset = -choose(np.zeros(len(unseen)), unseen, rule[1])
    both = windows[training]
    with np.errstate(invalid="ignore"):
        ratios = pca.score_samples(both) / first.score_samples(both)
    assert pca.offset_ == pytest.approx(
        offset * np.exp(np.nanmedian(np.log(ratios))), rel=1e-6
    )
    with pytest.raises(ValueError, match="contamination"):
        PCAAutoencoder(2, contamination=("f1", 1)).fit(windows)


def test_what_is_usual_is_told_from_a_bounded_number_of_cells(windows, monkeypatch):
    assert len(subsample(windows)) == 200
    assert len(subsample(np.zeros((30_000, 1, 1)))) == 7500  # every fourth
    monkeypatch.setattr(_error_rules, "_MAX_CELLS", 500)
    assert len(subsample(windows)) == 40  # of 12 cells each


def test_scores_of_two_fits_compare_by_the_median_of_their_ratios():
    before, after = -np.array([1.0, 2, 3, 0, np.nan]), -np.array([2.0, 8, 6, 5, 1])
    assert ratio_of_scores(before, after) == pytest.approx(2)
    assert ratio_of_scores(np.zeros(2), np.zeros(2)) == 1
