# SPDX-License-Identifier: BSD-3-Clause
"""A RareEventClassifier where no event is known yet."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from skseq import PCAAutoencoder, RareEventClassifier, SlidingWindow


@pytest.fixture(scope="module")
def calm():
    rng = np.random.default_rng(0)
    X = np.sin(np.arange(600) / 5)[:, np.newaxis] + rng.normal(0, 0.1, (600, 3))
    return X, np.zeros(600, dtype=int)


def pipeline(rule):
    detector = RareEventClassifier(PCAAutoencoder(2), threshold=rule)
    return make_pipeline(SlidingWindow(5), detector)


@pytest.mark.parametrize("rule", [("quantile", 0.9), ("pot", 0.1)])
def test_a_rule_that_needs_no_event_needs_none(rule, calm):
    X, y = calm
    model = pipeline(rule).fit(X, y)
    assert_array_equal(model.classes_, [0, 1])
    alarms = model.predict(X)[-120:]  # the last 20% are held out
    assert alarms.sum() == 12
    assert model[-1].calibration_method_ is None


def test_the_labels_stay_of_their_type(calm):
    X, y = calm
    model = pipeline(("quantile", 0.99)).fit(X, y.astype(bool))
    assert model.predict(X).dtype == bool
    assert_array_equal(model.classes_, [False, True])


@pytest.mark.parametrize(
    ("rule", "label"), [("f1", 1), (("quantile", 0.9), 1), (("pot", 0.1), "calm")]
)
def test_else_one_class_is_refused_with_the_remedy(rule, label, calm):
    X, y = calm
    with pytest.raises(ValueError, match=r"1 class only.*label all rows 0"):
        pipeline(rule).fit(X, np.full(len(y), label))


@pytest.mark.parametrize("rule", ["f1", ("recall", 0.9), ("probability", 0.5)])
@pytest.mark.parametrize("kind", [int, bool])
def test_else_the_quantile_is_taken_and_told(rule, kind, calm):
    X, y = calm
    with pytest.warns(UserWarning, match="y holds no event: .* 0.99 quantile") as told:
        model = pipeline(rule).fit(X, y.astype(kind))
    assert len(told) == 1
    expected = pipeline(("quantile", 0.99)).fit(X, y)
    assert model[-1].threshold_ == expected[-1].threshold_
    assert model.classes_.dtype == kind
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


@pytest.mark.filterwarnings("ignore:y holds no event:UserWarning")
@pytest.mark.filterwarnings("ignore:The part held out for the threshold:UserWarning")
def test_a_grid_has_a_score_of_each_fold_though_the_first_event_comes_late(calm):
    X, y = calm[0].copy(), calm[1].copy()
    for start in (200, 330, 450, 560):
        X[start : start + 8, 0] += 4
        y[start : start + 8] = 1
    grid = GridSearchCV(
        pipeline("f1"),
        {"slidingwindow__window_size": [2, 8]},
        cv=TimeSeriesSplit(3),  # the first fold trains on 150 rows
        scoring="average_precision",
    ).fit(X, y)
    folds = [grid.cv_results_[f"split{k}_test_score"] for k in range(3)]
    assert np.min(folds) > 0


def test_a_held_out_part_without_data_is_told(calm):
    X, y = calm
    X = X.copy()
    X[470:] = np.nan
    with pytest.raises(ValueError, match="held out .* has an observed cell"):
        pipeline(("quantile", 0.9)).fit(X, y)
