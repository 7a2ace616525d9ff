# SPDX-License-Identifier: BSD-3-Clause
"""The progress bar of the command line."""

import contextlib
import threading
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


class _Display:
    """Where the bars of trainings that run side by side stand together."""

    def __init__(self, console):
        self._is_notebook = console.is_jupyter
        self._console = _as_terminal(console) if console.is_jupyter else console
        self._progress = None
        self._shown, self._lock = set(), threading.Lock()

    def show(self, bars):
        """The progress display for one more bar; None where there is no place."""
        with self._lock:
            self._shown.discard(bars)  # as of a training that failed
            if self._shown and self._is_notebook:
                # What a notebook was sent can be written over in its last line alone.
                return None
            if not self._shown:
                self.stop()
                self._progress = self._new()
                self._progress.start()
            self._shown.add(bars)
            return self._progress

    def release(self, bars):
        with self._lock:
            self._shown.discard(bars)

    def _new(self):
        return Progress(
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

    def stop(self):
        if self._progress is not None:
            self._progress.stop()


class _TrainingBars:
    """A bar for each training, over the rows of all its epochs."""

    def __init__(self, display):
        self._display, self._progress = display, None

    def beside(self):
        return _TrainingBars(self._display)

    def begin(self, n_rows, max_epochs, n_done, title="Training"):
        self._progress = self._display.show(self)
        if self._progress is None:
            return
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
        if self._progress is None:
            return
        self._progress.update(
            self._task,
            advance=n_rows,
            epoch=f"epoch {epoch}/{self._max_epochs}",
            loss=f"loss {loss:.4g}{self._validation}",
        )

    def validated(self, loss):
        if self._progress is None:
            return
        self._validation = f", val {loss:.4g}"
        shown = self._progress.tasks[self._task].fields["loss"].split(",")[0]
        self._progress.update(self._task, loss=shown + self._validation)

    def end(self):
        if self._progress is not None:  # Training may have stopped early.
            completed = self._progress.tasks[self._task].completed
            self._progress.update(self._task, total=completed)
        self._display.release(self)


class _TrainingLines:
    """A line every so often, for a file or a pipe: a long training is alive."""

    def __init__(self, write, clock=time.monotonic):
        self._write, self._clock = write, clock

    def beside(self):
        return _TrainingLines(self._write, self._clock)

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
    if not (console.is_jupyter or console.is_interactive):
        with watched_by(_TrainingLines(lambda line: print(line, file=console.file))):
            yield
        return
    display = _Display(console)
    try:
        with watched_by(_TrainingBars(display)):
            yield
    finally:
        display.stop()
