# SPDX-License-Identifier: BSD-3-Clause
"""Architecture: the description of a network that every engine reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LSTMLayer:
    """One LSTM layer: its name, sizes, and whether it emits each step or the last."""

    name: str
    n_inputs: int
    units: int
    return_sequences: bool


@dataclass(frozen=True)
class Architecture:
    """An LSTM autoencoder, described once for all engines.

    LSTM layers of ``hidden_layer_sizes``, of which the last emits only its final state,
    the latent vector; this repeated ``n_timesteps`` times; the same layers mirrored;
    and a dense layer applied to each step.

    Parameters
    ----------
    n_timesteps : int
        Length of the sequences.

    n_features : int
        Number of features of each step.

    hidden_layer_sizes : tuple of int
        Units of the encoder's layers; the last is the latent size.

    activation : {"tanh", "relu", "linear"}, default="tanh"
        Activation of the cells. The gates are always logistic.

    References
    ----------
    .. [1] C. Ranjan, "LSTM Autoencoder for Extreme Rare Event Classification in Keras",
       Towards Data Science, 2019.

    Examples
    --------
    >>> from skseq.networks import Architecture
    >>> Architecture(3, 2, (128, 64)).n_parameters
    248578
    """

    n_timesteps: int
    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    activation: str = "tanh"

    @property
    def latent_size(self) -> int:
        return self.hidden_layer_sizes[-1]

    @property
    def encoder(self) -> tuple[LSTMLayer, ...]:
        sizes = self.hidden_layer_sizes
        inputs = (self.n_features, *sizes[:-1])
        return tuple(
            LSTMLayer(f"encoder_{k}", n_inputs, units, k < len(sizes) - 1)
            for k, (n_inputs, units) in enumerate(zip(inputs, sizes, strict=True))
        )

    @property
    def decoder(self) -> tuple[LSTMLayer, ...]:
        sizes = self.hidden_layer_sizes[::-1]
        inputs = (self.latent_size, *sizes[:-1])
        return tuple(
            LSTMLayer(f"decoder_{k}", n_inputs, units, True)
            for k, (n_inputs, units) in enumerate(zip(inputs, sizes, strict=True))
        )

    @property
    def weight_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the arrays, in the order of ``keras.Model.get_weights()``."""
        shapes: list[tuple[int, ...]] = []
        for layer in self.encoder + self.decoder:
            gates = 4 * layer.units
            shapes += [(layer.n_inputs, gates), (layer.units, gates), (gates,)]
        return [
            *shapes,
            (self.hidden_layer_sizes[0], self.n_features),
            (self.n_features,),
        ]

    @property
    def n_parameters(self) -> int:
        return sum(int(np.prod(shape)) for shape in self.weight_shapes)

    def initial_weights(self, rng: np.random.RandomState) -> list[np.ndarray]:
        """Draw weights as Keras does by default, whatever the engine.

        Glorot uniform kernels, orthogonal recurrent kernels, zero biases but for the
        forget gates, which start at one.
        """
        weights = []
        for layer in self.encoder + self.decoder:
            bias = np.zeros(4 * layer.units, np.float32)
            bias[layer.units : 2 * layer.units] = 1
            kernel = _glorot_uniform(rng, layer.n_inputs, 4 * layer.units)
            weights += [kernel, _orthogonal(rng, layer.units, 4 * layer.units), bias]
        dense = _glorot_uniform(rng, self.hidden_layer_sizes[0], self.n_features)
        return [*weights, dense, np.zeros(self.n_features, np.float32)]


def _glorot_uniform(rng, n_inputs, n_outputs):
    limit = np.sqrt(6 / (n_inputs + n_outputs))
    return rng.uniform(-limit, limit, (n_inputs, n_outputs)).astype(np.float32)


def _orthogonal(rng, n_rows, n_columns):
    q, r = np.linalg.qr(rng.normal(size=(n_columns, n_rows)))
    return (q * np.sign(np.diag(r))).T.astype(np.float32)
