# SPDX-License-Identifier: BSD-3-Clause
"""A fitted pipeline, as what is done to each row and what is done to each window."""

from contextlib import suppress
from itertools import takewhile
from numbers import Real

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer

from .._detectors import around_windows, parts, steps_of
from .._telling import telling
from .._validation import check_finite, named_errors
from ..alarms._drift import level_of
from ..detection import RareEventClassifier
from ..reconstruction._decisions import OutlierDecisionsMixin
from ..rows._keys import TEXT
from ..rows._table import take_key
from ..rows._time import DURATIONS, NUMBERS, ZONED, time_values, typical_step
from ..windowing import EachSeries, EachTimeStep, SlidingWindow
from ..windowing._plan import WindowPlan
from ..windowing._reach import Reach
from ._by_series import FirstRows, ForAll, ForSeries, cells_of_names, scaled, scaling
from ._live import Twin
from ._rows import (
    Columns,
    cells_of,
    floats,
    time_number,
)


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
            "cannot be streamed: it holds an EachSeries, which has to know the series "
            "of each window. Put that right after SlidingWindow, in the pipeline.",
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


# A longer pause comes about; a wrong clock is off by more, or does little harm.
_FAR = 1000

_EACH = EachTimeStep, EachSeries

# What a name must be to be of the kind of those in fit.
_TYPES = {TEXT: str, NUMBERS: Real}


def _check_names(key, names):
    """Raise a ValueError where a series has a name of another type than in fit."""
    expected = _TYPES.get(key.kind, object)
    if all(issubclass(kind, expected) for kind in {*map(type, names)}):
        return
    for row, name in enumerate(names):
        if not isinstance(name, expected):
            raise ValueError(
                f"The series of row {row} is named {name!r}, but the {key.place} held "
                f"{key.kind} in fit. Convert the name to what it was then."
            )


def _plain(name):
    """A number or text of NumPy as Python's: JSON and messages know that."""
    is_plain = not isinstance(name, np.generic) or name.dtype.kind not in "biufU"
    return name if is_plain else name.item()


