# SPDX-License-Identifier: BSD-3-Clause
"""The progress bar of the command line."""

import contextlib

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

    def begin(self, n_rows, max_epochs, n_done):
        # A fit that trains twice does so again when it knows the number of epochs.
        again = bool(self._progress.tasks)
        self._progress.start()
        self._task = self._progress.add_task(
            "Training on all rows" if again else "Training",
            total=n_rows * max_epochs,
            completed=n_rows * n_done,
            n_before=n_rows * n_done,
            epoch=f"epoch {n_done}/{max_epochs}",
            loss="",
        )
        self._max_epochs = max_epochs

    def advance(self, epoch, n_rows, loss):
        self._progress.update(
            self._task,
            advance=n_rows,
            epoch=f"epoch {epoch}/{self._max_epochs}",
            loss=f"loss {loss:.4g}",
        )

    def end(self):
        # Training may have stopped early.
        completed = self._progress.tasks[self._task].completed
        self._progress.update(self._task, total=completed)


@contextlib.contextmanager
def training_bars(console=None):
    """Show the trainings in this context: epoch, loss, rows a second and time left.

    Parameters
    ----------
    console : rich.console.Console, default=None
        Where; standard error by default. Nothing is written where it is no terminal.
    """
    console = Console(stderr=True) if console is None else console
    if not console.is_interactive:
        yield
        return
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
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
