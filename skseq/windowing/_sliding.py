# SPDX-License-Identifier: BSD-3-Clause
"""One window for each row of a table."""

from dataclasses import replace
from datetime import timedelta
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from .._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from .._sklearn import (
    Hidden,
    Interval,
    RealNotInt,
    _check_feature_names_in,
    _fit_context,
)
from .._validation import check_cells, is_windows
from ..rows._keys import resolve_key, resolve_keys, warn_of_index
from ..rows._row_numbers import take_rows
from ..rows._table import take_features
from ..rows._time import check_time_is_given, ticks, time_deltas, typical_step
from ._among import rows_around_hole, warn_of_rows_among
from ._last_rows import LastRows
from ._output import SequenceTransformerMixin
from ._pauses import warn_of_gap, warn_of_pause
from ._plan import WindowPlan, reach_of, read_rows
from ._windows import Windows

TIME_DELTA = "time_delta"


def _names_of(slider, names_in, features):
    return _check_feature_names_in(slider, names_in)[list(features)]


class SlidingWindow(
    CallbackSupportMixin,
    SequenceTransformerMixin,
    DocumentationLinkMixin,
    BaseEstimator,
):
    """Turn rows in time order into windows, one for each row.

    The window of row ``i`` ends at row ``i`` and reaches back ``window_size`` rows, or
    the time ``window_size``, in the same series. What would lie before the start of its
    series, or across a gap in time, is NaN. So n rows give n windows: ``y``, sample
    weights, groups and cross-validation splits stay aligned with them, and no window
    looks ahead.

    Parameters
    ----------
    window_size : int, str, pandas.Timedelta, datetime.timedelta or float, default=10
        Number of rows in a window, where it is an int. Else a duration: such as
        ``"10min"`` where ``time`` holds datetimes, a float in the unit of ``time``
        where that holds numbers. The window of a row at time t then holds the rows of
        ``(t - window_size, t]`` up to this row, and no more than ``max_steps`` of them,
        the most recent.

    group_by : str, int or list of str or int, default=None
        Column or columns that name the series of each row: names of columns of a
        DataFrame, or of levels of its index; indices for an array. The rows of
        different series may be interleaved. The columns are not features of the
        windows.

    time : str or int, default=None
        Column, or level of the index of a DataFrame, that holds the time of each row,
        datetimes or numbers, which must not decrease within a series. The column is not
        a feature of the windows.

    max_gap : str, pandas.Timedelta, datetime.timedelta or float, default=None
        Longest time between two rows of one window: a duration such as ``"5min"`` where
        ``time`` holds datetimes, a number in its unit otherwise. None for no limit.

    max_steps : int, default=64
        Number of time steps of the windows where ``window_size`` is a duration. It is
        not used where that is a number of rows.

    add_time_delta : bool, default=False
        Whether to append a feature ``"time_delta"``: the time since the row before, as
        a multiple of ``time_delta_scale_``. It is missing (NaN) in the first row of a
        series and in a row after a gap longer than ``max_gap``. Where times between
        rows differ much, scale it as the other features, or it will rule a loss.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen during :term:`fit`, ``group_by`` and ``time`` included.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of these columns, where all of them are strings.

    plan_ : WindowPlan
        All that the methods of the fitted transformer read, streams and files too: the
        positions of the features, the keys, how far back windows reach, and the last
        rows of each series. Frozen, of plain types and arrays.

    time_delta_scale_ : float
        ``max_gap`` where it is given, else the median time between two rows of a series
        of the training table, equal times left out; 1 where there are no such rows. In
        seconds, or in the unit of a numeric ``time``. Only with ``add_time_delta``.

    Raises
    ------
    ValueError
        If the rows of a series are not in time order (the first such row is named), a
        named column is missing, a feature is infinite or not a number, or a column of
        ``group_by`` or ``time`` holds another kind of values than in ``fit``, such as
        text in the place of numbers, which would name new series without a word.

    Warns
    -----
    UserWarning
        In ``fit``, where the index of a DataFrame tells of series (a MultiIndex), or
        goes back in time or has gaps (a DatetimeIndex), or of rows that were shuffled
        (numbers), and neither ``group_by`` nor ``time`` names it; where ``max_gap`` is
        shorter than nearly all steps between rows. In ``transform``, where a series
        goes on long after its last row in the training, and ``max_gap`` is None.
    WindowOverlapWarning
        In ``transform``, where the rows lie among those of the training, in places that
        these leave free, as ``time`` or the numbers of an index tell, and ``max_gap``
        is None: so do :class:`~sklearn.model_selection.KFold` and splitters that
        shuffle leave them. Of an array without ``time`` nothing tells.

    See Also
    --------
    sliding_windows : The same, with a stride, outside of a pipeline.
    EachTimeStep : Apply a transformer such as a scaler to each time step.

    Notes
    -----
    The output is a :class:`Windows`: a lazy array-like of shape
    ``(n_samples, n_timesteps, n_features)``, float32. It cannot become a DataFrame, so
    ``set_output`` leaves it as it is.

    With a ``time`` column, ``fit`` remembers the last rows of each series of the
    training table: those that a later window can reach. In ``transform``, a series of
    which all rows are later than these continues from them, so that its first windows
    are complete. A series that is new, or has a row that is no later (as the training
    table itself has), starts anew. What lies between is not known: ``max_gap`` keeps
    windows from joining rows that are far apart. Without ``time`` nothing is
    remembered, and the first windows of each table are padded. So are those of a fold
    of a cross-validation, unless it comes after its training rows in time, as in
    :class:`~sklearn.model_selection.TimeSeriesSplit`.

    Times with a time zone are compared in UTC. Rows of equal times keep their order.

    Examples
    --------
    >>> import pandas as pd
    >>> from skseq import SlidingWindow
    >>> frame = pd.DataFrame({"pump": ["a", "a", "b", "a"], "flow": [1.0, 2, 7, 3]})
    >>> windows = SlidingWindow(2, group_by="pump").fit_transform(frame)
    >>> windows.shape
    (4, 2, 1)
    >>> windows[3].ravel(), windows[2].ravel()
    (array([2., 3.], dtype=float32), array([nan,  7.], dtype=float32))

    Windows by duration, with the time between the rows:

    >>> minutes = pd.to_timedelta([0, 20, 20, 25], "min")
    >>> frame["at"] = pd.Timestamp("2026-03-01") + minutes
    >>> slider = SlidingWindow(
    ...     "10min", group_by="pump", time="at", max_steps=3, add_time_delta=True
    ... )
    >>> slider.fit_transform(frame)[3]
    array([[nan, nan],
           [2. , 1.6],
           [3. , 0.4]], dtype=float32)

    Later rows continue from the training table:

    >>> later = frame[3:].assign(flow=4.0, at=pd.Timestamp("2026-03-01 00:27"))
    >>> slider.transform(later)[0][:, 0]
    array([2., 3., 4.], dtype=float32)
    """

    _parameter_constraints: dict = {
        "window_size": [
            Hidden(np.timedelta64),  # before Integral, which it passes for
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, None, closed="neither"),
            str,
            timedelta,
        ],
        "group_by": [str, Integral, list, None],
        "time": [str, Integral, None],
        "max_gap": "no_validation",
        "max_steps": [Interval(Integral, 1, None, closed="left")],
        "add_time_delta": ["boolean"],
    }

    def __init__(
        self,
        window_size=10,
        *,
        group_by=None,
        time=None,
        max_gap=None,
        max_steps=64,
        add_time_delta=False,
    ):
        self.window_size = window_size
        self.group_by = group_by
        self.time = time
        self.max_gap = max_gap
        self.max_steps = max_steps
        self.add_time_delta = add_time_delta

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    @reports_fit
    def fit(self, X, y=None):
        """Check the table, and remember its columns and the last rows of its series.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Rows in time order.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            Fitted transformer.
        """
        check_time_is_given(self)
        X = self._check_table(X, reset=True)
        groups = resolve_keys(X, self.group_by, "group_by")
        time = None if self.time is None else resolve_key(X, self.time, "time")
        columns = {key.column for key in (*groups, time) if key is not None}
        features = [k for k in range(self.n_features_in_) if k not in columns]
        table = take_features(X, features, self)
        if self.add_time_delta and TIME_DELTA in _names_of(self, None, features):
            raise ValueError(
                f"X has a column {TIME_DELTA!r} already, the name of the feature that "
                "'add_time_delta' appends. Rename or drop it."
            )
        rows, order, keys = read_rows(X, groups, time)
        warn_of_index(X, groups, time)
        groups, time = tuple(keys[: len(groups)]), None if time is None else keys[-1]
        plan = WindowPlan(tuple(features), groups, time, reach_of(self, time))
        if self.add_time_delta:
            step = plan.reach.gap or typical_step(rows.time, rows.starts)
            self.time_delta_scale_ = float(step / ticks(time.kind)) if step else 1.0
            plan = replace(plan, delta_scale=self.time_delta_scale_)
        if time is not None:
            warn_of_gap(rows, plan)
        if time is not None and plan.rows_back:
            plan = replace(plan, last_rows=LastRows.of(table, rows, order, plan))
        if plan.reach.joins_any:
            plan = replace(plan, around_hole=rows_around_hole(X, rows, time))
        self.plan_ = plan
        return self

    def transform(self, X):
        """Give the window that ends at each row.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Rows in time order.

        Returns
        -------
        windows : Windows of shape (n_samples, n_timesteps, n_features)
            Lazy; the data of ``X`` is referred to, not copied, where that is possible:
            rows of interleaved series are copied once, into the order of the series.
            The table of the windows may also hold rows of the training table, at which
            no window ends.
        """
        check_is_fitted(self)
        plan = self.plan_
        X = self._check_table(X, reset=False)
        table = take_features(X, plan.features, self)
        rows, order = plan.rows_of(X)
        if order is not None:
            table = take_rows(table, order)
        ends = rows.positions
        if plan.around_hole is not None:
            warn_of_rows_among(X, rows, plan.around_hole, plan.time)
        if plan.last_rows is not None:
            if plan.reach.joins_any:
                warn_of_pause(plan.last_rows.rows, rows, plan.time.kind)
            table, rows, ends = plan.last_rows.precede(table, rows)
        reach = plan.reach
        starts = reach.starts(rows, ends)
        if plan.delta_scale is not None:
            segment_starts = rows.segment_starts(reach.gap)
            deltas = time_deltas(rows.time, segment_starts, plan.delta_unit)
            table = np.column_stack([table, deltas.astype(table.dtype)])
        if order is not None:
            starts[order], ends[order] = starts.copy(), ends.copy()
        named = hasattr(self, "feature_names_in_")
        return Windows(
            table,
            starts,
            ends,
            reach.n_timesteps,
            series_starts=rows.starts,
            feature_names=self.get_feature_names_out() if named else None,
            index=X.index if isinstance(X, pd.DataFrame) else None,
            series_names=rows.names,
            times=None if plan.time is None else plan.as_given(rows.time),
        )

    def inverse_transform(self, X):
        """Give back the last time step of each window.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features)

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            The features of each row, as the windows have them.
        """
        check_is_fitted(self)
        if is_windows(X):
            return X.table[X.ends]
        X = check_cells(X, dtype="numeric", allow_nd=True, ensure_2d=False)
        if X.ndim != 3:
            raise ValueError(
                f"X must be windows (n_samples, n_timesteps, n_features). Got {X.ndim} "
                "dimension(s) instead."
            )
        return X[:, -1]

    def get_feature_names_out(self, input_features=None):
        """Names of the features of each time step.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of the input, ``feature_names_in_`` by default.

        Returns
        -------
        feature_names_out : ndarray of str
            The input names without the columns of ``group_by`` and ``time``, and the
            name of the feature that ``add_time_delta`` appends.
        """
        check_is_fitted(self)
        names = _names_of(self, input_features, self.plan_.features)
        if self.plan_.delta_scale is not None:
            names = np.append(names, np.array([TIME_DELTA], dtype=object))
        return names

    def _check_table(self, X, *, reset):
        if not hasattr(X, "columns"):
            X = check_cells(X, dtype=None, estimator=self)
        if not reset:
            for key in self.plan_.keys:
                key.check_place(X)
        return validate_data(self, X, reset=reset, skip_check_array=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
