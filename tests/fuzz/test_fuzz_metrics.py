# SPDX-License-Identifier: BSD-3-Clause
"""Any labels, scores, series and times to the measures and the splitters."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import assert_same, attempt, is_refused
from sklearn.base import BaseEstimator
from sklearn.exceptions import UndefinedMetricWarning
from strategies import fuzzed, odd_arrays, odd_columns, odd_tables

from skseq import PCAAutoencoder, SlidingWindow, metrics, model_selection

N_ROWS = 8
MEASURES = [
    name
    for name in metrics.__all__
    if inspect.isfunction(getattr(metrics, name))
    and "y_true" in inspect.signature(getattr(metrics, name)).parameters
]
SCORED = {"vus_pr_score", "vus_roc_score"}
# NaN, with a warning: without an event found, or without a normal row.
UNDEFINED = {*SCORED, "detection_delay", "false_alarm_share"}
ALLOWED = [
    (UndefinedMetricWarning, ""),
    (metrics.PointAdjustmentWarning, ""),
    (UserWarning, "The number of unique classes is greater than 50%"),
    (UserWarning, "A single label was found"),
    (UserWarning, ".* rows were not judged"),
]
all_measures = pytest.mark.parametrize("name", MEASURES)
columns = odd_columns(N_ROWS)
labels = st.lists(st.sampled_from([0, 1]), min_size=N_ROWS, max_size=N_ROWS)
scores = st.lists(
    st.sampled_from([0.0, 1.0, -2.0, 1e300, -1e308, 5e-324]),
    min_size=N_ROWS,
    max_size=N_ROWS,
)
odd_options = st.sampled_from(
    [0, 1, 2, 0.5, -1, np.nan, np.inf, 1e300, "1h", "x", "", None, True, (), 10**30]
    + [np.timedelta64(3, "s"), np.float32(0.5), np.int8(1), b"warn", "warn", "nan"]
)


def figures_of(outcome):
    return np.asarray(outcome, dtype=np.float64).ravel()


@all_measures
@fuzzed
@given(y_true=st.one_of(labels, columns), y=columns, groups=st.none() | columns)
def test_measure_of_anything(name, y_true, y, groups):
    outcome = attempt(getattr(metrics, name), y_true, y, groups=groups, allowed=ALLOWED)
    if not is_refused(outcome):
        figures = figures_of(outcome)
        assert np.isfinite(figures).all() or name in UNDEFINED
        assert (figures[np.isfinite(figures)] >= 0).all()


@all_measures
@fuzzed
@given(y_true=labels, y=labels, extreme=scores, data=st.data())
def test_measure_with_any_option(name, y_true, y, extreme, data):
    measure = getattr(metrics, name)
    options = [*inspect.signature(measure).parameters][2:]
    chosen = data.draw(st.lists(st.sampled_from(options), max_size=2, unique=True))
    values = {option: data.draw(odd_options) for option in chosen}
    y = extreme if name in SCORED else y
    outcome = attempt(measure, y_true, y, **values, allowed=ALLOWED)
    if not is_refused(outcome):
        assert not np.isinf(figures_of(outcome)).any()


@all_measures
@fuzzed
@given(y_true=labels, y=labels, dtype=st.sampled_from(["?", "f2", ">f8", "u1", "O"]))
def test_measure_does_not_depend_on_the_container(name, y_true, y, dtype):
    measure = getattr(metrics, name)
    expected = attempt(measure, np.array(y_true), np.array(y), allowed=ALLOWED)
    others = np.array(y_true).astype(dtype)[::-1][::-1], np.array(y).astype(dtype)
    for array in others:
        array.flags.writeable = False
    if name in SCORED and dtype == "?":
        others = others[0], np.array(y, dtype="f4")
    assert_same(expected, attempt(measure, *others, allowed=ALLOWED))
    assert_same(expected, attempt(measure, y_true, tuple(y), allowed=ALLOWED))


@fuzzed
@given(labels, labels, columns, odd_options, odd_options, st.none() | columns)
def test_false_alarms_at_any_time(y_true, y_pred, time, per, max_gap, groups):
    rate = attempt(
        metrics.false_alarm_rate,
        y_true,
        y_pred,
        time=time,
        per=per,
        max_gap=max_gap,
        groups=groups,
        allowed=ALLOWED,
    )
    if not is_refused(rate):
        assert 0 <= rate < np.inf


class Detector(BaseEstimator):
    """Gives the column that it is asked about for scores."""

    def score_samples(self, X):
        return np.arange(float(len(X)))


@pytest.mark.parametrize("scorer", ["detector_roc_auc", "detector_average_precision"])
@fuzzed
@given(y=columns)
def test_scorer_of_any_labels(scorer, y):
    X = np.zeros((N_ROWS, 2))
    allowed = [*ALLOWED, (UserWarning, "No positive class found")]
    score = attempt(getattr(metrics, scorer), Detector(), X, y, allowed=allowed)
    if not is_refused(score):
        assert np.isnan(score) or 0 <= score <= 1


@fuzzed
@given(odd_options, st.dictionaries(st.sampled_from(["beta", "within"]), odd_options))
def test_make_event_scorer_by_any_name(name, params):
    attempt(metrics.make_event_scorer, name, **params)


@pytest.mark.parametrize("name", ["SeriesTimeSplit", "PurgedKFold"])
@fuzzed
@given(
    X=st.one_of(odd_tables(N_ROWS), odd_arrays((N_ROWS, 2))),
    n_splits=odd_options,
    gap=st.one_of(st.just(0), odd_options),
    groups=st.none() | columns,
)
def test_splitter_of_anything(name, X, n_splits, gap, groups):
    splitter = getattr(model_selection, name)(n_splits, gap=gap)
    splits = attempt(lambda: list(splitter.split(X, groups=groups)))
    if not is_refused(splits):
        assert len(splits) == n_splits
        for train, test in splits:
            assert len(train)
            assert not set(train) & set(test)


@fuzzed
@given(
    X=odd_tables(N_ROWS),
    y=st.none() | columns,
    groups=st.none() | columns,
    # bytes have a method split, which is enough for scikit-learn
    cv=odd_options.filter(lambda value: not isinstance(value, bytes)),
)
def test_cross_validate_windows_of_anything(X, y, groups, cv):
    allowed = [(model_selection.WindowOverlapWarning, "")]
    windows = attempt(SlidingWindow(2).fit_transform, X)
    for given_X in (X, windows):
        if is_refused(given_X):
            continue
        results = attempt(
            model_selection.cross_validate_windows,
            PCAAutoencoder(1),
            given_X,
            y,
            groups=groups,
            cv=cv,
            error_score="raise",
            allowed=allowed,
        )
        if not is_refused(results):
            assert np.isfinite(results["test_score"]).all()
