# SPDX-License-Identifier: BSD-3-Clause
"""One training step and one forward pass, with Keras.

A Keras model that is made anew for each fit costs seconds of tracing, and some memory
that is never given back. So networks are pooled: a fit borrows one of its shape, loads
its own weights and optimiser state into it, and gives it back.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..networks import Architecture
from ..networks._keras import build_layers, keras
from ..networks._quiet import quiet_tracing
from ._batches import CHUNK, Batch, pad_batch

ops = keras.ops

_POOL_SIZE = 8  # idle networks kept in a process
_FORWARD_SIZES = (32, 256, CHUNK)
_pool: OrderedDict[Architecture, list[KerasEngine]] = OrderedDict()
_lock = threading.Lock()


@contextlib.contextmanager
def borrow(architecture: Architecture):
    """Lend an engine of this architecture to one thread at a time."""
    # The traced graph holds for any length of sequences.
    key = replace(architecture, n_timesteps=0)
    with _lock:
        idle = _pool.pop(key, [])
        engine = idle.pop() if idle else KerasEngine(key)
        if idle:
            _pool[key] = idle
    try:
        with quiet_tracing():
            yield engine
    finally:
        with _lock:
            _pool[key] = [*_pool.pop(key, []), engine]
            while sum(map(len, _pool.values())) > _POOL_SIZE:
                _drop_oldest()


def _drop_oldest():
    key, idle = next(iter(_pool.items()))
    idle.pop(0)
    if not idle:
        del _pool[key]


class _Trainer(keras.Model):
    """A Keras model whose loss leaves out what is not observed.

    The mean over the observed cells of each sequence, then over the sequences that have
    any: padding and missing cells give no loss and no gradient.
    """

    cell_loss = "mse"

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        observed = ops.logical_not(ops.isnan(y))
        difference = ops.where(observed, y, y_pred) - y_pred
        errors = ops.sum(_CELL_LOSSES[self.cell_loss](difference), axis=(1, 2))
        counts = ops.sum(ops.cast(observed, errors.dtype), axis=(1, 2))
        n_observed = ops.sum(ops.cast(counts > 0, errors.dtype))
        return ops.sum(errors / ops.maximum(counts, 1)) / ops.maximum(n_observed, 1)


def _huber(difference):
    distance = ops.abs(difference)
    return ops.where(distance <= 1, 0.5 * ops.square(distance), distance - 0.5)


_CELL_LOSSES = {"mse": ops.square, "mae": ops.abs, "huber": _huber}


class KerasEngine:
    """The layers of an architecture, connected for training and for use.

    Unlike the models that a user sees, these take the mask of the padding as an input,
    so that it reaches the decoder too (``RepeatVector`` would drop it), and hold for
    any number of time steps.
    """

    def __init__(self, architecture: Architecture):
        self._layers = build_layers(architecture)
        self._sequence = keras.Input((None, architecture.n_features))
        self._steps = keras.Input((None,), dtype="bool")
        self._latent = keras.Input((architecture.latent_size,))
        self._trainers: dict[tuple[str, bool], _Trainer] = {}
        self._trainer: _Trainer | None = None

    # Connections.

    def _encode(self, sequence, steps):
        for layer in self._layers.encoder:
            sequence = layer(sequence, mask=steps)
        return sequence

    def _decode(self, latent, steps, like):
        outputs = ops.expand_dims(latent, 1) * ops.ones_like(like[:, :, :1])
        for layer in self._layers.decoder:
            outputs = layer(outputs, mask=steps)
        return self._layers.dense(outputs)

    @cached_property
    def _encoder(self):
        inputs = [self._sequence, self._steps]
        return keras.Model(inputs, self._encode(*inputs))

    @cached_property
    def _reconstructor(self):
        latent = self._encode(self._sequence, self._steps)
        outputs = self._decode(latent, self._steps, self._sequence)
        return keras.Model([self._sequence, self._steps], outputs)

    @cached_property
    def _decoder(self):
        like = ops.cast(ops.expand_dims(self._steps, -1), "float32")
        outputs = self._decode(self._latent, self._steps, like)
        return keras.Model([self._latent, self._steps], outputs)

    def _make_trainer(self, loss, masked):
        steps = self._steps if masked else None
        inputs = [self._sequence, self._steps] if masked else [self._sequence]
        outputs = self._decode(
            self._encode(self._sequence, steps), steps, self._sequence
        )
        trainer = _Trainer(inputs, outputs, name="trainer")
        trainer.cell_loss = loss
        # XLA would compile for seconds more to run no faster on a CPU.
        trainer.compile(keras.optimizers.Adam(), jit_compile=False)
        trainer.optimizer.build(trainer.trainable_variables)
        return trainer

    # State: arrays in, arrays out.

    def load_weights(self, weights):
        self._reconstructor.set_weights(weights)

    def weights(self) -> list[np.ndarray]:
        return [np.array(w) for w in self._reconstructor.get_weights()]

    def start_training(
        self, *, loss, masked, batch_size, learning_rate, optimizer_state=None
    ):
        """Choose the loss, and whether any sequence is padded, for ``train_batch``."""
        key = (loss, masked)
        if key not in self._trainers:
            self._trainers[key] = self._make_trainer(loss, masked)
        self._trainer = self._trainers[key]
        self._masked, self._batch_size = masked, batch_size
        for k, variable in enumerate(self._optimizer_variables()):
            value = 0 if optimizer_state is None else optimizer_state[k]
            variable.assign(
                ops.broadcast_to(ops.cast(value, variable.dtype), variable.shape)
            )
        self._trainer.optimizer.learning_rate = learning_rate

    def optimizer_state(self) -> list[np.ndarray]:
        """Adam's step count, then the first and the second moment of each weight."""
        return [np.array(v.numpy()) for v in self._optimizer_variables()]

    def _optimizer_variables(self):
        step, _, *moments = self._trainer.optimizer.variables
        return [step, *moments[::2], *moments[1::2]]

    # Work.

    def train_batch(self, batch: Batch) -> float:
        """One step of the optimiser; the loss before it."""
        batch = pad_batch(batch, self._batch_size)
        inputs = [batch.inputs, batch.steps] if self._masked else [batch.inputs]
        self._trainer.reset_metrics()
        return float(self._trainer.train_on_batch(inputs, batch.targets))

    def reconstruct(self, batch: Batch) -> np.ndarray:
        return self._forward(self._reconstructor, batch)

    def encode(self, batch: Batch) -> np.ndarray:
        return self._forward(self._encoder, batch)

    def decode(self, latent, steps) -> np.ndarray:
        return self._decoder.predict_on_batch([latent, steps])

    def _forward(self, model, batch):
        # Few sizes only: a graph is made for each, and the rounding of a sequence
        # hardly depends on its company.
        n = len(batch.steps)
        batch = pad_batch(batch, next(size for size in _FORWARD_SIZES if n <= size))
        return np.array(model.predict_on_batch([batch.inputs, batch.steps])[:n])

    def progress_bar(self, n_batches):
        """Keras's own bar."""
        return keras.utils.Progbar(n_batches)
