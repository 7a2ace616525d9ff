# SPDX-License-Identifier: BSD-3-Clause
"""Watch trainings batch by batch, whatever the estimator that they are of."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar


class _Nobody:
    """The watcher where there is none; what each of them has."""

    def begin(self, n_rows: int, max_epochs: int, n_done: int) -> None:
        """A training begins, after ``n_done`` epochs where it goes on from a file."""

    def advance(self, epoch: int, n_rows: int, loss: float) -> None:
        """A batch was trained on; ``loss`` is the mean of this epoch so far."""

    def end(self) -> None:
        """The training is over, maybe before the last epoch."""


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


def current_watcher():
    return _watcher.get()
