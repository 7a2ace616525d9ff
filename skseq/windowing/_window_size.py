# SPDX-License-Identifier: BSD-3-Clause
"""How long a window should be, by what the sensors repeat."""

from numbers import Integral

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from sklearn.utils import check_consistent_length

from .._sklearn import Interval, validate_params
from .._validation import check_cells
from ..rows._events import OrderedRows, check_labels
from ..rows._keys import resolve_key, resolve_keys
from ..rows._row_numbers import take_rows
from ..rows._table import take_features
from ._plan import read_rows

_PROMINENCE = 0.1  # of a peak of the autocorrelation, at least
_AS_HIGH = 0.9  # as the highest peak: the first such is the period, not a multiple
_FORGOTTEN = 1 / np.e


def _centred(values):
    """Values less their line over the rows, and where they were observed."""
    observed = np.isfinite(values)
    rows = np.arange(len(values))
    out = np.zeros(len(values))
    if observed.sum() > 2:
        line = np.polyfit(rows[observed], values[observed], 1)
        out[observed] = values[observed] - np.polyval(line, rows[observed])
    return out, observed.astype(float)


def _lagged_sums(a, n_lags):
    """Sums of the products of values so many rows apart."""
    size = next_fast_len(len(a) + n_lags, real=True)
    return irfft(np.abs(rfft(a, size)) ** 2, size)[: n_lags + 1]


def autocorrelation(values, starts, n_lags):
    """Autocorrelation of one feature over its series, of what was observed.

    Returns
    -------
    correlation : ndarray of shape (n_lags + 1,)
        0 at lags that no series is long enough for.
    """
    products, pairs = np.zeros(n_lags + 1), np.zeros(n_lags + 1)
    for part in np.split(values, starts[1:]):
        centred, observed = _centred(part)
        products += _lagged_sums(centred, n_lags)
        pairs += np.round(_lagged_sums(observed, n_lags))
    mean = np.divide(products, pairs, out=np.zeros_like(products), where=pairs > 1)
    # What is left of a line beside it is rounding.
    scale = np.nanmax(np.abs(values), initial=0.0)
    return mean / mean[0] if mean[0] > (1e-9 * scale) ** 2 else np.zeros_like(mean)


def _period(correlation, n_rows, min_size):
    """The first lag at which a feature is as like itself as it gets; None without."""
    # Here, as it takes a tenth of the time in which skseq is imported.
    from scipy.signal import find_peaks

    least = max(_PROMINENCE, 3 / np.sqrt(n_rows))
    peaks, _ = find_peaks(correlation, height=least, prominence=_PROMINENCE)
    peaks = peaks[peaks >= min_size]
    if not len(peaks):
        return None
    heights = correlation[peaks]
    return int(peaks[heights >= _AS_HIGH * heights.max()][0])


def _memory(correlation):
    """The lag at which a feature has forgotten what it was."""
    if not correlation[0]:
        return None
    below = np.flatnonzero(correlation < _FORGOTTEN)
    return int(below[0]) if len(below) else len(correlation) - 1


def _median(sizes):
    sizes = [size for size in sizes if size is not None]
    return float(np.median(sizes)) if sizes else None


def _event_length(y, rows, order, n_rows):
    y = check_labels(y, n_rows)
    order = np.arange(n_rows) if order is None else order
    runs = OrderedRows(order, rows.starts).runs(y[order])
    return _median((runs.stops - runs.starts).tolist())


@validate_params(
    {
        "table": ["array-like"],
        "time": [str, Integral, None],
        "group_by": [str, Integral, list, None],
        "y": ["array-like", None],
        "min_size": [Interval(Integral, 1, None, closed="left")],
        "max_size": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def suggest_window_size(
    table, *, time=None, group_by=None, y=None, min_size=5, max_size=200
):
    """Suggest a number of rows for windows: a period of the features.

    The period of a feature is the lag of the first high peak of its autocorrelation, up
    to ``max_size``, less a straight line, over the values that were observed, all
    series taken together. The median over the features that have one is suggested; of
    the lags at which the autocorrelations fall below 1/e where none has. With labels it
    is no less than the median length of the events.

    Parameters
    ----------
    table : DataFrame or array-like of shape (n_rows, n_columns)
        Rows in time order, about as far apart as each other. NaN is a missing value.

    time : str or int, default=None
        Column, or level of the index, of the time: not a feature.

    group_by : str, int or list of str or int, default=None
        Columns, or levels of the index, that name the series: not features.

    y : array-like of shape (n_rows,), default=None
        1 in the rows of events, else 0.

    min_size : int, default=5
        The least to suggest.

    max_size : int, default=200
        The most to suggest.

    Returns
    -------
    window_size : int

    See Also
    --------
    SlidingWindow : Makes windows of this size.

    Notes
    -----
    It is where to begin, not where to end: put some multiples of it into a grid.

    References
    ----------
    .. [1] A. Ermshaus, P. Schäfer and U. Leser, "Window size selection in unsupervised
       time series analytics: a review and benchmark", AALTD at ECML PKDD, 2022, which
       compares the highest peak of the autocorrelation with other rules. Here the
       first peak of nine tenths of that height is taken, for it is less often a
       multiple of the period.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import suggest_window_size
    >>> rng = np.random.default_rng(0)
    >>> rows = np.arange(2000)[:, np.newaxis]
    >>> daily = np.sin(2 * np.pi * rows / 24) + 0.3 * rng.normal(size=(2000, 3))
    >>> suggest_window_size(daily)
    24
    """
    if min_size > max_size:
        raise ValueError(
            f"'min_size' must not be more than 'max_size'. Got {min_size} and "
            f"{max_size}."
        )
    if not hasattr(table, "columns"):
        table = check_cells(table, dtype=None)
    groups = resolve_keys(table, group_by, "group_by")
    keys = [*groups, *([] if time is None else [resolve_key(table, time, "time")])]
    columns = {key.column for key in keys}
    features = [k for k in range(table.shape[1]) if k not in columns]
    values = take_features(table, features)
    rows, order, _ = read_rows(table, groups, None)
    values = values if order is None else take_rows(values, order)
    sizes = []
    n_lags = min(max_size + 1, int(rows.lengths.max()) // 2)
    correlations = [autocorrelation(column, rows.starts, n_lags) for column in values.T]
    size = _median(_period(c, len(values), min_size) for c in correlations)
    sizes.append(size or _median(map(_memory, correlations)))
    if y is not None:
        check_consistent_length(table, y)
        sizes.append(_event_length(y, rows, order, len(values)))
    largest = max((size for size in sizes if size is not None), default=min_size)
    return int(np.clip(round(largest), min_size, max_size))
