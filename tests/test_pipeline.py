# SPDX-License-Identifier: BSD-3-Clause
"""The main job: a table in, rare events out, in scikit-learn's own Pipeline."""

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn import config_context
from sklearn.callback import ProgressBar
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    EachTimeStep,
    LSTMAutoencoder,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
)


@pytest.mark.parametrize("globally", [False, True])
def test_latent_vectors_of_a_frame_are_a_frame(sensors, globally):
    frame, _ = sensors
    pipe = make_pipeline(
        SlidingWindow(4, group_by="sensor_id", time="timestamp"),
        EachTimeStep(StandardScaler()),
        LSTMAutoencoder((4, 2), max_epochs=1, random_state=0),
    )
    with config_context(transform_output="pandas" if globally else "default"):
        if not globally:
            pipe.set_output(transform="pandas")
        latent = pipe.fit_transform(frame)
    assert isinstance(latent, pd.DataFrame)
    assert latent.columns.tolist() == pipe.get_feature_names_out().tolist()
    pd.testing.assert_index_equal(latent.index, frame.index)


@pytest.mark.filterwarnings("ignore:The errors of most held-out sequences")
def test_latent_vectors_as_polars(sensors):
    polars = pytest.importorskip("polars")
    frame, _ = sensors
    pipe = make_pipeline(
        SlidingWindow(4, group_by="sensor_id", time="timestamp"), PCAAutoencoder(2)
    ).set_output(transform="polars")
    latent = pipe.fit_transform(polars.from_pandas(frame))
    assert latent.columns == ["pcaautoencoder0", "pcaautoencoder1"]
    np.testing.assert_array_equal(
        latent.to_numpy(), pipe.set_output(transform="default").fit_transform(frame)
    )


def test_a_row_after_the_fold_never_changes_a_score_within_it(table):
    """Windows are built inside the fold and look back only."""
    X, y = table
    pipe = make_pipeline(StandardScaler(), SlidingWindow(5), PCAAutoencoder(3))
    pipe.fit(X[:200])
    changed = X.copy()
    changed[250:] = 99
    before, after = pipe.score_samples(X[200:]), pipe.score_samples(changed[200:])
    np.testing.assert_array_equal(before[:50], after[:50])
    assert (before[50:] != after[50:]).all()


@pytest.mark.parametrize(
    "detector", [IsolationForest(random_state=0), PCAAutoencoder()]
)
def test_other_detectors_take_the_same_place(table, detector):
    X, y = table
    pipe = make_pipeline(
        StandardScaler(), SlidingWindow(3), RareEventClassifier(detector)
    )
    scores = cross_val_score(
        pipe, X, y, cv=TimeSeriesSplit(3, gap=2), scoring="average_precision"
    )
    assert scores.mean() > 2 * y.mean()


@pytest.mark.filterwarnings("ignore:The part held out")
def test_grid_fold_step_and_epoch_nest_in_one_display(table, monkeypatch):
    X, y = table
    shown = io.StringIO()
    console = Console(file=shown, width=200, force_terminal=True)
    monkeypatch.setattr("rich.progress.get_console", lambda: console)
    pipe = make_pipeline(
        SlidingWindow(4),
        EachTimeStep(StandardScaler()),
        RareEventClassifier(LSTMAutoencoder((4, 2), max_epochs=2, random_state=0)),
    )
    grid = GridSearchCV(
        pipe,
        {"rareeventclassifier__threshold": ["f1"]},
        cv=TimeSeriesSplit(2, gap=3),
        scoring="average_precision",
    )
    grid.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, y)
    for level in ("GridSearchCV", "SlidingWindow", "EachTimeStep", "LSTMAutoencoder"):
        assert level in shown.getvalue()
