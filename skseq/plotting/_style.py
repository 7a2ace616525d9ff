# SPDX-License-Identifier: BSD-3-Clause
"""What the displays share: colours, axes, and the way to a score."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from .._validation import check_cells, check_finite, is_windows

# Okabe and Ito's palette, which colour-blind people can tell apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"


def new_axes(ax, display, **figure_options):
    """The axes given, or those of a new figure of pyplot's."""
    check_matplotlib_support(f"{type(display).__name__}.plot")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained", **figure_options)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def panels(ax, display, n_rows, *, figsize, **grid_options):
    """One axes under the other: in a new figure, or in the place of the axes given."""
    check_matplotlib_support(f"{type(display).__name__}.plot")
    if ax is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=figsize, layout="constrained")
        grid = figure.add_gridspec(n_rows, 1, **grid_options)
    else:
        figure = ax.figure
        ax.set_axis_off()
        grid = ax.get_subplotspec().subgridspec(n_rows, 1, **grid_options)
    axes = [figure.add_subplot(grid[0])]
    axes += [figure.add_subplot(grid[k], sharex=axes[0]) for k in range(1, n_rows)]
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
    return np.array(axes)


def use_log_scale(ax, which, values):
    """Set a log scale, with plain numbers, where the values allow it; tell whether."""
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    if not values.size or not values.min() > 0:
        return False
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set(**{f"{which}scale": "log"})
    axis = getattr(ax, f"{which}axis")
    decades = np.log10(values.max()) - np.log10(values.min())
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 3 else (1,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
    return True


def format_dates(ax):
    """Set few and short dates on the horizontal axis."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    # On the right the formatter writes the date that all have in common.
    ax.set_xlabel("time", loc="left")


def legend_above(ax, **options):
    """Legend above the axes, where it hides nothing."""
    ax.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=2,
        columnspacing=1,
        handlelength=1.5,
        frameon=False,
        fontsize="small",
        **options,
    )


def as_sequences(X):
    """Windows as they are, anything else as an array of three dimensions."""
    if is_windows(X):
        return X
    X = check_cells(X, dtype=np.float64, allow_nd=True, ensure_min_features=0)
    if X.ndim > 3 or 0 in X.shape:
        raise ValueError(
            "X must be (n_samples, n_timesteps, n_features) or (n_samples, "
            f"n_timesteps). Got an array of shape {X.shape} instead."
        )
    check_finite(X, lambda *cell: f"position {cell}")
    return X[:, :, np.newaxis] if X.ndim == 2 else X


def judged_rows(score):
    """Flags of the rows with a score, and a line that counts the others, if any."""
    judged = ~np.isnan(score)
    n_missing = np.count_nonzero(~judged)
    rows = "row was" if n_missing == 1 else "rows were"
    return judged, f"\n{n_missing:,} {rows} not judged" if n_missing else ""


def draw_threshold(axline, threshold):
    """Dashed line at the threshold, labelled for the legend."""
    check_number(threshold, "threshold")
    return axline(
        threshold,
        color=BLACK,
        linestyle="--",
        linewidth=1.2,
        label=f"threshold {threshold:.3g}",
        zorder=4,
    )


def check_number(value, parameter, *, low=-np.inf, integer=False):
    """Raise a ValueError unless a value is a finite number of at least ``low``."""
    kind = Integral if integer else Real
    if (
        isinstance(value, kind)
        and not isinstance(value, bool)
        and low <= value < np.inf
    ):
        return
    kind = "an int" if integer else "a finite number"
    least = "" if low == -np.inf else f" of at least {low}"
    raise ValueError(f"{parameter!r} must be {kind}{least}. Got {value!r} instead.")
