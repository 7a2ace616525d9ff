# SPDX-License-Identifier: BSD-3-Clause
"""Latent vectors of sequences, and sequences of latent vectors."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from .._validation import check_cells, check_sequences, named_errors
from ..windowing._output import windows_frame
from ._context import check_context, judged_columns


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


def sequences_like(estimator, sequences):
    """2-D (univariate) sequences where the estimator was fitted on such."""
    n_timesteps, n_features = estimator.sequence_shape_
    univariate = n_features == 1 and estimator.n_features_in_ == n_timesteps
    return sequences[:, :, 0] if univariate else sequences


class LatentVectorsMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """From sequences to latent vectors.

    A class that uses it has ``_encode(sequences)`` and ``_n_features_out``.
    """

    def transform(self, X):
        """Give the latent vectors of sequences.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences. NaN is padding or a missing value.

        Returns
        -------
        latent : ndarray of shape (n_samples, latent_size), float32
            Where a DataFrame is asked for, it has the index of the windows.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        return windows_frame(self, self._encode(sequences), X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class LatentDecoderMixin:
    """And back from latent vectors to sequences, where these are all that it takes.

    A class that uses it has ``_decode(latent, context)``, for valid latent vectors and
    a context without NaN (None where it has none), and ``_context_means``, which stand
    for what is not known of a context.
    """

    def inverse_transform(self, X, context=None):
        """Give the sequences that latent vectors stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, latent_size)
            Latent vectors.

        context : array-like of shape (n_samples, n_timesteps, n_context), default=None
            The ``context_features``, where there are any, of the sequences that are
            asked for. NaN, and None, for their training means.

        Returns
        -------
        sequences : ndarray of shape (n_samples, n_timesteps, n_features), or \
                (n_samples, n_timesteps) where the training data was 2-D
            Context features are as they were given.
        """
        check_is_fitted(self)
        latent = check_latent(self, X)
        context = check_context(self, context, len(latent))
        if context is None:
            return sequences_like(self, self._decode(latent, None))
        context = np.where(np.isnan(context), self._context_means, context)
        shape = len(latent), *self.sequence_shape_
        sequences = np.empty(shape, dtype=np.float32)
        sequences[:, :, judged_columns(self.is_context_)] = self._decode(
            latent, context
        )
        sequences[:, :, self.is_context_] = context
        return sequences
