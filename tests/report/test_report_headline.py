# SPDX-License-Identifier: BSD-3-Clause
"""The sentences of the page, against counts made by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from skseq import DetectorCommittee, PCAAutoencoder, RareEventClassifier
from skseq._report._drift import course_of, drift_in_words
from skseq._report._headline import headline
from skseq._report._input import decider, final, is_simple
from skseq._report._scored import Model, Rows
from skseq._report._verdict import name_of_rival, rival
from skseq._report._words import about_the_threshold_in_use
from skseq.alarms import AlarmRule

#            0  1  2  3  4  5  6  7  8  9
Y = np.array([0, 0, 1, 1, 0, 0, 0, 1, 1, 0], dtype=bool)
HOURS = pd.Series(pd.date_range("2026-03-01", periods=10, freq="6h"))


def said(scores, *others, y=Y, time=HOURS, threshold=0.5, labelled=True):
    rows = Rows(y, time=time, labelled=labelled)
    models = [
        Model(f"model {k}", np.asarray(score, dtype=float), threshold).raised(rows)
        for k, score in enumerate((scores, *others))
    ]
    return headline(models, [model.measures(rows) for model in models], rows)


def test_first_line_counts_events_delay_false_alarms_and_time():
    # One event found at its second row, six hours late; row 5, 6 hours of 36 normal
    # ones, is a false alarm; the table lasts 2.5 days.
    first = said([0, 0, 0, 1, 0, 1, 0, 0, 0, 0])
    assert first.sentence == (
        "Finds 1 of 2 events, 6 hours after they begin (median), at 0.4 false alarms a "
        "day; in alarm 17% of the normal time."
    )
    assert not first.is_useless


def test_first_line_of_a_perfect_model():
    first = said(Y)
    assert first.sentence == (
        "Finds both events, as they begin (median), no false alarm; in alarm 0% of "
        "the normal time."
    )


def test_without_dates_delays_and_rates_are_in_rows():
    first = said([0, 0, 0, 1, 0, 1, 0, 0, 0, 0], time=None)
    assert "1 row after they begin (median), at 100 false alarms per 1,000 rows" in (
        first.sentence
    )


def test_alarms_are_those_of_the_alarm_rule():
    rows = Rows(Y, time=HOURS)
    rule = AlarmRule(min_rows=2)
    score = np.array([0, 1, 0, 1, 1, 0, 0, 1, 0, 0])  # two in a row end at row 4
    model = Model("calm", score, 0.5, alarm_rule=rule).raised(rows)
    assert np.flatnonzero(model.alarm).tolist() == [4]
    first = headline([model], [model.measures(rows)], rows)
    assert "it flags no row of an event" in first.sentence


@pytest.mark.parametrize(
    ("score", "flaw"),
    [
        (
            np.ones(10) + Y,
            "flags everything, and an alarm that hardly ever stops tells nothing",
        ),
        ([1, 1, 2, 2, 1, 1, 1, 2, 2, 0], "most of the time, and an alarm"),
        ([1, 1, 2, 2, 1, 1, 1, 0, 2, 1], "nearly everything, and an alarm"),
        (0.1 * Y, "it flags nothing. Finds none of 2 events"),
        ([0, 1, 0, 0, 0, 0, 0, 0, 0, 0], "it flags no row of an event"),
        ([0, 2, 1, 0, 2, 0, 0, 0, 0, 0], "its scores are no higher in events"),
    ],
)
def test_a_useless_model_is_called_useless(score, flaw):
    first = said(score)
    assert first.is_useless
    assert first.sentence.startswith("Useless as it is: ")
    assert flaw in first.sentence


def test_rank_is_by_average_precision():
    worse = [0, 1, 1, 0, 0, 0, 0, 0, 1, 0]
    assert said(Y, worse).sentence.endswith("Best of 2 models by average precision.")
    assert said(worse, Y, worse).sentence.endswith(
        "Second of 3 models by average precision, level with 1 other, behind model 1."
    )


def test_without_labels_alarms_are_counted_and_nothing_is_judged():
    first = said(Y, y=np.zeros(10, bool), labelled=False)
    assert first.sentence == (
        "Raises 2 alarms in 2.5 days, 0.8 a day; in alarm 40% of the time."
    )


def test_simple_models_are_those_without_network_and_members(models):
    X = np.random.default_rng(0).normal(size=(60, 4))
    committee = DetectorCommittee([("a", PCAAutoencoder(1)), ("b", PCAAutoencoder(2))])
    assert is_simple(models["forest"])
    assert is_simple(models["PCA"])
    clf = RareEventClassifier(committee, threshold=("quantile", 0.9))
    assert not is_simple(clf.fit(X, np.zeros(60, int)))
    assert is_simple(Bunch(named_estimators_={"logistic": LogisticRegression()}))
    assert isinstance(final(models["forest"]), IsolationForest)
    assert isinstance(decider(models["forest"]), RareEventClassifier)


def test_model_is_compared_with_the_best_simple_one():
    models = [Model(name, Y, 0.5, name != "net") for name in ("a", "b", "net", "c")]
    measures = [{"average precision": value} for value in (0.9, 0.2, 0.8, 0.4)]
    assert rival(models, measures) == 3
    assert name_of_rival(models, 3) == "c, the best of 2 simple models"
    assert rival(models[:1], measures[:1]) is None
    assert name_of_rival([models[0], models[3]], 1) == "c"
    assert name_of_rival(models[:1] + models[2:3], 1) == "net"


@pytest.mark.parametrize(
    ("n_events", "threshold", "words"),
    [
        (1, "f1", "stands on 1 held-out event, which is too few to set it surely."),
        (4, "f1", "stands on 4 held-out events, which is too few"),
        (4, "f1", "each of them is 25% of all that it knows"),
        (12, ("recall", 0.9), "The threshold stands on 12 held-out events."),
        (0, "f1", "stands on no event, as none was held out: it is the 0.99 quantile"),
        (3, ("quantile", 0.9), "set on 50 held-out windows, by a rule that needs no"),
    ],
)
def test_page_says_what_the_threshold_stands_on(n_events, threshold, words):
    clf = RareEventClassifier(threshold=threshold)
    clf.validation_ = {"held_out": {"n_windows": 50, "n_events": n_events}}
    assert words in about_the_threshold_in_use(clf, None)


@pytest.fixture(scope="module")
def detector():
    X = np.random.default_rng(0).normal(size=(600, 4))
    return PCAAutoencoder(2, contamination=0.1).fit(X)


def drift_of(detector, X, y):
    rows = Rows(y)
    model = Model("PCA", -detector.score_samples(X), 1.0)
    return drift_in_words(course_of(rows, model, final(detector)), rows)


def test_drift_counts_normal_rows_above_what_the_detector_took_for_usual(detector):
    X = np.random.default_rng(1).normal(size=(1000, 4))
    X[800:] *= 5
    y = np.zeros(1000, dtype=bool)
    y[100:200] = True
    X[100:200] *= 50
    above = detector.predict(X) < 0
    text, train_again = drift_of(detector, X, y)
    last = np.flatnonzero(~y)[-180:]
    assert f"lie {100 * above[~y].mean():.0f}% of the normal rows" in text
    assert f"{100 * above[last].mean():.0f}% of their last fifth" in text
    assert f"{above[last].mean() / 0.1:.1f} times as many as expected" in text
    assert train_again
    assert "train again, with later rows" in text


def test_rows_like_those_of_the_training_need_none(detector):
    X = np.random.default_rng(1).normal(size=(1000, 4))
    text, train_again = drift_of(detector, X, np.zeros(1000, dtype=bool))
    assert not train_again
    assert "no need to train again" in text


def test_of_a_foreign_detector_the_first_fifth_is_what_is_usual():
    X = np.random.default_rng(1).normal(size=(1000, 4))
    X[600:] *= 3
    forest = IsolationForest(n_estimators=20, random_state=0).fit(X[:500])
    text, train_again = drift_of(forest, X, np.zeros(1000, dtype=bool))
    assert "1% of the first fifth of these normal rows" in text
    assert train_again


def test_few_rows_tell_of_no_drift(detector):
    X = np.random.default_rng(1).normal(size=(60, 4))
    text, _ = drift_of(make_pipeline(detector), X, np.zeros(60, dtype=bool))
    assert text == "60 normal rows are too few to tell of a drift."
