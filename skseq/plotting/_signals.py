# SPDX-License-Identifier: BSD-3-Clause
"""SignalsDisplay: the features that made the scores, beside the scores."""

import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite, check_consistent_length

from .._detectors import anomaly_score, names_of_features
from .._telling import telling
from .._validation import check_cells, is_windows
from ..rows._events import check_labels, check_values, event_runs, judged_rows
from ..rows._time import check_time
from ..rows._words import share
from ._style import (
    BLACK,
    BLUE,
    ORANGE,
    VERMILION,
    check_number,
    draw_threshold,
    format_dates,
    legend_above,
    panels,
    use_log_scale,
    with_breaks,
)

_MAX_EXPLAINED = 2000  # rows that are asked what made their scores


class SignalsDisplay:
    """Signals over time, and the score under them, with alarms and events.

    The features are those that contributed most to the scores of the rows in alarm, the
    first on top. Events are shaded in all panels, and rows in alarm are marked.

    Parameters
    ----------
    signals : array-like of shape (n_samples, n_features)
        What was measured in each row. NaN where nothing was.

    score : array-like of shape (n_samples,)
        Score of each row, higher for events. The rows are those of one series, in the
        order of time. NaN for rows that were not judged.

    contributions : array-like of shape (n_features,), default=None
        How much each feature contributed to the scores. None keeps the order of the
        features.

    feature_names : list of str, default=None
        Names of the features. None for those of a frame, or numbers.

    y_true : array-like of shape (n_samples,), default=None
        1 or True for the rows of events, 0 or False for the rest.

    threshold : float, default=None
        Score above which a row is an alarm.

    time : array-like of shape (n_samples,), default=None
        Time of each row, dates or numbers. None numbers the rows.

    score_name : str, default="reconstruction error"
        Name of the score, for the axis.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One panel for each feature drawn, and that of the score.

    figure_ : matplotlib Figure
        Figure that holds them.

    features_ : ndarray of int
        Positions of the features drawn.

    lines_ : list of matplotlib Line2D
        Their lines, and that of the score.

    alarm_lines_ : list of matplotlib Line2D
        Markers of the rows in alarm in each panel; empty without a threshold.

    See Also
    --------
    ScoreTimelineDisplay : The score alone, with the delay of each event.
    FeatureErrorDisplay : The errors of all features.

    Examples
    --------
    >>> from skseq.plotting import SignalsDisplay
    >>> display = SignalsDisplay.from_predictions(
    ...     [[1.0, 5], [1, 5], [9, 5], [1, 5]],
    ...     [0.1, 0.1, 2.0, 0.2],
    ...     contributions=[0.9, 0.1],
    ...     feature_names=["flow", "level"],
    ...     threshold=1.0,
    ... )
    >>> [axes.get_ylabel() for axes in display.axes_[:2]]
    ['flow', 'level']
    """

    def __init__(
        self,
        signals,
        score,
        contributions=None,
        feature_names=None,
        y_true=None,
        threshold=None,
        time=None,
        score_name="reconstruction error",
    ):
        self.signals = signals
        self.score = score
        self.contributions = contributions
        self.feature_names = feature_names
        self.y_true = y_true
        self.threshold = threshold
        self.time = time
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, estimator, X, y=None, *, time=None, max_features=4, ax=None
    ):
        """Draw the rows, as a fitted estimator is given them, and their scores.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``explain`` or ``reconstruction_error``; or a pipeline or
            classifier around it.

        X : array-like
            Input of the estimator: the rows of one series, in the order of time.

        y : array-like of shape (n_samples,), default=None
            1 or True for the rows of events, 0 or False for the rest.

        time : array-like of shape (n_samples,), default=None
            Time of each row. None takes the index of ``X`` where it holds dates, else
            the number of the row.

        max_features : int, default=4
            Number of features to draw at the most.

        ax : matplotlib Axes, default=None
            Axes in whose place the panels are put. None makes a figure.

        Returns
        -------
        display : SignalsDisplay
        """
        index = getattr(X, "index", None)
        if time is None and isinstance(index, pd.DatetimeIndex):
            time = index
        score, threshold, name = anomaly_score(estimator, X)
        detector = telling(estimator, X)
        if detector is None:
            raise TypeError(
                "The display needs an estimator that tells what its scores are made "
                f"of, by 'explain', which {type(estimator).__name__} lacks. Give its "
                "scores to SignalsDisplay.from_predictions."
            )
        windows = detector.X
        if not is_windows(windows) and windows.ndim == 2:
            windows = windows[:, :, np.newaxis]
        names = names_of_features(detector.fitted, windows, windows.shape[2])
        display = cls(
            measured(X, windows, names),
            score,
            contributions(
                lambda rows: detector.explain(windows[rows]), score, threshold
            ),
            names,
            y,
            threshold,
            time,
            name,
        )
        return display.plot(max_features=max_features, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        signals,
        score,
        *,
        contributions=None,
        feature_names=None,
        y_true=None,
        threshold=None,
        time=None,
        score_name="reconstruction error",
        max_features=4,
        ax=None,
    ):
        """Draw given signals and scores.

        Parameters
        ----------
        signals : array-like of shape (n_samples, n_features)
            What was measured in each row. NaN where nothing was.

        score : array-like of shape (n_samples,)
            Score of each row, higher for events. NaN for rows that were not judged.

        contributions : array-like of shape (n_features,), default=None
            How much each feature contributed to the scores. None keeps the order of the
            features.

        feature_names : list of str, default=None
            Names of the features. None for those of a frame, or numbers.

        y_true : array-like of shape (n_samples,), default=None
            1 or True for the rows of events, 0 or False for the rest.

        threshold : float, default=None
            Score above which a row is an alarm.

        time : array-like of shape (n_samples,), default=None
            Time of each row, dates or numbers. None numbers the rows.

        score_name : str, default="reconstruction error"
            Name of the score, for the axis.

        max_features : int, default=4
            Number of features to draw at the most.

        ax : matplotlib Axes, default=None
            Axes in whose place the panels are put. None makes a figure.

        Returns
        -------
        display : SignalsDisplay
        """
        display = cls(
            signals,
            score,
            contributions,
            feature_names,
            y_true,
            threshold,
            time,
            score_name,
        )
        return display.plot(max_features=max_features, ax=ax)

    def plot(self, ax=None, *, max_features=4):
        """Draw the signals and the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes in whose place the panels are put. None makes a figure.

        max_features : int, default=4
            Number of features to draw at the most.

        Returns
        -------
        display : SignalsDisplay
        """
        names = self.feature_names
        if names is None:
            names = getattr(self.signals, "columns", None)
        signals = check_cells(self.signals, dtype=np.float64, input_name="signals")
        assert_all_finite(signals, allow_nan=True, input_name="signals")
        score = check_values(self.score, allow_nan=True)
        check_consistent_length(signals, score)
        check_number(max_features, "max_features", low=1, integer=True)
        n_samples, n_features = signals.shape
        event = np.zeros(n_samples, dtype=bool)
        if self.y_true is not None:
            event = check_labels(self.y_true, n_samples)
        time = check_time(self.time, n_samples)
        judged_rows(score, "score")
        if names is None or len(names) != n_features:
            names = names_of_features(None, signals, n_features)
        shares = self._shares(n_features)
        self.features_ = np.argsort(-shares, kind="stable")[:max_features]
        n_panels = len(self.features_) + 1
        self.axes_ = panels(ax, self, n_panels, figsize=(9, 1.2 * n_panels + 0.8))
        self.figure_ = self.axes_[0].figure
        alarm = np.zeros(n_samples, dtype=bool)
        if self.threshold is not None:
            check_number(self.threshold, "threshold")
            alarm = score > self.threshold
        self.lines_, self.alarm_lines_ = [], []
        drawn = [*(signals[:, k] for k in self.features_), score]
        for panel, values in zip(self.axes_, drawn, strict=True):
            self._draw(panel, time, values, event, alarm)
        self._name(names, shares)
        legend_above(self.axes_[0])
        if np.issubdtype(time.dtype, np.datetime64):
            format_dates(self.axes_[-1])
        return self

    def _shares(self, n_features):
        if self.contributions is None:
            return np.zeros(n_features)
        shares = check_values(self.contributions, "contributions", allow_nan=True)
        if len(shares) != n_features:
            raise ValueError(
                f"'contributions' must hold one number for each of the {n_features} "
                f"features. Got {len(shares)} instead."
            )
        return np.nan_to_num(shares)

    def _draw(self, panel, time, values, event, alarm):
        is_score = panel is self.axes_[-1]
        color = BLUE if is_score else BLACK
        x, y = with_breaks(time, values)
        (line,) = panel.plot(x, y, color=color, linewidth=0.8)
        self.lines_.append(line)
        if self.threshold is not None:
            (marks,) = panel.plot(
                time[alarm],
                values[alarm],
                "x",
                color=VERMILION,
                markersize=3,
                label=f"alarm ({alarm.sum():,} rows)",
            )
            self.alarm_lines_.append(marks)
        last = len(time) - 1
        for k, (start, stop) in enumerate(zip(*event_runs(event), strict=True)):
            panel.axvspan(
                time[start],
                time[min(stop, last)],
                facecolor=(ORANGE, 0.4),
                edgecolor=(ORANGE, 0.9),
                linewidth=0.8,
                zorder=0,
                label=None if k else "event",
            )
        if is_score and self.threshold is not None:
            draw_threshold(panel.axhline, self.threshold)

    def _name(self, names, shares):
        total = shares[shares > 0].sum()
        for panel, k in zip(self.axes_, self.features_, strict=False):
            panel.set_ylabel(str(names[k]))
            panel.tick_params(labelbottom=False)
            if total:
                panel.set_title(
                    f"{share(shares[k] / total)} of the score",
                    fontsize="small",
                    loc="right",
                    pad=2,
                )
        last = self.axes_[-1]
        name = self.score_name
        if use_log_scale(last, "y", self.score):
            name += "\n(log scale)"
        last.set(xlabel="row" if self.time is None else "time", ylabel=name)
        last.margins(x=0.01)


def measured(X, windows, names):
    """The rows in the units of the table, where it has them by name."""
    if isinstance(X, pd.DataFrame) and set(names) <= set(X.columns):
        return X[names].to_numpy(dtype=float, na_value=np.nan)
    last = windows.table[windows.ends] if is_windows(windows) else windows[:, -1]
    return np.asarray(last)


def contributions(explained, score, threshold):
    """Mean share of each feature in the scores of rows in alarm, or the highest."""
    chosen = np.flatnonzero(score > (np.inf if threshold is None else threshold))
    if not len(chosen):
        judged = np.flatnonzero(~np.isnan(score))
        chosen = judged[np.argsort(-score[judged], kind="stable")[:100]]
    chosen = chosen[:: 1 + len(chosen) // _MAX_EXPLAINED]
    parts = np.nan_to_num(explained(chosen))
    total = parts.sum(axis=1, keepdims=True)
    return (parts / np.where(total > 0, total, 1)).mean(axis=0)
