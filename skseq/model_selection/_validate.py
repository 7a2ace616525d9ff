# SPDX-License-Identifier: BSD-3-Clause
"""Cross-validation that reports what the training and the test windows share."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils import indexable

from .._sklearn import _num_samples
from .._validation import is_number, is_windows, named_errors
from .._warnings import warn
from ..rows._overlap import WindowOverlapWarning, shared_rows
from ..rows._series import group_order
from ._split import SeriesTimeSplit


def cross_validate_windows(
    estimator, X, y=None, *, groups=None, cv=None, warn_on_overlap=True, **params
):
    """Cross-validate, and report the rows that train and test windows share.

    Overlapping windows in both parts let a model recognise what it was trained on: its
    scores are then those of memory. It happens when a splitter that shuffles, or one
    without a gap, meets windows that were made before the split. This runs
    scikit-learn's :func:`~sklearn.model_selection.cross_validate` with time splits by
    default, counts such rows in every split, and warns.

    Parameters
    ----------
    estimator : estimator
        To fit on the training part of each split, and to score on its test part.

    X : Windows or array-like of length n_samples
        :class:`~skseq.Windows`, made before the split: what they share is known. Or
        rows in time order, for a pipeline that makes its windows within each part:
        these share no rows, but join rows that do not follow each other where the
        splitter took out what was between.

    y : array-like of shape (n_samples,), default=None
        Labels of the rows or windows.

    groups : array-like of shape (n_samples,), default=None
        Series of each row, for the splitter. None for a single series; of ``Windows``,
        :class:`SeriesTimeSplit` and :class:`PurgedKFold` know the series.

    cv : int, splitter or iterable, default=None
        A splitter, or (train, test) indices. An int is that number of splits of a
        :class:`SeriesTimeSplit`, with a gap of ``n_timesteps - 1`` between Windows.
        None for 5 of them.

    warn_on_overlap : bool, default=True
        Whether to warn with :class:`WindowOverlapWarning` of shared or joined rows.

    **params : dict
        Other parameters of :func:`~sklearn.model_selection.cross_validate`, such as
        ``scoring``, ``n_jobs`` or ``return_train_score``.

    Returns
    -------
    results : dict of ndarray of shape (n_splits,)
        As of :func:`~sklearn.model_selection.cross_validate`, and

        - ``shared_rows``: number of rows that stand in training windows and in test
          windows (in the training and the test part, where ``X`` is rows);
        - ``joined_rows``: number of rows, in both parts, that do not follow in their
          series the row that comes before them in the part. 0 where ``X`` is Windows.

    See Also
    --------
    SeriesTimeSplit : Past against future, with a gap.
    PurgedKFold : Contiguous folds, with a gap on both sides.

    Examples
    --------
    >>> from sklearn.model_selection import KFold
    >>> from skseq import PCAAutoencoder, SlidingWindow
    >>> from skseq.datasets import make_process_faults
    >>> from skseq.metrics import detector_average_precision
    >>> from skseq.model_selection import cross_validate_windows
    >>> X, y = make_process_faults(2_000, fault_rate=0.1, random_state=0)
    >>> windows = SlidingWindow(10, time="timestamp").fit_transform(X)
    >>> detector = PCAAutoencoder()
    >>> scoring = detector_average_precision
    >>> results = cross_validate_windows(detector, windows, y, cv=2, scoring=scoring)
    >>> results["shared_rows"]
    array([0, 0])
    >>> import warnings
    >>> shuffled = KFold(2, shuffle=True, random_state=0)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     results = cross_validate_windows(
    ...         detector, windows, y, cv=shuffled, scoring=scoring
    ...     )
    >>> results["shared_rows"]
    array([1995, 1995])
    >>> print(caught[0].message)
    Training windows hold up to 1995 rows that also stand in test windows: ...
    """
    with named_errors("X"):
        X, y, groups = indexable(X, y, groups)
    if cv is None or is_number(cv, Integral):
        gap = X.shape[1] - 1 if is_windows(X) else 0
        cv = SeriesTimeSplit(5 if cv is None else cv, gap=gap)
    with named_errors("cv"):
        cv = check_cv(cv)
    splits = list(cv.split(X, y, groups))
    if not splits:
        raise ValueError(f"'cv' gives no split. Got {cv!r}.")
    if is_windows(X):
        shared = [len(shared_rows(X[train], X[test])) for train, test in splits]
        joined = [0] * len(splits)
    else:
        shared = [len(np.intersect1d(train, test)) for train, test in splits]
        joined = _joined_rows(groups, _num_samples(X), splits)
    if warn_on_overlap:
        _warn_of(shared, joined, estimator)
    with warnings.catch_warnings():  # of what is reported here for all splits
        warnings.simplefilter("ignore", WindowOverlapWarning)
        results = cross_validate(estimator, X, y, cv=splits, **params)
    return {
        **results,
        "shared_rows": np.array(shared),
        "joined_rows": np.array(joined),
    }


def _joined_rows(groups, n_rows, splits):
    """Number of rows of each split that do not follow the row before them."""
    order, starts = group_order(groups, n_rows)
    position = np.empty(n_rows, dtype=int)
    position[order] = np.arange(n_rows)

    def count(part):
        rows = np.sort(position[part])
        series = np.searchsorted(starts, rows, side="right")
        return np.count_nonzero((np.diff(rows) > 1) & (np.diff(series) == 0))

    return [count(train) + count(test) for train, test in splits]


def _keeps_apart(estimator):
    """Tell whether a step of the estimator cuts windows where time jumps."""
    parameters = getattr(estimator, "get_params", dict)()
    return any(
        name.split("__")[-1] == "max_gap" and value is not None
        for name, value in parameters.items()
    )


def _warn_of(shared, joined, estimator):
    if any(shared):
        warn(
            f"Training windows hold up to {max(shared)} rows that also stand in test "
            "windows: the scores are in part those of memory. Use SeriesTimeSplit or "
            "PurgedKFold with gap=window_size - 1, and name the series of each row in "
            "'groups'.",
            WindowOverlapWarning,
        )
    if any(joined) and not _keeps_apart(estimator):
        warn(
            f"Up to {max(joined)} rows of a split do not follow the row before them: "
            "windows made of them join rows that are not neighbours. Use "
            "SeriesTimeSplit, make the windows before the split, or give SlidingWindow "
            "the parameters 'time' and 'max_gap'.",
            WindowOverlapWarning,
        )
