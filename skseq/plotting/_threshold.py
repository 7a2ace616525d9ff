# SPDX-License-Identifier: BSD-3-Clause
"""ThresholdDisplay: what each threshold would give."""

import numpy as np
from sklearn.metrics import confusion_matrix_at_thresholds

from .._detectors import anomaly_score
from ..rows._events import check_labels, check_values
from ._style import (
    BLACK,
    BLUE,
    GREEN,
    VERMILION,
    check_number,
    draw_threshold,
    judged_rows,
    legend_above,
    new_axes,
    use_log_scale,
)


class ThresholdDisplay:
    """Precision, recall and cost against the threshold.

    Parameters
    ----------
    thresholds : array-like of shape (n_thresholds,)
        Thresholds, increasing.

    precision : array-like of shape (n_thresholds,)
        Share of events among the rows flagged.

    recall : array-like of shape (n_thresholds,)
        Share of the event rows that are flagged.

    cost : array-like of shape (n_thresholds,) or None, default=None
        Total cost of false alarms and missed event rows.

    threshold : float or None, default=None
        The threshold in use.

    score_name : str, default="reconstruction error"
        Name of the score, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with precision and recall.

    cost_ax_ : matplotlib Axes or None
        Axes with the cost, which share the thresholds.

    figure_ : matplotlib Figure
        Figure that holds them.

    lines_ : dict of str to matplotlib Line2D
        The curves: ``"precision"``, ``"recall"`` and, if there is one, ``"cost"``.

    threshold_line_ : matplotlib Line2D or None
        Line at the threshold in use.

    See Also
    --------
    ErrorDistributionDisplay : The scores themselves.
    sklearn.metrics.PrecisionRecallDisplay : Precision against recall.

    Examples
    --------
    >>> from skseq.plotting import ThresholdDisplay
    >>> display = ThresholdDisplay.from_predictions(
    ...     [0, 1, 0, 1], [0.1, 0.4, 0.5, 0.8], cost=(1, 10)
    ... )
    >>> display.lines_["recall"].get_ydata().tolist()
    [1.0, 1.0, 0.5, 0.5]
    >>> display.lines_["cost"].get_ydata().tolist()
    [2.0, 1.0, 11.0, 10.0]
    """

    def __init__(
        self,
        thresholds,
        precision,
        recall,
        cost=None,
        threshold=None,
        score_name="reconstruction error",
    ):
        self.thresholds = thresholds
        self.precision = precision
        self.recall = recall
        self.cost = cost
        self.threshold = threshold
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator, X, y, *, cost=None, ax=None):
        """Score the rows with a fitted estimator, and draw what a threshold gives.

        Parameters
        ----------
        estimator : estimator
            Fitted outlier detector (its threshold is minus ``offset_``), classifier
            with ``decision_function``, or pipeline that ends in one.

        X : array-like
            Input of the estimator.

        y : array-like of shape (n_samples,)
            1 or True for events, 0 or False for the rest.

        cost : tuple of two float or None, default=None
            Cost of a false alarm, and of a missed event row.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ThresholdDisplay
        """
        score, threshold, name = anomaly_score(estimator, X)
        return cls.from_predictions(
            y, score, threshold=threshold, cost=cost, score_name=name, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        y_true,
        score,
        *,
        threshold=None,
        cost=None,
        score_name="reconstruction error",
        ax=None,
    ):
        """Draw what a threshold on given scores gives.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            1 or True for events, 0 or False for the rest. Some must be events.

        score : array-like of shape (n_samples,)
            Score, higher for events. Rows with NaN were not judged: they are left out,
            and counted below the picture.

        threshold : float or None, default=None
            The threshold in use.

        cost : tuple of two float or None, default=None
            Cost of a false alarm, and of a missed event row.

        score_name : str, default="reconstruction error"
            Name of the score, for the axis.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ThresholdDisplay
        """
        score = check_values(score, allow_nan=True)
        event = check_labels(y_true, len(score))
        judged, not_judged = judged_rows(score)
        score, event = score[judged], event[judged]
        if not event.any():
            raise ValueError(
                "y holds no event: precision and recall are not defined. Give rows of "
                "which some are events."
            )
        _, fp, fn, tp, thresholds = confusion_matrix_at_thresholds(event, score)
        # The first of them, infinite, flags nothing.
        fp, fn, tp, thresholds = (
            values[::-1][: np.isfinite(thresholds).sum()]
            for values in (fp, fn, tp, thresholds)
        )
        total = None
        if cost is not None:
            total = _check_cost(cost) @ np.stack([fp, fn])
        display = cls(
            thresholds, tp / (tp + fp), tp / (tp + fn), total, threshold, score_name
        )
        display.plot(ax=ax)
        display.ax_.set_xlabel(display.ax_.get_xlabel() + not_judged)
        return display

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ThresholdDisplay
        """
        self.ax_ = new_axes(ax, self)
        self.figure_ = self.ax_.figure
        # The rows flagged change just above each score.
        step = {"drawstyle": "steps-pre"}
        self.lines_ = {
            name: self.ax_.plot(
                self.thresholds, values, line, color=color, label=name, **step
            )[0]
            for name, values, line, color in (
                ("precision", self.precision, "-", BLUE),
                ("recall", self.recall, "--", VERMILION),
            )
        }
        handles = list(self.lines_.values())
        self.cost_ax_ = None
        if self.cost is not None:
            handles += self._plot_cost(step)
        self.threshold_line_ = None
        if self.threshold is not None:
            self.threshold_line_ = draw_threshold(self.ax_.axvline, self.threshold)
            handles.append(self.threshold_line_)
        xlabel = f"threshold on the\n{self.score_name}"
        if use_log_scale(self.ax_, "x", self.thresholds):
            xlabel += " (log scale)"
        self.ax_.set(xlabel=xlabel, ylabel="precision, recall", ylim=(0, 1.02))
        legend_above(self.ax_, handles=handles)
        return self

    def _plot_cost(self, step):
        self.cost_ax_ = self.ax_.twinx()
        self.cost_ax_.spines["top"].set_visible(False)
        (line,) = self.cost_ax_.plot(
            self.thresholds, self.cost, "-.", color=GREEN, label="cost", **step
        )
        lowest = int(np.argmin(self.cost))
        (dot,) = self.cost_ax_.plot(
            self.thresholds[lowest],
            self.cost[lowest],
            "o",
            color=GREEN,
            markeredgecolor=BLACK,
            label=f"lowest cost ({self.cost[lowest]:,.4g})",
        )
        self.cost_ax_.set(ylabel="cost", ylim=(0, None))
        self.lines_["cost"] = line
        return line, dot


def _check_cost(cost):
    if np.shape(cost) != (2,):
        raise ValueError(
            "'cost' must be two numbers: the cost of a false alarm, and of a missed "
            f"event row. Got {cost!r} instead."
        )
    for value in cost:
        check_number(value, "cost", low=0)
    return np.array(cost, dtype=float)
