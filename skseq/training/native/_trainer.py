# SPDX-License-Identifier: BSD-3-Clause
"""Training of a network by Adam, one mini-batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .._batches import Batch
from . import _kernels
from ._blocks import to_blocks
from ._kernels import LANES
from ._losses import loss_and_gradient
from ._network import Inputs, Network, backward, forward

SHARD_WORK = 5e7  # floating-point operations that are worth a thread
MAX_SHARDS = 8


def _shards(network: Network, x: np.ndarray) -> Iterator[slice]:
    """Parts of a mini-batch, by its size alone: results know nothing of threads."""
    n_blocks = -(-len(x) // LANES)
    work = 6.0 * network.n_weights * x.shape[1] * n_blocks * LANES
    n_shards = int(np.clip(work / SHARD_WORK, 1, min(n_blocks, MAX_SHARDS)))
    edges = [n_blocks * i // n_shards * LANES for i in range(n_shards + 1)]
    return map(slice, edges[:-1], edges[1:])


def _flatten(weights):
    return np.concatenate([np.ravel(w) for w in weights]).astype(np.float32)


class Trainer:
    """Trains a network by Adam, one mini-batch at a time.

    Parameters
    ----------
    network : Network
    weights : list of ndarray
        Initial weights, in the order of ``keras.Model.get_weights()``; copied.
    loss : {"mse", "mae", "huber", "binary_crossentropy"}, default="mse"
    learning_rate : float, default=0.001
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
        global_clipnorm: float | None = None,
        map: Callable = map,
        state: Sequence[np.ndarray] | None = None,
        isa: str | None = None,
    ) -> None:
        self.network, self.loss, self.isa = network, loss, isa
        self.learning_rate, self.global_clipnorm = learning_rate, global_clipnorm
        self._map = map
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

    def train_on_batch(
        self,
        batch: Batch,
        sample_weight: np.ndarray | None = None,
        dropout: Sequence[np.ndarray | None] = (),
    ) -> float:
        """One update; returns the loss before it.

        The targets of the batch are of the shape of the network's output: (n_samples,
        n_timesteps or 1, n_outputs). The loss is the mean over the observed cells of
        each sample (weighted), then over the samples that have any. ``dropout`` holds,
        for each LSTM layer, None or factors of its output of shape (n_samples,
        n_timesteps or 1, units).
        """
        observed = ~np.isnan(batch.targets).all(axis=(1, 2))
        share = observed / max(observed.sum(), 1)
        if sample_weight is not None:
            share = share * sample_weight

        def gradient_of(part):
            factors = [None if d is None else to_blocks(d[part]) for d in dropout]
            samples = Batch(*(array[part] for array in batch))
            return self._gradient(samples, share[part], factors)

        shards = list(self._map(gradient_of, _shards(self.network, batch.inputs)))
        gradient = shards[0][1]
        for _, other in shards[1:]:
            gradient += other
        self._update(gradient)
        return sum(loss for loss, _ in shards)

    def _gradient(self, batch, share, dropout):
        network, weights = self.network, self._weights
        inputs = Inputs.of(batch)
        y, steps = forward(
            network, weights, inputs, training=True, dropout=dropout, isa=self.isa
        )
        target = to_blocks(batch.targets)
        if target.shape != y.shape:
            raise ValueError(
                f"The targets must have {y.shape[1]} time steps of {y.shape[2]} "
                f"outputs. Got {target.shape[1]} of {target.shape[2]} instead."
            )
        share = np.append(share, np.zeros(y.shape[0] * LANES - len(share)))
        loss, dy = loss_and_gradient(self.loss, y, target, share.reshape(-1, LANES))
        if network.output_activation == "sigmoid":
            dy *= y * (1 - y)
        gradient = np.empty(network.n_weights, dtype=np.float32)
        views = network.views(gradient)
        backward(network, weights, views, inputs, steps, dy, isa=self.isa)
        return loss, gradient

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
            isa=self.isa,
        )
