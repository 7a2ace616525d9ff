# SPDX-License-Identifier: BSD-3-Clause
"""An Architecture as Keras models."""

from __future__ import annotations

from typing import NamedTuple

from ._architecture import Architecture, RecurrentLayer
from ._quiet import import_keras

keras = import_keras()


class Layers(NamedTuple):
    """The layers of an architecture, from which models are connected."""

    encoder: list
    decoder: list
    dense: list


class Models(NamedTuple):
    """The whole network, and its halves where it has them, which share layers."""

    model: keras.Model
    encoder: keras.Model | None
    decoder: keras.Model | None


def build_layers(architecture: Architecture) -> Layers:
    """Make the layers; seeds are set so that no global generator is asked for one."""
    dense = [
        keras.layers.Dense(
            layer.n_outputs,
            activation=layer.activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=0),
            name=layer.name,
        )
        for layer in architecture.dense_layers
    ]
    encoder, decoder = (
        [_recurrent(architecture, layer) for layer in layers]
        for layers in (architecture.encoder_layers, architecture.decoder_layers)
    )
    return Layers(encoder, decoder, dense)


def _recurrent(architecture: Architecture, layer: RecurrentLayer):
    penalty = keras.regularizers.L2(architecture.l2) if architecture.l2 else None

    def make(name, go_backwards=False):
        kind = keras.layers.LSTM if layer.cell == "lstm" else keras.layers.GRU
        return kind(
            layer.units,
            activation=architecture.activation,
            return_sequences=layer.return_sequences,
            go_backwards=go_backwards,
            recurrent_dropout=architecture.recurrent_dropout,
            kernel_initializer=keras.initializers.GlorotUniform(seed=0),
            recurrent_initializer=keras.initializers.Orthogonal(seed=0),
            kernel_regularizer=penalty,
            recurrent_regularizer=penalty,
            seed=0,
            name=name,
        )

    if not layer.bidirectional:
        return make(layer.name)
    return keras.layers.Bidirectional(
        make("forward"),
        backward_layer=make("backward", go_backwards=True),
        name=layer.name,
    )


@keras.saving.register_keras_serializable("skseq")
class FeedbackCell(keras.layers.Layer):
    """A stack of recurrent cells and a dense layer, fed with their own last output.

    What it is given at each step is not looked at, unless it is the context.
    """

    def __init__(self, cells, dense, n_context=0, **kwargs):
        super().__init__(**kwargs)
        self.cells, self.dense, self.n_context = cells, dense, n_context
        self.state_size = [
            size for cell in cells for size in _as_list(cell.state_size)
        ] + [dense.units]
        self.output_size = dense.units

    def build(self, input_shape):
        n_inputs = self.dense.units + self.n_context
        for layer in (*self.cells, self.dense):
            if not layer.built:
                layer.build((None, n_inputs))
            n_inputs = layer.units

    def call(self, inputs, states, training=False):
        x, states, after = states[-1], list(states), []
        if self.n_context:
            x = keras.ops.concatenate([x, inputs], axis=-1)
        for cell in self.cells:
            own = [states.pop(0) for _ in _as_list(cell.state_size)]
            x, own = cell(x, own if len(own) > 1 else own[0], training=training)
            after += _as_list(own)
        y = self.dense(x)
        return y, [*after, y]

    def get_config(self):
        parts = {
            "cells": [keras.saving.serialize_keras_object(c) for c in self.cells],
            "dense": keras.saving.serialize_keras_object(self.dense),
            "n_context": self.n_context,
        }
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        cells = map(keras.saving.deserialize_keras_object, config.pop("cells"))
        dense = keras.saving.deserialize_keras_object(config.pop("dense"))
        return cls(list(cells), dense, **config)


def _as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


