# SPDX-License-Identifier: BSD-3-Clause
"""ErrorDistributionDisplay: how far the scores of events stand out."""

import numpy as np

from .._detectors import anomaly_score
from ..rows._events import check_labels, check_values, judged_rows
from ._style import (
    BLUE,
    VERMILION,
    check_number,
    draw_threshold,
    legend_above,
    log_range,
    new_axes,
    use_log_scale,
)


class ErrorDistributionDisplay:
    """Distribution of the score, of events and of the rest, with the threshold.

    Each class is drawn as shares of its own rows, so that a rare one can be seen.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 or True for events, 0 or False for the rest.

    score : array-like of shape (n_samples,)
        Score, higher for events. Rows with NaN, which were not judged, are left out,
        with a warning that counts them.

    threshold : float or None, default=None
        Score above which a row is flagged.

    score_name : str, default="reconstruction error"
        Name of the score, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the histograms.

    figure_ : matplotlib Figure
        Figure that holds them.

    patches_ : dict of str to matplotlib StepPatch
        The histograms, of ``"normal"`` and ``"event"``.

    threshold_line_ : matplotlib Line2D or None
        Line at the threshold.

    See Also
    --------
    ThresholdDisplay : What each threshold would give.
    ScoreTimelineDisplay : The scores in the order of time.

    Examples
    --------
    >>> from skseq.plotting import ErrorDistributionDisplay
    >>> display = ErrorDistributionDisplay.from_predictions(
    ...     [0, 0, 0, 1], [0.1, 0.2, 0.1, 3.0], threshold=1.0
    ... )
    >>> float(display.patches_["event"].get_data().values.max())
    1.0
    """

    def __init__(
        self, y_true, score, threshold=None, score_name="reconstruction error"
    ):
        self.y_true = y_true
        self.score = score
        self.threshold = threshold
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator, X, y, *, n_bins=50, ax=None):
        """Score the rows with a fitted estimator, and draw the distributions.

        Parameters
        ----------
        estimator : estimator
            Fitted outlier detector (its threshold is minus ``offset_``), classifier
            with ``decision_function``, or pipeline that ends in one.

        X : array-like
            Input of the estimator.

        y : array-like of shape (n_samples,)
            1 or True for events, 0 or False for the rest.

        n_bins : int, default=50
            Number of bins.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ErrorDistributionDisplay
        """
        return cls(y, *anomaly_score(estimator, X)).plot(n_bins=n_bins, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true,
        score,
        *,
        threshold=None,
        score_name="reconstruction error",
        n_bins=50,
        ax=None,
    ):
        """Draw the distributions of scores.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            1 or True for events, 0 or False for the rest.

        score : array-like of shape (n_samples,)
            Score, higher for events. Rows with NaN, which were not judged, are left
            out, with a warning that counts them.

        threshold : float or None, default=None
            Score above which a row is flagged.

        score_name : str, default="reconstruction error"
            Name of the score, for the axis.

        n_bins : int, default=50
            Number of bins.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ErrorDistributionDisplay
        """
        return cls(y_true, score, threshold, score_name).plot(n_bins=n_bins, ax=ax)

    def plot(self, ax=None, *, n_bins=50):
        """Draw the distributions.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        n_bins : int, default=50
            Number of bins, of equal width on the scale of the axis: logarithmic where
            scores are positive. A few that are 0 stand in the first bin.

        Returns
        -------
        display : ErrorDistributionDisplay
        """
        score = check_values(self.score, allow_nan=True)
        event = check_labels(self.y_true, len(score))
        judged = judged_rows(score, "score")
        score, event = score[judged], event[judged]
        check_number(n_bins, "n_bins", low=1, integer=True)
        self.ax_ = new_axes(ax, self)
        self.figure_ = self.ax_.figure
        xlabel, limits = self.score_name, log_range(score)
        if score.min() < score.max() and limits is not None:
            use_log_scale(self.ax_, "x", score)
            edges = np.geomspace(*limits, n_bins + 1)
            score = np.maximum(score, edges[0])  # what lies below stands in the first
            xlabel += " (log scale)"
        else:
            edges = np.histogram_bin_edges(score, n_bins)
        # Rounding must not put the extremes outside.
        edges[0], edges[-1] = min(edges[0], score.min()), max(edges[-1], score.max())
        self.patches_ = {}
        for rows, name, color, style in (
            (~event, "normal", BLUE, "-"),
            (event, "event", VERMILION, "--"),
        ):
            counts, _ = np.histogram(score[rows], edges)
            self.patches_[name] = self.ax_.stairs(
                counts / max(rows.sum(), 1),
                edges,
                fill=True,
                facecolor=(color, 0.3),
                edgecolor=color,
                linewidth=1,
                linestyle=style,
                label=f"{name} ({rows.sum():,} rows)",
            )
        self.threshold_line_ = None
        if self.threshold is not None:
            self.threshold_line_ = draw_threshold(self.ax_.axvline, self.threshold)
        self.ax_.set(xlabel=xlabel, ylabel="share of the rows of the class")
        legend_above(self.ax_)
        return self
