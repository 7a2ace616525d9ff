# SPDX-License-Identifier: BSD-3-Clause
"""The rows of one call of a stream, which are taken in as a whole or not at all."""

from dataclasses import dataclass, replace
from itertools import repeat
from typing import NamedTuple

import numpy as np
import pandas as pd

from .._warnings import warn
from ..engines._batches import CHUNK
from ..rows._time import HOUR, LOCAL
from ._at_once import Following
from ._series import Clock, Step
from ._watch import Watch

NEVER = float("inf")


@dataclass
class Counts:
    """What a stream counts, over all of its series."""

    n_rows: int = 0
    n_late: int = 0
    n_ahead: int = 0
    n_without_data: int = 0
    newest: float | None = None  # time of the latest row that is believed
    silent_after: float = NEVER  # no series is silent before this time
    old_after: float = -NEVER  # nor old enough to be forgotten before this
    recent: bytes = b""  # of the last rows with a score: bits of ABOVE and IN_ALARM


class _Entry(NamedTuple):
    """A row on its way to a score."""

    row: int
    key: object
    series: object
    step: Step
    time: float | None
    starts_anew: bool


class Taking(Watch):
    """Works on copies of what a stream keeps, until all has gone well.

    Parameters
    ----------
    stream : StreamScorer

    keeps_windows : bool, default=False
        Whether to keep the windows of all rows that are scored, in ``windows``.
    """

    def __init__(self, stream, *, keeps_windows=False):
        self.steps, self.rules = stream._steps, stream._rules
        self.known, self.counts = stream._series, replace(stream._counts)
        self.before = stream._counts
        self.touched, self.gone, self.events = {}, [], []
        self.last_window = stream._last_window
        self.windows = [] if keeps_windows else None
        self._late = self._ahead = None  # the first of each, for the warning

    def own(self, key):
        """The series of this name, to be changed: a copy, or a new one."""
        if key not in self.touched:
            series = self.known.get(key)
            if series is None:
                series = self.rules.new_series(self.steps)
            else:
                series = series.copy()
            self.touched[key] = series
        return self.touched[key]

    def look_at_times(self, keys, times):
        """What the time of each row says of it; an error for the first late one."""
        if not self.steps.has_time:
            return [Step()] * len(keys)
        clocks, steps, limits = {}, [], self.rules.limits
        for row, (key, time) in enumerate(zip(keys, times, strict=True)):
            clock = clocks[key] if key in clocks else self._clock(key, time)
            step, clocks[key] = clock.step(time, limits)
            if step.is_late and self.rules.on_late == "raise":
                raise ValueError(
                    f"{self._words(row, key)} comes late: "
                    f"{self._late_words(key, time, step.last)} Sort the "
                    "rows by time, or leave out such rows with on_late='drop'."
                )
            if step.is_late and self._late is None:
                self._late = row, key, time, step
            if step.goes_back and self._ahead is None:
                self._ahead = row, key, time, step
            steps.append(step)
        return steps

    def _clock(self, key, time):
        series = self.touched.get(key, self.known.get(key))
        if series is None or not series.times:
            return Clock()
        clock = series.clock
        # Rows that are no later than the training are another table.
        return Clock() if series.from_training and time <= clock.last else clock

    def first_rows(self, keys, steps):
        """For each row, where the first rows of its series are kept."""
        now = {}
        for key, step in zip(keys, steps, strict=True):
            if step.forgets:
                now[key] = self.steps.first_rows()
            elif key not in now:
                now[key] = self.own(key).firsts
            yield now[key]

    def take(self, keys, times, features, raw):
        """Take in rows; the places of those that are not late, and their scores."""
        scores = self._score_at_once(features, raw, keys, times)
        if scores is not None:
            return range(len(keys)), scores
        steps = self.look_at_times(keys, times)
        kept = [row for row, step in enumerate(steps) if not step.is_late]
        self.counts.n_late += len(steps) - len(kept)
        if not kept:
            return kept, np.empty(0)
        if len(kept) < len(steps):
            keys, times, steps = (
                [part[k] for k in kept] for part in (keys, times, steps)
            )
            features, raw = features[kept], raw[kept]
            scores = self._score_at_once(features, raw, keys, times)
            if scores is not None:
                return kept, scores
        firsts = [*self.first_rows(keys, steps)]
        deltas = [step.delta for step in steps]
        rows = self.steps.finish(features, deltas, keys, firsts)
        return kept, self._score(rows, raw, keys, times, steps, firsts)

    def fill(self, keys, times, features, raw):
        """Put rows into the windows without a score, and without a doubt of them."""
        steps = self.look_at_times(keys, times)
        steps = [step._replace(is_ahead=False, goes_back=False) for step in steps]
        firsts = [*self.first_rows(keys, steps)]
        deltas = [step.delta for step in steps]
        rows = self.steps.finish(features, deltas, keys, firsts)
        for k, step in enumerate(steps):
            self._push(keys[k], rows[k], raw[k], times[k], step)[0].firsts = firsts[k]
        self.counts = replace(self.before)

    def _score(self, rows, raw, keys, times, steps, firsts):
        """Scores of rows of which none is late, in order."""
        scores, part = np.full(len(rows), np.nan), []
        shape = min(len(rows), CHUNK), self.steps.n_timesteps, self.steps.n_outputs
        windows = np.empty(shape, dtype=np.float32)
        for k, step in enumerate(steps):
            if part and (len(part) == CHUNK or step.is_ahead or step.goes_back):
                self._finish(part, windows, scores)
                part = []
            series, anew = self._push(keys[k], rows[k], raw[k], times[k], step)
            series.firsts = firsts[k]
            windows[len(part)] = series.window
            part.append(_Entry(k, keys[k], series, step, times[k], anew))
        self._finish(part, windows, scores)
        return scores

    def _score_at_once(self, features, raw, keys, times):
        """The same as ``_score``, for all rows of a series at once.

        None where they do more than to follow on those of their series.
        """
        following = Following.of(keys)
        series = self._going_on(following.names)
        deltas = following.deltas(series, times, self.rules.limits) if series else None
        if deltas is None:
            return None
        self.touched = dict(zip(following.names, series, strict=True))
        of_rows = [series[k] for k in following.numbers.tolist()]
        firsts = [s.firsts for s in of_rows]
        rows = self.steps.finish(features, deltas, keys, firsts)
        table, ends = following.joined([s.window for s in series], rows)
        n_timesteps, anew = self.steps.n_timesteps, np.zeros(len(rows), dtype=bool)
        anew[following.firsts] = [s.n_in_window == 0 < n_timesteps - 1 for s in series]
        self._put_in(series, following, table, ends, raw, times)
        scores = np.empty(len(rows))
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            windows = _up_to(ends[part], n_timesteps, table)
            scores[part] = self.steps.score(windows, of_rows[part], anew[part])
            if self.windows is not None:
                self.windows.append(windows)
        self.last_window = windows[-1:].copy()
        steps = repeat(Step())
        entries = map(_Entry, range(len(rows)), keys, of_rows, steps, times, anew)
        self.see_all(entries, scores, times)
        return scores

    def _going_on(self, names):
        """The series of these names, to be changed; none where one may not go on."""
        if self.steps.reach.duration is not None:
            return []
        series = [self.known.get(name) for name in names]
        if self.steps.has_time and None in series:
            return []
        new = self.rules.new_series
        return [new(self.steps) if s is None else s.twin() for s in series]

    def _put_in(self, series, following, table, ends, raw, times):
        """Let series go on to their last rows; ``ends`` are the windows' in a table."""
        lasts, bounds = following.lasts, following.bounds.tolist()
        windows = _up_to(ends[lasts], self.steps.n_timesteps, table)
        table, ends = following.joined([s.rows for s in series], raw)
        rows = _up_to(ends[lasts], len(series[0].rows), table)
        times = [times[k] for k in following.order.tolist()]
        numbers = (self.counts.n_rows + lasts + 1).tolist()
        for k, one in enumerate(series):
            # Copies: a part of an array keeps all of it in memory.
            new = times[bounds[k] : bounds[k + 1]]
            one.follow(windows[k].copy(), rows[k].copy(), new)
            one.number = numbers[k]
        self.counts.n_rows += len(times)

    def explain(self):
        """What the scores of the rows that were kept are made of, as a frame."""
        if self.windows:
            return self.steps.explain(np.concatenate(self.windows))
        return pd.DataFrame()

    def _push(self, key, row, raw, time, step):
        series = self.own(key)
        if step.goes_back:
            series = self.touched[key] = series.went_back()
            self.counts.n_ahead += 1
        doubted = series.copy() if step.is_ahead else None
        series.before = doubted
        if step.forgets and series.n_rows:
            series.start_anew()
            self.end_alarm(key, series)
            series.alarm, series.judged = self.rules.new_alarm(), None
            series.is_silent = False
        self.counts.n_rows += 1
        series.number = self.counts.n_rows
        duration = self.steps.reach.duration
        return series, series.push(row, raw, step, time, duration)

    def _finish(self, part, windows, scores):
        """Score the windows of some rows, and see what that means for alarms."""
        if not part:
            return
        windows = windows[: len(part)]
        series = [entry.series for entry in part]
        anew = [entry.starts_anew for entry in part]
        found = self.steps.score(windows, series, anew)
        scores[part[0].row : part[-1].row + 1] = found
        self.last_window = windows[-1:].copy()
        if self.windows is not None:
            self.windows.append(windows.copy())
        values = self.rules.alarm_values(self.steps, found)
        for entry, *judged in zip(part, found.tolist(), *values, strict=True):
            self.see(entry, *judged)

    def end(self):
        """Forget what is to be forgotten, and warn, while nothing is taken in yet."""
        self.look_for_silence()
        self._find_gone()
        self._warn()

    def _find_gone(self):
        counts, limit = self.counts, self.rules.limits.memory
        everyone = None
        if limit is not None and counts.newest is not None:
            if counts.newest > counts.old_after:
                everyone = self.everyone()
                last = {k: s.times[-1] for k, s in everyone.items() if s.times}
                old = [k for k, t in last.items() if counts.newest - t > limit]
                self.gone += [k for k in old if everyone[k].before is None]
                # Looked for again when a tenth of the time has gone by.
                counts.old_after = counts.newest + limit / 10
        most = self.rules.max_series
        if most is not None and len(self.known) + len(self.touched) > most:
            everyone = self.everyone() if everyone is None else everyone
            gone = {*self.gone}
            kept = [k for k in everyone if k not in gone]
            kept.sort(key=lambda k: everyone[k].number)
            self.gone += kept[: max(len(kept) - most, 0)]
        for key in self.gone:
            self.end_alarm(key, everyone[key])

    def everyone(self):
        return {**self.known, **self.touched}

    def _warn(self):
        """Warn of rows that were dropped: the first time, and at powers of ten."""
        if _reaches(self.before.n_late, self.counts.n_late):
            row, key, time, step = self._late
            warn(
                f"{self.counts.n_late} row(s) of the stream came late and were "
                f"dropped, such as {self._words(row, key).lower()}: "
                f"{self._late_words(key, time, step.last)}"
            )
        if _reaches(self.before.n_ahead, self.counts.n_ahead):
            row, key, time, step = self._ahead
            show = self.steps.show_time
            warn(
                f"{self.counts.n_ahead} row(s) of the stream had a time too far ahead, "
                f"such as {show(step.last)}, after which "
                f"{self._words(row, key).lower()} came with {show(time)}. They are "
                "left out of the windows that follow. Set the clock right, or give a "
                "longer 'max_jump'."
            )

    @staticmethod
    def _words(row, key):
        return f"Row {row}" + ("" if key is None else f" of the series {key!r}")

    def _late_words(self, key, time, last):
        shown, before = self.steps.show_time(time), self.steps.show_time(last)
        name = "" if key is None else repr(key)
        words = (
            f"its time {shown} is before {before}, that of the last row. Where that "
            f"one had a wrong clock, go on with forget({name}) of the stream."
        )
        if self.steps.plan.time.kind == LOCAL and last - time <= HOUR:
            words += (
                " Where it is local time that is set back by an hour, as at the end of "
                "summer time, give the column its time zone with Series.dt.tz_localize,"
                " or record the time in UTC."
            )
        return words


def _up_to(ends, n_rows, table):
    """So many rows of a table up to each of these: (n_ends, n_rows, n_columns)."""
    return table[ends[:, np.newaxis] + np.arange(1 - n_rows, 1)]


def _reaches(before, after):
    """Whether a count has come to 1, 10, 100, ..."""
    return after > before and (not before or len(str(after)) > len(str(before)))
