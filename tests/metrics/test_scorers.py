# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq.metrics import detector_average_precision, detector_roc_auc

SCORERS = {
    detector_average_precision: average_precision_score,
    detector_roc_auc: roc_auc_score,
}
scorers = pytest.mark.parametrize("scorer", SCORERS)


class KnownScores:
    """A detector whose scores are its input."""

    def score_samples(self, X):
        return np.asarray(X, dtype=float)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = np.arange(120) % 15 == 0
    X[y] += 6
    return X, y.astype(int)


@scorers
def test_low_normality_scores_rank_as_events(scorer):
    assert scorer(KnownScores(), [-9, 1, 2, 3], [1, 0, 0, 0]) == 1
    assert scorer(KnownScores(), [9, 1, 2, 3], [1, 0, 0, 0]) < 0.5


@scorers
def test_scorer_is_the_measure_of_minus_the_scores(scorer):
    rng = np.random.default_rng(0)
    scores, y = rng.normal(size=50), rng.random(50) < 0.3
    value = scorer(KnownScores(), scores, y)
    assert value == SCORERS[scorer](y, -scores)
    assert isinstance(value, float)


@scorers
def test_rows_that_were_not_judged_are_left_out_and_counted(scorer):
    scores = np.array([-9, np.nan, 1, 2, np.nan])
    with pytest.warns(UserWarning, match="2 of 5 rows were not judged") as caught:
        assert scorer(KnownScores(), scores, [1, 1, 0, 0, 0]) == 1
    assert caught[0].filename == __file__
    with pytest.raises(ValueError, match="No row was judged"):
        scorer(KnownScores(), [np.nan], [1])


@scorers
def test_cross_validation_of_a_bare_detector_is_the_right_way_up(scorer, table):
    X, y = table
    detector = make_pipeline(StandardScaler(), IsolationForest(random_state=0))
    values = cross_val_score(detector, X, y, cv=3, scoring=scorer)
    np.testing.assert_allclose(values, 1)


@scorers
def test_grid_search_accepts_the_scorer(scorer, table):
    grid = GridSearchCV(
        IsolationForest(random_state=0), {"max_samples": [16, 32]}, scoring=scorer, cv=2
    )
    assert grid.fit(*table).best_score_ > 0.9


@scorers
@pytest.mark.parametrize("labels", [[-1, 1, 1], ["event", "no", "no"], [1, 2, 3]])
def test_labels_other_than_0_and_1_are_refused(scorer, labels):
    with pytest.raises(ValueError, match="y must be 1 .* for events"):
        scorer(KnownScores(), [1.0, 2.0, 3.0], labels)
