# SPDX-License-Identifier: BSD-3-Clause
"""What the command ``detect`` tells of its models: printed, and in files."""

import warnings
from importlib.util import find_spec
from textwrap import fill

import numpy as np
import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from .._files import plain_csv, replacing
from .._report import report as write_report
from .._report._page import check_target
from ..plotting import ScoreTimelineDisplay
from ..plotting._figures import figure_and_axes, precision_recall_figure
from ..reconstruction._offset import NORMAL_QUANTILE
from ..rows._series import group_order
from ._detect import HELD_OUT, RESIDUAL

__all__ = ["check_target", "print_report", "write_page", "write_scores"]

_N_TOP = 3  # features that scores.csv names for each row


def _measures(y, decision):
    judged = ~np.isnan(decision)
    y, decision = y[judged], decision[judged]
    at_threshold = precision_recall_fscore_support(
        y, decision > 0, average="binary", zero_division=0
    )
    return {
        "average precision": average_precision_score(y, decision),
        "ROC AUC": roc_auc_score(y, decision),
        **dict(zip(("precision", "recall", "F1"), at_threshold[:3], strict=True)),
    }


def _threshold_rows(model):
    """The training rows that the threshold was set on, in words."""
    facts = model.validation_
    if facts["how"] == "time":
        return f"the last {HELD_OUT:.0%} of the training rows of each series"
    n_series = facts["held_out"]["n_series"]
    return f"{n_series} whole series, about {HELD_OUT:.0%} of the training rows"


def print_report(past, future, model, decisions, notes):
    measures = {name: _measures(future.y, d) for name, d in decisions.items()}
    # As narrow as can be: the table is to fit in 80 columns.
    report = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    report.add_column("model", no_wrap=True)
    for title in ("rows", "events", *measures[RESIDUAL]):
        report.add_column(title, justify="right")
    counts = f"{len(future.y)}", f"{future.n_events}"
    for name, row in measures.items():
        report.add_row(name, *counts, *(f"{value:.3f}" for value in row.values()))
    typer.echo(f"\nTrained on {past};\nscored the later {future}.\n")
    Console().print(report)
    known = model.validation_["held_out"]["n_events"]
    rule = (
        "for the highest F1"
        if known
        else f"to the {NORMAL_QUANTILE} quantile of scores"
    )
    text = (
        "Precision, recall and F1 are those at the threshold of each model. It is set "
        f"{rule} on {_threshold_rows(model)}, on which the model was not fitted. No "
        "scored row had a part in it."
    )
    typer.echo(f"\n{fill(text, 80)}")
    n_missing = np.isnan(decisions[RESIDUAL]).sum()
    if n_missing:
        notes = [*notes, f"{n_missing} rows were not judged: no data in their windows."]
    for note in notes:
        typer.echo(f"Note: {note}")


def _scores(table, future, model, decision):
    """The table of scores.csv."""
    rows = future.windows.index
    scores = pd.DataFrame({"row": rows})
    for key in (table.time, table.series):
        if key is not None:
            scores[key.name] = key[rows].to_numpy()
    scores["score"] = decision + model.threshold_
    # Where there is no score, there is no decision.
    scores["decision"] = pd.Series(decision > 0, dtype="Int64").mask(np.isnan(decision))
    error = model.detector_.reconstruction_error(future.windows, per="feature")
    names = np.asarray(future.windows.feature_names, dtype=object)
    # NaN, of a feature that was not observed, is sorted to the end.
    top = np.argsort(-error, axis=1)[:, :_N_TOP]
    observed = ~np.isnan(np.take_along_axis(error, top, axis=1))
    for k in range(top.shape[1]):
        scores[f"feature_{k + 1}"] = np.where(observed[:, k], names[top[:, k]], "")
    return scores


def write_scores(out, table, future, model, decisions, horizon):
    scores = _scores(table, future, model, decisions[RESIDUAL])
    with replacing(out / "scores.csv") as file:
        plain_csv(scores).to_csv(file, index=False)
    with replacing(out / "score.png") as file:
        _score_figure(scores, future, model.threshold_, table, horizon).savefig(file)
    title = f"{len(future.y)} scored rows; a dot where the threshold of a model is"
    figure = precision_recall_figure(future.y, decisions, title=title)
    with replacing(out / "precision_recall.png") as file:
        figure.savefig(file)


def _score_figure(scores, future, threshold, table, horizon):
    """Scores in the order of time; of several series, one after the other."""
    series = None if table.series is None else scores[table.series.name]
    order, starts = group_order(series, len(scores))
    alone = len(starts) == 1
    xlabel = "row" if table.time is None else table.time.name
    figure, axes = figure_and_axes()
    with warnings.catch_warnings():  # of rows not judged, which a note counts
        warnings.simplefilter("ignore", UserWarning)
        display = ScoreTimelineDisplay.from_predictions(
            scores["score"].to_numpy()[order],
            y_true=future.y[order],
            threshold=threshold,
            time=scores[xlabel] if alone else None,
            ax=axes,
        )
    display.ax_.set_xlabel(xlabel if alone else "row, one series after the other")
    title = f"{RESIDUAL}, after the training rows"
    if horizon is not None:
        title += f"; an event is up to {horizon} rows before one"
    figure.suptitle(title)
    return figure


def write_page(path, name, table, future, models, *, horizon, max_gap, seed):
    """The page; or, without what it needs, the way to it."""
    if find_spec("plotly") is None:
        typer.echo("No report.html, which needs plotly: pip install skseq[report]")
        return
    rows = future.windows.index
    notes = [
        "The models learned from the rows before these. Each threshold is set on some "
        f"of those, {_threshold_rows(models[RESIDUAL])}, on which its model was not "
        "fitted."
    ]
    if horizon is not None:
        notes.append(
            f"The rows to be found, called events here, are those up to {horizon} rows "
            "before an event. Rows whose window holds a row of an event are left out."
        )
    baselines = {other: model for other, model in models.items() if other != RESIDUAL}
    write_report(
        models[RESIDUAL],
        future.windows,
        future.y,
        path,
        name=RESIDUAL,
        baselines=baselines,
        time=None if table.time is None else table.time[rows],
        groups=None if table.series is None else table.series[rows],
        max_gap=max_gap if table.time is not None else None,
        title=f"Rare events in {name}",
        notes=notes,
        random_state=seed,
    )
    typer.echo(f"Wrote {path}")
