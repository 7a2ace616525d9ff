# SPDX-License-Identifier: BSD-3-Clause
"""The one authority on the shape, dtype and missing values of sequences."""

import contextlib
import re
from numbers import Real

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from ._sklearn import _check_feature_names
from ._warnings import warn, warn_once

FLOATS = (np.float64, np.float32)

# About 1e30: what is larger may add up to infinity in float32.
LARGEST = 2.0**100

# Error of rounding to float32, as a share of the range of a feature, from which on it
# is spoken of. The range then holds fewer than ten steps of float32, and rounding adds
# more than a hundredth to the variance.
_LOSS = 0.05
# Of the largest value of a feature in float64: sums of constants differ by as much.
_CONSTANT = 64 * np.finfo(np.float64).eps
_LEAST = 2.0**-63  # of which the square is the least number that float32 holds in full


def is_number(value, kind=Real):
    """Tell a number of this kind; a duration of NumPy passes for one, and is none."""
    return isinstance(value, kind) and not isinstance(value, np.timedelta64)


def is_windows(X):
    """Tell a lazy :class:`~skseq.Windows` (by its parts: it is defined above here)."""
    return hasattr(X, "table") and hasattr(X, "starts") and hasattr(X, "ends")


def n_dimensions(X):
    """Number of dimensions of any array-like or frame."""
    shape = getattr(X, "shape", None)
    return np.asarray(X).ndim if shape is None else len(shape)


def unmasked(X):
    """A masked array with NaN in the place of what it masks; all else as it is."""
    if not isinstance(X, np.ma.MaskedArray):
        return X
    if X.dtype.kind in "biu":
        X = X.astype(np.float64)
    return X.filled(np.nan) if X.dtype.kind in "fO" else X.filled()


