# SPDX-License-Identifier: BSD-3-Clause
"""Watch trainings batch by batch, whatever the estimator that they are of."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar


class _Nobody:
    """The watcher where there is none; what each of them has."""

    def begin(
        self, n_rows: int, max_epochs: int, n_done: int, title: str = "Training"
    ) -> None:
        """A training begins, after ``n_done`` epochs where it goes on from a file."""

    def advance(self, epoch: int, n_rows: int, loss: float) -> None:
        """A batch was trained on; ``loss`` is the mean of this epoch so far."""

    def validated(self, loss: float) -> None:
        """An epoch was judged on what is held out."""

    def end(self) -> None:
        """The training is over, maybe before the last epoch."""

    def beside(self):
        """A watcher of a training beside others; it is called in another thread."""
        return self


_NOBODY = _Nobody()
_watcher = ContextVar("_watcher", default=_NOBODY)


@contextlib.contextmanager
def watched_by(watcher):
    """Let a watcher hear of the trainings of this thread."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def beside_others():
    """The same, for what trains in a thread beside others."""
    return watched_by(current_watcher().beside())


def current_watcher():
    return _watcher.get()


class EpochReports:
    """Report the epochs of a fit; a callback may ask to stop after one."""

    def __init__(self, estimator, X, y, max_epochs):
        self._about = {"estimator": estimator, "X": X, "y": y}
        self._task = estimator._init_callback_context(max_subtasks=max_epochs)
        self._task.call_on_fit_task_begin(**self._about)

    def begin_epoch(self):
        self._epoch = self._task.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._about)

    def end_epoch(self, fitted_attributes):
        return self._epoch.call_on_fit_task_end(
            **self._about, reconstruction_attributes=fitted_attributes
        )

    def end(self, fitted_attributes):
        """The fit is over, but for setting what it came to."""
        self._task.call_on_fit_task_end(
            **self._about, reconstruction_attributes=fitted_attributes
        )


class NoReports:
    """In the place of EpochReports where nobody is to hear of the epochs."""

    def begin_epoch(self):
        pass

    def end_epoch(self, fitted_attributes):
        return False
