# SPDX-License-Identifier: BSD-3-Clause
"""The next row of a series that goes on as it did, straight through to its score."""

from operator import itemgetter
from types import SimpleNamespace

import numpy as np

from .._validation import LARGEST
from ..rows._keys import TEXT
from ._by_series import scaled
from ._rows import usual_time
from ._watch import ABOVE, IN_ALARM, N_RECENT, StreamEvent

_NUMBERS = {float, int, np.float64}
_BITS = [bytes([bits]) for bits in range(ABOVE + IN_ALARM + 1)]


def _all_small(values):
    """Whether there is nothing in an array that ``check_finite`` would refuse."""
    square = values.dot(values)
    if square == square:
        return square <= LARGEST**2
    return not (np.abs(values) > LARGEST).any()


def next_row_of(steps, rules):
    """A NextRow, or None where a row has to go the long way."""
    plan, limits = steps.plan, rules.limits
    is_simple = (
        steps.scalings is not None
        and plan.delta_scale is None
        and steps.reach.duration is None
        and limits.memory is None
        and limits.silence is None
        and not steps.columns.levels
        and len(plan.groups) <= 1
        and all(key.kind == TEXT for key in plan.groups)
        # What names a series, or tells the time, is no cell to be scaled.
        and (steps.raw_dtype is not object or not plan.keys)
    )
    return NextRow(steps, rules) if is_simple else None


class NextRow:
    """Does for one row what ``Taking`` does for any, where nothing is to be decided.

    What depends on no row is looked up once. A row that may start, end, or doubt
    anything, or be refused, is left to ``Taking``: then nothing has changed.
    """

    def __init__(self, steps, rules):
        plan, names = steps.plan, steps.columns.names
        self._steps, self._rules = steps, rules
        self._errors, self._scalings = steps.compiled_errors, steps.scalings
        self._n_columns, self._n_timesteps = steps.columns.number, steps.n_timesteps
        self._by_name = None if names is None else itemgetter(*names)
        is_all = plan.features == tuple(range(self._n_columns))
        self._features = None if is_all else itemgetter(*plan.features)
        self._time = None if plan.time is None else plan.time.column
        self._group = plan.groups[0].column if plan.groups else None
        self._shape = 1, steps.n_timesteps, steps.n_outputs
        self._keeps_cells = steps.raw_dtype is object
        self._limit = steps.limit if rules.has_threshold else np.inf
        self._level = np.inf if rules.level is None else rules.level.score

    def __reduce__(self):
        return next_row_of, (self._steps, self._rules)  # as an engine, not pickled

    def __call__(self, stream, row, group):
        """The score of a row; None of one that is to go the long way."""
        cells = self._cells(row)
        if cells is None:
            return None
        key = group
        if self._group is not None:
            key = cells[self._group]
            if group is not None or type(key) is not str:
                return None
        elif key is not None and type(key) is not str and type(key) is not int:
            return None
        series = stream._series.get(key)
        if series is None or series.from_training or series.before is not None:
            return None
        time, times = None, series.times
        if self._time is not None:
            time = usual_time(cells[self._time], self._rules.time_kind)
            if time is None or not times or not self._goes_on(times[-1], time):
                return None
            times = [*times, time][-len(series.rows) :]
        values = self._values(cells)
        if values is None:
            return None
        raw = cells if self._keeps_cells else values
        for center_and_scale in self._scalings:
            values = scaled(values, *center_and_scale)
            if not _all_small(values):
                return None
        windows = np.empty(self._shape, dtype=np.float32)
        window = windows[0]
        window[:-1] = series.window[1:]
        window[-1] = values
        score, memories = self._score(windows, series)
        alarm, events, bits = self._judge(series, key, time, score)
        counts = stream._counts
        recent, newest = counts.recent, counts.newest
        if bits is not None:
            recent = (recent + _BITS[bits])[-N_RECENT:]
        if time is not None and (newest is None or time > newest):
            newest = time
        n_rows = min(series.n_rows + 1, len(series.rows))
        n_in_window = min(series.n_in_window + 1, self._n_timesteps)
        # From here on nothing is called, so that no interrupt comes between.
        series.window, series.times, series.alarm = window, times, alarm
        series.memories = memories
        series.rows[:-1] = series.rows[1:]
        series.rows[-1] = raw
        series.n_rows, series.n_in_window = n_rows, n_in_window
        counts.n_rows += 1
        counts.n_without_data += score != score
        counts.recent, counts.newest = recent, newest
        series.number = counts.n_rows
        stream.events_, stream._last_window = events, windows
        return score

    def _cells(self, row):
        kind = type(row)
        if kind is dict:
            if self._by_name is None or len(row) != self._n_columns:
                return None
            try:
                return self._by_name(row)
            except KeyError:
                return None
        if kind is np.ndarray:
            row = row.tolist() if row.ndim == 1 and row.dtype.kind == "f" else ()
        elif kind is not list and kind is not tuple:
            return None
        return row if len(row) == self._n_columns else None

    def _goes_on(self, last, time):
        limits = self._rules.limits
        pause = time - last
        return (
            pause >= 0
            and (limits.jump is None or pause <= limits.jump)
            and (limits.gap is None or pause <= limits.gap)
        )

    def _values(self, cells):
        """The features of a row, an array, where nothing is wrong with them."""
        if self._features is not None:
            cells = self._features(cells)
        if not _NUMBERS.issuperset(map(type, cells)):
            return None
        try:
            values = np.array(cells, dtype=np.float64)
        except OverflowError:  # of an int
            return None
        return values if _all_small(values) else None

    def _score(self, windows, series):
        """The score of a window, and what is remembered of the series after it."""
        if self._errors is not None:
            return -float(self._errors(windows)[0]), series.memories
        after = SimpleNamespace(memories=[each.copy() for each in series.memories])
        return float(self._steps.score(windows, [after], [False])[0]), after.memories

    def _judge(self, series, key, time, score):
        """The alarm after a score, what happened, and its bits in the health."""
        rising, events = self._steps.rising(score), []
        flag = rising > self._limit
        is_on, alarm = flag, series.alarm
        if alarm is not None:
            given = rising
            if self._rules.alarm_on == "flag" and score == score:
                given = float(flag)
            alarm = alarm.__copy__()
            for event in alarm.step(given, time):
                shown = None if time is None else self._steps.show_time(time)
                events.append(StreamEvent(event.kind, key, 0, shown, event.alarm))
            is_on = alarm.is_on
        if score != score:
            return alarm, events, None
        return alarm, events, ABOVE * (rising > self._level) + IN_ALARM * is_on
