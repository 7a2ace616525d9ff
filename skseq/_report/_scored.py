# SPDX-License-Identifier: BSD-3-Clause
"""The scored rows: labels, series and times, and what each model makes of them."""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from ..alarms import AlarmRule
from ..metrics import (
    detection_delay,
    event_precision_recall_fscore_support,
    false_alarm_rate,
    false_alarm_share,
    time_in_alarm,
)
from ..rows._series import group_order


@dataclass(frozen=True)
class Rows:
    """Labels of the rows, in time order within each series."""

    y: np.ndarray  # of bool; False for all where none are known
    groups: np.ndarray | None = None
    time: pd.Series | None = None
    max_gap: object = None
    index: pd.Index | None = None  # what the rows are called
    n_not_judged: int = 0  # rows that were left out, as they have no score
    n_events_not_judged: int = 0  # rows of events among these
    labelled: bool = True

    def __len__(self):
        return len(self.y)

    def judged(self, flags):
        """The rows with a score, called what they were before."""
        index = pd.RangeIndex(len(self)) if self.index is None else self.index
        return Rows(
            self.y[flags],
            None if self.groups is None else self.groups[flags],
            None if self.time is None else self.time[flags].reset_index(drop=True),
            self.max_gap,
            index[flags],
            int((~flags).sum()),
            int(self.y[~flags].sum()),
            self.labelled,
        )

    @cached_property
    def _grouped(self):
        return group_order(self.groups, len(self))

    @property
    def order(self):
        """The rows, those of each series together."""
        return self._grouped[0]

    @property
    def series_starts(self):
        """Positions in this order at which each series starts."""
        return self._grouped[1]

    @cached_property
    def follows(self):
        """Tell of each row in this order whether it is the next one of its series."""
        follows = np.ones(len(self), dtype=bool)
        follows[self.series_starts] = False
        return follows

    @property
    def n_series(self):
        return len(self.series_starts)

    @cached_property
    def starts(self):
        """Positions in this order at which runs of rows of one label start."""
        changes = np.diff(self.y[self.order], prepend=False)
        return np.flatnonzero(changes | ~self.follows)

    @property
    def n_events(self):
        return int(self.y[self.order][self.starts].sum())

    @cached_property
    def has_dates(self):
        return self.time is not None and pd.api.types.is_datetime64_any_dtype(self.time)

    @property
    def unit(self):
        """What rates are counted in."""
        return "a day" if self.has_dates else "per 1,000 rows"

    @property
    def numbers(self):
        """What the rows are called, where that is by numbers; else their positions."""
        index = self.index
        if index is not None and index.dtype.kind in "iu" and index.is_unique:
            return index.to_numpy()
        return np.arange(len(self))

    def name(self, row):
        return f"{row if self.index is None else self.index[row]}"

    def label(self, row):
        """What to call a row."""
        parts = [] if self.time is None else [f"{self.time.iloc[row]}"]
        if self.n_series > 1:
            parts.append(f"series {self.groups[row]}")
        parts.append(f"row {self.name(row)}")
        return ", ".join(parts)

    @property
    def watched(self):
        """What measures need, to count in time."""
        watched = {"groups": self.groups}
        if self.has_dates:
            watched |= {"time": self.time, "max_gap": self.max_gap}
        return watched

    def false_alarm_rate(self, y_true, y_pred):
        return false_alarm_rate(y_true, y_pred, **self.watched)

    @cached_property
    def rate_of_one(self):
        """Rate of a single alarm."""
        one = np.arange(len(self)) == 0
        return self.false_alarm_rate(np.zeros_like(one), one)

    def share_in_alarm(self, alarm):
        """Share of the normal time that is in alarm; NaN where no time is normal."""
        if self.y.all():
            return np.nan
        if not self.y.any():
            return time_in_alarm(alarm, **self.watched)
        return false_alarm_share(self.y, alarm, **self.watched)

    def delay(self, alarm):
        """Median delay to the first alarm of an event: a Timedelta, or in rows."""
        time = self.time if self.has_dates else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            return detection_delay(self.y, alarm, groups=self.groups, time=time)[0]

    def found(self, alarm):
        """Flags of the events, in this order, that hold a row in alarm."""
        flags = np.asarray(alarm)[self.order].astype(int)
        hits = np.add.reduceat(flags, self.starts) > 0
        return hits[self.y[self.order][self.starts]]


@dataclass(frozen=True)
class Model:
    """Scores of the rows, higher for events, and the threshold in use."""

    name: str
    score: np.ndarray
    threshold: float | None
    is_simple: bool = False
    alarm_rule: AlarmRule | None = None  # of the classifier's flags
    alarm: np.ndarray | None = None  # flags of the rows in alarm

    def judged(self, flags):
        return replace(self, score=self.score[flags])

    @property
    def rule(self):
        """What makes alarms of the scores; None without a threshold."""
        if self.threshold is None:
            return None
        rule = AlarmRule() if self.alarm_rule is None else clone(self.alarm_rule)
        return rule.set_params(on=self.threshold, off=None)

    def raised(self, rows):
        """With the flags of the rows in alarm."""
        if self.threshold is None:
            return self
        time = {} if rows.time is None else {"time": rows.time}
        flags = self.rule.flag(self.score, groups=rows.groups, **time)
        return replace(self, alarm=flags.astype(bool))

    def measures(self, rows):
        """Figures of the table; NaN for what these rows cannot tell."""
        if not rows.labelled:
            return self._unlabelled(rows)
        y, has_both = rows.y, rows.y.any() and not rows.y.all()
        figures = {
            "average precision": np.nan,
            "ROC AUC": np.nan,
            "precision": np.nan,
            "recall": np.nan,
            "events found": np.nan,
            "event precision": np.nan,
            "median detection delay": np.nan,
            "false alarms": np.nan,
            "normal time in alarm": np.nan,
        }
        if has_both:
            figures["average precision"] = average_precision_score(y, self.score)
            figures["ROC AUC"] = roc_auc_score(y, self.score)
        if self.threshold is None:
            return figures
        figures["false alarms"] = rows.false_alarm_rate(y, self.alarm)
        figures["normal time in alarm"] = rows.share_in_alarm(self.alarm)
        if y.any():
            figures |= self._at_threshold(rows, self.alarm)
        return figures

    def _unlabelled(self, rows):
        figures = {"alarms": np.nan, "time in alarm": np.nan}
        if self.threshold is not None:
            figures["alarms"] = rows.false_alarm_rate(rows.y, self.alarm)
            figures["time in alarm"] = rows.share_in_alarm(self.alarm)
        return figures

    @staticmethod
    def _at_threshold(rows, alarm):
        precision, recall, *_ = precision_recall_fscore_support(
            rows.y, alarm, average="binary", zero_division=np.nan
        )
        right, *_ = event_precision_recall_fscore_support(
            rows.y, alarm, groups=rows.groups, zero_division=np.nan
        )
        return {
            "precision": precision,
            "recall": recall,
            "events found": rows.found(alarm).sum(),
            "event precision": right,
            "median detection delay": rows.delay(alarm),
        }
