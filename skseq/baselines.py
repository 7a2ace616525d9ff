# SPDX-License-Identifier: BSD-3-Clause
"""PCAAutoencoder: the linear reconstruction to beat."""

import contextlib
from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OutlierMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._estimator import CallbackSupportMixin, DocumentationLinkMixin, reports_fit
from ._validation import check_sequences
from .engines._batches import Preparation, position_means
from .engines._product import product
from .reconstruction._errors import fit_error_rule, residuals, subsample
from .reconstruction._mixin import (
    SCORED_STEPS,
    ReconstructionMixin,
    check_latent,
    latent_container,
    sequences_like,
)
from .reconstruction._offset import check_contamination


def _covariance(X, means):
    """Covariance of the flattened sequences, gathered a bounded number at a time."""
    total = np.zeros((means.size, means.size))
    for _, batch in Preparation(means.astype(np.float32)).chunks(X):
        deviations = (batch.inputs - means).reshape(len(batch.inputs), -1)
        total += deviations.T @ deviations
    return total / max(len(X) - 1, 1)


def _n_components(n_components, variances, n_samples):
    """Number of components that the parameter asks for, as PCA understands it."""
    largest = min(n_samples, len(variances))
    if n_components is None:
        return largest
    if isinstance(n_components, Integral):
        if n_components > largest:
            raise ValueError(
                f"The 'n_components' parameter is {n_components}, but must be at most "
                f"min(n_samples, n_timesteps * n_features) = {largest}."
            )
        return n_components
    shares = np.cumsum(variances) / max(variances.sum(), np.finfo(float).tiny)
    return min(np.searchsorted(shares, n_components, side="right") + 1, largest)


class PCAAutoencoder(
    CallbackSupportMixin,
    ReconstructionMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    OutlierMixin,
    DocumentationLinkMixin,
    BaseEstimator,
):
    """Linear autoencoder: principal components of the flattened windows.

    The baseline that a recurrent autoencoder has to beat.

    Parameters
    ----------
    n_components : int, float or None, default=0.95
        Latent size, or the share of variance to keep, in (0, 1). None keeps all.

    error : {"mse", "mae", "standardized", "mahalanobis"}, default="mse"
        The error of a time step, as of :class:`LSTMAutoencoder`; what is usual is told
        by the training sequences.

    score_on : {"window", "recent", "last", "max"}, default="window"
        Which steps count in the error of a sequence: all alike, later ones more (the
        k-th of n steps by ``k ** 2``), the last one, or the one with the largest error.

    contamination : "auto", float or tuple, default="auto"
        Share of outliers in the training data, in (0, 0.5], which sets ``offset_``.
        "auto" lets 1% of the training sequences be outliers, ``("quantile", q)`` a
        share of ``1 - q``, and ``("pot", q)`` sets it by peaks over threshold, at a
        risk of q.

    Attributes
    ----------
    components_ : ndarray of shape (`n_components_`, n_timesteps * n_features)
        Principal axes.

    mean_ : ndarray of shape (n_timesteps, n_features)
        Mean of the training sequences; stands for what is missing.

    explained_variance_ : ndarray of shape (`n_components_`,)
        Variance along each axis.

    n_components_ : int
        Latent size.

    offset_ : float
        Score below which a sequence counts as an outlier; minus squared units of ``X``.
        It is set on the scores of the training sequences themselves, so on new ones
        somewhat more than the named share will lie below.

    n_features_in_ : int
        Number of features; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    See Also
    --------
    LSTMAutoencoder : The recurrent counterpart.
    sklearn.decomposition.PCA : The same components, of a 2-D array.

    Notes
    -----
    As in all outlier detectors of scikit-learn, scores are higher for normal sequences.

    References
    ----------
    .. [1] J. E. Jackson and G. S. Mudholkar, "Control procedures for residuals
       associated with principal component analysis", Technometrics 21(3), 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import PCAAutoencoder
    >>> X = np.random.default_rng(0).normal(size=(40, 12, 3))
    >>> PCAAutoencoder(n_components=4).fit_transform(X).shape
    (40, 4)
    """

    _parameter_constraints: dict = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "error": [StrOptions({"mse", "mae", "standardized", "mahalanobis"})],
        "score_on": [StrOptions(SCORED_STEPS)],
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 0.5, closed="right"),
            tuple,
            list,
        ],
    }

    def __init__(
        self,
        n_components=0.95,
        *,
        error="mse",
        score_on="window",
        contamination="auto",
    ):
        self.n_components = n_components
        self.error = error
        self.score_on = score_on
        self.contamination = contamination

    @_fit_context(prefer_skip_nested_validation=True)
    @reports_fit
    def fit(self, X, y=None):
        """Find the principal components of the sequences.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences. NaN is padding or a missing value.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        X = check_sequences(self, X, reset=True)
        means = position_means(X)
        variances, axes = np.linalg.eigh(_covariance(X, means))
        variances, axes = np.maximum(variances[::-1], 0), axes.T[::-1]
        n_components = _n_components(self.n_components, variances, len(X))
        axes = axes[:n_components]
        # The sign of an axis is arbitrary: its largest entry is made positive.
        largest = np.argmax(np.abs(axes), axis=1)[:, np.newaxis]
        axes = axes * np.sign(np.take_along_axis(axes, largest, axis=1))

        self.mean_ = means.astype(np.float32)
        self.components_ = axes.astype(np.float32)
        self.explained_variance_ = variances[:n_components]
        self.n_components_ = int(n_components)
        self._error_rule = self.error
        if self.error in ("standardized", "mahalanobis"):
            differences = residuals(self._reconstructions(subsample(X)))
            self._error_rule = fit_error_rule(self.error, differences)
        rule = check_contamination(self.contamination, type(self).__name__)
        self.offset_ = rule.offset(self._score_samples(X))
        return self

    def transform(self, X):
        """Project sequences onto the components.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        latent : ndarray of shape (n_samples, `n_components_`), float32
            What is missing takes the training mean, and so adds nothing.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        latent = np.empty((len(sequences), self.n_components_), dtype=np.float32)
        for rows, batch in self._preparation.chunks(sequences):
            latent[rows] = self._encode(batch)
        return latent_container(self, latent, X)

    def inverse_transform(self, X):
        """Give the sequences of latent vectors.

        Parameters
        ----------
        X : array-like of shape (n_samples, `n_components_`)
            Latent vectors.

        Returns
        -------
        sequences : ndarray of shape (n_samples, n_timesteps, n_features), or \
                (n_samples, n_timesteps) where the training data was 2-D
        """
        check_is_fitted(self)
        latent = check_latent(self, X)
        return sequences_like(self, self._decode(latent))

    def _encode(self, batch):
        deviations = (batch.inputs - self.mean_).reshape(len(batch.inputs), -1)
        return product(deviations, self.components_.T)

    def _decode(self, latent):
        flat = product(latent, self.components_)
        return flat.reshape(-1, *self.sequence_shape_) + self.mean_

    @contextlib.contextmanager
    def _reconstructing(self):
        yield lambda batch: self._decode(self._encode(batch))

    @property
    def _preparation(self):
        return Preparation(self.mean_)

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")
