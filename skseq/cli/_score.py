# SPDX-License-Identifier: BSD-3-Clause
"""``skseq score``: tables or csv lines in, a score for each row out."""

import contextlib
import csv
import itertools
import math
import os
import sys
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .._files import is_full, naming_file
from . import _options
from ._choices import N_TOP, duration_of
from ._errors import check_model, check_there, load_trusting, one_line_errors
from ._lines import Cells, Lines
from ._options import Trust

_OF_LINES = {"sep", "decimal", "encoding", "missing", "dayfirst"}


class OnError(StrEnum):
    """What happens at a line that cannot be scored."""

    stop = "stop"
    skip = "skip"


class OnLate(StrEnum):
    """What happens at a row that comes late."""

    error = "error"
    drop = "drop"


def _complain(error):
    typer.echo("Error: " + " ".join(str(error).split()), err=True)


class _Output:
    """Writes a line for each row, as scores.csv of detect has them."""

    def __init__(self, scorer, names, *, explain):
        self._scorer, self._n_rows = scorer, 0
        self._explains = explain and scorer._steps.explains
        columns, keys = scorer._steps.columns, _keys_of(scorer._steps.plan)
        self.keys = [
            names[key.column] if columns.names is None else key.name for key in keys
        ] * explain
        # A classifier decides at 0: scores.csv of detect has the score before that.
        self._shift = scorer._steps.threshold
        self._alarms = True
        try:
            scorer.is_alarm(math.nan)
        except TypeError:
            self._alarms = False
        names = ["row", *self.keys, "score", *["alarm"] * self._alarms]
        names += [f"feature_{k + 1}" for k in range(N_TOP)] * self._explains
        self._print(names)
        sys.stdout.flush()

    def score(self, rows):
        """Scores of rows, and the features that add most to each."""
        if not self._explains:
            return self._scorer.score_many(rows), [[]] * len(rows)
        from .._telling import top_features

        scores, shares = self._scorer._score(rows, None, explains=True)
        return scores, top_features(shares, N_TOP)

    def write(self, score, keys, features):
        """A row with its time and series; none but these where it has no score."""
        is_missing = math.isnan(score)
        fields = [self._n_rows, *keys, "" if is_missing else score + self._shift]
        if self._alarms:
            fields.append("" if is_missing else int(self._scorer.is_alarm(score)))
        if self._explains:
            fields += [""] * N_TOP if is_missing else [*features]
        self._print(fields)
        self._n_rows += 1

    def _print(self, fields):
        csv.writer(sys.stdout, lineterminator="\n").writerow(fields)


