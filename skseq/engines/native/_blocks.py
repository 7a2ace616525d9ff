# SPDX-License-Identifier: BSD-3-Clause
"""Blocks: the layout of activations that the kernels work on.

``(n_blocks, n_timesteps, n_features, LANES)``: blocks of ``LANES`` samples, the last
one padded with zeros, float32.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ._kernels import LANES


def empty(shape: tuple[int, ...]) -> np.ndarray:
    """np.empty, but aligned to cache lines: a load that spans two costs double."""
    size = prod(shape)
    memory = np.empty(size + 16, dtype=np.float32)
    start = -(memory.__array_interface__["data"][0] // 4) % 16
    return memory[start : start + size].reshape(shape)


class Workspace:
    """Arrays to work on, the same for each mini-batch of the same shape.

    New memory for each mini-batch would cost as much as a small layer: the system hands
    it out page by page.
    """

    def __init__(self):
        self._arrays = {}

    def empty(self, *name, shape: tuple[int, ...], make=empty) -> np.ndarray:
        """The array of this name and shape, with whatever it holds."""
        key = name, shape
        if key not in self._arrays:
            self._arrays[key] = make(shape)
        return self._arrays[key]


def to_blocks(x: np.ndarray, work: Workspace | None = None, name="") -> np.ndarray:
    """Blocks of an array of shape (n_samples, n_timesteps, n_features).

    They are an array of ``work``, if there is one.
    """
    n, n_timesteps, n_features = x.shape
    n_blocks = -(-n // LANES)
    shape = n_blocks, n_timesteps, n_features, LANES
    out = empty(shape) if work is None else work.empty(name, shape=shape)
    whole = n // LANES
    x = x.transpose(1, 2, 0)
    for block in range(whole):
        out[block] = x[..., block * LANES : (block + 1) * LANES]
    if whole < n_blocks:
        out[whole] = 0
        out[whole, ..., : n - whole * LANES] = x[..., whole * LANES :]
    return out


def from_blocks(blocks: np.ndarray, n: int) -> np.ndarray:
    """The first n samples, of shape (n_samples, n_timesteps, n_features)."""
    x = blocks.transpose(0, 3, 1, 2)
    return x.reshape(-1, *x.shape[2:])[:n]
