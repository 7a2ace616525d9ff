# SPDX-License-Identifier: BSD-3-Clause
"""The errors of windows in compiled code, of one or many."""

from __future__ import annotations

from functools import partial
from math import prod
from threading import Lock

import numpy as np

from .._cores import usable_threads
from . import _kernels
from ._engine import PART, borrow_map
from ._kernels import LANES
from ._network import Network

_LOSSES = {"mse", "mae", "huber"}
_COUNTED = {"mean", "last", "recent"}  # what score_on may be
_CELLS = 2**18  # of the windows that are taken in together


def window_errors(network, rule, score_on):
    """What gives the errors of windows, to the last bit as a judge of its outputs.

    Parameters
    ----------
    network : FittedNetwork
    rule : str or ErrorRule
    score_on : str

    Returns
    -------
    errors : callable or None
        Of windows, a contiguous float32 array of shape (n, n_timesteps, n_features):
        (n,), NaN where no cell counts. None where the compiled code does not know the
        network or the rule.
    """
    shape = Network.of(network.architecture)
    n_features = len(network.fill)
    is_known = (
        _knows(rule)
        and score_on in _COUNTED
        and network.is_context is None
        and shape.last is not None
        and shape.returns_sequences
        and shape.output_activation == "linear"
        and n_features > 1  # of one, NumPy adds up its steps in pairs
    )
    return _WindowErrors(network, shape, rule, score_on) if is_known else None


def _knows(rule):
    if isinstance(rule, str):
        return rule in _LOSSES
    return rule.factors is None


def _arrays(dtype, *arrays):
    return [np.require(array, dtype, "CA") for array in arrays]


class _WindowErrors:
    def __init__(self, network, shape, rule, score_on):
        self._shape = network.architecture.n_timesteps, len(network.fill)
        path, distance = network.path, None
        if not isinstance(rule, str):
            distance = _arrays(np.float64, rule.location, rule.precision)
            rule = "distance"
        self._n_threads, self._has_path = network.n_threads, path is not None
        windows = _kernels.WindowErrors(
            steps=self._shape[0],
            fill=_arrays(np.float32, network.fill)[0],
            indicator=network.architecture.missing_indicator,
            path=path
            and _arrays(
                np.float32,
                *(path.center, path.spread, path.encoder, path.components, path.scale),
            ),
            weights=_arrays(np.float32, *network.weights),
            last=shape.last,
            activation=shape.activation,
            rule=rule,
            distance=distance,
            score_on=score_on,
        )
        self._prepare, self._finish = windows.prepare, windows.finish
        self._lock = Lock()  # what is prepared is kept until it is finished
        self._arrays_of_one = self._arrays(1)
        self._size = max(_CELLS // prod(self._shape), LANES)

    def _arrays(self, n):
        """The levels, the errors of the cells, and the sums of their weights."""
        levels = np.empty((n, self._shape[1]), dtype=np.float32)
        return levels, np.empty((n, *self._shape)), np.empty(n)

    def __call__(self, windows):
        n, size = len(windows), self._size
        with self._lock:
            if n <= size:
                return self._of_part(windows)
            parts = [windows[start : start + size] for start in range(0, n, size)]
            return np.concatenate([*map(self._of_part, parts)])

    def _of_part(self, windows):
        n = len(windows)
        arrays = self._arrays_of_one if n == 1 else self._arrays(n)
        levels, errors, totals = arrays
        self._prepare(windows, levels)
        if self._has_path:
            np.tanh(levels, levels)
        self._run(windows, arrays, n)
        return np.add.reduce(errors, axis=(1, 2)) / totals

    def _run(self, windows, arrays, n):
        if n <= PART:
            return self._finish(windows, *arrays, 0, n)
        with borrow_map(self._n_threads or usable_threads()) as mapped:
            starts = range(0, n, PART)
            stops = [min(start + PART, n) for start in starts]
            list(mapped(partial(self._finish, windows, *arrays), starts, stops))
