# SPDX-License-Identifier: BSD-3-Clause
"""Epochs, batches, validation and early stopping, whatever the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .._callbacks import EpochReports
from ._batches import chunks, has_padding, make_batch
from ._losses import cell_errors, observed_mean


@dataclass(frozen=True)
class Settings:
    """How to train."""

    loss: str
    learning_rate: float
    batch_size: int
    max_epochs: int
    n_iter_no_change: int
    tol: float
    verbose: int = 0


@dataclass
class History:
    """What training gives: the curves, the best epoch (from 1) and its weights."""

    weights: list[np.ndarray]
    optimizer_state: list[np.ndarray] | None = None
    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] | None = None
    best_epoch: int = 0


class NonFiniteLossError(ValueError):
    """The loss left the finite numbers; ``history`` holds what was best until then."""

    def __init__(self, loss, epoch, history):
        super().__init__(
            f"The training loss became {loss} in epoch {epoch}. Scale X "
            "(StandardScaler, or EachTimeStep(StandardScaler()) after windowing), "
            "lower 'learning_rate', or use activation='tanh'."
        )
        self.history = history


def train(
    engine,
    X,
    training_rows: np.ndarray,
    held_out_rows: np.ndarray | None,
    *,
    fill: np.ndarray,
    settings: Settings,
    start: History,
    rng: np.random.RandomState,
    reports: EpochReports,
    fitted_attributes: Callable[[list[np.ndarray]], dict],
) -> History:
    """Train from the weights of ``start``.

    With held-out rows, training ends when their loss has not improved by ``tol`` for
    ``n_iter_no_change`` epochs, and the weights of the best epoch are kept; without,
    the last ones. ``reports`` hears of each epoch, with what ``fitted_attributes``
    makes of its weights, and can ask to stop.
    """
    engine.load_weights(start.weights)
    engine.start_training(
        loss=settings.loss,
        masked=has_padding(X),
        batch_size=min(settings.batch_size, len(training_rows)),
        learning_rate=settings.learning_rate,
        optimizer_state=start.optimizer_state,
    )
    history = History(start.weights)
    if held_out_rows is not None:
        history.validation_loss_curve = []
        held_out = X[held_out_rows]
    best = np.inf
    for epoch in range(1, settings.max_epochs + 1):
        reports.begin_epoch()
        loss = _train_epoch(engine, X, training_rows, fill, settings, rng, epoch)
        if not np.isfinite(loss):
            raise NonFiniteLossError(loss, epoch, history)
        history.loss_curve.append(loss)
        if held_out_rows is None:
            history.best_epoch, history.weights = epoch, engine.weights()
        else:
            loss = validation_loss(engine, held_out, fill, settings.loss)
            history.validation_loss_curve.append(loss)
            if loss < best - settings.tol or not history.best_epoch:
                best, history.best_epoch = loss, epoch
                history.weights = engine.weights()
        stop = reports.end_epoch(lambda: fitted_attributes(engine.weights()))
        if stop or epoch - history.best_epoch >= settings.n_iter_no_change:
            break
    history.optimizer_state = engine.optimizer_state()
    return history


def _train_epoch(engine, X, rows, fill, settings, rng, epoch):
    """One pass in random order; the mean loss of a sequence."""
    rows = rng.permutation(rows)
    size = min(settings.batch_size, len(rows))
    starts = range(0, len(rows), size)
    bar = None
    if settings.verbose:
        print(f"Epoch {epoch}/{settings.max_epochs}")
        bar = engine.progress_bar(len(starts))
    total = 0.0
    for k, first in enumerate(starts):
        chosen = rows[first : first + size]
        loss = engine.train_batch(make_batch(X, chosen, fill))
        total += loss * len(chosen)
        if bar is not None:
            bar.update(k + 1, [("loss", loss)])
    return total / len(rows)


def validation_loss(engine, X, fill, loss):
    """Mean loss of the sequences, each by its observed cells."""
    total = n_observed = 0.0
    for _, batch in chunks(X, fill):
        errors = cell_errors(batch.targets, engine.reconstruct(batch), loss)
        errors = observed_mean(errors, axis=(1, 2), empty=np.nan)
        total += np.nansum(errors)
        n_observed += np.count_nonzero(~np.isnan(errors))
    return float(total / max(n_observed, 1))
