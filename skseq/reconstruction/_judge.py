# SPDX-License-Identifier: BSD-3-Clause
"""From reconstructed sequences to their errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..engines._losses import observed_mean
from ._errors import ErrorRule, cell_errors

# The axes of (n_samples, n_timesteps, n_features) over which an error is the mean.
AXES = {"sample": (1, 2), "step": (2,), "feature": (1,), "cell": ()}


@dataclass(frozen=True)
class Judge:
    """How far a reconstruction is off: a rule for cells, and which steps count."""

    rule: ErrorRule | str
    score_on: str

    def cells(self, targets, outputs):
        """Errors of shape (n_samples, n_timesteps, n_features), NaN where missing."""
        # Sums over an array go by its memory: one layout for any number of sequences.
        return cell_errors(self.rule, targets, np.ascontiguousarray(outputs))

    def errors(self, reconstructions, shape, per="sample"):
        """Errors of (rows, targets, outputs), NaN where no cell was observed.

        Parameters
        ----------
        reconstructions : iterable
        shape : tuple of int
            (n_samples, n_timesteps, n_features)
        per : {"sample", "step", "feature", "cell"}, default="sample"
        """
        axis = AXES[per]
        out = np.empty([n for k, n in enumerate(shape) if k not in axis])
        for rows, targets, outputs in reconstructions:
            out[rows] = self.errors_of(targets, outputs, per)
        return out

    def errors_of(self, targets, outputs, per="sample"):
        """The same of sequences that are all given at once."""
        cells, axis = self.cells(targets, outputs), AXES[per]
        if self.score_on == "mean" or per in ("step", "cell"):
            return observed_mean(cells, axis, empty=np.nan)
        return _weighted_mean(cells, self.weights(cells), axis)

    def weights(self, cells):
        """How much the steps of each sequence count, of shape (n, n_timesteps, 1)."""
        return _WEIGHTS[self.score_on](cells)[:, :, np.newaxis]


def _all_alike(cells):
    return np.ones((1, cells.shape[1]))


def _the_worst(cells):
    errors = observed_mean(cells, axis=2, empty=-np.inf)
    places = np.arange(cells.shape[1])
    return places == np.argmax(errors, axis=1)[:, np.newaxis]


def _places(cells):
    """From 1 for the first step; the last observed step counts as the last."""
    places = np.arange(1, cells.shape[1] + 1)[np.newaxis]
    if np.isnan(cells[:, -1]).all(axis=1).any():
        seen = ~np.isnan(cells).all(axis=2)
        places = places + np.argmax(seen[:, ::-1], axis=1)[:, np.newaxis]
    return places


# Of "recent": the score is that of the row at which the window ends. Of the powers that
# were tried the square did best on average in bench_accuracy.py.
_WEIGHTS = {
    "mean": _all_alike,
    "max": _the_worst,
    "last": lambda cells: _places(cells) == cells.shape[1],
    "recent": lambda cells: _places(cells) ** 2,
}
# Which steps count in the error of a sequence.
SCORED_STEPS = set(_WEIGHTS)


def _weighted_mean(errors, weights, axis):
    """Weighted mean over the cells that are not NaN; NaN where none counts.

    One way for all: the last bits of a sequence must not hang on which others have NaN.
    """
    missing = np.isnan(errors)
    weights = weights * ~missing
    total = weights.sum(axis)
    summed = (np.where(missing, 0, errors) * weights).sum(axis)
    return np.where(total > 0, summed / np.where(total > 0, total, 1), np.nan)
