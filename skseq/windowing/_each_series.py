# SPDX-License-Identifier: BSD-3-Clause
"""Any transformer of rows, fitted to each series by itself."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from .._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from .._sklearn import HasMethods, Interval, StrOptions, _fit_context
from .._validation import check_sequences, is_windows
from ..rows._series import names_index
from ._output import SequenceTransformerMixin
from ._steps import EachTimeStep, _apply_to_rows, _map_rows, _named, _observed_rows

UNSEEN = ("pooled", "first_rows", "error")
_UNKNOWN = -1  # what an index says of a name that it does not hold


class EachSeries(
    CallbackSupportMixin,
    SequenceTransformerMixin,
    DocumentationLinkMixin,
    BaseEstimator,
):
    """Apply a transformer of rows to every time step, fitted to each series by itself.

    For a fleet of machines with levels of their own: a scaler that is fitted on the
    rows of one machine moves all of them to one level. It knows the series of
    :class:`Windows` by the names that ``group_by`` of :class:`SlidingWindow` gives
    them, and is fitted on the distinct rows that the windows of each refer to.

    Parameters
    ----------
    transformer : transformer
        Any scikit-learn transformer of 2-D input. It is cloned.

    min_rows : int, default=100
        Rows with a value that a series must have for a transformer of its own. One that
        has fewer in ``fit`` gets that of all rows.

    unseen : {"pooled", "first_rows", "error"}, default="pooled"
        What a series gets in ``transform`` that had no row in ``fit``:

        - ``"pooled"``: the transformer that was fitted on all rows;
        - ``"first_rows"``: that one for its first ``min_rows`` rows with a value, and
          then its own, fitted on these. A window that holds rows of both has a step
          where they meet. The first rows are those that the given windows refer to;
        - ``"error"``: an error that names it.

    Attributes
    ----------
    pooled_ : EachTimeStep
        The transformer of all rows.

    transformers_ : list of transformer or None
        Those of the series of ``series_names_``; None of a series that had less than
        ``min_rows`` rows.

    series_names_ : tuple of ndarray of shape (n_series,)
        Names of the series of ``X``: an array for each column of ``group_by``. Empty
        where it named none.

    n_features_in_ : int
        Number of features of a time step; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    See Also
    --------
    EachTimeStep : The same transformer for all series.

    Notes
    -----
    Arrays name no series, nor do windows without ``group_by``: they are transformed as
    by :class:`EachTimeStep`. The result is as lazy as the input. In a
    stream this step must come right after :class:`SlidingWindow`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skseq import EachSeries, SlidingWindow
    >>> frame = pd.DataFrame({"pump": ["a", "b"] * 3, "flow": [1, 100, 2, 200, 3, 300]})
    >>> windows = SlidingWindow(1, group_by="pump").fit_transform(frame)
    >>> scaled = EachSeries(StandardScaler(), min_rows=3).fit_transform(windows)
    >>> scaled[:, ...]
    Windows(shape=(6, 1, 1), table=(6, 1))
    >>> scaled[4].item() == scaled[5].item()
    True
    """

    _parameter_constraints: dict = {
        "transformer": [HasMethods(["fit", "transform"])],
        "min_rows": [Interval(Integral, 1, None, closed="left")],
        "unseen": [StrOptions(set(UNSEEN))],
    }

    def __init__(self, transformer, *, min_rows=100, unseen="pooled"):
        self.transformer = transformer
        self.min_rows = min_rows
        self.unseen = unseen

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=False)
    @reports_fit
    def fit(self, X, y=None):
        """Fit the transformer on all rows, and on those of each series.

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
        sequences = check_sequences(self, X, reset=True)
        # What is set afterwards changes nothing.
        self.pooled_ = EachTimeStep(clone(self.transformer)).fit(X)
        self._min_rows, self._unseen = self.min_rows, self.unseen
        self.series_names_, self.transformers_ = (), []
        if _names_series(sequences):
            windows = sequences.compact()
            self.series_names_ = windows.series_names
            names = names_index(windows.series_names)
            pairs = zip(names, _rows_of_series(windows), strict=True)
            self.transformers_ = [self._fit_one(name, rows) for name, rows in pairs]
        return self

    def _fit_one(self, name, rows):
        """The transformer of one series; None where it has too few rows."""
        rows, _ = _observed_rows(rows)
        if len(rows) < self._min_rows:
            return None
        columns, n_out = self._columns, self.pooled_._n_features_out
        transformer = clone(self.pooled_.transformer).fit(_named(rows, columns))
        width = _apply_to_rows(transformer.transform, rows[:1], columns).shape[1]
        if width != n_out:
            raise ValueError(
                f"The transformer of the series {name!r} gives {width} features, that "
                f"of all rows {n_out}. Choose one that gives a number of features that "
                "does not depend on the rows."
            )
        return transformer

    @property
    def _columns(self):
        return getattr(self, "feature_names_in_", None)

    def transform(self, X):
        """Transform every time step that holds a value, by the series it is of.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences of the same shape as in ``fit``.

        Returns
        -------
        X_out : Windows or ndarray of shape (n_samples, n_timesteps, n_features_out)
            Lazy where ``X`` is.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        if not _names_series(sequences):
            if len(self.series_names_):
                first = names_index(self.series_names_)[0]
                raise ValueError(
                    f"X names no series, but EachSeries was fitted on windows that do, "
                    f"such as {first!r}. Give it the Windows that SlidingWindow makes "
                    "with 'group_by'."
                )
            return self.pooled_.transform(X)
        windows = sequences.compact()
        names = names_index(windows.series_names)
        which = self._which(names)
        table = np.empty((len(windows.table), self.pooled_._n_features_out), np.float32)
        starts, parts = windows.series_starts, _rows_of_series(windows)
        for start, rows, k, name in zip(starts, parts, which, names, strict=True):
            table[start : start + len(rows)] = self._transform_one(rows, k, name)
        features = None
        if self._columns is not None:
            features = self.pooled_.get_feature_names_out()
        return windows.with_table(table, feature_names=features)

    def _which(self, names):
        """Number of each series in ``fit``, ``_UNKNOWN`` of a new one."""
        if not self.series_names_:
            which, known = np.full(len(names), _UNKNOWN), {}
        else:
            index = names_index(self.series_names_)
            which, known = index.get_indexer(names), {str(name): name for name in index}
        self._check_unseen(names[which == _UNKNOWN], known)
        return which

    def _check_unseen(self, unseen, known):
        for name in unseen:
            if str(name) in known:
                raise ValueError(
                    f"The series {name!r} is not {known[str(name)]!r}, which "
                    "EachSeries was fitted on. Give the column the dtype that it had "
                    "in fit."
                )
        if self._unseen == "error" and len(unseen):
            raise ValueError(
                f"EachSeries was not fitted on the series {unseen[0]!r}. With "
                "unseen='pooled' it gets the transformer of all rows."
            )

    def _transform_one(self, rows, k, name):
        """The rows of one series, by the transformer that it has or gets."""
        if k != _UNKNOWN and self.transformers_[k] is not None:
            return self._apply(self.transformers_[k], rows)
        out = self._apply(self.pooled_.transformer_, rows)
        observed = np.flatnonzero(~np.isnan(rows).all(axis=1))
        is_new = k == _UNKNOWN and self._unseen == "first_rows"
        if is_new and len(observed) > self._min_rows:
            later = observed[self._min_rows]
            own = self._fit_one(name, rows[:later])
            out[later:] = self._apply(own, rows[later:])
        return out

    def _apply(self, transformer, rows):
        n_out = self.pooled_._n_features_out
        return _map_rows(transformer.transform, rows, self._columns, n_out)

    def get_feature_names_out(self, input_features=None):
        """Names of the features of a time step, as the transformer gives them.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        feature_names_out : ndarray of str
        """
        check_is_fitted(self)
        return self.pooled_.get_feature_names_out(input_features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _names_series(sequences):
    return is_windows(sequences) and len(sequences.series_names) > 0


def _rows_of_series(windows):
    return np.split(windows.table, windows.series_starts[1:])
