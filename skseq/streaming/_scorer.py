# SPDX-License-Identifier: BSD-3-Clause
"""Scores of rows as they come."""

from collections import deque

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted

from .._validation import named_errors
from ..engines._batches import CHUNK
from ._steps import StreamSteps


class _Series:
    """The window that ends at the last row of a series, and the times it needs."""

    def __init__(self, window, times, *, from_training=False):
        self.window, self.times = window, times
        self.from_training = from_training

    @classmethod
    def empty(cls, steps):
        window = np.full((steps.n_timesteps, steps.n_outputs), np.nan, np.float32)
        return cls(window, deque(maxlen=steps.n_times))

    def last_time(self, time):
        """Time of the row before one at this time; None if that one starts anew."""
        if not self.times or (self.from_training and time <= self.times[-1]):
            return None
        return self.times[-1]

    def push(self, row, time, duration, *, starts_anew):
        """Move the window to the next row."""
        window, times = self.window, self.times
        if starts_anew:
            window[:] = np.nan
            times.clear()
        self.from_training = False
        window[:-1] = window[1:]
        window[-1] = row
        times.append(time)
        if duration is not None:
            while time - times[0] >= duration:
                times.popleft()
            window[: len(window) - len(times)] = np.nan


class StreamScorer:
    """Score rows as they come, with the scores of the whole table.

    Keeps one window for each series, whatever the number of rows. The scores are those
    that ``estimator`` would give to a table of all the rows so far, but for rounding.

    Parameters
    ----------
    estimator : estimator
        A fitted pipeline with a :class:`SlidingWindow`, or a fitted estimator (or
        pipeline) of windows, such as an :class:`LSTMAutoencoder`.

    window_size : int, default=None
        Number of time steps of a window. It is known from what ``estimator`` was fitted
        on; a number that differs is an error.

    on_late : {"raise", "drop"}, default="raise"
        What to do with a row whose time is before that of the last row of its series:
        raise an error, or count it in ``n_late_``, give it the score NaN, and forget
        it.

    Attributes
    ----------
    n_late_ : int
        Number of rows that came late and were dropped.

    Raises
    ------
    TypeError
        If ``estimator`` cannot be streamed. The step that cannot is named.

    ValueError
        If ``window_size`` is not that of ``estimator``; when scoring, if a row lacks a
        column, holds infinity or what is not a number, or comes late.

    See Also
    --------
    SlidingWindow : The windows of a table.

    Notes
    -----
    The score is ``score_samples`` of the last step (higher is more normal) where it has
    that, else its ``decision_function`` (higher is an event, as in
    :class:`RareEventClassifier`), else the probability of the greater of two classes.
    :meth:`is_alarm` tells what the scores mean.

    - A row belongs to the series that ``group_by`` of :class:`SlidingWindow` names.
    - The first windows of a series are padded, unless :class:`SlidingWindow` remembers
      rows of it from ``fit`` (it does with ``time``) and the first row of the stream is
      later than these.
    - A row after a gap longer than ``max_gap`` starts a new window.
    - Rows of one series at equal times are all scored, in the order in which they come.
    - A row that comes late is an error, or dropped (``on_late``). Without ``time``, no
      row is late.
    - A missing value is NaN or None. Rows that never come are not made up.
    - A call that raises an error for one of its rows has taken in none of them.

    Steps before the windows, and those in :class:`EachTimeStep`, are applied to each
    row once, when it comes. They must treat each row on its own, as the scalers and
    imputers of scikit-learn do. A ``FunctionTransformer`` there is refused, unless its
    function is a NumPy ufunc: a difference or a rolling mean would see one row only.

    One stream is for one thread at a time. It can be pickled.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skseq import EachTimeStep, PCAAutoencoder, SlidingWindow, StreamScorer
    >>> t = np.arange(500)
    >>> frame = pd.DataFrame({"flow": np.sin(t / 5), "level": np.cos(t / 5)})
    >>> pipeline = make_pipeline(
    ...     SlidingWindow(5), EachTimeStep(StandardScaler()), PCAAutoencoder(2)
    ... ).fit(frame)
    >>> stream = StreamScorer(pipeline)
    >>> scores = stream.score_many(frame[:300])
    >>> bool(np.allclose(scores, pipeline.score_samples(frame)[:300], atol=1e-6))
    True
    >>> score = stream.score_one({"flow": 2.0, "level": 0.0})
    >>> bool(stream.is_alarm(score))
    True
    """

    _parameter_constraints: dict = {"on_late": [StrOptions({"raise", "drop"})]}

    def __init__(self, estimator, window_size=None, *, on_late="raise"):
        validate_parameter_constraints(
            self._parameter_constraints, {"on_late": on_late}, type(self).__name__
        )
        check_is_fitted(estimator)
        self.estimator = estimator
        self.on_late = on_late
        self._steps = StreamSteps(estimator)
        self.window_size = self._steps.n_timesteps
        if window_size not in (None, self.window_size):
            raise ValueError(
                f"The 'window_size' parameter of StreamScorer is {window_size}, but "
                f"'estimator' was fitted on windows of {self.window_size}. Leave it "
                "out, or give that."
            )
        self.n_late_ = 0
        self._series = {}
        self._remember_training_rows()

    def score_one(self, row, group=None):
        """Score the next row.

        Parameters
        ----------
        row : dict, Series or array-like of shape (n_columns,)
            One row: by name, where ``estimator`` was fitted on a DataFrame (other names
            are ignored), or in the order of its columns.

        group : hashable, default=None
            Name of the series, where no column holds it (``group_by`` of
            :class:`SlidingWindow`). Each name has a window of its own.

        Returns
        -------
        score : float
            NaN where the row came late and was dropped.
        """
        groups = None if group is None else [group]
        return float(self._score([row], groups)[0])

    def score_many(self, rows, groups=None):
        """Score the next rows, faster than one at a time.

        Parameters
        ----------
        rows : DataFrame, array-like of shape (n_rows, n_columns) or list of dict
            Rows in the order in which they came; those of several series may be
            interleaved.

        groups : array-like of shape (n_rows,), default=None
            Name of the series of each row, where no column holds it.

        Returns
        -------
        scores : ndarray of shape (n_rows,)
            NaN where a row came late and was dropped.
        """
        with named_errors("rows"):
            if not hasattr(rows, "columns") and not isinstance(rows, np.ndarray):
                rows = list(rows)
            if not len(rows):
                return np.empty(0)
        if groups is not None:
            with named_errors("groups"):
                groups = pd.Series(groups).tolist()
        return self._score(rows, groups)

    def is_alarm(self, score):
        """Tell which scores ``estimator`` would take for an outlier or an event.

        Parameters
        ----------
        score : float or array-like of float

        Returns
        -------
        alarm : bool or ndarray of bool
            False for NaN.
        """
        return self._steps.is_alarm(np.asarray(score))

    def forget(self, group=None):
        """Forget a series that has ended; a row of that name would start anew.

        Parameters
        ----------
        group : hashable, default=None
            Name of the series; a tuple where ``group_by`` names several columns.
        """
        self._series.pop(group, None)

    def get_state(self):
        """Give what the stream keeps, to go on from in another process.

        Returns
        -------
        state : dict
            Of lists, an int and a float32 array. JSON can hold it, with
            ``json.dumps(state, default=np.ndarray.tolist)``, where it can hold the
            names of the series.

        Examples
        --------
        >>> import numpy as np
        >>> from skseq import PCAAutoencoder, StreamScorer
        >>> X = np.random.default_rng(0).normal(size=(40, 3, 2))
        >>> stream = StreamScorer(PCAAutoencoder(2).fit(X))
        >>> first = stream.score_many(X[0])
        >>> other = StreamScorer(stream.estimator).set_state(stream.get_state())
        >>> other.score_one([0.0, 1.0]) == stream.score_one([0.0, 1.0])
        True
        """
        series = self._series.values()
        empty = np.empty((0, self._steps.n_timesteps, self._steps.n_outputs), "f4")
        return {
            "names": list(self._series),
            "windows": np.stack([s.window for s in series]) if series else empty,
            "times": [list(s.times) for s in series],
            "from_training": [s.from_training for s in series],
            "n_late": self.n_late_,
        }

    def set_state(self, state):
        """Go on from a state that a stream of the same estimator gave.

        Parameters
        ----------
        state : dict
            From :meth:`get_state`; lists may stand for arrays and tuples.

        Returns
        -------
        self : object
            The stream.
        """
        shape = self._steps.n_timesteps, self._steps.n_outputs
        with named_errors("state"):
            windows = np.asarray(state["windows"])
            if windows.dtype.kind not in "fiu":
                raise TypeError(f"its windows are of dtype {windows.dtype}")
            windows = windows.astype(np.float32)
            windows = windows if windows.size else windows.reshape(0, *shape)
            names = [tuple(n) if isinstance(n, list) else n for n in state["names"]]
            n_late = int(state["n_late"])
        if windows.shape != (len(names), *shape):
            raise ValueError(
                f"'state' holds windows of shape {windows.shape} for {len(names)} "
                f"series, but this stream keeps {shape} for each. Give the state of a "
                "stream of the same estimator."
            )
        columns = windows, state["times"], state["from_training"]
        with named_errors("state"):
            self._series = {
                name: _Series(
                    window.copy(), deque(times, self._steps.n_times), from_training=flag
                )
                for name, window, times, flag in zip(names, *columns, strict=True)
            }
        self.n_late_ = n_late
        return self

    def _remember_training_rows(self):
        """Put in the rows that SlidingWindow remembers from fit."""
        keys, times, features = self._steps.remembered()
        if not keys:
            return
        deltas, _ = self._deltas(keys, times)
        table = self._steps.finish(features, deltas)
        for row in zip(keys, table, times, deltas, strict=True):
            self._push(*row)
        for series in self._series.values():
            series.from_training = True

    def _score(self, rows, groups):
        steps = self._steps
        levels = steps.columns.levels_of(rows)
        table = steps.before(steps.columns.table(rows))
        features = steps.features(table)
        keys = steps.keys(table, levels, groups)
        times = steps.times(table, levels)
        deltas, late = self._deltas(keys, times)
        rows = steps.finish(features, deltas)
        # From here on nothing is wrong with the rows.
        self.n_late_ += len(late)
        kept = [row for row in range(len(rows)) if row not in late]
        scores = np.full(len(rows), np.nan)
        for start in range(0, len(kept), CHUNK):
            part = kept[start : start + CHUNK]
            shape = len(part), steps.n_timesteps, steps.n_outputs
            windows = np.empty(shape, dtype=np.float32)
            for window, k in zip(windows, part, strict=True):
                window[:] = self._push(keys[k], rows[k], times[k], deltas[k])
            scores[part] = steps.score(windows)
        return scores

    def _deltas(self, keys, times):
        """Time of each row since the one before; None where a window starts anew.

        Also the rows that come late, by number.
        """
        deltas, late, last = [None] * len(keys), set(), {}
        if not self._steps.has_time:
            return deltas, late
        gap = self._steps.reach.gap
        for row, (key, time) in enumerate(zip(keys, times, strict=True)):
            before = last[key] if key in last else self._last_time(key, time)
            if before is not None and time < before:
                if self.on_late == "raise":
                    raise self._is_late(row, key, time, before)
                late.add(row)
                continue
            last[key] = time
            if before is not None and (gap is None or time - before <= gap):
                deltas[row] = time - before
        return deltas, late

    def _is_late(self, row, key, *times):
        time, last = map(self._steps.show_time, times)
        series = "" if key is None else f" of the series {key!r}"
        return ValueError(
            f"Row {row}{series} comes late: its time {time} is before {last}, that of "
            "the last row. Sort the rows by time, or leave out such rows with "
            "on_late='drop'."
        )

    def _last_time(self, key, time):
        series = self._series.get(key)
        return None if series is None else series.last_time(time)

    def _push(self, key, row, time, delta):
        """Move the window of a series to its next row."""
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = _Series.empty(self._steps)
        starts_anew = self._steps.has_time and delta is None
        series.push(row, time, self._steps.reach.duration, starts_anew=starts_anew)
        return series.window
