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
from ..networks._keras import build_layers, conditional_decoder, keras
from ..networks._quiet import hold_back_stderr, quiet_first_call, running_keras
from ._batches import FORWARD_SIZES, Batch, pad_batch

ops = keras.ops

_POOL_SIZE = 8  # idle networks kept in a process
_SMALL = 1e-7  # what probabilities are kept away from 0 and 1 by, as in Keras
_FLOOR = 0.5  # standard deviation of a context vector; its values are in (-1, 1)
_pool: OrderedDict[Architecture, list[KerasEngine]] = OrderedDict()
_lock = threading.Lock()


@contextlib.contextmanager
def borrow(architecture: Architecture):
    """Lend an engine of this architecture to one thread at a time."""
    # What is drawn for each batch, and mostly the length, is not part of the graph.
    key = replace(architecture, dropout=0.0, input_noise=0.0)
    if key.is_of_any_length:
        key = replace(key, n_timesteps=0)
    with running_keras(), _float32():
        with _lock:
            idle = _pool.pop(key, [])
            engine = _most_traced(idle) if idle else _make_engine(key)
            if idle:
                _pool[key] = idle
        try:
            yield engine
        finally:
            with _lock:
                _pool[key] = [*_pool.pop(key, []), engine]
                while sum(map(len, _pool.values())) > _POOL_SIZE:
                    _drop_oldest()


def _is_jax():
    return keras.backend.backend() == "jax"


def _float32():
    """Keep JAX from fewer bits in products of matrices: on a GPU it takes 10 of 23."""
    if not _is_jax():
        return contextlib.nullcontext()
    import jax

    return jax.default_matmul_precision("float32")


def _most_traced(idle):
    """Take the one that is likely to have traced what it will be asked for."""
    most = max(range(len(idle)), key=lambda k: len(idle[k]._called))
    return idle.pop(most)


def _make_engine(architecture):
    with hold_back_stderr():
        return KerasEngine(architecture)


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
        if self.cell_loss == "context":
            seen = ops.any(observed, axis=(1, 2))
            return _context_loss(seen, y_pred, sample_weight)
        errors = _CELL_LOSSES[self.cell_loss](ops.where(observed, y, y_pred), y_pred)
        errors = ops.sum(ops.where(observed, errors, 0), axis=(1, 2))
        counts = ops.sum(ops.cast(observed, errors.dtype), axis=(1, 2))
        n_observed = ops.sum(ops.cast(counts > 0, errors.dtype))
        means = errors / ops.maximum(counts, 1)
        if sample_weight is not None:
            means *= sample_weight
        return ops.sum(means) / ops.maximum(n_observed, 1) + sum(self.losses)


def _offsets(batch):
    return () if batch.offsets is None else (batch.offsets,)


def _mse(y, y_pred):
    return ops.square(y - y_pred)


def _mae(y, y_pred):
    return ops.abs(y - y_pred)


def _huber(y, y_pred):
    distance = ops.abs(y - y_pred)
    return ops.where(distance <= 1, 0.5 * ops.square(distance), distance - 0.5)


def _binary_crossentropy(y, p):
    p = ops.clip(p, _SMALL, 1 - _SMALL)
    return -(y * ops.log(p) + (1 - y) * ops.log1p(-p))


def _categorical_crossentropy(y, p):
    return -y * ops.log(ops.clip(p, _SMALL, 1 - _SMALL)) * p.shape[-1]


_CELL_LOSSES = {
    "mse": _mse,
    "mae": _mae,
    "huber": _huber,
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _categorical_crossentropy,
}


