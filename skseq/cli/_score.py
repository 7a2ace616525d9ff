# SPDX-License-Identifier: BSD-3-Clause
"""``skseq score``: csv lines in, a score for each of them out."""

import contextlib
import csv
import math
import os
import sys
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .._files import is_full, naming_file
from ._choices import duration_of
from ._errors import check_model, one_line_errors
from ._options import Trust

_BLOCK = 1024  # lines that are scored together where nobody waits for each
_N_TOP = 3  # features that are named for a row, as in scores.csv of detect
_WORDS = {"": None, "NA": None, "True": True, "False": False}


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


def _cell(text):
    """A number where it reads as one, in digits of 0 to 9; what is missing is None."""
    text = text.strip()
    if "_" not in text and text.isascii():
        for number in (int, float):
            with contextlib.suppress(ValueError):
                return number(text)
    return _WORDS.get(text, text)


class Lines:
    """Lines of bytes, each parsed by itself: what is wrong with one costs that one.

    Parameters
    ----------
    file : binary file

    needs_end : bool
        Whether a last line without an end is one that was cut off.
    """

    def __init__(self, file, *, needs_end):
        self._file, self._needs_end = file, needs_end
        self.number = 0

    def __iter__(self):
        """The number of each line with its cells, or the error that it is."""
        for line in self._file:
            self.number += 1
            try:
                cells = self._parse(line)
            except (csv.Error, ValueError) as error:
                yield self.number, error
            else:
                if cells:  # a blank line is none
                    yield self.number, cells

    def _parse(self, line):
        if self._needs_end and not line.endswith(b"\n"):
            raise ValueError("it has no end: it was cut off.")
        if b"\0" in line:
            raise ValueError("it holds bytes of 0, as after a loss of power.")
        text = line.decode("utf-8").rstrip("\r\n")
        if self.number == 1:
            text = text.removeprefix("\ufeff")
        if "\r" in text:
            raise ValueError("it holds a carriage return: end lines with a newline.")
        return next(csv.reader([text], strict=True), [])


class _Scores:
    """Scores lines, and writes a line for each."""

    def __init__(self, scorer, header, *, skip_errors, ignore, explain):
        self._scorer, self._ignore = scorer, set(ignore)
        self._skip_errors, self._n_rows = skip_errors, 0
        self._columns, self._as_text = (
            scorer._steps.columns,
            scorer._steps.text_columns(),
        )
        self._explains = explain and scorer._steps.explains
        self._keys = _keys_of(scorer._steps.plan) if explain else []
        # A classifier decides at 0: scores.csv of detect has the score before that.
        self._shift = scorer._steps.threshold
        self._take_header(header)
        self._alarms = True
        try:
            scorer.is_alarm(math.nan)
        except TypeError:
            self._alarms = False
        names = ["row", *(self._name_of(key) for key in self._keys), "score"]
        names += ["alarm"] * self._alarms
        names += [f"feature_{k + 1}" for k in range(_N_TOP)] * self._explains
        self._print(names)
        sys.stdout.flush()

    def _take_header(self, header):
        kept = [name for name in header if name not in self._ignore]
        unknown = sorted(self._ignore.difference(header))
        if unknown:
            raise ValueError(f"--ignore {unknown[0]}: the lines have no such column.")
        twice = sorted({name for name in kept if kept.count(name) > 1})
        if twice:
            raise ValueError(f"The header names the column {twice[0]!r} twice.")
        try:
            self._columns.check_names(kept)
        except ValueError as error:
            raise ValueError(f"{error} Or leave it out with --ignore.") from error
        self._header, self._kept = header, kept

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
        """Score lines, given with their numbers; one by one where one is wrong."""
        try:
            rows = [self._row(cells) for _, cells in block]
            scores, features = self._score(rows)
        except (csv.Error, TypeError, ValueError) as error:
            if len(block) > 1:
                for line in block:
                    self.write([line])
                return
            error = ValueError(f"line {block[0][0]}: {error}")
            if not self._skip_errors:
                raise error from None
            _complain(error)
            scores, features = [math.nan], [[""] * _N_TOP]
        for score, top, (_, cells) in zip(scores, features, block, strict=True):
            self._write_score(float(score), cells, top)
        sys.stdout.flush()

    def _score(self, rows):
        """Scores of rows, and the features that add most to each."""
        if not self._explains:
            return self._scorer.score_many(rows), [[]] * len(rows)
        from .._telling import top_features

        scores, shares = self._scorer._score(rows, None, explains=True)
        return scores, top_features(shares, _N_TOP)

    def _row(self, cells):
        if isinstance(cells, Exception):
            raise cells
        if len(cells) != len(self._header):
            raise ValueError(
                f"it has {len(cells)} cells, but the header names {len(self._header)}."
            )
        named = [*zip(self._header, cells, strict=True)]
        if self._columns.names is None:
            return [_cell(text) for name, text in named if name not in self._ignore]
        return {
            name: text if name in self._as_text else _cell(text)
            for name, text in named
            if name not in self._ignore
        }

    def _write_score(self, score, cells, features):
        is_missing = math.isnan(score)
        fields = [self._n_rows, *self._cells_of_keys(cells)]
        fields.append("" if is_missing else score + self._shift)
        if self._alarms:
            fields.append("" if is_missing else int(self._scorer.is_alarm(score)))
        if self._explains:
            fields += [""] * _N_TOP if is_missing else [*features]
        self._print(fields)
        self._n_rows += 1

    def _print(self, fields):
        csv.writer(sys.stdout, lineterminator="\n").writerow(fields)

    def _name_of(self, key):
        return self._kept[key.column] if self._columns.names is None else key.name

    def _cells_of_keys(self, cells):
        """Time and series of a line, as they stand there."""
        if isinstance(cells, Exception) or len(cells) != len(self._header):
            return [""] * len(self._keys)
        named = dict(zip(self._header, cells, strict=True))
        return [named[self._name_of(key)] for key in self._keys]


