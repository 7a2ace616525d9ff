# SPDX-License-Identifier: BSD-3-Clause
"""What every estimator that reconstructs its input can say about it."""

import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite
from sklearn.utils._param_validation import StrOptions, validate_params
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import check_is_fitted

from .._validation import (
    check_cells,
    check_sequences,
    is_windows,
    n_dimensions,
    named_errors,
    observed_steps,
)
from ..engines._losses import observed_mean
from ._errors import cell_errors

# The axes of (n_samples, n_timesteps, n_features) over which an error is the mean.
_AXES = {"sample": (1, 2), "step": (2,), "feature": (1,), "cell": ()}

# Which steps count in the error of a sequence.
SCORED_STEPS = {"window", "recent", "last", "max"}


def check_latent(estimator, X):
    """Validate latent vectors on their way back into sequences."""
    X = check_cells(X, dtype=np.float32, input_name="X", estimator=estimator)
    with named_errors("X"):
        assert_all_finite(X, input_name="X")
    if X.shape[1] != estimator._n_features_out:
        raise ValueError(
            f"X has {X.shape[1]} columns, but the latent vectors of "
            f"{type(estimator).__name__} have {estimator._n_features_out}."
        )
    return X


def latent_container(estimator, latent, X):
    """Give latent vectors the index of the windows where a frame is asked for."""
    index = getattr(X, "index", None) if is_windows(X) else None
    wanted = _get_output_config("transform", estimator)["dense"]
    return (
        latent if index is None or wanted != "pandas" else pd.DataFrame(latent, index)
    )


def sequences_like(estimator, sequences):
    """2-D (univariate) sequences where the estimator was fitted on such."""
    n_timesteps, n_features = estimator.sequence_shape_
    univariate = n_features == 1 and estimator.n_features_in_ == n_timesteps
    return sequences[:, :, 0] if univariate else sequences


def _weighted_mean(errors, weights, axis, empty):
    """Weighted mean over the cells that are not NaN; ``empty`` where none counts.

    One way for all: the last bits of a sequence must not hang on which others have NaN.
    """
    missing = np.isnan(errors)
    weights = weights * ~missing
    total = weights.sum(axis)
    summed = (np.where(missing, 0, errors) * weights).sum(axis)
    return np.where(total > 0, summed / np.where(total > 0, total, 1), empty)


