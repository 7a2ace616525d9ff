# SPDX-License-Identifier: BSD-3-Clause
"""A matrix product in which no row hangs on the others."""

from __future__ import annotations

import numpy as np

_FEW = 8  # rows that are sooner done one by one than in a block of the kernels


def product(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """``rows @ matrix``, the same to the last bit for a row in any company.

    The sums of a BLAS are added up as suits the whole of a block, and its threads wait
    for one another for longer than so small a product takes where other work runs. Here
    each sum is added up in the order of its terms: by the compiled kernels on one core,
    or by ``einsum`` where these were not built, and in double precision.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, depth)
    matrix : ndarray of shape (depth, n_columns), of the same type

    Returns
    -------
    product : ndarray of shape (n_rows, n_columns)
    """
    from .native._built import has_kernels

    rows, matrix = np.ascontiguousarray(rows), np.ascontiguousarray(matrix)
    if rows.dtype != np.float32 or not has_kernels():
        return np.einsum("ij,jk->ik", rows, matrix)
    from .native import _kernels
    from .native._blocks import empty, from_blocks, to_blocks

    bias = np.zeros(matrix.shape[1], np.float32)
    if len(rows) <= _FEW:
        out = np.empty((len(rows), 1, matrix.shape[1]), np.float32)
        _kernels.dense_forward_few(rows[:, np.newaxis], matrix, bias, out)
        return out[:, 0]
    blocks = to_blocks(rows[:, np.newaxis])
    out = empty((len(blocks), 1, matrix.shape[1], _kernels.LANES))
    _kernels.dense_forward(blocks, matrix, bias, out)
    return from_blocks(out, len(rows))[:, 0]
