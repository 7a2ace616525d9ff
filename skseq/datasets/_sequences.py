# SPDX-License-Identifier: BSD-3-Clause
"""Sequences of the classic tutorials: ones that move, and sines that fade."""

from numbers import Integral, Real

import numpy as np

from .._sklearn import Interval, validate_params

_COUNT = Interval(Integral, 1, None, closed="left")


@validate_params(
    {
        "n_samples": [_COUNT],
        "n_timesteps": [_COUNT],
        "n_features": [_COUNT],
        "variable_length": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_moving_ones(
    n_samples=1200,
    n_timesteps=10,
    n_features=5,
    *,
    variable_length=True,
    random_state=None,
):
    r"""Make one-hot sequences in which the one moves on by a feature each step.

    The example on which encoder and decoder of an LSTM autoencoder, as two networks,
    are usually shown [1]_: the first position and the length are all there is to know
    about a sequence, so a small latent vector can hold it.

    Parameters
    ----------
    n_samples : int, default=1200
        Number of sequences.

    n_timesteps : int, default=10
        Number of time steps, padding included.

    n_features : int, default=5
        Number of positions of the one. From the last it moves on to the first.

    variable_length : bool, default=True
        Whether the lengths are drawn from 1 to ``n_timesteps``, each as likely, and
        what follows the end of a sequence is NaN. If False, all have full length.

    random_state : int, RandomState instance, Generator or None, default=None
        Fixes the sequences. None draws fresh entropy; NumPy's global generator is
        neither read nor advanced.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, n_features)
        In sequence :math:`i`, which starts at feature :math:`s_i`, feature :math:`k` at
        step :math:`t` is 1 where :math:`k = (s_i + t) \bmod` ``n_features``, else 0.

    See Also
    --------
    skseq.LSTMAutoencoder : Its ``loss="binary_crossentropy"`` is made for such data.

    References
    ----------
    .. [1] "LSTM Autoencoder", question 44647258 of Stack Overflow, 2017.

    Examples
    --------
    >>> from skseq.datasets import make_moving_ones
    >>> X = make_moving_ones(2, 4, 3, random_state=6)
    >>> X[0]
    array([[ 0.,  1.,  0.],
           [ 0.,  0.,  1.],
           [ 1.,  0.,  0.],
           [nan, nan, nan]])
    """
    rng = np.random.default_rng(random_state)
    start = rng.integers(n_features, size=(n_samples, 1))
    step = np.arange(n_timesteps)
    X = np.eye(n_features)[(start + step) % n_features]
    if variable_length:
        length = rng.integers(1, n_timesteps, size=(n_samples, 1), endpoint=True)
        X[step >= length] = np.nan
    return X


def _check_range(name, bounds, kind, least):
    if (
        len(bounds) != 2
        or not all(isinstance(end, kind) for end in bounds)
        or not least <= bounds[0] <= bounds[1] < np.inf
    ):
        numbers = "whole numbers" if kind is Integral else "numbers"
        raise ValueError(
            f"The {name!r} parameter of make_damped_sines must be two {numbers}, the "
            f"lowest, at least {least}, and the highest. Got {bounds!r} instead."
        )


@validate_params(
    {
        "n_samples": [_COUNT],
        "n_timesteps": [_COUNT],
        "n_outputs": [_COUNT],
        "period": [tuple, list],
        "decay": [tuple, list],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_damped_sines(
    n_samples=1000,
    n_timesteps=50,
    n_outputs=5,
    *,
    period=(10, 20),
    decay=(0.01, 0.1),
    random_state=None,
):
    r"""Make damped sine waves, each with the values that follow.

    The problem on which stacked LSTMs are shown [1]_: what comes next depends on a
    period and a decay that are to be read off the wave.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of waves.

    n_timesteps : int, default=50
        Number of time steps that are given.

    n_outputs : int, default=5
        Number of the values after them that are to be predicted.

    period : tuple of two int, default=(10, 20)
        Shortest and longest period, in time steps. Whole numbers are drawn, each as
        likely, both ends included.

    decay : tuple of two float, default=(0.01, 0.1)
        Lowest and highest rate of decay, per time step. Drawn uniformly.

    random_state : int, RandomState instance, Generator or None, default=None
        Fixes the waves. None draws fresh entropy; NumPy's global generator is neither
        read nor advanced.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 1)
        The first values of each wave, in [0, 1].

    y : ndarray of shape (n_samples, n_outputs)
        The values that follow.

    Notes
    -----
    A wave of period :math:`p` and decay :math:`d` is, at step :math:`t = 0, 1, \dots`,

    .. math:: x_t = \tfrac12 + \tfrac12 \, e^{-d t} \sin (2 \pi t / p)

    References
    ----------
    .. [1] J. Brownlee, "Long Short-Term Memory Networks with Python", chapter 7,
       Machine Learning Mastery, 2017.

    Examples
    --------
    >>> from skseq.datasets import make_damped_sines
    >>> X, y = make_damped_sines(3, random_state=0)
    >>> X.shape, y.shape
    ((3, 50, 1), (3, 5))
    >>> X[0, :4, 0].round(3).tolist()
    [0.5, 0.66, 0.799, 0.902]
    """
    _check_range("period", period, Integral, 1)
    _check_range("decay", decay, Real, 0)
    rng = np.random.default_rng(random_state)
    period = rng.integers(*period, size=(n_samples, 1), endpoint=True)
    decay = rng.uniform(*decay, size=(n_samples, 1))
    step = np.arange(n_timesteps + n_outputs)
    wave = 0.5 + 0.5 * np.exp(-decay * step) * np.sin(2 * np.pi * step / period)
    return wave[:, :n_timesteps, np.newaxis], wave[:, n_timesteps:]
