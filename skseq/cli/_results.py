# SPDX-License-Identifier: BSD-3-Clause
"""What the command ``detect`` tells of its models: printed, and in files."""

import warnings
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
from .._report._page import check_target
from .._report._report import write_page as write_report
from .._telling import telling, top_features
from ..alarms import AlarmRule, alarm_table, event_table
from ..metrics import time_in_alarm
from ..plotting import ScoreTimelineDisplay
from ..plotting._figures import figure_with_axes, png_of, precision_recall_figure
from ..reconstruction._offset import NORMAL_QUANTILE
from ..rows._series import group_order
from ..rows._words import count, each, share
from ._choices import N_TOP
from ._detect import HELD_OUT, weights_of

__all__ = [
    "check_target",
    "explained",
    "figures_of",
    "print_report",
    "write_page",
    "write_results",
]

_MAX_STRIPS = 8  # in score.png
_MEASURES = "average precision", "ROC AUC", "precision", "recall", "F1"


def _measures(y, decision):
    judged = ~np.isnan(decision)
    y, decision = y[judged], decision[judged]
    at_threshold = precision_recall_fscore_support(
        y, decision > 0, average="binary", zero_division=0
    )
    scores = average_precision_score(y, decision), roc_auc_score(y, decision)
    return dict(zip(_MEASURES, [*scores, *at_threshold[:3]], strict=True))


def _threshold_rows(model):
    """The training rows that the threshold was set on, in words."""
    facts = model.validation_
    if facts["how"] == "time":
        rows = f"the last {HELD_OUT:.0%} of the training rows"
        return rows + " of each series" * (facts["training"]["n_series"] > 1)
    n_series = facts["held_out"]["n_series"]
    return f"{n_series} whole series, about {HELD_OUT:.0%} of the training rows"


def print_report(past, future, model, figures, notes, rule):
    """Print the figures, what the thresholds stand on, and notes.

    ``figures`` are those of ``figures_of``; ``rule`` is that of the thresholds, as it
    was given, None for the default.
    """
    typer.echo(f"\nTrained on {past};\nscored the later {future}.\n")
    titles, lines = _lines(future, figures)
    # As narrow as can be: the table is to fit in 80 columns.
    report = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    report.add_column("model", no_wrap=True)
    for title in titles:
        report.add_column(title, justify="right")
    for line in lines:
        report.add_row(*line)
    console = Console()
    if console.measure(report).maximum > console.width:
        report.padding = 0  # rather than cut a word
    console.print(report)
    known = model.validation_["held_out"]["n_events"]
    if rule is not None:
        rule = f"by {_words_of_rule(rule)}"
    elif known:
        rule = "for the highest F1"
    else:
        rule = f"to the {NORMAL_QUANTILE} quantile of scores"
    what = "Precision, recall and F1" if future.labelled else "Alarms"
    text = (
        f"{what} are those at the threshold of each model. It is set "
        f"{rule} on {_threshold_rows(model)}, on which the model was not fitted. No "
        "scored row had a part in it."
    )
    typer.echo(f"\n{fill(text, 80)}")
    weights = weights_of(model)
    if weights is not None:
        words = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())
        typer.echo(f"\n{fill(f'Weights in the committee: {words}.', 80)}")
    *_, told = figures.values()
    n_missing = len(future.y) - told["n_judged"]
    if n_missing:
        rows = count(n_missing, "row")
        verb = "was" if n_missing == 1 else "were"
        notes = [*notes, f"{rows} {verb} not judged: no data in their windows."]
    for note in notes:
        typer.echo(f"Note: {note}")


def _words_of_rule(rule):
    """A rule as --threshold takes it."""
    parts = (rule,) if isinstance(rule, str) else rule
    return ":".join(p if isinstance(p, str) else f"{p:g}" for p in parts)


def _lines(future, figures):
    """Titles and lines of the printed table."""
    if future.labelled:
        counts = f"{len(future.y)}", f"{future.n_events}"
        return ["rows", "events", *_MEASURES], [
            (name, *counts, *(f"{told[measure]:.3f}" for measure in _MEASURES))
            for name, told in figures.items()
        ]
    return ["rows", "alarms", "rows in alarm"], [
        (name, f"{len(future.y)}", f"{told['n_alarms']}", share(told["share_in_alarm"]))
        for name, told in figures.items()
    ]


def explained(windows, model, by_member):
    """What tells of the windows, and has told of all; None where nobody tells."""
    detector = telling(model, windows)
    if detector is None:
        return None
    by_member = by_member if detector.fitted is model else None
    return detector._replace(known=detector.explain(detector.X, standardized=by_member))


def _scores(table, future, model, score, parts):
    """The table of scores.csv."""
    rows = future.windows.index
    scores = pd.DataFrame({"row": rows})
    for key in (table.time, table.series):
        if key is not None:
            scores[key.name] = key[rows].to_numpy()
    scores["score"] = score
    # Where there is no score, there is no decision.
    alarm = pd.Series(score > model.threshold_, dtype="Int64")
    scores["alarm"] = alarm.mask(np.isnan(score))
    if parts is None:
        return scores
    top = top_features(parts, N_TOP)
    top[np.isnan(score)] = ""  # nobody contributed
    for k, names in enumerate(top.T):
        scores[f"feature_{k + 1}"] = names
    return scores


