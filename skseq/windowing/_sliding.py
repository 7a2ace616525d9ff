# SPDX-License-Identifier: BSD-3-Clause
"""Sliding windows over the rows of each series."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from .._callbacks import CallbackSupportMixin, reports_fit
from .._validation import is_windows
from ._table import (
    cell,
    contiguous_order,
    gap_value,
    resolve_column,
    segment_rows,
    series_codes,
    series_rows,
    take_features,
    take_key,
    time_values,
    window_bounds,
)
from ._windows import Windows


class SlidingWindow(
    CallbackSupportMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Turn rows in time order into windows, one for each row.

    The window of row ``i`` ends at row ``i`` and reaches back ``window_size`` rows of
    the same series. What would lie before the start of its series, or across a gap in
    time, is NaN. So n rows give n windows: ``y``, sample weights, groups and
    cross-validation splits stay aligned with them, and no window looks ahead.

    Parameters
    ----------
    window_size : int, default=10
        Number of rows in a window.

    group_by : str or int, default=None
        Column that names the series of each row: a column name of a DataFrame, an index
        for an array. The rows of different series may be interleaved. The column is not
        a feature of the windows.

    time : str or int, default=None
        Column that holds the time of each row, datetimes or numbers, which must not
        decrease within a series. The column is not a feature of the windows.

    max_gap : str, pandas.Timedelta, datetime.timedelta or float, default=None
        Longest time between two rows of one window: a duration such as ``"5min"`` where
        ``time`` holds datetimes, a number in its unit otherwise. None for no limit.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen during :term:`fit`, ``group_by`` and ``time`` included.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of these columns, where all of them are strings.

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
    ``(n_samples, window_size, n_features)``, float32. It cannot become a DataFrame, so
    ``set_output`` leaves it as it is.

    Within a fold of a cross-validation the first windows are padded, as the rows before
    them belong to another fold.

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
    """

    _parameter_constraints: dict = {
        "window_size": [Interval(Integral, 1, None, closed="left")],
        "group_by": [str, Integral, None],
        "time": [str, Integral, None],
        "max_gap": "no_validation",
    }

    def __init__(self, window_size=10, *, group_by=None, time=None, max_gap=None):
        self.window_size = window_size
        self.group_by = group_by
        self.time = time
        self.max_gap = max_gap

    @reports_fit
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the table and remember its columns.

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
        if self.max_gap is not None and self.time is None:
            raise ValueError(
                f"The 'max_gap' parameter is {self.max_gap!r}, but 'time' is None. "
                "Name the column that holds the time of each row in 'time'."
            )
        X = self._check_table(X, reset=True)
        self._key_columns = {
            name: resolve_column(X, column, name)
            for name, column in (("group_by", self.group_by), ("time", self.time))
            if column is not None
        }
        take_features(X, self._feature_columns(), self)
        return self

    def transform(self, X):
        """Give the window that ends at each row.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_columns)
            Rows in time order.

        Returns
        -------
        windows : Windows of shape (n_samples, window_size, n_features)
            Lazy; the data of ``X`` is referred to, not copied, where that is possible:
            rows of interleaved series are copied once, into the order of the series.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        features = self._feature_columns()
        table = take_features(X, features, self)
        keys = {name: take_key(X, column) for name, column in self._key_columns.items()}

        codes = series_codes(keys["group_by"]) if "group_by" in keys else None
        order = contiguous_order(codes)
        if order is not None:
            table, codes = table[order], codes[order]
        series_starts = segment_starts = series_rows(codes)
        if "time" in keys:
            segment_starts = self._segments(keys, order, series_starts)
        starts, ends = window_bounds(len(table), segment_starts, self.window_size)
        if order is not None:
            starts[order], ends[order] = starts.copy(), ends.copy()
        named = hasattr(self, "feature_names_in_")
        return Windows(
            table,
            starts,
            ends,
            self.window_size,
            series_starts=series_starts,
            feature_names=[X.columns[k] for k in features] if named else None,
            index=X.index if isinstance(X, pd.DataFrame) else None,
        )

    def inverse_transform(self, X):
        """Give back the last time step of each window.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, window_size, n_features)

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            The features of each row, without the columns of ``group_by`` and ``time``.
        """
        check_is_fitted(self)
        if is_windows(X):
            return X.table[X.ends]
        X = check_array(X, allow_nd=True, ensure_2d=False, ensure_all_finite=False)
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
            The input names without the columns of ``group_by`` and ``time``.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return names[self._feature_columns()]

    def set_output(self, *, transform=None):
        """Do nothing: windows are 3-D, and cannot become a frame.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Accepted so that ``set_output`` works on a pipeline that holds this step.

        Returns
        -------
        self : object
            The estimator.
        """
        return self

    def _feature_columns(self):
        keys = self._key_columns.values()
        return [k for k in range(self.n_features_in_) if k not in keys]

    def _check_table(self, X, *, reset):
        if not hasattr(X, "columns"):
            X = check_array(X, dtype=None, ensure_all_finite=False, estimator=self)
        return validate_data(self, X, reset=reset, skip_check_array=True)

    def _segments(self, keys, order, series_starts):
        time, is_clock = time_values(keys["time"])
        gap = None if self.max_gap is None else gap_value(self.max_gap, is_clock)
        time = time if order is None else time[order]

        def describe(positions):
            rows, before = positions, positions - 1
            if order is not None:
                rows, before = order[rows], order[before]
            first = np.argmin(rows)
            row, series = rows[first], ""
            if "group_by" in keys:
                series = f" of the series {cell(keys['group_by'], row)!r}"
            return (
                f"The 'time' column decreases in row {row}{series}: "
                f"{cell(keys['time'], row)} comes after "
                f"{cell(keys['time'], before[first])}. Sort the rows by time first."
            )

        return segment_rows(time, gap, series_starts, describe)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


@validate_params(
    {
        "X": ["array-like"],
        "window_size": [Interval(Integral, 1, None, closed="left")],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "groups": ["array-like", None],
        "padded": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def sliding_windows(X, window_size, *, stride=1, groups=None, padded=False):
    """Windows of a table, and the row at which each ends.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        Rows in time order.

    window_size : int
        Number of rows in a window.

    stride : int, default=1
        Rows between the ends of two windows of one series.

    groups : array-like of shape (n_rows,), default=None
        Series of each row. Windows never mix two series. None for a single series.

    padded : bool, default=False
        Whether to give the windows that reach before the start of their series, with
        NaN in front. By default only full windows are given.

    Returns
    -------
    windows : Windows of shape (n_windows, window_size, n_features)

    ends : ndarray of int of shape (n_windows,)
        Row of ``X`` at which each window ends, increasing: ``y[ends]`` are the labels.

    See Also
    --------
    SlidingWindow : One window for each row, as a transformer.
    temporalize : The classic recipe's windows.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import sliding_windows
    >>> X = np.arange(10.0).reshape(10, 1)
    >>> windows, ends = sliding_windows(X, 4, stride=3)
    >>> ends
    array([3, 6, 9])
    >>> windows[1].ravel()
    array([3., 4., 5., 6.], dtype=float32)
    """
    names = [str(name) for name in getattr(X, "columns", ())] or None
    labels = X.index if isinstance(X, pd.DataFrame) else None
    if names is None:
        X = check_array(X, dtype=None, ensure_all_finite=False)
    table = take_features(X, range(X.shape[1]))
    codes = None
    if groups is not None:
        codes = series_codes(column_or_1d(groups), "groups")
        check_consistent_length(table, codes)
    order = contiguous_order(codes)
    if order is not None:
        table, codes = table[order], codes[order]
    series_starts = series_rows(codes)
    starts, ends = window_bounds(len(table), series_starts, window_size)
    nth = ends - np.repeat(series_starts, np.diff(series_starts, append=len(table)))
    first = 0 if padded else window_size - 1
    kept = np.flatnonzero((nth >= first) & ((nth - first) % stride == 0))
    rows = kept if order is None else order[kept]
    by_row = slice(None) if order is None else np.argsort(rows, kind="stable")
    rows, kept = rows[by_row], kept[by_row]
    windows = Windows(
        table,
        starts[kept],
        ends[kept],
        window_size,
        series_starts=series_starts,
        feature_names=names,
        index=None if labels is None else labels[rows],
    )
    return windows, rows
