# SPDX-License-Identifier: BSD-3-Clause
"""Windows of a table, outside of a pipeline."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, column_or_1d

from .._sklearn import Interval, validate_params
from .._validation import check_cells, named_errors
from ..rows._row_numbers import take_rows
from ..rows._series import plain_names, rows_by_series
from ..rows._table import native, take_features
from ._reach import Reach
from ._windows import Windows


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
    names = [str(name) for name in X.columns] if hasattr(X, "columns") else None
    labels = X.index if isinstance(X, pd.DataFrame) else None
    if names is None:
        X = check_cells(X, dtype=None)
    table = take_features(X, range(X.shape[1]))
    with named_errors("groups"):
        groups = [] if groups is None else [native(pd.Series(column_or_1d(groups)))]
    check_consistent_length(table, *groups)
    rows, order = rows_by_series(groups, len(table), "groups")
    firsts = rows.starts if order is None else order[rows.starts]
    series_names = tuple(plain_names(group.iloc[firsts]) for group in groups)
    table = table if order is None else take_rows(table, order)
    ends = rows.positions
    starts = Reach(window_size).starts(rows, ends)
    nth = ends - np.repeat(rows.starts, rows.lengths)
    first = 0 if padded else window_size - 1
    stride = min(stride, len(table))  # what is longer may not fit the dtype
    kept = np.flatnonzero((nth >= first) & ((nth - first) % stride == 0))
    last_rows = kept
    if order is not None:
        by_row = np.argsort(order[kept], kind="stable")
        kept = kept[by_row]
        last_rows = order[kept]
    windows = Windows(
        table,
        starts[kept],
        ends[kept],
        window_size,
        series_starts=rows.starts,
        feature_names=names,
        index=None if labels is None else labels[last_rows],
        series_names=series_names,
    )
    return windows, last_rows
