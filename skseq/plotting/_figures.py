# SPDX-License-Identifier: BSD-3-Clause
"""The two pictures of a detection, as figures that pyplot knows nothing of."""

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

from ._style import BLACK, BLUE, GREEN, VERMILION

_STYLES = [(BLUE, "-"), (VERMILION, "--"), (GREEN, "-.")]


def _figure_and_axes():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.8), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def score_figure(position, score, y, threshold, *, event_label, xlabel, title):
    """Score of each row over time, with the rows of events and the threshold."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure, axes = _figure_and_axes()
    event = np.asarray(y, dtype=bool)
    position, score = np.asarray(position), np.asarray(score)
    for rows, label, style in (
        (~event, "normal", {"color": BLUE, "marker": ".", "markersize": 3}),
        (event, event_label, {"color": VERMILION, "marker": "x", "markersize": 5}),
    ):
        axes.plot(position[rows], score[rows], linestyle="", label=label, **style)
    axes.axhline(threshold, color=BLACK, linestyle="--", linewidth=1)
    axes.annotate(
        f"threshold {threshold:.3g}",
        (1, threshold),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel=xlabel, ylabel="reconstruction error (log scale)", title=title)
    axes.legend(loc="upper left", frameon=True, markerscale=1.5)
    return figure


def precision_recall_figure(y, decisions, *, title):
    """Precision against recall for each model; a dot where its threshold is."""
    figure, axes = _figure_and_axes()
    y = np.asarray(y, dtype=bool)
    for (name, decision), (color, line) in zip(
        decisions.items(), _STYLES, strict=False
    ):
        precision, recall, _ = precision_recall_curve(y, decision)
        label = f"{name} (average precision {average_precision_score(y, decision):.3f})"
        axes.step(
            recall, precision, line, color=color, where="post", label=label, zorder=2
        )
        flagged = decision > 0
        if flagged.any():
            hits = (flagged & y).sum()
            at_threshold = hits / y.sum(), hits / flagged.sum()
            axes.plot(*at_threshold, "o", color=color, clip_on=False, zorder=3)
    axes.axhline(
        y.mean(), color=BLACK, linestyle=":", label=f"share of events ({y.mean():.2%})"
    )
    axes.set(
        xlabel="recall", ylabel="precision", title=title, xlim=(0, 1), ylim=(0, 1.02)
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False)
    return figure
