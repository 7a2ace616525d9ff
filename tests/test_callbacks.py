# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's callbacks at every level, on both engines.

What scikit-learn 1.9 does not do itself: ``ScoringMonitor`` stays on the estimator that
it is set on (so for the epochs of a network in a pipeline, set it on the network),
scores where there is a ``y`` only, and hears of no score from ``Pipeline`` and
``GridSearchCV``. A search over two processes is in ``test_workers.py``.
"""

import io

import numpy as np
import pytest
from rich.console import Console
from sklearn.ensemble import IsolationForest
from sklearn.metrics import accuracy_score, average_precision_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    EachTimeStep,
    LSTMAutoencoder,
    LSTMClassifier,
    LSTMRegressor,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
)

callback = pytest.importorskip("sklearn.callback", reason="experimental in 1.9")

N_EPOCHS = 2
SETTINGS = {"max_epochs": N_EPOCHS, "early_stopping": False, "random_state": 0}
engines = pytest.mark.parametrize("engine", ["native", "keras"])


@pytest.fixture
def shown(monkeypatch):
    """What bars put on a terminal."""
    console = Console(file=io.StringIO(), width=200, force_terminal=True)
    monkeypatch.setattr("rich.progress.get_console", lambda: console)
    return console.file


def reconstruction(estimator, X, y):
    """A scorer of scikit-learn's kind, where y tells nothing; it gives a dict."""
    return {"reconstruction": estimator.score(X)}


def scores_of(monitor, task, name):
    return [row[name] for row in monitor.get_logs().data if row["task_name"] == task]


def autoencoder():
    return LSTMAutoencoder(2, engine="native", **SETTINGS)


@pytest.mark.parametrize(
    ("engine", "model", "scoring", "metric"),
    [
        ("native", LSTMAutoencoder, reconstruction, None),
        ("native", LSTMClassifier, "accuracy", accuracy_score),
        ("native", LSTMRegressor, "r2", r2_score),
        ("keras", LSTMClassifier, "accuracy", accuracy_score),
    ],
)
def test_each_epoch_is_shown_and_scored(engine, model, scoring, metric, table, shown):
    X, y = table
    windows = SlidingWindow(4).fit_transform(X)
    monitor = callback.ScoringMonitor(scoring=scoring)
    network = model(2, engine=engine, **SETTINGS)
    network.set_callbacks(callback.ProgressBar(), monitor).fit(windows, y)
    name = scoring if isinstance(scoring, str) else "reconstruction"
    scores = scores_of(monitor, "epoch", name)
    assert len(scores) == N_EPOCHS
    if metric is None:
        assert scores[-1] == pytest.approx(network.score(windows))
    else:
        assert scores[-1] == pytest.approx(metric(y, network.predict(windows)))
    assert f"{model.__name__} - fit" in shown.getvalue()


def test_a_rare_event_classifier_is_scored_and_shows_its_detector(table, shown):
    X, y = table
    windows = SlidingWindow(4).fit_transform(X)
    monitor = callback.ScoringMonitor(scoring="average_precision")
    model = RareEventClassifier(autoencoder(), warn_on_overlap=False)
    model.set_callbacks(callback.ProgressBar(), monitor).fit(windows, y)
    (score,) = scores_of(monitor, "fit", "average_precision")
    expected = average_precision_score(y, model.decision_function(windows))
    assert score == pytest.approx(expected)
    assert "LSTMAutoencoder - fit" in shown.getvalue()


@engines
def test_a_network_in_a_pipeline_is_scored_at_each_epoch(engine, table, shown):
    X, y = table
    monitor = callback.ScoringMonitor(scoring="accuracy")
    network = LSTMClassifier(2, engine=engine, **SETTINGS).set_callbacks(monitor)
    pipeline = make_pipeline(SlidingWindow(4), network)
    pipeline.set_callbacks(callback.ProgressBar()).fit(X, y)
    scores = scores_of(monitor, "epoch", "accuracy")
    assert len(scores) == N_EPOCHS
    assert scores[-1] == pytest.approx(pipeline.score(X, y))
    assert "LSTMClassifier - fit" in shown.getvalue()


@pytest.mark.filterwarnings("ignore:The part held out:UserWarning")
def test_a_committee_shows_each_of_its_members(table, shown):
    X, y = table
    members = [
        ("net", autoencoder()),
        ("forest", IsolationForest(n_estimators=3)),
    ]
    detector = RareEventClassifier(members, warn_on_overlap=False)
    bar = callback.ProgressBar(max_propagation_depth=None)
    detector.set_callbacks(bar).fit(SlidingWindow(4).fit_transform(X), y)
    assert "fit-net | LSTMAutoencoder - fit" in shown.getvalue()


@pytest.mark.parametrize(
    "step", [SlidingWindow(4), EachTimeStep(StandardScaler())], ids=["rows", "windows"]
)
def test_a_transformer_is_shown(step, table, shown):
    X, _ = table
    X = SlidingWindow(4).fit_transform(X) if isinstance(step, EachTimeStep) else X
    step.set_callbacks(callback.ProgressBar()).fit(X)
    assert f"{type(step).__name__} - fit" in shown.getvalue()


def test_the_linear_baseline_is_shown_and_scored(table, shown):
    X, y = table
    windows = SlidingWindow(4).fit_transform(X)
    monitor = callback.ScoringMonitor(scoring=reconstruction)
    baseline = PCAAutoencoder(2).set_callbacks(callback.ProgressBar(), monitor)
    baseline.fit(windows, y)
    (score,) = scores_of(monitor, "fit", "reconstruction")
    assert score == pytest.approx(baseline.score(windows))
    assert "PCAAutoencoder - fit" in shown.getvalue()


def test_a_keras_network_of_a_users_own_is_shown_and_scored(table, shown):
    keras = pytest.importorskip("keras")
    wrappers = pytest.importorskip("scikeras.wrappers")
    from skseq import KerasAutoencoder

    def build(meta):
        shape = meta["X_shape_"][1:]
        return keras.Sequential(
            [
                keras.Input(shape),
                keras.layers.Flatten(),
                keras.layers.Dense(2, name="latent"),
                keras.layers.Dense(int(np.prod(shape))),
                keras.layers.Reshape(shape),
            ]
        )

    X, y = table
    windows = SlidingWindow(4).fit_transform(X)
    wrapper = wrappers.BaseWrapper(build, loss="mse", verbose=0, run_eagerly=True)
    monitor = callback.ScoringMonitor(scoring=reconstruction)
    ae = KerasAutoencoder(wrapper).set_callbacks(callback.ProgressBar(), monitor)
    ae.fit(windows, y)
    (score,) = scores_of(monitor, "fit", "reconstruction")
    assert score == pytest.approx(ae.score(windows))
    assert "KerasAutoencoder - fit" in shown.getvalue()
