# SPDX-License-Identifier: BSD-3-Clause
"""Scores and decisions of outlier detectors of sequences."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._validation import check_sequences
from .._warnings import warn


def warn_of_no_data(missing, label="of what is normal", score="their score"):
    """Warn of flagged samples, of which nothing was observed: they have no score."""
    if missing.any():
        warn(
            f"{missing.sum()} of {len(missing)} sequence(s) have no observed cell, so "
            f"they are not judged: they get the label {label}. Tell them by the NaN of "
            f"{score}."
        )


class OutlierDecisionsMixin:
    """Decisions from scores that are higher for normal sequences.

    A class that uses it has ``_score_samples(X)``, for valid sequences, and, when it is
    fitted, ``offset_``.
    """

    def score_samples(self, X):
        """Normality of each sequence: minus its error.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher is more normal, as in scikit-learn's outlier detectors. NaN where no
            cell was observed.
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
            Negative for outliers, NaN where no cell was observed.
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

        Warns
        -----
        UserWarning
            If no cell of a sequence was observed: it is not judged, and gets +1.
        """
        decision = self.decision_function(X)
        warn_of_no_data(np.isnan(decision))
        return np.where(decision < 0, -1, 1)

    def score(self, X, y=None):
        """Mean of ``score_samples``: minus the mean error.

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
        scores = self.score_samples(X)
        return float(np.mean(scores[~np.isnan(scores)]))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags
