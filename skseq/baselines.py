# SPDX-License-Identifier: BSD-3-Clause
"""PCAAutoencoder: the linear reconstruction to beat."""

from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin

from ._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from ._sample_weight import taken, weighed
from ._sklearn import Interval, RealNotInt, StrOptions, _fit_context
from ._validation import check_sequences
from ._warnings import warn
from .engines._batches import Preparation, position_means
from .engines._linear import context_effects
from .engines._product import product
from .reconstruction._context import CONTEXT_FEATURES, context_mask, judged_columns
from .reconstruction._estimator import CONTAMINATION_CONSTRAINTS
from .reconstruction._fit import (
    Choices,
    Reconstructor,
    final_offset,
    first_offset,
    settled_offset,
)
from .reconstruction._judge import SCORED_STEPS
from .reconstruction._latent import LatentDecoderMixin, LatentVectorsMixin
from .reconstruction._mixin import ReconstructionMixin
from .reconstruction._offset import check_contamination
from .rows._doubtful import check_features
from .training._docs import with_docs
from .windowing._held_out import VALIDATION, hold_out

# Of the largest variance, for each cell: what is less is rounding in float64.
_NOTHING = np.finfo(np.float64).eps

_FEW = 10  # held-out sequences: of each tenth of them a quantile says nothing


