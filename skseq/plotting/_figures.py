# SPDX-License-Identifier: BSD-3-Clause
"""Figures that pyplot knows nothing of: precision against recall, and any as PNG."""

import io

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

from ..rows._words import share
from ._style import BLACK, model_style


def figure_with_axes(n_axes=1):
    """An empty figure that pyplot knows nothing of, and its axes, from the top."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, max(4.8, 2.8 * n_axes)), dpi=150, layout="constrained")
    axes = figure.subplots(n_axes, squeeze=False)[:, 0]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, *axes


def png_of(figure):
    """The bytes of a figure as PNG, with a palette: a third of those without one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # once: savefig draws twice
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    buffer = io.BytesIO()
    # An octree is found in a tenth of the time of a median cut, and errs less at most.
    # Not with optimize: a sixth fewer bytes are not worth eight times as long.
    image.quantize(method=Image.Quantize.FASTOCTREE, dither=0).save(buffer, "png")
    return buffer.getvalue()


def precision_recall_figure(y, decisions, *, title):
    """Precision against recall for each model; a dot where its threshold is.

    The first is that of the page or command: colours go by the order, everywhere.
    """
    figure, axes = figure_with_axes()
    y = np.asarray(y, dtype=bool)
    for k, (name, decision) in enumerate(decisions.items()):
        color, line = model_style(k)
        judged = ~np.isnan(decision)
        event, decision = y[judged], decision[judged]
        precision, recall, _ = precision_recall_curve(
            event, decision, drop_intermediate=True
        )
        average = average_precision_score(event, decision)
        label = f"{name} (average precision {average:.3f})"
        axes.step(
            recall, precision, line, color=color, where="post", label=label, zorder=2
        )
        flagged = decision > 0
        if flagged.any():
            hits = (flagged & event).sum()
            at_threshold = hits / event.sum(), hits / flagged.sum()
            axes.plot(*at_threshold, "o", color=color, clip_on=False, zorder=3)
    axes.axhline(
        y.mean(),
        color=BLACK,
        linestyle=":",
        label=f"share of events ({share(y.mean())})",
    )
    axes.set(
        xlabel="recall", ylabel="precision", title=title, xlim=(0, 1), ylim=(0, 1.02)
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False)
    return figure
