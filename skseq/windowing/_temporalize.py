# SPDX-License-Identifier: BSD-3-Clause
"""The classic windowing recipe, vectorised."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from .._sklearn import Interval, validate_params
from .._validation import check_cells, named_errors


@validate_params(
    {
        "X": ["array-like"],
        "y": ["array-like"],
        "lookback": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def temporalize(X, y, lookback):
    """Windows and labels exactly as the classic recipe makes them.

    For n rows it gives ``n - lookback - 1`` windows. Window ``i`` holds the rows
    ``i + 2`` to ``i + lookback + 1``, and takes the label of the last of them. So the
    recipe drops the first two rows: no window holds them. On 9 rows with a lookback of
    3 it gives 5 windows, where :func:`sliding_windows` gives all 7.

    Use it to reproduce the recipe's results, and :class:`SlidingWindow` or
    :func:`sliding_windows` for everything else.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
        Rows in time order.

    y : array-like of shape (n_rows,)
        Labels of the rows.

    lookback : int
        Number of rows in a window.

    Returns
    -------
    windows : ndarray of shape (n_rows - lookback - 1, lookback, n_features)
        A read-only view of ``X``, of its dtype.

    labels : ndarray of shape (n_rows - lookback - 1,)

    Raises
    ------
    ValueError
        If there are fewer than ``lookback + 2`` rows, for which the recipe gives
        nothing.

    See Also
    --------
    sliding_windows : All windows, with strides and series.

    References
    ----------
    .. [1] C. Ranjan, "Step-by-step understanding LSTM Autoencoder layers", Towards Data
       Science, 2019, whose function ``temporalize`` is a double loop.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import temporalize
    >>> steps = np.arange(1, 10) / 10
    >>> X, y = np.column_stack([steps, steps**3]), np.arange(9)
    >>> windows, labels = temporalize(X, y, lookback=3)
    >>> windows.shape
    (5, 3, 2)
    >>> windows[0, 0].round(3), windows[-1, -1].round(3)
    (array([0.3  , 0.027]), array([0.9  , 0.729]))
    >>> labels
    array([4, 5, 6, 7, 8])
    """
    X = check_cells(X, dtype=None)
    with named_errors("y"):
        y = column_or_1d(y)
    check_consistent_length(X, y)
    if len(X) < lookback + 2:
        raise ValueError(
            f"The 'lookback' parameter is {lookback}, so the recipe needs at least "
            f"{lookback + 2} rows. Got {len(X)} instead."
        )
    windows = np.lib.stride_tricks.sliding_window_view(X[2:], lookback, axis=0)
    return windows.swapaxes(1, 2), y[lookback + 1 :]
