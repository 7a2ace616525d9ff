# SPDX-License-Identifier: BSD-3-Clause
"""A word, in ``fit``, on what spoils a model."""

import numpy as np

from .._validation import is_windows
from .._warnings import warn_once
from ._sensors import LEAK, OTHER_UNIT, is_counter

_MAX_ROWS = 2000  # that are looked at; a counter is then checked in all
_MIN_ROWS = 50  # fewer may rise by chance


def check_features(X, *, units=True, y=None):
    """Warn of features in another unit, of counters, and of one that is the label.

    It looks at some of the rows, and tells nothing new about what is ordinary: features
    of one scale that go up and down.

    Parameters
    ----------
    X : Windows or ndarray of shape (n_samples, n_timesteps, n_features)

    units : bool, default=True
        Whether the estimator is led by features of a large scale.

    y : ndarray of shape (n_samples,), default=None
        Labels of two classes, of windows.

    Raises
    ------
    ValueError
        If no cell is observed at all: there is nothing to learn from.
    """
    if np.isnan(np.fmax.reduce(X.table if is_windows(X) else X, axis=None)):
        raise ValueError(
            "There is nothing to learn from: no sequence of X has an observed cell, "
            "all are NaN. Give rows with data."
        )
    if len(X) < _MIN_ROWS or X.shape[2] < 2:
        return
    chosen = np.linspace(0, len(X) - 1, min(len(X), _MAX_ROWS)).astype(int)
    rows = _last_rows(X, chosen)
    names = getattr(X, "feature_names", None) or range(X.shape[2])
    if units:
        _warn_of_units(rows, names)
    if not is_windows(X):
        return  # of an array it is not known how its sequences follow each other
    _warn_of_counters(X, chosen, names)
    if y is not None:
        _warn_of_labels(rows, np.asarray(y, dtype=float)[chosen], names)


def _last_rows(X, chosen):
    if is_windows(X):
        return X.table[X.ends[chosen]]
    return X[chosen, -1]


def _warn_of_units(rows, names):
    observed = ~np.isnan(rows).all(axis=0)
    spread = np.zeros(rows.shape[1])
    spread[observed] = np.nanstd(rows[:, observed].astype(np.float64), axis=0)
    varying = np.flatnonzero(spread > 0)
    if len(varying) < 2:
        return
    largest = varying[np.argmax(spread[varying])]
    rest = np.median(np.delete(spread, largest)[np.delete(spread, largest) > 0])
    if spread[largest] >= OTHER_UNIT * rest:
        warn_once(
            f"The features differ in scale: {names[largest]!r} varies more than "
            f"{OTHER_UNIT:,.0f} times as much as others, whose events it hides. Scale "
            "them, with EachTimeStep(StandardScaler()) after SlidingWindow."
        )


def _warn_of_counters(X, chosen, names):
    ends, series = X.ends, X.series
    few, order = chosen[np.argsort(ends[chosen], kind="stable")], None
    counters = []
    for k, values in enumerate(X.table.T):
        if not is_counter(values[ends[few]], series[few]):
            continue
        order = np.argsort(ends, kind="stable") if order is None else order
        if is_counter(values[ends[order]], series[order]):
            counters.append(str(names[k]))
    if counters:
        s = "s" * (len(counters) == 1)
        warn_once(
            f"{_features(counters)} only rise{s} or only fall{s} within a series, as a "
            "counter of rows or hours does: what comes later lies outside of all that "
            "is learned. Drop it, or take its differences."
        )


def _warn_of_labels(rows, y, names):
    if not y.any() or y.all():
        return
    leaks = []
    for k, values in enumerate(rows.T.astype(np.float64)):
        seen = ~np.isnan(values)
        # Of many values, a sensor may well follow the events: that is what it is for.
        if len(np.unique(values[seen])) != 2 or not y[seen].std():
            continue
        if abs(np.corrcoef(values[seen], y[seen])[0, 1]) >= LEAK:
            leaks.append(str(names[k]))
    if leaks:
        warn_once(
            f"{_features(leaks)} agree{'s' * (len(leaks) == 1)} with the labels: are "
            "the labels among the features? Drop what is not known when it is to be "
            "told."
        )


def _features(names):
    listed = ", ".join(repr(name) for name in names)
    return f"The feature{'s' * (len(names) > 1)} {listed}"
