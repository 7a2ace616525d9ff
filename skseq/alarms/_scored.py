# SPDX-License-Identifier: BSD-3-Clause
"""Scores of a table with their alarms and events, in the order of the series."""

from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length

from ..rows._events import OrderedRows, Runs, check_values, event_labels
from ..rows._series import group_order
from ..rows._time import number_duration, ordered_time, typical_step
from ..rows._watched import row_durations


class Scored:
    """Rows with their scores, and what a rule makes of them.

    Parameters
    ----------
    rule : AlarmRule

    score : array-like of shape (n_rows,)

    y_true : array-like of shape (n_rows,) or None

    time : array-like of shape (n_rows,) or None

    groups : array-like of shape (n_rows,) or None

    Attributes
    ----------
    rows : OrderedRows
        Their order, in which all of the following stand.

    score : ndarray of float of shape (n_rows,)

    y_true : ndarray of bool of shape (n_rows,) or None

    time : pandas.Series of length n_rows or None
        As given.

    places : ndarray of shape (n_rows,)
        Times as numbers; row numbers without times.

    alarms : Runs

    peaks : ndarray of float of shape (n_alarms,)

    is_on : ndarray of bool of shape (n_alarms,)
        Whether the alarm was still on after the last row of its series.
    """

    def __init__(self, rule, score, y_true, time, groups):
        score = check_values(score, allow_nan=True)
        check_consistent_length(score, y_true, groups)
        self.rows = rows = OrderedRows(*group_order(groups, len(score)))
        self.score = score[rows.order]
        self.y_true = None
        if y_true is not None:
            self.y_true = event_labels(y_true, "y_true").astype(bool)[rows.order]
        self.groups = None if groups is None else pd.Series(groups).iloc[rows.order]
        self.time, self.places, self.kind = None, np.arange(len(score)), "none"
        if time is not None:
            self.places, as_duration = ordered_time(time, rows)
            self.kind = "numbers" if as_duration is number_duration else "datetimes"
            self.time = pd.Series(time).infer_objects().iloc[rows.order]
            self.time = self.time.reset_index(drop=True)
        self._run(rule)

    def _run(self, rule):
        """The alarms, by the machine that a stream has too."""
        alarms = []
        bounds = np.append(self.rows.series_starts, len(self.score)).tolist()
        for low, high in zip(bounds[:-1], bounds[1:], strict=True):
            state = rule.start()
            state.set_kind(self.kind)
            scores = self.score[low:high]
            ended = _ended(state, rule.on, scores, self.places[low:high].tolist())
            alarms += [(low, alarm, False) for alarm in ended]
            if state.alarm:
                alarms.append((low, state.alarm, True))
        self.alarms = Runs(
            np.array([low + alarm.first_row for low, alarm, _ in alarms], dtype=int),
            np.array([low + alarm.last_row + 1 for low, alarm, _ in alarms], dtype=int),
        )
        self.peaks = np.array([alarm.peak for _, alarm, _ in alarms], dtype=float)
        self.is_on = np.array([is_on for *_, is_on in alarms], dtype=bool)

    @cached_property
    def flags(self):
        changes = np.zeros(len(self.score) + 1, dtype=int)
        changes[self.alarms.starts] += 1
        changes[self.alarms.stops] -= 1
        return np.cumsum(changes)[:-1]

    @cached_property
    def events(self):
        return self.rows.runs(self.y_true)

    @cached_property
    def weights(self):
        """Time that each row stands for; 1 for rows of series that do not last."""
        weights = row_durations(self.places, self.rows)
        codes = self.rows.series_of(np.arange(len(weights)))
        return np.where(np.bincount(codes, weights)[codes] > 0, weights, 1.0)

    def series_of(self, rows):
        """Names of the series of some rows."""
        return self.groups.iloc[rows].reset_index(drop=True)

    def distance(self, first, last):
        """How far rows are apart: in rows, or in time."""
        distance = self.places[last] - self.places[first]
        if self.kind == "datetimes":
            return pd.Series(pd.to_timedelta(distance, unit="ns"))
        return pd.Series(distance)

    def place_columns(self, runs):
        """Columns that tell where runs of rows lie."""
        first, last = runs.starts, runs.stops - 1
        columns = {} if self.groups is None else {"series": self.series_of(first)}
        columns |= {"first_row": self.rows.order[first]}
        columns |= {"last_row": self.rows.order[last]}
        if self.time is None:
            return columns | {"duration": last - first + 1}
        for name, rows in (("start", first), ("end", last)):
            columns[name] = self.time.iloc[rows].reset_index(drop=True)
        # A row lasts until the next one, as a rule.
        step = typical_step(self.places, self.rows.series_starts) or 0
        step = (
            pd.Timedelta(round(step), unit="ns") if self.kind == "datetimes" else step
        )
        return columns | {"duration": self.distance(first, last) + step}


def _ended(state, on, scores, places):
    """Alarms that are over by the last row, of one series."""
    alarms = []
    missing = np.append(0, np.cumsum(np.isnan(scores))).tolist()
    above = np.flatnonzero(scores > on)
    # Where no alarm is on, the next row that can matter is one above the level.
    following = np.append(above, len(scores))[
        np.searchsorted(above, np.arange(len(scores)))
    ].tolist()
    scores = scores.tolist()
    row = 0
    while row < len(scores):
        if not state.is_on:
            after = following[row]
            state.pass_over(after - row, missing[after] - missing[row])
            row = after
            if row == len(scores):
                break
        events = state.step(scores[row], places[row])
        alarms += [event.alarm for event in events if event.kind == "end"]
        row += 1
    return alarms
