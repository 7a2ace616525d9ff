# SPDX-License-Identifier: BSD-3-Clause
"""What the command ``detect`` does between reading a table and telling of it."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import typer
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

from ..autoencoder import LSTMAutoencoder
from ..baselines import PCAAutoencoder
from ..committee import DetectorCommittee
from ..detection._classifier import RareEventClassifier
from ..reconstruction._offset import NORMAL_QUANTILE
from ..residual import ResidualAutoencoder
from ..rows._sensors import grade_sensors
from ..rows._words import count
from ..windowing import (
    EachTimeStep,
    SlidingWindow,
    Windows,
    early_warning_labels,
)
from ._progress import training_bars
from ._table import rows_before

RESIDUAL, COMMITTEE = "residual autoencoder", "committee"
HELD_OUT = 0.2  # of the training rows, for the threshold


@dataclass(frozen=True)
class Part:
    """Windows of the rows on one side of the cut, and the labels of these rows."""

    windows: Windows
    y: np.ndarray
    labelled: bool = True

    def __str__(self):
        text = count(len(self.y), "row")
        if not self.labelled:
            return text
        return f"{text}, {self.y.sum():,} of them in {count(self.n_events, 'event')}"

    @property
    def n_events(self):
        """Number of runs of 1, each within one series."""
        y = pd.Series(self.y)
        before = y.groupby(self.windows.series).shift(fill_value=0)
        return int(((y == 1) & (before == 0)).sum())


def split(table, window_size, max_gap, horizon, cut):
    """Scaled windows before and after the cut; those after it may reach back across it.

    For an early warning, a window that holds a row of an event is in neither part: what
    has happened is neither to be learned nor to be announced.
    """
    windows = SlidingWindow(
        window_size,
        group_by=None if table.series is None else table.series.name,
        time=None if table.time is None else table.time.name,
        max_gap=max_gap,
    ).fit_transform(table.X)
    past = rows_before(cut, table)
    y, keep = table.y, np.ones(len(past), dtype=bool)
    if horizon is not None:
        y, _ = early_warning_labels(table.y, horizon, groups=table.series)
        keep = ~windows.holds_any(table.y)
    future = y[~past & keep]
    if table.labelled and (future.all() or not future.any()):
        raise ValueError(
            f"--train-until {cut}: of the {len(future)} rows to be scored, "
            f"{future.sum()} are to be found. There must be some of either kind."
        )
    scaler = EachTimeStep(StandardScaler()).fit(windows[past & keep])
    windows = scaler.transform(windows)
    return [
        Part(windows[rows], y[rows], table.labelled)
        for rows in (past & keep, ~past & keep)
    ]


def grades_of(table, cut):
    """What the columns are good for, as the rows before the cut show them."""
    past = rows_before(cut, table)
    keys = [key.name for key in (table.time, table.series) if key is not None]
    return grade_sensors(
        table.X[past].drop(columns=keys).reset_index(drop=True),
        groups=None if table.series is None else table.series[past].to_numpy(),
        y=table.y[past] if table.labelled else None,
    )


def make_detectors(layers, max_epochs, labelled):
    """Detectors by name; the last one is that of the headline.

    Without labels nobody can tell which is right, so several decide together.
    """
    network = LSTMAutoencoder(layers, max_epochs=max_epochs)
    residual = ResidualAutoencoder(network)
    simple = {"PCA": PCAAutoencoder(), "IsolationForest": IsolationForest()}
    if labelled:
        return {**simple, RESIDUAL: residual}
    recent = clone(network).set_params(error="mahalanobis", score_on="recent")
    members = [("residual", residual), ("lstm", recent), ("forest", IsolationForest())]
    return {**simple, COMMITTEE: DetectorCommittee(members)}


def fit(detectors, past, seed):
    """Models by name, and what they warned of while they were fitted."""
    threshold = "f1" if past.y.any() else ("quantile", NORMAL_QUANTILE)
    models = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name, detector in detectors.items():
            typer.echo(f"Fitting {name} ...")
            with training_bars():
                models[name] = RareEventClassifier(
                    detector,
                    threshold=threshold,
                    validation_fraction=HELD_OUT,
                    random_state=seed,
                ).fit(past.windows, past.y)
    messages = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    return models, list(dict.fromkeys(messages))
