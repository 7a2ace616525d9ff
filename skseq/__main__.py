# SPDX-License-Identifier: BSD-3-Clause
"""The command line: ``python -m skseq``, or the script ``skseq``."""

import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.preprocessing import StandardScaler

from ._detectors import anomaly_score, fit_on_windows
from ._detectors import seed as set_seed
from ._labelled_table import read_labelled_table, rows_before
from .autoencoder import LSTMAutoencoder
from .baselines import PCAAutoencoder
from .datasets import make_process_faults
from .detection import RareEventClassifier
from .plotting._figures import precision_recall_figure, score_figure
from .windowing import EachTimeStep, SlidingWindow, Windows, early_warning_labels
from .windowing._held_out import split_last_part

_LSTM = "LSTM autoencoder"
_HELD_OUT = 0.2  # last part of the training rows, for the threshold
_QUANTILE = 0.99  # of its scores, where it holds no event
_DEMO_LAYERS, _DEMO_EPOCHS = "32,16", 25
_N_TOP = 3  # features that scores.csv names for each row

app = typer.Typer(
    help="Find rare events in a table of rows in time order.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


@dataclass(frozen=True)
class _Part:
    """Windows of the rows on one side of the cut, and the labels of these rows."""

    windows: Windows
    y: np.ndarray

    def __str__(self):
        return f"{len(self.y)} rows, {self.y.sum()} of them in {self.n_events} events"

    @property
    def n_events(self):
        """Number of runs of 1, each within one series."""
        y = pd.Series(self.y)
        before = y.groupby(self.windows.series).shift(fill_value=0)
        return int(((y == 1) & (before == 0)).sum())


def _split(table, window_size, max_gap, horizon, cut):
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
    if future.all() or not future.any():
        raise ValueError(
            f"--train-until {cut}: of the {len(future)} rows to be scored, "
            f"{future.sum()} are to be found. There must be some of either kind."
        )
    scaler = EachTimeStep(StandardScaler()).fit(windows[past & keep])
    windows = scaler.transform(windows)
    return [_Part(windows[rows], y[rows]) for rows in (past & keep, ~past & keep)]


def _detectors(layers, max_epochs):
    return {
        "PCA": PCAAutoencoder(),
        "IsolationForest": IsolationForest(),
        _LSTM: LSTMAutoencoder(layers, max_epochs=max_epochs),
    }


def _show_progress(estimator):
    try:
        from sklearn.callback import ProgressBar
    except ImportError:  # experimental in scikit-learn 1.9
        return
    estimator.set_callbacks(ProgressBar())


@dataclass(frozen=True)
class _EventlessModel:
    """In the place of a RareEventClassifier where no training row is an event."""

    detector_: object
    imputer: object
    threshold_: float

    def decision_function(self, X):
        return anomaly_score(self.detector_, self.imputer, X) - self.threshold_


def _fit_model(detector, past, seed):
    if past.y.any():
        model = RareEventClassifier(
            detector, validation_fraction=_HELD_OUT, random_state=seed
        )
    else:
        model = set_seed(clone(detector), seed)
    if isinstance(detector, LSTMAutoencoder):  # the others take seconds
        _show_progress(model)
    if past.y.any():
        return model.fit(past.windows, past.y)
    training, held_out = split_last_part(past.windows, _HELD_OUT)
    imputer = fit_on_windows(model, past.windows[training])
    score = anomaly_score(model, imputer, past.windows[held_out])
    return _EventlessModel(model, imputer, float(np.quantile(score, _QUANTILE)))


def _fit(detectors, past, seed):
    """Models by name, and what they warned of while they were fitted."""
    models = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name, detector in detectors.items():
            typer.echo(f"Fitting {name} ...")
            models[name] = _fit_model(detector, past, seed)
    messages = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    return models, list(dict.fromkeys(messages))


def _measures(y, decision):
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
    for title in ("rows", "events", *measures[_LSTM]):
        report.add_column(title, justify="right")
    counts = f"{len(future.y)}", f"{future.n_events}"
    for name, row in measures.items():
        report.add_row(name, *counts, *(f"{value:.3f}" for value in row.values()))
    typer.echo(f"\nTrained on {past};\nscored the later {future}.\n")
    Console().print(report)
    _, held_out = split_last_part(past.windows, _HELD_OUT)
    known = past.y[held_out].any()
    rule = "for the highest F1" if known else f"to the {_QUANTILE} quantile of scores"
    typer.echo(
        "\nPrecision, recall and F1 are those at the threshold of each model. It is\n"
        f"set {rule} on the last {_HELD_OUT:.0%} of the training rows of each\n"
        "series, on which the model was not fitted. No scored row had a part in it."
    )
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
    scores["decision"] = (decision > 0).astype(int)
    error = model.detector_.reconstruction_error(future.windows, per="feature")
    names = np.asarray(future.windows.feature_names, dtype=object)
    # NaN, of a feature that was not observed, is sorted to the end.
    top = np.argsort(-error, axis=1)[:, :_N_TOP]
    observed = ~np.isnan(np.take_along_axis(error, top, axis=1))
    for k in range(top.shape[1]):
        scores[f"feature_{k + 1}"] = np.where(observed[:, k], names[top[:, k]], "")
    return scores


def _write(out, table, future, model, decisions, horizon):
    scores = _scores(table, future, model, decisions[_LSTM])
    scores.to_csv(out / "scores.csv", index=False)
    xlabel = "row" if table.time is None else table.time.name
    events = "event" if horizon is None else f"up to {horizon} rows before an event"
    figure = score_figure(
        scores[xlabel],
        scores["score"],
        future.y,
        model.threshold_,
        event_label=events,
        xlabel=xlabel,
        title=f"{_LSTM}: reconstruction error after the training rows",
    )
    figure.savefig(out / "score.png")
    title = f"{len(future.y)} scored rows; a dot where the threshold of a model is"
    figure = precision_recall_figure(future.y, decisions, title=title)
    figure.savefig(out / "precision_recall.png")


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
        str, typer.Option(help="Layer sizes of the LSTM autoencoder's encoder.")
    ] = "64,32",
    max_epochs: Annotated[
        int, typer.Option(min=1, help="Most passes over the training windows.")
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Random state.")] = 0,
):
    """Train on the past of a table, score its future.

    Every column but those of --label, --time and --group-by is a feature. An LSTM
    autoencoder, and PCA and an isolation forest beside it, learn from the windows
    without event. Writes scores.csv, score.png and precision_recall.png.
    """
    with _one_line_errors():
        if find_spec("matplotlib") is None:
            raise ImportError("The pictures need matplotlib: pip install skseq[plot]")
        detectors = _detectors(_layer_sizes(layers), max_epochs)
        rows = read_labelled_table(table, label, time, group_by)
        past, future = _split(rows, window, _gap(max_gap), horizon, train_until)
        out.mkdir(parents=True, exist_ok=True)
        models, notes = _fit(detectors, past, seed)
    decisions = {
        name: model.decision_function(future.windows) for name, model in models.items()
    }
    _print_report(past, future, decisions, notes)
    _write(out, rows, future, models[_LSTM], decisions, horizon)
    typer.echo(f"Wrote scores.csv, score.png and precision_recall.png in {out}")


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


if __name__ == "__main__":
    main()
