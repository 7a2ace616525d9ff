# SPDX-License-Identifier: BSD-3-Clause
"""Scores of rows as they come."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .._sklearn import Interval, StrOptions, validate_parameter_constraints
from .._validation import named_errors
from ..alarms import AlarmRule
from ..alarms._drift import Drift
from ._next_row import next_row_of
from ._rows import time_number
from ._rules import needs_time, rules_of
from ._state import State
from ._steps import StreamSteps
from ._taking import Counts, Taking
from ._watch import ABOVE, IN_ALARM


class StreamScorer:
    """Score rows as they come, with the scores of the whole table.

    Keeps the last rows of each series, whatever the number of rows. The scores are
    those that ``estimator`` would give to a table of all the rows so far, but for
    rounding.

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

    max_jump : "auto", None, str, pandas.Timedelta, datetime.timedelta or float, \
            default="auto"
        A row that comes longer after the last one of its series is scored, but its time
        is not believed before the next row agrees: if that one is earlier, it goes on
        from the rows before the jump, and ``n_ahead_`` counts a wrong clock. "auto" is
        a thousand times the step of the training rows, or ``max_gap`` of
        :class:`SlidingWindow` where that is longer; None believes every time.

    forget_after : str, pandas.Timedelta, datetime.timedelta or float, default=None
        Forget a series of which no row came for longer than this, such as "7D"; None to
        keep all.

    max_series : int, default=None
        At the end of a call forget the series that were heard of least lately, until
        there are no more than these. None for no limit.

    alarm_rule : AlarmRule, default=None
        What makes alarms of scores, for each series by itself. They start and end in
        ``events_``. None for no alarms.

    alarm_on : {"flag", "score"}, default="flag"
        What ``alarm_rule`` is given: 1 where ``estimator`` would tell an outlier or an
        event, 0 elsewhere; or the scores, minus those that are higher for what is
        normal.

    on_silence : str, pandas.Timedelta, datetime.timedelta or float, default=None
        Tell in ``events_`` of a series from which no row with data has come for longer
        than this, by the latest time of any series. None to tell nothing.

    Attributes
    ----------
    n_late_ : int
        Number of rows that came late and were dropped.

    n_ahead_ : int
        Number of rows that had a wrong clock, later than ``max_jump`` allows.

    events_ : list of StreamEvent
        What happened in the last call, in order.

    Raises
    ------
    TypeError
        If ``estimator`` cannot be streamed. The step that cannot is named.

    ValueError
        If ``window_size`` is not that of ``estimator``, or a parameter needs a time
        that :class:`SlidingWindow` has not; when scoring, if a row lacks a column or
        has one that was not there in fit, holds infinity or what is not a number, or
        comes late.

    Warns
    -----
    UserWarning
        At the first row that is dropped as late, or had a wrong clock, and again when
        there are 10, 100, ... of them.

    See Also
    --------
    SlidingWindow : The windows of a table.
    skseq.alarms.AlarmRule : Alarms of a table.

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
    - A missing value is NaN or None. Rows that never come are not made up. A row whose
      window holds no data has the score NaN.
    - A call that raises an error for one of its rows, or is interrupted, has taken in
      none of them.

    Steps before the windows, and those in :class:`EachTimeStep`, are applied to each
    row once, when it comes. They must treat each row on its own, as the scalers and
    imputers of scikit-learn do. A ``FunctionTransformer`` there is refused, unless its
    function is a NumPy ufunc: a difference or a rolling mean would see one row only.

    An :class:`EachSeries` right after :class:`SlidingWindow` keeps the first
    ``min_rows`` rows of a series that it has not seen, with ``unseen="first_rows"``. A
    :class:`MovingReference`, alone or in a committee or classifier, keeps ``memory``
    and ``lag`` scores of each series.

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

    _parameter_constraints: dict = {
        "on_late": [StrOptions({"raise", "drop"})],
        "alarm_on": [StrOptions({"flag", "score"})],
        "alarm_rule": [AlarmRule, None],
        "max_series": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator,
        window_size=None,
        *,
        on_late="raise",
        max_jump="auto",
        forget_after=None,
        max_series=None,
        alarm_rule=None,
        alarm_on="flag",
        on_silence=None,
    ):
        chosen = {
            "on_late": on_late,
            "alarm_on": alarm_on,
            "alarm_rule": alarm_rule,
            "max_series": max_series,
        }
        validate_parameter_constraints(
            self._parameter_constraints, chosen, type(self).__name__
        )
        check_is_fitted(estimator)
        self.estimator = estimator
        self._steps = StreamSteps(estimator)
        self.window_size = self._steps.n_timesteps
        if window_size not in (None, self.window_size):
            raise ValueError(
                f"The 'window_size' parameter of StreamScorer is {window_size}, but "
                f"'estimator' was fitted on windows of {self.window_size}. Leave it "
                "out, or give that."
            )
        durations = {"forget_after": forget_after, "on_silence": on_silence}
        self._rules = rules_of(self._steps, max_jump, durations, **chosen)
        self._next_row = next_row_of(self._steps, self._rules)
        self._counts, self._series = Counts(), {}
        self.events_, self._last_window = [], None
        self._remember_training_rows()

    @property
    def n_late_(self):
        return self._counts.n_late

    @property
    def n_ahead_(self):
        return self._counts.n_ahead

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
            NaN where the row came late and was dropped, or nothing was observed in
            its window.
        """
        if self._next_row is not None:
            score = self._next_row(self, row, group)
            if score is not None:
                return score
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
            NaN where a row came late and was dropped, or nothing was observed in its
            window.
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

    def tick(self, time):
        """Tell the time, where no row does: for what is silent, and what is forgotten.

        Parameters
        ----------
        time : pandas.Timestamp, datetime.datetime, str or float
            The time now, of the kind that the rows have.

        Returns
        -------
        events : list of StreamEvent
            What has happened by that time; also in ``events_``.
        """
        self._check_has_time("tick")
        now = time_number(time, self._steps.plan.time.kind, 0)
        taking = Taking(self)
        newest = taking.counts.newest
        taking.counts.newest = now if newest is None else max(now, newest)
        taking.end()
        self._keep(taking)
        return self.events_

    def health(self):
        """Tell how the stream is doing.

        Returns
        -------
        health : dict
            - "n_rows": rows taken in; "n_late", "n_ahead": as the attributes say;
            - "n_without_data": rows with the score NaN, as nothing was observed;
            - "n_series": series that are kept; "n_silent": of these, the silent ones;
            - "share_in_alarm": of the last 1,000 rows with a score, the share in alarm:
              by ``alarm_rule``, or else by :meth:`is_alarm`;
            - "drift": how many times as many of these rows are beyond ``offset_`` of
              the detector as were of the rows that it held out; 1 is none. NaN where
              it does not tell. Far above 1 it is time to train again.

        Examples
        --------
        >>> import numpy as np
        >>> from skseq import PCAAutoencoder, StreamScorer
        >>> X = np.random.default_rng(0).normal(size=(400, 3, 2))
        >>> stream = StreamScorer(PCAAutoencoder(2).fit(X))
        >>> scores = stream.score_many(2 * X[0])
        >>> health = stream.health()
        >>> health["n_rows"], health["n_late"], health["n_without_data"]
        (3, 0, 0)
        """
        counts, level = self._counts, self._rules.level
        recent = np.frombuffer(counts.recent, dtype=np.uint8)
        drift = np.nan
        if level is not None and len(recent):
            n_above = int(np.count_nonzero(recent & ABOVE))
            drift = float(Drift(n_above, len(recent), level.expected).ratio)
        in_alarm = float(np.mean(recent & IN_ALARM > 0)) if len(recent) else np.nan
        return {
            "n_rows": counts.n_rows,
            "n_late": counts.n_late,
            "n_ahead": counts.n_ahead,
            "n_without_data": counts.n_without_data,
            "n_series": len(self._series),
            "n_silent": sum(series.is_silent for series in self._series.values()),
            "share_in_alarm": in_alarm,
            "drift": drift,
        }

    def explain_last(self):
        """Tell what the score of the last row that was scored is made of.

        Returns
        -------
        shares : Series
            What ``explain`` of the detector gives for its window, by the name of the
            feature, the largest first. Where the members of a committee that have
            a part in it tell of no feature, what the first one that does tells.

        Raises
        ------
        TypeError
            If the detector does not tell.

        ValueError
            If this stream has scored none yet.
        """
        if self._last_window is None:
            raise ValueError("No row was scored yet: there is none to explain.")
        shares = self._steps.explain(self._last_window).iloc[0]
        return shares.sort_values(ascending=False)

    def get_state(self):
        """Give what the stream keeps, to go on from in another process.

        Returns
        -------
        state : dict
            Of lists, dicts, numbers, str and arrays. JSON can hold it, with
            ``json.dumps(state, default=np.ndarray.tolist)``, where it can hold the
            names of the series. "names" are these.

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
        return State(self).give()

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

        Raises
        ------
        ValueError
            If the state is of another estimator or alarm rule, or not as
            :meth:`get_state` gives it. The stream is then as it was.

        See Also
        --------
        continue_from : The way to go on with an estimator that was trained again.
        """
        self._counts, self._series = State(self).take(state)
        return self

    def continue_from(self, state):
        """Go on with the rows of another stream, whose estimator was another one.

        For an estimator that was trained again: the last rows of each series, as they
        came, are transformed anew. So the next scores are those that the new estimator
        would give to a table of all rows, if its windows are no longer than those of
        the old one. What :class:`MovingReference` remembers starts anew, and so does
        the drift. An alarm goes on where the rule is the same.

        Parameters
        ----------
        state : dict
            From :meth:`get_state` of a stream of the same columns.

        Returns
        -------
        self : object
            The stream.

        Raises
        ------
        ValueError
            If the state is of other columns, or not as :meth:`get_state` gives it. The
            stream is then as it was.
        """
        self._counts, self._series = State(self).transform(state)
        return self

    def _remember_training_rows(self):
        """Put in the rows that SlidingWindow remembers from fit."""
        keys, times, features = self._steps.remembered()
        if not keys:
            return
        taking = Taking(self)
        raw = features
        if self._steps.raw_dtype is object:
            # The cells of the training rows are not known, but what was made of them.
            raw = np.full((len(keys), self._steps.n_raw), None)
        taking.fill(keys, times, features, raw)
        self._series = taking.touched
        for key, series in self._series.items():
            series.from_training, series.number = True, 0
            self._steps.recall(key, series)

    def _score(self, rows, groups, *, explains=False):
        """Scores of rows; with them, if asked, a frame of what these are made of."""
        steps = self._steps
        levels = steps.columns.levels_of(rows)
        table = steps.columns.table(rows)
        table, cells = steps.before(table), table
        features = steps.features(table)
        keys = steps.keys(table, levels, groups)
        times = steps.times(table, levels)
        raw = features if steps.raw_dtype is not object else _as_cells(cells)
        taking = Taking(self, keeps_windows=explains)
        kept, scores = taking.take(keys, times, features, raw)
        if explains:
            shares = taking.explain().set_axis(kept).reindex(range(len(keys)))
        taking.end()
        self._keep(taking)
        out = np.full(len(keys), np.nan)
        out[kept] = scores
        return (out, shares) if explains else out

    def _keep(self, taking):
        """Take in all of a call, in statements that no interrupt comes between."""
        if taking.gone:
            series = taking.everyone()
            for key in taking.gone:
                del series[key]
            self._series = series
        else:
            self._series |= taking.touched
        self._counts, self.events_ = taking.counts, taking.events
        self._last_window = taking.last_window

    def _check_has_time(self, name):
        if not self._steps.has_time:
            raise ValueError(needs_time(name))


def _as_cells(table):
    return table.to_numpy(dtype=object) if hasattr(table, "columns") else table
