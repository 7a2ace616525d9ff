# SPDX-License-Identifier: BSD-3-Clause
"""Series made on the spot: the classic recipe's toy, and a process with faults."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from sklearn.utils import Bunch

from .._sklearn import Interval, validate_params

_START = pd.Timestamp("2024-01-01")
_MAX_DELAY = 5  # rows between a factor and the sensor that sees it last
_GAP_LENGTHS = (60, 600)  # unrecorded rows
_FAULTY_SHARE = 3  # an event affects one sensor in three


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_toy_series(*, return_X_y=False, as_frame=False):
    """Load the toy series of the classic recipe: 0.1 to 0.9, and their cubes.

    Nine rows in time order, two features, no event. The recipe [1]_ cuts it into
    five windows of three rows (see :func:`skseq.temporalize`) and overfits an LSTM
    autoencoder on them, to show that the network can reproduce a sequence.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    as_frame : bool, default=False
        Whether the data is a DataFrame and the target a Series.

    Returns
    -------
    series : :class:`~sklearn.utils.Bunch`
        With ``data`` of shape (9, 2), ``target`` of shape (9,), all 0 as in the
        recipe, ``feature_names``, ``frame`` (None unless ``as_frame``) and ``DESCR``.

    (data, target) : tuple if ``return_X_y`` is True

    References
    ----------
    .. [1] C. Ranjan, "Step-by-step understanding LSTM Autoencoder layers", Towards
       Data Science, 2019.

    Examples
    --------
    >>> from skseq.datasets import load_toy_series
    >>> X, y = load_toy_series(return_X_y=True)
    >>> X[:3].round(3).tolist()
    [[0.1, 0.001], [0.2, 0.008], [0.3, 0.027]]
    """
    x = np.arange(1, 10) / 10
    frame = pd.DataFrame({"x": x, "x_cubed": x**3, "event": 0})
    feature_names = ["x", "x_cubed"]
    data, target = frame[feature_names], frame["event"]
    if not as_frame:
        frame, data, target = None, data.to_numpy(), target.to_numpy()
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=feature_names,
        DESCR="0.1 to 0.9 and their cubes, nine rows in time order, no event.",
    )


def _ar1(rng, coefficients, n_steps):
    """Stationary AR(1) series of unit variance, one column for each coefficient."""
    noise = rng.standard_normal((n_steps, len(coefficients)))
    noise[1:] *= np.sqrt(1 - coefficients**2)
    columns = [
        lfilter([1], [1, -coefficient], column)
        for coefficient, column in zip(coefficients, noise.T, strict=True)
    ]
    return np.column_stack(columns)


def _event_rows(rng, n_rows, n_fault_rows, event_length, precursor_length):
    """First row and length of each event, one in each equal part of the rows."""
    if n_fault_rows == 0:
        return np.empty((0, 2), dtype=np.intp)
    n_events = max(1, round(n_fault_rows / event_length))
    lengths = np.diff(np.linspace(0, n_fault_rows, n_events + 1).round().astype(int))
    parts = np.linspace(0, n_rows, n_events + 1).astype(int)
    first, last = parts[:-1] + precursor_length, parts[1:] - lengths
    if (last < first).any():
        raise ValueError(
            f"{n_events} events of {lengths.max()} rows with precursors of "
            f"{precursor_length} rows do not fit in {n_rows} rows. Raise n_samples, "
            "or lower n_series, fault_rate or precursor_length."
        )
    return np.column_stack([rng.integers(first, last, endpoint=True), lengths])


def _fault_course(rng, n_rows, n_features, events, precursor_length, fault_size):
    """Decoupling of each sensor from the factors, its shift, and the labels."""
    decoupling = np.zeros((n_rows, n_features))
    shift = np.zeros((n_rows, n_features))
    y = np.zeros(n_rows, dtype=int)
    ramp = np.arange(1, precursor_length + 1)[:, None] / (precursor_length + 1)
    for start, length in events:
        faulty = rng.choice(
            n_features, max(1, n_features // _FAULTY_SHARE), replace=False
        )
        decoupling[start - precursor_length : start, faulty] = ramp
        decoupling[start : start + length, faulty] = 1
        shift[start : start + length, faulty] = fault_size * rng.choice(
            [-1, 1], len(faulty)
        )
        y[start : start + length] = 1
    return decoupling, shift, y


def _process_steps(rng, quiet, n_gaps):
    """Process step at which each row is recorded: it jumps at the gaps."""
    before = np.flatnonzero(quiet[1:]) + 1
    jumps = np.zeros(len(quiet), dtype=np.intp)
    gaps = rng.choice(before, min(n_gaps, len(before)), replace=False)
    jumps[gaps] = rng.integers(*_GAP_LENGTHS, size=len(gaps), endpoint=True)
    return np.arange(len(quiet)) + np.cumsum(jumps)


def _coupled_signals(rng, steps, loadings, delays, decoupling):
    """Unit-variance sensor signals: delayed common factors, or the sensor's own."""
    n_features, n_factors = loadings.shape
    n_steps = steps[-1] + 1
    factors = _ar1(rng, np.linspace(0.9, 0.99, n_factors), n_steps + _MAX_DELAY)
    own = _ar1(rng, np.full(n_features, 0.5), n_steps)[steps]
    delayed = [
        factors[steps + _MAX_DELAY - delay] @ loading
        for delay, loading in zip(delays, loadings, strict=True)
    ]
    common = np.column_stack(delayed)
    return np.sqrt(1 - decoupling**2) * common + decoupling * own


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "n_series": [Interval(Integral, 1, None, closed="left")],
        "fault_rate": [Interval(Real, 0, 0.5, closed="both")],
        "event_length": [Interval(Integral, 1, None, closed="left")],
        "precursor_length": [Interval(Integral, 0, None, closed="left")],
        "fault_size": [Interval(Real, 0, None, closed="left")],
        "n_factors": [Interval(Integral, 1, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "drift": [Interval(Real, 0, None, closed="left")],
        "n_gaps": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_process_faults(
    n_samples=10_000,
    n_features=8,
    *,
    n_series=1,
    fault_rate=0.01,
    event_length=20,
    precursor_length=20,
    fault_size=1.0,
    n_factors=3,
    noise=0.2,
    drift=0.5,
    n_gaps=3,
    random_state=None,
):
    r"""Make the table of a process with rare faults, announced by precursors.

    A few slow factors drive all sensors, each with its own delay. Before an event,
    some sensors lose their tie to the factors, while their mean and variance stay
    as they were; during the event they are shifted as well. So no single reading
    tells a precursor: its dynamics, and its disagreement with the other sensors, do.

    Parameters
    ----------
    n_samples : int, default=10_000
        Number of rows, of all series together.

    n_features : int, default=8
        Number of sensors.

    n_series : int, default=1
        Number of machines. They are of one make (same factor loadings, delays, levels
        and scales) and run independently. The rows are divided equally among them,
        one machine after the other.

    fault_rate : float, default=0.01
        Share of rows inside an event, in [0, 0.5].

    event_length : int, default=20
        Approximate number of rows of an event: the events of a series share the rows
        that ``fault_rate`` gives equally, and there is at least one, unless these are
        none.

    precursor_length : int, default=20
        Number of rows before each event that announce it. Their label is 0.

    fault_size : float, default=1.0
        Shift of a faulty sensor during an event, in standard deviations of its
        signal.

    n_factors : int, default=3
        Number of factors behind the sensors.

    noise : float, default=0.2
        Standard deviation of the measurement noise, relative to the signal.

    drift : float, default=0.5
        Standard deviation that the slow drift of a sensor has reached at the end of
        its series, relative to the signal.

    n_gaps : int, default=3
        Number of times that the recording of a series stops for one to ten hours.
        Never during a precursor or an event.

    random_state : int, RandomState instance, Generator or None, default=None
        Fixes the table. None draws fresh entropy; NumPy's global generator is neither
        read nor advanced.

    Returns
    -------
    X : DataFrame of shape (n_samples, n_features + 1 or n_features + 2)
        ``timestamp`` (one row a minute, but for the gaps) and ``sensor_0``,
        ``sensor_1``, ...; where ``n_series > 1``, after a first column ``machine``.

    y : Series of shape (n_samples,)
        ``event``: 1 for the rows of an event, else 0.

    Notes
    -----
    With independent standard normal :math:`e, u, \varepsilon`, sensor :math:`j`
    reads at step :math:`t` of :math:`n`

    .. math::

        x_{jt} = m_j + c_j \Bigl( \sqrt{1 - w_{jt}^2}
            \sum_k a_{jk} f_{k, t - l_j} + w_{jt} g_{jt} + s_{jt}
            + \mathrm{drift} \; n^{-1/2} \sum_{i \le t} u_{ji}
            + \mathrm{noise} \; \varepsilon_{jt} \Bigr)

    - The factors are slow: :math:`f_{kt} = \varphi_k f_{k,t-1} +
      \sqrt{1 - \varphi_k^2} \, e_{kt}`, with :math:`\varphi_k` evenly spaced in
      [0.9, 0.99]. The loadings :math:`a_j` have length 1, the delays :math:`l_j` are
      0 to 5 rows.
    - A sensor's own signal :math:`g_{jt}` is fast: the same equation with
      :math:`\varphi = 0.5`. Both have unit variance.
    - Each event picks one third of the sensors. Their :math:`w_{jt}` rises linearly
      from 0 to 1 over the precursor, and is 1 during the event; their shift
      :math:`s_{jt}` is plus or minus ``fault_size`` during the event. Else, both are
      0.
    - One event starts at random in each of as many equal parts of the series.

    Examples
    --------
    >>> from skseq.datasets import make_process_faults
    >>> X, y = make_process_faults(2_000, 3, random_state=0)
    >>> X.columns.to_list()
    ['timestamp', 'sensor_0', 'sensor_1', 'sensor_2']
    >>> float(y.mean())
    0.01
    """
    if n_series > n_samples:
        raise ValueError(
            f"'n_series' is {n_series}, more than the {n_samples} rows of 'n_samples'."
        )
    rng = np.random.default_rng(random_state)
    loadings = rng.standard_normal((n_features, n_factors))
    loadings /= np.linalg.norm(loadings, axis=1, keepdims=True)
    delays = rng.integers(0, _MAX_DELAY, size=n_features, endpoint=True)
    level = rng.normal(scale=10, size=n_features)
    scale = np.exp(rng.standard_normal(n_features))

    tables, labels = [], []
    for machine, rows in enumerate(np.array_split(np.arange(n_samples), n_series)):
        n_rows = len(rows)
        events = _event_rows(
            rng, n_rows, round(fault_rate * n_rows), event_length, precursor_length
        )
        decoupling, shift, y = _fault_course(
            rng, n_rows, n_features, events, precursor_length, fault_size
        )
        steps = _process_steps(rng, (decoupling == 0).all(axis=1), n_gaps)
        signal = _coupled_signals(rng, steps, loadings, delays, decoupling) + shift
        walk = rng.standard_normal((steps[-1] + 1, n_features)).cumsum(axis=0)[steps]
        signal += drift / np.sqrt(len(walk)) * walk
        signal += noise * rng.standard_normal(signal.shape)
        table = pd.DataFrame(level + scale * signal).add_prefix("sensor_")
        table.insert(0, "timestamp", _START + pd.to_timedelta(steps, unit="min"))
        if n_series > 1:
            table.insert(0, "machine", machine)
        tables.append(table)
        labels.append(y)
    X = pd.concat(tables, ignore_index=True)
    return X, pd.Series(np.concatenate(labels), name="event")