def _keys_of(plan):
    """Columns of the time and of the series, in this order."""
    keys = [*([] if plan.time is None else [plan.time]), *plan.groups]
    return [key for key in keys if key.column is not None]


def _score_lines(scorer, *, follow, skip_errors, ignore, explain):
    lines = Lines(sys.stdin.buffer, needs_end=follow)
    _, header = next(iter(lines), (0, None))
    if header is None:
        raise ValueError(
            "Standard input is empty: its first line must name the columns."
        )
    if isinstance(header, Exception):
        raise ValueError(f"line {lines.number}: {header}")
    scores = _Scores(
        scorer, header, skip_errors=skip_errors, ignore=ignore, explain=explain
    )
    block, size = [], 1 if follow else _BLOCK
    for number, cells in lines:
        is_header = isinstance(cells, list) and scores.is_header(cells)
        if block and (is_header or len(block) == size):
            scores.write(block)
            block = []
        if is_header:
            scores.take_order(cells)
        else:
            block.append((number, cells))
        if len(block) == size:
            scores.write(block)
            block = []
    if block:
        scores.write(block)


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


def score(
    model: Annotated[Path, typer.Argument(help="A file of skseq.save.")],
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Score and write each line as soon as it comes."),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Write time and series, too, and, where the model tells, the three "
            "features that add most to the score, as detect does. It takes about as "
            "long again.",
        ),
    ] = False,
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
):
    """Score csv lines from standard input, the first of which names the columns.

    Writes the row (counted from 0), its score, and 1 where that is an alarm. The
    score is that of the model: of a detector higher is more normal, of a
    classifier higher is an event.

    Each line is parsed by itself, and one that cannot be read has no part in the
    others. A header that comes again is passed over, and tells the order of the
    columns after it. With --follow a last line without an end was cut off, and
    is not scored.
    """
    with one_line_errors():
        check_model(model)
    # Help and complaints are to come at once.
    from ..persistence._save import load
    from ..streaming._scorer import StreamScorer

    policy = "raise" if on_late == OnLate.error else "drop"
    try:
        scorer = StreamScorer(
            load(model, trusted=trust or ()),
            on_late=policy,
            max_jump=duration_of(max_jump) or "auto",
            forget_after=duration_of(forget_after),
        )
        with naming_file("standard output"), _warnings_in_words():
            _score_lines(
                scorer,
                follow=follow,
                skip_errors=on_error == OnError.skip,
                ignore=ignore or (),
                explain=explain,
            )
    except BrokenPipeError:
        _discard_output()  # nobody reads on
        raise typer.Exit(1) from None
    except (csv.Error, ImportError, OSError, TypeError, ValueError) as error:
        if is_full(error):
            _discard_output()
        _complain(error)
        raise typer.Exit(2) from error
