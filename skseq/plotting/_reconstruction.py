# SPDX-License-Identifier: BSD-3-Clause
"""ReconstructionDisplay: a window, feature by feature, beside its reconstruction."""

import numpy as np

from .._detectors import names_of_features, reach
from ..rows._words import number
from ._style import (
    BLACK,
    BLUE,
    ORANGE,
    VERMILION,
    as_sequences,
    check_number,
    panels,
)


class ReconstructionDisplay:
    """One window, feature by feature, with its reconstruction and error.

    Parameters
    ----------
    sequence : array-like of shape (n_timesteps, n_features)
        The window. NaN is padding or a missing value.

    reconstruction : array-like of shape (n_timesteps, n_features)
        Its reconstruction.

    error : array-like of shape (n_timesteps, n_features) or None, default=None
        Error of each cell. None takes the squared difference.

    feature_names : list of str or None, default=None
        Names of the features. None numbers them.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One for each feature drawn, and the last for the error of each step.

    figure_ : matplotlib Figure
        Figure that holds them.

    features_ : ndarray of int
        The features drawn, those of the largest error first.

    lines_ : list of tuple of two matplotlib Line2D
        Of each feature drawn: the window, and its reconstruction.

    bars_ : matplotlib BarContainer
        Error of each step, the mean over all features.

    See Also
    --------
    FeatureErrorDisplay : The errors of many windows at once.

    Examples
    --------
    >>> from skseq import PCAAutoencoder
    >>> from skseq.datasets import make_damped_sines
    >>> from skseq.plotting import ReconstructionDisplay
    >>> X, _ = make_damped_sines(50, random_state=0)
    >>> pca = PCAAutoencoder(n_components=2).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(pca, X, sample=3)
    >>> display.lines_[0][0].get_ydata().shape
    (50,)
    """

    def __init__(self, sequence, reconstruction, error=None, feature_names=None):
        self.sequence = sequence
        self.reconstruction = reconstruction
        self.error = error
        self.feature_names = feature_names

    @classmethod
    def from_estimator(cls, estimator, X, *, sample=0, max_features=6, ax=None):
        """Reconstruct one of the windows, and draw it.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``reconstruct`` and ``reconstruction_error``; or a pipeline or
            classifier around it.

        X : array-like
            Input of the estimator.

        sample : int, default=0
            Position of the window to draw.

        max_features : int, default=6
            Number of features to draw at the most: those of the largest error.

        ax : matplotlib Axes or None, default=None
            Axes in whose place the panels are put. None makes a figure.

        Returns
        -------
        display : ReconstructionDisplay
        """
        estimator, X = reach(estimator, X, "reconstruct")
        sequences = X if hasattr(X, "shape") else np.asarray(X)
        sample = _position(sample, len(sequences))
        one = sequences[sample : sample + 1]
        error = as_sequences(estimator.reconstruction_error(one, per="cell"))[0]
        sequence = np.asarray(as_sequences(one))[0]
        names = names_of_features(estimator, X, sequence.shape[1])
        reconstruction = as_sequences(estimator.reconstruct(one))[0]
        display = cls(sequence, reconstruction, error, names)
        return display.plot(max_features=max_features, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        X,
        X_reconstructed,
        *,
        sample=0,
        feature_names=None,
        max_features=6,
        ax=None,
    ):
        """Draw one of the windows beside its reconstruction.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Windows.

        X_reconstructed : array-like of the shape of X
            Their reconstructions.

        sample : int, default=0
            Position of the window to draw.

        feature_names : list of str or None, default=None
            Names of the features. None numbers them.

        max_features : int, default=6
            Number of features to draw at the most: those of the largest error.

        ax : matplotlib Axes or None, default=None
            Axes in whose place the panels are put. None makes a figure.

        Returns
        -------
        display : ReconstructionDisplay
        """
        X, X_reconstructed = as_sequences(X), as_sequences(X_reconstructed)
        if X.shape != X_reconstructed.shape:
            raise ValueError(
                "X and X_reconstructed must have the same shape. Got "
                f"{X.shape} and {X_reconstructed.shape} instead."
            )
        sample = _position(sample, len(X))
        display = cls(
            np.asarray(X[sample]),
            np.asarray(X_reconstructed[sample]),
            feature_names=feature_names,
        )
        return display.plot(max_features=max_features, ax=ax)

    def plot(self, ax=None, *, max_features=6):
        """Draw the window.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes in whose place the panels are put. None makes a figure.

        max_features : int, default=6
            Number of features to draw at the most: those of the largest error.

        Returns
        -------
        display : ReconstructionDisplay
        """
        sequence = np.asarray(self.sequence, dtype=float)
        reconstruction = np.asarray(self.reconstruction, dtype=float)
        kind, error = "error", self.error
        if error is None:
            kind, error = "squared error", (sequence - reconstruction) ** 2
        names = self.feature_names
        if names is None:
            names = names_of_features(None, sequence, sequence.shape[1])
        cells = np.ma.masked_invalid(error)
        of_feature = cells.mean(axis=0).filled(0)
        self.features_ = np.argsort(-of_feature, kind="stable")[:max_features]
        n_panels = len(self.features_)
        self.axes_ = panels(
            ax,
            self,
            n_panels + 1,
            figsize=(6.4, 1.3 * n_panels + 1.8),
            height_ratios=[*[2] * n_panels, 1.2],
        )
        self.figure_ = self.axes_[0].figure
        self.lines_ = [
            _draw_feature(panel, sequence[:, k], reconstruction[:, k])
            for panel, k in zip(self.axes_, self.features_, strict=False)
        ]
        for panel, k in zip(self.axes_, self.features_, strict=False):
            panel.set_title(
                f"{names[k]}: {kind} {number(of_feature[k])}", fontsize="medium"
            )
            panel.tick_params(labelbottom=False)
        self.axes_[0].legend(
            *self.axes_[0].get_legend_handles_labels(),
            loc="lower center",
            bbox_to_anchor=(0.5, 1.22),
            ncols=2,
            frameon=False,
        )
        last = self.axes_[-1]
        of_step = cells.mean(axis=1).filled(np.nan)
        self.bars_ = last.bar(np.arange(len(of_step)), of_step, color=VERMILION)
        last.set(xlabel="time step", ylabel=kind.replace(" ", "\n"))
        last.xaxis.get_major_locator().set_params(integer=True)
        return self


def _position(sample, n_samples):
    """Which of the windows to draw, counted from the end where it is negative."""
    check_number(sample, "sample", integer=True)
    return range(n_samples)[sample]


def _draw_feature(ax, observed, reconstructed):
    step = np.arange(len(observed))
    ax.fill_between(step, observed, reconstructed, color=ORANGE, alpha=0.4, linewidth=0)
    (window,) = ax.plot(step, observed, ".-", color=BLACK, label="window")
    (copy,) = ax.plot(step, reconstructed, "--", color=BLUE, label="reconstruction")
    return window, copy
