# SPDX-License-Identifier: BSD-3-Clause
"""Around any outlier detector: its windows, their labels, and decisions."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import (
    check_random_state,
)

from ._validation import (
    is_windows,
)
from .windowing import SlidingWindow


def parts(detector):
    """A detector, its parameters, and those of every estimator inside it."""
    return [detector, *detector.get_params(deep=True).values()]


def steps_of(estimator, name=None):
    """The steps of a pipeline and of the pipelines in it, with their names."""
    if not isinstance(estimator, Pipeline):
        return [(name or type(estimator).__name__, estimator)]
    steps = [s for s in estimator.steps if s[1] not in (None, "passthrough")]
    return [part for name, step in steps for part in steps_of(step, name)]


def around_windows(estimator):
    """The steps before SlidingWindow, it, and those after it.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    before : list of (str, estimator)

    slider : SlidingWindow or None
        None where the estimator, or its first step, is given windows.

    after : list of (str, estimator)

    Raises
    ------
    TypeError
        If there is more than one.
    """
    steps = steps_of(estimator)
    sliders = [k for k, (_, s) in enumerate(steps) if isinstance(s, SlidingWindow)]
    if len(sliders) > 1:
        raise TypeError(
            f"The step {steps[sliders[1]][0]!r} is the second SlidingWindow of a "
            "pipeline, which makes no windows of windows. Leave it out."
        )
    if not sliders:
        return [], None, steps
    k = sliders[0]
    return steps[:k], steps[k][1], steps[k + 1 :]


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


def reach(estimator, X, attribute):
    """Step into pipelines and classifiers, down to the part that has an attribute.

    Gives the part, and ``X`` as this part is given it.
    """
    name = type(estimator).__name__
    while not hasattr(estimator, attribute):
        if isinstance(estimator, Pipeline):
            if X is not None and len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        elif hasattr(estimator, "detector_"):
            estimator = estimator.detector_
        else:
            raise TypeError(
                f"The display needs an estimator with {attribute!r}, which {name} "
                "lacks. Pass a fitted estimator that has it, or what is to be drawn."
            )
    return estimator, X


def anomaly_score(estimator, X):
    """Score, higher for events; the threshold, or None; and the name of the score."""
    if isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return anomaly_score(estimator[-1], X)
    detector = getattr(estimator, "detector_", estimator)
    name = "anomaly score"
    if hasattr(detector, "reconstruction_error"):
        name = "reconstruction error"
    if hasattr(estimator, "score_samples"):
        offset = getattr(estimator, "offset_", None)
        threshold = None if offset is None else -float(np.squeeze(offset))
        return -np.asarray(estimator.score_samples(X)), threshold, name
    estimator, X = reach(estimator, X, "decision_function")
    threshold = float(getattr(estimator, "threshold_", 0.0))
    return np.asarray(estimator.decision_function(X)) + threshold, threshold, name


def names_of_features(estimator, X, n_features):
    """Names of the windows' columns, or of those in training, or numbers."""
    names = X.feature_names if is_windows(X) else None
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)
    if names is None or len(names) != n_features:
        names = [f"feature {k}" for k in range(n_features)]
    return [str(name) for name in names]
