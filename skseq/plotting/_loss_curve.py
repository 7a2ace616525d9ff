# SPDX-License-Identifier: BSD-3-Clause
"""LossCurveDisplay: how the training went."""

import numpy as np

from .._detectors import reach
from ..rows._events import check_values
from ._style import (
    BLACK,
    BLUE,
    VERMILION,
    check_number,
    legend_above,
    new_axes,
    use_log_scale,
)


class LossCurveDisplay:
    """Training and validation loss of each epoch, and the epoch that was kept.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        Training loss of each epoch.

    validation_loss_curve : array-like of shape (n_epochs,) or None, default=None
        Loss of the held-out part after each epoch.

    best_epoch : int or None, default=None
        Epoch, counted from 1, whose weights were kept; 0 for none.

    loss_name : str or None, default=None
        Name of the loss, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.

    figure_ : matplotlib Figure
        Figure that holds them.

    lines_ : list of matplotlib Line2D
        The training curve, and that of validation if there is one.

    best_epoch_line_ : matplotlib Line2D or None
        Line at the best epoch.

    See Also
    --------
    ReconstructionDisplay : What the trained network makes of a window.

    Examples
    --------
    >>> from skseq.plotting import LossCurveDisplay
    >>> display = LossCurveDisplay([0.9, 0.4, 0.2], [0.8, 0.5, 0.6], 2).plot()
    >>> display.lines_[1].get_ydata().tolist()
    [0.8, 0.5, 0.6]
    """

    def __init__(
        self, loss_curve, validation_loss_curve=None, best_epoch=None, loss_name=None
    ):
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.best_epoch = best_epoch
        self.loss_name = loss_name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the loss curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``loss_curve_``; or a pipeline or classifier around it.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LossCurveDisplay
        """
        estimator, _ = reach(estimator, None, "loss_curve_")
        loss = getattr(estimator, "loss", None)
        display = cls(
            estimator.loss_curve_,
            getattr(estimator, "validation_loss_curve_", None),
            getattr(estimator, "best_epoch_", None),
            loss if isinstance(loss, str) else None,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LossCurveDisplay
        """
        self.ax_ = new_axes(ax, self)
        self.figure_ = self.ax_.figure
        self.lines_, values = [], []
        for name, label, color, style in (
            ("loss_curve", "training", BLUE, "o-"),
            ("validation_loss_curve", "validation", VERMILION, "s--"),
        ):
            curve = getattr(self, name)
            if curve is None:
                continue
            curve = check_values(curve, name, allow_nan=True)
            epochs = np.arange(1, len(curve) + 1)
            self.lines_ += self.ax_.plot(
                epochs, curve, style, color=color, markersize=3, label=label
            )
            values.extend(curve)
        self.best_epoch_line_ = None
        if self.best_epoch is not None:
            check_number(self.best_epoch, "best_epoch", low=0)
            self.best_epoch_line_ = self.ax_.axvline(
                self.best_epoch,
                color=BLACK,
                linestyle=":",
                label=f"best epoch ({self.best_epoch})",
            )
        name = "loss" if self.loss_name is None else f"loss ({self.loss_name})"
        if use_log_scale(self.ax_, "y", values):
            name += ", log scale"
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.set(xlabel="epoch", ylabel=name)
        legend_above(self.ax_)
        return self
