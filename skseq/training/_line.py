# SPDX-License-Identifier: BSD-3-Clause
"""Fit the linear model beside a network that gives one output for a sequence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from .._validation import is_windows
from ..engines._line import Line

_MAX_CELLS = 2**25  # of the sequences that a line is fitted to: 256 MiB
_MAX_ITER = 1_000
_N_BLOCKS = 5
_LOG_ODDS = 10.0  # a probability of 0.99995, which float32 tells from 1


def fit_line(examples, preparation, alpha) -> Line | None:
    """Ridge or logistic regression on the cells of sequences.

    Parameters
    ----------
    examples : Examples
        Of many, those at even distances are taken.

    preparation : Preparation
        How missing cells are filled.

    alpha : float
        Weight of the squared coefficients beside the sum of the losses.

    Returns
    -------
    line : Line or None
        None where a class is in none of the examples.
    """
    X, targets, weights = examples.X, examples.targets, examples.weights
    rows = slice(None, None, math.ceil(len(X) * X.shape[1] * X.shape[2] / _MAX_CELLS))
    cells = np.concatenate(
        [
            batch.inputs[:, :, : X.shape[2]].reshape(len(batch.inputs), -1)
            for _, batch in preparation.chunks(X[rows])
        ]
    )
    y, n_outputs = targets[rows, 0], targets.shape[2]
    weights = None if weights is None else weights[rows]
    if examples.are_classes:
        classes = y[:, 0] > 0.5 if n_outputs == 1 else np.argmax(y, axis=1)
        if len(np.unique(classes)) < max(n_outputs, 2):
            return None
        model = LogisticRegression(C=1 / alpha, max_iter=_MAX_ITER)
        y = classes
    else:
        model = Ridge(alpha=alpha)
    # In float64: the last bits of sums in float32 go by how many rows there are.
    model.fit(cells.astype(np.float64), y, sample_weight=weights)
    shape = n_outputs, *X.shape[1:]
    coef = np.reshape(model.coef_, shape).transpose(1, 2, 0)
    intercept = np.broadcast_to(model.intercept_, n_outputs)
    coef, intercept = (np.array(a, np.float32, order="C") for a in (coef, intercept))
    return Line(coef, intercept, _LOG_ODDS if examples.are_classes else None)


def unseen_codes(fit, examples, training, preparation) -> np.ndarray:
    """What lines give for all examples, for those that train one that never saw them.

    A line fits the sequences that it was fitted to better than others; a network beside
    it would rely on it more than it may later. So, as in stacking [1]_, each of five
    blocks of the training examples, in their order, gets what a line of the four others
    gives, where these hold every class.

    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.
    """
    alone = replace(preparation, path=None)
    codes = _codes(preparation.path, alone, examples.X)
    for block in np.array_split(training, _N_BLOCKS):
        others = np.setdiff1d(training, block, assume_unique=True)
        if not len(block) or not len(others):
            continue
        if is_windows(examples.X):
            shared = examples.X.shares_rows(examples.X[block])
            others = others[~shared[others]]
        line = fit(examples.taken(others), alone) if len(others) else None
        if line is not None:
            codes[block] = _codes(line, alone, examples.X[block])
    return codes


def _codes(line, preparation, X):
    return np.concatenate([line.codes(batch) for _, batch in preparation.chunks(X)])
