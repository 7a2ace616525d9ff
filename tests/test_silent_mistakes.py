# SPDX-License-Identifier: BSD-3-Clause
"""Mistakes that run through without an error get a word, once, with the remedy."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.metrics import average_precision_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    TimeSeriesSplit,
    cross_val_predict,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    EachTimeStep,
    LSTMClassifier,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
    WindowSummary,
)

AT = pd.date_range("2026-03-01", periods=120, freq="1min")


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(120, 3)), columns=["flow", "level", "heat"])


def said(function, *args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*args)
    return [str(w.message) for w in caught]


def test_a_table_in_the_place_of_windows_is_spoken_of_once(frame):
    model = make_pipeline(StandardScaler().set_output(transform="pandas"))
    model.steps.append(("pca", PCAAutoencoder(1)))
    (message,) = said(model.fit, frame)
    assert "columns 'flow', 'level', ..." in message
    assert "put SlidingWindow before PCAAutoencoder" in message
    clf = RareEventClassifier(PCAAutoencoder(1), threshold=("quantile", 0.9))
    messages = said(clf.fit, frame, np.zeros(120, int))
    assert sum("is a table" in m for m in messages) == 1


def test_a_frame_with_dates_is_a_table(frame):
    table = frame.set_axis(["t0", "t1", "t2"], axis=1).set_index(AT)
    assert len(said(PCAAutoencoder(1).fit, table)) == 1


def test_sequences_in_a_frame_are_ordinary(frame):
    assert said(PCAAutoencoder(1).fit, frame.set_axis(["t0", "t1", "t2"], axis=1)) == []
    assert said(PCAAutoencoder(1).fit, frame.set_axis([0, 1, 2], axis=1)) == []


def test_a_gap_below_the_step_is_spoken_of(frame):
    table = frame.assign(at=AT)
    (message,) = said(SlidingWindow(5, time="at", max_gap="30s").fit, table)
    assert "'max_gap' is 0 days 00:00:30" in message
    assert "0 days 00:01:00 (median): nearly all windows hold one row" in message
    assert said(SlidingWindow(5, time="at", max_gap="1min").fit, table) == []


def test_rows_long_after_the_training_are_spoken_of(frame):
    table = frame.assign(at=AT, machine=np.repeat(["a", "b"], 60))
    later = table.assign(at=AT + pd.Timedelta("3D"))
    slider = SlidingWindow(5, time="at", group_by="machine").fit(table)
    (message,) = said(slider.transform, later)
    assert "'max_gap' of SlidingWindow is None" in message
    cut = SlidingWindow(5, time="at", group_by="machine", max_gap="5min").fit(table)
    assert said(cut.transform, later) == []
    assert said(slider.transform, table.assign(at=AT + pd.Timedelta("2h"))) == []
    assert said(slider.transform, later.assign(machine="new")) == []


def test_rows_that_a_splitter_shuffled_are_spoken_of(frame):
    past, _ = train_test_split(frame, random_state=0)
    (message,) = said(SlidingWindow(5).fit, past)
    assert "The rows of X are shuffled" in message
    (message,) = said(SlidingWindow(5).fit, past.sort_index())
    assert "Rows are missing here and there" in message
    assert "SeriesTimeSplit" in message


def test_rows_in_order_are_ordinary_whatever_their_numbers(frame):
    fit = SlidingWindow(5).fit
    some_dropped = frame.drop(index=[7, 50, 90])
    for table in frame, frame[60:], frame[::2], some_dropped, pd.concat([frame, frame]):
        assert said(fit, table) == []
    past, _ = train_test_split(frame, random_state=0)
    assert said(fit, past.reset_index(drop=True)) == []


@pytest.mark.parametrize("cv", [KFold(5), KFold(5, shuffle=True, random_state=0)])
@pytest.mark.parametrize("machines", [1, 3])
def test_folds_from_among_the_training_rows_are_spoken_of(frame, cv, machines):
    table = frame.assign(
        at=AT.repeat(machines)[:120], machine=np.arange(120) % machines
    )
    slider = SlidingWindow(5, time="at", group_by="machine")
    told = []
    for train, test in cv.split(table):
        slider.fit(table.iloc[train])
        told.append(said(slider.transform, table.iloc[test]))
        assert said(slider.transform, table.iloc[train]) == []
        assert said(slider.transform, table) == []
    # The first fold and the last of KFold lie before and after all others.
    expected = [1] * 5 if cv.shuffle else [0, 1, 1, 1, 0]
    assert [len(messages) for messages in told] == expected
    assert "the 'time' column tells: windows joined rows" in told[1][0]
    assert "SeriesTimeSplit" in told[1][0]


def test_a_fold_is_known_by_the_numbers_of_its_rows(frame):
    cut = frame.drop(index=range(40, 60))
    slider = SlidingWindow(5).fit(cut)
    (message,) = said(slider.transform, frame[40:60])
    assert "as their index tells" in message
    for table in frame, cut, frame[60:], frame[30:60]:
        assert said(slider.transform, table) == []
    model = make_pipeline(SlidingWindow(5), PCAAutoencoder(1))
    assert len(said(cross_val_predict, model, frame)) == 3  # of five folds


def test_rows_between_those_of_the_training_may_be_another_machine_s(frame):
    table = frame.assign(at=AT).drop(index=range(50, 60))
    slider = SlidingWindow(5, time="at").fit(table)
    assert (
        said(slider.transform, table.assign(at=table["at"] + pd.Timedelta("5s"))) == []
    )
    cut = SlidingWindow(5, time="at", max_gap="2min").fit(table)
    assert said(cut.transform, frame.assign(at=AT)[50:60]) == []
    assert said(slider.transform, frame.assign(at=AT)[50:60]) != []


def test_an_error_says_where_rows_in_random_order_come_from(frame):
    shuffled = frame.assign(at=AT).sample(frac=1, random_state=0)
    with pytest.raises(ValueError, match=r"shuffled: .* halving search"):
        SlidingWindow(5, time="at").fit(shuffled)
    two = frame.assign(at=AT).iloc[[*range(60, 120), *range(60)]]
    with pytest.raises(ValueError, match=r"Sort the rows by time first\.$"):
        SlidingWindow(5, time="at").fit(two)


def test_labels_that_are_missing_are_asked_for():
    X = np.zeros((9, 3, 1))
    with pytest.raises(ValueError, match=r"without labels, label all rows 0"):
        RareEventClassifier(PCAAutoencoder(1)).fit(X, None)
    with pytest.raises(ValueError, match=r"use a detector such as LSTMAutoencoder"):
        LSTMClassifier((2,)).fit(X, None)


def test_names_that_a_column_transformer_lost_are_missed_by_name(frame):
    table = frame.assign(at=AT)
    steps = [("scale", StandardScaler(), ["flow"])]
    scaler = ColumnTransformer(steps, remainder="passthrough")
    slider = SlidingWindow(3, time="at")
    with pytest.raises(ValueError, match=r"ColumnTransformer\(..., verbose_feature"):
        make_pipeline(scaler, slider).fit(table)
    scaler.set_output(transform="pandas")
    with pytest.raises(ValueError, match=r"made it 'remainder__at': set its verbose"):
        make_pipeline(scaler, slider).fit(table)
    scaler.set_params(verbose_feature_names_out=False)
    make_pipeline(scaler, slider).fit(table)


def test_windows_among_columns_say_where_they_belong(frame):
    windows = ColumnTransformer([("windows", SlidingWindow(3), ["flow", "level"])])
    for transformer in windows, clone(windows).set_output(transform="pandas"):
        with pytest.raises(ValueError, match="Put SlidingWindow after the ColumnTr"):
            transformer.fit_transform(frame)
    summed_up = make_pipeline(SlidingWindow(3), WindowSummary(("mean", "std")))
    windows = ColumnTransformer([("windows", summed_up, ["flow", "level"])])
    assert windows.fit_transform(frame).shape == (120, 4)


def test_windows_longer_than_every_series_are_told(frame):
    table = frame.assign(machine=np.repeat(["a", "b"], 60))
    model = make_pipeline(
        SlidingWindow(200, group_by="machine"),
        RareEventClassifier(PCAAutoencoder(1), validation="time"),
    )
    with pytest.raises(ValueError, match=r"200 steps .* longest has 60 rows: make"):
        model.fit(table, np.arange(120) % 20 == 0)


def test_a_search_without_scoring_ranks_by_average_precision(table):
    X, y = table
    model = make_pipeline(
        SlidingWindow(5),
        EachTimeStep(StandardScaler()),
        RareEventClassifier(PCAAutoencoder(2)),
    )
    search = GridSearchCV(
        model,
        {"rareeventclassifier__detector__n_components": [1, 3]},
        cv=TimeSeriesSplit(2),
    ).fit(X, y)
    for k, (train, test) in enumerate(TimeSeriesSplit(2).split(X)):
        best = search.best_estimator_.fit(X[train], y[train])
        expected = average_precision_score(y[test], best.decision_function(X[test]))
        scores = search.cv_results_[f"split{k}_test_score"]
        assert scores[search.best_index_] == pytest.approx(expected)
    assert best.score(X, np.zeros_like(y)) is np.nan
