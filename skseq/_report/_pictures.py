# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of the page, as PNG in text."""

import base64
import io
from typing import NamedTuple

import numpy as np

from .._detectors import names_of_features
from ..plotting import (
    ErrorDistributionDisplay,
    FeatureErrorDisplay,
    LatentSpaceDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
    ScoreTimelineDisplay,
    ThresholdDisplay,
)
from ..plotting._figures import precision_recall_figure

# Small enough for the letters to be read on a telephone.
_WIDTH, _HEIGHT, _DPI = 5.6, 4.0, 160
_MAX_LATENT = 5000


class Picture(NamedTuple):
    title: str
    png: str  # base64


def draw_pictures(detector, X, rows, models, score_name, worst):
    """Draw what the model and the rows allow.

    Parameters
    ----------
    detector : estimator or None
        That reconstructs, if the model holds one.

    X : array-like or None
        Its input.

    rows : Rows

    models : list of Model
        The first is that of the page.

    score_name : str

    worst : int
        Row of the window to draw with its reconstruction.

    Returns
    -------
    pictures : list of Picture
    """
    score = models[0].score
    given = {"threshold": models[0].threshold, "score_name": score_name}
    figures = {}
    if rows.y.any():
        figures["Precision against recall"] = _precision_recall(rows, models)
    if rows.n_series == 1:
        figures["Score over time"] = _timeline(rows, score, given)
    figures["Distribution of the scores"] = _distribution(rows, score, given)
    if rows.y.any():
        figures["What each threshold gives"] = _thresholds(rows, score, given)
    if detector is not None:
        figures["Error of each feature"] = _feature_error(detector, X, rows)
        figures["The worst window"] = _reconstruction(detector, X, worst)
        if hasattr(detector, "transform"):
            figures["Latent vectors of the windows"] = _latent(detector, X, rows)
        if hasattr(detector, "loss_curve_"):
            figures["Loss while training"] = _loss_curve(detector)
    return [
        Picture(title, _encode(figure))
        for title, figure in figures.items()
        if figure is not None
    ]


def _axes(height=_HEIGHT):
    """Axes in a figure that pyplot knows nothing of."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    return figure.add_subplot()


def _encode(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _precision_recall(rows, models):
    decisions = {
        model.name: model.score
        - (model.score.max() if model.threshold is None else model.threshold)
        for model in models
    }
    figure = precision_recall_figure(
        rows.y, decisions, title="A dot where the threshold of a model is"
    )
    figure.set_size_inches(_WIDTH, _HEIGHT + 0.4)
    (axes,) = figure.axes
    axes.title.set_fontsize("medium")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.13),
        fontsize="small",
        frameon=False,
    )
    return figure


def _timeline(rows, score, given):
    display = ScoreTimelineDisplay.from_predictions(
        score, y_true=rows.y, time=rows.position, ax=_axes(), **given
    )
    return _with_axis_label(display, rows)


def _with_axis_label(display, rows):
    if not (rows.has_dates and rows.n_series == 1):
        display.ax_.set_xlabel(rows.axis_label)
    return display.figure_


def _distribution(rows, score, given):
    return ErrorDistributionDisplay.from_predictions(
        rows.y, score, ax=_axes(), **given
    ).figure_


def _thresholds(rows, score, given):
    return ThresholdDisplay.from_predictions(rows.y, score, ax=_axes(), **given).figure_


def _feature_error(detector, X, rows):
    error = detector.reconstruction_error(X, per="feature")[rows.order]
    if np.isnan(error).all():
        return None
    n_features = error.shape[1]
    display = FeatureErrorDisplay.from_predictions(
        error,
        feature_names=names_of_features(detector, X, n_features),
        y_true=rows.y[rows.order],
        time=rows.position[rows.order],
        ax=_axes(max(_HEIGHT, 1 + 0.18 * n_features)),
    )
    return _with_axis_label(display, rows)


def _reconstruction(detector, X, worst):
    display = ReconstructionDisplay.from_estimator(
        detector, X, sample=worst, max_features=3, ax=_axes(1.5 * _HEIGHT)
    )
    return display.figure_


def _latent(detector, X, rows):
    """Latent vectors of the events, and of as many others as can be told apart."""
    normal, events = np.flatnonzero(~rows.y), np.flatnonzero(rows.y)
    chosen = np.sort(
        np.concatenate(
            [part[:: 1 + len(part) // _MAX_LATENT] for part in (normal, events)]
        )
    )
    if len(chosen) < 2 or detector.transform(X[:1]).shape[1] < 2:
        return None
    return LatentSpaceDisplay.from_estimator(
        detector, X[chosen], rows.y[chosen].astype(int), ax=_axes()
    ).figure_


def _loss_curve(detector):
    return LossCurveDisplay.from_estimator(detector, ax=_axes()).figure_
