# SPDX-License-Identifier: BSD-3-Clause
"""What many tests are made of: tables, windows, small networks, and how alike."""

import numpy as np

from skseq import LSTMAutoencoder, SlidingWindow

SMALL = {"hidden_layer_sizes": (4, 2), "max_epochs": 1, "random_state": 0}


def tiny(kind=LSTMAutoencoder, **parameters):
    """A network that trains in no time."""
    return kind(**{**SMALL, **parameters})


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
