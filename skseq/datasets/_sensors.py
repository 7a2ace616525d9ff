# SPDX-License-Identifier: BSD-3-Clause
"""A table of many sensors with irregular rows, some of them in alarm."""

from numbers import Integral, Real

import numpy as np
import pandas as pd

from .._sklearn import Interval, validate_params
from ._generators import _START

_RISE = 0.8  # share of a cycle in which a value rises
_CYCLE = (120.0, 240.0)  # seconds


def _sawtooth(phase):
    """Values in [0, 1] that rise slowly and fall fast, with a period of 1."""
    phase = phase % 1
    return np.minimum(phase / _RISE, (1 - phase) / (1 - _RISE))


def _alarms(rng, n_sensors, n_steps, alarm_rate, alarm_length):
    """Flags of shape (n_sensors, n_steps): at most one alarm for each sensor."""
    n_alarms = round(alarm_rate * n_sensors * n_steps / alarm_length)
    if n_alarms > n_sensors or alarm_length > n_steps:
        raise ValueError(
            f"{n_alarms} alarms of {alarm_length} rows, at most one for each sensor, "
            f"do not fit in {n_sensors} sensors of {n_steps} rows. Lower 'alarm_rate', "
            "or set another 'alarm_length'."
        )
    first = np.full((n_sensors, 1), n_steps)
    first[rng.choice(n_sensors, n_alarms, replace=False), 0] = rng.integers(
        n_steps - alarm_length, size=n_alarms, endpoint=True
    )
    step = np.arange(n_steps)
    return (first <= step) & (step < first + alarm_length)


@validate_params(
    {
        "n_sensors": [Interval(Integral, 1, None, closed="left")],
        "n_timesteps": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "alarm_rate": [Interval(Real, 0, 1, closed="both")],
        "alarm_length": [Interval(Integral, 1, None, closed="left")],
        "mean_interval": [Interval(Real, 0, None, closed="neither")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_sensor_events(
    n_sensors=2000,
    n_timesteps=60,
    n_features=2,
    *,
    alarm_rate=0.05,
    alarm_length=30,
    mean_interval=15.0,
    noise=0.05,
    random_state=None,
):
    r"""Make the table of many sensors that report at irregular times, some in alarm.

    A sensor goes through cycles: its values rise slowly and fall fast, one value after
    the other. In an alarm the cycles run backwards. A window of an alarm is a normal
    window read from its end, so no statistic that leaves out the order of the rows
    (mean, standard deviation, extremes, correlation) can tell the two apart: the
    dynamics do.

    Parameters
    ----------
    n_sensors : int, default=2000
        Number of sensors.

    n_timesteps : int, default=60
        Number of rows of each sensor.

    n_features : int, default=2
        Number of values in a row.

    alarm_rate : float, default=0.05
        Share of rows in an alarm, in [0, 1].

    alarm_length : int, default=30
        Number of rows of an alarm. As many sensors as it takes to reach ``alarm_rate``
        have one, which starts at random.

    mean_interval : float, default=15.0
        Mean time between two rows of a sensor, in seconds.

    noise : float, default=0.05
        Standard deviation of the measurement noise; the signal lies in [0, 1].

    random_state : int, RandomState instance, Generator or None, default=None
        Fixes the table. None draws fresh entropy; NumPy's global generator is neither
        read nor advanced.

    Returns
    -------
    X : DataFrame of shape (n_sensors * n_timesteps, n_features + 2)
        ``sensor_id``, ``timestamp`` and ``value_0``, ``value_1``, ...; one sensor after
        the other, each in time order.

    y : Series of shape (n_sensors * n_timesteps,)
        ``alarm``: 1 for the rows of an alarm, else 0.

    See Also
    --------
    make_process_faults : One process with few long series, and precursors to find.

    Notes
    -----
    Value :math:`j` of :math:`m` reads :math:`w(\phi - j / m) + \mathrm{noise} \;
    \varepsilon` with the sawtooth :math:`w(\phi) = \min(\phi / r, (1 - \phi) / (1 -
    r))` of the fractional part of :math:`\phi`, :math:`r = 0.8`, and independent
    standard normal :math:`\varepsilon`. The phase :math:`\phi` starts uniformly in
    [0, 1) and moves by :math:`\pm \Delta t / c` over an interval :math:`\Delta t`,
    minus where the row at its end is in alarm. The cycle :math:`c` of a sensor is
    uniform in 120 to 240 seconds. The intervals are exponential, in whole milliseconds.

    Examples
    --------
    >>> from skseq.datasets import make_sensor_events
    >>> X, y = make_sensor_events(100, random_state=0)
    >>> X.columns.to_list()
    ['sensor_id', 'timestamp', 'value_0', 'value_1']
    >>> float(y.mean())
    0.05
    """
    rng = np.random.default_rng(random_state)
    shape = n_sensors, n_timesteps
    alarm = _alarms(rng, *shape, alarm_rate, alarm_length)
    interval = np.ceil(1000 * rng.exponential(mean_interval, shape)) / 1000
    cycle = rng.uniform(*_CYCLE, (n_sensors, 1))
    turns = np.where(alarm, -interval, interval) / cycle
    phase = rng.uniform(size=(n_sensors, 1)) + turns.cumsum(axis=1)
    lag = np.arange(n_features) / n_features
    values = _sawtooth(phase.reshape(-1, 1) - lag)
    values += noise * rng.standard_normal(values.shape)

    X = pd.DataFrame(values).add_prefix("value_")
    seconds = interval.cumsum(axis=1).ravel()
    time = _START + pd.to_timedelta((1000 * seconds).round(), unit="ms")
    X.insert(0, "timestamp", time)
    X.insert(0, "sensor_id", np.repeat(np.arange(n_sensors), n_timesteps))
    return X, pd.Series(alarm.ravel().astype(int), name="alarm")
