# SPDX-License-Identifier: BSD-3-Clause
"""The alarms of one series, one row after the other."""

from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import pandas as pd

from ..rows._time import (
    is_duration,
    is_zone,
    nanoseconds_duration,
    number_duration,
)

_KINDS = ("none", "numbers", "datetimes")
_LIMITS = ("within", "hold", "max_gap")


@dataclass(frozen=True)
class Alarm:
    """An alarm: its first and its last row, and its peak.

    Parameters
    ----------
    first_row : int
        Row of its series, counted from 0, at which the alarm was raised.

    last_row : int
        Last row above the level at which alarms end, so far.

    start : pandas.Timestamp, float or None
        Time of ``first_row``, where times are given.

    end : pandas.Timestamp, float or None
        Time of ``last_row``.

    peak : float
        Highest score between the two.

    peak_row : int
        The first row with that score.

    Examples
    --------
    >>> from skseq.alarms import AlarmRule
    >>> state = AlarmRule(on=2).start()
    >>> for score in 1, 3, 4:
    ...     _ = state.update(score)
    >>> state.alarm.first_row, state.alarm.last_row, state.alarm.peak
    (1, 2, 4.0)
    """

    first_row: int
    last_row: int
    start: object
    end: object
    peak: float
    peak_row: int


class AlarmEvent(NamedTuple):
    """What happened: an alarm began, or it is over.

    Parameters
    ----------
    kind : str
        "start" or "end".

    alarm : Alarm
        The alarm, as far as it had gone.

    Examples
    --------
    >>> from skseq.alarms import AlarmRule
    >>> state = AlarmRule(on=2).start()
    >>> [event.kind for score in (1, 3, 4, 1) for event in state.update(score)]
    ['start', 'end']
    """

    kind: str
    alarm: Alarm