@keras.saving.register_keras_serializable("skseq")
class ConditionalDecoder(keras.layers.RNN):
    """From a latent vector to a sequence: the last step first, then on from each.

    The latent vector is the state of the first cell; all other states, and the step
    before the last one, are zero. It is given the context of each step, or what tells
    the number of steps.
    """

    def build(self, sequence_shape, latent_shape=None):
        super().build(sequence_shape)

    def call(self, sequence, latent=None, mask=None, training=False):
        zeros = latent[:, :1] * 0
        states = [
            keras.ops.repeat(zeros, size, axis=1) for size in self.cell.state_size
        ]
        states[0] = latent
        sequence = keras.ops.flip(sequence, axis=1)
        mask = None if mask is None else keras.ops.flip(mask, axis=1)
        outputs = super().call(
            sequence, initial_state=states, mask=mask, training=training
        )
        return keras.ops.flip(outputs, axis=1)

    def compute_output_shape(self, sequence_shape, latent_shape=None):
        return (*sequence_shape[:2], self.cell.output_size)


def conditional_decoder(layers: Layers, n_context) -> ConditionalDecoder:
    """The decoder as it is used, with the cells that were trained."""
    cells = [layer.cell for layer in layers.decoder]
    cell = FeedbackCell(cells, layers.dense[0], n_context)
    return ConditionalDecoder(cell, return_sequences=True, name="decoder")


def build_models(architecture: Architecture, weights, path=None) -> Models:
    """Make the models that a user sees, as in the article, with fitted weights.

    ``path`` is a LinearPath or a Line that stands beside the whole network.
    """
    layers = build_layers(architecture)
    inputs = keras.Input((architecture.n_timesteps, architecture.n_inputs), name="x")
    latent = _chain(layers.encoder, inputs)
    if architecture.kind == "context":
        latent = layers.dense[0](latent)
    elif architecture.kind != "autoencoder":
        dense = layers.dense[0]
        if architecture.kind == "sequence":
            latent = _chain(layers.decoder, latent)
            dense = keras.layers.TimeDistributed(dense, name="output")
        outputs = dense(latent)
        model = keras.Model(inputs, outputs, name=architecture.kind)
        model.set_weights(weights)
        if path is not None:
            outputs = _beside_line(path, architecture, inputs, outputs)
            model = keras.Model(inputs, outputs, name="beside_line")
        return Models(model, None, None)
    decode = _decoder(architecture, layers)
    code = keras.Input((architecture.latent_size,), name="latent_vector")
    shape = architecture.n_timesteps, architecture.n_context
    shown = [keras.Input(shape, name="context")] if shape[1] else []
    encoder = keras.Model(inputs, latent, name="encoder")
    decoder = keras.Model([code, *shown] if shown else code, decode(code, *shown))
    # One flat chain, so that summary() and plot_model() show each layer.
    seen = [inputs[:, :, architecture.context_inputs]] if shown else []
    model = keras.Model(inputs, decode(latent, *seen), name=architecture.kind)
    model.set_weights(weights)
    if path is not None:
        model = _beside_linear_path(path, architecture, layers, decode)
    return Models(model, encoder, decoder)


def _beside_line(line, architecture, inputs, outputs):
    """What a network adds to a line, and the line, through the output activation."""
    n_features, n_outputs = line.coef.shape[1:]
    cells = keras.layers.Flatten(name="flatten")(inputs[:, :, :n_features])
    dense = keras.layers.Dense(n_outputs, trainable=False, name="line")
    dense.build((None, cells.shape[1]))
    dense.set_weights([line.coef.reshape(-1, n_outputs), line.intercept])
    values = dense(cells)
    if line.limit is not None:
        values = keras.layers.Rescaling(1 / line.limit, name="line_by_limit")(values)
        values = keras.layers.Activation("tanh", name="bounded_line")(values)
        values = keras.layers.Rescaling(line.limit, name="log_odds")(values)
    outputs = keras.layers.Add(name="sum")([outputs, values])
    activation = architecture.output_activation
    return keras.layers.Activation(activation, name="output")(outputs)


