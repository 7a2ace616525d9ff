# SPDX-License-Identifier: BSD-3-Clause
"""What the command ``detect`` does between reading a table and telling of it."""

import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import pandas as pd
import typer
from sklearn.preprocessing import StandardScaler

from ..alarms import AlarmRule
from ..baselines import PCAAutoencoder
from ..committee import DetectorCommittee, default_detectors, default_networks
from ..detection._classifier import RareEventClassifier
from ..detection._committee import default_members
from ..reconstruction._offset import NORMAL_QUANTILE
from ..rows._sensors import grade_sensors
from ..rows._words import count
from ..windowing import (
    EachTimeStep,
    SlidingWindow,
    Windows,
    early_warning_labels,
    suggest_window_size,
)
from ._choices import Model
from ._progress import training_bars
from ._table import rows_before

RESIDUAL, COMMITTEE = "residual autoencoder", "committee"
LSTM, PCA = "LSTM autoencoder", "PCA"
FOREST, LOGISTIC = "IsolationForest", "LogisticRegression"
# What the members of RareEventClassifier's default committee are called.
MEMBERS = {"residual": RESIDUAL, "lstm": LSTM, "forest": FOREST, "logistic": LOGISTIC}
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


@dataclass(frozen=True)
class Prepared:
    """Both parts, and the steps that made them, for tables to come."""

    past: Part
    future: Part
    slider: SlidingWindow
    scaler: EachTimeStep


def split(table, choices):
    """Scaled windows before and after the cut; those after it may reach back across it.

    For an early warning, a window that holds a row of an event is in neither part: what
    has happened is neither to be learned nor to be announced.
    """
    past = rows_before(choices.cut, table)
    slider = SlidingWindow(
        _window_size(table, past, choices.window),
        group_by=None if table.series is None else table.series.name,
        time=None if table.time is None else table.time.name,
        max_gap=choices.gap,
    )
    windows = slider.fit_transform(table.X)
    y, keep = table.y, np.ones(len(past), dtype=bool)
    if choices.horizon is not None:
        y = _rows_before_events(table, choices.horizon)
        keep = ~windows.holds_any(table.y)
    future = y[~past & keep]
    if table.labelled and (future.all() or not future.any()):
        raise ValueError(
            f"--cut {choices.cut.text}: of the {len(future)} rows to be scored, "
            f"{future.sum()} are to be found. There must be some of either kind."
        )
    scaler = EachTimeStep(StandardScaler()).fit(windows[past & keep])
    windows = scaler.transform(windows)
    parts = (
        Part(windows[rows], y[rows], table.labelled)
        for rows in (past & keep, ~past & keep)
    )
    return Prepared(*parts, slider, scaler)


def _window_size(table, past, window):
    if window != "auto":
        return window
    keys = [key.name for key in (table.time, table.series) if key is not None]
    values = table.X[past].drop(columns=keys)
    if table.series is not None:
        values[table.series.name] = table.series[past]
    size = suggest_window_size(
        values,
        group_by=None if table.series is None else table.series.name,
        y=table.y[past] if table.labelled else None,
    )
    typer.echo(f"Window: {size} rows, as the training rows suggest.")
    return size


def _rows_before_events(table, horizon):
    if table.time is None and not isinstance(horizon, int):
        raise ValueError(f"--horizon {horizon}: a duration needs --time.")
    y, _ = early_warning_labels(
        table.y,
        horizon,
        groups=table.series,
        time=None if isinstance(horizon, int) else table.time,
    )
    return y


def grades_of(table, cut):
    """What the columns are good for, as the rows before the cut show them."""
    past = rows_before(cut, table)
    keys = [key.name for key in (table.time, table.series) if key is not None]
    return grade_sensors(
        table.X[past].drop(columns=keys).reset_index(drop=True),
        groups=None if table.series is None else table.series[past].to_numpy(),
        y=table.y[past] if table.labelled else None,
    )