def _alarms_and_events(table, future, model, score, parts, alarm_rule):
    """The tables of alarms.csv and, with labels, events.csv, in rows of the table."""
    rows = future.windows.index
    given = {
        "y_true": future.y if future.labelled else None,
        "rule": AlarmRule(on=model.threshold_, **alarm_rule or {}),
        "time": None if table.time is None else table.time[rows],
        "groups": None if table.series is None else table.series[rows],
    }
    tables = {"alarms.csv": alarm_table(score, contributions=parts, **given)}
    if future.labelled:
        tables["events.csv"] = event_table(score, **given)
    for frame in tables.values():
        for name in ("first_row", "last_row"):
            frame[name] = np.asarray(rows)[frame[name]]
    return tables


def write_results(out, table, future, models, scores, choices, detector):
    """Write tables and pictures; the last model is that of the headline.

    ``detector`` is what ``explained`` gives.

    Returns
    -------
    names : list of str
        Of the files.
    """
    *_, name = models
    model, score = models[name], scores.of_models[name]
    parts = None
    if detector is not None:  # what explains is no part of what is judged
        parts = detector.known.drop(columns=list(table.context))
    told = _scores(table, future, model, score, parts)
    frames = {"scores.csv": told.set_index("row")}
    frames |= _alarms_and_events(table, future, model, score, parts, choices.alarm_rule)
    for target, frame in frames.items():
        with replacing(out / target) as file:
            plain_csv(frame).to_csv(file)
    figures = {"score.png": _score_figure(told, future, model.threshold_, table)}
    figures["score.png"].suptitle(_title(name, choices.horizon))
    if future.labelled:
        title = f"{len(future.y)} scored rows; a dot where the threshold of a model is"
        # As on the page: the colour of a model is that of its place.
        decisions = _decisions(models, scores)
        ordered = {name: decisions[name]} | decisions
        figures["precision_recall.png"] = precision_recall_figure(
            future.y, ordered, title=title
        )
    for target, figure in figures.items():
        with replacing(out / target) as file:
            file.write(png_of(figure))
    names = [*frames, *figures]
    typer.echo(f"Wrote {each(names)} in {out}")
    return names


def _title(name, horizon):
    title = f"{name}, after the training rows"
    if horizon is not None:
        title += f"; an event is up to {_reach(horizon)} before one"
    return title


def _reach(horizon):
    return count(horizon, "row") if isinstance(horizon, int) else horizon


def _decisions(models, scores):
    """How far each score is beyond the threshold of its model."""
    return {
        name: score - models[name].threshold_
        for name, score in scores.of_models.items()
    }


def figures_of(future, models, scores):
    """The measures of each model; those of the labels only where there are any."""
    told = {}
    for name, decision in _decisions(models, scores).items():
        judged = ~np.isnan(decision)
        alarms = alarm_table(
            decision, rule=AlarmRule(on=0), groups=future.windows.series
        )
        told[name] = {
            "threshold": float(models[name].threshold_),
            "n_judged": int(judged.sum()),
            "n_alarms": len(alarms),
            "share_in_alarm": float(time_in_alarm(decision > 0)),
        }
        if future.labelled:
            measures = _measures(future.y, decision)
            told[name] |= {key: float(value) for key, value in measures.items()}
    return told


def _score_figure(scores, future, threshold, table):
    """Scores in the order of time, a strip for each series; of many, the highest."""
    series = None if table.series is None else scores[table.series.name]
    order, starts = group_order(series, len(scores))
    parts = np.split(order, starts[1:])
    score = scores["score"].to_numpy()
    parts.sort(key=lambda rows: -np.nan_to_num(score[rows], nan=-np.inf).max())
    figure, *axes = figure_with_axes(min(len(parts), _MAX_STRIPS))
    xlabel = "row" if table.time is None else table.time.name
    for ax, rows in zip(axes, parts, strict=False):
        with warnings.catch_warnings():  # of rows not judged, which a note counts
            warnings.simplefilter("ignore", UserWarning)
            display = ScoreTimelineDisplay.from_predictions(
                score[rows],
                y_true=future.y[rows] if future.labelled else None,
                threshold=threshold,
                time=scores[xlabel].iloc[rows],
                ax=ax,
            )
        display.ax_.set_xlabel(xlabel)
        if len(parts) > 1:
            display.ax_.set_title(f"{series.iloc[rows[0]]}", loc="left")
    return figure


def write_page(
    path,
    name,
    table,
    future,
    models,
    scores,
    *,
    detector,
    horizon,
    max_gap,
    grades,
    seed,
):
    """The page; the last model is that of its headline."""
    rows = future.windows.index
    *_, main = models
    notes = [
        "The models learned from the rows before these. Each threshold is set on some "
        f"of those, {_threshold_rows(models[main])}, on which its model was not "
        "fitted.",
        "The sensors are graded by the rows before these.",
    ]
    if horizon is not None:
        notes.append(
            f"The rows to be found, called events here, are those up to "
            f"{_reach(horizon)} before an event. Rows whose window holds a row of an "
            "event are left out."
        )
    write_report(
        models[main],
        future.windows,
        future.y if future.labelled else None,
        path,
        name=main,
        baselines={other: model for other, model in models.items() if other != main},
        about_rows={
            "time": None if table.time is None else table.time[rows],
            "groups": None if table.series is None else table.series[rows],
            "max_gap": max_gap if table.time is not None else None,
        },
        title=f"Rare events in {name}",
        notes=notes,
        grades=grades,
        scores=scores.of_models,
        detector=detector,
        random_state=seed,
    )
    typer.echo(f"Wrote {path}")
