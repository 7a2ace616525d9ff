# SPDX-License-Identifier: BSD-3-Clause
"""Any input to what shows, streams or exports: displays, report, StreamScorer, ONNX."""

import contextlib
import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import assert_finite, assert_same, attempt, is_refused
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from strategies import fuzzed, odd_arrays, odd_columns, odd_tables, same_values

from skseq import (
    EachTimeStep,
    PCAAutoencoder,
    SlidingWindow,
    StreamScorer,
    datasets,
    plotting,
    report,
    to_onnx,
)

N_ROWS = 8
columns = odd_columns(N_ROWS)
labels = st.lists(st.sampled_from([0, 1]), min_size=N_ROWS, max_size=N_ROWS)
odd_options = st.sampled_from(
    [0, 1, 2, 0.5, -1, np.nan, np.inf, 1e300, "x", "", None, True, (), (1, 2), 50]
    + [np.float32(0.5), np.int8(1), b"x", [1, 2], (2, 1), (0.5, 1.5), (np.nan, 1)]
)
drawn = pytest.mark.skipif(
    not pytest.importorskip("matplotlib"), reason="needs matplotlib"
)


@pytest.fixture(scope="module")
def ax():
    """Axes that every picture is drawn on, after what was there is cleared."""
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def draw(ax, call, *args, **kwargs):
    """The picture as well as the numbers in it must be free of warnings."""
    figure = ax.figure
    figure.clear()
    allowed = [(UserWarning, r"\d+ of \d+ rows were not judged")]
    display = attempt(call, *args, ax=figure.add_subplot(), allowed=allowed, **kwargs)
    if not is_refused(display):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure.draw_without_rendering()
    return display


@fuzzed
@given(score=columns, y=st.none() | labels | columns, time=st.none() | columns)
def test_displays_of_any_scores(ax, score, y, time):
    draw(ax, plotting.ScoreTimelineDisplay.from_predictions, score, y_true=y, time=time)
    if y is not None:
        for display in ("ErrorDistributionDisplay", "ThresholdDisplay"):
            draw(ax, getattr(plotting, display).from_predictions, y, score)


@fuzzed
@given(
    score=st.lists(
        st.sampled_from([0.0, 1.0, 1e-30, 1e30, -2.5]), min_size=8, max_size=8
    ),
    y=labels,
    # Matplotlib cannot draw 1e300 on a log scale.
    threshold=odd_options.filter(lambda value: repr(value) != "1e+300"),
    other=odd_options,
)
def test_displays_with_any_option(ax, score, y, threshold, other):
    draw(
        ax,
        plotting.ScoreTimelineDisplay.from_predictions,
        score,
        y_true=y,
        threshold=threshold,
    )
    draw(
        ax,
        plotting.ErrorDistributionDisplay.from_predictions,
        y,
        score,
        threshold=threshold,
        n_bins=other,
    )
    draw(
        ax,
        plotting.ThresholdDisplay.from_predictions,
        y,
        score,
        threshold=threshold,
        cost=other,
    )


@fuzzed
@given(
    X=odd_tables(), other=odd_tables(), y=st.none() | columns, time=st.none() | columns
)
def test_displays_of_any_table(ax, X, other, y, time):
    draw(ax, plotting.FeatureErrorDisplay.from_predictions, X, y_true=y, time=time)
    draw(ax, plotting.LatentSpaceDisplay.from_predictions, X, y=y)
    for reconstructed in (X, other):
        draw(ax, plotting.ReconstructionDisplay.from_predictions, X, reconstructed)


@fuzzed
@given(loss=columns, validation=st.none() | columns, best=odd_options)
def test_loss_curve_of_anything(ax, loss, validation, best):
    display = plotting.LossCurveDisplay(loss, validation, best)
    draw(ax, display.plot)


@fuzzed
@given(X=odd_tables(), y=labels | columns, sample=odd_options)
def test_displays_of_an_estimator_of_any_input(ax, X, y, sample):
    estimator = make_pipeline(SlidingWindow(2), PCAAutoencoder(2))
    estimator.fit(np.random.default_rng(0).normal(size=(12, 2)))
    for name in (
        *("ErrorDistributionDisplay", "FeatureErrorDisplay", "LatentSpaceDisplay"),
        *("ScoreTimelineDisplay", "ThresholdDisplay"),
    ):
        draw(ax, getattr(plotting, name).from_estimator, estimator, X, y)
    with contextlib.suppress(IndexError):  # of a sample that is not there
        draw(
            ax,
            plotting.ReconstructionDisplay.from_estimator,
            estimator,
            X,
            sample=sample,
        )


def fitted_pipeline(X, **parameters):
    detector = PCAAutoencoder(1)
    scaler = EachTimeStep(StandardScaler())
    return make_pipeline(SlidingWindow(3, **parameters), scaler, detector).fit(X)


