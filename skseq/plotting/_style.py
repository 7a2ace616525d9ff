# SPDX-License-Identifier: BSD-3-Clause
"""What the displays share: colours, axes, and the way to a score."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils._optional_dependencies import check_matplotlib_support

from .._validation import check_cells, check_finite, is_temporal, is_windows, naming

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


def reach(estimator, X, attribute):
    """Step into pipelines and classifiers, down to the part that has an attribute.

    Gives the part, and ``X`` as this part is given it.
    """
    name = type(estimator).__name__
    while not hasattr(estimator, attribute):
        if isinstance(estimator, Pipeline):
            if X is not None and len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        elif hasattr(estimator, "detector_"):
            estimator = estimator.detector_
        else:
            raise TypeError(
                f"The display needs an estimator with {attribute!r}, which {name} "
                "lacks. Pass a fitted estimator that has it, or what is to be drawn."
            )
    return estimator, X


def anomaly_score(estimator, X):
    """Score, higher for events; the threshold, or None; and the name of the score."""
    if isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return anomaly_score(estimator[-1], X)
    detector = getattr(estimator, "detector_", estimator)
    name = "anomaly score"
    if hasattr(detector, "reconstruction_error"):
        name = "reconstruction error"
    if hasattr(estimator, "score_samples"):
        offset = getattr(estimator, "offset_", None)
        threshold = None if offset is None else -float(np.squeeze(offset))
        return -np.asarray(estimator.score_samples(X)), threshold, name
    estimator, X = reach(estimator, X, "decision_function")
    threshold = float(getattr(estimator, "threshold_", 0.0))
    return np.asarray(estimator.decision_function(X)) + threshold, threshold, name


def names_of_features(estimator, X, n_features):
    """Names of the windows' columns, or of those in training, or numbers."""
    names = X.feature_names if is_windows(X) else None
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)
    if names is None or len(names) != n_features:
        names = [f"feature {k}" for k in range(n_features)]
    return [str(name) for name in names]


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


def event_runs(y):
    """First row of each event, and the row after its last."""
    edges = np.diff(np.concatenate([[0], np.asarray(y, dtype=int), [0]]))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


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


def check_labels(y, n_samples):
    """Flags of the events from labels 0 and 1."""
    with naming("y"):
        y = np.asarray(y)
        labels = np.unique(y).tolist()
        are_flags = np.isin(y, [0, 1]).all()
    if y.shape != (n_samples,):
        raise ValueError(
            f"y must have one label for each of the {n_samples} scores. Got an array "
            f"of shape {y.shape} instead."
        )
    if not are_flags:
        raise ValueError(
            "y must be 1 (or True) for events and 0 (or False) for the rest. Got the "
            f"labels {labels} instead."
        )
    return y.astype(bool)


def check_values(values, parameter="score", *, allow_nan=False):
    """One number for each row, or each epoch."""
    with naming(parameter):
        values = column_or_1d(values)
        if is_temporal(values.dtype):
            raise TypeError(f"it holds values of dtype {values.dtype}, not numbers")
        return check_array(
            values,
            ensure_2d=False,
            dtype=np.float64,
            ensure_all_finite="allow-nan" if allow_nan else True,
            input_name=parameter,
        )


def check_time(time, n_samples):
    """Dates, as of the clock on the wall, or numbers; the numbers of rows for None."""
    if time is None:
        return np.arange(n_samples)
    with naming("time"):
        time = pd.Series(time).reset_index(drop=True).infer_objects()
        check_consistent_length(time, np.empty(n_samples))
    missing = np.flatnonzero(time.isna())
    if len(missing):
        raise ValueError(f"'time' has a missing value in row {missing[0]}.")
    if pd.api.types.is_datetime64_any_dtype(time):
        return time.dt.tz_localize(None).to_numpy()
    if not pd.api.types.is_numeric_dtype(time):
        raise ValueError(
            f"'time' must hold datetimes or numbers. Got {time[0]!r} in row 0."
        )
    return check_values(time, "time")


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
