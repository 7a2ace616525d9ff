# SPDX-License-Identifier: BSD-3-Clause
"""ScoreTimelineDisplay: scores in the order of time, events, and alarms."""

import numpy as np
import pandas as pd

from .._detectors import anomaly_score
from ..rows._events import check_labels, check_values, event_runs
from ..rows._time import check_time
from ._style import (
    BLUE,
    ORANGE,
    SKY,
    VERMILION,
    check_number,
    draw_threshold,
    format_dates,
    judged_rows,
    legend_above,
    new_axes,
    use_log_scale,
)


class ScoreTimelineDisplay:
    """Score over time, with the threshold, the events, the alarms and their delay.

    An event is a run of rows labelled 1. It is shaded in one colour until its first
    alarm, and in another from there on: the first is the detection delay, and all of
    it where the event is missed.

    Parameters
    ----------
    score : array-like of shape (n_samples,)
        Score of each row, higher for events. The rows are those of one series, in the
        order of time. Those with NaN were not judged: they are counted in the legend.

    y_true : array-like of shape (n_samples,) or None, default=None
        1 or True for the rows of events, 0 or False for the rest.

    threshold : float or None, default=None
        Score above which a row is an alarm.

    time : array-like of shape (n_samples,) or None, default=None
        Time of each row, dates or numbers. None numbers the rows.

    score_name : str, default="reconstruction error"
        Name of the score, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the scores.

    figure_ : matplotlib Figure
        Figure that holds them.

    score_line_ : matplotlib Line2D
        The scores.

    alarm_line_ : matplotlib Line2D or None
        Markers at the alarms.

    threshold_line_ : matplotlib Line2D or None
        Line at the threshold.

    events_ : DataFrame
        ``start`` and ``stop`` (positions, the second exclusive) of each event, and
        ``delay``: rows from its start to its first alarm, NaN where it is missed.

    See Also
    --------
    ErrorDistributionDisplay : The same scores, whatever their time.

    Examples
    --------
    >>> from skseq.plotting import ScoreTimelineDisplay
    >>> display = ScoreTimelineDisplay.from_predictions(
    ...     [0.1, 0.2, 0.3, 2.0, 0.1, 0.2], y_true=[0, 0, 1, 1, 0, 1], threshold=1.0
    ... )
    >>> display.events_
       start  stop  delay
    0      2     4    1.0
    1      5     6    NaN
    """

    def __init__(
        self,
        score,
        y_true=None,
        threshold=None,
        time=None,
        score_name="reconstruction error",
    ):
        self.score = score
        self.y_true = y_true
        self.threshold = threshold
        self.time = time
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, time=None, ax=None):
        """Score the rows with a fitted estimator, and draw them over time.

        Parameters
        ----------
        estimator : estimator
            Fitted outlier detector (its threshold is minus ``offset_``), classifier
            with ``decision_function``, or pipeline that ends in one.

        X : array-like
            Input of the estimator.

        y : array-like of shape (n_samples,) or None, default=None
            1 or True for the rows of events, 0 or False for the rest.

        time : array-like of shape (n_samples,) or None, default=None
            Time of each row. None takes the index of ``X`` where it holds dates, else
            the number of the row.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ScoreTimelineDisplay
        """
        index = getattr(X, "index", None)
        if time is None and isinstance(index, pd.DatetimeIndex):
            time = index
        score, threshold, name = anomaly_score(estimator, X)
        return cls(score, y, threshold, time, name).plot(ax=ax)

    @classmethod
    def from_predictions(
        cls,
        score,
        *,
        y_true=None,
        threshold=None,
        time=None,
        score_name="reconstruction error",
        ax=None,
    ):
        """Draw given scores over time.

        Parameters
        ----------
        score : array-like of shape (n_samples,)
            Score of each row, higher for events.

        y_true : array-like of shape (n_samples,) or None, default=None
            1 or True for the rows of events, 0 or False for the rest.

        threshold : float or None, default=None
            Score above which a row is an alarm.

        time : array-like of shape (n_samples,) or None, default=None
            Time of each row, dates or numbers. None numbers the rows.

        score_name : str, default="reconstruction error"
            Name of the score, for the axis.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ScoreTimelineDisplay
        """
        return cls(score, y_true, threshold, time, score_name).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the scores.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ScoreTimelineDisplay
        """
        score = check_values(self.score, allow_nan=True)
        event = np.zeros(len(score), dtype=bool)
        if self.y_true is not None:
            event = check_labels(self.y_true, len(score))
        time = check_time(self.time, len(score))
        if self.threshold is not None:
            check_number(self.threshold, "threshold")
        self.ax_ = new_axes(ax, self, figsize=(9, 4))
        self.figure_ = self.ax_.figure
        (self.score_line_,) = self.ax_.plot(
            time, score, ".", color=BLUE, markersize=3, label="score"
        )
        alarm = np.zeros(len(score), dtype=bool)
        self.alarm_line_ = self.threshold_line_ = None
        if self.threshold is not None:
            alarm = score > self.threshold
            (self.alarm_line_,) = self.ax_.plot(
                time[alarm],
                score[alarm],
                "x",
                color=VERMILION,
                markersize=4,
                label=f"alarm ({alarm.sum():,} rows)",
            )
            self.threshold_line_ = draw_threshold(self.ax_.axhline, self.threshold)
        self.events_ = _events(event, alarm)
        self._shade(time)
        ylabel = self.score_name
        _, not_judged = judged_rows(score)
        if use_log_scale(self.ax_, "y", score):
            ylabel += "\n(log scale)"
        self.score_line_.set_label("score" + not_judged)
        self.ax_.set(xlabel="row" if self.time is None else "time", ylabel=ylabel)
        if np.issubdtype(time.dtype, np.datetime64):
            format_dates(self.ax_)
        self.ax_.margins(x=0.01)
        legend_above(self.ax_)
        return self

    def _shade(self, time):
        """Shade each event, until its first alarm and from there on."""
        labels = ["event, not yet found", _found_label(self.events_["delay"])]
        last = len(time) - 1
        for start, stop, delay in self.events_.itertuples(index=False):
            first = stop if np.isnan(delay) else start + int(delay)
            for k, (left, right, color) in enumerate(
                [(start, first, ORANGE), (first, stop, SKY)]
            ):
                if left == right:
                    continue
                self.ax_.axvspan(
                    time[left],
                    time[min(right, last)],
                    facecolor=(color, 0.45),
                    edgecolor=(color, 0.9),
                    linewidth=0.8,  # seen, however long the series
                    zorder=0,
                    label=labels[k],
                )
                labels[k] = None  # once in the legend


def _events(event, alarm):
    """Start, stop and delay of each event."""
    starts, stops = event_runs(event)
    delay = np.full(len(starts), np.nan)
    for k, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        found = np.flatnonzero(alarm[start:stop])
        if len(found):
            delay[k] = found[0]
    return pd.DataFrame({"start": starts, "stop": stops, "delay": delay})


def _found_label(delay):
    found = delay.notna()
    label = f"event, found ({found.sum()} of {len(delay)},\nmedian delay "
    return f"{label}{delay.median():g} rows)" if found.any() else None