def _beside_linear_path(path, architecture, layers, decode):
    """The layers of a network, and the linear path beside them."""
    shape = n_timesteps, n_features = architecture.n_timesteps, architecture.n_features
    n_inputs = architecture.n_inputs - architecture.n_levels
    inputs = keras.Input((n_timesteps, n_inputs), name="x")
    n_columns = n_features + architecture.n_context
    cells = _rescaled("standardized", 1 / path.spread, -path.center / path.spread)(
        inputs[:, :, :n_columns]
    )
    own, context = cells, []
    if n_columns > n_features:
        own, context = cells[:, :, :n_features], [cells[:, :, n_features:]]
    x = _linear_path(path, own, *context)
    x = keras.layers.Reshape(shape, name="linear_path")(x)
    units = path.spread[:n_features], path.center[:n_features]
    x = _rescaled("linear_units", *units)(x)
    # Which cells are missing comes after the others.
    seen = _seen_beside(own, *context, rest=inputs[:, :, n_columns:])
    shown = [seen[:, :, architecture.context_inputs]] if context else []
    outputs = decode(_chain(layers.encoder, seen), *shown)
    outputs = _rescaled("residual_units", path.scale, 0 * path.scale)(outputs)
    outputs = keras.layers.Add(name="sum")([outputs, x])
    return keras.Model(inputs, outputs, name="residual")


def _linear_path(path, cells, context=None):
    """The flat reconstruction of standardised cells."""
    x, explained = keras.layers.Flatten(name="flatten")(cells), None
    if context is not None:
        explained = keras.layers.Flatten(name="flatten_context")(context)
        for name in ("context_code", "explained"):
            explained = _linear(name, getattr(path, name))(explained)
        x = keras.layers.Subtract(name="unexplained")([x, explained])
    x = _linear("linear_code", path.encoder)(x)
    x = _linear("linear", path.components)(x)
    if explained is not None:
        x = keras.layers.Add(name="with_explained")([x, explained])
    return x


def _linear(name, matrix):
    layer = keras.layers.Dense(matrix.shape[1], use_bias=False, name=name)
    layer.build((None, len(matrix)))
    layer.set_weights([matrix])
    return layer


def _rescaled(name, scale, offset):
    return keras.layers.Rescaling(scale.tolist(), offset.tolist(), name=name)


def _seen_beside(cells, context=None, *, rest):
    """What the network beside a linear path sees: see ``LinearPath.seen``."""
    level = keras.layers.GlobalAveragePooling1D(keepdims=True, name="level")(cells)
    parts = [keras.layers.Subtract(name="without_level")([cells, level])]
    if context is not None:
        bounded = keras.layers.Activation("tanh", name="bounded_context")
        parts.append(bounded(context))
    if rest.shape[2]:
        parts.append(rest)
    bounded = keras.layers.Activation("tanh", name="bounded_level")(level)
    n_timesteps = cells.shape[1]
    parts.append(keras.layers.UpSampling1D(n_timesteps, name="at_each_step")(bounded))
    return keras.layers.Concatenate(name="seen")(parts)


def _chain(layers, x):
    for layer in layers:
        x = layer(x)
    return x


def _decoder(architecture, layers):
    """From the latent vector, and the context if there is any, to what is emitted."""
    if architecture.kind == "context":
        join = keras.layers.Concatenate(name="with_context")

        def from_code(latent, context=None):
            if context is not None:
                latent = join([latent, context[:, -1]])
            return layers.dense[1](latent)

        return from_code
    n_timesteps, n_features = architecture.n_timesteps, architecture.n_features
    repeat = keras.layers.RepeatVector(n_timesteps, name="repeat")
    if architecture.decoder == "conditional":
        decode = conditional_decoder(layers, architecture.n_context)

        def backwards(latent, context=None):
            return decode(repeat(latent) if context is None else context, latent=latent)

        return backwards
    spread, ends = (
        repeat,
        [keras.layers.TimeDistributed(layers.dense[0], name="output")],
    )
    if architecture.decoder == "reshape":
        spread = keras.layers.Reshape((n_timesteps, -1), name="reshape")
    elif architecture.decoder == "dense":
        whole = keras.layers.Reshape((n_timesteps, n_features), name="reshape")
        ends = [layers.dense[0], whole]
    join = keras.layers.Concatenate(name="with_context")

    def step_by_step(latent, context=None):
        x = spread(latent)
        if context is not None:
            x = join([x, context])
        return _chain([*layers.decoder, *ends], x)

    return step_by_step
