# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of the page, as PNG in text."""

import base64
from typing import NamedTuple

import numpy as np
import pandas as pd

from .._detectors import names_of_features
from ..plotting import (
    ErrorDistributionDisplay,
    FeatureErrorDisplay,
    LatentSpaceDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
    SignalsDisplay,
    ThresholdDisplay,
)
from ..plotting._figures import png_of, precision_recall_figure
from ..plotting._signals import contributions, measured
from ..plotting._style import (
    BLACK,
    BLUE,
    SKY,
    draw_threshold,
    format_dates,
    legend_above,
    use_log_scale,
)

# Small enough for the letters to be read on a telephone.
_WIDTH, _HEIGHT, _DPI = 5.6, 4.0, 160
_MAX_LATENT = 5000
_MAX_DRAWN = 20_000  # rows in a picture; of more, the part around the highest score
_N_SLICES = 40  # of the normal rows, in the picture of their drift


class Picture(NamedTuple):
    title: str
    png: str  # base64


class Drawn(NamedTuple):
    """What the pictures are of."""

    X: object  # as it was given to the estimator, for its units; the judged rows
    detector: object  # Detector or None
    rows: object
    models: list
    score_name: str
    worst: int  # row of the window that is drawn with its reconstruction

    @property
    def given(self):
        model = self.models[0]
        return {"threshold": model.threshold, "score_name": self.score_name}


def draw_pictures(drawn):
    """Draw what the model and the rows allow.

    Parameters
    ----------
    drawn : Drawn

    Returns
    -------
    pictures : list of Picture
    """
    rows, detector = drawn.rows, drawn.detector
    has_both = rows.y.any() and not rows.y.all()
    figures = {}
    if has_both:
        figures["Precision against recall"] = _precision_recall(drawn)
    part, title = _part(drawn)
    if detector is not None:
        figures[f"Signals and scores{title}"] = _signals(drawn, part)
    if rows.labelled:
        figures["Distribution of the scores"] = _distribution(drawn)
    if has_both:
        figures["What each threshold gives"] = _thresholds(drawn)
    if detector is not None and detector.reconstructor is not None:
        fitted = detector.reconstructor
        figures[f"Error of each feature{title}"] = _feature_error(drawn, part)
        figures["The worst window"] = _reconstruction(drawn)
        # Others have latent vectors of a part of the sequence only.
        if hasattr(fitted, "inverse_transform"):
            figures["Latent vectors of the windows"] = _latent(drawn)
        if hasattr(fitted, "loss_curve_"):
            figures["Loss while training"] = _loss_curve(fitted)
    return [
        Picture(title, encode(figure))
        for title, figure in figures.items()
        if figure is not None
    ]


