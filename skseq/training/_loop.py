# SPDX-License-Identifier: BSD-3-Clause
"""Epochs, batches, validation and early stopping, whatever the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..engines._batches import (
    Preparation,
    add_noise,
    draw_dropout,
    has_padding,
    n_at_once,
)
from ..engines._cores import heed_the_main_thread
from ..engines._losses import cell_losses, observed_mean
from ..networks import Architecture
from ..rows._row_numbers import evenly
from ._checkpoint import Checkpoint, State
from ._reports import EpochReports, current_watcher

# Held-out sequences that tell how well an epoch reconstructs: always the same.
_ENOUGH_TO_JUDGE = 2048


@dataclass(frozen=True)
class Settings:
    """How to train."""

    loss: str
    learning_rate: float
    batch_size: int
    max_epochs: int
    max_samples: int
    n_iter_no_change: int
    tol: float
    verbose: int = 0
    global_clipnorm: float | None = None


@dataclass
class History:
    """What training gives: the curves, the best epoch (from 1) and its weights."""

    weights: list[np.ndarray]
    optimizer_state: list[np.ndarray] | None = None
    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] | None = None
    best_epoch: int = 0
    line_loss: float | None = None  # of what is held out, by the line alone
    max_samples: int = 0  # sequences that an epoch sees at the most
    stopped: str = ""  # why it ended early: the user, or a loss that is not finite

    @property
    def has_best(self) -> bool:
        """Whether there are weights to keep: of an epoch, or the line alone."""
        return self.best_epoch > 0 or self.line_loss is not None


class NonFiniteLossError(ValueError):
    """The loss, or what the last step made of the weights, left the finite numbers."""

    def __init__(self, loss, epoch):
        what = f"training loss became {loss}"
        if np.isfinite(loss):
            what = "weights of the network became infinite or NaN"
        super().__init__(
            f"The {what} in epoch {epoch}. Scale X "
            "(StandardScaler, or EachTimeStep(StandardScaler()) after windowing), "
            "lower 'learning_rate', or use activation='tanh'."
        )


@dataclass(frozen=True)
class Data:
    """What to train on.

    ``X`` are sequences, ``targets`` (n, n_timesteps or 1, n_outputs) what the network
    shall give for them, None for the sequences themselves, and ``weights`` (n,)
    multiply their losses. Of the rows of these, ``training`` are trained on, and
    ``held_out``, if not None, tell when to stop. ``codes``, if not None, are what a
    linear path keeps of each sequence, the same in each epoch.
    """

    X: object
    preparation: Preparation
    training: np.ndarray
    held_out: np.ndarray | None = None
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None
    codes: np.ndarray | None = None

    @property
    def _of_sequences(self):
        return self.targets, self.weights, self.codes

    def batches(self, rows, size):
        """Mini-batches of so many of the rows, in their order.

        Several are prepared together: of 64 sequences, that is mostly calls.
        """
        n_rows = size * max(n_at_once(self.X) // size, 1)
        for start in range(0, len(rows), n_rows):
            part = rows[start : start + n_rows]
            batch = self.preparation.batch(self.X, part, *self._of_sequences)
            for first in range(0, len(part), size):
                yield batch.take(slice(first, first + size))

    def held_out_chunks(self, max_samples):
        rows = evenly(self.held_out, max_samples)
        parts = (None if a is None else a[rows] for a in self._of_sequences)
        return self.preparation.chunks(self.X[rows], *parts)


def train(
    engine,
    architecture: Architecture,
    data: Data,
    *,
    settings: Settings,
    initial: History,
    rng: np.random.RandomState,
    reports: EpochReports,
    fitted_attributes: Callable[[list[np.ndarray]], dict],
    checkpoint: Checkpoint | None = None,
    title: str = "Training",
) -> History:
    """Train from the weights of ``initial``.

    An epoch sees the training rows, or ``max_samples`` of them that are drawn for it.
    With held-out rows, training ends when their loss has not improved by a share of
    ``tol`` for ``n_iter_no_change`` epochs, and the weights of the best epoch are kept;
    without, the last ones. Beside a line the weights of the start, with which there is
    nothing but the line, are kept where no epoch is better: epoch 0. Who watches is
    told the ``title``. ``reports`` hears of each epoch, with what ``fitted_attributes``
    makes of its weights, and can ask to stop. A ``checkpoint`` is written after each
    epoch, and gone on from where there is one. A loss or weights that leave the finite
    numbers, and an interruption by the user, end the training: ``stopped`` tells why,
    where the weights of an epoch are there to be kept; else the error is raised.
    """
    history = History(initial.weights, max_samples=settings.max_samples)
    held_out, saved, line_loss = data.held_out is not None, None, None
    if held_out:
        history.validation_loss_curve = []
    if held_out and architecture.beside_line:
        engine.load_weights(initial.weights)
        line_loss = validation_loss(engine, data, settings.loss, settings.max_samples)
    if checkpoint is not None:
        shapes, first = architecture.weight_shapes, int(line_loss is None)
        saved = checkpoint.read(
            shapes, settings.max_epochs, held_out=held_out, first=first
        )
    if saved is not None:
        initial, history, rng = _resumed(saved, settings)
    history.line_loss = line_loss
    n_drawn = min(settings.max_samples, len(data.training))
    engine.load_weights(initial.weights)
    engine.start_training(
        loss=settings.loss,
        masked=has_padding(data.X),
        dropout=architecture.dropout > 0,
        batch_size=min(settings.batch_size, n_drawn),
        learning_rate=settings.learning_rate,
        global_clipnorm=settings.global_clipnorm,
        optimizer_state=initial.optimizer_state,
    )
    watcher = current_watcher()
    watcher.begin(n_drawn, settings.max_epochs, len(history.loss_curve), title)
    if settings.verbose:
        _print_sizes(title, data, n_drawn)
    with _keeping_the_best(history):
        for epoch in range(len(history.loss_curve) + 1, settings.max_epochs + 1):
            if _is_over(history, settings):
                break
            reports.begin_epoch()
            loss = _train_epoch(engine, architecture, data, settings, rng, epoch)
            # A loss is told before its step: the last one may have broken the network.
            if not (np.isfinite(loss) and _are_finite(engine.weights())):
                raise NonFiniteLossError(loss, epoch)
            history.loss_curve.append(loss)
            _judge(history, engine, data, settings)
            if data.held_out is not None:
                _tell_of_validation(history, settings, watcher)
            if checkpoint is not None:
                checkpoint.write(_state(history, engine, rng))
            if reports.end_epoch(lambda: fitted_attributes(engine.weights())):
                break
    watcher.end()
    history.optimizer_state = engine.optimizer_state()
    if not _are_finite(history.optimizer_state):
        # Nothing to go on from: a warm start begins with an optimiser of no steps.
        zeros = [np.zeros_like(state) for state in history.optimizer_state]
        history.optimizer_state = zeros
    return history


def _are_finite(arrays):
    return all(np.isfinite(array).all() for array in arrays)


def _resumed(saved, settings):
    """Where a checkpoint goes on from: weights, history and generator."""
    # A generator of its own: that of the fit may be the user's, or the global one.
    rng = np.random.RandomState()
    rng.set_state(saved.random_state)
    history = History(
        saved.best_weights,
        None,
        saved.loss_curve,
        saved.validation_loss_curve,
        saved.best_epoch,
        settings.max_samples,
    )
    return History(saved.weights, saved.optimizer_state), history, rng


@contextlib.contextmanager
def _keeping_the_best(history):
    """Note what ends a training early, if there is what to keep."""
    try:
        yield
    except (KeyboardInterrupt, NonFiniteLossError) as error:
        if not history.loss_curve or not history.has_best:
            raise
        history.stopped = str(error)
        if isinstance(error, KeyboardInterrupt):
            epoch = len(history.loss_curve) + 1
            history.stopped = f"Training was interrupted in epoch {epoch}."


def _is_over(history, settings):
    waited = len(history.loss_curve) - history.best_epoch
    return history.has_best and waited >= settings.n_iter_no_change


def _judge(history, engine, data, settings):
    """Keep the weights of the epoch where they are the best, or none can tell."""
    epoch = len(history.loss_curve)
    if data.held_out is None:
        history.best_epoch, history.weights = epoch, engine.weights()
        return
    best = history.line_loss
    if history.best_epoch:
        best = history.validation_loss_curve[history.best_epoch - 1]
    is_first = best is None
    if is_first or np.isnan(best):  # nothing is below it
        best = np.inf
    loss = validation_loss(engine, data, settings.loss, settings.max_samples)
    history.validation_loss_curve.append(loss)
    if loss < best * (1 - settings.tol) or is_first:
        history.best_epoch, history.weights = epoch, engine.weights()


def _tell_of_validation(history, settings, watcher):
    loss = history.validation_loss_curve[-1]
    watcher.validated(loss)
    if settings.verbose:
        is_best = history.best_epoch == len(history.loss_curve)
        best = "the best" if is_best else f"the best was epoch {history.best_epoch}"
        print(f"validation loss: {loss:.4g} ({best})")


def _state(history, engine, rng):
    return State(
        engine.weights(),
        engine.optimizer_state(),
        history.weights,
        history.best_epoch,
        history.loss_curve,
        history.validation_loss_curve,
        rng.get_state(),
    )


def _print_sizes(title, data, n_drawn):
    n = len(data.training)
    drawn = "" if n_drawn == n else f", {n_drawn:,} of them in each epoch"
    held_out = "" if data.held_out is None else f", {len(data.held_out):,} held out"
    print(f"{title}: {n:,} sequences{drawn}{held_out}")


def _drawn(rows, max_samples, rng):
    """So many of the rows, or all where there are no more, in random order."""
    if len(rows) <= max_samples:
        return rng.permutation(rows)
    # A Generator does it in time that does not grow with the rows.
    generator = np.random.default_rng(rng.randint(2**31 - 1))
    return rows[generator.choice(len(rows), max_samples, replace=False)]


def _train_epoch(engine, architecture, data, settings, rng, epoch):
    """One epoch in random order; the mean loss of a sequence."""
    if architecture.recurrent_dropout:
        engine.seed_recurrent_dropout(rng.randint(2**31 - 1))
    rows = _drawn(data.training, settings.max_samples, rng)
    size = min(settings.batch_size, len(rows))
    bar, n_batches = None, -(-len(rows) // size)
    if settings.verbose:
        print(f"Epoch {epoch}/{settings.max_epochs}")
        bar = engine.progress_bar(n_batches)
    watcher, total, n_seen = current_watcher(), 0.0, 0
    for k, batch in enumerate(data.batches(rows, size)):
        heed_the_main_thread()
        loss = engine.train_batch(_training_batch(batch, architecture, rng))
        n = len(batch.steps)
        total, n_seen = total + loss * n, n_seen + n
        watcher.advance(epoch, n, total / n_seen)
        if bar is not None:
            bar.update(k + 1, [("loss", loss)])
    return total / len(rows)


def _training_batch(batch, architecture, rng):
    """The batch with what makes training harder on purpose."""
    if architecture.input_noise:
        batch = add_noise(batch, architecture.n_features, architecture.input_noise, rng)
    if architecture.dropout:
        layers = architecture.recurrent_layers
        batch = draw_dropout(batch, layers, architecture.dropout, rng)
    return batch


def validation_loss(engine, data: Data, loss, max_samples):
    """Mean loss of the held-out sequences, each by its observed cells.

    Of more than ``max_samples``, or than are enough, those at even distances are taken.
    """
    if data.targets is None:  # else those of a rare class may be few
        max_samples = min(max_samples, _ENOUGH_TO_JUDGE)
    total = n_observed = 0.0
    for _, batch in data.held_out_chunks(max_samples):
        if loss == "context":
            errors = np.full(len(batch.steps), engine.context_loss(batch))
        else:
            errors = cell_losses(batch.targets, engine.reconstruct(batch), loss)
            errors = observed_mean(errors, axis=(1, 2), empty=np.nan)
            if batch.weights is not None:
                errors = errors * batch.weights
        total += np.nansum(errors)
        n_observed += np.count_nonzero(~np.isnan(errors))
    return float(total / max(n_observed, 1))
