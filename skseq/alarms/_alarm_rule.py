# SPDX-License-Identifier: BSD-3-Clause
"""From scores to alarms."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from .._sklearn import Interval
from ._alarm_state import AlarmState
from ._scored import Scored


class AlarmRule(BaseEstimator):
    """When scores are an alarm, and when it is over.

    A row above a threshold is not yet worth a call, and an alarm that comes and goes
    with every row is soon ignored. The rule has what plants use against both [1]_ [2]_:
    two levels, a delay, a least time between alarms, and gaps that are bridged. It
    looks back only, so a table and a stream of the same rows have the same alarms.

    Parameters
    ----------
    on : float, default=0.5
        An alarm starts at a row whose score is above ``on``. The default suits flags
        of 0 and 1.

    off : float, default=None
        An alarm goes on while the score is above ``off``, which is ``on`` or lower.
        None for ``on``.

    min_rows : int, default=1
        Rows above ``on`` that it takes to start an alarm, of those in ``within``.

    within : int, str, pandas.Timedelta, datetime.timedelta or float, default=None
        In how many rows, or in how much time, these rows have to come; the row that
        starts the alarm is the last of them. None for ``min_rows``: one after another.

    hold : int, str, pandas.Timedelta, datetime.timedelta or float, default=None
        After an alarm no other starts for so many rows, or so much time, counted from
        its last row. None for no such time.

    max_gap : int, str, pandas.Timedelta, datetime.timedelta or float, default=None
        An alarm goes on across so many rows that are not above ``off``, or, as a
        duration, where so much time passes between two rows above it. None to bridge
        nothing.

    See Also
    --------
    alarm_table : The alarms of a table, one to a line.
    skseq.metrics.false_alarm_rate : How many of the flagged stretches are false.

    Notes
    -----
    Scores are higher for events: pass minus ``score_samples``, or minus
    ``decision_function`` of a detector, as they are.

    An int is a number of rows, all else a duration in the unit of ``time``.

    A row whose score is NaN was not judged. It is passed over: it neither starts nor
    ends an alarm, and does not count as a row, while its time goes by. So an alarm
    stays on through silence.

    An alarm lasts from the row that started it, at which a stream tells of it, to its
    last row above ``off``. That it is over is known later, after ``max_gap``.

    References
    ----------
    .. [1] ANSI/ISA-18.2-2016, "Management of alarm systems for the process industries":
       deadband, on-delay, off-delay.

    .. [2] I. Izadi, S. L. Shah, D. S. Shook, T. Chen, "An introduction to alarm
       analysis and design", IFAC SAFEPROCESS 2009.

    Examples
    --------
    >>> from skseq.alarms import AlarmRule
    >>> score = [0, 3, 0, 3, 2, 0, 2, 0, 0, 3]
    >>> AlarmRule(on=2).flag(score)
    array([0, 1, 0, 1, 0, 0, 0, 0, 0, 1])
    >>> AlarmRule(on=2, off=1, max_gap=1).flag(score)
    array([0, 1, 1, 1, 1, 1, 1, 0, 0, 1])
    >>> AlarmRule(on=2, off=1, min_rows=2, within=3).flag(score)
    array([0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    >>> AlarmRule(on=2, hold=2).flag(score)
    array([0, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    """

    _parameter_constraints: dict = {
        "on": [Interval(Real, None, None, closed="neither")],
        "off": [Interval(Real, None, None, closed="neither"), None],
        "min_rows": [Interval(Integral, 1, None, closed="left")],
        "within": "no_validation",
        "hold": "no_validation",
        "max_gap": "no_validation",
    }

    def __init__(
        self, *, on=0.5, off=None, min_rows=1, within=None, hold=None, max_gap=None
    ):
        self.on = on
        self.off = off
        self.min_rows = min_rows
        self.within = within
        self.hold = hold
        self.max_gap = max_gap

    def start(self, state=None):
        """Begin with a series, row by row.

        Parameters
        ----------
        state : dict, default=None
            Of :meth:`AlarmState.get_state` of the same rule, to go on from.

        Returns
        -------
        state : AlarmState
            Whose ``update(score, time)`` tells which alarms start and end.

        Raises
        ------
        ValueError
            If a parameter is not valid.
        """
        self._check()
        started = AlarmState(self)
        if state is not None:
            started._set_state(state)
        return started

    def flag(self, score, *, time=None, groups=None):
        """Flag the rows in alarm.

        Parameters
        ----------
        score : array-like of shape (n_rows,)
            Higher for events, or flags of 0 and 1, in time order. NaN for rows that
            were not judged.

        time : array-like of shape (n_rows,), default=None
            Time of each row, datetimes or numbers, which must not decrease within a
            series. Durations need it.

        groups : array-like of shape (n_rows,), default=None
            Series of each row. None for a single series.

        Returns
        -------
        flags : ndarray of int of shape (n_rows,)
            1 from the first to the last row of each alarm, 0 elsewhere.

        Raises
        ------
        ValueError
            If a parameter is not valid, or ``time`` decreases within a series.
        """
        scored = Scored(self, score, None, time, groups)
        flags = np.empty(len(scored.score), dtype=int)
        flags[scored.rows.order] = scored.flags
        return flags

    def _check(self):
        self._validate_params()
        if self.off is not None and self.off > self.on:
            raise ValueError(
                f"The 'off' parameter of AlarmRule must not be above 'on', {self.on}. "
                f"Got {self.off} instead."
            )
        for name, least in (("within", self.min_rows), ("hold", 0), ("max_gap", 0)):
            value = getattr(self, name)
            if isinstance(value, Integral) and not isinstance(value, np.timedelta64):
                if value < least:
                    raise ValueError(
                        f"The {name!r} parameter of AlarmRule must be an int in the "
                        f"range [{least}, inf), a duration or None. Got {value} "
                        "instead."
                    )
