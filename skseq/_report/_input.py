# SPDX-License-Identifier: BSD-3-Clause
"""From estimators and rows to scores, series and times."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length

from .._detectors import anomaly_score, around_windows
from .._validation import is_windows
from ..rows._events import check_labels
from ._scored import Model, Rows


def score_models(estimator, X, name, baselines):
    """Score the rows with every model.

    Parameters
    ----------
    estimator : estimator

    X : array-like

    name : str or None

    baselines : dict of str to estimator

    Returns
    -------
    models : list of Model
        That of the estimator first.

    score_name : str
    """
    name = _name_of(estimator) if name is None else name
    if name in baselines:
        raise ValueError(
            f"'baselines' has a model of the name {name!r}, that of the estimator. "
            "Name one of them otherwise, the estimator by 'name'."
        )
    models, kinds = [], []
    for title, fitted in {name: estimator, **baselines}.items():
        score, threshold, kind = anomaly_score(fitted, X)
        score = np.asarray(score, dtype=np.float64)
        wrong = np.flatnonzero(np.isinf(score))
        if len(wrong):
            raise ValueError(
                f"The score that {title!r} gives to row {wrong[0]} is {score[wrong[0]]}"
                ". Drop the row, or mend the model."
            )
        models.append(Model(title, score, threshold))
        kinds.append(kind)
    return models, kinds[0]


def _name_of(estimator):
    if isinstance(estimator, Pipeline):
        return _name_of(estimator[-1])
    if getattr(estimator, "detector_", None) is not None:  # else a committee
        return _name_of(estimator.detector_)
    return type(estimator).__name__


def make_rows(estimator, X, y, *, n_rows, time, groups, max_gap):
    """Labels, series and times; those not given are taken from X.

    Parameters
    ----------
    estimator : estimator
        Where it is a pipeline, its SlidingWindow names the columns of X.

    X, y, time, groups, max_gap
        As in :func:`skseq.report`.

    n_rows : int
        Number of the scores.

    Returns
    -------
    rows : Rows
    """
    event = check_labels(y, n_rows)
    before, slider, _ = around_windows(estimator)
    if slider is not None:
        plan = slider.plan_
        max_gap = plan.max_gap if max_gap is None else max_gap
        keys = _keys_of(before, plan, X) if time is None or groups is None else {}
        if time is None and plan.time is not None:
            time = keys[plan.time]
        if groups is None and plan.groups:
            groups = _series_of([keys[key] for key in plan.groups])
    index = getattr(X, "index", None)
    index = index if isinstance(index, pd.Index) else None
    if isinstance(index, pd.DatetimeIndex):
        time, index = index if time is None else time, None
    if groups is None and is_windows(X) and len(np.unique(X.series)) > 1:
        groups = X.series
    if time is not None:
        # Of polars, a column knows how to become one of pandas.
        time = time.to_pandas() if hasattr(time, "to_pandas") else time
        time = pd.Series(time).reset_index(drop=True).infer_objects()
    groups = None if groups is None else np.asarray(groups)
    check_consistent_length(event, time, groups)
    return Rows(event, groups, time, max_gap, index)


def _keys_of(before, plan, X):
    """The keys of the rows, as SlidingWindow is given them."""
    if plan.keys:
        for _, step in before:
            X = step.transform(X)
    return {key: key.values(X) for key in plan.keys}


def _series_of(columns):
    """Name of the series of each row; of several columns, theirs together."""
    names = [np.asarray(column) for column in columns]
    if len(names) == 1:
        return names[0]
    return np.array([" / ".join(map(str, key)) for key in zip(*names, strict=True)])
