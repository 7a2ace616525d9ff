# SPDX-License-Identifier: BSD-3-Clause
"""Units that each run until they fail."""

from numbers import Integral, Real

import numpy as np
import pandas as pd

from .._sklearn import Interval, validate_params
from ._generators import _ar1

_SHORTEST, _LONGEST = 0.5, 1.5  # lives, in parts of the mean
_LOAD_MEMORY = 0.6  # AR(1) coefficient: a load comes and goes in some five cycles
_POWERS = (4.0, 8.0)  # of the course of the wear, which differs from unit to unit


@validate_params(
    {
        "n_units": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "mean_life": [Interval(Integral, 2, None, closed="left")],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "wear": [Interval(Real, 0, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def make_run_to_failure(
    n_units=50,
    n_features=6,
    *,
    mean_life=200,
    horizon=10,
    wear=6.0,
    noise=0.3,
    random_state=None,
):
    r"""Make the table of units that wear until they fail, each at an age of its own.

    All sensors of a unit follow its load, which comes and goes: the direction in which
    normal rows vary most. The wear adds to the readings in the same direction. So no
    relation between sensors breaks, and a model that reconstructs normal rows
    reconstructs worn ones as well; a classifier that has seen units fail knows where
    they stand then. The series end in their events: what is held out to judge a model
    is whole units, not the end of each.

    Parameters
    ----------
    n_units : int, default=50
        Number of units. They are of one make (same levels, scales and loadings), run
        independently, and stand one after the other.

    n_features : int, default=6
        Number of sensors.

    mean_life : int, default=200
        Mean number of cycles of a unit until it fails. Lives are uniform in half of
        that to one and a half times it.

    horizon : int, default=10
        An event are the last ``horizon`` cycles of a unit.

    wear : float, default=6.0
        What the wear adds at the end, in standard deviations of the load.

    noise : float, default=0.3
        Standard deviation of the measurement noise, relative to the load.

    random_state : int, RandomState instance, Generator or None, default=None
        Fixes the table. None draws fresh entropy; NumPy's global generator is neither
        read nor advanced.

    Returns
    -------
    X : DataFrame of shape (n_rows, n_features + 2)
        ``unit``, ``cycle`` (1, 2, ... to the last before the failure) and ``sensor_0``,
        ``sensor_1``, ...; the number of rows is that of the cycles of all units.

    y : Series of shape (n_rows,)
        ``event``: 1 where fewer than ``horizon`` further cycles follow, else 0.

    Raises
    ------
    ValueError
        If the shortest lives, half of ``mean_life``, would be all event.

    See Also
    --------
    skseq.early_warning_labels : Labels the rows before an event instead.
    make_process_faults : Faults that come and go, and break relations.

    Notes
    -----
    After the wear :math:`w` of a unit with :math:`L` cycles, and its load :math:`f`, an
    autoregressive series of unit variance and coefficient 0.6, sensor :math:`j` reads
    in cycle :math:`t`

    .. math::

        x_{jt} = m_j + c_j \bigl( a_j (f_t + w_t)
            + \mathrm{noise} \; \varepsilon_{jt} \bigr), \qquad
        w_t = \mathrm{wear} \, (t / L)^p

    with independent standard normal :math:`\varepsilon`, loadings :math:`a_j` between
    0.5 and 1 of either sign, and a power :math:`p` that is uniform in 4 to 8 for each
    unit. The model of wear that grows until it reaches a limit is that of the turbofan
    data of NASA [1]_, simplified.

    References
    ----------
    .. [1] A. Saxena, K. Goebel, D. Simon, N. Eklund, "Damage propagation modeling for
       aircraft engine run-to-failure simulation", PHM 2008.

    Examples
    --------
    >>> from skseq.datasets import make_run_to_failure
    >>> X, y = make_run_to_failure(3, 2, mean_life=100, random_state=0)
    >>> X.columns.to_list()
    ['unit', 'cycle', 'sensor_0', 'sensor_1']
    >>> X.groupby("unit")["cycle"].max().to_list()
    [148, 123, 94]
    >>> y.groupby(X["unit"]).sum().to_list()
    [10, 10, 10]
    """
    shortest, longest = (int(part * mean_life) for part in (_SHORTEST, _LONGEST))
    if horizon >= shortest:
        raise ValueError(
            f"'horizon' is {horizon}, but units of a 'mean_life' of {mean_life} may "
            f"fail after {shortest} cycle(s), all of which would be event. Lower "
            "'horizon', or raise 'mean_life'."
        )
    rng = np.random.default_rng(random_state)
    level = rng.normal(scale=10, size=n_features)
    scale = np.exp(rng.standard_normal(n_features))
    loading = rng.uniform(0.5, 1, n_features) * rng.choice([-1, 1], n_features)
    tables = []
    for unit in range(n_units):
        life = rng.integers(shortest, longest, endpoint=True)
        cycle = np.arange(1, life + 1)
        course = _ar1(rng, np.array([_LOAD_MEMORY]), life)[:, 0]
        course += wear * (cycle / life) ** rng.uniform(*_POWERS)
        signal = course[:, np.newaxis] * loading
        signal += noise * rng.standard_normal(signal.shape)
        table = pd.DataFrame(level + scale * signal).add_prefix("sensor_")
        table.insert(0, "cycle", cycle)
        table.insert(0, "unit", unit)
        tables.append(table.assign(event=(life - cycle < horizon).astype(int)))
    X = pd.concat(tables, ignore_index=True)
    return X, X.pop("event")
