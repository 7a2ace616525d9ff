# SPDX-License-Identifier: BSD-3-Clause
"""The progress bar of the command line."""

import contextlib
import time
from importlib.util import find_spec

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ..training._reports import watched_by

_EVERY = 30.0  # seconds between two lines


class _RowsASecond(ProgressColumn):
    """Mean speed since the start, validation included."""

    def render(self, task):
        seconds = task.finished_time or task.elapsed
        n_rows = task.completed - task.fields["n_before"]
        return Text(f"{n_rows / seconds:,.0f} rows/s" if n_rows and seconds else "")


class _TrainingBars:
    """A bar for each training, over the rows of all its epochs."""

    def __init__(self, progress):
        self._progress = progress

    def begin(self, n_rows, max_epochs, n_done, title="Training"):
        self._progress.start()
        self._task = self._progress.add_task(
            title,
            total=n_rows * max_epochs,
            completed=n_rows * n_done,
            n_before=n_rows * n_done,
            epoch=f"epoch {n_done}/{max_epochs}",
            loss="",
        )
        self._max_epochs, self._validation = max_epochs, ""

    def advance(self, epoch, n_rows, loss):
        self._progress.update(
            self._task,
            advance=n_rows,
            epoch=f"epoch {epoch}/{self._max_epochs}",
            loss=f"loss {loss:.4g}{self._validation}",
        )

    def validated(self, loss):
        self._validation = f", val {loss:.4g}"
        shown = self._progress.tasks[self._task].fields["loss"].split(",")[0]
        self._progress.update(self._task, loss=shown + self._validation)

    def end(self):
        # Training may have stopped early.
        completed = self._progress.tasks[self._task].completed
        self._progress.update(self._task, total=completed)


class _TrainingLines:
    """A line every so often, for a file or a pipe: a long training is alive."""

    def __init__(self, write, clock=time.monotonic):
        self._write, self._clock = write, clock

    def begin(self, n_rows, max_epochs, n_done, title="Training"):
        self._title, self._max_epochs = title, max_epochs
        self._validation, self._n_rows = "", 0
        self._start = self._last = self._clock()

    def advance(self, epoch, n_rows, loss):
        self._n_rows += n_rows
        now = self._clock()
        if now - self._last < _EVERY:
            return
        self._last = now
        self._write(
            f"{self._title}: epoch {epoch}/{self._max_epochs}, loss {loss:.4g}"
            f"{self._validation}, {self._n_rows / (now - self._start):,.0f} rows/s"
        )

    def validated(self, loss):
        self._validation = f", held out {loss:.4g}"

    def end(self):
        pass


def _shows_bars(console):
    """Bars need a terminal, or a notebook with ipywidgets."""
    if console.is_jupyter:
        return find_spec("ipywidgets") is not None
    return console.is_interactive


@contextlib.contextmanager
def training_bars(console=None):
    """Show the trainings in this context: epoch, loss, rows a second and time left.

    Parameters
    ----------
    console : rich.console.Console, default=None
        Where; standard error by default. Where it shows no bars, as a file or a
        notebook without ipywidgets, a line is written every 30 seconds.
    """
    console = Console(stderr=True) if console is None else console
    if not _shows_bars(console):
        with watched_by(_TrainingLines(lambda line: print(line, file=console.file))):
            yield
        return
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=10),
        TextColumn("{task.fields[epoch]}"),
        TextColumn("{task.fields[loss]}"),
        _RowsASecond(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=console,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    try:
        with watched_by(_TrainingBars(progress)):
            yield
    finally:
        progress.stop()
