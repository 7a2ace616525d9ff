# SPDX-License-Identifier: BSD-3-Clause
"""The command line: ``python -m skseq``, or the script ``skseq``.

Each command imports what it computes with when it is run: help and complaints come at
once.
"""

import contextlib
import gc
import io
import json
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from .._files import check_regular
from . import _choices, _options
from ._errors import check_model, check_not_read, check_there, one_line_errors
from ._score import score

_DEMO_LAYERS, _DEMO_EPOCHS = "32,16", 25

app = typer.Typer(
    help="Find rare events in a table of rows in time order.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def _show_version(asked):
    if asked:
        typer.echo(f"skseq {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version.", callback=_show_version, is_eager=True
        ),
    ] = False,
):
    pass


def _files_to_read(tables, label, events):
    """The tables, and that of the events, which are to be there."""
    read = [*tables, *([] if events is None else [events])]
    check_there(read)
    if label is not None and events is not None:
        raise ValueError("--label and --events exclude each other.")
    return read


@_options.with_reading_options
def detect(
    tables: _options.Tables,
    out: Annotated[
        Path, typer.Option(help="Folder for the results: new, empty, or of detect.")
    ],
    label: Annotated[
        str | None,
        typer.Option(
            help="Column that is 1 in the rows of events, else 0. Without labels, "
            "alarms are raised by what is unusual alone."
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            help="Table of events, in the place of --label: a row for each, with its "
            "start and end, and its series in a column of that name."
        ),
    ] = None,
    event_value: _options.EventValue = None,
    time: _options.Time = None,
    group_by: _options.GroupBy = None,
    features: Annotated[
        str | None, typer.Option(help="Columns to learn from, between commas.")
    ] = None,
    exclude: Annotated[
        str | None, typer.Option(help="Columns to leave out, between commas.")
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(
            help="Columns that explain and are not judged, such as set points, between "
            "commas."
        ),
    ] = None,
    horizon: Annotated[
        str | None,
        typer.Option(
            metavar="ROWS|DURATION",
            help="Find the rows up to this many, or so long, before an event, such as "
            "30min, instead of those in it. Rows whose window holds a row of an event "
            "are left out.",
        ),
    ] = None,
    window: Annotated[
        str,
        typer.Option(
            metavar="ROWS|auto",
            help="Rows in a window; auto for a period that the training rows show.",
        ),
    ] = "10",
    max_gap: Annotated[
        str | None,
        typer.Option(
            help="Longest time between two rows of a window, such as 5min; a number "
            "where --time holds numbers."
        ),
    ] = None,
    cut: Annotated[
        str,
        typer.Option(
            metavar="ROW|SHARE|DATE|each|series",
            help="End of the training rows. A row or a share of the rows counts them "
            "as they stand; with --time and --group-by, in the order of their time, so "
            "that all series are cut at one time. A date needs --time. each: 0.6 of "
            "each series, each:0.7 for another share. series: 0.6 of the series as a "
            "whole, those that begin first.",
        ),
    ] = "0.6",
    model: Annotated[
        _choices.Model | None,
        typer.Option(
            help="The model of the headline. [default: committee]", show_default=False
        ),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="How thresholds are set, as of RareEventClassifier: f1, precision:0.9,"
            " cost:1:20, alarms_per:2:1D ... [default: f1; quantile:0.99 without "
            "events]",
            show_default=False,
        ),
    ] = None,
    alarm_rule: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=VALUE,...",
            help="What makes an alarm of rows above the threshold, as of AlarmRule: "
            "min_rows, within, hold and max_gap, as in min_rows=3,hold=1h.",
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            help="Layer sizes of an LSTM autoencoder's encoder. [default: 32,16]",
            show_default=False,
        ),
    ] = None,
    max_epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Most passes over the training windows. [default: 50]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random state.")] = 0,
    report: Annotated[
        Path | None,
        typer.Option(help="The page to write. [default: report.html in --out]"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write into --out whatever it holds.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print what detect.json holds, and nothing else."),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but errors.")
    ] = False,
    *,
    written: dict,
):
    """Train on the past of a table, score its future.

    Every column but those of --label, --time and --group-by is a feature. A
    committee of two autoencoders and an isolation forest, which learn from the
    windows without event, and of a logistic regression, which learns from all, is
    weighed on labels of later ones, and shown beside each of them and PCA; without
    labels the detectors count alike, and any of them can raise the alarm.

    Writes scores.csv, alarms.csv and score.png, with labels events.csv and
    precision_recall.png too; a page that shows what came of it, report.html;
    and model.skseq, with which skseq score and skseq report go on.
    """
    with one_line_errors():
        read = _files_to_read(tables, label, events)
        labelled = label is not None or events is not None
        if not labelled and (horizon is not None or event_value):
            option = "--horizon" if horizon is not None else "--event-value"
            raise ValueError(
                f"{option} needs --label or --events: no event is known without."
            )
        choices = _choices.Choices(
            window=_choices.window_of(window),
            gap=_choices.duration_of(max_gap),
            horizon=_choices.horizon_of(horizon),
            cut=_choices.Cut.of(cut),
            model=model,
            threshold=_choices.threshold_of(threshold),
            alarm_rule=_choices.alarm_rule_of(alarm_rule),
            network=_choices.network_of(layers, max_epochs),
            seed=seed,
        )
        _choices.check_folder(out)
        page = out / "report.html" if report is None else report
        results = [page, *(out / name for name in _choices.RESULTS)]
        check_not_read(results, read)
        _choices.check_out(out, read, force=force)
        for path in results:
            check_regular(path)
        if find_spec("matplotlib") is None:
            raise ImportError("The pictures need matplotlib: pip install skseq[plot]")
        options = _options.reading(time=time, group_by=group_by, **written)
        with _silence(quiet or as_json):
            from ._table import read_labelled_table

            rows = read_labelled_table(
                tables,
                label,
                options,
                events=events,
                event_values=event_value,
                features=features,
                exclude=exclude,
                context=context,
            )
            _tell(rows.told)
            from ._run import detect_in

            told = detect_in(
                rows, choices, out, page, title=tables[0].name, bars=not quiet
            )
    if as_json:
        typer.echo(json.dumps(told, indent=1))


