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

    What it is given at each step is not looked at.
    """

    def __init__(self, cells, dense, **kwargs):
        super().__init__(**kwargs)
        self.cells, self.dense = cells, dense
        self.state_size = [
            size for cell in cells for size in _as_list(cell.state_size)
        ] + [dense.units]
        self.output_size = dense.units

    def build(self, input_shape):
        n_inputs = self.dense.units
        for layer in (*self.cells, self.dense):
            if not layer.built:
                layer.build((None, n_inputs))
            n_inputs = layer.units

    def call(self, inputs, states, training=False):
        x, states, after = states[-1], list(states), []
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
    before the last one, are zero. It is given what tells the number of steps.
    """

    def build(self, sequence_shape, latent_shape=None):
        super().build(sequence_shape)

    def call(self, sequence, latent=None, mask=None, training=False):
        zeros = latent[:, :1] * 0
        states = [
            keras.ops.repeat(zeros, size, axis=1) for size in self.cell.state_size
        ]
        states[0] = latent
        mask = None if mask is None else keras.ops.flip(mask, axis=1)
        outputs = super().call(
            sequence, initial_state=states, mask=mask, training=training
        )
        return keras.ops.flip(outputs, axis=1)

    def compute_output_shape(self, sequence_shape, latent_shape=None):
        return (*sequence_shape[:2], self.cell.output_size)


def conditional_decoder(layers: Layers) -> ConditionalDecoder:
    """The decoder as it is used, with the cells that were trained."""
    cell = FeedbackCell([layer.cell for layer in layers.decoder], layers.dense[0])
    return ConditionalDecoder(cell, return_sequences=True, name="decoder")


def build_models(architecture: Architecture, weights, path=None) -> Models:
    """Make the models that a user sees, as in the article, with fitted weights.

    ``path`` is a LinearPath that stands beside the whole network.
    """
    layers = build_layers(architecture)
    inputs = keras.Input((architecture.n_timesteps, architecture.n_inputs), name="x")
    latent, rest = _chain(layers.encoder, inputs), None
    if architecture.kind == "context":
        latent = layers.dense[0](latent)
        rest = layers.dense[1:]
    elif architecture.kind == "autoencoder":
        rest = _decoder_chain(architecture, layers)
    if rest is None:
        dense = layers.dense[0]
        if architecture.kind == "sequence":
            latent = _chain(layers.decoder, latent)
            dense = keras.layers.TimeDistributed(dense, name="output")
        model = keras.Model(inputs, dense(latent), name=architecture.kind)
        model.set_weights(weights)
        return Models(model, None, None)
    code = keras.Input((architecture.latent_size,), name="latent_vector")
    encoder = keras.Model(inputs, latent, name="encoder")
    decoder = keras.Model(code, _chain(rest, code), name="decoder")
    # One flat chain, so that summary() and plot_model() show each layer.
    model = keras.Model(inputs, _chain(rest, latent), name=architecture.kind)
    model.set_weights(weights)
    if path is not None:
        chain = [*layers.encoder, *rest]
        model = _beside_linear_path(path, architecture, chain)
    return Models(model, encoder, decoder)


def _beside_linear_path(path, architecture, chain):
    """The layers of a network, and the linear path beside them."""
    shape = n_timesteps, n_features = architecture.n_timesteps, architecture.n_features
    n_inputs = architecture.n_inputs - architecture.n_context
    inputs = keras.Input((n_timesteps, n_inputs), name="x")
    cells = _rescaled("standardized", 1 / path.spread, -path.center / path.spread)(
        inputs[:, :, :n_features]
    )
    code = keras.layers.Dense(path.n_components, use_bias=False, name="linear_code")
    back = keras.layers.Dense(path.components.shape[1], use_bias=False, name="linear")
    x = back(code(keras.layers.Flatten(name="flatten")(cells)))
    code.set_weights([path.encoder])
    back.set_weights([path.components])
    x = keras.layers.Reshape(shape, name="linear_path")(x)
    x = _rescaled("linear_units", path.spread, path.center)(x)
    outputs = _chain(chain, _seen_beside(inputs, cells, shape))
    outputs = _rescaled("residual_units", path.scale, 0 * path.scale)(outputs)
    outputs = keras.layers.Add(name="sum")([outputs, x])
    return keras.Model(inputs, outputs, name="residual")


def _rescaled(name, scale, offset):
    return keras.layers.Rescaling(scale.tolist(), offset.tolist(), name=name)


def _seen_beside(inputs, cells, shape):
    """What the network beside a linear path sees: see ``LinearPath.inputs``."""
    level = keras.layers.GlobalAveragePooling1D(keepdims=True, name="level")(cells)
    parts = [keras.layers.Subtract(name="without_level")([cells, level])]
    bounded = keras.layers.Activation("tanh", name="bounded_level")(level)
    parts.append(keras.layers.UpSampling1D(shape[0], name="at_each_step")(bounded))
    if inputs.shape[2] > shape[1]:
        parts.append(inputs[:, :, shape[1] :])  # which cells are missing
    return keras.layers.Concatenate(name="seen")(parts)


def _chain(layers, x):
    for layer in layers:
        x = layer(x)
    return x


def _decoder_chain(architecture, layers):
    """The layers from the latent vector to the reconstruction."""
    n_timesteps, n_features = architecture.n_timesteps, architecture.n_features
    dense = keras.layers.TimeDistributed(layers.dense[0], name="output")
    repeat = keras.layers.RepeatVector(n_timesteps, name="repeat")
    if architecture.decoder == "repeat":
        return [repeat, *layers.decoder, dense]
    if architecture.decoder == "reshape":
        cut = keras.layers.Reshape((n_timesteps, -1), name="reshape")
        return [cut, *layers.decoder, dense]
    if architecture.decoder == "dense":
        whole = keras.layers.Reshape((n_timesteps, n_features), name="reshape")
        return [repeat, *layers.decoder, layers.dense[0], whole]
    decode = conditional_decoder(layers)

    def from_latent(latent):
        return decode(repeat(latent), latent=latent)

    return [from_latent]
