# SPDX-License-Identifier: BSD-3-Clause
"""Streams of estimators that know series, or remember scores, are those of tables."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from strategies import examples

from skseq import (
    DetectorCommittee,
    EachSeries,
    EachTimeStep,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
    StreamScorer,
)

N_TRAINING = 60
few = settings(examples, max_examples=10)  # each of which fits detectors


def make_table(rng, n_rows, names=("a", "b"), start=0):
    """Rows of several series, interleaved at random, with pauses."""
    steps = rng.choice([0, 1, 1, 1, 9], size=n_rows)
    table = pd.DataFrame(rng.normal(size=(n_rows, 2)), columns=["flow", "head"])
    table["pump"] = rng.choice(names, size=n_rows)
    table["at"] = start + np.cumsum(steps)
    table.loc[rng.random(n_rows) < 0.1, ["flow", "head"]] = np.nan
    return table


def moving(memory=5, **parameters):
    return MovingReference(
        PCAAutoencoder(1), memory=memory, validation_fraction=0.3, **parameters
    )


DETECTORS = {
    "alone": lambda: moving(strength=0.7),
    "after a scaler": lambda: make_pipeline(EachTimeStep(StandardScaler()), moving(3)),
    "in a classifier": lambda: RareEventClassifier(
        moving(2, lag=6), threshold=("quantile", 0.9)
    ),
    "in a committee": lambda: DetectorCommittee(
        [("moving", moving()), ("pca", PCAAutoencoder(1))], validation_fraction=0.3
    ),
    "in both": lambda: RareEventClassifier(
        DetectorCommittee(
            [("moving", moving(4))], validation_fraction=0.3, refit=False
        ),
        threshold=("quantile", 0.9),
    ),
    "twice": lambda: MovingReference(moving(3), memory=2, validation_fraction=0.3),
}
SLIDERS = {
    "rows": {"window_size": 3},
    "one row": {"window_size": 1},
    "gap": {"window_size": 3, "max_gap": 4},
    "duration": {"window_size": 5.0, "max_steps": 4},
    "delta": {"window_size": 3, "max_gap": 4, "add_time_delta": True},
}


def table_scores(pipeline, table):
    if hasattr(pipeline[-1], "threshold_"):
        return pipeline.decision_function(table)
    return pipeline.score_samples(table)


def scores_of(pipeline, parts):
    """By a stream whose state goes through JSON half way."""
    stream, scores = StreamScorer(pipeline), []
    for k, part in enumerate(parts):
        scores.append(stream.score_many(part))
        if k == len(parts) // 2:
            text = json.dumps(stream.get_state(), default=np.ndarray.tolist)
            stream = StreamScorer(pipeline).set_state(json.loads(text))
    return np.concatenate(scores)


@pytest.mark.filterwarnings("ignore::UserWarning")
@few
@given(
    st.integers(0, 99),
    st.sampled_from(list(DETECTORS)),
    st.sampled_from(list(SLIDERS)),
    st.integers(1, 30),
    st.sampled_from([0, 1]),
)
def test_a_stream_remembers_scores_as_a_table_does(seed, name, slider, size, later):
    rng = np.random.default_rng(seed)
    training = make_table(rng, N_TRAINING).fillna(0.0)
    # What is later goes on from the training; what is not, does not.
    start = training["at"].max() + 1 if later else -200
    table = make_table(rng, 30, names=("a", "b", "c"), start=start)
    windows = SlidingWindow(group_by="pump", time="at", **SLIDERS[slider])
    pipeline = make_pipeline(windows, DETECTORS[name]())
    pipeline.fit(training, np.zeros(N_TRAINING, dtype=int))
    parts = [table[k : k + size] for k in range(0, len(table), size)]
    expected = table_scores(pipeline, table)
    assert_allclose(scores_of(pipeline, parts), expected, rtol=1e-5, atol=1e-5)


def test_a_memory_has_an_effect_so_that_the_test_above_can_fail():
    rng = np.random.default_rng(0)
    training = make_table(rng, N_TRAINING).fillna(0.0)
    slider = SlidingWindow(3, group_by="pump", time="at")
    pipeline = make_pipeline(slider, moving(strength=1)).fit(training)
    start = training["at"].max() + 1
    later = make_table(rng, 30, start=start).fillna(0.0)
    stream = StreamScorer(pipeline)
    plain = -np.log(-pipeline[-1].detector_.score_samples(slider.transform(later)))
    assert np.abs(stream.score_many(later) - plain).max() > 0.1


@pytest.mark.filterwarnings("ignore::UserWarning")
@few
@given(
    st.integers(0, 99),
    st.sampled_from(["pooled", "first_rows"]),
    st.booleans(),
    st.integers(1, 40),
)
def test_a_stream_transforms_each_series_as_a_table_does(seed, unseen, scaled, size):
    rng = np.random.default_rng(seed)
    training = make_table(rng, N_TRAINING).fillna(0.0)
    training.loc[training["pump"] == "b", "flow"] += 100
    table = make_table(
        rng, 40, names=("a", "b", "c", "d"), start=training["at"].max() + 1
    )
    table.loc[table["pump"] == "c", "flow"] -= 50
    steps = [EachSeries(StandardScaler(), min_rows=4, unseen=unseen)]
    steps = [EachTimeStep(StandardScaler()), *steps] if scaled else steps
    slider = SlidingWindow(3, group_by="pump", time="at", max_gap=5)
    pipeline = make_pipeline(slider, *steps, PCAAutoencoder(1)).fit(training)
    parts = [table[k : k + size] for k in range(0, len(table), size)]
    expected = pipeline.score_samples(table)
    assert_allclose(scores_of(pipeline, parts), expected, rtol=1e-4, atol=1e-4)


def test_a_series_that_each_series_does_not_know_is_refused_where_it_is_in_a_table():
    training = make_table(np.random.default_rng(0), N_TRAINING).fillna(0.0)
    steps = EachSeries(StandardScaler(), unseen="error"), PCAAutoencoder(1)
    pipeline = make_pipeline(SlidingWindow(2, group_by="pump"), *steps)
    pipeline.fit(training.drop(columns="at"))
    stream = StreamScorer(pipeline)
    row = {"flow": 1.0, "head": 2.0, "pump": "new"}
    with pytest.raises(ValueError, match="not fitted on the series 'new'"):
        stream.score_one(row)
    assert np.isfinite(stream.score_one(row | {"pump": "a"}))


def test_each_series_deep_inside_is_refused_by_name():
    training = make_table(np.random.default_rng(0), N_TRAINING).fillna(0.0)
    inner = make_pipeline(EachSeries(StandardScaler()), PCAAutoencoder(1))
    pipeline = make_pipeline(
        SlidingWindow(2, group_by="pump"),
        RareEventClassifier(inner, threshold=("quantile", 0.9)),
    )
    pipeline.fit(training.drop(columns="at"), np.zeros(N_TRAINING, dtype=int))
    with pytest.raises(TypeError, match="holds an EachSeries.*right after Sliding"):
        StreamScorer(pipeline)


def twice_over(X):
    return np.asarray(X)[:, ::-1]


def test_the_memory_of_a_series_is_bounded():
    training = make_table(np.random.default_rng(0), N_TRAINING).fillna(0.0)
    slider = SlidingWindow(3, group_by="pump", time="at")
    step = FunctionTransformer(twice_over)
    pipeline = make_pipeline(slider, step, moving(7)).fit(training)
    stream = StreamScorer(pipeline)
    start = training["at"].max()
    for k in range(40):
        row = {"flow": 0.1, "head": 0.2, "pump": "a", "at": start + k}
        stream.score_one(row)
    state = stream.get_state()
    kept = dict(zip(state["names"], state["series"], strict=True))["a"]
    assert len(kept["memories"][0]) == 7 + 3
    assert len(kept["rows"]) == len(kept["times"]) == 4
