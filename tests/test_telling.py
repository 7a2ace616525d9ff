# SPDX-License-Identifier: BSD-3-Clause
"""What a score is made of, told alike to the report, the command and a stream."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline

from skseq import DetectorCommittee, PCAAutoencoder, RareEventClassifier, SlidingWindow
from skseq._telling import telling, top_features
from skseq.streaming import StreamScorer


@pytest.fixture(scope="module", params=["bare", "in a classifier"])
def model(request, table):
    forest = IsolationForest(n_estimators=10, random_state=0)
    committee = DetectorCommittee([("pca", PCAAutoencoder(1)), ("forest", forest)])
    if request.param != "bare":
        committee = RareEventClassifier(committee, threshold=("quantile", 0.9))
    return make_pipeline(SlidingWindow(4), committee).fit(*table)


def test_where_a_silent_member_decides_another_one_tells(model, table):
    detector = telling(model, table[0])
    own = detector.fitted.explain(detector.X)
    silent = own.isna().all(axis=1).to_numpy()
    assert 0 < silent.sum() < len(silent)
    shares = detector.explain(detector.X)
    pd.testing.assert_frame_equal(shares[~silent], own[~silent])
    committee = getattr(model[-1], "detector_", model[-1])
    told = committee.named_estimators_["pca"].explain(detector.X[silent]).to_numpy()
    expected = told / told.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares[silent], expected, rtol=1e-6)
    cells = detector.explain(detector.X, per="cell")
    assert cells.shape == (len(silent), 4 * shares.shape[1])
    assert not cells.isna().all(axis=1).any()


def test_a_stream_tells_what_a_table_does(model, table):
    detector = telling(model, table[0])
    shares = detector.explain(detector.X)
    stream = StreamScorer(model)
    for row in range(12):
        stream.score_one(table[0][row])
        np.testing.assert_allclose(
            stream.explain_last().sort_index(), shares.iloc[row], atol=1e-5
        )


def test_features_that_add_nothing_are_not_named():
    shares = pd.DataFrame(
        [[0.2, 0.5, 0.3, 0], [-1, 2, 0, 0], [np.nan] * 4], columns=list("abcd")
    )
    expected = [["b", "c", "a"], ["b", "", ""], [""] * 3]
    assert top_features(shares).tolist() == expected
    assert top_features(shares[["a"]]).tolist() == [["a", "", ""], [""] * 3, [""] * 3]


def test_who_does_not_tell_is_none(table):
    assert telling(IsolationForest().fit(table[0])) is None
