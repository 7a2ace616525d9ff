# SPDX-License-Identifier: BSD-3-Clause
"""The command line: ``python -m skseq``, or the script ``skseq``."""

import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

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

from .._files import replacing
from .._report import report as write_report
from .._report._page import check_target
from ..datasets import make_process_faults
from ..plotting import ScoreTimelineDisplay
from ..plotting._figures import figure_and_axes, precision_recall_figure
from ..reconstruction._offset import NORMAL_QUANTILE
from ..rows._series import group_order
from ..windowing._held_out import split_last_part
from ._detect import (
    HELD_OUT,
    RESIDUAL,
    fit,
    make_detectors,
    split,
)
from ._score import score
from ._table import read_labelled_table

_DEMO_LAYERS, _DEMO_EPOCHS = "32,16", 25
_N_TOP = 3  # features that scores.csv names for each row

app = typer.Typer(
    help="Find rare events in a table of rows in time order.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command()(score)


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


def _print_report(past, future, decisions, notes):
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
    _, held_out = split_last_part(past.windows, HELD_OUT)
    known = past.y[held_out].any()
    rule = (
        "for the highest F1"
        if known
        else f"to the {NORMAL_QUANTILE} quantile of scores"
    )
    typer.echo(
        "\nPrecision, recall and F1 are those at the threshold of each model. It is\n"
        f"set {rule} on the last {HELD_OUT:.0%} of the training rows of each\n"
        "series, on which the model was not fitted. No scored row had a part in it."
    )
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


def _write(out, table, future, model, decisions, horizon):
    scores = _scores(table, future, model, decisions[RESIDUAL])
    with replacing(out / "scores.csv") as file:
        scores.to_csv(file, index=False)
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


def _write_report(path, name, table, future, models, *, horizon, max_gap, seed):
    """The page; or, without what it needs, the way to it."""
    if find_spec("plotly") is None:
        typer.echo("No report.html, which needs plotly: pip install skseq[report]")
        return
    rows = future.windows.index
    notes = [
        "The models learned from the rows before these. Each threshold is set on the "
        f"last {HELD_OUT:.0%} of those, on which its model was not fitted."
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


@contextmanager
def _one_line_errors():
    """End on bad input with one line on stderr and exit code 2."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        typer.echo("Error: " + " ".join(str(error).split()), err=True)
        raise typer.Exit(2) from error


def _layer_sizes(text):
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError:
        raise ValueError(
            f"--layers: expected ints between commas, such as 64,32. Got {text!r}."
        ) from None


def _gap(text):
    """A number where it reads as one, for a column of numbers; else a duration."""
    try:
        return text and float(text)
    except ValueError:
        return text


@app.command()
def detect(
    table: Annotated[Path, typer.Argument(help="A csv or parquet file.")],
    label: Annotated[
        str, typer.Option(help="Column that is 1 in the rows of events, else 0.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    time: Annotated[
        str | None, typer.Option(help="Column of dates or numbers; not a feature.")
    ] = None,
    group_by: Annotated[
        str | None, typer.Option(help="Column that names the series; not a feature.")
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Find the rows up to this many before an event, instead of those in "
            "it. Rows whose window holds a row of an event are left out.",
        ),
    ] = None,
    window: Annotated[int, typer.Option(min=1, help="Rows in a window.")] = 10,
    max_gap: Annotated[
        str | None,
        typer.Option(
            help="Longest time between two rows of a window, such as 5min; a number "
            "where --time holds numbers."
        ),
    ] = None,
    train_until: Annotated[
        str,
        typer.Option(
            metavar="ROW|DATE|FRACTION",
            help="End of the training rows. A row or a share of the rows counts them "
            "as they stand; with --time and --group-by, in the order of their time, so "
            "that all series are cut at one time. A date needs --time.",
        ),
    ] = "0.6",
    layers: Annotated[
        str, typer.Option(help="Layer sizes of the encoder of its LSTM network.")
    ] = "64,32",
    max_epochs: Annotated[
        int, typer.Option(min=1, help="Most passes over the training windows.")
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Random state.")] = 0,
    report: Annotated[
        Path | None,
        typer.Option(help="The page to write. [default: report.html in --out]"),
    ] = None,
):
    """Train on the past of a table, score its future.

    Every column but those of --label, --time and --group-by is a feature. A residual
    autoencoder, and PCA and an isolation forest beside it, learn from the windows
    without event. Writes scores.csv, score.png and precision_recall.png, and a page
    that shows what came of it, report.html.
    """
    with _one_line_errors():
        if find_spec("matplotlib") is None:
            raise ImportError("The pictures need matplotlib: pip install skseq[plot]")
        detectors = make_detectors(_layer_sizes(layers), max_epochs)
        rows = read_labelled_table(table, label, time, group_by)
        past, future = split(rows, window, _gap(max_gap), horizon, train_until)
        out.mkdir(parents=True, exist_ok=True)
        page = check_target(out / "report.html" if report is None else report)
        models, notes = fit(detectors, past, seed)
    decisions = {
        name: model.decision_function(future.windows) for name, model in models.items()
    }
    _print_report(past, future, decisions, notes)
    with _one_line_errors():
        _write(out, rows, future, models[RESIDUAL], decisions, horizon)
        typer.echo(f"Wrote scores.csv, score.png and precision_recall.png in {out}")
        _write_report(
            page,
            table.name,
            rows,
            future,
            models,
            horizon=horizon,
            max_gap=_gap(max_gap),
            seed=seed,
        )


@app.command()
def demo(
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; else a temporary one.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random state.")] = 0,
):
    """Make a process with rare faults, and run detect on it."""
    with _one_line_errors():
        out = out or Path(tempfile.mkdtemp(prefix="skseq-demo-"))
        out.mkdir(parents=True, exist_ok=True)
        table = out / "process.csv"
        X, y = make_process_faults(12_000, fault_rate=0.015, random_state=seed)
        X.assign(event=y).to_csv(table, index=False)
    typer.echo(
        f"Made {table}. The same by hand:\n"
        f"  skseq detect {table} --label event --time timestamp --max-gap 5min "
        f"--layers {_DEMO_LAYERS} --max-epochs {_DEMO_EPOCHS} --seed {seed} "
        f"--out {out}\n"
    )
    detect(
        table,
        "event",
        out,
        time="timestamp",
        max_gap="5min",
        layers=_DEMO_LAYERS,
        max_epochs=_DEMO_EPOCHS,
        seed=seed,
    )


def main():
    """Run the command line."""
    app(prog_name="skseq")
