# SPDX-License-Identifier: BSD-3-Clause
"""Training of a network by Adam, one mini-batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .._batches import Batch
from . import _kernels
from ._blocks import Workspace, to_blocks
from ._kernels import LANES
from ._network import (
    Inputs,
    Network,
    backward,
    forward,
)
from ._outputs import OF_ANY_OUTPUT, check_loss, loss_and_gradient

SHARD_WORK = 2.5e7  # floating-point operations that are worth a thread
MAX_SHARDS = 8


def _shards(network: Network, n_blocks: int, n_timesteps: int) -> Iterator[slice]:
    """Parts of a mini-batch, by its size alone: results know nothing of threads."""
    work = 6.0 * network.n_weights * n_timesteps * n_blocks * LANES
    n_shards = max(1, min(int(work / SHARD_WORK), n_blocks, MAX_SHARDS))
    edges = [n_blocks * i // n_shards for i in range(n_shards + 1)]
    return map(slice, edges[:-1], edges[1:])


def _flatten(weights):
    return np.concatenate([np.ravel(w) for w in weights]).astype(np.float32)


def _shares(batch: Batch) -> np.ndarray:
    """The share of each sample in the loss: none where no cell is observed."""
    targets = batch.targets
    missing = np.isnan(targets[:, -1, -1])
    if missing.any():  # else there is no need to look at every cell
        missing = np.isnan(targets).all(axis=(1, 2))
    share = ~missing / max(np.count_nonzero(~missing), 1)
    return share if batch.weights is None else share * batch.weights


class _Blocks(NamedTuple):
    """A mini-batch as the kernels take it; ``shares`` (n_blocks, LANES) are doubles.

    What is asked of the kernels is the same for two of the same ``kind``, which are on
    the same arrays; None where NumPy has a part in it.
    """

    inputs: Inputs
    target: np.ndarray
    shares: np.ndarray
    dropout: list[np.ndarray]
    kind: tuple | None

    @classmethod
    def of(cls, batch: Batch, share: np.ndarray, work: Workspace) -> _Blocks:
        inputs = Inputs.of(batch, work)
        own = batch.targets is batch.inputs
        target = inputs.x if own else to_blocks(batch.targets, work, "target")
        shape = len(inputs.x), LANES
        shares = work.empty("shares", shape=shape, make=np.zeros)
        shares.flat[: len(share)], shares.flat[len(share) :] = share, 0
        dropout = [to_blocks(factors) for factors in batch.dropout]
        kind = None
        if not dropout and inputs.levels is None and inputs.offsets is None:
            kind = inputs.x.shape, target.shape, own, inputs.mask is not None
        return cls(inputs, target, shares, dropout, kind)

    def part(self, blocks: slice) -> _Blocks:
        """Some of them, as views."""
        return _Blocks(
            self.inputs.part(blocks),
            self.target[blocks],
            self.shares[blocks],
            [factors[blocks] for factors in self.dropout],
            self.kind,
        )


class _Shard:
    """The memory of one part of the mini-batches."""

    def __init__(self, network):
        self.work, self.programs = Workspace(), {}
        self.gradient = np.empty(network.n_weights, dtype=np.float32)
        self.views = network.views(self.gradient)


class Trainer:
    """Trains a network by Adam, one mini-batch at a time.

    Parameters
    ----------
    network : Network
    weights : list of ndarray
        Initial weights, in the order of ``keras.Model.get_weights()``; copied.
    loss : {"mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy"}, \
            default="mse"
        The entropies go with the output activations "sigmoid" and "softmax".
    learning_rate : float, default=0.001
    l2 : float, default=0.0
        Times the sum of the squared kernels and recurrent kernels of the LSTM layers,
        a penalty that is added to the loss.
    global_clipnorm : float or None, default=None
        Scale the gradient down to this Euclidean norm if it is longer.
    map : callable, default=map
        ``Executor.map`` of a ThreadPoolExecutor to use several threads for a batch.
        The result does not depend on it.
    state : list of ndarray, default=None
        Adam's state to go on from, as ``Trainer.state`` gives it.
    """

    def __init__(
        self,
        network: Network,
        weights: Sequence[np.ndarray],
        *,
        loss: str = "mse",
        learning_rate: float = 0.001,
        l2: float = 0.0,
        global_clipnorm: float | None = None,
        map: Callable = map,
        state: Sequence[np.ndarray] | None = None,
    ) -> None:
        check_loss(loss, network.output_activation)
        self.network, self.loss, self.l2 = network, loss, l2
        self.learning_rate, self.global_clipnorm = learning_rate, global_clipnorm
        self._map, self._shards, self._work = map, [], Workspace()
        self._is_programmed = (
            loss in OF_ANY_OUTPUT
            and network.output_activation == "linear"
            and not network.shows_context
        )
        self._flat = _flatten(weights)
        self._weights = network.views(self._flat)
        if state is None:
            self.n_updates = 0
            self._mean, self._variance = np.zeros((2, network.n_weights), np.float32)
        else:
            n = len(self._weights)
            self.n_updates = int(state[0])
            self._mean, self._variance = map(
                _flatten, (state[1 : n + 1], state[n + 1 :])
            )

    @property
    def weights(self) -> list[np.ndarray]:
        """Copies of the current weights."""
        return [w.copy() for w in self._weights]

    @property
    def state(self) -> list[np.ndarray]:
        """Adam's step count, then the first and the second moment of each weight."""
        moments = [*self.network.views(self._mean), *self.network.views(self._variance)]
        return [np.array(self.n_updates), *(m.copy() for m in moments)]

    def train_on_batch(self, batch: Batch) -> float:
        """One update; returns the loss before it.

        The loss is the mean over the observed cells of each sample (weighted), then
        over the samples that have any, and the penalty on the weights.
        """
        whole = _Blocks.of(batch, _shares(batch), self._work)
        shards = list(_shards(self.network, *whole.inputs.x.shape[:2]))
        self._shards += [_Shard(self.network) for _ in shards[len(self._shards) :]]
        if len(shards) == 1:
            losses = [self._gradient(whole, self._shards[0])]
        else:
            losses = list(
                self._map(self._gradient, map(whole.part, shards), self._shards)
            )
        gradient = self._shards[0].gradient
        for other in self._shards[1 : len(shards)]:
            gradient += other.gradient
        loss = sum(losses) + self._penalize()
        self._update(gradient)
        return loss

    def _penalize(self):
        """The penalty; its gradient is added to that of the first shard."""
        penalty = 0.0
        if self.l2:
            pairs = zip(self._weights, self._shards[0].views, strict=True)
            for k, (w, g) in enumerate(pairs):
                if k < 3 * len(self.network.units) and k % 3 < 2:
                    penalty += self.l2 * np.sum(np.square(w, dtype=np.float64))
                    g += np.float32(2 * self.l2) * w
        return float(penalty)

    def _gradient(self, blocks, shard):
        """The loss of some samples; its gradient is written to the shard."""
        if blocks.kind is None or not self._is_programmed:
            return self._pass(blocks, shard, _kernels)
        if blocks.kind not in shard.programs:
            program = _kernels.Program()
            self._pass(blocks, shard, program)
            shard.programs[blocks.kind] = program
        return shard.programs[blocks.kind].run()

    def _pass(self, blocks, shard, kernels):
        """There and back through the network, by kernels or a program of them."""
        network, weights, work = self.network, self._weights, shard.work
        inputs, target, shares, dropout, _ = blocks
        y, steps = forward(
            network,
            weights,
            inputs,
            training=True,
            dropout=dropout,
            work=work,
            kernels=kernels,
        )
        if target.shape != y.shape:
            raise ValueError(
                f"The targets must have {y.shape[1]} time steps of {y.shape[2]} "
                f"outputs. Got {target.shape[1]} of {target.shape[2]} instead."
            )
        dy = work.empty("dy", shape=y.shape)
        activation = network.output_activation
        loss, dy = loss_and_gradient(
            self.loss, activation, y, target, shares, dy, kernels
        )
        options = {"work": work, "kernels": kernels}
        backward(network, weights, shard.views, inputs, steps, dy, **options)
        return loss

    def _update(self, gradient):
        if self.global_clipnorm is not None:
            norm = np.sqrt(np.sum(np.square(gradient, dtype=np.float64)))
            gradient *= np.float32(
                self.global_clipnorm / max(norm, self.global_clipnorm)
            )
        self.n_updates += 1
        _kernels.adam(
            self._flat,
            gradient,
            self._mean,
            self._variance,
            self.n_updates,
            self.learning_rate,
        )