class AlarmState:
    """The alarms of one series as its rows come.

    Made by :meth:`AlarmRule.start`. It keeps the alarm that is on and the few rows that
    the rule looks back on, whatever the number of rows, and can be pickled.

    Parameters
    ----------
    rule : AlarmRule

    Attributes
    ----------
    alarm : Alarm or None
        The alarm that is on. It is on until the scores have been low for longer than
        ``max_gap``.

    is_on : bool
        Whether there is one.

    n_rows : int
        Rows seen.

    n_not_judged : int
        Of these, rows whose score is NaN.

    See Also
    --------
    AlarmRule : The rule, and its alarms in a table.

    Examples
    --------
    >>> from skseq.alarms import AlarmRule
    >>> state = AlarmRule(on=2, off=1, max_gap="10min").start()
    >>> for minute, score in enumerate([0, 3, 2, 0, 2, 0]):
    ...     time = f"2026-03-01 00:{5 * minute:02}"
    ...     for event in state.update(score, time):
    ...         print(event.kind, event.alarm.start)
    start 2026-03-01 00:05:00
    >>> state.finish()[0].alarm.end
    Timestamp('2026-03-01 00:20:00')
    """

    def __init__(self, rule):
        self._rule = rule
        self._off = rule.on if rule.off is None else rule.off
        self._within = rule.min_rows if rule.within is None else rule.within
        self.n_rows = self.n_not_judged = 0
        self._on = None  # of the alarm: its rows, times and peak, as numbers
        self._kind = None  # of the times: "none", "numbers" or "datetimes"
        self._zone = None
        self._limits = None  # in the unit of the times; and whether they are in rows
        self._place = None  # the time of the row before, as a number
        self._recent = []  # rows above the level: how many were judged before, and time
        self._last = None  # the same of the last row of the alarm that is on
        self._low = False  # a row has been low since
        self._quiet = None  # the same as _last of the alarm before

    @property
    def is_on(self):
        return self._on is not None

    @property
    def alarm(self):
        if self._on is None:
            return None
        first_row, last_row, start, end, *peak = self._on
        return Alarm(first_row, last_row, self._time(start), self._time(end), *peak)

    def update(self, score, time=None):
        """Take the next row.

        Parameters
        ----------
        score : float
            Higher for events. With NaN, a row that was not judged, nothing happens.

        time : pandas.Timestamp, datetime.datetime, str or float, default=None
            Time of the row, not before the row before. Durations of the rule need it.

        Returns
        -------
        events : list of AlarmEvent
            None, an end, a start, or an end and a start.

        Raises
        ------
        ValueError
            If ``time`` decreases, or is of another kind than before, or a duration of
            the rule needs one.
        """
        place = self._read(time)
        if self._place is not None and place < self._place:
            raise ValueError(
                f"'time' decreases: {time} comes after {self._time(self._place)}. Give "
                "the rows of a series in the order of their time."
            )
        return self.step(float(score), place)

    def finish(self):
        """End the alarm that is on, as the series ends.

        Returns
        -------
        events : list of AlarmEvent
            Its end, if there was one.
        """
        return self._end() if self.is_on else []

    def get_state(self):
        """All that is kept, for JSON.

        Returns
        -------
        state : dict
            For :meth:`AlarmRule.start` of the same rule.

        Examples
        --------
        >>> import json
        >>> from skseq.alarms import AlarmRule
        >>> rule = AlarmRule(on=2)
        >>> state = rule.start()
        >>> _ = state.update(3.0)
        >>> kept = json.dumps(state.get_state())
        >>> rule.start(json.loads(kept)).alarm == state.alarm
        True
        """
        return {
            "n_rows": self.n_rows,
            "n_not_judged": self.n_not_judged,
            "kind": self._kind,
            "zone": self._zone,
            "place": self._place,
            "recent": [list(row) for row in self._recent],
            "last": self._last and list(self._last),
            "low": self._low,
            "quiet": self._quiet and list(self._quiet),
            "on": self._on and list(self._on),
        }

    def __copy__(self):
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        twin._on = self._on and [*self._on]
        return twin

    def _set_state(self, state):
        if state["kind"] is not None:
            zone = state["zone"]
            if state["kind"] not in _KINDS or not (zone is None or is_zone(zone)):
                raise ValueError(f"A state has the kind {state['kind']!r}, {zone!r}.")
            self.set_kind(state["kind"], zone)
        _check_state(state)
        self.n_rows, self.n_not_judged = state["n_rows"], state["n_not_judged"]
        self._place, self._low = state["place"], state["low"]
        self._recent = [tuple(row) for row in state["recent"]]
        self._last, self._quiet = (
            state[key] and tuple(state[key]) for key in ("last", "quiet")
        )
        self._on = state["on"] and list(state["on"])

    def set_kind(self, kind, zone=None):
        """Fix what times are, and so the unit of the durations of the rule."""
        self._kind, self._zone = kind, zone
        self._limits = {}
        for name in _LIMITS:
            value = self._within if name == "within" else getattr(self._rule, name)
            value = 0 if value is None else value
            in_rows = not is_duration(value)
            if not in_rows and kind == "none":
                raise ValueError(
                    f"The {name!r} parameter of AlarmRule is the duration {value!r}, "
                    "but no time is given. Give the time of each row in 'time', or "
                    "an int, a number of rows."
                )
            if not in_rows:
                read = number_duration if kind == "numbers" else nanoseconds_duration
                value = read(value, name)
            self._limits[name] = (value, 0 if in_rows else 1)

    def step(self, score, place):
        """Take a row whose time is a number, in the unit that set_kind has fixed."""
        self._place = place
        row, self.n_rows = self.n_rows, self.n_rows + 1
        if score != score:  # NaN
            self.n_not_judged += 1
            return []
        now = (row - self.n_not_judged, place)
        events = []
        if self.is_on:
            is_high = score > self._off
            if not self._is_over(now, is_high):
                self._low = not is_high
                if is_high:
                    self._go_on(row, score, now)
                return events
            events = self._end()
        if score > self._rule.on and self._is_raised(now):
            self._on = [row, row, place, place, score, row]
            self._last, self._low = now, False
            events.append(AlarmEvent("start", self.alarm))
        return events

    def pass_over(self, n_rows, n_not_judged):
        """Take rows not above the level at which an alarm starts, while none is on."""
        self.n_rows += n_rows
        self.n_not_judged += n_not_judged

    def _is_over(self, now, is_high):
        """Tell whether rows have been low for longer than the gap to bridge."""
        if is_high and not self._low:
            return False
        gap, axis = self._limits["max_gap"]
        since = now[axis] - self._last[axis]
        if axis == 0:
            since -= is_high  # of rows, only those between the two count
        return since > gap

    def _is_raised(self, now):
        """Count a row above the level, and tell whether it raises an alarm."""
        within, axis = self._limits["within"]
        self._recent = [
            row for row in self._recent if now[axis] - row[axis] < within
        ] + [now]
        if len(self._recent) < self._rule.min_rows:
            return False
        hold, axis = self._limits["hold"]
        return self._quiet is None or now[axis] - self._quiet[axis] > hold

    def _go_on(self, row, score, now):
        on = self._on
        on[1], on[3] = row, now[1]
        if score > on[4]:
            on[4:] = score, row
        self._last = now

    def _end(self):
        events = [AlarmEvent("end", self.alarm)]
        self._quiet, self._last, self._on = self._last, None, None
        self._recent = []
        return events

    def _read(self, time):
        """Time of a row as a number."""
        kind, zone = "none", None
        if time is not None:
            kind = "numbers"
            if not isinstance(time, Real):
                time = pd.Timestamp(time)
                kind, zone = "datetimes", time.tz and str(time.tz)
            if pd.isna(time):
                raise ValueError("'time' is missing. Drop the row or give it a time.")
        if self._kind is None:
            self.set_kind(kind, zone)
        if kind != self._kind or (zone is None) != (self._zone is None):
            raise ValueError(
                f"'time' is {time!r}, but the rows before had times of another kind "
                f"({self._kind}{' with a time zone' if self._zone else ''})."
            )
        return self._number(time)

    def _number(self, time):
        if self._kind == "datetimes":
            return time.as_unit("ns").value
        return time if time is None else float(time)

    def _time(self, place):
        if self._kind == "datetimes":
            return pd.Timestamp(place, tz=self._zone)
        return None if self._kind == "none" else place


def _check_state(state):
    """Raise a ValueError where a state is not one that ``get_state`` gives."""
    has_time = state["kind"] not in ("none", None)
    rows = [*state["recent"], state["last"] or (0, 0), state["quiet"] or (0, 0)]
    on = state["on"] or [0, 0, 0, 0, 0.0, 0]
    counts = [state["n_rows"], state["n_not_judged"], *(row[0] for row in rows)]
    counts += [on[0], on[1], on[5]]
    places = [state["place"], *(row[1] for row in rows), on[2], on[3]]
    right = (
        all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in counts)
        and all(len(row) == 2 for row in rows)
        and all(place is None or isinstance(place, Real) for place in places)
        and (state["place"] is None or has_time)
        and isinstance(state["low"], bool)
        and len(on) == 6
        and isinstance(on[4], Real)
        and (state["on"] is None) == (state["last"] is None)
    )
    if not right:
        raise ValueError(f"This is no state of an alarm: {state!r}.")
