# SPDX-License-Identifier: BSD-3-Clause
"""What many tests are made of: tables, windows, small networks, and how alike."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

from skseq import (
    ContextEncoder,
    DetectorCommittee,
    EachSeries,
    EachTimeStep,
    LSTMAutoencoder,
    LSTMClassifier,
    LSTMReconstructor,
    LSTMRegressor,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
    WindowSummary,
)

SMALL = {"hidden_layer_sizes": (4, 2), "max_epochs": 1, "random_state": 0}


def tiny(kind=LSTMAutoencoder, **parameters):
    """A network that trains in no time."""
    return kind(**{**SMALL, **parameters})


def native(**parameters):
    """The same, trained and run by the kernels, on all that it is given."""
    return tiny(engine="native", early_stopping=False, **parameters)


def sine_table(n_rows=200, n_features=3):
    """Sines of different periods, with a little noise."""
    speeds = 0.3 + 0.2 * np.arange(n_features)
    time = np.arange(n_rows)[:, np.newaxis] * speeds
    noise = np.random.default_rng(0).normal(scale=0.1, size=time.shape)
    return np.sin(time) + noise


def windows_of(table, n_timesteps):
    return SlidingWindow(n_timesteps).fit_transform(table)


def assert_same_weights(a, b, atol=0.0):
    """Of two networks, or of their arrays: to the bit, or within ``atol``."""
    a, b = (getattr(network, "weights_", network) for network in (a, b))
    for one, other in zip(a, b, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def assert_same_fit(one, other):
    """Of two networks: what their training came to, to the bit."""
    for name in ("weights_", "optimizer_state_"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a, b)
    for name in ("loss_curve_", "validation_loss_curve_", "best_epoch_", "n_iter_"):
        assert getattr(one, name) == getattr(other, name)


def padded_sequences():
    """30 in [0, 1], some padded at the front or the end, a cell missing."""
    X = np.random.default_rng(0).uniform(size=(30, 6, 2)).astype("float32")
    X[:5, :3] = np.nan
    X[5:9, 4:] = np.nan
    X[20, 2, 1] = np.nan
    return X


def one_batch(kind=LSTMAutoencoder, **parameters):
    """A small network that sees all ``padded_sequences`` in each of two batches."""
    defaults = {
        "hidden_layer_sizes": (5, 6),
        "max_epochs": 2,
        "batch_size": 30,
        "early_stopping": False,
    }
    return tiny(kind, **{**defaults, **parameters})


def leave_out_pictures(patch):
    """Of a page about scores: they take most of its time."""
    for name in ("draw_pictures", "drift_picture"):
        patch.setattr(f"skseq._report._fields.{name}", lambda *given: [])


def keras_autoencoder():
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

    settings = {"loss": "mse", "verbose": 0, "run_eagerly": True, "batch_size": 256}
    wrapper = wrappers.BaseWrapper(build, **settings)
    return KerasAutoencoder(wrapper)


# Such that a second epoch is better.
LEARNING = {"validation_fraction": 0.3, "learning_rate": 0.01, "batch_size": 8}


def small(kind):
    return lambda: tiny(kind, refit=True, **LEARNING)


# Each estimator, small and unfitted.
MAKE = {
    "SlidingWindow": lambda: SlidingWindow(3, time="t"),
    "EachTimeStep": lambda: EachTimeStep(StandardScaler()),
    "EachSeries": lambda: EachSeries(StandardScaler()),
    "WindowSummary": WindowSummary,
    "PCAAutoencoder": lambda: PCAAutoencoder(2, error="mahalanobis"),
    "LSTMAutoencoder": small(LSTMAutoencoder),
    "LSTMReconstructor": small(LSTMReconstructor),
    "ContextEncoder": small(ContextEncoder),
    "ResidualAutoencoder": lambda: ResidualAutoencoder(
        tiny(**LEARNING), n_components=2
    ),
    "DetectorCommittee": lambda: DetectorCommittee(
        [
            ("pca", PCAAutoencoder(2)),
            ("forest", IsolationForest(n_estimators=3, random_state=0)),
        ]
    ),
    "MovingReference": lambda: MovingReference(PCAAutoencoder(2), memory=20),
    "LSTMClassifier": small(LSTMClassifier),
    "LSTMRegressor": small(LSTMRegressor),
    "KerasAutoencoder": keras_autoencoder,
    "RareEventClassifier": lambda: RareEventClassifier(
        PCAAutoencoder(2), threshold=("quantile", 0.9), fit_on="all"
    ),
}