def _context_loss(observed, y_pred, weights=None):
    """What is left of the context vectors, where these must not shrink.

    The squared error, plus the variance and the covariance terms of VICReg (A. Bardes,
    J. Ponce and Y. LeCun, ICLR 2022): over the batch, each value of the context vector
    keeps a standard deviation of ``_FLOOR``, and no two tell the same. Without them the
    encoder could make the context vector zero, which is easy to reconstruct.
    """
    context, residual = y_pred[:, 0], y_pred[:, 1]
    share = ops.cast(observed, context.dtype)[:, None]
    if weights is not None:
        share *= ops.reshape(weights, (-1, 1))
    n = ops.maximum(ops.sum(share), 2)
    error = ops.sum(share * ops.square(residual)) / (n * context.shape[1])
    centred = ops.sqrt(share) * (context - ops.sum(share * context, axis=0) / n)
    covariance = ops.matmul(ops.transpose(centred), centred) / (n - 1)
    variance = ops.sum(ops.square(centred), axis=0) / (n - 1)
    short = ops.mean(ops.maximum(_FLOOR - ops.sqrt(variance + 1e-6), 0))
    shared = ops.sum(ops.square(covariance)) - ops.sum(ops.square(variance))
    return error + short + shared / context.shape[1]


def _stack(layers, x, steps, factors, **options):
    """Recurrent layers, each with what is dropped of its output.

    ``options`` are for the first of them.
    """
    for k, layer in enumerate(layers):
        x = layer(x, mask=steps, **(options if k == 0 else {}))
        if factors:
            x = x * (factors[k] if layer.return_sequences else factors[k][:, 0])
    return x