@contextlib.contextmanager
def _silence(quiet):
    """Print nothing in this context, where that is asked."""
    with (
        contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext()
    ):
        yield


def _tell(told):
    """What was read, and what of it is to be known."""
    typer.echo(f"Read {', '.join(told['files'])}: {told['assumed'] or 'as told'}.")
    for note in told["notes"]:
        typer.echo(f"Note: {note}")


@_options.with_reading_options
def inspect(
    tables: _options.Tables,
    label: _options.Label = None,
    time: _options.Time = None,
    group_by: _options.GroupBy = None,
    *,
    written: dict,
):
    """Tell what is read from tables, and what their columns are good for.

    Nothing is fitted and nothing is written: what was assumed of the files, a
    grade for each sensor, the steps of the time and its gaps, the series, and a
    window size.
    """
    with one_line_errors():
        check_there(tables)
        options = _options.reading(
            time=time, group_by=group_by, **written, otherwise="keep"
        )
        from ._inspect import inspect_tables

        inspect_tables(tables, label, options)


@_options.with_reading_options
def report(
    model: Annotated[Path, typer.Argument(help="A file of skseq.save or of detect.")],
    tables: _options.Tables,
    label: _options.Label = None,
    events: Annotated[
        Path | None,
        typer.Option(help="Table of events, in the place of --label, as of detect."),
    ] = None,
    event_value: _options.EventValue = None,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    trust: _options.Trust = None,
    *,
    written: dict,
):
    """Write a page on how a saved model does on a table.

    The table is one that the model was not fitted on, of the same columns;
    others are passed over. Time and series are the columns that the model
    knows.
    """
    with one_line_errors():
        check_model(model)
        read = _files_to_read(tables, label, events)
        check_not_read([out], [model, *read])
        check_regular(out)
        from ._page import load_model, report_on

        fitted, time, group_by = load_model(model, trust)
        options = _options.reading(
            time=None if time is None else [time], group_by=group_by, **written
        )
        from ._table import read_labelled_table

        rows = read_labelled_table(
            tables, label, options, events=events, event_values=event_value
        )
        _tell(rows.told)
        report_on(fitted, rows, out, title=f"Rare events in {tables[0].name}")
        typer.echo(f"Wrote {out}")


def demo(
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; else a temporary one.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random state.")] = 0,
):
    """Make a process with rare faults, and run detect on it."""
    with one_line_errors():
        out = out or Path(tempfile.mkdtemp(prefix="skseq-demo-"))
        out.mkdir(parents=True, exist_ok=True)
        table = out / "process.csv"
        from ..datasets import make_process_faults

        X, y = make_process_faults(12_000, fault_rate=0.015, random_state=seed)
        X.assign(event=y).to_csv(table, index=False)
    typer.echo(
        f"Made {table}. The same by hand:\n"
        f"  skseq detect {table} --label event --time timestamp --max-gap 5min "
        f"--layers {_DEMO_LAYERS} --max-epochs {_DEMO_EPOCHS} --seed {seed} "
        f"--out {out} --force\n"
    )
    detect(
        [table],
        out,
        label="event",
        time=["timestamp"],
        max_gap="5min",
        layers=_DEMO_LAYERS,
        max_epochs=_DEMO_EPOCHS,
        seed=seed,
        force=True,
    )


for _command in (inspect, detect, score, report, demo):  # as help shows them
    app.command()(_command)


def main():
    """Run the command line, and leave the process to its end."""
    # Modules are hundreds of thousands of objects that stay: to look through them for
    # garbage, while they are imported and again at the end, takes a second or more.
    gc.set_threshold(200_000)
    try:
        app(prog_name="skseq")
    finally:
        gc.freeze()
