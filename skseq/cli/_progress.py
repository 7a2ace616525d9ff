# SPDX-License-Identifier: BSD-3-Clause
"""The progress bar of the command line."""

import contextlib
import time

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

    def __init__(self, console):
        self._console, self._progress = console, None

    def begin(self, n_rows, max_epochs, n_done, title="Training"):
        # A display of its own: what a notebook was sent can be written over in its
        # last line alone.
        self.stop()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[epoch]}"),
            TextColumn("{task.fields[loss]}"),
            _RowsASecond(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=self._console,
            redirect_stdout=False,
            redirect_stderr=False,
        )
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

    def stop(self):
        if self._progress is not None:
            self._progress.stop()


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


def _as_terminal(console):
    """For a notebook: rich would ask for ipywidgets there, which few have."""
    return Console(
        file=console.file,
        width=100,
        force_jupyter=False,
        force_terminal=True,
        legacy_windows=False,
        get_time=console.get_time,
    )


@contextlib.contextmanager
def training_bars(console=None):
    """Show the trainings in this context: epoch, loss, rows a second and time left.

    Parameters
    ----------
    console : rich.console.Console, default=None
        Where; standard error by default. Where that is neither a terminal nor a
        notebook, a line is written every 30 seconds.
    """
    console = Console(stderr=True) if console is None else console
    if console.is_jupyter:
        console = _as_terminal(console)
    if not console.is_interactive:
        with watched_by(_TrainingLines(lambda line: print(line, file=console.file))):
            yield
        return
    bars = _TrainingBars(console)
    try:
        with watched_by(bars):
            yield
    finally:
        bars.stop()
