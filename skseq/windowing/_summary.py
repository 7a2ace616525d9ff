# SPDX-License-Identifier: BSD-3-Clause
"""WindowSummary: a few numbers for each feature of a window."""

from functools import cached_property, reduce

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from .._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from .._sklearn import _check_feature_names_in, _fit_context
from .._validation import check_sequences
from ._output import windows_frame

# Cells that are gathered at a time: some arrays of 2 MB, which a cache holds.
_CELLS = 2**18


class _Observed:
    """The observed cells of some windows, and what several statistics need of them.

    Arrays have the steps first, and are 0 where nothing was observed. Sums add one step
    after the other, in float64: so the numbers of a window are the same in any company.
    """

    def __init__(self, windows):
        steps_first = np.asarray(windows, dtype=np.float64).transpose(1, 0, 2)
        self.seen = ~np.isnan(steps_first)
        self.cells = np.where(self.seen, steps_first, 0)
        self.count = self.seen.sum(axis=0)

    def mean_of(self, values):
        """Mean over the observed steps of values that are 0 at all others."""
        return reduce(np.add, values) / np.maximum(self.count, 1)

    @cached_property
    def mean(self):
        return self.mean_of(self.cells)

    @cached_property
    def deviations(self):
        return (self.cells - self.mean) * self.seen


def _last(observed):
    # argmax finds the first of the steps from the end that were observed.
    last = len(observed.seen) - 1 - observed.seen[::-1].argmax(axis=0)
    return np.take_along_axis(observed.cells, last[np.newaxis], axis=0)[0]


def _mean(observed):
    return observed.mean


def _std(observed):
    return np.sqrt(observed.mean_of(observed.deviations**2))


def _slope(observed):
    steps = np.arange(len(observed.seen), dtype=np.float64)[:, np.newaxis, np.newaxis]
    steps = (steps - observed.mean_of(steps * observed.seen)) * observed.seen
    spread = observed.mean_of(steps**2)
    together = observed.mean_of(steps * observed.deviations)
    return together / np.where(spread > 0, spread, 1)  # 0 of a single step


def _min(observed):
    return np.where(observed.seen, observed.cells, np.inf).min(axis=0)


def _max(observed):
    return np.where(observed.seen, observed.cells, -np.inf).max(axis=0)


_STATISTICS = {
    "last": _last,
    "mean": _mean,
    "std": _std,
    "slope": _slope,
    "min": _min,
    "max": _max,
}
NAMES = [*_STATISTICS]


def summarised(windows, statistics):
    """Array in float32 of shape (n_windows, n_features, n_statistics)."""
    observed = _Observed(windows)
    summary = np.empty((*observed.count.shape, len(statistics)), dtype=np.float32)
    for k, name in enumerate(statistics):
        summary[:, :, k] = _STATISTICS[name](observed)
    summary[observed.count == 0] = np.nan
    return summary


def check_statistics(statistics):
    """The names of statistics as a tuple, or a ValueError."""
    known = [s for s in statistics if isinstance(s, str) and s in _STATISTICS]
    if not known or len(set(known)) < len(statistics):
        raise ValueError(
            "The 'statistics' parameter of WindowSummary must hold one or more of "
            f"{list(_STATISTICS)}, each once. Got {statistics!r} instead."
        )
    return tuple(known)


class WindowSummary(
    CallbackSupportMixin, TransformerMixin, DocumentationLinkMixin, BaseEstimator
):
    """Sum up each window in a few numbers for each feature.

    What a classifier that knows nothing of time needs of a window: where each feature
    stands, and where it has come from. The result is a table, whose width does not grow
    with the window, for any estimator of scikit-learn.

    Parameters
    ----------
    statistics : tuple of str, default=("last", "mean", "std", "slope")
        What is told of each feature, in this order, over the steps at which it was
        observed:

        - "last": its last value;
        - "mean", "min", "max";
        - "std": the standard deviation around the mean (of the window itself, so
          divided by the number of steps);
        - "slope": of the straight line of least squares, in units of the feature by
          step.

    Attributes
    ----------
    statistics_ : tuple of str
        The ``statistics``.

    n_features_in_ : int
        Number of features of a time step; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    Raises
    ------
    ValueError
        If ``statistics`` is empty, or holds another name or one of them twice.

    See Also
    --------
    SlidingWindow : Makes the windows.
    EachTimeStep : Applies a transformer to each row of the windows instead.

    Notes
    -----
    Padding and missing values (NaN) are left out. Of a feature that was observed once
    in a window, "std" and "slope" are 0; of one that never was, every number is NaN.
    :class:`~sklearn.ensemble.HistGradientBoostingClassifier` takes that as it is,
    others need a :class:`~sklearn.impute.SimpleImputer` between.

    Windows are gathered a bounded number at a time: besides the result, memory does
    not grow with their number.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skseq import SlidingWindow, WindowSummary
    >>> flow = [[1.0], [2.0], [4.0], [3.0]]
    >>> summary = make_pipeline(SlidingWindow(3), WindowSummary())
    >>> summary.fit_transform(flow).round(2)
    array([[1.  , 1.  , 0.  , 0.  ],
           [2.  , 1.5 , 0.5 , 1.  ],
           [4.  , 2.33, 1.25, 1.5 ],
           [3.  , 3.  , 0.82, 0.5 ]], dtype=float32)
    >>> summary.get_feature_names_out(["flow"]).tolist()
    ['flow_last', 'flow_mean', 'flow_std', 'flow_slope']
    >>> clf = make_pipeline(summary, LogisticRegression()).fit(flow, [0, 0, 1, 1])
    >>> clf.predict([[1.0], [2.0], [4.0]])
    array([0, 0, 1])
    """

    _parameter_constraints: dict = {"statistics": [tuple, list]}

    def __init__(self, statistics=("last", "mean", "std", "slope")):
        self.statistics = statistics

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    @reports_fit
    def fit(self, X, y=None):
        """Remember the shape and the names of the features.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences. NaN is padding or a missing value.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            Fitted transformer.
        """
        statistics = check_statistics(self.statistics)
        check_sequences(self, X, reset=True)
        self.statistics_ = statistics
        return self

    def transform(self, X):
        """Sum up each window.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences of the same shape as in ``fit``.

        Returns
        -------
        summary : ndarray of shape (n_samples, n_features * n_statistics), float32
            The statistics of the first feature, then those of the next. A frame, with
            the index of the windows, where ``set_output`` asks for one.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        n_timesteps, n_features = self.sequence_shape_
        shape = len(sequences), n_features, len(self.statistics_)
        summary = np.empty(shape, dtype=np.float32)
        size = max(_CELLS // (n_timesteps * n_features), 1)
        for rows in gen_batches(len(sequences), size):
            windows = np.asarray(sequences[rows])
            summary[rows] = summarised(windows, self.statistics_)
        return windows_frame(self, summary.reshape(len(sequences), -1), X)

    def get_feature_names_out(self, input_features=None):
        """Names of the columns: of the feature, an underscore, of the statistic.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        feature_names_out : ndarray of str
            Where ``fit`` saw a 2-D ``X``, whose columns are time steps, those of one
            feature named "x0".
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if len(names) != self.sequence_shape_[1]:
            names = ["x0"]
        return np.asarray(
            [f"{name}_{s}" for name in names for s in self.statistics_], dtype=object
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