def _plain_names(column):
    """The same names as plain numbers and texts, none of which is missing."""
    column = [*map(_plain, column)]
    with named_errors("group"):
        missing = [
            k
            for k, name in enumerate(column)
            if type(name) is not str and bool(pd.isna(name))
        ]
    if missing:
        row, name = missing[0], column[missing[0]]
        raise ValueError(f"The series of row {row} has no name: {name!r}.")
    return column


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
        each = list(takewhile(lambda step: isinstance(step[1], _EACH), after))
        for name, step in after[len(each) :]:
            _check_no_series(name, step)
        for name, step in [*before, *each]:
            _check_rows_alone(name, step)
        self._before = [step for _, step in before]
        own = [] if slider is None else [(type(slider).__name__, slider)]
        steps = [*before, *own, *after]
        self._set_columns(*steps[0], slider)
        self._set_each([step for _, step in each])
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
        # What is kept of rows: their cells, where there are steps before the windows.
        self.raw_dtype = object if self._before else np.float64
        self.n_raw = n_columns if self._before else len(self.plan.features)
        self.reach = self.plan.reach
        self.n_timesteps = self.reach.n_timesteps

    def _set_each(self, steps):
        """What is done to each row."""
        self._each_steps = steps
        groups = self.plan.groups
        self._each = [
            ForSeries(step, groups) if isinstance(step, EachSeries) else ForAll(step)
            for step in steps
        ]
        self._unseen = [
            step._min_rows
            if isinstance(each, ForSeries) and each.keeps_first_rows
            else None
            for step, each in zip(steps, self._each, strict=True)
        ]
        n_out = self.plan.n_features_out
        self.n_outputs = self._each[-1].n_out if self._each else n_out

    def _names_out(self):
        """What the features are called after these steps; None where none knows."""
        if self._names is None:
            return None
        names = [self._names[k] for k in self.plan.features]
        names += ["time_delta"] * (self.plan.n_features_out - len(names))
        for step in self._each_steps:
            try:
                names = step.get_feature_names_out()
            except AttributeError:  # of a transformer inside that gives none
                if len(names) != self.n_outputs:
                    return None
        return [str(name) for name in names]

    def _set_scores(self, steps):
        for name, step in steps:
            if any(isinstance(part, ColumnTransformer) for part in parts(step)):
                raise _refuse(
                    name,
                    step,
                    "cannot be streamed: it holds a ColumnTransformer. Put that into "
                    "an EachTimeStep that follows SlidingWindow in the pipeline.",
                )
        self._last_steps = [step for _, step in steps]
        self.twin = Twin(self._last_steps)
        *self._transformers, final = self.twin.steps
        self._final = final
        # The windows are checked already, and the score of one without data is NaN.
        is_ours = isinstance(final, OutlierDecisionsMixin)
        is_ours |= type(final) is RareEventClassifier
        self._tells_missing = is_ours and not self._transformers
        if isinstance(final, OutlierDecisionsMixin):
            self._method = final._score_samples
        elif is_ours:
            self._method = final._decisions
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
    def scalings(self):
        """Center and scale of all that is done to a row; None where that is more."""
        found = [scaling(step) for step in self._before]
        for each in self._each:
            found.append(scaling(each.transformer) if type(each) is ForAll else None)
        return None if None in found else found

    @property
    def compiled_errors(self):
        """What gives the errors of windows, minus which are the scores, or None."""
        if self._transformers:
            return None
        return getattr(self._method, "compiled", None)

    @property
    def has_time(self):
        return self.plan.time is not None

    def usual_jump(self):
        """The longest step ahead that is believed at once; None where none is known.

        A thousand times the step of the rows that SlidingWindow remembers.
        """
        last, gap = self.plan.last_rows, self.reach.gap
        step = None
        if last is not None:
            step = typical_step(last.rows.time, last.rows.starts)
        if step is None:
            return None if gap is None else _FAR * gap
        return max(_FAR * step, gap or 0)

    def before(self, table):
        """Apply the steps before the windows."""
        for step in self._before:
            center_and_scale = scaling(step)
            if center_and_scale is None:
                table = _transform(step, table)
            else:
                names = getattr(step, "feature_names_in_", None)
                every = list(range(step.n_features_in_))
                table = scaled(floats(table, every, names), *center_and_scale)
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
        columns = [
            column if {*map(type, column)} == {str} else _plain_names(column)
            for column in columns
        ]
        for key, column in zip(keys, columns, strict=False):
            _check_names(key, column)
        if len(columns) == 1:
            return columns[0]
        return list(zip(*columns, strict=True)) if columns else [None] * len(table)

    def check_name(self, name):
        """Raise a ValueError where a series has a name that no row could give it."""
        groups = self.plan.groups
        names = name if len(groups) > 1 and isinstance(name, tuple) else (name,)
        if len(groups) not in (0, len(names)):
            raise ValueError(f"{name!r} is no name for {len(groups)} columns")
        for key, part in zip(groups, names, strict=False):
            _check_names(key, [part])

    def times(self, table, levels):
        """Time of each row, as a number."""
        key = self.plan.time
        if key is None:
            return [None] * len(table)
        if key.column is not None and hasattr(table, "columns"):
            # What is wrong with a time is told of the first one by itself.
            with suppress(ArithmeticError, TypeError, ValueError):
                times, kind = time_values(take_key(table, key.column))
                if kind == key.kind:
                    return times.tolist()
        return [
            time_number(value, key.kind, row)
            for row, value in enumerate(_cells(key, table, levels))
        ]

    def show_time(self, number):
        """A time for messages, given as a number."""
        kind = self.plan.time.kind
        if kind == NUMBERS:
            return number
        if kind == DURATIONS:
            return pd.Timedelta(number)
        return pd.Timestamp(number, tz="UTC" if kind == ZONED else None)

    def remembered(self):
        """Series, time and features of the rows that SlidingWindow remembers."""
        last = self.plan.last_rows
        if last is None:
            return [], [], np.empty((0, len(self.plan.features)))
        rows = last.rows
        series = cells_of_names(rows.names, self.plan.groups) or [None]
        keys = [k for k, n in zip(series, rows.lengths, strict=True) for _ in range(n)]
        return keys, rows.time.tolist(), last.table

    def first_rows(self):
        """Where the first rows of a new series are kept, for each of these steps."""
        return [None if n is None else FirstRows(n) for n in self._unseen]

    def recall(self, name, series):
        """Give a series from the training what MovingReference remembers of it."""
        history = series.window[len(series.window) - series.n_in_window :]
        for live, memory in zip(self.twin.references, series.memories, strict=True):
            names = cells_of_names(live._series_names, self.plan.groups)
            memory.logs = live.recall(name, names, history)[-memory.size :]

    def finish(self, features, deltas, keys, firsts):
        """Rows of the windows, given the time since the row before each, or None.

        And the series of each, with the lists that ``first_rows`` gives.
        """
        if self.plan.delta_scale is not None:
            deltas = np.array(deltas, dtype=np.float64) / self.plan.delta_unit
            features = np.column_stack([features, deltas.astype(features.dtype)])
        for k, each in enumerate(self._each):
            features = each(features, keys, [first[k] for first in firsts])
            check_finite(features, "row {}, scaled feature {}".format)
        return features

    def score(self, windows, series, starts_anew):
        """Scores of windows, an array of shape (n_windows, n_timesteps, n_outputs).

        And of each the series, and whether it starts anew for what remembers scores.
        """
        self.twin.batch.start(series, starts_anew)
        scores = np.asarray(self._method(self._transformed(windows)), dtype=np.float64)
        if self._tells_missing:
            return scores
        scores = scores if scores.ndim == 1 else scores[:, 1]
        return np.where(np.isnan(windows).all(axis=(1, 2)), np.nan, scores)

    def _transformed(self, windows):
        for step in self._transformers:
            windows = step.transform(windows)
        return windows

    @property
    def score_rises(self):
        """Whether a higher score is an event, as of a classifier."""
        return not hasattr(self._final, "score_samples")

    def level(self):
        """Where the detector took the normal to end, as a score of the stream's.

        Higher for events, as ``Level`` has it. None where it does not tell.
        """
        final = self._final
        level = level_of(getattr(final, "detector_", final))
        if level is None or not hasattr(final, "threshold_"):
            return level
        return level._replace(score=level.score - self.threshold)

    def explain(self, windows):
        """Shares of the features in the scores of windows, as a frame.

        Raises a TypeError where no part of the estimator tells.
        """
        # Not the twin that remembers: the windows have been scored.
        *transformers, final = Twin(self._last_steps, remembers=False).steps
        for step in transformers:
            windows = step.transform(windows)
        detector = telling(final, windows)
        if detector is None:
            raise TypeError(
                f"{type(final).__name__} has no 'explain': it does not tell what its "
                "scores are made of."
            )
        shares = detector.explain(detector.X)
        names = self._names_out()
        if names is not None and len(names) == shares.shape[1]:
            shares = shares.set_axis(names, axis=1)
        return shares

    @property
    def threshold(self):
        """What was taken from the score of a classifier for its decision; else 0."""
        return float(getattr(self._final, "threshold_", 0.0))

    @property
    def limit(self):
        """Beyond which minus the score, or that of a classifier, is an alarm."""
        final = self._final
        if self.score_rises:
            return 0.0 if hasattr(final, "decision_function") else 0.5
        if not hasattr(final, "offset_"):
            raise TypeError(
                f"{type(final).__name__} has no offset_: it does not tell from which "
                "score on a window is an outlier."
            )
        return -float(final.offset_)

    @property
    def explains(self):
        return telling(self._final) is not None

    def is_alarm(self, scores):
        """Tell the scores of outliers, or of events."""
        return self.rising(scores) > self.limit

    def rising(self, scores):
        """The same scores, higher for events."""
        return scores if self.score_rises else -scores
