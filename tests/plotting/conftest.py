# SPDX-License-Identifier: BSD-3-Clause
"""Figures without a screen, and stand-ins for fitted estimators."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def plt():
    """Pyplot with the Agg backend, for one test; its figures are closed."""
    plt = pytest.importorskip("matplotlib.pyplot")
    backend = plt.get_backend()
    plt.switch_backend("agg")
    yield plt
    plt.close("all")
    plt.switch_backend(backend)


class HalfReconstruction:
    """A detector that reconstructs half of each value."""

    offset_ = -1.0
    loss = "mse"
    loss_curve_ = [0.5, 0.2, 0.1]
    validation_loss_curve_ = [0.6, 0.3, 0.4]
    best_epoch_ = 2

    def reconstruct(self, X):
        return np.asarray(X) / 2

    def reconstruction_error(self, X, *, per="sample"):
        axis = {"sample": (1, 2), "step": 2, "feature": 1, "cell": ()}[per]
        error = (np.asarray(X) / 2) ** 2
        return error if per == "cell" else np.nanmean(error, axis=axis)

    def score_samples(self, X):
        return -self.reconstruction_error(X)

    def transform(self, X):
        return np.asarray(X).reshape(len(X), -1)[:, :3]


class Classifier:
    """A classifier around the detector."""

    threshold_ = 2.0

    def __init__(self):
        self.detector_ = HalfReconstruction()

    def decision_function(self, X):
        return -self.detector_.score_samples(X) - self.threshold_


@pytest.fixture
def detector():
    return HalfReconstruction()


@pytest.fixture
def classifier():
    return Classifier()


@pytest.fixture(scope="session")
def windows():
    """40 windows of 5 steps and 3 features; the last 10 are events, twice as large."""
    X = np.random.default_rng(0).normal(size=(40, 5, 3))
    y = np.repeat([0, 1], [30, 10])
    X[y == 1] *= 3
    return X, y
