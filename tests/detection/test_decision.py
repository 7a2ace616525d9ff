# SPDX-License-Identifier: BSD-3-Clause
"""Which selections of windows a RareEventClassifier warns of."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import (
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)

from skseq import RareEventClassifier, SlidingWindow, early_warning_labels
from skseq.model_selection import PurgedKFold, SeriesTimeSplit, WindowOverlapWarning

# Some of the selections hold no event out.
pytestmark = pytest.mark.filterwarnings("ignore:The part held out for the threshold")


class LastValue(BaseEstimator):
    """Scores a window by its last value."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def score_samples(self, X):
        return -X[:, -1]


def make_windows(n_samples=2000):
    """Windows of 4 rows, with an event of one row every 40 rows."""
    X = np.random.default_rng(0).normal(size=(n_samples, 2))
    y = np.arange(n_samples) % 40 == 25
    X[y] += 6
    return SlidingWindow(4).fit_transform(X), y.astype(int)


def shuffled_parts():
    for n_splits in (2, 5, 10, 20):
        yield next(KFold(n_splits, shuffle=True, random_state=0).split(range(2000)))[0]
    for train_size in (0.1, 0.5, 0.9):
        cv = ShuffleSplit(1, train_size=train_size, random_state=0)
        yield next(cv.split(range(2000)))[0]


@pytest.mark.parametrize("part", list(shuffled_parts()))
def test_windows_of_a_shuffled_split_warn_of_the_overlap(part):
    X, y = make_windows()
    clf = RareEventClassifier(LastValue(), fit_on="all")
    with pytest.warns(WindowOverlapWarning, match="SeriesTimeSplit or PurgedKFold"):
        clf.fit(X[part], y[part])


def test_cross_validation_with_a_shuffled_split_warns_of_the_overlap():
    X, y = make_windows()
    with pytest.warns(WindowOverlapWarning, match="In [0-9]+ places"):
        cross_val_score(
            RareEventClassifier(LastValue()),
            X,
            y,
            cv=StratifiedKFold(5, shuffle=True, random_state=0),
        )


def test_warning_of_the_overlap_can_be_turned_off():
    X, y = make_windows()
    clf = RareEventClassifier(LastValue(), fit_on="all", warn_on_overlap=False)
    for part in shuffled_parts():
        with warnings.catch_warnings():
            warnings.simplefilter("error", WindowOverlapWarning)
            clf.fit(X[part], y[part])


def honest_parts():
    """Selections of 2000 windows of 4 rows, with an event of one row in 40."""
    _, y = make_windows()
    rows = np.arange(2000)
    _, keep = early_warning_labels(y, horizon=3)
    yield "all", rows
    yield "events left out but one in ten", rows[(y == 0) | (rows % 400 == 25)]
    yield "rows of events left out", rows[keep | (rows > 1990)]
    yield "every second", rows[::2]
    yield "every tenth, then every row", np.append(rows[:1500:10], rows[1500:])
    yield "between two dates", rows[300:1800]
    yield "one hole", np.delete(rows, slice(700, 900))
    yield "a few bad windows", np.delete(rows, slice(100, 2000, 99))
    for cv in (PurgedKFold(5, gap=3), SeriesTimeSplit(3, gap=3), StratifiedKFold(5)):
        yield f"{cv}", [train for train, _ in cv.split(rows, y)][-2]


@pytest.mark.parametrize(
    "part", [pytest.param(part, id=name) for name, part in honest_parts()]
)
def test_honest_selections_of_windows_do_not_warn_of_an_overlap(part):
    X, y = make_windows()
    y[-6:-2] = 1  # whatever is left out, some are left
    with warnings.catch_warnings():
        warnings.simplefilter("error", WindowOverlapWarning)
        # Of a rule that events that are noise, as here, do not disturb.
        clf = RareEventClassifier(
            LastValue(), fit_on="all", threshold=("quantile", 0.99)
        ).fit(X[part], y[part])
    assert hasattr(clf, "threshold_")


def test_arrays_and_few_windows_do_not_warn_of_an_overlap():
    X, y = make_windows(200)
    shuffled = next(KFold(5, shuffle=True, random_state=0).split(X))[0]
    clf = RareEventClassifier(LastValue())
    clf.fit(np.asarray(X)[shuffled], y[shuffled])
    with warnings.catch_warnings():
        warnings.simplefilter("error", WindowOverlapWarning)
        clf.fit(X[20:60], y[20:60])
