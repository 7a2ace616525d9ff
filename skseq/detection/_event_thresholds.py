# SPDX-License-Identifier: BSD-3-Clause
"""Cut-offs by what people on shift notice: events found, and false alarms.

Both are counted as ``event_precision_recall_fscore_support`` and ``false_alarm_rate``
of ``skseq.metrics`` do by default: a run of flagged rows is one alarm, and an event is
found by any of its rows.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .._validation import is_windows
from ..alarms import AlarmRule
from ..rows._events import OrderedRows
from ..rows._false_rows import false_beyond, rows_beside_events
from ..rows._time import is_duration, ordered_time
from ..rows._watched import row_durations

# Cut-offs that are tried, at most; as many as there are distinct scores below that.
_MAX_CUTS = 1000
_MAX_CUTS_OF_A_RULE = 200  # which is followed row by row
# Where a cut-off flags so many times the share of events, these do not stand out.
MAX_SHARES = 10


class _Points(NamedTuple):
    """Counts at cut-offs, from "flag nothing" downwards."""

    threshold: np.ndarray
    n_found: np.ndarray
    n_false: np.ndarray
    precision: np.ndarray
    flagged: np.ndarray  # share of the rows, before any alarm rule


@dataclass(frozen=True)
class Watched:
    """How held-out windows follow each other, and what makes alarms of their flags."""

    rows: OrderedRows
    time: np.ndarray | None = None  # in the order of the windows
    alarm_rule: AlarmRule | None = None

    @classmethod
    def of(cls, X, alarm_rule=None):
        """Of windows; those of an array are one series, in order."""
        n_samples = len(X)
        if not is_windows(X):
            rows = OrderedRows(np.arange(n_samples), np.zeros(1, dtype=int))
            return cls(rows, None, alarm_rule)
        order = np.lexsort((X.ends, X.series))
        starts = np.flatnonzero(np.diff(X.series[order], prepend=-1))
        time = None if X.times is None else X.times[X.ends]
        return cls(OrderedRows(order, starts), time, alarm_rule)

    def keep(self, kept):
        """Of some of the windows: a flag for each."""
        kept_rows = self.rows.keep(kept[self.rows.order])
        place = np.cumsum(kept) - 1
        rows = OrderedRows(place[kept_rows.order], kept_rows.series_starts)
        time = None if self.time is None else self.time[kept]
        return replace(self, rows=rows, time=time)

    def alarms(self, flags):
        """Rows in alarm, of flags in the order of ``rows``."""
        if self.alarm_rule is None:
            return flags
        time = None if self.time is None else self.time[self.rows.order]
        series = self.rows.series_of(np.arange(len(flags)))
        return self.alarm_rule.flag(flags, time=time, groups=series).astype(bool)

    def span(self, per):
        """How often ``per``, a number of rows or a duration, fits in what was watched.

        A row stands for the time until the next, as in ``false_alarm_rate``.
        """
        if not is_duration(per):
            return self.rows.n_rows / per
        if self.time is None:
            raise ValueError(
                f"The 'threshold' parameter counts alarms per {per!r}, but the windows "
                "do not tell the time. Name the column that holds it in SlidingWindow "
                "by 'time', or give an int, a number of rows."
            )
        places, as_duration = ordered_time(self.time, self.rows)
        return row_durations(places, self.rows).sum() / as_duration(per, "threshold")


def check_alarms(rule, watched):
    """Raise, before anything is fitted, where alarms cannot be counted by a rule.

    ``rule`` is of ``check_rule``.
    """
    if rule[0] == "alarms_per":
        watched.span(rule[1][1])
    alarm_rule = watched.alarm_rule
    if alarm_rule is None:
        return
    for name in ("on", "off"):
        level = getattr(alarm_rule, name)
        if level is not None and not 0 <= level < 1:
            raise ValueError(
                f"The 'alarm_rule' has {name}={level!r}, but it is given flags, 1 "
                "above the threshold and 0 below: its 'on' and 'off' must be in "
                "[0, 1), or left as they are."
            )
    watched.alarms(np.zeros(watched.rows.n_rows, dtype=bool))


class _Counter:
    """Counts events and alarms of held-out windows at a cut-off."""

    def __init__(self, y, score, watched):
        self.watched, self.rows = watched, watched.rows
        self.y, self.score = y[self.rows.order], score[self.rows.order]
        self.events = self.rows.runs(self.y)
        self.beside = rows_beside_events(self.y, self.rows, "auto")

    def cuts(self):
        """Cut-offs to try, decreasing: the first flags nothing, the last all.

        Close together where few rows are flagged, and just below the highest score of
        each event, where it is found.
        """
        distinct = np.unique(self.score)[::-1]
        middle = distinct[1:] / 2 + distinct[:-1] / 2
        parts = (distinct[1:] < middle) & (middle < distinct[:-1])
        lowest = np.nextafter(distinct[-1], -np.inf)
        cuts = np.concatenate(
            [distinct[:1], np.where(parts, middle, distinct[1:]), [lowest]]
        )
        limit = _MAX_CUTS if self.watched.alarm_rule is None else _MAX_CUTS_OF_A_RULE
        if len(cuts) <= limit:
            return cuts
        runs = zip(*self.events, strict=True)
        peaks = np.unique([-self.score[start:stop].max() for start, stop in runs])
        just_below = np.searchsorted(-distinct, peaks) + 1
        thinned = np.linspace(0, len(peaks) - 1, min(len(peaks), limit // 2))
        ranks = np.geomspace(1, len(self.score), limit // 2).astype(int) - 1
        of_ranks = np.searchsorted(-distinct, -np.sort(self.score)[::-1][ranks]) + 1
        chosen = np.concatenate([[0], just_below[thinned.astype(int)], of_ranks])
        return cuts[np.unique(chosen)]

    def points(self):
        cuts = self.cuts()
        counts = (self._at(self.score > cut) for cut in cuts)
        return _Points(cuts, *map(np.array, zip(*counts, strict=True)))

    def _at(self, flags):
        in_alarm = self.watched.alarms(flags)
        false = false_beyond(self.beside, self.y, in_alarm, self.rows)
        alarms = self.rows.runs(in_alarm)
        hits, beyond = alarms.count(self.y), alarms.count(false)
        return (
            np.count_nonzero(self.events.count(in_alarm)),
            len(self.rows.runs(false)),
            np.mean(hits / (hits + beyond)) if len(alarms) else 0.0,
            flags.mean(),
        )


def _points(y, score, watched):
    y, score = np.asarray(y, dtype=bool), np.asarray(score, dtype=np.float64)
    counter = _Counter(y, score, watched)
    return counter.points(), len(counter.events)


def _middle_of_best(points, objective):
    """Middle one of the highest cut-offs that are equally good.

    Between the least score that finds an event and the highest that is a false alarm
    all are: at either end the next event, or the next row, is missed or flagged.
    """
    first = np.argmax(objective)
    worse = objective[first:] < objective[first]
    stop = np.argmax(worse) if worse.any() else len(worse)
    return float(points.threshold[first + (stop - 1) // 2])


def event_fbeta_threshold(y, score, watched, beta):
    """Cut-off with the highest F-beta of alarms and events."""
    points, n_events = _points(y, score, watched)
    weight = min(float(beta), 1e100) ** 2  # more cannot be told from recall alone
    recall = points.n_found / max(n_events, 1)
    total = weight * points.precision + recall
    fbeta = (1 + weight) * points.precision * recall / np.where(total, total, 1)
    return _middle_of_best(points, fbeta)


def event_cost_threshold(y, score, watched, per_alarm, per_missed_event):
    """Cut-off with the lowest total cost of false alarms and missed events.

    One alarm that never stops would be cheap: of the cut-offs, those that flag more
    than ten times the share of events are left out.
    """
    points, n_events = _points(y, score, watched)
    high = max(per_alarm, per_missed_event)
    cost = per_alarm / high * points.n_false
    cost += per_missed_event / high * (n_events - points.n_found)
    cost[points.flagged > MAX_SHARES * np.mean(y)] = np.inf
    return _middle_of_best(points, -cost)


def alarms_per_threshold(y, score, watched, n_alarms, per):
    """Lowest cut-off with no more false alarms in so many rows, or so much time.

    No higher one may have more, as an alarm that never stops is a single one. Where no
    row is normal, all count as such.
    """
    y = np.asarray(y, dtype=bool)
    points, _ = _points(y & ~y.all(), score, watched)
    too_many = points.n_false > n_alarms * watched.span(per)
    stop = np.argmax(too_many) if too_many.any() else len(too_many)
    return float(points.threshold[stop - 1])