@contextlib.contextmanager
def named_errors(parameter):
    """Give the errors of the checks of a parameter its name, where they lack it."""
    try:
        # Warnings of NumPy's are of cells that these checks are about to refuse.
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except (ArithmeticError, NotImplementedError, TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        if isinstance(error, kind) and re.search(rf"\b{parameter}\b", str(error)):
            raise
        raise kind(f"{parameter} is not valid: {error}") from error


def check_cells(X, *, dtype, **options):
    """scikit-learn's check_array, with an error that names the input; NaN is allowed.

    With ``dtype=None`` cells may be anything but complex. Otherwise they are numbers:
    datetimes and durations, which NumPy would cast, are refused.
    """
    with named_errors(options.get("input_name", "X")):
        X = np.asarray(X) if isinstance(X, (list, tuple)) else unmasked(X)
        dtypes = X.dtypes if hasattr(X, "columns") else [getattr(X, "dtype", None)]
        for given in dtypes:
            if dtype is not None and is_temporal(given):
                raise TypeError(f"it holds values of dtype {given}, not numbers")
            if getattr(given, "kind", "") == "c":
                raise ValueError("Complex data not supported")
        # What is too large becomes infinite: check_finite names it.
        return check_array(X, dtype=dtype, ensure_all_finite=False, **options)


def is_temporal(dtype):
    """Tell the dtype of datetimes or durations, of NumPy, pandas or polars."""
    if hasattr(dtype, "is_temporal"):  # polars
        return dtype.is_temporal()
    return getattr(dtype, "kind", "") in ("m", "M")


def check_finite(table, describe):
    """Raise a ValueError where a cell is too large for float32; NaN is allowed.

    Parameters
    ----------
    table : ndarray of floats

    describe : callable
        Called with the index of the first offending cell in each axis; returns the
        words that name it, or None where no sequence refers to the cell.
    """
    # fmin and fmax ignore NaN and need no array of flags, unlike isinf.
    low, high = np.fmin.reduce(table, axis=None), np.fmax.reduce(table, axis=None)
    if not (low < -LARGEST or high > LARGEST):
        return
    for cell in np.argwhere(np.abs(table) > LARGEST):
        where = describe(*cell.tolist())
        if where is not None:
            raise ValueError(
                "Input X contains infinity or a value too large for sums in float32: "
                f"{table[tuple(cell)]} at {where}. Replace it by NaN where the "
                "value is missing, or scale X."
            )


def _warn_of_rounding(table, names):
    """Warn of the features of a table whose variation float32 cannot hold."""
    axes = tuple(range(table.ndim - 1))
    low, high = np.fmin.reduce(table, axis=axes), np.fmax.reduce(table, axis=axes)
    for k in np.flatnonzero((high > low) & (high - low < _LEAST)):
        warn_once(
            f"The feature {names[k]!r} varies by less than {_LEAST:.2g}: float32, in "
            "which sequences are computed, holds no squares of numbers so small. Scale "
            "it in float64 first, with EachTimeStep(StandardScaler())."
        )
    if table.dtype == np.float32:
        return
    largest = np.maximum(np.abs(low), np.abs(high))
    steps = np.spacing(largest.astype(np.float32))
    # What varies by the rounding of float64 alone is constant.
    varies = (high - low > _CONSTANT * largest) & (high - low >= _LEAST)
    for k in np.flatnonzero(varies & (_LOSS * (high - low) < steps)):
        column = table[..., k]
        lost = np.nanmax(np.abs(column - column.astype(np.float32)))
        if lost > _LOSS * (high[k] - low[k]):  # whole numbers may well be kept
            warn(
                f"The feature {names[k]!r} varies between {low[k]!s} and {high[k]!s}, "
                f"where float32, in which sequences are computed, has steps of "
                f"{steps[k]:.3g}: its variation is lost. Scale it in float64 first, "
                "with EachTimeStep(StandardScaler())."
            )


def _warn_of_table(estimator, X):
    """Warn of a frame whose rows seem to be those of a table, not sequences."""
    names = [str(name) for name in X.columns]
    # The steps of a sequence have one name, and a number: "t0", "t1", ...
    stems = {re.sub(r"\d+", "", name) for name in names}
    has_dates = isinstance(getattr(X, "index", None), pd.DatetimeIndex)
    if len(names) > 1 and (has_dates or len(stems) > 1):
        warn_once(
            f"X is a table with the columns {names[0]!r}, {names[1]!r}"
            f"{', ...' if len(names) > 2 else ''}. Each of its rows is taken for one "
            "sequence, whose time steps are the columns. If its rows follow each other "
            f"in time, put SlidingWindow before {type(estimator).__name__}, in a "
            "pipeline; if they are sequences, pass X.to_numpy()."
        )


def _check_finite_windows(X):
    names = X.feature_names or range(X.shape[2])

    def describe(row, feature):
        holding = np.flatnonzero((X.starts <= row) & (row <= X.ends))
        if not len(holding):
            return None
        window = holding[0]
        step = X.shape[1] - 1 - (X.ends[window] - row)
        return f"row {window}, step {step}, feature {names[feature]!r}"

    check_finite(X.table, describe)


def _check_shape(estimator, shape, *, reset):
    """Set or check ``sequence_shape_``: (n_timesteps, n_features)."""
    if reset:
        estimator.sequence_shape_ = shape
        return
    expected = estimator.sequence_shape_
    name = estimator.__class__.__name__
    if shape[1] != expected[1]:
        raise ValueError(
            f"X has {shape[1]} features, but {name} is expecting {expected[1]} "
            f"features as input (X is (n_samples, n_timesteps, n_features))."
        )
    if shape[0] != expected[0]:
        # Of univariate sequences in a 2-D X, the columns are the time steps.
        steps = "time steps" if estimator.n_features_in_ == shape[1] else "features"
        raise ValueError(
            f"X has {shape[0]} {steps}, but {name} is expecting {expected[0]} {steps} "
            "as input. Cut the sequences, or pad them with NaN, to that length."
        )


def check_sequences(estimator, X, *, reset, dtype=np.float32):
    """Validate sequences, and set or check what an estimator remembers of them.

    Parameters
    ----------
    estimator : estimator instance
        Gets (``reset=True``) or is held to (``reset=False``) ``n_features_in_``,
        ``feature_names_in_`` and ``sequence_shape_``, that is
        ``(n_timesteps, n_features)``.

    X : array-like of shape (n_samples, n_timesteps, n_features) or \
            (n_samples, n_timesteps), or Windows
        Sequences. A 2-D ``X`` means univariate ones; its columns are the time steps.
        NaN is padding or a missing value.

    reset : bool
        True in ``fit``, False everywhere else.

    dtype : type, default=numpy.float32
        Of the array that is returned. ``FLOATS`` for float32 where ``X`` is, and
        float64 otherwise.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, n_features), or Windows
        A ``Windows`` is returned as it is: still lazy.

    Warns
    -----
    UserWarning
        With ``reset``, where float32 loses the variation of a feature, or a frame seems
        to be a table of rows in time.

    Raises
    ------
    ValueError
        If ``X`` is not 2-D or 3-D, is empty, holds infinity, or differs from what the
        estimator was fitted on in time steps, features or their names.
    """
    if is_windows(X):
        # An empty frame carries the names to scikit-learn's own check of them.
        names = pd.DataFrame(columns=X.feature_names) if X.feature_names else X.table
        _check_feature_names(estimator, names, reset=reset)
        _check_not_empty(estimator, X.shape)
        _check_finite_windows(X)
        if reset and dtype is np.float32:
            _warn_of_rounding(X.table, X.feature_names or range(X.shape[2]))
        return _remember(estimator, X, X.shape[2], reset=reset)

    ndim = n_dimensions(X)
    if ndim > 3:
        raise ValueError(
            f"Found array with dim {ndim}, while {estimator.__class__.__name__} "
            "expects (n_samples, n_timesteps, n_features), or (n_samples, n_timesteps) "
            "for univariate sequences."
        )
    if reset and ndim == 2 and hasattr(X, "columns"):
        _warn_of_table(estimator, X)
    if reset or ndim < 3 or hasattr(estimator, "feature_names_in_"):
        _check_feature_names(estimator, None if ndim == 3 else X, reset=reset)
    if not _is_ready(X):
        X = check_cells(
            X,
            dtype=FLOATS,
            order="C",
            allow_nd=True,
            estimator=estimator,
            input_name="X",
        )
    n_features_in = X.shape[-1]
    if X.ndim == 2:
        X = X[:, :, np.newaxis]
    _check_not_empty(estimator, X.shape)
    check_finite(X, "row {}, step {}, feature {}".format)
    if dtype is np.float32:
        if reset:
            _warn_of_rounding(X, range(X.shape[2]))
        X = X.astype(np.float32, copy=False)
    return _remember(estimator, X, n_features_in, reset=reset)


def _remember(estimator, X, n_features_in, *, reset):
    _check_shape(estimator, X.shape[1:], reset=reset)
    if reset:
        estimator.n_features_in_ = n_features_in
    return X


def _is_ready(X):
    """Tell what check_array would return as it is, but take most of a latency for."""
    return (
        type(X) is np.ndarray
        and X.ndim == 3
        and X.dtype == np.float32
        and X.flags.c_contiguous
    )


def _check_not_empty(estimator, shape):
    if 0 in shape:
        raise ValueError(
            f"Found array with 0 sample(s), step(s) or feature(s) (shape={shape}) "
            f"while a minimum of 1 is required by {estimator.__class__.__name__}."
        )


def without_data(X):
    """Tell the sequences of which nothing was observed.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_timesteps, n_features) or Windows

    Returns
    -------
    flags : ndarray of bool of shape (n_samples,)
    """
    if not is_windows(X):
        return np.isnan(X).all(axis=(1, 2))
    seen = ~np.isnan(X.table).all(axis=1)
    before = np.append(0, np.cumsum(seen))
    return before[X.ends + 1] == before[X.starts]


def observed_steps(X):
    """Tell the time steps that are not padding.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_timesteps, n_features)

    Returns
    -------
    observed : ndarray of bool of shape (n_samples, n_timesteps)
        False at the start and at the end of a sequence, where all features are NaN.
    """
    seen = ~np.isnan(X).all(axis=2)
    from_start = np.logical_or.accumulate(seen, axis=1)
    from_end = np.logical_or.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
    return from_start & from_end
