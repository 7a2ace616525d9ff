# SPDX-License-Identifier: BSD-3-Clause
"""The state of a stream as plain values, and back."""

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from numbers import Integral, Real

import numpy as np
import pandas as pd

from ..rows._time import NUMBERS
from ._by_series import FirstRows
from ._fingerprint import fingerprint
from ._taking import NEVER, Counts, Taking
from ._watch import N_RECENT

_FORMAT = 1


def _expect(condition, message):
    if not condition:
        raise ValueError(f"'state' is not valid: {message}")


@contextlib.contextmanager
def _reading():
    """Whatever is wrong with a state is a ValueError that says so."""
    wrong = ArithmeticError, AttributeError, LookupError, TypeError, ValueError
    try:
        yield
    except wrong as error:
        if str(error).startswith("'state'"):
            raise
        raise ValueError(f"'state' is not valid: {error}") from error


def _count(value, name):
    is_count = isinstance(value, Integral) and not isinstance(value, bool)
    _expect(is_count and value >= 0, f"{name} is {value!r}, not a count")
    return int(value)


def _flag(value, name):
    _expect(isinstance(value, bool), f"{name} is {value!r}, not a bool")
    return value


def _plain(cell):
    """A cell that JSON can hold, and the stream reads as the same."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    plain = cell is None or isinstance(cell, (bool, int, float, str))
    return cell if plain else None if cell is pd.NaT or cell is pd.NA else str(cell)


class State:
    """Gives and takes the state of a stream."""

    def __init__(self, stream):
        self._stream, self._steps, self._rules = stream, stream._steps, stream._rules

    def give(self):
        stream = self._stream
        counts = asdict(stream._counts)
        counts["recent"] = [*counts["recent"]]
        for name in ("silent_after", "old_after"):
            del counts[name]  # looked for anew
        return {
            "format": _FORMAT,
            "model": fingerprint(stream.estimator),
            "columns": self._columns(),
            "rule": self._rule(),
            "counts": counts,
            "names": list(stream._series),
            "series": [self._give_one(s) for s in stream._series.values()],
        }

    def _columns(self):
        """What another estimator must have been fitted on to take these rows."""
        steps, plan = self._steps, self._steps.plan
        names = steps.columns.names
        return {
            "names": None if names is None else [str(name) for name in names],
            "n_raw": steps.n_raw,
            "features": [int(k) for k in plan.features],
            "time": plan.time.kind if steps.has_time else None,
            "group_by": [str(key.name) for key in plan.groups],
            "as_cells": steps.raw_dtype is object,
        }

    def _rule(self):
        rule = self._rules.alarm_rule
        if rule is None:
            return None
        named = {name: _plain(v) for name, v in rule.get_params().items()}
        return named | {"alarm_on": self._rules.alarm_on}

    def _give_one(self, series):
        rows = series.rows[len(series.rows) - series.n_rows :]
        if rows.dtype == object:
            rows = [[_plain(cell) for cell in row] for row in rows]
        else:
            rows = rows.copy()
        return {
            "window": series.window.copy(),
            "rows": rows,
            "n_in_window": series.n_in_window,
            "times": [*series.times],
            "from_training": series.from_training,
            "number": series.number,
            "memories": [memory.logs.copy() for memory in series.memories],
            "firsts": [
                None if f is None else [*map(list, f.rows)] for f in series.firsts
            ],
            "alarm": None if series.alarm is None else series.alarm.get_state(),
            "judged": series.judged,
            "is_silent": series.is_silent,
            "before": None if series.before is None else self._give_one(series.before),
            "pending": None if series.pending is None else [*series.pending],
        }

    def take(self, state):
        """Counts and series of a state of the same estimator and alarm rule."""
        self._check_form(state)
        if state["model"] != fingerprint(self._stream.estimator):
            raise ValueError(
                "'state' is of a stream of another estimator, whose windows and scores "
                "mean something else. Go on with the rows that it keeps: "
                "StreamScorer(estimator).continue_from(state)."
            )
        if state["rule"] != self._rule():
            raise ValueError(
                f"'state' is of a stream with the alarm rule {state['rule']}, and this "
                f"one has {self._rule()}. Give the same to StreamScorer, or go on with "
                "continue_from(state)."
            )
        with _reading():
            names = self._names(state["names"])
            found = [self._take_one(series) for series in state["series"]]
            counts = self._take_counts(state["counts"])
        _expect(len(names) == len(found), "it has not a series for each name")
        return counts, dict(zip(names, found, strict=True))

    def _check_form(self, state):
        _expect(isinstance(state, Mapping), f"it is a {type(state).__name__}")
        expected = {"format", "model", "columns", "rule", "counts", "names", "series"}
        missing = sorted(expected - state.keys())
        _expect(not missing, f"it has no {missing[:1]}")
        _expect(state["format"] == _FORMAT, f"its format is {state['format']!r}")
        for name in ("names", "series"):
            _expect(isinstance(state[name], list), f"its {name} are not a list")

    def _names(self, names):
        names = [tuple(n) if isinstance(n, list) else n for n in names]
        _expect(len({*names}) == len(names), "a name is there twice")
        for name in names:
            self._steps.check_name(name)
        return names

    def _take_counts(self, counts):
        given = dict(counts)
        recent, newest = given.pop("recent"), given.pop("newest")
        _expect(
            isinstance(recent, list) and len(recent) <= N_RECENT,
            "the recent rows are not a short list",
        )
        _expect(all(_count(k, "a recent row") <= 3 for k in recent), "a recent row")
        newest = None if newest is None else self._time(newest)
        counts = Counts(recent=bytes(recent), newest=newest, silent_after=-NEVER)
        return replace(counts, **{name: _count(n, name) for name, n in given.items()})

    def _time(self, value):
        kind = self._steps.plan.time.kind if self._steps.has_time else None
        expected = Real if kind == NUMBERS else Integral
        is_time = isinstance(value, expected) and not isinstance(value, bool)
        _expect(is_time and np.isfinite(value), f"{value!r} is no time of this stream")
        return value

    def _take_one(self, given, *, is_before=False):
        series = self._rules.new_series(self._steps)
        window = np.asarray(given["window"])
        _expect(window.dtype.kind in "fiu", f"a window is of dtype {window.dtype}")
        _expect(
            window.shape == series.window.shape,
            f"a window has the shape {window.shape}, and this stream keeps "
            f"{series.window.shape}",
        )
        _expect(not np.isinf(window).any(), "a window holds infinity")
        series.window[:] = window
        self._take_rows(series, given)
        series.from_training = _flag(given["from_training"], "from_training")
        series.number = _count(given["number"], "number")
        self._take_memories(series, given)
        series.is_silent = _flag(given["is_silent"], "is_silent")
        judged, pending = given["judged"], given["pending"]
        series.judged = None if judged is None else self._time(judged)
        if series.alarm is not None:
            series.alarm = self._rules.alarm_from(given["alarm"])
        if given["before"] is not None:
            _expect(not is_before, "a series goes back twice")
            series.before = self._take_one(given["before"], is_before=True)
            _expect(series.before.times and series.times, "a doubt without a time")
        if pending is not None:
            time, *values = pending
            _expect(len(values) == 4, "a pending row has not four values")
            values = [bool(v) if k > 1 else float(v) for k, v in enumerate(values)]
            series.pending = self._time(time), *values
        return series

    def _take_rows(self, series, given):
        rows, times = self._rows_and_times(given)
        n_rows, most = len(rows), len(series.rows)
        _expect(n_rows <= most, f"a series has {n_rows} rows, of {most}")
        if n_rows:
            series.rows[most - n_rows :] = rows
        series.n_rows, series.times = n_rows, times
        series.n_in_window = _count(given["n_in_window"], "n_in_window")
        _expect(
            series.n_in_window <= min(n_rows, len(series.window)),
            f"{series.n_in_window} rows are in a window, of {n_rows}",
        )

    def _rows_and_times(self, given):
        """The rows as they came, an array, and their times; both checked."""
        steps, times = self._steps, given["times"]
        rows = np.empty((len(given["rows"]), steps.n_raw), dtype=object)
        for k, row in enumerate(given["rows"]):
            _expect(len(row) == steps.n_raw, f"a row has {len(row)} cells")
            rows[k] = list(row)
        _expect(isinstance(times, list), "the times of a series are not a list")
        times = [self._time(time) for time in times]
        _expect(
            len(times) == (len(rows) if steps.has_time else 0),
            f"a series has {len(times)} times and {len(rows)} rows",
        )
        _expect(times == sorted(times), "times of a series decrease")
        return rows.astype(steps.raw_dtype), times

    def _take_memories(self, series, given):
        _expect(
            len(given["memories"]) == len(series.memories)
            and len(given["firsts"]) == len(series.firsts),
            "a series remembers what this estimator does not ask for",
        )
        for memory, logs in zip(series.memories, given["memories"], strict=True):
            logs = np.array(logs, dtype=np.float64)
            _expect(logs.ndim == 1 and len(logs) <= memory.size, "a memory is too long")
            memory.logs = logs
        for k, rows in enumerate(given["firsts"]):
            first = series.firsts[k]
            _expect((rows is None) == (first is None), "first rows of no EachSeries")
            if first is not None:
                rows = [np.asarray(row, dtype=np.float64) for row in rows]
                _expect(len(rows) <= first.most, "there are too many first rows")
                series.firsts[k] = FirstRows(first.most, rows)

    def transform(self, state):
        """Counts and series of a state of an estimator of the same columns."""
        self._check_form(state)
        columns = self._columns()
        if state["columns"] != columns:
            raise ValueError(
                f"'state' is of a stream of the columns {state['columns']}, and this "
                f"one takes {columns}. Only rows of the same columns can go on."
            )
        taking, rules = Taking(self._stream), self._rules
        with _reading():
            names = self._names(state["names"])
            counts = replace(self._take_counts(state["counts"]), recent=b"")
            for name, given in zip(names, state["series"], strict=True):
                if self._is_newer(name, given["times"]):
                    self._refill(taking, name, given)
        for name, given in zip(names, state["series"], strict=True):
            series = taking.touched.get(name)
            if series is not None and state["rule"] == self._rule() is not None:
                series.alarm = rules.alarm_from(given["alarm"])
        series = taking.everyone()
        return counts, {key: s for key, s in series.items() if s.n_rows}

    def _is_newer(self, name, times):
        """Whether the state holds later rows than the training of this estimator."""
        known = self._stream._series.get(name)
        if known is None or not known.times or not times:
            return True
        return self._time(times[-1]) >= known.times[-1]

    def _refill(self, taking, name, given):
        """Put the rows of a series into windows of this estimator."""
        rows, times = self._rows_and_times(given)
        features = rows
        if rows.dtype == object:
            # Of rows of the training of the other estimator no cell is known.
            kept = [k for k, row in enumerate(rows) if any(c is not None for c in row)]
            rows, times = rows[kept], [times[k] for k in kept] if times else []
            if not kept:
                return
            features = self._steps.features(self._steps.before(rows))
        taking.touched[name] = self._rules.new_series(self._steps)
        taking.fill([name] * len(rows), times or [None] * len(rows), features, rows)
        filled = taking.touched[name]
        filled.judged = None if given["judged"] is None else self._time(given["judged"])
        filled.is_silent = _flag(given["is_silent"], "is_silent")
        filled.number = _count(given["number"], "number")
