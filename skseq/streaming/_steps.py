# SPDX-License-Identifier: BSD-3-Clause
"""A fitted pipeline, as what is done to each row and what is done to each window."""

import copy
from dataclasses import replace
from functools import partial
from itertools import takewhile
from numbers import Real

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    RobustScaler,
    StandardScaler,
)

from .._detectors import around_windows, parts, steps_of
from .._members import Member, Members
from .._validation import check_finite, named_errors
from ..moving_reference import MovingReference
from ..reconstruction._decisions import OutlierDecisionsMixin
from ..rows._keys import TEXT
from ..rows._time import DURATIONS, NUMBERS
from ..windowing import EachSeries, EachTimeStep, SlidingWindow
from ..windowing._plan import WindowPlan
from ..windowing._reach import Reach
from ..windowing._steps import _map_rows
from ._rows import (
    Columns,
    cells_of,
    floats,
    names_as_cells,
    time_number,
)


def _scale(center, scale, rows):
    rows = rows if center is None else rows - center
    return rows if scale is None else rows / scale


def _scaling(step):
    """What a scaler that only shifts and divides does; None for any other step.

    The checks of scikit-learn's own ``transform`` take longer than a small network.
    """
    if type(step) is StandardScaler:
        return partial(_scale, step.mean_ if step.with_mean else None, step.scale_)
    if type(step) is RobustScaler:
        return partial(_scale, step.center_, step.scale_)
    return None


def _transform(step, table):
    """Apply a fitted transformer to the kind of table that it was fitted on."""
    names = getattr(step, "feature_names_in_", None)
    if names is not None and isinstance(table, np.ndarray):
        table = pd.DataFrame(table, columns=names).infer_objects()
    out = step.transform(table)
    return out.toarray() if sparse.issparse(out) else out


def _refuse(name, step, reason):
    return TypeError(f"The step {name!r} ({type(step).__name__}) {reason}")


def _check_no_series(name, step):
    """Raise a TypeError where a step has to know the series of a window."""
    if any(isinstance(part, EachSeries) for part in parts(step)):
        raise _refuse(
            name,
            step,
            "cannot be streamed: EachSeries has to know the series of each window. "
            "Score tables, or fit a pipeline with EachTimeStep.",
        )
    if any(isinstance(part, MovingReference) for part in parts(step)):
        raise _refuse(
            name,
            step,
            "cannot be streamed: MovingReference has to know the scores of the rows "
            "before. Score tables, or stream its fitted detector_.",
        )


def _check_rows_alone(name, step):
    """Raise a TypeError where a step may look at more than one row."""
    for part in parts(step):
        if isinstance(part, FunctionTransformer) and not (
            part.func is None or isinstance(part.func, np.ufunc)
        ):
            raise _refuse(
                name,
                step,
                f"cannot be streamed: its function, {part.func!r}, may look at other "
                "rows. Use a NumPy ufunc, or a transformer class of your own that "
                "treats each row alone.",
            )


def _check_slider_is_seen(steps):
    """Raise a TypeError where SlidingWindow is inside of another estimator."""
    for name, step in steps:
        if isinstance(step, SlidingWindow) or not hasattr(step, "get_params"):
            continue
        if any(isinstance(part, SlidingWindow) for part in parts(step)):
            raise _refuse(
                name,
                step,
                "cannot be streamed: it holds a SlidingWindow. Give the fitted "
                "pipeline itself, such as search.best_estimator_.",
            )


def _without_names(fitted):
    """Shallow copy that takes arrays without a warning: the names are checked here."""
    twin = copy.copy(fitted)
    for name, value in vars(fitted).items():
        if isinstance(value, BaseEstimator):
            setattr(twin, name, _without_names(value))
        elif name == "steps" and isinstance(fitted, Pipeline):
            twin.steps = [(n, _nameless_step(step)) for n, step in value]
        elif name == "estimators_" and isinstance(value, list):
            twin.estimators_ = list(map(_nameless_step, value))
        elif isinstance(value, Members):
            members = [Member(*map(_nameless_step, m)) for m in value.fitted]
            setattr(twin, name, replace(value, fitted=members))
    vars(twin).pop("feature_names_in_", None)
    return twin


