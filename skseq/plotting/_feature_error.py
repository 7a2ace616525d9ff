# SPDX-License-Identifier: BSD-3-Clause
"""FeatureErrorDisplay: which feature is in error, and when."""

import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite

from .._detectors import names_of_features, reach
from .._validation import check_cells
from ..rows._events import check_labels, event_runs
from ..rows._time import check_time
from ._style import VERMILION, format_dates, gaps, new_axes

_MAX_COLUMNS = 1000  # more than a picture has room for


class FeatureErrorDisplay:
    """Heat map of the error, features by time.

    Parameters
    ----------
    error : array-like of shape (n_samples, n_features)
        Error of each feature in each row. NaN where nothing was observed.

    feature_names : list of str or None, default=None
        Names of the features. None numbers them.

    y_true : array-like of shape (n_samples,) or None, default=None
        1 or True for the rows of events, which are marked above the map.

    time : array-like of shape (n_samples,) or None, default=None
        Time of each row, dates or numbers, increasing. None numbers the rows.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the map.

    figure_ : matplotlib Figure
        Figure that holds it.

    mesh_ : matplotlib QuadMesh
        The map. Where there are more than 1,000 rows, those that share a column show
        the largest of their errors, so that no peak is lost. Gaps in time are empty.

    colorbar_ : matplotlib Colorbar
        Scale of the colours, logarithmic where all errors are positive.

    See Also
    --------
    ReconstructionDisplay : One window in full.

    Examples
    --------
    >>> from skseq.plotting import FeatureErrorDisplay
    >>> display = FeatureErrorDisplay.from_predictions(
    ...     [[0.1, 0.2], [0.1, 4.0], [0.2, 3.0]], feature_names=["flow", "pressure"]
    ... )
    >>> display.mesh_.get_array().shape
    (2, 3)
    """

    def __init__(self, error, feature_names=None, y_true=None, time=None):
        self.error = error
        self.feature_names = feature_names
        self.y_true = y_true
        self.time = time

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, time=None, ax=None):
        """Draw the errors of each feature that a fitted estimator gives.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``reconstruction_error``; or a pipeline or classifier around
            it.

        X : array-like
            Input of the estimator, in the order of time.

        y : array-like of shape (n_samples,) or None, default=None
            1 or True for the rows of events, which are marked above the map.

        time : array-like of shape (n_samples,) or None, default=None
            Time of each row. None takes the index of ``X`` where it holds dates, else
            the number of the row.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : FeatureErrorDisplay
        """
        index = getattr(X, "index", None)
        if time is None and isinstance(index, pd.DatetimeIndex):
            time = index
        estimator, X = reach(estimator, X, "reconstruction_error")
        error = estimator.reconstruction_error(X, per="feature")
        names = names_of_features(estimator, X, error.shape[1])
        return cls(error, names, y, time).plot(ax=ax)

    @classmethod
    def from_predictions(
        cls, error, *, feature_names=None, y_true=None, time=None, ax=None
    ):
        """Draw given errors.

        Parameters
        ----------
        error : array-like of shape (n_samples, n_features)
            Error of each feature in each row. NaN where nothing was observed.

        feature_names : list of str or None, default=None
            Names of the features. None numbers them.

        y_true : array-like of shape (n_samples,) or None, default=None
            1 or True for the rows of events, which are marked above the map.

        time : array-like of shape (n_samples,) or None, default=None
            Time of each row, dates or numbers, increasing. None numbers the rows.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : FeatureErrorDisplay
        """
        return cls(error, feature_names, y_true, time).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : FeatureErrorDisplay
        """
        error = check_cells(self.error, dtype=np.float64, input_name="error")
        assert_all_finite(error, allow_nan=True, input_name="error")
        n_samples, n_features = error.shape
        names = self.feature_names
        if names is None:
            names = names_of_features(None, error, n_features)
        self.ax_ = new_axes(ax, self, figsize=(8, max(2.5, 1.2 + 0.22 * n_features)))
        self.figure_ = self.ax_.figure
        time = check_time(self.time, n_samples)
        later = np.flatnonzero(time[1:] < time[:-1]) + 1
        if len(later):
            raise ValueError(
                f"'time' decreases in row {later[0]}. Sort the rows first."
            )
        edges, cells = _columns(time, error)
        self._draw(edges, cells)
        self.ax_.set_yticks(np.arange(n_features) + 0.5, names)
        self.ax_.invert_yaxis()
        self.ax_.set_xlabel("row" if self.time is None else "time")
        if np.issubdtype(edges.dtype, np.datetime64):
            format_dates(self.ax_)
        if self.y_true is not None:
            self._mark_events(np.append(time, edges[-1]), n_samples)
        return self

    def _draw(self, edges, cells):
        from matplotlib.colors import LogNorm

        # fmin and fmax do not warn where nothing was observed.
        low, high = np.fmin.reduce(cells, axis=None), np.fmax.reduce(cells, axis=None)
        positive = 0 < low < high
        self.mesh_ = self.ax_.pcolormesh(
            edges,
            np.arange(cells.shape[1] + 1),
            np.ma.masked_invalid(cells.T),
            cmap="cividis",  # the same to colour-blind people
            norm=LogNorm() if positive else None,
            rasterized=True,
        )
        label = "error (log scale)" if positive else "error"
        self.colorbar_ = self.figure_.colorbar(self.mesh_, ax=self.ax_, label=label)

    def _mark_events(self, edges, n_samples):
        starts, stops = event_runs(check_labels(self.y_true, n_samples))
        above = self.ax_.get_xaxis_transform()
        for start, stop in zip(starts, stops, strict=True):
            self.ax_.plot(
                edges[[start, stop]],
                [1.02, 1.02],
                color=VERMILION,
                linewidth=4,
                solid_capstyle="butt",
                transform=above,
                clip_on=False,
            )
        self.ax_.set_title("events", color=VERMILION, fontsize="medium", loc="left")


def _columns(time, error):
    """Edges of the columns in time, and their cells; nothing where no row is.

    The last row, and one before a gap, are as wide as the median row.
    """
    n_samples = len(time)
    width = np.median(np.diff(time)) if n_samples > 1 else 1
    after_gap = np.asarray(gaps(time), dtype=int)
    n_columns = min(n_samples, _MAX_COLUMNS)
    starts = np.linspace(0, n_samples, n_columns, endpoint=False).astype(int)
    starts = np.union1d(starts, after_gap)
    cells = np.fmax.reduceat(error, starts, axis=0)
    edges = np.append(time[starts], time[-1:] + width)
    at = np.searchsorted(starts, after_gap)
    cells = np.insert(cells, at, np.nan, axis=0)
    return np.insert(edges, at, time[after_gap - 1] + width), cells
