# SPDX-License-Identifier: BSD-3-Clause
"""One window for each row of a table."""

from datetime import timedelta
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import Hidden, Interval, RealNotInt
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from .._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from .._validation import check_cells, is_windows
from ..rows._row_numbers import take_rows
from ..rows._series import rows_by_series
from ..rows._table import (
    resolve_column,
    resolve_columns,
    take_features,
    take_key,
)
from ..rows._time import (
    check_time_is_given,
    duration_value,
    is_duration,
    ticks,
    time_deltas,
    typical_step,
    with_time,
)
from ._history import History
from ._output import SequenceTransformerMixin
from ._reach import Reach
from ._windows import Windows

TIME_DELTA = "time_delta"


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
        Column or columns that name the series of each row: column names of a DataFrame,
        indices for an array. The rows of different series may be interleaved. The
        columns are not features of the windows.

    time : str or int, default=None
        Column that holds the time of each row, datetimes or numbers, which must not
        decrease within a series. The column is not a feature of the windows.

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

    time_delta_scale_ : float
        ``max_gap`` where it is given, else the median time between two rows of a series
        of the training table, equal times left out; 1 where there are no such rows. In
        seconds, or in the unit of a numeric ``time``. Only with ``add_time_delta``.

    Raises
    ------
    ValueError
        If the rows of a series are not in time order (the first such row is named), a
        named column is missing, or a feature is infinite or not a number.

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
        self._group_columns = resolve_columns(X, self.group_by, "group_by")
        self._time_column = self._history = self._time_kind = None
        if self.time is not None:
            self._time_column = resolve_column(X, self.time, "time")
        table = take_features(X, self._feature_columns(), self)
        if self.add_time_delta and TIME_DELTA in self.get_feature_names_out()[:-1]:
            raise ValueError(
                f"X has a column {TIME_DELTA!r} already, the name of the feature that "
                "'add_time_delta' appends. Rename or drop it."
            )
        if self.time is not None:
            self._learn_from_times(table, X)
        return self

    def _learn_from_times(self, table, X):
        rows, order = self._rows(X, reset=True)
        reach = self._reach()
        if self.add_time_delta:
            step = reach.gap or typical_step(rows.time, rows.starts)
            self.time_delta_scale_ = step / ticks(self._time_kind) if step else 1.0
        if self.add_time_delta or reach.n_timesteps > 1:
            self._history = History.of(
                table, rows, order, reach, row_before=self.add_time_delta
            )

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
        X = self._check_table(X, reset=False)
        table = take_features(X, self._feature_columns(), self)
        rows, order = self._rows(X, reset=False)
        if order is not None:
            table = take_rows(table, order)
        ends = rows.positions
        if self._history is not None:
            table, rows, ends = self._history.precede(table, rows)
        reach = self._reach()
        starts = reach.starts(rows, ends)
        if self.add_time_delta:
            unit = self.time_delta_scale_ * ticks(self._time_kind)
            deltas = time_deltas(rows.time, rows.segment_starts(reach.gap), unit)
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
        names = _check_feature_names_in(self, input_features)[self._feature_columns()]
        if self.add_time_delta:
            names = np.append(names, np.array([TIME_DELTA], dtype=object))
        return names

    def _feature_columns(self):
        keys = {*self._group_columns, self._time_column}
        return [k for k in range(self.n_features_in_) if k not in keys]

    def _check_table(self, X, *, reset):
        if not hasattr(X, "columns"):
            X = check_cells(X, dtype=None, estimator=self)
        return validate_data(self, X, reset=reset, skip_check_array=True)

    def _rows(self, X, *, reset):
        """The rows of X by series, and their order in X."""
        groups = [take_key(X, column) for column in self._group_columns]
        rows, order = rows_by_series(groups, len(X))
        if self._time_column is None:
            return rows, order
        key = take_key(X, self._time_column)
        rows, kind = with_time(rows, order, key, groups)
        if reset:
            self._time_kind = kind
        elif kind != self._time_kind:
            raise ValueError(
                f"The 'time' column holds {kind}, but SlidingWindow was fitted on "
                f"{self._time_kind}. Convert the column to what it was in fit."
            )
        return rows, order

    def _reach(self):
        """How far back windows reach, in the unit of the time values."""
        gap = duration = None
        if self.max_gap is not None:
            gap = duration_value(self.max_gap, self._time_kind, "max_gap")
        if not is_duration(self.window_size):
            return Reach(self.window_size, None, gap)
        duration = duration_value(self.window_size, self._time_kind, "window_size")
        return Reach(self.max_steps, duration, gap)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
