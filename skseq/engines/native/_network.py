# SPDX-License-Identifier: BSD-3-Clause
"""Stacks of layers, composed from the compiled kernels.

Samples meet only in the sums that make the loss and the gradients of the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import prod

import numpy as np

from ...networks import Architecture
from .._batches import Batch
from . import _kernels
from ._blocks import Workspace, empty, to_blocks
from ._kernels import CACHE_ROWS, LANES
from ._outputs import activate_output


@dataclass(frozen=True)
class Network:
    """A stack of LSTM layers, then a dense layer at each time step that is left.

    Parameters
    ----------
    n_features : int
    units : tuple of int
        Units of each LSTM layer.
    n_outputs : int or None
        Units of the dense layer; None for no dense layer.
    last : int or None, default=None
        The layer that returns its final state only. The layers after it, if any, see
        this state at every time step: an autoencoder. None for a sequence network.
    activation : {"tanh", "relu", "linear"}, default="tanh"
    output_activation : {"linear", "sigmoid", "softmax"}, default="linear"
    context : tuple of two int, default=(0, 0)
        Between these are the inputs of a step that the layer after ``last`` sees beside
        its state.
    n_levels : int, default=0
        Further inputs, the same at each step of a sequence: after the ``n_features``.
    """

    n_features: int
    units: tuple[int, ...]
    n_outputs: int | None
    last: int | None = None
    activation: str = "tanh"
    output_activation: str = "linear"
    context: tuple[int, int] = (0, 0)
    n_levels: int = 0

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, architecture: Architecture) -> Network:
        """The network that an Architecture describes."""
        last, shown = None, architecture.context_inputs
        if architecture.kind != "sequence":
            last = len(architecture.encoder_layers) - 1
        return cls(
            architecture.n_inputs - architecture.n_levels,
            tuple(layer.units for layer in architecture.recurrent_layers),
            architecture.dense_layers[-1].n_outputs,
            last=last,
            activation=architecture.activation,
            output_activation=architecture.output_activation,
            context=(shown.start, shown.stop),
            n_levels=architecture.n_levels,
        )

    @cached_property
    def encoder(self) -> Network:
        """The part that ends at the final state; its weights come first.

        Of a sequence network this is the final state of its last LSTM layer.
        """
        last = len(self.units) - 1 if self.last is None else self.last
        return Network(
            self.n_features,
            self.units[: last + 1],
            None,
            last,
            self.activation,
            n_levels=self.n_levels,
        )

    @cached_property
    def decoder(self) -> Network:
        """The part that follows on the final state; its weights come last."""
        units = self.units[self.last + 1 :]
        n_inputs = self.units[self.last] + self.n_context
        return replace(self, n_features=n_inputs, units=units, last=None, n_levels=0)

    @property
    def n_context(self) -> int:
        start, stop = self.context
        return stop - start

    @property
    def shows_context(self) -> bool:
        """Whether there is a context, and a layer that sees it beside a state."""
        return self.n_context > 0 and self.last is not None and self.returns_sequences

    @property
    def returns_sequences(self) -> bool:
        return self.last is None or self.last < len(self.units) - 1

    @cached_property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the weights, in the order of ``keras.Model.get_weights()``."""
        shapes, inputs = [], self.n_features + self.n_levels
        for layer, units in enumerate(self.units):
            shapes += [(inputs, 4 * units), (units, 4 * units), (4 * units,)]
            inputs = units + (self.n_context if layer == self.last else 0)
        if self.n_outputs is not None:
            shapes += [(inputs, self.n_outputs), (self.n_outputs,)]
        return shapes

    @cached_property
    def n_weights(self) -> int:
        return sum(map(prod, self.shapes))

    def views(self, flat: np.ndarray) -> list[np.ndarray]:
        """The weights, as views of one flat array."""
        ends = np.cumsum([0, *map(prod, self.shapes)]).tolist()
        spans = zip(ends[:-1], ends[1:], self.shapes, strict=True)
        return [flat[a:b].reshape(shape) for a, b, shape in spans]


@dataclass
class Inputs:
    """Blocks of a mini-batch: sequences without NaN, and the mask of their padding.

    ``levels`` (n_blocks, n_levels, LANES) are inputs that are the same at each step;
    ``offsets`` (n_blocks, 1, n_outputs, LANES) are added to the dense layer.
    """

    x: np.ndarray
    mask: np.ndarray | None
    n_timesteps: int
    levels: np.ndarray | None = None
    offsets: np.ndarray | None = None

    @classmethod
    def of(cls, batch: Batch, work: Workspace | None = None) -> Inputs:
        """``batch.inputs`` may have a single time step, the same for each step.

        ``x`` and ``mask`` are arrays of ``work``, if there is one.
        """
        mask = levels = offsets = None
        if not batch.steps.all():
            steps = batch.steps[:, :, np.newaxis].astype(np.float32)
            mask = to_blocks(steps, work, "mask")[:, :, 0]
        if batch.levels is not None:
            levels = to_blocks(batch.levels)[:, 0]
        if batch.offsets is not None:
            offsets = to_blocks(batch.offsets)
        x, n_timesteps = to_blocks(batch.inputs, work, "x"), batch.steps.shape[1]
        return cls(x, mask, n_timesteps, levels, offsets)

    def part(self, blocks: slice) -> Inputs:
        """Some of the blocks, as views."""
        mask, levels, offsets = (
            None if array is None else array[blocks]
            for array in (self.mask, self.levels, self.offsets)
        )
        return Inputs(self.x[blocks], mask, self.n_timesteps, levels, offsets)


