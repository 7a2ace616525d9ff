# SPDX-License-Identifier: BSD-3-Clause
"""Any transformer of rows, applied to every time step of sequences."""

import contextlib

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from .._sklearn import HasMethods, _check_feature_names_in, _fit_context
from .._validation import FLOATS, check_sequences, is_windows, n_dimensions
from ._output import SequenceTransformerMixin


def _has_inverse(estimator):
    """Raise the AttributeError of the transformer if it has no inverse."""
    transformer = getattr(estimator, "transformer_", estimator.transformer)
    return transformer.inverse_transform is not None


def _named(rows, names):
    """Rows as a frame where their features have names, without a copy."""
    return rows if names is None else pd.DataFrame(rows, columns=names, copy=False)


def _apply_to_rows(method, rows, names):
    out = method(_named(rows, names))
    out = out.toarray() if sparse.issparse(out) else out
    return check_array(out, dtype=FLOATS, ensure_all_finite=False)


def _observed_rows(X):
    """The rows of a 2-D or 3-D array that hold any value, and where these are."""
    observed = ~np.isnan(X).all(axis=-1)
    # A mask copies: not the table of windows that miss nothing.
    return X if X.ndim == 2 and observed.all() else X[observed], observed


def _map_rows(method, X, names, n_features_out):
    """Apply a method of a 2-D transformer to rows; those without a value stay NaN."""
    rows, observed = _observed_rows(X)
    out = np.empty((0, n_features_out), dtype=X.dtype)
    if len(rows):
        out = _apply_to_rows(method, rows, names)
    if rows is X:
        return out
    X_out = np.full((*observed.shape, out.shape[1]), np.nan, dtype=out.dtype)
    X_out[observed] = out
    return X_out


def _map_steps(method, X, names_in, names_out, n_features_out):
    """Apply a method of a 2-D transformer to the steps of Windows or of a 3-D array."""
    if not is_windows(X):
        return _map_rows(method, X, names_in, n_features_out)
    # Rows that no window refers to need not be fit for the transformer.
    X = X.compact()
    table = _map_rows(method, X.table, names_in, n_features_out)
    return X.with_table(table, feature_names=names_out)


def _like(X, out):
    """2-D output for 2-D input (univariate sequences)."""
    return out[:, :, 0] if n_dimensions(X) == 2 and out.shape[2] == 1 else out


class EachTimeStep(
    CallbackSupportMixin,
    SequenceTransformerMixin,
    DocumentationLinkMixin,
    BaseEstimator,
):
    """Apply a transformer of rows to every time step of sequences.

    A scaler, an imputer, a PCA: whatever works on ``(n_samples, n_features)``. It is
    fitted on all time steps that hold a value, and transforms these; a time step whose
    features are all NaN, padding or not, stays so. On :class:`Windows` it is fitted on
    the distinct rows that the windows refer to, once each, and transforms the table, so
    nothing is copied for each window and the result is still lazy.

    Parameters
    ----------
    transformer : transformer
        Any scikit-learn transformer of 2-D input. It is cloned.

    Attributes
    ----------
    transformer_ : transformer
        The fitted transformer.

    n_features_in_ : int
        Number of features of a time step; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    See Also
    --------
    SlidingWindow : Makes the windows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skseq import EachTimeStep, SlidingWindow
    >>> windows = SlidingWindow(2).fit_transform([[1.0], [2.0], [3.0]])
    >>> scaled = EachTimeStep(StandardScaler()).fit_transform(windows)
    >>> scaled
    Windows(shape=(3, 2, 1), table=(3, 1))
    >>> scaled[2].ravel().round(3)
    array([0.   , 1.225], dtype=float32)
    """

    _parameter_constraints: dict = {"transformer": [HasMethods(["fit", "transform"])]}

    def __init__(self, transformer):
        self.transformer = transformer

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=False)
    @reports_fit
    def fit(self, X, y=None):
        """Fit the transformer on the time steps.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences. NaN is padding or a missing value.

        y : Ignored
            Not used: a time step has no label of its own.

        Returns
        -------
        self : object
            Fitted transformer.
        """
        sequences = check_sequences(self, X, reset=True, dtype=FLOATS)
        names = None
        if is_windows(sequences):
            sequences = sequences.compact().table
            names = getattr(self, "feature_names_in_", None)
        rows, _ = _observed_rows(sequences)
        if not len(rows):
            raise ValueError("X holds nothing but padding: every time step is NaN.")
        transformer = clone(self.transformer).fit(_named(rows, names))
        # Sequences without a value are as wide as the others.
        self._n_features_out = _apply_to_rows(
            transformer.transform, rows[:1], names
        ).shape[1]
        self.transformer_ = transformer
        return self

    def transform(self, X):
        """Transform every time step that holds a value.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences of the same shape as in ``fit``.

        Returns
        -------
        X_out : Windows or ndarray of shape (n_samples, n_timesteps, n_features_out)
            Lazy where ``X`` is. Of the dtype that the transformer gives, which is given
            float32 where ``X`` is, and float64 otherwise. 2-D where ``X`` is and the
            transformer gives one feature.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False, dtype=FLOATS)
        names_in = names_out = None
        if is_windows(sequences) and hasattr(self, "feature_names_in_"):
            names_in = self.feature_names_in_
            # A pipeline has the method though a step of it may not.
            with contextlib.suppress(AttributeError):
                names_out = self.get_feature_names_out()
        out = _map_steps(
            self.transformer_.transform,
            sequences,
            names_in,
            names_out,
            self._n_features_out,
        )
        return _like(X, out)

    @available_if(_has_inverse)
    def inverse_transform(self, X):
        """Undo the transform of every time step.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features_out)

        Returns
        -------
        X_original : Windows or ndarray of shape (n_samples, n_timesteps, n_features)
        """
        check_is_fitted(self)
        # A clone remembers: the transformed sequences have a shape of their own.
        sequences = check_sequences(clone(self), X, reset=True, dtype=FLOATS)
        names = getattr(self, "feature_names_in_", None)
        out = _map_steps(
            self.transformer_.inverse_transform,
            sequences,
            None,
            names,
            self.sequence_shape_[1],
        )
        return _like(X, out)

    def get_feature_names_out(self, input_features=None):
        """Names of the features of a time step, as the transformer gives them.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        feature_names_out : ndarray of str
            Where ``fit`` saw a 2-D ``X``, whose columns are time steps, the input
            names.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if len(names) != self.sequence_shape_[1]:
            return names
        return self.transformer_.get_feature_names_out(names)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
