# SPDX-License-Identifier: BSD-3-Clause
"""A fitted pipeline, as what is done to each row and what is done to each window."""

import copy
from functools import partial
from itertools import takewhile

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

from .._detectors import parts
from .._validation import check_finite, named_errors
from ..reconstruction._decisions import OutlierDecisionsMixin
from ..rows._time import NUMBERS, ticks
from ..windowing import EachTimeStep, SlidingWindow
from ..windowing._reach import Reach
from ..windowing._steps import _map_rows
from ._rows import (
    Columns,
    cells_of,
    floats,
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


def _flat(estimator, name=None):
    """The steps of a pipeline and of the pipelines in it, by name."""
    if not isinstance(estimator, Pipeline):
        return [(name or type(estimator).__name__, estimator)]
    steps = [s for s in estimator.steps if s[1] not in (None, "passthrough")]
    return [part for name, step in steps for part in _flat(step, name)]


def _refuse(name, step, reason):
    return TypeError(f"The step {name!r} ({type(step).__name__}) {reason}")


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


def _split(steps):
    """The steps before SlidingWindow, it, and those after it."""
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
    sliders = [k for k, (_, s) in enumerate(steps) if isinstance(s, SlidingWindow)]
    if len(sliders) > 1:
        name, step = steps[sliders[1]]
        raise _refuse(name, step, "cannot be streamed: it is the second of its kind.")
    if sliders:
        k = sliders[0]
        return steps[:k], steps[k][1], steps[k + 1 :]
    name, step = steps[0]
    if not hasattr(step, "sequence_shape_"):
        raise _refuse(
            name,
            step,
            "cannot be streamed: it was not fitted on windows, and there is no "
            "SlidingWindow before it.",
        )
    return [], None, steps


def _without_names(fitted):
    """Shallow copy that takes arrays without a warning: the names are checked here."""
    twin = copy.copy(fitted)
    for name, value in vars(fitted).items():
        if isinstance(value, BaseEstimator):
            setattr(twin, name, _without_names(value))
        elif name == "steps" and isinstance(fitted, Pipeline):
            twin.steps = [(n, _nameless_step(step)) for n, step in value]
    vars(twin).pop("feature_names_in_", None)
    return twin


def _nameless_step(step):
    return _without_names(step) if isinstance(step, BaseEstimator) else step


class StreamSteps:
    """What is done to rows (before and in :class:`EachTimeStep`) and to windows."""

    def __init__(self, estimator):
        steps = _flat(estimator)
        self._before, self._slider, after = _split(steps)
        each = list(takewhile(lambda step: isinstance(step[1], EachTimeStep), after))
        self._each = [step for _, step in each]
        for name, step in [*self._before, *each]:
            _check_rows_alone(name, step)
        self._before = [step for _, step in self._before]
        self._set_columns(steps[0][1])
        self._set_scores(after[len(each) :] or steps[-1:])

    def _set_columns(self, first):
        slider = self._slider
        names = getattr(first, "feature_names_in_", None)
        if slider is None:
            self.n_timesteps, n_columns = first.sequence_shape_
            self.reach, self.history = Reach(self.n_timesteps), None
            self._features, self._keys, self._time = list(range(n_columns)), [], None
            # Of univariate sequences in a 2-D X, the columns were time steps.
            names = None if names is None or len(names) != n_columns else names
        else:
            n_columns = first.n_features_in_
            self.reach, self.history = slider._reach(), slider._history
            self.n_timesteps = self.reach.n_timesteps
            self._features = slider._feature_columns()
            self._keys, self._time = slider._group_columns, slider._time_column
        self.columns = Columns(names, n_columns)
        self.adds_delta = slider is not None and slider.add_time_delta
        self.n_outputs = len(self._features) + self.adds_delta
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
        known = self.columns.names is not None and self.history is not None
        if not known or self._before or not self._keys:
            return set()
        index = self.history.rows.names.to_frame()
        return {
            self._slider.feature_names_in_[column]
            for k, column in enumerate(self._keys)
            if pd.api.types.infer_dtype(index.iloc[:, k]) == "string"
        }

    @property
    def has_time(self):
        return self._time is not None

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
        names = getattr(self._slider, "feature_names_in_", self.columns.names)
        features = floats(table, self._features, names)

        def describe(row, k):
            column = self._features[k]
            return f"row {row}, feature {column if names is None else names[column]!r}"

        check_finite(features, describe)
        return features

    def keys(self, table, groups):
        """Name of the series of each row: None for the only one."""
        columns = [cells_of(table, column) for column in self._keys]
        if groups is not None:
            if columns:
                raise ValueError(
                    "'group' is given, but the series of a row is named by its columns "
                    f"{self._slider.group_by!r}, the 'group_by' of SlidingWindow."
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
        if len(columns) == 1:
            return columns[0]
        return list(zip(*columns, strict=True)) if columns else [None] * len(table)

    def times(self, table):
        """Time of each row, as a number."""
        if self._time is None:
            return [None] * len(table)
        kind = self._slider._time_kind
        return [
            time_number(value, kind, row)
            for row, value in enumerate(cells_of(table, self._time))
        ]

    def show_time(self, number):
        """A time for messages, given as a number."""
        kind = self._slider._time_kind
        if kind == NUMBERS:
            return number
        return pd.Timedelta(number) if kind == "durations" else pd.Timestamp(number)

    def finish(self, features, deltas):
        """Rows of the windows, given the time since the row before each, or None."""
        if self.adds_delta:
            unit = self._slider.time_delta_scale_ * ticks(self._slider._time_kind)
            deltas = np.array(deltas, dtype=np.float64) / unit
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
