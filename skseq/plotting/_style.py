# SPDX-License-Identifier: BSD-3-Clause
"""What the displays share: colours, axes, and the way to a score."""

from numbers import Integral, Real

import numpy as np

from .._sklearn import check_matplotlib_support
from .._validation import check_cells, check_finite, is_windows
from ..rows._words import number

# Okabe and Ito's palette, which colour-blind people can tell apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"

_GAP = 10  # a gap is longer than this many median steps

# Of models, one for each, wherever they are drawn: not those of events and alarms.
_MODEL_COLORS = (BLUE, GREEN, PURPLE, SKY, "#7A4F9E", "#8C6D1F", "#5A5A5A")
_MODEL_LINES = ("-", "--", "-.", ":")


def model_style(k):
    """Colour and line style of the model of a number, of which there may be many."""
    n_colors = len(_MODEL_COLORS)
    color = _MODEL_COLORS[k % n_colors]
    return color, _MODEL_LINES[(k + k // n_colors) % len(_MODEL_LINES)]


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


# A log scale must not be ruled by a few scores near 0: the lowest that it shows is at
# most so many decades below the median of the positive ones.
_MAX_DECADES_BELOW = 4
_MIN_POSITIVE = 0.9  # share of the values


def log_range(values):
    """Lowest and highest value that a log scale shows; None where it would mislead.

    It suits positive values. A few that are 0 or less, as of rows without an error, are
    left below it.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    positive = values[values > 0]
    if len(positive) < _MIN_POSITIVE * len(values) or not len(positive):
        return None
    if (values < -0.01 * np.median(positive)).any():
        return None  # a score of any sign
    low = max(positive.min(), np.median(positive) * 10.0**-_MAX_DECADES_BELOW)
    return float(low), float(positive.max())


def allows_log_scale(values):
    """Tell whether values are to be drawn on a log scale."""
    return log_range(values) is not None


def use_log_scale(ax, which, values):
    """Set a log scale, with plain numbers, where the values allow it; tell whether."""
    limits = log_range(values)
    if limits is None:
        return False
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = limits
    ax.set(**{f"{which}scale": "log"})
    axis = getattr(ax, f"{which}axis")
    decades = np.log10(high) - np.log10(low)
    subs = range(1, 10) if decades < 0.7 else (1, 2, 5) if decades < 3 else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
    if np.nanmin(values) < low:  # what lies below the scale stands at its end
        ax.set(**{f"{which}lim": (low / 1.2, high * 1.3)})
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
    """Legend above the axes, where it hides nothing; none of what has no label."""
    if not options.get("handles", ax.get_legend_handles_labels()[0]):
        return
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


def gaps(time):
    """Rows that follow a gap: a step much longer than the median one."""
    steps = np.diff(time)
    return np.flatnonzero(steps > _GAP * np.median(steps)) + 1 if len(steps) else []


def with_breaks(time, values):
    """A line that breaks at gaps in time."""
    at = gaps(time)
    return np.insert(time, at, time[at]), np.insert(values, at, np.nan)


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


def draw_threshold(axline, threshold):
    """Dashed line at the threshold, labelled for the legend."""
    check_number(threshold, "threshold")
    return axline(
        threshold,
        color=BLACK,
        linestyle="--",
        linewidth=1.2,
        label=f"threshold {number(threshold)}",
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
