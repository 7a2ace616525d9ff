# SPDX-License-Identifier: BSD-3-Clause
"""LatentSpaceDisplay: latent vectors in two dimensions."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    column_or_1d,
)

from .._detectors import reach
from .._validation import check_cells, named_errors
from ._style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    legend_above,
    new_axes,
)

_STYLES = [
    (BLUE, "o"),
    (VERMILION, "^"),
    (GREEN, "s"),
    (ORANGE, "D"),
    (PURPLE, "v"),
    (SKY, "P"),
    (BLACK, "X"),
    (YELLOW, "*"),
]


class LatentSpaceDisplay:
    """Latent vectors on their first two principal components, coloured by label.

    Parameters
    ----------
    coordinates : array-like of shape (n_samples, 2)
        Coordinates on the two components.

    y : array-like of shape (n_samples,) or None, default=None
        Labels.

    explained_variance_ratio : array-like of shape (2,) or None, default=None
        Share of the variance along each component.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the points.

    figure_ : matplotlib Figure
        Figure that holds them.

    collections_ : dict of label to matplotlib PathCollection
        The points of each label, the rarest on top; of all under None without labels.

    See Also
    --------
    sklearn.decomposition.PCA : The projection.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.plotting import LatentSpaceDisplay
    >>> latent = np.random.default_rng(0).normal(size=(50, 8))
    >>> display = LatentSpaceDisplay.from_predictions(latent, y=latent[:, 0] > 1)
    >>> display.ax_.get_xlabel()
    'first component (23% of variance)'
    """

    def __init__(self, coordinates, y=None, explained_variance_ratio=None):
        self.coordinates = coordinates
        self.y = y
        self.explained_variance_ratio = explained_variance_ratio

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, ax=None):
        """Draw the latent vectors that a fitted estimator gives.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``transform``; or a pipeline or classifier around it.

        X : array-like
            Input of the estimator.

        y : array-like of shape (n_samples,) or None, default=None
            Labels.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
        """
        estimator, X = reach(estimator, X, "transform")
        return cls.from_predictions(estimator.transform(X), y=y, ax=ax)

    @classmethod
    def from_predictions(cls, latent, *, y=None, ax=None):
        """Draw given latent vectors.

        Parameters
        ----------
        latent : array-like of shape (n_samples, latent_size)
            Latent vectors.

        y : array-like of shape (n_samples,) or None, default=None
            Labels.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
        """
        latent = check_cells(
            latent,
            dtype=np.float64,
            ensure_min_samples=2,
            ensure_min_features=2,
            input_name="latent",
        )
        with named_errors("latent"):
            # Of what float32 holds, the squares fit float64.
            assert_all_finite(latent.astype(np.float32), input_name="latent")
        with named_errors("y"):
            y = None if y is None else column_or_1d(y)
            check_consistent_length(latent, y)
        pca = PCA(2, svd_solver="full")
        with np.errstate(invalid="ignore"):  # vectors without any variance
            coordinates = pca.fit_transform(latent)
        shares = np.nan_to_num(pca.explained_variance_ratio_)
        return cls(coordinates, y, shares).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the points.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LatentSpaceDisplay
        """
        coordinates = np.asarray(self.coordinates)
        self.ax_ = new_axes(ax, self)
        self.figure_ = self.ax_.figure
        y = np.zeros(len(coordinates)) if self.y is None else np.asarray(self.y)
        with named_errors("y"):
            labels, counts = np.unique(y, return_counts=True)
        self.collections_ = {}
        for k, (label, count) in enumerate(zip(labels.tolist(), counts, strict=True)):
            color, marker = _STYLES[k % len(_STYLES)]
            self.collections_[None if self.y is None else label] = self.ax_.scatter(
                *coordinates[y == label].T,
                s=14,
                facecolor=(color, 0.6),
                edgecolor=color,
                linewidth=0.3,
                marker=marker,
                zorder=2 + np.sum(counts > count) / len(counts),
                label=f"{label} ({count:,})",
            )
        shares = self.explained_variance_ratio
        for which, name, k in (("x", "first", 0), ("y", "second", 1)):
            text = f"{name} component"
            if shares is not None:
                text += f" ({shares[k]:.0%} of variance)"
            self.ax_.set(**{f"{which}label": text})
        if self.y is not None:
            legend_above(self.ax_, title="label")
        return self
