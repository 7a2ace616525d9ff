# SPDX-License-Identifier: BSD-3-Clause
"""The error of one window at a time, in compiled code."""

from __future__ import annotations

import numpy as np

from . import _kernels
from ._network import Network

_LOSSES = {"mse", "mae", "huber"}
_COUNTED = {"mean", "last", "recent"}  # what score_on may be


def error_of_one(network, rule, score_on):
    """What gives the error of a window, to the last bit as that of a batch.

    Parameters
    ----------
    network : FittedNetwork
    rule : str or ErrorRule
    score_on : str

    Returns
    -------
    error : callable or None
        Of a window, a contiguous float32 array of shape (n_timesteps, n_features); NaN
        where no cell counts. None where the compiled code does not know the network or
        the rule. For one thread at a time.
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
    return _OneWindow(network, shape, rule, score_on) if is_known else None


def _knows(rule):
    if isinstance(rule, str):
        return rule in _LOSSES
    return rule.factors is None


def _arrays(dtype, *arrays):
    return [np.require(array, dtype, "CA") for array in arrays]


class _OneWindow:
    def __init__(self, network, shape, rule, score_on):
        n_timesteps, n_features = network.architecture.n_timesteps, len(network.fill)
        path, distance = network.path, None
        if not isinstance(rule, str):
            distance = _arrays(np.float64, rule.location, rule.precision)
            rule = "distance"
        self._level = None if path is None else np.empty(n_features, np.float32)
        self._errors = np.empty((n_timesteps, n_features))
        window = _kernels.OneWindow(
            steps=n_timesteps,
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
            level=np.empty(n_features, np.float32) if path is None else self._level,
            errors=self._errors,
        )
        self._prepare, self._finish = window.prepare, window.finish

    def __call__(self, window):
        if not self._prepare(window):
            return np.nan
        level = self._level
        if level is not None:
            np.tanh(level, level)
        total = self._finish()
        if not total > 0:
            return np.nan
        return np.add.reduce(self._errors, None) / total
