# SPDX-License-Identifier: BSD-3-Clause
"""A process whose rows hang together nonlinearly: the Lorenz system."""

import math
from numbers import Integral, Real

import numpy as np
import pandas as pd

from .._sklearn import Interval, validate_params
from ._generators import _START, _event_rows

# Lorenz's own values.
_SIGMA, _RHO, _BETA = 10.0, 28.0, 8 / 3
# Of the integration: the error of a step is below 1e-4, a thousandth of the noise.
_LONGEST_STEP = 0.01
_SETTLING_TIME = 20.0  # until the start is forgotten: some 25 turns


def _slope(x, y, z, rho):
    return _SIGMA * (y - x), x * (rho - z) - y, x * y - _BETA * z


def _step(state, rho, h):
    """A step of the classic Runge-Kutta method.

    In Python's own floats: faster than arrays of three, and the same to the last bit on
    every machine, without which a chaotic series would be another one on each.
    """
    x, y, z = state
    a = _slope(x, y, z, rho)
    b = _slope(x + h / 2 * a[0], y + h / 2 * a[1], z + h / 2 * a[2], rho)
    c = _slope(x + h / 2 * b[0], y + h / 2 * b[1], z + h / 2 * b[2], rho)
    d = _slope(x + h * c[0], y + h * c[1], z + h * c[2], rho)
    return (
        x + h / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0]),
        y + h / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1]),
        z + h / 6 * (a[2] + 2 * b[2] + 2 * c[2] + d[2]),
    )


def _states(start, rho, interval):
    """States at the end of intervals, array of shape (len(rho), 3)."""
    n_steps = math.ceil(interval / _LONGEST_STEP)
    states, state = np.empty((len(rho), 3)), start
    for row, value in enumerate(rho.tolist()):
        for _ in range(n_steps):
            state = _step(state, value, interval / n_steps)
        states[row] = state
    return states


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "fault_rate": [Interval(Real, 0, 0.5, closed="both")],
        "event_length": [Interval(Integral, 1, None, closed="left")],
        "shift": [Interval(Real, 0, 0.5, closed="both")],
        "interval": [Interval(Real, 0, 1, closed="right")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_chaotic_process(
    n_samples=10_000,
    *,
    fault_rate=0.05,
    event_length=50,
    shift=0.12,
    interval=0.03,
    noise=0.01,
    random_state=None,
):
    r"""Make the table of a chaotic process with a parameter that shifts in events.

    The Lorenz system [1]_, read with noise. In an event one of its parameters is 12%
    higher or lower: hardly a reading is unusual then, and no linear relation breaks,
    but what follows from a state is another state. What tells an event is a model of
    nonlinear dynamics, as a recurrent network is one; a principal component analysis of
    windows of 20 rows, or an isolation forest, does hardly better than chance.

    Parameters
    ----------
    n_samples : int, default=10_000
        Number of rows.

    fault_rate : float, default=0.05
        Share of rows inside an event, in [0, 0.5].

    event_length : int, default=50
        Approximate number of rows of an event: the events share the rows that
        ``fault_rate`` gives equally, and there is at least one, unless these are none.

    shift : float, default=0.12
        Relative change of the parameter :math:`\rho` in an event, in [0, 0.5]; up in
        some events and down in others, at random.

    interval : float, default=0.03
        Time between two rows, in the unit of the system, which makes a turn in about
        0.75. In (0, 1].

    noise : float, default=0.01
        Standard deviation of the measurement noise, relative to that of each variable.

    random_state : int, RandomState instance, Generator or None, default=None
        Fixes the table. None draws fresh entropy; NumPy's global generator is neither
        read nor advanced.

    Returns
    -------
    X : DataFrame of shape (n_samples, 4)
        ``timestamp`` (one row a minute), ``x``, ``y`` and ``z``.

    y : Series of shape (n_samples,)
        ``event``: 1 for the rows of an event, else 0.

    See Also
    --------
    make_process_faults : Linear relations of sensors, that break.

    Notes
    -----
    The state follows

    .. math::

        \dot x = 10 (y - x), \qquad
        \dot y = x (\rho - z) - y, \qquad
        \dot z = x y - \tfrac{8}{3} z

    with :math:`\rho = 28`, and :math:`28 (1 \pm \mathrm{shift})` in the intervals that
    end at a row of an event. (Were it always higher, the states would be as well.) It
    is integrated by the classic Runge-Kutta method, in steps of at most 0.01. One event
    starts at random in each of as many equal parts of the rows.

    References
    ----------
    .. [1] E. N. Lorenz, "Deterministic nonperiodic flow", Journal of the Atmospheric
       Sciences 20(2), 1963.

    Examples
    --------
    >>> from skseq.datasets import make_chaotic_process
    >>> X, y = make_chaotic_process(2_000, random_state=0)
    >>> X.columns.to_list()
    ['timestamp', 'x', 'y', 'z']
    >>> float(y.mean())
    0.05
    """
    rng = np.random.default_rng(random_state)
    n_samples, event_length = int(n_samples), int(event_length)  # of 8 bits, too
    n_settling = math.ceil(_SETTLING_TIME / interval)
    rho = np.full(n_settling + n_samples, _RHO)
    y = np.zeros(n_samples, dtype=int)
    n_fault_rows = round(fault_rate * n_samples)
    for first, length in _event_rows(rng, n_samples, n_fault_rows, event_length, 0):
        y[first : first + length] = 1
        rho[n_settling:][first : first + length] *= 1 + shift * rng.choice([-1, 1])
    start = tuple(rng.normal([0, 0, _RHO - 1], 1).tolist())
    states = _states(start, rho, interval)[n_settling:]
    states += noise * states.std(axis=0) * rng.standard_normal(states.shape)
    X = pd.DataFrame(states, columns=["x", "y", "z"])
    X.insert(0, "timestamp", _START + pd.to_timedelta(np.arange(n_samples), unit="min"))
    return X, pd.Series(y, name="event")