@fuzzed
@given(
    X=odd_tables(), row=odd_arrays(), group=st.sampled_from([None, "a", (), [], 1.5])
)
def test_stream_of_anything(X, row, group):
    stream = StreamScorer(fitted_pipeline(np.arange(20.0).reshape(10, 2) % 7))
    attempt(stream.score_one, row, group)
    before = stream.get_state()
    scores = attempt(stream.score_many, X)
    if is_refused(scores):
        assert len(stream.get_state()["names"]) == len(before["names"])
    else:
        assert len(scores) == np.shape(X)[0]
        assert_finite(scores)


@fuzzed
@given(times=st.lists(columns, min_size=2, max_size=2), group=columns)
def test_stream_of_any_time_and_group(times, group):
    frames = [pd.DataFrame({"flow": np.arange(float(N_ROWS))}) for _ in times]
    for frame, time in zip(frames, times, strict=True):
        if np.ndim(time) != 1 or len(time) != N_ROWS:
            return
        frame["time"] = time if isinstance(time, pd.Series) else list(time)
    pipeline = attempt(fitted_pipeline, frames[0], time="time")
    if is_refused(pipeline):
        return
    stream = attempt(StreamScorer, pipeline)
    scores = attempt(stream.score_many, frames[1], group)
    if not is_refused(scores):
        assert_finite(scores)


@fuzzed
@given(same_values((6, 2)))
def test_stream_does_not_depend_on_the_container(case):
    X, other = case
    pipeline = fitted_pipeline(np.arange(20.0).reshape(10, 2) % 7)
    expected = attempt(pipeline.score_samples, X)
    assert_same(expected, attempt(StreamScorer(pipeline).score_many, X))
    assert_same(expected, attempt(StreamScorer(pipeline).score_many, other))


states = st.dictionaries(
    st.sampled_from(["names", "windows", "times", "from_training", "n_late"]),
    odd_options | odd_arrays(),
)


@fuzzed
@given(states)
def test_stream_of_any_state(parts):
    stream = StreamScorer(fitted_pipeline(np.arange(20.0).reshape(10, 2) % 7))
    stream.score_many(np.zeros((4, 2)))
    attempt(stream.set_state, {**stream.get_state(), **parts})


@fuzzed
@given(
    y=labels | columns,
    time=st.none() | columns,
    groups=st.none() | columns,
    n_resamples=odd_options,
)
def test_report_of_anything(tmp_path_factory, y, time, groups, n_resamples):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 2, 1))
    path = tmp_path_factory.getbasetemp() / "report.html"
    # The pictures take most of the time: most of these are refused before.
    attempt(
        report,
        PCAAutoencoder(1).fit(X),
        X,
        y,
        path,
        time=time,
        groups=groups,
        n_resamples=n_resamples,
    )


makers = [name for name in datasets.__all__ if name.startswith("make_")]


@pytest.mark.parametrize("name", makers)
@fuzzed
@given(data=st.data())
def test_generators_with_any_parameter(name, data):
    make = getattr(datasets, name)
    small = {"n_samples": 30, "n_sensors": 3, "n_timesteps": 40}
    names = [*inspect.signature(make).parameters]
    chosen = data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    values = {key: value for key, value in small.items() if key in names}
    # True is an int to scikit-learn's checks of parameters.
    options = odd_options.filter(lambda value: value is not True)
    values |= {parameter: data.draw(options) for parameter in chosen}
    out = attempt(make, **values)
    if not is_refused(out):
        for part in out if isinstance(out, tuple) else (out,):
            numbers = part.select_dtypes("number") if hasattr(part, "columns") else part
            assert not np.isinf(np.asarray(numbers, dtype=float)).any()


@fuzzed
@given(odd_options | odd_tables())
def test_onnx_of_anything_but_a_network(estimator):
    assert is_refused(attempt(to_onnx, estimator))


@fuzzed
@given(odd_options | odd_arrays(), odd_options)
def test_stream_and_pictures_of_anything_but_an_estimator(ax, estimator, window_size):
    assert is_refused(attempt(StreamScorer, estimator, window_size))
    X = np.zeros((3, 2, 1))
    for name in plotting.__all__:
        from_estimator = getattr(plotting, name).from_estimator
        arguments = [X, [0, 1, 0]][: len(inspect.signature(from_estimator).parameters)]
        if name in ("ArchitectureDisplay", "LossCurveDisplay"):
            arguments = []
        if name == "ReconstructionDisplay":
            arguments = [X]
        assert is_refused(attempt(from_estimator, estimator, *arguments))


@fuzzed
@given(st.sampled_from(["score_samples", "predict", 0, None, b"x"]), odd_tables())
def test_dask_scores_of_anything(method, ddf):
    from skseq.dask import windowed_scores

    pipeline = fitted_pipeline(np.arange(20.0).reshape(10, 2) % 7)
    assert is_refused(attempt(windowed_scores, ddf, pipeline, method=method))
