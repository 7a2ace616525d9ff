# SPDX-License-Identifier: BSD-3-Clause
"""Any outlier detector, fed with windows."""

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._chunking import get_chunk_n_rows


def parts(detector):
    """A detector, its parameters, and those of every estimator inside it."""
    return [detector, *detector.get_params(deep=True).values()]


def takes_sequences(detector):
    """Tell whether a detector, or a step inside it, has scikit-learn's 3-D tag."""
    return any(
        part.__sklearn_tags__().input_tags.three_d_array
        for part in parts(detector)
        if hasattr(part, "__sklearn_tags__") and not isinstance(part, type)
    )


def seed(detector, random_state):
    """Set every ``random_state`` inside a detector that is None."""
    if random_state is None:
        return detector
    rng = check_random_state(random_state)
    seeds = {
        name: rng.randint(np.iinfo(np.int32).max)
        for name, value in sorted(detector.get_params(deep=True).items())
        if name.split("__")[-1] == "random_state" and value is None
    }
    return detector.set_params(**seeds)


def _flatten(X):
    return np.asarray(X).reshape(len(X), -1)


def fit_on_windows(detector, X):
    """Fit a detector; the imputer of flattened windows, or None if it needs none."""
    if takes_sequences(detector):
        detector.fit(X)
        return None
    imputer = SimpleImputer(keep_empty_features=True)
    detector.fit(imputer.fit_transform(_flatten(X)))
    return imputer


def anomaly_score(detector, imputer, X):
    """Minus the score of a fitted detector: higher for events.

    Flattened windows are gathered a part at a time, as much as scikit-learn's
    ``working_memory`` holds.
    """
    if imputer is None:
        return -np.asarray(detector.score_samples(X), dtype=np.float64)
    n_rows = get_chunk_n_rows(X.shape[1] * X.shape[2] * X.dtype.itemsize)
    scores = [
        detector.score_samples(imputer.transform(_flatten(X[batch])))
        for batch in gen_batches(len(X), n_rows)
    ]
    return -np.concatenate(scores).astype(np.float64, copy=False)
