# SPDX-License-Identifier: BSD-3-Clause
"""Architecture: the description of a network that every engine reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from numbers import Integral, Real

import numpy as np

from .._sklearn import Interval, StrOptions, validate_parameter_constraints

_GATES = {"lstm": 4, "gru": 3}
_COUNT = Interval(Integral, 1, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="left")
_AMOUNT = Interval(Real, 0, None, closed="left")
_CONSTRAINTS = {
    # 0 for any number of time steps, as the pool of Keras's networks asks for.
    "n_timesteps": [Interval(Integral, 0, None, closed="left")],
    "n_features": [_COUNT],
    "hidden_layer_sizes": [tuple],
    "activation": [StrOptions({"tanh", "relu", "linear"})],
    "kind": [StrOptions({"autoencoder", "sequence", "context", "vector"})],
    "decoder": [StrOptions({"repeat", "reshape", "dense", "conditional"})],
    "cell": [StrOptions({*_GATES})],
    "bidirectional": ["boolean"],
    "n_outputs": [_COUNT, None],
    "output_activation": [StrOptions({"linear", "sigmoid", "softmax"})],
    "missing_indicator": ["boolean"],
    "n_context": [Interval(Integral, 0, None, closed="left")],
    "n_levels": [Interval(Integral, 0, None, closed="left")],
    "beside_line": ["boolean"],
    "dropout": [_SHARE],
    "recurrent_dropout": [_SHARE],
    "l2": [_AMOUNT],
    "input_noise": [_AMOUNT],
}


@dataclass(frozen=True)
class RecurrentLayer:
    """One recurrent layer: its name, sizes, and whether it emits each step or the last.

    A layer that reads in both directions has two sets of weights, and emits ``units``
    values for each direction.

    Parameters
    ----------
    name : str
        Name of the layer in a Keras model.

    n_inputs : int
        Number of values of a step of the input.

    units : int
        Size of the state.

    return_sequences : bool
        Whether it emits its state at each step, or the last one alone.

    cell : {"lstm", "gru"}, default="lstm"
        Kind of the layer.

    bidirectional : bool, default=False
        Whether it reads in both directions.

    Examples
    --------
    >>> from skseq.networks import RecurrentLayer
    >>> RecurrentLayer("encoder_0", 3, 4, return_sequences=False).weight_shapes
    [(3, 16), (4, 16), (16,)]
    """

    name: str
    n_inputs: int
    units: int
    return_sequences: bool
    cell: str = "lstm"
    bidirectional: bool = False

    @property
    def n_outputs(self) -> int:
        return self.units * (2 if self.bidirectional else 1)

    @property
    def weight_shapes(self) -> list[tuple[int, ...]]:
        gates = _GATES[self.cell] * self.units
        # Keras's GRU has a bias on the input and one on the state, as cuDNN's has.
        bias = (gates,) if self.cell == "lstm" else (2, gates)
        shapes = [(self.n_inputs, gates), (self.units, gates), bias]
        return shapes * (2 if self.bidirectional else 1)


@dataclass(frozen=True)
class DenseLayer:
    """A dense layer, applied to each step of what it is given.

    Parameters
    ----------
    name : str
        Name of the layer in a Keras model.

    n_inputs, n_outputs : int
        Number of values of a step of the input, and of the output.

    activation : str, default="linear"
        Name of the function of the output.

    Examples
    --------
    >>> from skseq.networks import DenseLayer
    >>> DenseLayer("outputs", 4, 3).weight_shapes
    [(4, 3), (3,)]
    """

    name: str
    n_inputs: int
    n_outputs: int
    activation: str = "linear"

    @property
    def weight_shapes(self) -> list[tuple[int, ...]]:
        return [(self.n_inputs, self.n_outputs), (self.n_outputs,)]


@dataclass(frozen=True)
class Architecture:
    """A network of recurrent layers, described once for all engines.

    Parameters
    ----------
    n_timesteps : int
        Length of the sequences.

    n_features : int
        Number of features of each step, without those of the context.

    hidden_layer_sizes : tuple of int
        Units of the layers; of an autoencoder those of the encoder, of which the last
        is the latent size.

    activation : {"tanh", "relu", "linear"}, default="tanh"
        Activation of the cells. The gates are always logistic.

    kind : {"autoencoder", "sequence", "context", "vector"}, default="autoencoder"
        - "autoencoder": the layers, of which the last emits only its final state, the
          latent vector; a decoder of the same layers mirrored; and a dense layer on
          each step.
        - "sequence": all these layers emit each step: no latent vector.
        - "context": layers of all sizes but the last, whose final state is the context
          vector; a dense layer to the latent vector, and one back to the context.
        - "vector": the layers, and a dense layer on the final state.

    decoder : {"repeat", "reshape", "dense", "conditional"}, default="repeat"
        What the decoder of an autoencoder makes of the latent vector: its input at each
        step [1]_; its input cut into steps; a single state from which a dense layer
        makes all steps; or its first state, from which it goes on in reverse order, fed
        with its own previous step [2]_.

    cell : {"lstm", "gru"}, default="lstm"
        Kind of the recurrent layers.

    bidirectional : bool, default=False
        Whether each recurrent layer reads in both directions.

    n_outputs : int, default=None
        Values that the network emits for each step, or for the sequence where the kind
        is "vector". None for ``n_features``.

    output_activation : {"linear", "sigmoid", "softmax"}, default="linear"
        Activation of the last dense layer.

    missing_indicator : bool, default=False
        Whether each step has an input more for each feature, of the context too, 1
        where a cell is missing.

    n_context : int, default=0
        Context features of each step: inputs that are not among the outputs, which the
        decoder of an autoencoder sees as well, beside the latent vector [3]_. Of the
        kind "context" it sees those of the last step.

    n_levels : int, default=0
        Further inputs, the last ones, the same at each step of a sequence.

    beside_line : bool, default=False
        Whether the last dense layer adds to a linear function of the sequence, before
        the output activation. It starts at zero, and so with what the line gives.

    dropout : float, default=0.0
        Share of the outputs of each recurrent layer that is dropped in training.

    recurrent_dropout : float, default=0.0
        Share of the states that is dropped on their way to the next step in training.

    l2 : float, default=0.0
        Weight of the penalty on the squared kernels of the recurrent layers.

    input_noise : float, default=0.0
        Standard deviation of the normal noise that is added to the inputs in training.

    References
    ----------
    .. [1] C. Ranjan, "LSTM Autoencoder for Extreme Rare Event Classification in Keras",
       Towards Data Science, 2019.
    .. [2] P. Malhotra et al., "LSTM-based encoder-decoder for multi-sensor anomaly
       detection", ICML 2016 Anomaly Detection Workshop, arXiv:1607.00148.
    .. [3] K. Sohn, H. Lee and X. Yan, "Learning structured output representation using
       deep conditional generative models", NeurIPS 2015.

    Examples
    --------
    >>> from skseq.networks import Architecture
    >>> Architecture(3, 2, (128, 64)).n_parameters
    248578
    >>> Architecture(3, 2, (128, 64), kind="sequence").n_parameters
    248578
    """

    n_timesteps: int
    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    activation: str = "tanh"
    kind: str = "autoencoder"
    decoder: str = "repeat"
    cell: str = "lstm"
    bidirectional: bool = False
    n_outputs: int | None = None
    output_activation: str = "linear"
    missing_indicator: bool = False
    n_context: int = 0
    n_levels: int = 0
    beside_line: bool = False
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    l2: float = 0.0
    input_noise: float = 0.0

    def __post_init__(self):
        fields = {name: getattr(self, name) for name in _CONSTRAINTS}
        validate_parameter_constraints(_CONSTRAINTS, fields, type(self).__name__)
        for units in self.hidden_layer_sizes:
            validate_parameter_constraints(
                {"hidden_layer_sizes": [_COUNT]},
                {"hidden_layer_sizes": units},
                "Architecture",
            )
        sizes, steps = self.hidden_layer_sizes, self.n_timesteps
        if self.kind == "context" and len(sizes) < 2:
            raise ValueError(
                "A ContextEncoder needs two 'hidden_layer_sizes' or more: the size "
                f"of the context vector and that of the latent vector. Got {sizes}."
            )
        if self.kind != "autoencoder":
            return
        if self.decoder == "reshape" and steps and self.latent_size % steps:
            raise ValueError(
                "decoder='reshape' cuts the latent vector into time steps: its size "
                f"{self.latent_size}, the last of 'hidden_layer_sizes'"
                f"{', twice' if self.bidirectional else ''}, must be a multiple of "
                f"the {steps} time steps."
            )
        if self.decoder == "conditional" and self.bidirectional:
            raise ValueError(
                "decoder='conditional' reads in one direction: it is fed with its own "
                "previous step. Set 'bidirectional' to False."
            )

    @property
    def n_inputs(self) -> int:
        n_columns = self.n_features + self.n_context
        return n_columns * (2 if self.missing_indicator else 1) + self.n_levels

    @property
    def context_inputs(self) -> slice:
        """Those of the inputs of a step that are its context."""
        return slice(self.n_features, self.n_features + self.n_context)

    @property
    def latent_size(self) -> int:
        if self.kind == "context":
            return self.hidden_layer_sizes[-1]
        return self.encoder_layers[-1].n_outputs

    @property
    def is_of_any_length(self) -> bool:
        """Whether the same weights serve sequences of any number of time steps."""
        return self.kind != "autoencoder" or self.decoder in ("repeat", "conditional")

    @cached_property
    def encoder_layers(self) -> tuple[RecurrentLayer, ...]:
        sizes = self.hidden_layer_sizes
        sizes = sizes[:-1] if self.kind == "context" else sizes
        prefix = "encoder" if self.kind in ("autoencoder", "context") else "recurrent"
        return self._stack(prefix, self.n_inputs, sizes, self.kind == "sequence")

    @cached_property
    def decoder_layers(self) -> tuple[RecurrentLayer, ...]:
        sizes = self.hidden_layer_sizes[::-1]
        if self.kind == "sequence":
            n_inputs = self.encoder_layers[-1].n_outputs
            return self._stack("recurrent", n_inputs, sizes, True, len(sizes))
        if self.kind != "autoencoder":
            return ()
        n_inputs = self.latent_size
        if self.decoder == "reshape":
            n_inputs //= max(self.n_timesteps, 1)
        elif self.decoder == "conditional":
            n_inputs = self.n_features
        n_inputs += self.n_context
        return self._stack("decoder", n_inputs, sizes, self.decoder != "dense")

    @cached_property
    def dense_layers(self) -> tuple[DenseLayer, ...]:
        n_inputs = self.recurrent_layers[-1].n_outputs
        if self.kind == "context":
            latent = self.latent_size
            return (
                DenseLayer("latent", n_inputs, latent, self.activation),
                DenseLayer("dense", latent + self.n_context, n_inputs),
            )
        n_outputs = self.n_outputs or self.n_features
        if self.kind == "autoencoder" and self.decoder == "dense":
            n_outputs *= self.n_timesteps
        # Beside a line the activation is that of the sum.
        activation = "linear" if self.beside_line else self.output_activation
        return (DenseLayer("dense", n_inputs, n_outputs, activation),)

    def _stack(self, prefix, n_inputs, sizes, last_returns_sequences, first=0):
        layers = []
        for k, units in enumerate(sizes):
            returns = last_returns_sequences or k < len(sizes) - 1
            name = f"{prefix}_{first + k}"
            layer = RecurrentLayer(
                name, n_inputs, units, returns, self.cell, self.bidirectional
            )
            layers.append(layer)
            n_inputs = layer.n_outputs
        return tuple(layers)

    @property
    def recurrent_layers(self) -> tuple[RecurrentLayer, ...]:
        return self.encoder_layers + self.decoder_layers

    @property
    def weight_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the arrays, in the order of ``keras.Model.get_weights()``."""
        layers = self.recurrent_layers + self.dense_layers
        return [shape for layer in layers for shape in layer.weight_shapes]

    @property
    def n_parameters(self) -> int:
        return sum(map(prod, self.weight_shapes))

    def initial_weights(self, rng: np.random.RandomState) -> list[np.ndarray]:
        """Draw weights as Keras does by default, whatever the engine.

        Glorot uniform kernels, orthogonal recurrent kernels, zero biases but for the
        forget gates of an LSTM, which start at one. Beside a line the last dense layer
        starts at zero.
        """
        weights = []
        for layer in self.recurrent_layers:
            for _ in range(2 if layer.bidirectional else 1):
                kernel, recurrent, bias = layer.weight_shapes[:3]
                weights += [_glorot_uniform(rng, *kernel), _orthogonal(rng, *recurrent)]
                weights += [np.zeros(bias, np.float32)]
                if layer.cell == "lstm":
                    weights[-1][layer.units : 2 * layer.units] = 1
        for layer in self.dense_layers:
            kernel, bias = layer.weight_shapes
            weights += [_glorot_uniform(rng, *kernel), np.zeros(bias, np.float32)]
        if self.beside_line:
            weights[-2][:] = 0
        return weights


def _glorot_uniform(rng, n_inputs, n_outputs):
    limit = np.sqrt(6 / (n_inputs + n_outputs))
    return rng.uniform(-limit, limit, (n_inputs, n_outputs)).astype(np.float32)


def _orthogonal(rng, n_rows, n_columns):
    q, r = np.linalg.qr(rng.normal(size=(n_columns, n_rows)))
    return (q * np.sign(np.diag(r))).T.astype(np.float32, order="C")