class KerasEngine:
    """The layers of an architecture, connected for training and for use.

    Unlike the models that a user sees, these take the mask of the padding as an input,
    so that it reaches the decoder too (``RepeatVector`` would drop it), and mostly hold
    for any number of time steps.
    """

    def __init__(self, architecture: Architecture):
        self._architecture = architecture
        self._layers = build_layers(architecture)
        self._sequence = keras.Input((None, architecture.n_inputs))
        self._steps = keras.Input((None,), dtype="bool")
        self._offsets = ()  # what the output adds to, where there is a line beside it
        if architecture.beside_line:
            self._offsets = (keras.Input((1, architecture.n_outputs)),)
        self._trainers: dict[tuple, _Trainer] = {}
        self._trainer: _Trainer | None = None
        self._called: set[tuple] = set()
        if architecture.kind == "autoencoder" and architecture.decoder == "conditional":
            n_context = architecture.n_context
            self._conditional = conditional_decoder(self._layers, n_context)

    # Connections. ``factors`` are those of dropout, one for each recurrent layer.

    def _encode(self, sequence, steps, factors):
        """The latent vector; of a network without one, what comes before the end."""
        x = _stack(self._layers.encoder, sequence, steps, factors)
        return self._layers.dense[0](x) if self._architecture.kind == "context" else x

    def _run(self, sequence, steps, factors=(), *, training=False):
        """The output (n, n_timesteps or 1, n_outputs).

        Of a context network: the context vector, then what is left of it.
        """
        layers, kind = self._layers, self._architecture.kind
        if kind == "context":
            context = _stack(layers.encoder, sequence, steps, factors)
            again = self._context_again(layers.dense[0](context), sequence)
            return ops.stack([context, context - again], axis=1)
        x = self._encode(sequence, steps, factors)
        factors = factors[len(layers.encoder) :]
        if kind == "vector":
            return self._beside_line(ops.expand_dims(layers.dense[0](x), 1))
        if kind == "sequence":
            return layers.dense[0](_stack(layers.decoder, x, steps, factors))
        if training and self._architecture.decoder == "conditional":
            return self._decode_forced(x, sequence, steps, factors)
        return self._decode(x, steps, factors, like=sequence)

    def _beside_line(self, outputs):
        if not self._offsets:
            return outputs
        activation = self._architecture.output_activation
        return keras.layers.Activation(activation)(outputs + self._offsets[0])

    def _shown(self, sequence):
        """What the decoder sees of a sequence."""
        return sequence[:, :, self._architecture.context_inputs]

    def _context_again(self, latent, sequence):
        if self._architecture.n_context:
            latent = ops.concatenate([latent, self._shown(sequence)[:, -1]], axis=1)
        return self._layers.dense[1](latent)

    def _decode(self, latent, steps, factors, like):
        """``like`` is the sequence, of which only the length and the context count."""
        layers, decoder = self._layers, self._architecture.decoder
        n_timesteps, n_context = (
            self._architecture.n_timesteps,
            self._architecture.n_context,
        )
        repeated = ops.expand_dims(latent, 1) * ops.ones_like(like[:, :, :1])
        if decoder == "conditional":
            given = self._shown(like) if n_context else repeated
            return self._conditional(given, latent=latent, mask=steps)
        if decoder == "reshape":
            width = latent.shape[1] // n_timesteps
            repeated = ops.reshape(latent, (-1, n_timesteps, width))
        if n_context:
            repeated = ops.concatenate([repeated, self._shown(like)], axis=2)
        outputs = layers.dense[0](_stack(layers.decoder, repeated, steps, factors))
        if decoder == "dense":
            size = n_timesteps, self._architecture.n_features
            outputs = ops.reshape(outputs, (-1, *size))
        return outputs

    def _decode_forced(self, latent, sequence, steps, factors):
        """Decode in reverse order, fed with the true previous step."""
        context = self._shown(sequence)
        sequence = sequence[:, :, : self._architecture.n_features]
        sequence *= ops.expand_dims(ops.cast(steps, sequence.dtype), -1)
        previous = ops.flip(sequence, axis=1)[:, :-1]
        x = ops.concatenate([ops.zeros_like(sequence[:, :1]), previous], axis=1)
        if self._architecture.n_context:
            x = ops.concatenate([x, ops.flip(context, axis=1)], axis=2)
        steps = ops.flip(steps, axis=1)
        zero = ops.zeros_like(latent)
        state = [latent, zero] if self._architecture.cell == "lstm" else [latent]
        x = _stack(self._layers.decoder, x, steps, factors, initial_state=state)
        return ops.flip(self._layers.dense[0](x), axis=1)

    @cached_property
    def _encoder(self):
        inputs = [self._sequence, self._steps]
        return keras.Model(inputs, self._encode(*inputs, ()))

    @cached_property
    def _network(self):
        inputs = [self._sequence, self._steps]
        return keras.Model([*inputs, *self._offsets], self._run(*inputs))

    @cached_property
    def _decoder(self):
        """Its second input is a sequence, of which only the context counts."""
        latent = keras.Input((self._architecture.latent_size,))
        if self._architecture.kind == "context":
            outputs = self._context_again(latent, self._sequence)
        else:
            outputs = self._decode(latent, self._steps, (), self._sequence)
        return keras.Model([latent, self._sequence, self._steps], outputs)

    def _make_trainer(self, loss, masked, dropout, global_clipnorm):
        factors = [
            keras.Input((None, layer.n_outputs))
            for layer in (self._architecture.recurrent_layers if dropout else ())
        ]
        steps = self._steps if masked else None
        masks = [steps] if masked else []
        inputs = [self._sequence, *masks, *self._offsets, *factors]
        outputs = self._run(self._sequence, steps, factors, training=True)
        trainer = _Trainer(inputs, outputs, name="trainer")
        trainer.cell_loss = loss
        optimizer = keras.optimizers.Adam(global_clipnorm=global_clipnorm)
        # XLA would compile TensorFlow's graphs for seconds more to run no faster on a
        # CPU. JAX has no other graphs: without it each operation is one by itself.
        trainer.compile(optimizer, jit_compile=_is_jax())
        trainer.optimizer.build(trainer.trainable_variables)
        return trainer

    # State: arrays in, arrays out.

    def load_weights(self, weights):
        self._network.set_weights(weights)

    def weights(self) -> list[np.ndarray]:
        return [np.array(w) for w in self._network.get_weights()]

    def start_training(
        self,
        *,
        loss,
        masked,
        dropout,
        batch_size,
        learning_rate,
        global_clipnorm=None,
        optimizer_state=None,
    ):
        """Choose the loss, and what the batches of ``train_batch`` come with."""
        # A conditional decoder is not fed with what is padding.
        self._masked = masked or self._architecture.decoder == "conditional"
        self._batch_size = batch_size
        key = (loss, self._masked, dropout, global_clipnorm)
        with quiet_first_call(self._called, key):
            if key not in self._trainers:
                self._trainers[key] = self._make_trainer(*key)
            self._trainer = self._trainers[key]
            self._set_optimizer(learning_rate, optimizer_state)

    def _set_optimizer(self, learning_rate, state):
        for k, variable in enumerate(self._optimizer_variables()):
            value = 0 if state is None else state[k]
            variable.assign(
                ops.broadcast_to(ops.cast(value, variable.dtype), variable.shape)
            )
        self._trainer.optimizer.learning_rate = learning_rate

    def seed_recurrent_dropout(self, seed):
        for k, variable in enumerate(self._recurrent_dropout_seeds()):
            variable.assign([seed + k, 0])  # no two layers drop the same

    def _recurrent_dropout_seeds(self):
        variables = self._trainer.non_trainable_variables
        return [v for v in variables if v.name == "seed_generator_state"]

    def optimizer_state(self) -> list[np.ndarray]:
        """Adam's step count, then the first and the second moment of each weight."""
        return [np.array(v.numpy()) for v in self._optimizer_variables()]

    def _optimizer_variables(self):
        step, _, *moments = self._trainer.optimizer.variables
        return [step, *moments[::2], *moments[1::2]]

    # Work.

    def train_batch(self, batch: Batch) -> float:
        """One step of the optimiser; the loss before it."""
        self._trainer.reset_metrics()
        inputs, targets, weights = self._trainer_inputs(batch)
        with quiet_first_call(self._called, (self._trainer, inputs[0].shape)):
            return float(self._trainer.train_on_batch(inputs, targets, weights))

    def _trainer_inputs(self, batch):
        batch = pad_batch(batch, self._batch_size)
        masks = [batch.steps] if self._masked else []
        inputs = [batch.all_inputs, *masks, *_offsets(batch), *batch.dropout]
        return inputs, batch.targets, batch.weights

    def context_loss(self, batch: Batch) -> float:
        """The loss of a context network, without a step of the optimiser."""
        observed = ~np.isnan(batch.targets).all(axis=(1, 2))
        outputs = self.reconstruct(batch)
        return float(_context_loss(observed, outputs, batch.weights))

    def reconstruct(self, batch: Batch) -> np.ndarray:
        return self._forward(self._network, batch)

    def encode(self, batch: Batch) -> np.ndarray:
        return self._forward(self._encoder, batch._replace(offsets=None))

    def decode(self, latent, steps, context=None) -> np.ndarray:
        shape = *steps.shape, self._architecture.n_inputs
        sequence = np.zeros(shape, dtype=np.float32)
        if context is not None:
            sequence[:, :, self._architecture.context_inputs] = context
        with quiet_first_call(self._called, (self._decoder, steps.shape)):
            return self._decoder.predict_on_batch([latent, sequence, steps])

    def _forward(self, model, batch):
        # Few sizes only: a graph is made for each, and the rounding of a sequence
        # hardly depends on its company.
        n = len(batch.steps)
        batch = pad_batch(batch, next(size for size in FORWARD_SIZES if n <= size))
        with quiet_first_call(self._called, (model, batch.inputs.shape)):
            inputs = [batch.all_inputs, batch.steps, *_offsets(batch)]
            outputs = model.predict_on_batch(inputs)
        return np.array(outputs[:n])

    def progress_bar(self, n_batches):
        """Keras's own bar."""
        return keras.utils.Progbar(n_batches)
