# SPDX-License-Identifier: BSD-3-Clause
"""``skseq score``: csv lines in, a score for each of them out."""

import contextlib
import csv
import math
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .._files import is_full, naming_file

_BLOCK = 1024  # lines that are scored together where nobody waits for each
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
    """A number where it reads as one; what is missing is None."""
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return number(text)
    return _WORDS.get(text, text)


class _Scores:
    """Scores lines, and writes a line for each."""

    def __init__(self, scorer, header, *, skip_errors):
        self._scorer, self._header = scorer, header
        self._skip_errors, self._n_rows = skip_errors, 0
        self._as_text = scorer._steps.text_columns()
        self._alarms = True
        try:
            scorer.is_alarm(math.nan)
        except TypeError:
            self._alarms = False
        print("row,score,alarm" if self._alarms else "row,score", flush=True)

    def write(self, block):
        """Score lines, given with their numbers; one by one where one is wrong."""
        try:
            rows = [self._row(cells) for _, cells in block]
            scores = self._scorer.score_many(rows)
        except (TypeError, ValueError) as error:
            if len(block) > 1:
                for line in block:
                    self.write([line])
                return
            error = ValueError(f"line {block[0][0]}: {error}")
            if not self._skip_errors:
                raise error from None
            _complain(error)
            scores = [math.nan]
        for score in scores:
            self._print(float(score))
        sys.stdout.flush()

    def _row(self, cells):
        if len(cells) != len(self._header):
            raise ValueError(
                f"it has {len(cells)} cells, but the header names {len(self._header)}."
            )
        if self._scorer._steps.columns.names is None:
            return [_cell(text) for text in cells]
        return {
            name: text if name in self._as_text else _cell(text)
            for name, text in zip(self._header, cells, strict=True)
        }

    def _print(self, score):
        is_missing = math.isnan(score)
        fields = [self._n_rows, "" if is_missing else score]
        if self._alarms:
            fields.append("" if is_missing else int(self._scorer.is_alarm(score)))
        print(*fields, sep=",")
        self._n_rows += 1


def _score_lines(scorer, *, block_size, skip_errors):
    lines = csv.reader(sys.stdin)
    header = next(lines, None)
    if not header:
        raise ValueError(
            "Standard input is empty: its first line must name the columns."
        )
    header[0] = header[0].removeprefix("\ufeff")
    scorer._steps.columns.check_names(header)
    scores, block = _Scores(scorer, header, skip_errors=skip_errors), []
    for cells in lines:
        if cells:  # a blank line is none
            block.append((lines.line_num, cells))
        if len(block) == block_size:
            scores.write(block)
            block = []
    if block:
        scores.write(block)


def _discard_output():
    """Let Python close a standard output that takes no more without a complaint."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def score(
    model: Annotated[Path, typer.Argument(help="A file of skseq.save.")],
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Score and write each line as soon as it comes."),
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
    trust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TYPE",
            help="Type in the file that is not trusted else, such as "
            "sklearn.tree._tree.Tree. Can be given more than once.",
        ),
    ] = None,
):
    """Score csv lines from standard input, the first of which names the columns.

    Writes the row (counted from 0), its score, and 1 where that is an alarm. The score
    is that of the model: of a detector higher is more normal, of a classifier higher is
    an event.
    """
    # Help is to come at once.
    from ..persistence._save import load
    from ..streaming._scorer import StreamScorer

    policy = "raise" if on_late == OnLate.error else "drop"
    try:
        scorer = StreamScorer(load(model, trusted=trust or ()), on_late=policy)
        with naming_file("standard output"):
            _score_lines(
                scorer,
                block_size=1 if follow else _BLOCK,
                skip_errors=on_error == OnError.skip,
            )
    except BrokenPipeError:
        _discard_output()  # nobody reads on
        raise typer.Exit(1) from None
    except (csv.Error, ImportError, OSError, TypeError, ValueError) as error:
        if is_full(error):
            _discard_output()
        _complain(error)
        raise typer.Exit(2) from error