class ReconstructionMixin:
    """Errors, scores and decisions from the reconstruction of sequences.

    A class that uses it has ``_reconstructing()``, a context that yields a function
    from a batch to its reconstruction, ``_preparation`` (of its inputs),
    ``_error_rule`` (an ErrorRule, or the name of a loss), ``score_on`` and ``offset_``.
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
            With a value for each missing one. Padding stays NaN.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        out = np.empty(sequences.shape, dtype=np.float32)
        for rows, targets, outputs in self._reconstructions(sequences):
            outputs[~observed_steps(targets)] = np.nan
            out[rows] = outputs
        return out[:, :, 0] if n_dimensions(X) == 2 else out

    @validate_params(
        {"per": [StrOptions(set(_AXES))]}, prefer_skip_nested_validation=True
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
            without a unit where it is relative to what is usual. Where no cell was
            observed: 0 for a sequence, NaN for a part of one.
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
            up. 0 where a cell is missing, padding, or not scored. A share of a
            Mahalanobis distance may be negative, where other features tell that a cell
            should differ.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        n_samples, n_timesteps, n_features = sequences.shape
        shares = np.empty(sequences.shape)
        for rows, targets, outputs in self._reconstructions(sequences):
            cells = cell_errors(self._error_rule, targets, outputs)
            weights = self._weights(cells) * ~np.isnan(cells)
            total = weights.sum(axis=(1, 2), keepdims=True)
            shares[rows] = np.nan_to_num(cells) * weights / np.where(total, total, 1)
        names = getattr(self, "feature_names_in_", None)
        if names is None or len(names) != n_features:
            names = [f"x{k}" for k in range(n_features)]
        index = X.index if isinstance(getattr(X, "index", None), pd.Index) else None
        if per == "feature":
            return pd.DataFrame(shares.sum(axis=1), index, names)
        columns = pd.MultiIndex.from_product(
            [range(1 - n_timesteps, 1), names], names=["step", "feature"]
        )
        return pd.DataFrame(shares.reshape(n_samples, -1), index, columns)

    def score_rows(self, X):
        """Normality of each row: minus its mean error in all windows that hold it.

        The windows that end later know what came after: this looks ahead, by the length
        of a window, and is meant for a table that is complete.

        Parameters
        ----------
        X : Windows of shape (n_samples, n_timesteps, n_features)
            Windows, as :class:`SlidingWindow` gives them.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Of the rows at which the windows end; higher is more normal.
        """
        check_is_fitted(self)
        X = check_sequences(self, X, reset=False)
        if not is_windows(X):
            raise ValueError(
                "X must be Windows: of an array it is not known which rows its "
                "sequences share. Use SlidingWindow, or score_samples."
            )
        total, count = np.zeros((2, len(X.table)))
        steps = np.arange(1 - X.shape[1], 1)
        for chunk, targets, outputs in self._reconstructions(X):
            errors = cell_errors(self._error_rule, targets, outputs)
            errors = observed_mean(errors, axis=2, empty=np.nan)
            held = ~np.isnan(errors)
            rows = (X.ends[chunk, np.newaxis] + steps)[held]
            total += np.bincount(rows, errors[held], minlength=len(total))
            count += np.bincount(rows, minlength=len(total))
        return -(total / np.maximum(count, 1))[X.ends]

    def score_samples(self, X):
        """Normality of each sequence: minus its reconstruction error.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher is more normal, as in scikit-learn's outlier detectors.
        """
        check_is_fitted(self)
        return self._score_samples(check_sequences(self, X, reset=False))

    def decision_function(self, X):
        """Score above the threshold: ``score_samples(X) - offset_``.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Negative for outliers.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Tell outliers from normal sequences.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
            -1 for outliers, +1 for the others.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def score(self, X, y=None):
        """Mean of ``score_samples``: minus the mean reconstruction error.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        score : float
            Higher is better.
        """
        return float(np.mean(self.score_samples(X)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _score_samples(self, X):
        return -self._errors(X, "sample")

    def _reconstructions(self, X):
        """Yield rows, targets and reconstructions, a bounded number at a time."""
        with self._reconstructing() as reconstruct:
            for rows, batch in self._preparation.chunks(X):
                # Sums over an array go by its memory: one layout for any number.
                yield rows, batch.targets, np.ascontiguousarray(reconstruct(batch))

    def _errors(self, X, per):
        axis = _AXES[per]
        shape = [n for k, n in enumerate(X.shape) if k not in axis]
        out = np.empty(shape)
        for rows, targets, outputs in self._reconstructions(X):
            cells = cell_errors(self._error_rule, targets, outputs)
            empty = 0 if per == "sample" else np.nan
            if self._score_on == "window" or per in ("step", "cell"):
                out[rows] = observed_mean(cells, axis, empty)
            else:
                out[rows] = _weighted_mean(cells, self._weights(cells), axis, empty)
        return out

    @property
    def _score_on(self):
        return getattr(self, "score_on_", self.score_on)

    def _weights(self, cells):
        """How much the steps of each sequence count, of shape (n, n_timesteps, 1)."""
        score_on, n_timesteps = self._score_on, cells.shape[1]
        places = np.arange(1, n_timesteps + 1)[np.newaxis]
        if score_on == "window":
            weights = np.ones((1, n_timesteps))
        elif score_on == "max":
            errors = observed_mean(cells, axis=2, empty=-np.inf)
            weights = places == np.argmax(errors, axis=1)[:, np.newaxis] + 1
        else:
            missing = np.isnan(cells[:, -1]).all(axis=1)
            if missing.any():  # the last observed step counts as the last
                seen = ~np.isnan(cells).all(axis=2)
                places = places + np.argmax(seen[:, ::-1], axis=1)[:, np.newaxis]
            weights = places == n_timesteps if score_on == "last" else places**2
        return weights[:, :, np.newaxis]
