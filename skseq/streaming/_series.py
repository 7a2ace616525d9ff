# SPDX-License-Identifier: BSD-3-Clause
"""What a stream keeps of each series, and what it makes of the time of a row."""

import copy
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """What the time of a row says of it.

    ``delta`` is the time since the row before, None where a window starts anew.
    """

    delta: float | None = None
    is_late: bool = False
    goes_back: bool = False  # the row before had a wrong clock
    is_ahead: bool = False  # further than is believed before a second row agrees
    forgets: bool = False  # all that is known of the series
    last: float | None = None  # the time of the row before it, for messages


class Clock(NamedTuple):
    """Time of the last row of a series; of the one before, where that is in doubt."""

    last: float | None = None
    before: float | None = None

    def step(self, time, limits):
        """What a row at this time is, and the clock after it."""
        last, before = self
        if last is None:
            return Step(forgets=True), Clock(time)
        known = last if before is None else before
        if time < known:
            return Step(is_late=True, last=last), self
        if time < last:  # so the last one was not as late as it said
            return self._moved(known, time, limits, goes_back=True, last=last)
        if before is not None:
            step, _ = self._moved(last, time, limits, last=last)
            return step._replace(is_ahead=False), Clock(time)
        return self._moved(last, time, limits, last=last)

    @staticmethod
    def _moved(start, time, limits, **facts):
        pause = time - start
        is_ahead = limits.jump is not None and pause > limits.jump
        forgets = limits.memory is not None and pause > limits.memory
        delta = None
        if not forgets and (limits.gap is None or pause <= limits.gap):
            delta = pause
        step = Step(delta, is_ahead=is_ahead, forgets=forgets, **facts)
        return step, Clock(time, start if is_ahead else None)


class Limits(NamedTuple):
    """Durations in the unit of the time values; None for no limit."""

    gap: float | None = None
    jump: float | None = None
    memory: float | None = None
    silence: float | None = None


@dataclass
class Memory:
    """The last scores of a series, of one MovingReference."""

    size: int
    logs: np.ndarray = field(default_factory=lambda: np.empty(0))

    def copy(self):
        return Memory(self.size, self.logs)  # an array that nobody changes

    def push(self, log):
        start = max(len(self.logs) + 1 - self.size, 0)
        self.logs = np.concatenate([self.logs[start:], [log]])


@dataclass
class Series:
    """The window that ends at the last row of a series, and the rows behind it."""

    window: np.ndarray  # (n_timesteps, n_outputs), NaN in front
    rows: np.ndarray  # the last rows as they came, the last one at the end
    n_rows: int = 0  # of these, how many there are
    n_in_window: int = 0
    times: list = field(default_factory=list)  # of the rows that are there
    from_training: bool = False
    memories: list = field(default_factory=list)
    firsts: list = field(default_factory=list)  # of each EachSeries, None or rows
    number: int = 0  # of its last row, of all rows of the stream
    alarm: object = None  # AlarmState, where there is a rule
    judged: float | None = None  # time of the last row with a score
    is_silent: bool = False
    before: object = None  # the Series before a row whose time is in doubt
    pending: tuple | None = None  # that row, for its alarm

    def copy(self):
        twin = self.twin()
        twin.window, twin.rows = self.window.copy(), self.rows.copy()
        return twin

    def twin(self):
        """A copy of which the arrays are to be replaced, not changed."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        twin.times = [*self.times]
        if self.firsts:
            twin.firsts = [first and first.copy() for first in self.firsts]
        if self.memories:
            twin.memories = [memory.copy() for memory in self.memories]
        if self.alarm is not None:
            twin.alarm = copy.copy(self.alarm)
        return twin

    @property
    def clock(self):
        last = self.times[-1] if self.times else None
        before = self.before
        return Clock(last, before.times[-1] if before is not None else None)

    def went_back(self):
        """The series before the row that was in doubt; first rows are kept as seen."""
        back = self.before.copy()
        back.firsts = self.firsts
        return back

    def start_anew(self):
        """Forget the rows, not what was said of them."""
        self.window[:] = np.nan
        self.rows[:] = np.nan
        self.n_rows = self.n_in_window = 0
        self.times = []
        for memory in self.memories:
            memory.logs = np.empty(0)

    def push(self, row, raw, step, time, duration):
        """Move on to the next row; tell whether the memories start anew with it."""
        was_training, n_before = self.from_training, self.n_rows
        self.from_training = False
        if time is not None and step.delta is None:
            self.window[:] = np.nan
            self.n_in_window = 0
        for kept, new in ((self.window, row), (self.rows, raw)):
            kept[:-1] = kept[1:]
            kept[-1] = new
        self.n_rows = min(self.n_rows + 1, len(self.rows))
        self.n_in_window = min(self.n_in_window + 1, len(self.window))
        if time is not None:
            self.times = [*self.times, time][-len(self.rows) :]
        if duration is not None:
            recent = self.times[-self.n_in_window :]
            self.n_in_window = sum(time - t < duration for t in recent)
            self.window[: len(self.window) - self.n_in_window] = np.nan
        if was_training:  # as MovingReference has it of a table
            return self.n_in_window - 1 != n_before
        return self.n_in_window == 1 and len(self.window) > 1

    def follow(self, window, rows, times):
        """Put in the rows that follow: what is kept with them, and their times."""
        n_new, n_kept = len(times), len(rows)
        self.window, self.rows = window, rows
        self.n_rows = min(self.n_rows + n_new, n_kept)
        self.n_in_window = min(self.n_in_window + n_new, len(window))
        if times[0] is not None:
            self.times = [*self.times, *times][-n_kept:]
