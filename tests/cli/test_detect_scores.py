# SPDX-License-Identifier: BSD-3-Clause
"""What detect makes of fitted models: each is asked once of each row."""

import numpy as np
import pandas as pd
import pytest
from make import sine_table, windows_of
from sklearn.ensemble import IsolationForest

from skseq import PCAAutoencoder, RareEventClassifier
from skseq._members import Member
from skseq._report._input import score_models
from skseq.cli._detect import FOREST, PCA, RESIDUAL, score
from skseq.cli._results import explained

COMMITTEE = "committee"


@pytest.fixture(scope="module")
def later():
    table = sine_table(60)
    table[7] = np.nan
    return windows_of(table, 4)


@pytest.fixture(scope="module")
def models():
    """As detect fits them, with members that are quickly fitted."""
    table, y = sine_table(400), np.arange(400) % 40 == 20
    table[y] += 5
    past = windows_of(table, 4)
    members = [
        ("residual", PCAAutoencoder(6, score_on="last")),
        ("forest", IsolationForest(n_estimators=20)),
    ]
    committee = RareEventClassifier(members, random_state=0)
    judged = committee._fit_and_tell(past, y)
    return {
        PCA: RareEventClassifier(PCAAutoencoder(6)).fit(past, y),
        RESIDUAL: committee._alone("residual", judged),
        FOREST: committee._alone("forest", judged),
        COMMITTEE: committee,
    }


def test_a_member_beside_its_committee_is_asked_once_for_both(
    models, later, monkeypatch
):
    asked, values = [], Member.values

    def count(self, X):
        asked.append(type(self.estimator).__name__)
        return values(self, X)

    monkeypatch.setattr(Member, "values", count)
    scores = score(models, later)
    assert sorted(asked) == ["IsolationForest", "PCAAutoencoder"]
    assert [*scores.of_models] == [*models]
    for name, model in models.items():
        expected = model.decision_function(later) + model.threshold_
        np.testing.assert_allclose(scores.of_models[name], expected, rtol=1e-12)
    expected = models[COMMITTEE].member_scores(later)
    np.testing.assert_array_equal(scores.by_member, expected)


def test_a_committee_that_was_asked_before_explains_the_same(models, later):
    committee, by_member = models[COMMITTEE], score(models, later).by_member
    told = committee._explain(later, standardized=by_member)
    np.testing.assert_array_equal(told, committee.explain(later))


def test_the_page_takes_the_scores_that_are_known(models, later):
    others = {name: model for name, model in models.items() if name != COMMITTEE}
    asked, kind = score_models(models[COMMITTEE], later, COMMITTEE, others)
    known = {model.name: model.score for model in asked}
    given = score_models(models[COMMITTEE], None, COMMITTEE, others, known)
    assert given[1] == kind
    for one, other in zip(given[0], asked, strict=True):
        assert one.name == other.name
        assert one.threshold == other.threshold
        np.testing.assert_array_equal(one.score, other.score)


def test_rows_that_were_explained_before_are_told_the_same(models, later):
    by_member = score(models, later).by_member
    known = explained(later, models[COMMITTEE], by_member)
    asked, rows = known._replace(known=None), np.arange(20, 30)
    pd.testing.assert_frame_equal(
        known.explained(rows).reset_index(drop=True),
        asked.explained(rows).reset_index(drop=True),
    )
    judged = known.judged(np.arange(len(later)) >= 20)
    pd.testing.assert_frame_equal(judged.explained(rows - 20), known.explained(rows))
