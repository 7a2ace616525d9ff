# SPDX-License-Identifier: BSD-3-Clause
"""From estimators and rows to scores, series and times."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length

from .._detectors import anomaly_score, around_windows
from .._validation import is_windows, named_errors
from ..rows._events import check_labels
from ..rows._sensors import grade_sensors
from ._scored import Model, Rows


def score_models(estimator, X, name, baselines, scores=None):
    """Score the rows with every model.

    Parameters
    ----------
    estimator : estimator

    X : array-like

    name : str or None

    baselines : dict of str to estimator

    scores : dict of str to ndarray, default=None
        Those of all models, which are classifiers then, where they are known.

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
        known = None if scores is None else scores[title]
        score, threshold, kind = anomaly_score(fitted, X, known)
        score = np.asarray(score, dtype=np.float64)
        wrong = np.flatnonzero(np.isinf(score))
        if len(wrong):
            raise ValueError(
                f"The score that {title!r} gives to row {wrong[0]} is {score[wrong[0]]}"
                ". Drop the row, or mend the model."
            )
        rule = getattr(decider(fitted), "alarm_rule", None)
        models.append(Model(title, score, threshold, is_simple(fitted), rule))
        kinds.append(kind)
    return models, kinds[0]


def final(estimator):
    """What stands at the end of pipelines, classifiers and wrappers."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        elif getattr(estimator, "detector_", None) is not None:  # else a committee
            estimator = estimator.detector_
        else:
            return estimator


def is_simple(estimator):
    """Tell a model without a network and without members: one that is quickly tried."""
    fitted = final(estimator)
    members = getattr(fitted, "named_estimators_", None)
    if members is not None:
        return len(members) == 1 and is_simple(*members.values())
    return not any(hasattr(fitted, name) for name in ("weights_", "loss_curve_"))


def decider(estimator):
    """The classifier or detector at the end of pipelines."""
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    return estimator


def _name_of(estimator):
    if isinstance(estimator, Pipeline):
        return _name_of(estimator[-1])
    if getattr(estimator, "detector_", None) is not None:
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
    labelled = y is not None
    event = check_labels(y, n_rows) if labelled else np.zeros(n_rows, dtype=bool)
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
        with named_errors("time"):
            time = pd.Series(time).reset_index(drop=True).infer_objects()
    groups = None if groups is None else np.asarray(groups)
    check_consistent_length(event, time, groups)
    return Rows(event, groups, time, max_gap, index, labelled=labelled)


def grades_of(estimator, X, rows):
    """Grades of the columns of X, or of the last steps of windows; None without any."""
    before, slider, _ = around_windows(estimator)
    if is_windows(X):
        table = pd.DataFrame(X.table[X.ends], columns=X.feature_names)
    elif isinstance(X, pd.DataFrame) or hasattr(X, "to_pandas"):
        table = X if isinstance(X, pd.DataFrame) else X.to_pandas()
    else:
        table = np.asarray(X)
        if table.ndim == 2 and slider is None:
            return None  # univariate sequences: the columns are time steps
        table = pd.DataFrame(table[:, -1] if table.ndim == 3 else table)
    if slider is not None and not before:
        columns = {key.column for key in slider.plan_.keys}
        table = table[[name for k, name in enumerate(table) if k not in columns]]
    table = table.select_dtypes(exclude=["datetime", "datetimetz", "timedelta"])
    if not table.shape[1]:
        return None
    y = rows.y if rows.labelled else None
    return grade_sensors(table.reset_index(drop=True), groups=rows.groups, y=y)


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