def make_detectors(choices, labelled):
    """Detectors by name; the last one is that of the headline.

    Nobody can tell beforehand which is right, so several decide together: with labels
    these tell how much each counts; without, all count alike.
    """
    networks = dict(default_networks(**choices.network or {}))
    members = dict(default_members()) | networks
    if labelled:
        committee = [*members.items()]
    else:
        own = dict(default_detectors())
        committee = DetectorCommittee([(key, members[key]) for key in own])
    pca = PCAAutoencoder()
    name, main = {
        Model.committee: (COMMITTEE, committee),
        Model.residual: (RESIDUAL, networks["residual"]),
        Model.lstm: (LSTM, networks["lstm"]),
        Model.pca: (PCA, pca),
    }[choices.model or Model.committee]
    others = {PCA: pca}
    if not is_weighed(main):  # else the forest and the classifier are members of it
        others[FOREST] = members["forest"]
        if labelled:
            others[LOGISTIC] = [("logistic", members["logistic"])]
    return {key: value for key, value in others.items() if key != name} | {name: main}


def is_weighed(detector):
    """Tell the committee whose members are shown beside it."""
    return isinstance(detector, list) and len(detector) > 1


def fit(detectors, past, choices, *, context, bars=True):
    """Models by name, and what they warned of while they were fitted.

    Before a committee that is weighed come its members, each as it was fitted for it,
    with a threshold of its own.
    """
    models, notes = {}, _Notes()
    for name, detector in detectors.items():
        typer.echo(f"Fitting {name} ...")
        model = _classifier(detector, past, choices, context)
        try:
            with notes.of(name), training_bars() if bars else nullcontext():
                judged = model._fit_and_tell(past.windows, past.y)
        except ValueError as error:
            if name != LOGISTIC:
                raise
            # What needs more events than there are is not compared with.
            notes.add(f"left out. {error}", name)
            continue
        for member in model.named_estimators_ if is_weighed(detector) else ():
            with notes.of(MEMBERS[member]):
                models[MEMBERS[member]] = model._alone(member, judged)
        models[name] = model
    return models, notes.of_all(len(models))


def _classifier(detector, past, choices, context):
    threshold = choices.threshold
    if threshold is None:
        threshold = "f1" if past.y.any() else ("quantile", NORMAL_QUANTILE)
    rule = choices.alarm_rule
    return RareEventClassifier(
        detector,
        threshold=threshold,
        alarm_rule=None if rule is None else AlarmRule(**rule),
        context_features=list(context) or None,
        validation_fraction=HELD_OUT,
        random_state=choices.seed,
    )


@dataclass(frozen=True)
class Scores:
    """Scores of rows by the names of the models.

    ``by_member`` is what each member of the committee in the headline says.
    """

    of_models: dict
    by_member: np.ndarray | None = None


def score(models, windows):
    """Score windows by each model; the last one is that of the headline.

    A member that is shown beside its committee is asked once for both.
    """
    *_, main = models
    members, scores = models[main]._members, {}
    by_member = None if members is None else members.standardized(windows)
    if members is not None:
        scores[main] = members.combined(by_member)
        for k, name in enumerate(map(MEMBERS.get, members.names)):
            if name in models:
                alone = models[name]._members
                scores[name] = alone.combined(by_member[:, k : k + 1])
    for name, model in models.items():
        if name not in scores:
            scores[name] = model._anomaly_score(windows)
    return Scores({name: scores[name] for name in models}, by_member)


def weights_of(model):
    """Weights by the names that members are called here; None where there are none."""
    weights = getattr(model, "weights_", None)
    if weights is None or weights.isna().any() or len(weights) < 2:
        return None
    return weights.rename(MEMBERS).to_dict()


class _Notes:
    """What models warned of, once for those that say the same."""

    def __init__(self):
        self._names = {}

    def add(self, message, name):
        # A dict for a set in order: a model may say the same twice.
        self._names.setdefault(message, {})[name] = None

    @contextmanager
    def of(self, name):
        """Take down what a model warns of in this context."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        for warning in caught:
            if issubclass(warning.category, UserWarning):
                self.add(str(warning.message), name)

    def of_all(self, n_models):
        """Lines, which name the models where it was not said of all."""
        return [
            message if len(names) == n_models else f"{', '.join(names)}: {message}"
            for message, names in self._names.items()
        ]
