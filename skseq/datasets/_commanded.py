# SPDX-License-Identifier: BSD-3-Clause
"""make_commanded_process: sensors that follow set points, and faults against these."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from .._sklearn import Interval, validate_params
from ._generators import _START, _ar1, _event_rows

_HELD = 60  # rows between two changes of a set point, on average
_LAGS = (2, 10)  # rows in which a sensor comes 63% of the way after a change
_WEATHER, _DISTURBANCES = 0.995, np.array([0.8, 0.9])  # coefficients of the AR(1)


def _set_points(rng, n_rows, n_set_points):
    """Levels that are held, of unit variance, one column for each."""
    columns = []
    for _ in range(n_set_points):
        changes = rng.random(n_rows) < 1 / _HELD
        levels = rng.uniform(-np.sqrt(3), np.sqrt(3), changes.sum() + 1)
        columns.append(levels[np.cumsum(changes)])
    return np.column_stack(columns)


def _followed(rng, set_points, events, fault_size):
    """What the sensors follow in the place of the set points, and the labels."""
    actual, y = set_points.copy(), np.zeros(len(set_points), dtype=int)
    for start, length in events:
        rows, k = slice(start, start + length), rng.integers(set_points.shape[1])
        # Towards the middle: so it stays in the range of the set point.
        actual[rows, k] -= fault_size * np.where(actual[rows, k] > 0, 1, -1)
        y[rows] = 1
    return actual, y


def _lagged(signals, lag):
    """The signals as a sensor follows them, from a standstill at the first row."""
    keep = np.exp(-1 / lag)
    first = keep * signals[:1]
    return lfilter([1 - keep], [1, -keep], signals, axis=0, zi=first)[0]


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_sensors": [Interval(Integral, 1, None, closed="left")],
        "n_set_points": [Interval(Integral, 1, None, closed="left")],
        "n_series": [Interval(Integral, 1, None, closed="left")],
        "fault_rate": [Interval(Real, 0, 0.5, closed="both")],
        "event_length": [Interval(Integral, 1, None, closed="left")],
        "fault_size": [Interval(Real, 0, None, closed="left")],
        "disturbance": [Interval(Real, 0, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_commanded_process(
    n_samples=10_000,
    n_sensors=6,
    *,
    n_set_points=3,
    n_series=1,
    fault_rate=0.01,
    event_length=20,
    fault_size=1.0,
    disturbance=0.3,
    noise=0.2,
    random_state=None,
):
    r"""Make the table of a process that follows set points, and fails to, rarely.

    Operators change the set points now and then, and all sensors follow them, each in
    its own time, as they follow the weather. During an event the process follows
    another value than one of the set points says, one that is as usual as any. So the
    sensors by themselves tell of no event: it shows against the set points alone.

    Parameters
    ----------
    n_samples : int, default=10_000
        Number of rows, of all series together.

    n_sensors : int, default=6
        Number of sensors.

    n_set_points : int, default=3
        Number of set points.

    n_series : int, default=1
        Number of machines. They are of one make (same gains, lags, levels and scales)
        and are run independently. The rows are divided equally among them, one machine
        after the other.

    fault_rate : float, default=0.01
        Share of rows inside an event, in [0, 0.5].

    event_length : int, default=20
        Approximate number of rows of an event, as of :func:`make_process_faults`.

    fault_size : float, default=1.0
        How far from the set point the process is during an event, in standard
        deviations of the set point. Up to 1.73 it stays in the range of the set point.

    disturbance : float, default=0.3
        Standard deviation of what moves all sensors beside set points and weather,
        relative to what these do.

    noise : float, default=0.2
        Standard deviation of the measurement noise, relative to the signal.

    random_state : int, RandomState instance, Generator or None, default=None
        Fixes the table. None draws fresh entropy; NumPy's global generator is neither
        read nor advanced.

    Returns
    -------
    X : DataFrame of shape (n_samples, n_set_points + n_sensors + 2 or + 3)
        ``timestamp`` (one row a minute), ``set_point_0``, ..., ``ambient``, the
        weather, and ``sensor_0``, ...; where ``n_series > 1``, after a first column
        ``machine``.

    y : Series of shape (n_samples,)
        ``event``: 1 for the rows of an event, else 0.

    See Also
    --------
    make_process_faults : A process in which the ties between sensors break.

    Notes
    -----
    With independent standard normal :math:`\varepsilon`, sensor :math:`j` reads

    .. math::

        x_{jt} = m_j + c_j \Bigl( \sum_k a_{jk} r_{jkt} + b_j r_{jwt}
            + \mathrm{disturbance} \; d_j \cdot f_t
            + \mathrm{noise} \; \varepsilon_{jt} \Bigr)

    - A set point :math:`s_{kt}` is held for 60 rows on average, and then drawn anew,
      uniformly, with unit variance. The process follows :math:`s'_{kt} = s_{kt}`, but
      during an event that picks :math:`k`, :math:`s'_{kt} = s_{kt} \mp` ``fault_size``,
      towards the middle of the range.
    - A sensor follows with a lag: :math:`r_{jkt} = e^{-1/\tau_j} r_{jk,t-1} +
      (1 - e^{-1/\tau_j}) s'_{kt}`, where :math:`\tau_j` is drawn from 2 to 10 rows; the
      weather :math:`w_t` in the same way. The gains :math:`(a_j, b_j)` have length 1.
    - The weather and the two disturbances :math:`f_t` are AR(1) series of unit
      variance, of coefficients 0.995, 0.8 and 0.9; the :math:`d_j` have length 1.
    - One event starts at random in each of as many equal parts of the series.

    Examples
    --------
    >>> from skseq.datasets import make_commanded_process
    >>> X, y = make_commanded_process(2_000, 2, n_set_points=1, random_state=0)
    >>> X.columns.to_list()
    ['timestamp', 'set_point_0', 'ambient', 'sensor_0', 'sensor_1']
    >>> float(y.mean())
    0.01
    """
    if n_series > n_samples:
        raise ValueError(
            f"'n_series' is {n_series}, more than the {n_samples} rows of 'n_samples'."
        )
    rng = np.random.default_rng(random_state)
    gains, spread = (
        rng.standard_normal((n_sensors, size))
        for size in (n_set_points + 1, len(_DISTURBANCES))
    )
    gains /= np.linalg.norm(gains, axis=1, keepdims=True)
    spread *= disturbance / np.linalg.norm(spread, axis=1, keepdims=True)
    lags = rng.uniform(*_LAGS, size=n_sensors)
    level = rng.normal(scale=10, size=n_sensors)
    scale = np.exp(rng.standard_normal(n_sensors))

    tables, labels = [], []
    for machine, rows in enumerate(np.array_split(np.arange(n_samples), n_series)):
        n_rows = len(rows)
        events = _event_rows(rng, n_rows, round(fault_rate * n_rows), event_length, 0)
        set_points = _set_points(rng, n_rows, n_set_points)
        followed, y = _followed(rng, set_points, events, fault_size)
        ambient = _ar1(rng, np.array([_WEATHER]), n_rows)
        causes = np.column_stack([followed, ambient])
        signal = np.column_stack(
            [_lagged(causes, lag) @ gain for lag, gain in zip(lags, gains, strict=True)]
        )
        signal += _ar1(rng, _DISTURBANCES, n_rows) @ spread.T
        signal += noise * rng.standard_normal(signal.shape)
        table = pd.concat(
            [
                pd.DataFrame(set_points).add_prefix("set_point_"),
                pd.DataFrame(ambient, columns=["ambient"]),
                pd.DataFrame(level + scale * signal).add_prefix("sensor_"),
            ],
            axis=1,
        )
        minutes = pd.to_timedelta(np.arange(n_rows), unit="min")
        table.insert(0, "timestamp", _START + minutes)
        if n_series > 1:
            table.insert(0, "machine", machine)
        tables.append(table)
        labels.append(y)
    X = pd.concat(tables, ignore_index=True)
    return X, pd.Series(np.concatenate(labels), name="event")
