# SPDX-License-Identifier: BSD-3-Clause
"""Sequences of unequal length: lists of arrays to NaN-padded ones, and back."""

from numbers import Integral

import numpy as np

from .._sklearn import Interval, StrOptions, validate_params
from .._validation import (
    FLOATS,
    check_cells,
    check_finite,
    is_windows,
    named_errors,
    observed_steps,
    unmasked,
)


def _as_array(sequence, number):
    """One sequence as floats, of which the number in the list is known to errors."""
    try:
        # What is too large becomes infinite, and an error later.
        with np.errstate(over="ignore"):
            array = np.asarray(unmasked(sequence))
            if array.dtype.kind in "cmM":
                raise TypeError(f"it holds values of dtype {array.dtype}")
            if array.dtype not in FLOATS:
                array = array.astype(np.float64)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ValueError(f"Sequence {number} is not numeric: {error}") from error
    if array.ndim not in (1, 2) or 0 in array.shape:
        raise ValueError(
            f"Sequence {number} has the shape {array.shape}. A sequence must have one "
            "or more time steps, (n_timesteps, n_features) or, where it is univariate, "
            "(n_timesteps,). Leave out what is empty."
        )
    return array


def _check_alike(arrays):
    """Raise a ValueError that names the first sequence unlike the first of all."""
    expected = arrays[0].shape[1:]
    for number, array in enumerate(arrays):
        if array.shape[1:] != expected:
            raise ValueError(
                f"Sequence {number} has the shape {array.shape}, and sequence 0 the "
                f"shape {arrays[0].shape}. All must be 1-D, or all 2-D with the same "
                "number of features."
            )


@validate_params(
    {
        "sequences": ["array-like"],
        "n_timesteps": [Interval(Integral, 1, None, closed="left"), None],
        "padding": [StrOptions({"pre", "post"})],
    },
    prefer_skip_nested_validation=True,
)
def pad_sequences(sequences, *, n_timesteps=None, padding="pre"):
    """Put sequences of unequal length into one array, padded with NaN.

    Parameters
    ----------
    sequences : list of array-like of shape (n_timesteps_i, n_features) or \
            (n_timesteps_i,)
        All 2-D with the same number of features, or all 1-D. NaN is a missing value.

    n_timesteps : int, default=None
        Length of the result, at least that of the longest sequence, which is the
        default. Give that of the training data when preparing other data.

    padding : {"pre", "post"}, default="pre"
        Whether the padding comes before or after the steps. :class:`Windows` are padded
        before theirs.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, n_features) or \
            (n_samples, n_timesteps)
        float32 where all sequences are, float64 otherwise: estimators make that
        float32, :class:`EachTimeStep` scales it before. 2-D where the
        sequences are 1-D: a 2-D ``X`` means univariate sequences to all estimators of
        this package.

    Raises
    ------
    ValueError
        If there is no sequence, or one is empty, has other dimensions or features than
        the first, holds infinity, or is longer than ``n_timesteps``.

    See Also
    --------
    unpad_sequences : The way back.

    Notes
    -----
    Nothing is cut off: for the last steps of longer sequences, give
    ``[sequence[-n_timesteps:] for sequence in sequences]``.

    Examples
    --------
    >>> from skseq import pad_sequences
    >>> pad_sequences([[1, 2, 3], [4]])
    array([[ 1.,  2.,  3.],
           [nan, nan,  4.]])
    >>> pad_sequences([[[1, 2], [3, 4]], [[5, 6]]], padding="post")[1]
    array([[ 5.,  6.],
           [nan, nan]])
    """
    with named_errors("sequences"):
        arrays = [_as_array(sequence, i) for i, sequence in enumerate(sequences)]
    if not arrays:
        raise ValueError("'sequences' is empty: give one sequence or more.")
    _check_alike(arrays)
    lengths = np.array([len(array) for array in arrays])
    longest = lengths.max()
    if n_timesteps is not None and longest > n_timesteps:
        raise ValueError(
            f"Sequence {lengths.argmax()} has {longest} time steps, more than "
            f"n_timesteps={n_timesteps}. Cut it first, or pad to {longest}."
        )
    n_timesteps = longest if n_timesteps is None else n_timesteps
    with named_errors("n_timesteps"):
        before = n_timesteps - lengths if padding == "pre" else np.zeros_like(lengths)
        steps = np.arange(n_timesteps) - before[:, np.newaxis]
    held = (steps >= 0) & (steps < lengths[:, np.newaxis])
    values = np.concatenate(arrays)
    X = np.full((*held.shape, *values.shape[1:]), np.nan, dtype=values.dtype)
    X[held] = values

    def describe(number, step, feature=None):
        where = f"sequence {number}, step {step - before[number]}"
        return where if feature is None else f"{where}, feature {feature}"

    check_finite(X, describe)
    return X


def unpad_sequences(X):
    """Take the padding off sequences.

    Parameters
    ----------
    X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
            (n_samples, n_timesteps)
        Sequences. The steps at the start and at the end of each that are all NaN are
        its padding.

    Returns
    -------
    sequences : list of ndarray of shape (n_timesteps_i, n_features) or \
            (n_timesteps_i,)
        float32 where ``X`` is, float64 otherwise. 1-D where ``X`` is 2-D. Of length 0
        where there is nothing but padding.

    See Also
    --------
    pad_sequences : The way there.

    Notes
    -----
    It gives back what :func:`pad_sequences` was given, but for steps at the start and
    at the end of a sequence in which all features were missing already: these cannot be
    told from padding.

    Examples
    --------
    >>> from skseq import pad_sequences, unpad_sequences
    >>> unpad_sequences(pad_sequences([[1, 2, 3], [4]]))
    [array([1., 2., 3.]), array([4.])]
    """
    if is_windows(X):
        X = np.asarray(X)
    X = check_cells(X, dtype=FLOATS, allow_nd=True, input_name="X")
    if X.ndim > 3:
        raise ValueError(
            "X must be (n_samples, n_timesteps, n_features) or (n_samples, "
            f"n_timesteps). Got {X.ndim} dimensions instead."
        )
    observed = observed_steps(X if X.ndim == 3 else X[:, :, np.newaxis])
    return np.split(X[observed], np.cumsum(observed.sum(axis=1))[:-1])