@dataclass
class _Step:
    """What the backward pass needs of the forward pass of one layer."""

    x: np.ndarray
    h: np.ndarray
    cache: np.ndarray | None = None
    dropout: np.ndarray | None = None


def forward(
    network: Network,
    weights: Sequence[np.ndarray],
    inputs: Inputs,
    *,
    training: bool = False,
    dropout: Sequence[np.ndarray] = (),
    work: Workspace | None = None,
    kernels=_kernels,
) -> tuple[np.ndarray, list[_Step]]:
    """Output blocks of the network, and the steps that ``backward`` retraces.

    ``dropout`` may hold, for each LSTM layer, factors of its output. The results are
    arrays of ``work``. ``kernels`` is what calls the kernels, or a Program to call them
    later.
    """
    work = work or Workspace()
    x, steps = inputs.x, []
    n_blocks, n_timesteps = len(x), inputs.n_timesteps
    for layer, units in enumerate(network.units):
        h = work.empty("h", layer, shape=(n_blocks, n_timesteps, units, LANES))
        cache = None
        if training:
            shape = (n_blocks, n_timesteps, CACHE_ROWS * units, LANES)
            cache = work.empty("cache", layer, shape=shape)
        part = weights[3 * layer : 3 * layer + 3]
        options = _options(network, layer, inputs.mask, inputs.levels)
        kernels.lstm_forward(x, *part, h, cache, **options)
        steps.append(_Step(x, h, cache))
        x = h
        if layer == network.last:
            x = work.empty("last", shape=(n_blocks, 1, units, LANES))
            kernels.last_step(h, x)
        if dropout:
            steps[-1].dropout = dropout[layer]
            x = x * dropout[layer]
        if layer == network.last and network.shows_context:
            x = _beside_context(x, inputs.x[:, :, slice(*network.context)])
    if network.n_outputs is not None:
        y = work.empty("y", shape=(n_blocks, x.shape[1], network.n_outputs, LANES))
        kernels.dense_forward(x, *weights[-2:], y)
        if inputs.offsets is not None:
            y += inputs.offsets
        steps.append(_Step(x, y))
        x = y
    return activate_output(network.output_activation, x), steps


def forward_few(
    network: Network,
    weights: Sequence[np.ndarray],
    batch: Batch,
) -> np.ndarray:
    """Output of the network for a few samples, sooner than in a block of many.

    To the last bit what they have in a block.
    """
    x = np.require(batch.inputs, np.float32, "CA")
    mask = None if batch.steps.all() else batch.steps.astype(np.float32)
    levels = batch.levels
    if levels is not None:
        levels = np.require(levels[:, 0], np.float32, "CA")
    for layer, units in enumerate(network.units):
        h = np.empty((*batch.steps.shape, units), dtype=np.float32)
        part = weights[3 * layer : 3 * layer + 3]
        options = _options(network, layer, mask, levels)
        _kernels.lstm_forward_few(x, *part, h, **options)
        x = np.ascontiguousarray(h[:, -1:]) if layer == network.last else h
        if layer == network.last and network.shows_context:
            x = _beside_context(x, batch.inputs[:, :, slice(*network.context)])
    if network.n_outputs is not None:
        y = np.empty((*x.shape[:2], network.n_outputs), dtype=np.float32)
        _kernels.dense_forward_few(x, *weights[-2:], y)
        if batch.offsets is not None:
            y += batch.offsets
        x = y
    return activate_output(network.output_activation, x)


def _options(network, layer, mask, levels):
    """What a kernel is told of a layer: the first one sees the levels."""
    constant = levels if layer == 0 else None
    return {"mask": mask, "constant": constant, "activation": network.activation}


def _beside_context(state, context):
    """A state at each step, and the context of the step; the values are on axis 2."""
    units = state.shape[2]
    shape = *context.shape[:2], units + context.shape[2], *context.shape[3:]
    x = empty(shape)
    x[:, :, :units], x[:, :, units:] = state, context
    return x


def backward(
    network: Network,
    weights: Sequence[np.ndarray],
    gradients: Sequence[np.ndarray],
    inputs: Inputs,
    steps: list[_Step],
    dy: np.ndarray,
    *,
    work: Workspace | None = None,
    kernels=_kernels,
) -> None:
    """Write the gradients of the weights, given that of the output of the dense layer.

    The gradients by the activations are arrays of ``work``.
    """
    work = work or Workspace()
    *steps, dense = steps
    dx = work.empty("dx", shape=dense.x.shape)
    kernels.dense_backward(dy, dense.x, *weights[-2:], *gradients[-2:], dx)
    for layer in reversed(range(len(network.units))):
        step, part = steps[layer], slice(3 * layer, 3 * layer + 3)
        if layer == network.last and network.shows_context:
            # The state stood at each step; the context is no variable.
            of_state = dx[:, :, : network.units[layer]]
            dx = np.ascontiguousarray(of_state.sum(axis=1, keepdims=True))
        if step.dropout is not None:
            dx *= step.dropout
        dh = dx  # with a single time step, the gradient by the final state
        dx = work.empty("dx", layer, shape=step.x.shape) if layer else None
        kernels.lstm_backward(
            dh,
            step.x,
            *weights[part],
            step.h,
            step.cache,
            *gradients[part],
            dx,
            **_options(network, layer, inputs.mask, inputs.levels),
        )
