# SPDX-License-Identifier: BSD-3-Clause
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq.metrics import (
    affiliation_precision_recall,
    detection_delay,
    event_precision_recall_fscore_support,
    false_alarm_rate,
    false_alarm_share,
    make_event_scorer,
    vus_pr_score,
    vus_roc_score,
)
from skseq.model_selection import SeriesTimeSplit

MEASURES = {
    "event_precision": lambda y, p: event_precision_recall_fscore_support(y, p)[0],
    "event_recall": lambda y, p: event_precision_recall_fscore_support(y, p)[1],
    "event_f1": lambda y, p: event_precision_recall_fscore_support(y, p)[2],
    "found_in_time": lambda y, p: detection_delay(y, p)[1],
    "neg_detection_delay": lambda y, p: -detection_delay(y, p)[0],
    "neg_false_alarm_share": lambda y, p: -false_alarm_share(y, p),
    "neg_false_alarms": lambda y, p: -false_alarm_rate(y, p),
    "affiliation_f1": lambda y, p: (
        2 / sum(1 / value for value in affiliation_precision_recall(y, p))
    ),
}


@pytest.fixture
def fitted(table):
    return LogisticRegression().fit(*table), *table


@pytest.mark.parametrize("name", MEASURES)
def test_scorer_is_the_measure_of_the_predictions(fitted, name):
    model, X, y = fitted
    expected = MEASURES[name](y, model.predict(X))
    assert make_event_scorer(name)(model, X, y) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "measure"), [("vus_pr", vus_pr_score), ("vus_roc", vus_roc_score)]
)
def test_scorer_is_the_measure_of_the_decision_function(fitted, name, measure):
    model, X, y = fitted
    expected = measure(y, model.decision_function(X), max_window=5)
    scorer = make_event_scorer(name, max_window=5)
    assert scorer(model, X, y) == pytest.approx(expected)


def test_probabilities_serve_where_there_is_no_decision_function(table):
    X, y = table
    model = DummyClassifier().fit(X, y)
    expected = vus_pr_score(y, np.zeros(len(y)), max_window=5)
    assert make_event_scorer("vus_pr", max_window=5)(model, X, y) == pytest.approx(
        expected
    )


def test_grid_search_takes_a_scorer(table):
    grid = GridSearchCV(
        LogisticRegression(),
        {"C": [1e-6, 1]},
        scoring=make_event_scorer("vus_pr"),
        cv=3,
    )
    assert grid.fit(*table).best_params_ == {"C": 1}


def test_series_reach_the_measure_by_metadata_routing(table):
    X, y = table
    groups = np.arange(len(y)) % 2
    with config_context(enable_metadata_routing=True):
        scorer = make_event_scorer("event_f1").set_score_request(groups=True)
        results = cross_validate(
            LogisticRegression(),
            X,
            y,
            cv=SeriesTimeSplit(2),
            scoring={"f1": scorer},
            params={"groups": groups},
            return_indices=True,
            return_estimator=True,
        )
    for k, test in enumerate(results["indices"]["test"]):
        predicted = results["estimator"][k].predict(X[test])
        expected = event_precision_recall_fscore_support(
            y[test], predicted, groups=groups[test]
        )
        assert results["test_f1"][k] == expected[2]


def test_delays_in_time_are_scored_in_seconds(fitted):
    model, X, y = fitted
    scorer = make_event_scorer(
        "neg_detection_delay", time=pd.date_range("2026", periods=len(y), freq="5min")
    )
    expected = -300 * detection_delay(y, model.predict(X))[0]
    assert scorer(model, X, y) == expected


def test_a_scorer_leaves_out_rows_that_were_not_judged(fitted):
    model, X, y = fitted

    class Blind(LogisticRegression):
        def decision_function(self, X):
            return np.where(np.arange(len(X)) < 5, np.nan, super().decision_function(X))

    blind = Blind().fit(X, y)
    with pytest.warns(UserWarning, match=f"5 of {len(y)} rows were not judged"):
        value = make_event_scorer("vus_pr", max_window=5)(blind, X, y)
    seen = model.decision_function(X[5:])
    assert value == pytest.approx(vus_pr_score(y[5:], seen, max_window=5))


@pytest.mark.parametrize("name", ["vus_pr", "event_f1"])
def test_a_bare_detector_is_refused(table, name):
    X, y = table
    detector = make_pipeline(StandardScaler(), IsolationForest(n_estimators=5)).fit(X)
    with pytest.raises(TypeError, match="Wrap it in RareEventClassifier"):
        make_event_scorer(name)(detector, X, y)


def test_a_scorer_travels_to_a_worker(fitted):
    scorer = make_event_scorer("event_f1", tolerance=0)
    assert pickle.loads(pickle.dumps(scorer))(*fitted) == scorer(*fitted)


def test_an_unknown_name_lists_the_others():
    with pytest.raises(ValueError, match="vus_pr"):
        make_event_scorer("f1")
