# SPDX-License-Identifier: BSD-3-Clause
"""Around any outlier detector: what it is fitted on, its parts, and its scores."""

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from ._sample_weight import fit_params
from ._sklearn import get_chunk_n_rows
from ._validation import is_windows
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


def give_context(detector, context_features):
    """Set the ``context_features`` of a detector, or of what is in it, that are None.

    Tells whether any part of it knows of such: else it is to see none of them.
    """
    if context_features is None:
        return True
    params = detector.get_params(deep=True)
    names = [name for name in params if name.split("__")[-1] == "context_features"]
    outer = []
    for name in sorted(names, key=len):
        owners = [other.removesuffix("context_features") for other in outer]
        if not any(map(name.startswith, owners)):
            outer.append(name)
    unset = [name for name in outer if params[name] is None]
    detector.set_params(**dict.fromkeys(unset, context_features))
    return bool(outer)


def without_features(X, hidden):
    """Sequences without the features that a mask hides; all of them without a mask."""
    if hidden is None:
        return X
    if not is_windows(X):
        return np.compress(~hidden, X, axis=2)
    names = X.feature_names
    names = None if names is None else np.compress(~hidden, names).tolist()
    return X.with_table(np.compress(~hidden, X.table, axis=1), names)


def _flatten(X, hidden):
    return without_features(np.asarray(X), hidden).reshape(len(X), -1)


def fit_on_windows(detector, X, hidden=None, weights=None):
    """Fit a detector; the imputer of flattened windows, or None if it needs none.

    ``hidden`` is a mask of the features that it is not to see. ``weights`` of the
    windows are for a detector of which ``fit`` takes them.
    """
    given = fit_params(detector, weights)
    if takes_sequences(detector):
        X = without_features(X, hidden)
        detector.fit(X, None, **given)  # FrozenEstimator asks for a y
        return None
    imputer = SimpleImputer(keep_empty_features=True)
    detector.fit(imputer.fit_transform(_flatten(X, hidden)), None, **given)
    return imputer


def score_windows(detector, imputer, X, hidden=None):
    """Minus the score of a fitted detector: higher for events.

    ``hidden`` is a mask of the features that it is not to see. Flattened windows are
    gathered a part at a time, as much as scikit-learn's ``working_memory`` holds.
    """
    if imputer is None:
        scores = detector.score_samples(without_features(X, hidden))
        return -np.asarray(scores, dtype=np.float64)
    n_rows = get_chunk_n_rows(X.shape[1] * X.shape[2] * X.dtype.itemsize)
    out = np.empty(len(X))
    for start in range(0, len(X), n_rows):
        batch = slice(start, start + n_rows)
        cells = _flatten(X[batch], hidden)
        scores = detector.score_samples(imputer.transform(cells))
        # What the imputer makes of no data at all is no window to be judged.
        out[batch] = np.where(np.isnan(cells).all(axis=1), np.nan, -scores)
    return out


def is_error(values):
    """Tell whether what ``score_windows`` gives is an error: nowhere below 0.

    Errors have heavy tails and are compared by their ratios: by their logarithms. What
    may have any sign, as minus the log-likelihood, is as good as a logarithm.
    """
    seen = values[~np.isnan(values)]
    return bool(seen.any() and (seen >= 0).all())


def log_errors(values, are_errors):
    """Logarithms of errors; what is no error, as it is."""
    if not are_errors:
        return values
    return np.log(np.maximum(values, np.finfo(np.float64).tiny))


def _check_nothing_wrong_inside(estimator, place):
    if any(isinstance(part, SlidingWindow) for part in parts(estimator)):
        raise ValueError(
            f"{place} must not hold a SlidingWindow: it is fitted on windows. Put "
            "SlidingWindow before it, in a pipeline."
        )
    for part in parts(estimator):
        if isinstance(part, BaseEstimator) and hasattr(part, "_parameter_constraints"):
            part._validate_params()  # before anything is fitted


def _has(estimator, *methods):
    if isinstance(estimator, type):
        return False
    return all(hasattr(estimator, m) for m in ("fit", "get_params", *methods))


def check_detector(detector, place):
    """Raise a TypeError or ValueError where a detector cannot be fitted on windows."""
    if not _has(detector, "score_samples"):
        raise TypeError(
            f"{place} must be an outlier detector with fit and score_samples. Got "
            f"{detector!r} instead."
        )
    _check_nothing_wrong_inside(detector, place)


def check_member(estimator, place):
    """The same, of what may be a classifier, too."""
    classifies = _has(estimator) and is_classifier(estimator)
    if not (classifies or _has(estimator, "score_samples")):
        raise TypeError(
            f"{place} must be an outlier detector with fit and score_samples, or a "
            f"classifier. Got {estimator!r} instead."
        )
    _check_nothing_wrong_inside(estimator, place)


def reach(estimator, X, attribute):
    """Step into pipelines and classifiers, down to the part that has an attribute.

    Of a committee, to the member of the largest weight that has it. Gives the part, and
    ``X`` as this part is given it.
    """
    name = type(estimator).__name__
    while not hasattr(estimator, attribute):
        members = getattr(estimator, "_members", None)
        if isinstance(estimator, Pipeline):
            if X is not None and len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        elif members is not None and members.heaviest(attribute) is not None:
            estimator, _, hidden = members.heaviest(attribute)
            X = X if X is None else without_features(X, hidden)
        elif getattr(estimator, "detector_", None) is not None:
            estimator = estimator.detector_
        else:
            raise TypeError(
                f"The display needs an estimator with {attribute!r}, which {name} "
                "lacks. Pass a fitted estimator that has it, or what is to be drawn."
            )
    return estimator, X


def anomaly_score(estimator, X, known=None):
    """Score, higher for events; the threshold, or None; and the name of the score.

    ``known`` is the score that a classifier gave before.
    """
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
    if known is None:
        known = np.asarray(estimator.decision_function(X)) + threshold
    return known, threshold, name


def names_of_features(estimator, X, n_features):
    """Names of the windows' columns, or of those in training, or numbers."""
    names = X.feature_names if is_windows(X) else None
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)
    if names is None or len(names) != n_features:
        names = [f"feature {k}" for k in range(n_features)]
    return [str(name) for name in names]