def axes(height=_HEIGHT):
    """Axes in a figure that pyplot knows nothing of."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    return figure.add_subplot()


def encode(figure):
    """A figure as PNG in text."""
    figure.set_dpi(_DPI)
    return base64.b64encode(png_of(figure)).decode("ascii")


def _part(drawn):
    """Rows to draw in time: those of one series, and what they are called."""
    rows, score = drawn.rows, np.asarray(drawn.models[0].score, dtype=float)
    bounds = np.append(rows.series_starts, len(rows))
    series = int(np.argmax(np.maximum.reduceat(score[rows.order], bounds[:-1])))
    part = rows.order[bounds[series] : bounds[series + 1]]
    title = ""
    if rows.n_series > 1:
        title = f", series {rows.groups[part[0]]}"
    if len(part) > _MAX_DRAWN:
        middle = int(np.argmax(score[part]))
        start = min(max(middle - _MAX_DRAWN // 2, 0), len(part) - _MAX_DRAWN)
        part = part[start : start + _MAX_DRAWN]
        title += f", {_MAX_DRAWN:,} rows around the highest score"
    return part, title


def _time(rows, part):
    """Times of some rows of one series, or their numbers."""
    if rows.time is None:
        numbers = rows.numbers[part]
        return numbers if (np.diff(numbers) > 0).all() else None
    return rows.time.iloc[part].reset_index(drop=True)


def _with_axis_label(display, axes, rows):
    if not rows.has_dates:
        axes.set_xlabel("row" if rows.time is None else "time")
    return display.figure_


def _precision_recall(drawn):
    rows = drawn.rows
    decisions = {
        model.name: model.score
        - (model.score.max() if model.threshold is None else model.threshold)
        for model in drawn.models
    }
    figure = precision_recall_figure(
        rows.y, decisions, title="A dot where the threshold of a model is"
    )
    figure.set_size_inches(_WIDTH, _HEIGHT + 0.2 * len(decisions))
    (ax,) = figure.axes
    ax.title.set_fontsize("medium")
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.13),
        fontsize="small",
        frameon=False,
    )
    return figure


def _signals(drawn, part):
    detector, rows = drawn.detector, drawn.rows
    fitted, windows = detector.fitted, detector.X[part]
    names = names_of_features(fitted, windows, windows.shape[2])
    score = np.asarray(drawn.models[0].score, dtype=float)[part]
    X = drawn.X
    display = SignalsDisplay.from_predictions(
        measured(X.iloc[part] if isinstance(X, pd.DataFrame) else X, windows, names),
        score,
        contributions=contributions(
            lambda rows: detector.explained(part[rows]),
            score,
            drawn.models[0].threshold,
        ),
        feature_names=names,
        y_true=rows.y[part],
        time=_time(rows, part),
        max_features=3,
        ax=axes(1.6 * _HEIGHT),
        **drawn.given,
    )
    return _with_axis_label(display, display.axes_[-1], rows)


def _distribution(drawn):
    return ErrorDistributionDisplay.from_predictions(
        drawn.rows.y, drawn.models[0].score, ax=axes(), **drawn.given
    ).figure_


def _thresholds(drawn):
    return ThresholdDisplay.from_predictions(
        drawn.rows.y, drawn.models[0].score, ax=axes(), **drawn.given
    ).figure_


def _feature_error(drawn, part):
    fitted, windows = drawn.detector.reconstructor, drawn.detector.seen[part]
    error = fitted.reconstruction_error(windows, per="feature")
    if np.isnan(error).all():
        return None
    n_features = error.shape[1]
    display = FeatureErrorDisplay.from_predictions(
        error,
        feature_names=names_of_features(fitted, windows, n_features),
        y_true=drawn.rows.y[part] if drawn.rows.labelled else None,
        time=_time(drawn.rows, part),
        ax=axes(max(_HEIGHT, 1 + 0.18 * n_features)),
    )
    return _with_axis_label(display, display.ax_, drawn.rows)


def _reconstruction(drawn):
    display = ReconstructionDisplay.from_estimator(
        drawn.detector.reconstructor,
        drawn.detector.seen,
        sample=drawn.worst,
        max_features=3,
        ax=axes(1.5 * _HEIGHT),
    )
    return display.figure_


def _latent(drawn):
    """Latent vectors of the events, and of as many others as can be told apart."""
    fitted, X, y = drawn.detector.reconstructor, drawn.detector.seen, drawn.rows.y
    normal, events = np.flatnonzero(~y), np.flatnonzero(y)
    chosen = np.sort(
        np.concatenate(
            [part[:: 1 + len(part) // _MAX_LATENT] for part in (normal, events)]
        )
    )
    if len(chosen) < 2 or fitted.transform(X[:1]).shape[1] < 2:
        return None
    labels = y[chosen].astype(int) if drawn.rows.labelled else None
    return LatentSpaceDisplay.from_estimator(
        fitted, X[chosen], labels, ax=axes()
    ).figure_


def _loss_curve(fitted):
    return LossCurveDisplay.from_estimator(fitted, ax=axes()).figure_


def drift_picture(course, rows, model, score_name):
    """The scores of the normal rows by slices of the period, beside what is usual."""
    if len(course.order) < 2 * _N_SLICES:
        return []
    slices = np.array_split(np.arange(len(course.order)), _N_SLICES)
    middle = course.order[[part[len(part) // 2] for part in slices]]
    levels = np.array(
        [np.quantile(course.score[part], [0.1, 0.5, 0.9]) for part in slices]
    )
    time = _time(rows, middle) if rows.time is not None else middle
    ax = axes()
    ax.spines[["top", "right"]].set_visible(False)
    if rows.has_dates:
        time = time.dt.tz_localize(None)
    time = np.asarray(time)
    ax.fill_between(
        time, levels[:, 0], levels[:, 2], color=SKY, alpha=0.4, label="80% of the rows"
    )
    ax.plot(time, levels[:, 1], color=BLUE, label="median")
    if course.level is not None:
        ax.axhline(course.level.score, color=BLACK, linestyle=":", label="usual limit")
    if model.threshold is not None:
        draw_threshold(ax.axhline, model.threshold)
    name = score_name
    if use_log_scale(ax, "y", levels.ravel()):
        name += "\n(log scale)"
    ax.set(xlabel="row" if rows.time is None else "time", ylabel=name)
    if rows.has_dates:
        format_dates(ax)
    legend_above(ax)
    kind = "normal rows" if rows.labelled else "rows"
    return [Picture(f"Scores of {kind} over the scored period", encode(ax.figure))]