@dataclass(frozen=True)
class _Components:
    """Principal axes (n_components, n_cells) and the mean (n_timesteps, n_features).

    With a context they are the axes of what this does not explain of the other cells:
    of these it explains its own times ``coef`` (n_context_cells, n_cells).
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    is_context: np.ndarray | None = None
    coef: np.ndarray | None = None

    @classmethod
    def of(cls, X, n_components, is_context, weights=None):
        """The components of sequences; fewer, where these have no more."""
        means = position_means(X, weights)
        covariance, coef = _covariance(X, means, weights), None
        total = np.trace(covariance)
        if is_context is not None:
            of_context = np.tile(is_context, len(means))
            covariance, coef, total = _without_context(covariance, of_context)
            coef = coef.astype(np.float32)
        variances, axes = np.linalg.eigh(covariance)
        variances, axes = np.maximum(variances[::-1], 0), axes.T[::-1]
        n_components = _n_components(n_components, variances, len(X), total)
        axes = axes[:n_components]
        # Along what did not vary no axis is better than another, and any would hide
        # what does so later.
        varies = variances[:n_components] > _NOTHING * len(variances) * variances[0]
        axes = np.where(varies[:, np.newaxis], axes, 0)
        # The sign of an axis is arbitrary: its largest entry is made positive.
        largest = np.argmax(np.abs(axes), axis=1)[:, np.newaxis]
        axes = axes * np.sign(np.take_along_axis(axes, largest, axis=1))
        axes = np.ascontiguousarray(axes, dtype=np.float32)
        means = means.astype(np.float32)
        return cls(means, axes, variances[:n_components], is_context, coef)

    @cached_property
    def _encoder(self):
        return np.ascontiguousarray(self.axes.T)

    @cached_property
    def _means(self):
        """Of the features that are judged, and of the context."""
        judged = self.mean[:, judged_columns(self.is_context)]
        return judged, None if self.coef is None else self.mean[:, self.is_context]

    def explained(self, context):
        """What a context explains of the flat cells; 0 without one."""
        if context is None:
            return np.float32(0)
        context = context - self._means[1]
        return product(context.reshape(len(context), -1), self.coef)

    def _explained_in(self, batch):
        n_judged = self._means[0].shape[1]
        context = None if self.coef is None else batch.inputs[:, :, n_judged:]
        return self.explained(context)

    def encode(self, batch, explained=None):
        explained = self._explained_in(batch) if explained is None else explained
        mean = self._means[0]
        deviations = batch.inputs[:, :, : mean.shape[1]] - mean
        return product(
            deviations.reshape(len(deviations), -1) - explained, self._encoder
        )

    def decode(self, latent, explained):
        mean = self._means[0]
        cells = product(latent, self.axes) + explained
        return cells.reshape(-1, *mean.shape) + mean

    @property
    def n_varying(self):
        """Number of components along which the training sequences vary."""
        return np.count_nonzero(self.axes.any(axis=1))

    def chunks(self, X):
        return Preparation(self.mean, is_context=self.is_context).chunks(X)

    def outputs(self, X):
        for rows, batch in self.chunks(X):
            explained = self._explained_in(batch)
            latent = self.encode(batch, explained)
            yield rows, batch.targets, self.decode(latent, explained)


def _covariance(X, means, weights):
    """Covariance of the flattened sequences, gathered a bounded number at a time."""
    total = np.zeros((means.size, means.size))
    for _, batch in Preparation(means.astype(np.float32)).chunks(X, None, weights):
        deviations = (batch.inputs - means).reshape(len(batch.inputs), -1)
        if weights is not None:
            deviations *= np.sqrt(batch.weights)[:, np.newaxis]
        total += deviations.T @ deviations
    return total / max(len(X) - 1, 1)


def _without_context(covariance, is_context):
    """What the context leaves of the covariance of the other cells.

    Also the coefficients of the regression on it, and the variance of the other cells.
    """
    others = covariance[np.ix_(~is_context, ~is_context)]
    shared = covariance[np.ix_(is_context, ~is_context)]
    own = covariance[np.ix_(is_context, is_context)]
    scale = np.sqrt(np.diag(own))
    scale = np.where(scale > 0, scale, 1)[:, np.newaxis]
    variances, axes = np.linalg.eigh(own / (scale * scale.T))
    variances, axes = np.maximum(variances[::-1], 0), axes.T[::-1]
    code, effects = context_effects(axes, variances, axes @ (shared / scale))
    coef = code @ effects / scale
    left = others - coef.T @ shared - shared.T @ coef + coef.T @ own @ coef
    return left, coef, np.trace(others)


def _n_components(n_components, variances, n_samples, total):
    """Number of components that the parameter asks for, as PCA understands it.

    Of the ``total`` variance that is to be kept in part, a context may explain some.
    """
    largest = min(n_samples, len(variances))
    if total <= 0 and not isinstance(n_components, Integral):
        return 1
    if n_components is None:
        return largest
    if isinstance(n_components, Integral):
        return min(n_components, largest)
    explained = max(total - variances.sum(), 0)
    shares = (explained + np.cumsum(variances)) / max(total, np.finfo(float).tiny)
    # Were all kept, any sequence would be reconstructed: a part is always left out.
    largest = min(largest, max(len(variances) - 1, 1))
    return min(np.searchsorted(shares, n_components, side="right") + 1, largest)


@with_docs
class PCAAutoencoder(
    LatentVectorsMixin,
    LatentDecoderMixin,
    ReconstructionMixin,
    OutlierMixin,
    CallbackSupportMixin,
    DocumentationLinkMixin,
    BaseEstimator,
):
    """Linear autoencoder: principal components of the flattened windows.

    The baseline that a recurrent autoencoder has to beat.

    Parameters
    ----------
    n_components : int, float or None, default=0.95
        Latent size, or the share of variance to keep, in (0, 1): what the context
        features explain is kept anyway, and counts. By a share, one component at least
        is left out. None keeps all.

    context_features : array-like of str, int or bool, default=None
        Names, indices or a mask of the features that explain and are not judged: set
        points, commands, modes, the weather. A regression on them comes first; the
        components are those of what it leaves over. None for none.

    error : {"mse", "mae", "standardized", "mahalanobis"}, default="mse"
        The error of a time step, as of :class:`LSTMAutoencoder`; what is usual is told
        by the training sequences.

    <SCORES>

    validation_fraction : float, default=0.1
        Share to hold out for ``offset_``. Windows that share rows with it are set
        aside. The components that are kept are those of all sequences.

    <VALIDATION>

    Attributes
    ----------
    components_ : ndarray of shape (`n_components_`, n_timesteps * n_features)
        Principal axes, of the features that are no context.

    context_coef_ : ndarray of shape (n_timesteps * n_context, n_timesteps * \
            n_features) or None
        What is added to the reconstruction for each unit of a cell of the context above
        its mean.

    mean_ : ndarray of shape (n_timesteps, n_features)
        Mean of the training sequences; stands for what is missing.

    explained_variance_ : ndarray of shape (`n_components_`,)
        Variance along each axis.

    n_components_ : int
        Latent size.

    <JUDGED>

    <HELD_OUT>

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

    Components follow the noise of few sequences. Where fewer than 30 are held out, or
    most of these are beyond what is normal to the training sequences and all together
    are fewer than twice the cells of one, ``offset_`` is told by all of them, each
    under the components of those that share no row with it or its neighbours.

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
        "context_features": CONTEXT_FEATURES,
        "error": [StrOptions({"mse", "mae", "standardized", "mahalanobis"})],
        "score_on": [StrOptions(SCORED_STEPS)],
        "contamination": CONTAMINATION_CONSTRAINTS,
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "validation": VALIDATION,
    }

    def __init__(
        self,
        n_components=0.95,
        *,
        context_features=None,
        error="mse",
        score_on="mean",
        contamination="auto",
        validation_fraction=0.1,
        validation="auto",
    ):
        self.n_components = n_components
        self.context_features = context_features
        self.error = error
        self.score_on = score_on
        self.contamination = contamination
        self.validation_fraction = validation_fraction
        self.validation = validation

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    @reports_fit
    def fit(self, X, y=None, sample_weight=None):
        """Find the principal components of the sequences.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences. NaN is padding or a missing value.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sequence in ``mean_`` and the components, of a window that of
            its last row; of weight 0 it is left out altogether. Their ratios count.
            What sets ``offset_`` counts all that are left alike. None for the same
            weight.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If the input is not valid, has not so many components, or cannot be held
            out of as ``validation`` says.

        Warns
        -----
        UserWarning
            If there are too few sequences to hold out a part for ``offset_``, or so
            many components are kept that any sequence is reconstructed.
        """
        X = check_sequences(self, X, reset=True)
        X, weights, _ = weighed(X, sample_weight)
        check_features(X)
        is_context = context_mask(self, X)
        self._check_n_components(X, is_context)
        choices = Choices(
            self.error,
            self.score_on,
            check_contamination(self.contamination, type(self).__name__),
            refit=True,
        )
        kept = self._fitted(choices, X, weights, is_context)
        parts = self._hold_out(choices, X)
        _warn_of_few_errors(kept.model, X, parts)
        offset = self._offset(choices, kept, X, weights, parts)
        model = kept.model
        self.mean_, self.components_ = model.mean, model.axes
        self.explained_variance_ = model.variances
        self.n_components_ = len(model.axes)
        self.is_context_, self.context_coef_ = is_context, model.coef
        self.error_rule_, self.score_on_ = kept.judge.rule, kept.judge.score_on
        self.validation_ = None if parts is None else parts.facts
        self.offset_ = offset.value
        return self

    def _check_n_components(self, X, is_context):
        n_judged = len(np.arange(X.shape[2])[judged_columns(is_context)])
        largest = min(len(X), X.shape[1] * n_judged)
        if isinstance(self.n_components, Integral) and self.n_components > largest:
            raise ValueError(
                f"The 'n_components' parameter is {self.n_components}, but must be at "
                f"most min(n_samples, n_timesteps * n_features) = {largest}."
            )

    def _hold_out(self, choices, X):
        """What ``offset_`` is judged on; None where nothing is held out."""
        if choices.contamination.of_all:
            return None
        try:
            return hold_out(X, self.validation_fraction, how=self.validation)
        except ValueError as error:
            if self.validation != "auto":
                raise
            warn(
                f"{error} So 'offset_' is set on the training sequences themselves, "
                "and more of later ones than are meant will count as outliers.",
            )
            return None

    def _fitted(self, choices, X, weights, is_context):
        model = _Components.of(X, self.n_components, is_context, weights)
        return Reconstructor.judged_on(model, X, choices)

    def _offset(self, choices, kept, X, weights, parts):
        """The offset that unseen sequences give, for the components of all."""
        if parts is None:
            return first_offset(choices, kept, X, None)

        def fit_part(rows):
            is_context = kept.model.is_context
            return self._fitted(choices, X[rows], taken(weights, rows), is_context)

        first, held_out = fit_part(parts.training), parts.held_out
        offset = first_offset(choices, first, X, held_out)
        offset = final_offset(choices, first, kept, offset, X, parts.training)
        return settled_offset(choices, kept, X, held_out, offset, fit_part)

    @property
    def _model(self):
        return _Components(
            self.mean_,
            self.components_,
            self.explained_variance_,
            self.is_context_,
            self.context_coef_,
        )

    def _reconstructions(self, X):
        return self._model.outputs(X)

    def _encode(self, X):
        model, latent = self._model, np.empty((len(X), self.n_components_), np.float32)
        for rows, batch in model.chunks(X):
            latent[rows] = model.encode(batch)
        return latent

    def _decode(self, latent, context):
        model = self._model
        return model.decode(latent, model.explained(context))

    @property
    def _context_means(self):
        return self.mean_[:, self.is_context_]

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")


def _warn_of_few_errors(model, X, parts):
    """Warn where errors are rounding, or hardly any tells what is usual."""
    n_cells, n = model.axes.shape[1], model.n_varying
    if n == n_cells:
        fewer = f"'n_components' below {n}" if n > 1 else "longer windows"
        warn(
            f"The components that are kept, {n}, are as many as a sequence has cells: "
            "any sequence is reconstructed, and what its error tells is rounding. "
            f"Choose {fewer}."
        )
    elif n and parts is not None and len(X) < n_cells:
        if len(parts.held_out) < _FEW:
            warn(
                f"{len(X)} sequences of {n_cells} cells each are too few to tell what "
                "errors are usual: 'offset_' is set on each of them, left out in turn, "
                "and may be off. Give more, or shorter windows."
            )
