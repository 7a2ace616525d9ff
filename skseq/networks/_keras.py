# SPDX-License-Identifier: BSD-3-Clause
"""An Architecture as Keras models."""

from __future__ import annotations

from typing import NamedTuple

from ._architecture import Architecture
from ._quiet import import_keras

keras = import_keras()


class Layers(NamedTuple):
    """The layers of an architecture, from which models are connected."""

    encoder: list
    decoder: list
    dense: keras.layers.Layer


class Models(NamedTuple):
    """The whole network and its halves, which share their layers."""

    model: keras.Model
    encoder: keras.Model
    decoder: keras.Model


def build_layers(architecture: Architecture) -> Layers:
    """Make the layers; seeds are set so that no global generator is asked for one."""

    def lstm(layer):
        return keras.layers.LSTM(
            layer.units,
            activation=architecture.activation,
            return_sequences=layer.return_sequences,
            kernel_initializer=keras.initializers.GlorotUniform(seed=0),
            recurrent_initializer=keras.initializers.Orthogonal(seed=0),
            seed=0,
            name=layer.name,
        )

    dense = keras.layers.Dense(
        architecture.n_features,
        kernel_initializer=keras.initializers.GlorotUniform(seed=0),
        name="dense",
    )
    return Layers(
        [lstm(layer) for layer in architecture.encoder],
        [lstm(layer) for layer in architecture.decoder],
        dense,
    )


def build_models(architecture: Architecture, weights) -> Models:
    """Make the models that a user sees, as in the article, with fitted weights."""
    layers = build_layers(architecture)
    shape = (architecture.n_timesteps, architecture.n_features)
    inputs = keras.Input(shape, name="sequence")
    latent = inputs
    for layer in layers.encoder:
        latent = layer(latent)
    code = keras.Input((architecture.latent_size,), name="latent")
    outputs = keras.layers.RepeatVector(architecture.n_timesteps, name="repeat")(code)
    each_step = keras.layers.TimeDistributed(layers.dense, name="output")
    for layer in (*layers.decoder, each_step):
        outputs = layer(outputs)
    encoder = keras.Model(inputs, latent, name="encoder")
    decoder = keras.Model(code, outputs, name="decoder")

    # One flat chain, so that summary() and plot_model() show each layer.
    whole = latent
    for layer in decoder.layers[1:]:
        whole = layer(whole)
    model = keras.Model(inputs, whole, name="autoencoder")
    model.set_weights(weights)
    return Models(model, encoder, decoder)