def _nameless_step(step):
    return _without_names(step) if isinstance(step, BaseEstimator) else step


# What a name must be to be of the kind of those in fit.
_TYPES = {TEXT: str, NUMBERS: Real}


def _check_names(key, names):
    """Raise a ValueError where a series has a name of another type than in fit."""
    expected = _TYPES.get(key.kind, object)
    for row, name in enumerate(names):
        if not isinstance(name, expected):
            raise ValueError(
                f"The series of row {row} is named {name!r}, but the {key.place} held "
                f"{key.kind} in fit. Convert the name to what it was then."
            )


def _cells(key, table, levels):
    """The cells of a key, of rows and of what came as levels of their index."""
    if key.column is None:
        return levels[key.name]
    return cells_of(table, key.column)


class StreamSteps:
    """What is done to rows (before and in :class:`EachTimeStep`) and to windows."""

    def __init__(self, estimator):
        _check_slider_is_seen(steps_of(estimator))
        before, slider, after = around_windows(estimator)
        for name, step in after:
            _check_no_series(name, step)
        each = list(takewhile(lambda step: isinstance(step[1], EachTimeStep), after))
        self._each = [step for _, step in each]
        for name, step in [*before, *each]:
            _check_rows_alone(name, step)
        self._before = [step for _, step in before]
        own = [] if slider is None else [(type(slider).__name__, slider)]
        steps = [*before, *own, *after]
        self._set_columns(*steps[0], slider)
        self._set_scores(after[len(each) :] or steps[-1:])

    def _set_columns(self, name, first, slider):
        """What rows must have, by the first step; where it takes windows, their steps.

        Then there is no plan of windows, but that of rows of one series.
        """
        names = getattr(first, "feature_names_in_", None)
        if slider is not None:
            self.plan, n_columns = slider.plan_, first.n_features_in_
            self._names = getattr(slider, "feature_names_in_", names)
        elif hasattr(first, "sequence_shape_"):
            n_timesteps, n_columns = first.sequence_shape_
            features = tuple(range(n_columns))
            self.plan = WindowPlan(features, (), None, Reach(n_timesteps))
            # Of univariate sequences in a 2-D X, the columns were time steps.
            names = None if names is None or len(names) != n_columns else names
            self._names = names
        else:
            raise _refuse(
                name,
                first,
                "cannot be streamed: it was not fitted on windows, and there is no "
                "SlidingWindow before it.",
            )
        levels = [key.name for key in self.plan.keys if key.column is None]
        self.columns = Columns(names, n_columns, levels)
        self.reach = self.plan.reach
        self.n_timesteps = self.reach.n_timesteps
        self.n_outputs = self.plan.n_features_out
        if self._each:
            self.n_outputs = self._each[-1]._n_features_out

    def _set_scores(self, steps):
        for name, step in steps:
            if any(isinstance(part, ColumnTransformer) for part in parts(step)):
                raise _refuse(
                    name,
                    step,
                    "cannot be streamed: it holds a ColumnTransformer. Put that into "
                    "an EachTimeStep that follows SlidingWindow in the pipeline.",
                )
        *self._transformers, final = [_without_names(step) for _, step in steps]
        self._final = final
        if isinstance(final, OutlierDecisionsMixin):
            self._method = final._score_samples  # the windows are checked already
        elif hasattr(final, "score_samples"):
            self._method = final.score_samples
        elif hasattr(final, "decision_function"):
            self._method = final.decision_function
        elif is_classifier(final) and len(final.classes_) == 2:
            self._method = final.predict_proba
        else:
            raise _refuse(
                *steps[-1],
                "cannot be streamed: it has no score_samples and no decision_function, "
                "and is no classifier of two classes.",
            )

    def text_columns(self):
        """Columns that named the series of the training rows by text."""
        if self.columns.names is None or self._before:
            return set()
        return {key.name for key in self.plan.groups if key.kind == TEXT}

    @property
    def has_time(self):
        return self.plan.time is not None

    @property
    def n_times(self):
        """Number of rows of a series of which the time is kept."""
        return 1 if self.reach.duration is None else self.n_timesteps

    def before(self, table):
        """Apply the steps before the windows."""
        for step in self._before:
            scaling = _scaling(step)
            if scaling is None:
                table = _transform(step, table)
            else:
                names = getattr(step, "feature_names_in_", None)
                every = list(range(step.n_features_in_))
                table = scaling(floats(table, every, names))
        return table

    def features(self, table):
        """The features of rows, which must be finite."""
        names, columns = self._names, list(self.plan.features)
        features = floats(table, columns, names)

        def describe(row, k):
            column = columns[k]
            return f"row {row}, feature {column if names is None else names[column]!r}"

        check_finite(features, describe)
        return features

    def keys(self, table, levels, groups):
        """Name of the series of each row: None for the only one."""
        keys = self.plan.groups
        columns = [_cells(key, table, levels) for key in keys]
        if groups is not None:
            if columns:
                raise ValueError(
                    "'group' is given, but the series of a row is named by its columns "
                    f"{', '.join(repr(key.name) for key in keys)}, the 'group_by' of "
                    "SlidingWindow."
                )
            if len(groups) != len(table):
                raise ValueError(
                    f"'groups' must name the series of each of the {len(table)} rows. "
                    f"Got {len(groups)} names."
                )
            columns = [groups]
        for column in columns:
            for row, name in enumerate(column):
                with named_errors("group"):
                    is_missing = bool(pd.isna(name))
                if is_missing:
                    raise ValueError(f"The series of row {row} has no name: {name!r}.")
        for key, column in zip(keys, columns, strict=False):
            _check_names(key, column)
        if len(columns) == 1:
            return columns[0]
        return list(zip(*columns, strict=True)) if columns else [None] * len(table)

    def times(self, table, levels):
        """Time of each row, as a number."""
        key = self.plan.time
        if key is None:
            return [None] * len(table)
        return [
            time_number(value, key.kind, row)
            for row, value in enumerate(_cells(key, table, levels))
        ]

    def show_time(self, number):
        """A time for messages, given as a number."""
        kind = self.plan.time.kind
        if kind == NUMBERS:
            return number
        return pd.Timedelta(number) if kind == DURATIONS else pd.Timestamp(number)

    def remembered(self):
        """Series, time and features of the rows that SlidingWindow remembers."""
        last = self.plan.last_rows
        if last is None:
            return [], [], np.empty((0, len(self.plan.features)))
        rows = last.rows
        columns = [
            names_as_cells(names, key.kind)
            for names, key in zip(rows.names, self.plan.groups, strict=True)
        ]
        series = list(zip(*columns, strict=True)) if columns else [None]
        if len(columns) == 1:
            series = columns[0]
        keys = [k for k, n in zip(series, rows.lengths, strict=True) for _ in range(n)]
        return keys, rows.time.tolist(), last.table

    def finish(self, features, deltas):
        """Rows of the windows, given the time since the row before each, or None."""
        if self.plan.delta_scale is not None:
            deltas = np.array(deltas, dtype=np.float64) / self.plan.delta_unit
            features = np.column_stack([features, deltas.astype(features.dtype)])
        for step in self._each:
            transformer = step.transformer_
            method = _scaling(transformer)
            if method is None:
                names = getattr(transformer, "feature_names_in_", None)
                method, n_out = transformer.transform, step._n_features_out
                features = _map_rows(method, features, names, n_out)
            else:
                features = method(features)
            check_finite(features, "row {}, scaled feature {}".format)
        return features

    def score(self, windows):
        """Scores of windows, an array of shape (n_windows, n_timesteps, n_outputs)."""
        for step in self._transformers:
            windows = step.transform(windows)
        scores = np.asarray(self._method(windows))
        return scores if scores.ndim == 1 else scores[:, 1]

    def is_alarm(self, scores):
        """Tell the scores of outliers, or of events."""
        final = self._final
        if not hasattr(final, "score_samples"):
            limit = 0 if hasattr(final, "decision_function") else 0.5
            return scores > limit
        if not hasattr(final, "offset_"):
            raise TypeError(
                f"{type(final).__name__} has no offset_: it does not tell from which "
                "score on a window is an outlier."
            )
        return scores < final.offset_
