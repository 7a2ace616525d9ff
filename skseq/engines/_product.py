# SPDX-License-Identifier: BSD-3-Clause
"""A matrix product in which no row hangs on the others."""

from __future__ import annotations

import numpy as np


def product(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """``rows @ matrix``, the same to the last bit for a row in any company.

    The sums of a BLAS are added up as suits the whole of a block, and its threads wait
    for one another for longer than so small a product takes where other work runs. Here
    each sum is added up in the order of its terms: by the compiled kernels on one core,
    or by ``einsum`` where these were not built.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, depth), float32 or float64
    matrix : ndarray of shape (depth, n_columns), of the same type

    Returns
    -------
    product : ndarray of shape (n_rows, n_columns)
    """
    from .native._built import has_kernels

    rows, matrix = (np.require(a, requirements="CA") for a in (rows, matrix))
    if not has_kernels():
        return np.einsum("ij,jk->ik", rows, matrix)
    from .native import _kernels

    out = np.empty((len(rows), matrix.shape[1]), rows.dtype)
    _kernels.product(rows, matrix, out)
    return out
