# SPDX-License-Identifier: BSD-3-Clause
"""The scores of a stream are those of the whole table."""

import json
import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from strategies import examples, rows

from skseq import (
    EachTimeStep,
    LSTMAutoencoder,
    LSTMClassifier,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
)
from skseq.streaming import StreamScorer


def lstm():
    return LSTMAutoencoder(
        (4, 2), max_epochs=1, early_stopping=False, engine="native", random_state=0
    )


def assert_same(actual, expected):
    assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def fitted(sensors):
    """A pipeline over named series in time, and the rows after its training rows."""
    frame, _ = sensors
    frame = frame.reset_index(drop=True)
    slider = SlidingWindow(
        5, group_by="sensor_id", time="timestamp", max_gap="5min", add_time_delta=True
    )
    pipeline = make_pipeline(slider, EachTimeStep(StandardScaler()), lstm())
    return pipeline.fit(frame[:140]), frame[140:]


def values_of(case, draw):
    """Features of these rows: numbers of no order, some of them missing."""
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    values = rng.normal(size=case.table.shape)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


@st.composite
def streams(draw):
    """Training rows and later ones (in one case of two), and a slider for them."""
    case = draw(rows())
    n_rows = len(case.table)
    columns = [case.series // 2, case.series % 2, case.time, values_of(case, draw)]
    table = np.column_stack(columns)
    n_training = draw(st.integers(1, n_rows))
    slider = SlidingWindow(
        draw(st.integers(1, 5) | st.floats(1, 9)),
        group_by=[0, 1],
        time=2,
        max_gap=draw(st.none() | st.integers(1, 5)),
        max_steps=4,
        add_time_delta=draw(st.booleans()),
    )
    later = table if draw(st.booleans()) else table[n_training - 1 :]
    return slider, table[:n_training], later, draw(st.integers(1, n_rows))


@pytest.mark.filterwarnings("ignore:'validation_fraction' of:UserWarning")
@pytest.mark.filterwarnings("ignore:'max_gap' is:UserWarning")
@pytest.mark.filterwarnings("ignore:A series goes on:UserWarning")
@pytest.mark.filterwarnings("ignore:.* any sequence is reconstructed:UserWarning")
@pytest.mark.filterwarnings("ignore:.* too few to tell what:UserWarning")
@pytest.mark.filterwarnings("ignore:The errors of most held-out:UserWarning")
@examples
@given(streams())
def test_any_stream_scores_as_its_table_does(case):
    slider, training, later, chunk = case
    observed = np.where(np.isnan(training), 0.5, training)
    imputer = SimpleImputer(keep_empty_features=True)  # the time since no row before
    each = EachTimeStep(make_pipeline(imputer, StandardScaler()))
    pipeline = make_pipeline(slider, each, PCAAutoencoder(1)).fit(observed)
    expected = pipeline.score_samples(later)

    stream = StreamScorer(pipeline)
    parts = [later[k : k + chunk] for k in range(0, len(later), chunk)]
    assert_same(np.concatenate([stream.score_many(part) for part in parts]), expected)
    stream = StreamScorer(pipeline)
    assert_same([stream.score_one(row) for row in later], expected)


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        RobustScaler(),
        MaxAbsScaler(),
        MinMaxScaler(),
        make_pipeline(SimpleImputer(), StandardScaler(with_std=False)),
        FunctionTransformer(np.arctan),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_steps_before_and_after_the_windows_scale_as_in_the_pipeline(
    table, scaler, before
):
    X = pd.DataFrame(table[0], columns=["flow", "level"])
    slider = SlidingWindow(4)
    steps = (scaler, slider) if before else (slider, EachTimeStep(scaler))
    pipeline = make_pipeline(*steps, PCAAutoencoder(2)).fit(X[:200])
    scores = StreamScorer(pipeline).score_many(X[200:].to_dict("records"))
    assert_same(scores, pipeline.score_samples(X[200:]))


def detectors():
    flatten = FunctionTransformer(lambda X: np.asarray(X).reshape(len(X), -1))
    forest = IsolationForest(n_estimators=10, random_state=0)
    return {
        "lstm": lstm(),
        "lstm on the last step": lstm().set_params(score_on="last", error="mae"),
        "pca": PCAAutoencoder(2),
        "nested": make_pipeline(EachTimeStep(StandardScaler()), PCAAutoencoder(2)),
        "residual": ResidualAutoencoder(lstm()),
        "events, residual": RareEventClassifier(ResidualAutoencoder(lstm())),
        "events, forest": RareEventClassifier(forest),
        "flattened": make_pipeline(flatten, SimpleImputer(), forest),
        "supervised": LSTMClassifier(
            4, max_epochs=1, early_stopping=False, engine="native", random_state=0
        ),
    }


@pytest.mark.parametrize("name", detectors())
def test_every_kind_of_detector_can_be_streamed(table, name):
    X, y = pd.DataFrame(table[0], columns=["flow", "level"]), table[1]
    pipeline = make_pipeline(SlidingWindow(4), detectors()[name])
    pipeline.fit(X[:200], y[:200])
    scores = StreamScorer(pipeline).score_many(X[200:])
    if name == "supervised":
        expected = pipeline.predict_proba(X[200:])[:, 1]
    elif name.startswith("events"):
        expected = pipeline.decision_function(X[200:])
    else:
        expected = pipeline.score_samples(X[200:])
    assert_same(scores, expected)


@pytest.mark.parametrize("name", ["lstm", "events, residual", "supervised"])
def test_alarms_are_what_the_estimator_predicts(table, name):
    X, y = table
    pipeline = make_pipeline(SlidingWindow(4), detectors()[name])
    pipeline.fit(X[:200], y[:200])
    stream = StreamScorer(pipeline)
    alarms = stream.is_alarm(stream.score_many(X[200:]))
    predicted = pipeline.predict(X[200:])
    assert_array_equal(alarms, predicted == (-1 if name == "lstm" else 1))
    assert not stream.is_alarm(np.nan)


def test_an_estimator_of_windows_is_streamed_for_each_group(table):
    X = table[0][:120]
    groups = np.tile(["a", "b", "c"], 40)
    windows = SlidingWindow(4, group_by=0).fit(np.column_stack([np.arange(120) % 3, X]))
    windows = windows.transform(np.column_stack([np.arange(120) % 3, X]))
    pca = PCAAutoencoder(2).fit(np.asarray(windows))
    stream = StreamScorer(pca, window_size=4)
    assert_same(stream.score_many(X, groups), pca.score_samples(windows))
    scores = [stream.score_one(row, "d") for row in X[::3]]
    assert_same(scores, pca.score_samples(windows[::3]))


def test_a_pipeline_of_windows_is_streamed(table):
    windows = SlidingWindow(4).fit_transform(pd.DataFrame(table[0], columns=["a", "b"]))
    pipeline = make_pipeline(EachTimeStep(StandardScaler()), PCAAutoencoder(2))
    expected = pipeline.fit(windows).score_samples(windows)
    assert_same(StreamScorer(pipeline).score_many(table[0]), expected)


def test_every_form_of_a_row_gives_the_same(fitted):
    pipeline, later = fitted
    expected = pipeline.score_samples(later)
    forms = {
        "dicts of text": [
            {**row, "timestamp": str(row["timestamp"]), "flow": str(row["flow"])}
            for row in later.to_dict("records")
        ],
        "Series": [row for _, row in later.iterrows()],
        "lists": later.to_numpy(dtype=object).tolist(),
        "other order": later[later.columns[::-1]],
        "array": later.to_numpy(dtype=object),
    }
    for form, as_form in forms.items():
        scores = StreamScorer(pipeline).score_many(as_form)
        assert_allclose(scores, expected, rtol=1e-6, atol=1e-6, err_msg=form)


def test_a_stream_continues_from_the_training_rows_only_if_it_is_later(fitted):
    pipeline, later = fitted
    fresh = later.assign(sensor_id="new " + later["sensor_id"])
    scores = StreamScorer(pipeline).score_many(later)
    assert abs(scores[0] - StreamScorer(pipeline).score_many(fresh)[0]) > 1e-4
    again = later.assign(timestamp=later["timestamp"] - pd.Timedelta("100min"))
    assert_same(StreamScorer(pipeline).score_many(again), pipeline.score_samples(again))


def test_rows_of_a_column_transformer_keep_their_names_and_times(sensors):
    frame = sensors[0].reset_index(drop=True)
    scale = make_column_transformer(
        (StandardScaler(), ["flow", "pressure"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    slider = SlidingWindow(4, group_by="sensor_id", time="timestamp", max_gap="1D")
    pipeline = make_pipeline(scale, slider, PCAAutoencoder(2)).fit(frame[:150])
    scores = StreamScorer(pipeline).score_many(frame[150:].to_dict("records"))
    assert_same(scores, pipeline.score_samples(frame[150:]))


def test_a_late_row_is_an_error_that_leaves_the_stream_as_it_was(fitted):
    pipeline, later = fitted
    stream, expected = StreamScorer(pipeline), pipeline.score_samples(later)
    stream.score_many(later[:40])
    before = pickle.dumps(stream.get_state())
    with pytest.raises(ValueError, match="Row 8 of the series 'a' comes late: its "):
        stream.score_many(pd.concat([later[40:48], later[:4]]))
    assert pickle.dumps(stream.get_state()) == before
    assert_same(stream.score_many(later[40:]), expected[40:])


def test_a_late_row_is_dropped_where_that_is_asked_for(fitted):
    pipeline, later = fitted
    stream, expected = (
        StreamScorer(pipeline, on_late="drop"),
        pipeline.score_samples(later),
    )
    mixed = pd.concat([later[:40], later[4:8], later[40:]])
    with pytest.warns(UserWarning, match=r"4 row\(s\) of the stream came late"):
        scores = stream.score_many(mixed)
    assert np.isnan(scores[40:44]).all()
    assert_same(np.delete(scores, slice(40, 44)), expected)
    assert np.isnan(stream.score_one(later.iloc[0]))
    assert stream.n_late_ == 5


def test_a_stream_goes_on_from_a_saved_state(fitted):
    pipeline, later = fitted
    stream, expected = StreamScorer(pipeline), pipeline.score_samples(later)
    assert_same(stream.score_many(later[:50]), expected[:50])
    text = json.dumps(stream.get_state(), default=np.ndarray.tolist)
    others = {
        "state": StreamScorer(pipeline).set_state(stream.get_state()),
        "json": StreamScorer(pipeline).set_state(json.loads(text)),
        "pickle": pickle.loads(pickle.dumps(stream)),
    }
    for name, other in others.items():
        assert_allclose(
            other.score_many(later[50:]), expected[50:], rtol=1e-6, err_msg=name
        )
    assert_same(stream.score_many(later[50:]), expected[50:])


@pytest.mark.filterwarnings("ignore:The errors of most held-out:UserWarning")
@pytest.mark.filterwarnings("ignore:.* too few to tell what:UserWarning")
def test_a_state_keeps_series_named_by_two_columns():
    table = np.column_stack([np.zeros((6, 2)), np.arange(6), np.arange(6.0) % 4])
    slider = SlidingWindow(2.5, group_by=[0, 1], time=2, max_steps=3)
    pipeline = make_pipeline(slider, PCAAutoencoder(1)).fit(table)
    later = table + [0, 0, 6, 1]
    stream = StreamScorer(pipeline)
    stream.score_many(later[:3])
    text = json.dumps(stream.get_state(), default=np.ndarray.tolist)
    other = StreamScorer(pipeline).set_state(json.loads(text))
    assert_same(other.score_many(later[3:]), pipeline.score_samples(later)[3:])


def test_a_series_that_is_forgotten_starts_anew(table):
    pipeline = make_pipeline(SlidingWindow(4), PCAAutoencoder(2)).fit(table[0])
    stream = StreamScorer(pipeline)
    first = stream.score_many(table[0][:5], groups=list("aabba"))
    stream.forget("a")
    stream.forget("never seen")
    assert_same(stream.score_many(table[0][:2], groups=["a", "a"]), first[:2])


def test_memory_does_not_grow_with_the_rows(table):
    pipeline = make_pipeline(SlidingWindow(8), PCAAutoencoder(1)).fit(table[0])
    stream, rows = StreamScorer(pipeline), table[0][:50]
    stream.score_many(rows)
    tracemalloc.start()
    try:
        for _ in range(20):
            stream.score_many(rows)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            stream.score_many(rows)
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


def test_no_rows_give_no_scores(fitted):
    assert StreamScorer(fitted[0]).score_many([]).shape == (0,)
    assert StreamScorer(fitted[0]).score_many(fitted[1][:0]).shape == (0,)


def _row(**changes):
    row = {
        "sensor_id": "a",
        "timestamp": pd.Timestamp("2024-02-01"),
        "flow": 1.0,
        "pressure": 2.0,
    }
    row.update(changes)
    return {name: value for name, value in row.items() if value is not ...}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (_row(flow=...), "A row has no 'flow', a column seen in fit"),
        (_row(flow=np.inf), "infinity .* row 0, feature 'flow'"),
        (_row(flow=1e32), "too large .* row 0, feature 'flow'"),
        (_row(flow="n/m"), "Column 'flow' .* could not convert 'n/m' in row 0"),
        (_row(timestamp=None), "'time' of row 0 is missing"),
        (_row(timestamp=pd.NaT), "'time' of row 0 is missing"),
        (_row(timestamp=5), "'time' of row 0 must be as in fit, .* Got 5"),
        (_row(timestamp="soon"), "'time' of row 0 must be as in fit, .* Got 'soon'"),
        (_row(timestamp=pd.Timestamp("2024-02-01", tz="UTC")), "without a time zone"),
        (_row(sensor_id=None), "series of row 0 has no name: None"),
        ([1.0, 2.0], "must have 4 values, .* Got 2"),
        (np.zeros((2, 4)), "must be 1-D. Got 2"),
    ],
)
def test_a_row_that_is_not_valid_is_named_and_changes_nothing(fitted, row, message):
    stream = StreamScorer(fitted[0])
    state = pickle.dumps(stream.get_state())
    with pytest.raises(ValueError, match=message):
        stream.score_one(row)
    assert pickle.dumps(stream.get_state()) == state
    assert np.isfinite(stream.score_one(_row()))


def test_a_group_is_not_given_twice(fitted, table):
    with pytest.raises(ValueError, match="named by its columns 'sensor_id'"):
        StreamScorer(fitted[0]).score_one(_row(), group="a")
    stream = StreamScorer(make_pipeline(SlidingWindow(2), lstm()).fit(table[0]))
    with pytest.raises(ValueError, match="of the 3 rows. Got 2 names"):
        stream.score_many(table[0][:3], groups=["a", "b"])
    with pytest.raises(ValueError, match="'estimator' was fitted on an array"):
        stream.score_one({"flow": 1.0})
    with pytest.raises(ValueError, match="must be 2-D. Got 1"):
        stream.score_many(table[0][0])


def test_other_parameters_are_errors(fitted):
    with pytest.raises(ValueError, match="'window_size' .* is 6, .* windows of 5"):
        StreamScorer(fitted[0], 6)
    with pytest.raises(ValueError, match="'on_late' parameter of StreamScorer"):
        StreamScorer(fitted[0], on_late="ignore")


def difference(X):
    return np.diff(X, axis=0, prepend=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: make_pipeline(
                FunctionTransformer(difference), SlidingWindow(3), PCAAutoencoder(1)
            ),
            r"'functiontransformer' .* its function, .*difference.* other rows",
        ),
        (
            lambda: make_pipeline(
                SlidingWindow(3),
                EachTimeStep(FunctionTransformer(difference)),
                PCAAutoencoder(1),
            ),
            r"'eachtimestep' \(EachTimeStep\) cannot be streamed: its function",
        ),
        (
            lambda: make_pipeline(SlidingWindow(3), EachTimeStep(StandardScaler())),
            "'eachtimestep' .* has no score_samples",
        ),
        (lambda: SlidingWindow(3), "'SlidingWindow' .* has no score_samples"),
        (
            lambda: make_pipeline(StandardScaler(), IsolationForest(n_estimators=2)),
            r"'standardscaler' .* not fitted on windows, .* no SlidingWindow before",
        ),
        (
            lambda: GridSearchCV(
                make_pipeline(SlidingWindow(3), PCAAutoencoder(1)), {}, cv=2
            ),
            r"holds a SlidingWindow\. .* search.best_estimator_",
        ),
    ],
)
def test_what_cannot_be_streamed_is_refused_by_name(table, make, message):
    estimator = make().fit(table[0])
    with pytest.raises(TypeError, match=message):
        StreamScorer(estimator)


def test_a_detector_without_threshold_has_no_alarms(table):
    from sklearn.neighbors import KernelDensity

    flatten = FunctionTransformer(lambda X: np.asarray(X).reshape(len(X), -1))
    pipeline = make_pipeline(
        SlidingWindow(2), flatten, SimpleImputer(), KernelDensity()
    )
    stream = StreamScorer(pipeline.fit(table[0]))
    with pytest.raises(TypeError, match="KernelDensity has no offset_"):
        stream.is_alarm(stream.score_one(table[0][0]))
