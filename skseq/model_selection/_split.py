# SPDX-License-Identifier: BSD-3-Clause
"""Splitters that keep the rows of each series in time order."""

from abc import abstractmethod
from numbers import Integral

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import indexable

from .._sklearn import GroupsConsumerMixin, _num_samples
from .._validation import is_number, is_windows, named_errors
from ..rows._series import group_order


def _check_integer(splitter, name, low, *, or_none=False):
    value = getattr(splitter, name)
    is_integer = is_number(value, Integral) and not isinstance(value, bool)
    if (is_integer and value >= low) or (or_none and value is None):
        return
    none = " or None" if or_none else ""
    raise ValueError(
        f"The {name!r} parameter of {type(splitter).__name__} must be an int in the "
        f"range [{low}, inf){none}. Got {value!r} instead."
    )


class _SeriesSplitter(GroupsConsumerMixin, BaseCrossValidator):
    """Base of splitters that treat each series alike."""

    def split(self, X, y=None, groups=None):
        """Generate indices of the training and the test part of each split.

        Parameters
        ----------
        X : array-like or Windows of length n_samples
            Rows or windows, those of a series in time order.

        y : array-like of shape (n_samples,), default=None
            Ignored, present for API consistency by convention.

        groups : array-like of shape (n_samples,), default=None
            Series of each row. None for the series of a :class:`~skseq.Windows`, and
            for a single series otherwise.

        Yields
        ------
        train : ndarray of int
            Increasing.

        test : ndarray of int
            Increasing.
        """
        self._check_parameters()
        with named_errors("X"):
            X, y, groups = indexable(X, y, groups)
        if groups is None and is_windows(X):
            groups = X.series
        order, starts = group_order(groups, _num_samples(X))
        series = np.split(order, starts[1:])
        for train, test in self._split_series(series):
            yield np.sort(train), np.sort(test)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of splits.

        Parameters
        ----------
        X, y, groups : object
            Ignored, present for API consistency by convention.

        Returns
        -------
        n_splits : int
        """
        return self.n_splits

    def _check_parameters(self):
        _check_integer(self, "n_splits", 2)
        _check_integer(self, "gap", 0)

    @abstractmethod
    def _split_series(self, series):
        """Generate train and test rows, given a list of the rows of each series."""


class SeriesTimeSplit(_SeriesSplitter):
    """Train on the past of each series, test on its future.

    Each series is split as :class:`~sklearn.model_selection.TimeSeriesSplit` does:
    into ``n_splits`` test blocks of equal size at its end, each with all rows before
    it, but for a gap, as its training part. Split k joins the k-th parts of all series.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits, at least 2.

    gap : int, default=0
        Rows of a series left out between its training and its test part. With windows
        of ``window_size`` rows, ``window_size - 1`` keeps both parts from sharing rows.

    test_size : int, default=None
        Rows of each series in a test part. None for ``n_rows // (n_splits + 1)`` of
        each series.

    Raises
    ------
    ValueError
        If no series is long enough.

    See Also
    --------
    PurgedKFold : Every row is tested once, by models that know its future.
    sklearn.model_selection.TimeSeriesSplit : The same for a single series.

    Notes
    -----
    A series too short for all its splits, that is of no more than
    ``gap + n_splits * test_size`` rows, is trained on in every split and never tested.

    Past and future are those of a series: nothing is known about the time of a row
    against that of another series. Where series run side by side and share causes (the
    weather, a feed), take all rows as one series in time order, without groups.

    Rows are in training parts of several splits, and not all are tested: use
    :class:`PurgedKFold` with :func:`~sklearn.model_selection.cross_val_predict`.

    References
    ----------
    .. [1] C. Bergmeir, J. M. Benitez, "On the use of cross-validation for time series
       predictor evaluation", Information Sciences 191, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.model_selection import SeriesTimeSplit
    >>> groups = list("aaaaaabbbb")
    >>> cv = SeriesTimeSplit(n_splits=2, gap=1)
    >>> for train, test in cv.split(np.zeros(10), groups=groups):
    ...     print(train, test)
    [0 6] [2 3 8]
    [0 1 2 6 7] [4 5 9]
    """

    def __init__(self, n_splits=5, *, gap=0, test_size=None):
        self.n_splits = n_splits
        self.gap = gap
        self.test_size = test_size

    def _check_parameters(self):
        super()._check_parameters()
        _check_integer(self, "test_size", 1, or_none=True)

    def _test_size(self, n_rows):
        return self.test_size or n_rows // (self.n_splits + 1)

    def _is_long(self, n_rows):
        size = self._test_size(n_rows)
        return size > 0 and n_rows > self.gap + self.n_splits * size

    def _split_series(self, series):
        if not any(self._is_long(len(rows)) for rows in series):
            self._raise_too_short(max(map(len, series)))
        for k in range(self.n_splits, 0, -1):
            train, test = [], []
            for rows in series:
                if not self._is_long(len(rows)):
                    train.append(rows)
                    continue
                size = self._test_size(len(rows))
                start = len(rows) - k * size
                train.append(rows[: start - self.gap])
                test.append(rows[start : start + size])
            yield np.concatenate(train), np.concatenate(test)

    def _raise_too_short(self, longest):
        size = self.test_size or "n_rows // (n_splits + 1)"
        raise ValueError(
            f"SeriesTimeSplit needs a series of more than gap={self.gap} + n_splits="
            f"{self.n_splits} * test_size={size} rows, and at least n_splits + 1 = "
            f"{self.n_splits + 1}. The longest has {longest} row(s). Lower n_splits, "
            "gap or test_size, or give longer series."
        )


class PurgedKFold(_SeriesSplitter):
    """Contiguous folds of each series, with a gap on both sides of the test fold.

    Every row is tested once. The training part is all other folds, of the past and of
    the future, without the ``gap`` rows of the same series before and after the test
    fold [1]_.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.

    gap : int, default=0
        Rows left out of the training part on each side of the test fold. With windows
        of ``window_size`` rows, ``window_size - 1`` keeps both parts from sharing rows.

    Raises
    ------
    ValueError
        If there are fewer rows than folds, or the gaps leave nothing to train on.

    See Also
    --------
    SeriesTimeSplit : Trains on the past only, as in use.
    sklearn.model_selection.KFold : The same without gap, for a single series.

    Notes
    -----
    A series of fewer rows than folds gives a row to some of them. Rows that do not
    divide evenly go to the folds in turn, from series to series, so that the folds are
    of equal size but for one row.

    Models know the future of the rows they are tested on: fit for a process that does
    not drift, and optimistic for one that does.

    Windows that a pipeline makes of the training *rows* reach across the gap where the
    test fold was. Split a :class:`~skseq.Windows`, or give
    :class:`~skseq.SlidingWindow` the parameters ``time`` and ``max_gap``.

    References
    ----------
    .. [1] M. Lopez de Prado, "Advances in Financial Machine Learning", chapter 7,
       Wiley, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq.model_selection import PurgedKFold
    >>> for train, test in PurgedKFold(n_splits=3, gap=1).split(np.zeros(9)):
    ...     print(train, test)
    [4 5 6 7 8] [0 1 2]
    [0 1 7 8] [3 4 5]
    [0 1 2 3 4] [6 7 8]
    """

    def __init__(self, n_splits=5, *, gap=0):
        self.n_splits = n_splits
        self.gap = gap

    def _fold_bounds(self, series):
        """First row of each fold of each series, and the row after its last."""
        taken = 0
        for rows in series:
            size, rest = divmod(len(rows), self.n_splits)
            sizes = np.full(self.n_splits, size)
            sizes[(taken + np.arange(rest)) % self.n_splits] += 1
            taken += rest
            yield np.append(0, np.cumsum(sizes))

    def _split_series(self, series):
        n_rows = sum(map(len, series))
        if n_rows < self.n_splits:
            raise ValueError(
                f"PurgedKFold cannot make n_splits={self.n_splits} folds of {n_rows} "
                "row(s). Lower n_splits."
            )
        bounds = list(self._fold_bounds(series))
        for k in range(self.n_splits):
            train, test = [], []
            for rows, bound in zip(series, bounds, strict=True):
                start, stop = bound[k : k + 2]
                gap = self.gap if stop > start else 0
                train += [rows[: max(start - gap, 0)], rows[stop + gap :]]
                test.append(rows[start:stop])
            train, test = np.concatenate(train), np.concatenate(test)
            if not len(train):
                raise ValueError(
                    f"PurgedKFold has no row left to train on in fold {k}: {len(test)} "
                    f"of {n_rows} rows are tested, and gap={self.gap} takes the rest. "
                    "Lower gap or n_splits, or give more rows."
                )
            yield train, test
