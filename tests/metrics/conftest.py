# SPDX-License-Identifier: BSD-3-Clause
"""Labels for the tests of metrics."""

import numpy as np
import pytest


@pytest.fixture
def labels():
    """Function of a seed: labels, predictions, scores and series of random rows."""

    def make(seed, n=60):
        rng = np.random.default_rng(seed)
        y_true = np.repeat(rng.random(n // 4) < 0.3, 4).astype(int)
        y_true[[0, n // 2, -1]] = [0, 1, 0]
        y_score = (rng.normal(size=n) + y_true).round(1)
        y_pred = (y_score > 0.8).astype(int)
        y_pred[n // 2] = 1
        groups = rng.permutation(np.arange(n) % 3)
        return y_true, y_pred, y_score, groups

    return make
