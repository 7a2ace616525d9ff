# SPDX-License-Identifier: BSD-3-Clause
"""What every estimator that reconstructs its input can say about it."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .._sklearn import StrOptions, validate_params
from .._validation import (
    check_sequences,
    is_windows,
    n_dimensions,
    observed_steps,
)
from ..engines._losses import observed_mean
from ._context import judged_columns
from ._decisions import OutlierDecisionsMixin
from ._judge import AXES, Judge


def shares_frame(estimator, shares, X, per):
    """What ``explain`` gives: shares with the index of ``X``, and named columns."""
    n_timesteps, n_features = estimator.sequence_shape_
    names = getattr(estimator, "feature_names_in_", None)
    if names is None or len(names) != n_features:
        names = [f"x{k}" for k in range(n_features)]
    index = X.index if isinstance(getattr(X, "index", None), pd.Index) else None
    if per == "cell":
        names = pd.MultiIndex.from_product(
            [range(1 - n_timesteps, 1), names], names=["step", "feature"]
        )
    return pd.DataFrame(shares, index, names)


class ReconstructionMixin(OutlierDecisionsMixin):
    """Errors, scores and decisions from the reconstruction of sequences.

    A class that uses it has ``_reconstructions(X)``, which yields rows, their sequences
    and reconstructions, both without context features, a bounded number at a time.
    Fitted, it has ``error_rule_``, ``score_on_`` and ``offset_``, and ``is_context_``
    where it knows of context features.
    """

    def reconstruct(self, X):
        """Reconstruct sequences.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences. NaN is padding or a missing value.

        Returns
        -------
        X_reconstructed : ndarray of the shape of X, float32
            With a value for each missing one. Padding stays NaN, and context features
            are as they were given.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        out = np.empty(sequences.shape, dtype=np.float32)
        for rows, targets, outputs in self._reconstructions(sequences):
            given = targets
            if self._context is not None:
                out[rows] = given = np.asarray(sequences[rows], dtype=np.float32)
            outputs[~observed_steps(given)] = np.nan
            out[rows, :, self._judged] = outputs
        return out[:, :, 0] if n_dimensions(X) == 2 else out

    @validate_params(
        {"per": [StrOptions(set(AXES))]}, prefer_skip_nested_validation=True
    )
    def reconstruction_error(self, X, *, per="sample"):
        """Error of the reconstruction: larger is worse.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences. NaN is padding or a missing value, and has no part in an error.

        per : {"sample", "step", "feature", "cell"}, default="sample"
            One error for each sequence, for each of its time steps (the mean over the
            features), for each feature (the mean over the steps), or for each cell. By
            sequence and by feature, the steps count as ``score_on`` says.

        Returns
        -------
        error : ndarray of shape (n_samples,), (n_samples, n_timesteps), \
                (n_samples, n_features) or (n_samples, n_timesteps, n_features)
            In squared units of ``X``, in its units where the error is absolute, or
            without a unit where it is relative to what is usual. NaN where no cell was
            observed, and of context features.
        """
        check_is_fitted(self)
        return self._errors(check_sequences(self, X, reset=False), per)

    @validate_params(
        {"per": [StrOptions({"feature", "cell"})]}, prefer_skip_nested_validation=True
    )
    def explain(self, X, *, per="feature"):
        """Tell what the error of each sequence is made of.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        per : {"feature", "cell"}, default="feature"
            Whether the columns are the features, or the pairs of a time step (counted
            back from the last one, 0) and a feature.

        Returns
        -------
        shares : DataFrame of shape (n_samples, n_features) or \
                (n_samples, n_timesteps * n_features)
            Share of each column in ``reconstruction_error(X)``, to which each row sums
            up. 0 where a cell is missing, padding, or not scored, and of context
            features. A share of a
            Mahalanobis distance may be negative, where other features tell that a cell
            should differ.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        shares, judge = np.zeros(sequences.shape), self._judge
        for rows, targets, outputs in self._reconstructions(sequences):
            cells = judge.cells(targets, outputs)
            weights = judge.weights(cells) * ~np.isnan(cells)
            total = weights.sum(axis=(1, 2), keepdims=True)
            cells = np.nan_to_num(cells) * weights / np.where(total, total, 1)
            shares[rows, :, self._judged] = cells
        shares = shares.sum(axis=1) if per == "feature" else shares
        return shares_frame(self, shares.reshape(len(shares), -1), X, per)

    @validate_params(
        {"aggregate": [StrOptions({"steps", "windows"})]},
        prefer_skip_nested_validation=True,
    )
    def score_rows(self, X, *, aggregate="steps"):
        """Normality of each row: the mean over all windows that hold it.

        The windows that end later know what came after: this looks ahead, by the length
        of a window, and is meant for a table that is complete.

        Parameters
        ----------
        X : Windows of shape (n_samples, n_timesteps, n_features)
            Windows, as :class:`SlidingWindow` gives them.

        aggregate : {"steps", "windows"}, default="steps"
            What the mean is of: minus the row's own errors in these windows, or the
            ``score_samples`` of the windows. The first tells rows apart; the second
            holds on to an event that shows in some of its rows, as on long telemetry.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Of the rows at which the windows end; higher is more normal. NaN where no
            cell was observed.
        """
        check_is_fitted(self)
        X = check_sequences(self, X, reset=False)
        if not is_windows(X):
            raise ValueError(
                "X must be Windows: of an array it is not known which rows its "
                "sequences share. Use SlidingWindow, or score_samples."
            )
        if aggregate == "windows":
            return self._mean_over_windows(X)
        total, count = np.zeros((2, len(X.table)))
        steps = np.arange(1 - X.shape[1], 1)
        for chunk, targets, outputs in self._reconstructions(X):
            errors = self._judge.cells(targets, outputs)
            errors = observed_mean(errors, axis=2, empty=np.nan)
            held = ~np.isnan(errors)
            rows = (X.ends[chunk, np.newaxis] + steps)[held]
            total += np.bincount(rows, errors[held], minlength=len(total))
            count += np.bincount(rows, minlength=len(total))
        with np.errstate(invalid="ignore"):
            return -(total / count)[X.ends]

    def _mean_over_windows(self, X):
        """Mean score of the windows that hold each row, at which a window ends."""
        scores = self._score_samples(X)
        judged = ~np.isnan(scores)
        starts, ends, scores = X.starts[judged], X.ends[judged], scores[judged]
        total, count = np.zeros((2, len(X.table)))
        for step in range(X.shape[1]):
            held = ends - step >= starts
            rows = ends[held] - step
            total += np.bincount(rows, scores[held], minlength=len(total))
            count += np.bincount(rows, minlength=len(total))
        count[np.isnan(X.table).all(axis=1)] = 0  # of these nothing was observed
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(count > 0, total / count, np.nan)[X.ends]

    @property
    def _judge(self):
        return Judge(self.error_rule_, self.score_on_)

    def _score_samples(self, X):
        return -self._errors(X, "sample")

    @property
    def _context(self):
        return getattr(self, "is_context_", None)

    @property
    def _judged(self):
        return judged_columns(self._context)

    def _errors(self, X, per):
        reconstructions = self._reconstructions(X)
        if self._context is None or per in ("sample", "step"):
            return self._judge.errors(reconstructions, X.shape, per)
        shape = *X.shape[:2], np.count_nonzero(~self._context)
        errors = self._judge.errors(reconstructions, shape, per)
        out = np.full((*errors.shape[:-1], X.shape[2]), np.nan)
        out[..., self._judged] = errors
        return out
