# SPDX-License-Identifier: BSD-3-Clause
"""Fitted models, rows to score, and a page about them."""

import pytest
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline

from skseq import PCAAutoencoder, RareEventClassifier, SlidingWindow
from skseq._report import report

N_TRAIN = 180


def fit(detector, table, **slider):
    X, y = table
    model = make_pipeline(SlidingWindow(5, **slider), RareEventClassifier(detector))
    return model.fit(X[:N_TRAIN], y[:N_TRAIN])


@pytest.fixture(scope="session")
def models(table):
    return {
        "last step": fit(PCAAutoencoder(2, score_on="last"), table),
        "PCA": fit(PCAAutoencoder(2), table),
        "forest": fit(IsolationForest(n_estimators=10, random_state=0), table),
    }


@pytest.fixture(scope="session")
def scored(table):
    X, y = table
    return X[N_TRAIN:], y[N_TRAIN:]


@pytest.fixture(scope="session")
def path(models, scored, tmp_path_factory):
    pytest.importorskip("matplotlib")
    target = tmp_path_factory.mktemp("report") / "report.html"
    estimator, baselines = models["last step"], dict(list(models.items())[1:])
    return report(estimator, *scored, target, name="last step", baselines=baselines)
