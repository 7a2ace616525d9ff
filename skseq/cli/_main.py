# SPDX-License-Identifier: BSD-3-Clause
"""The command line: ``python -m skseq``, or the script ``skseq``.

Each command imports what it computes with when it is run: help and complaints come at
once.
"""

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from .._files import check_regular
from . import _options
from ._errors import check_there, one_line_errors
from ._score import score

_DEMO_LAYERS, _DEMO_EPOCHS = "32,16", 25

app = typer.Typer(
    help="Find rare events in a table of rows in time order.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command()(score)


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
    tables: _options.Tables,
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    label: Annotated[
        str | None,
        typer.Option(
            help="Column that is 1 in the rows of events, else 0. Without it, alarms "
            "are raised by what is unusual alone."
        ),
    ] = None,
    time: _options.Time = None,
    group_by: _options.GroupBy = None,
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
    report: Annotated[
        Path | None,
        typer.Option(help="The page to write. [default: report.html in --out]"),
    ] = None,
    sep: _options.Sep = None,
    decimal: _options.Decimal = None,
    thousands: _options.Thousands = None,
    encoding: _options.Encoding = None,
    header: _options.Header = None,
    units: _options.Units = None,
    comment: _options.Comment = None,
    missing: _options.Missing = None,
    dayfirst: _options.DayFirst = None,
    zone: _options.Zone = None,
    sort: _options.Sort = False,
    drop_late: _options.DropLate = False,
    drop_duplicates: _options.DropDuplicates = False,
    parts: _options.Parts = False,
    sheet: _options.Sheet = "0",
):
    """Train on the past of a table, score its future.

    Every column but those of --label, --time and --group-by is a feature. An LSTM
    autoencoder, and PCA and an isolation forest beside it, learn from the windows
    without event; without --label, a committee decides. Writes scores.csv, alarms.csv
    and score.png, with labels events.csv and precision_recall.png too, and a page that
    shows what came of it, report.html.
    """
    with one_line_errors():
        check_there(tables)
        if find_spec("matplotlib") is None:
            raise ImportError("The pictures need matplotlib: pip install skseq[plot]")
        sizes, gap = _layer_sizes(layers), _gap(max_gap)
        options = _options.reading(
            time=time,
            group_by=group_by,
            sep=sep,
            decimal=decimal,
            thousands=thousands,
            encoding=encoding,
            header=header,
            units=units,
            comment=comment,
            missing=missing,
            dayfirst=dayfirst,
            zone=zone,
            sort=sort,
            drop_late=drop_late,
            drop_duplicates=drop_duplicates,
            parts=parts,
            sheet=sheet,
        )
        page = out / "report.html" if report is None else report
        from ._table import check_not_read, read_labelled_table

        written = [page, *(out / name for name in _options.RESULTS)]
        check_not_read(written, tables)
        for path in written:
            check_regular(path)
        if horizon is not None and label is None:
            raise ValueError("--horizon needs --label: no event is known without it.")
        rows = read_labelled_table(tables, label, options)
        _tell(rows.told)

        from . import _detect, _results

        detectors = _detect.make_detectors(sizes, max_epochs, rows.labelled)
        grades = _detect.grades_of(rows, train_until)
        past, future = _detect.split(rows, window, gap, horizon, train_until)
        out.mkdir(parents=True, exist_ok=True)
        page = _results.check_target(page)
        models, notes = _detect.fit(detectors, past, seed)
    decisions = {
        name: model.decision_function(future.windows) for name, model in models.items()
    }
    *_, name = models
    _results.print_report(past, future, models[name], decisions, notes)
    with one_line_errors():
        _results.write_results(out, rows, future, models, decisions, horizon)
        _results.write_page(
            page,
            tables[0].name,
            rows,
            future,
            models,
            horizon=horizon,
            max_gap=gap,
            grades=grades,
            seed=seed,
        )


def _tell(told):
    """What was read, and what of it is to be known."""
    typer.echo(f"Read {', '.join(told['files'])}: {told['assumed'] or 'as told'}.")
    for note in told["notes"]:
        typer.echo(f"Note: {note}")


@app.command()
def inspect(
    tables: _options.Tables,
    label: Annotated[
        str | None,
        typer.Option(help="Column that is 1 in the rows of events, else 0."),
    ] = None,
    time: _options.Time = None,
    group_by: _options.GroupBy = None,
    sep: _options.Sep = None,
    decimal: _options.Decimal = None,
    thousands: _options.Thousands = None,
    encoding: _options.Encoding = None,
    header: _options.Header = None,
    units: _options.Units = None,
    comment: _options.Comment = None,
    missing: _options.Missing = None,
    dayfirst: _options.DayFirst = None,
    zone: _options.Zone = None,
    sort: _options.Sort = False,
    drop_late: _options.DropLate = False,
    drop_duplicates: _options.DropDuplicates = False,
    parts: _options.Parts = False,
    sheet: _options.Sheet = "0",
):
    """Tell what is read from tables, and what their columns are good for.

    Nothing is fitted and nothing is written: what was assumed of the files, a grade for
    each sensor, the steps of the time and its gaps, the series, and a window size.
    """
    with one_line_errors():
        check_there(tables)
        options = _options.reading(
            time=time,
            group_by=group_by,
            sep=sep,
            decimal=decimal,
            thousands=thousands,
            encoding=encoding,
            header=header,
            units=units,
            comment=comment,
            missing=missing,
            dayfirst=dayfirst,
            zone=zone,
            sort=sort,
            drop_late=drop_late,
            drop_duplicates=drop_duplicates,
            parts=parts,
            sheet=sheet,
            otherwise="keep",
        )
        from ._inspect import inspect_tables

        inspect_tables(tables, label, options)


@app.command()
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
        f"--out {out}\n"
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
    )


def main():
    """Run the command line."""
    app(prog_name="skseq")