def _kept(header, scorer, ignore):
    """The names of columns, less those that are left out."""
    names = [name for name in header if name not in ignore]
    unknown = sorted(set(ignore).difference(header))
    if unknown:
        raise ValueError(f"--ignore {unknown[0]}: there is no such column.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"The header names the column {twice[0]!r} twice.")
    try:
        scorer._steps.columns.check_names(names)
    except ValueError as error:
        raise ValueError(f"{error} Or leave it out with --ignore.") from error
    return names


class _LineScores:
    """Scores lines, in blocks of them."""

    def __init__(self, scorer, header, options, *, skip_errors, ignore, explain):
        self._columns = scorer._steps.columns
        self._ignore, self._skip_errors = set(ignore), skip_errors
        self._header = header
        kept = _kept(header, scorer, ignore)
        self._cells = Cells(scorer, options)
        self._output = _Output(scorer, kept, explain=explain)

    def is_header(self, cells):
        """Tell the header, which a logger writes that was started again."""
        if self._columns.names is None:
            return cells == self._header
        if cells[0] not in self._header:
            return False
        return sorted(cells) == sorted(self._header)

    def take_order(self, header):
        if header != self._header:
            self._header = header
            typer.echo("Note: the columns go on in another order.", err=True)

    def write(self, block):
        """Score lines, given with their numbers; in halves where one is wrong."""
        if not block:
            return
        try:
            rows = [self._row(cells) for _, cells in block]
            scores, features = self._output.score(rows)
        except (csv.Error, TypeError, ValueError) as error:
            if len(block) > 1:
                half = len(block) // 2
                self.write(block[:half])
                self.write(block[half:])
                return
            error = ValueError(f"line {block[0][0]}: {error}")
            if not self._skip_errors:
                raise error from None
            _complain(error)
            scores, features = [math.nan], [[""] * N_TOP]
        for score, top, (_, cells) in zip(scores, features, block, strict=True):
            self._output.write(float(score), self._keys_of(cells), top)
        sys.stdout.flush()

    def _row(self, cells):
        if isinstance(cells, Exception):
            raise cells
        if len(cells) != len(self._header):
            raise ValueError(
                f"it has {len(cells)} cells, but the header names {len(self._header)}."
            )
        named = [
            (name, text)
            for name, text in zip(self._header, cells, strict=True)
            if name not in self._ignore
        ]
        if self._columns.names is None:
            return [self._cells.read(None, text) for _, text in named]
        return {name: self._cells.read(name, text) for name, text in named}

    def _keys_of(self, cells):
        """Time and series of a line, as they stand there."""
        if isinstance(cells, Exception) or len(cells) != len(self._header):
            return [""] * len(self._output.keys)
        named = dict(zip(self._header, cells, strict=True))
        return [named[name] for name in self._output.keys]


def _keys_of(plan):
    """Columns of the time and of the series, in this order."""
    return [*([] if plan.time is None else [plan.time]), *plan.groups]


def _score_lines(scorer, options, *, follow, skip_errors, ignore, explain):
    blocks = iter(Lines(sys.stdin.buffer, options, needs_end=follow))
    (number, header), *rest = next(blocks, [(0, None)])
    if header is None:
        raise ValueError(
            "Standard input is empty: its first line must name the columns."
        )
    if isinstance(header, Exception):
        raise ValueError(f"line {number}: {header}")
    scores = _LineScores(
        scorer,
        header,
        options,
        skip_errors=skip_errors,
        ignore=ignore,
        explain=explain,
    )
    for block in itertools.chain([rest], blocks):
        start = 0
        for k, (_, cells) in enumerate(block):
            if isinstance(cells, list) and scores.is_header(cells):
                scores.write(block[start:k])
                scores.take_order(cells)
                start = k + 1
        scores.write(block[start:])


def _score_tables(scorer, paths, options, *, ignore, explain):
    """Score the rows of files, as detect reads them."""
    from ._table import read_rows

    frame, _ = read_rows(paths, options)
    kept = _kept(list(frame.columns), scorer, ignore)
    frame = frame[kept]
    output = _Output(scorer, kept, explain=explain)
    named = scorer._steps.columns.names is not None
    scores, features = output.score(frame if named else frame.to_numpy())
    keys = [frame[name].astype(str) for name in output.keys]
    keys = zip(*keys, strict=True) if keys else [()] * len(frame)
    for score, row, top in zip(scores, keys, features, strict=True):
        output.write(float(score), row, top)


def _check_options_of_lines(given):
    """Raise a ValueError at an option that tables alone have."""
    for name, default in {"time": None, **_options.DEFAULTS}.items():
        if name not in _OF_LINES and given[name] != default:
            option = "tz" if name == "zone" else name.replace("_", "-")
            raise ValueError(
                f"--{option} is for files: lines of standard input are taken one by "
                "one, as they come. Name the files after the model."
            )
    if given["sep"] != r"\t" and len(given["sep"] or ",") != 1:
        raise ValueError(
            f"--sep: one character parts the cells of a line of standard input. Got "
            f"{given['sep']!r}."
        )


def _options_of_tables(plan, given):
    """How files are read: their time and series are those of the model."""
    names = [key.name for key in plan.groups]
    time = False if plan.time is None else plan.time.name
    return _options.reading(
        time=given.pop("time") or [time],
        group_by=names[0] if len(names) == 1 else names or None,
        **given,
    )


@contextlib.contextmanager
def _warnings_in_words():
    """Warnings as lines on standard error, each as often as it is raised."""

    def show(message, category, filename, lineno, file=None, line=None):
        typer.echo("Warning: " + " ".join(str(message).split()), err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def _discard_output():
    """Let Python close a standard output that takes no more without a complaint."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@_options.with_reading_options
def score(
    model: Annotated[Path, typer.Argument(help="A file of skseq.save.")],
    tables: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[TABLE]...",
            help="Files as detect reads them; without one, csv lines of standard "
            "input, the first of which names the columns.",
            show_default=False,
        ),
    ] = None,
    time: _options.Time = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Score and write each line as soon as it comes."),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain/--no-explain",
            help="Write time and series, too, and, where the model tells, the three "
            "features that add most to the score, as detect does. It takes about as "
            "long again.",
        ),
    ] = True,
    on_error: Annotated[
        OnError,
        typer.Option(
            help="At a line that cannot be scored: stop, or write no score for it, "
            "name it on standard error, and go on."
        ),
    ] = OnError.stop,
    on_late: Annotated[
        OnLate,
        typer.Option(
            help="A row whose time is before that of the last row of its series: an "
            "error, or dropped, without a score."
        ),
    ] = OnLate.error,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column that the model was not fitted on. Can be given more than "
            "once.",
        ),
    ] = None,
    max_jump: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="A row that is further ahead of the last one of its series is not "
            "believed before the next one agrees. [default: 1000 steps]",
            show_default=False,
        ),
    ] = None,
    forget_after: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Forget a series of which no row came for so long, such as 7D.",
        ),
    ] = None,
    trust: Trust = None,
    *,
    written: dict,
):
    """Score new rows: those of tables, or csv lines as they come.

    Writes the row (counted from 0), its time and series, its score, 1 where that
    is an alarm, and the features that add most to it, as scores.csv of detect. The
    score is that of the model: of a detector higher is more normal, of a
    classifier higher is an event.

    Each line of standard input is parsed by itself, and one that cannot be read
    has no part in the others. A header that comes again is passed over, and tells
    the order of the columns after it. With --follow a last line without an end was
    cut off, and is not scored.
    """
    with one_line_errors():
        check_model(model)
        check_there(tables or ())
        if tables and follow:
            raise ValueError("--follow is for lines of standard input, not for files.")
        if not tables:
            _check_options_of_lines({**written, "time": time})
    # Help and complaints are to come at once.
    from ..streaming._scorer import StreamScorer

    policy = "raise" if on_late == OnLate.error else "drop"
    given = {"ignore": ignore or (), "explain": explain}
    try:
        scorer = StreamScorer(
            load_trusting(model, trust),
            on_late=policy,
            max_jump=duration_of(max_jump) or "auto",
            forget_after=duration_of(forget_after),
        )
        with naming_file("standard output"), _warnings_in_words():
            if tables:
                options = _options_of_tables(
                    scorer._steps.plan, {**written, "time": time}
                )
                _score_tables(scorer, tables, options, **given)
            else:
                options = _options.reading(time=None, group_by=None, **written)
                skip = on_error == OnError.skip
                _score_lines(scorer, options, follow=follow, skip_errors=skip, **given)
    except BrokenPipeError:
        _discard_output()  # nobody reads on
        raise typer.Exit(1) from None
    except (csv.Error, ImportError, OSError, TypeError, ValueError) as error:
        if is_full(error):
            _discard_output()
        _complain(error)
        raise typer.Exit(2) from error
