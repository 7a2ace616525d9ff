# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from skseq import MovingReference, PCAAutoencoder
from skseq.alarms._drift import Level, drift, level_from, level_of


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(2000, 4))


@pytest.mark.parametrize(
    ("contamination", "expected"),
    [("auto", 0.01), (0.1, 0.1), (("quantile", 0.95), 0.05), (("pot", 0.02), 0.02)],
)
def test_level_is_where_the_detector_set_the_end_of_the_normal(
    X, contamination, expected
):
    detector = PCAAutoencoder(2, contamination=contamination).fit(X)
    level = level_of(detector)
    assert level == (-detector.offset_, pytest.approx(expected))


def test_rows_like_those_of_the_training_have_a_ratio_of_about_one(X):
    detector = PCAAutoencoder(2, contamination=0.1).fit(X)
    later = np.random.default_rng(1).normal(size=X.shape)
    moved = drift(-detector.score_samples(later), level_of(detector))
    assert moved.ratio == pytest.approx(1, abs=0.3)
    assert not moved.asks_for_training


def test_rows_that_are_louder_ask_for_training(X):
    detector = MovingReference(PCAAutoencoder(2), strength=0).fit(X)
    moved = drift(-detector.score_samples(2 * X), level_of(detector))
    above = detector.predict(2 * X) < 0
    assert (moved.n_above, moved.n_rows) == (above.sum(), len(X))
    assert moved.ratio == pytest.approx(above.mean() / 0.01)
    assert moved.asks_for_training


def test_ratio_is_that_of_any_rising_function_of_the_scores():
    score = np.random.default_rng(0).exponential(size=1000)
    level = level_from(score[:300], 0.1)
    assert (
        drift(score, level).ratio
        == drift(np.log(score), Level(np.log(level.score), 0.1)).ratio
    )


def test_few_rows_above_are_no_drift():
    assert drift([2] * 19 + [0], Level(1, 0.01)).ratio == pytest.approx(95)
    assert not drift([2] * 19 + [0], Level(1, 0.01)).asks_for_training
    assert drift([2] * 20, Level(1, 0.01)).asks_for_training


def test_rows_that_were_not_judged_do_not_count():
    assert drift([np.nan, 2, 0, np.nan], Level(1, 0.5)) == (1, 2, 0.5)


def test_of_a_detector_that_promised_no_share_no_level_is_known(X):
    assert level_of(IsolationForest(n_estimators=5).fit(X)) is None
    assert level_of(IsolationForest(n_estimators=5, contamination=0.1).fit(X)) is None
