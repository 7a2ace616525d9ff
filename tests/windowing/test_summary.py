# SPDX-License-Identifier: BSD-3-Clause
import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from strategies import examples

from skseq import SlidingWindow, StreamScorer, WindowSummary
from skseq.persistence import load, save
from skseq.windowing import _summary

EVERY = ("last", "mean", "std", "slope", "min", "max")
cells = st.one_of(st.just(np.nan), st.floats(-1e4, 1e4, width=32))
shapes = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 3))


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=30, freq="min")
    return pd.DataFrame(rng.normal(size=(30, 2)), index, columns=["flow", "heat"])


@examples
@given(arrays(np.float32, shapes, elements=cells))
def test_the_statistics_are_those_of_the_observed_cells(X):
    summary = WindowSummary(EVERY).fit_transform(X)
    assert summary.dtype == np.float32
    expected = naive.window_summary(X, EVERY)
    # Of what is left after a mean of up to 1e4 is taken off in double precision.
    np.testing.assert_allclose(summary, expected, rtol=1e-5, atol=1e-5)


def test_windows_and_their_array_give_the_same_to_the_last_bit(frame):
    windows = SlidingWindow(4).fit_transform(frame)
    lazy = WindowSummary().fit_transform(windows)
    gathered = WindowSummary().fit_transform(np.asarray(windows))
    assert lazy.tobytes() == gathered.tobytes()


def test_a_window_is_summed_up_the_same_in_any_company():
    X = np.random.default_rng(0).normal(1e4, 1, size=(50, 9, 1))
    X[::3, 4] = np.nan
    summary = WindowSummary(EVERY).fit(X)
    alone = np.vstack([summary.transform(X[k : k + 1]) for k in range(len(X))])
    assert alone.tobytes() == summary.transform(X).tobytes()


def test_windows_are_gathered_a_part_at_a_time(frame, monkeypatch):
    windows = SlidingWindow(4).fit_transform(frame)
    whole = WindowSummary().fit_transform(windows)
    gathered = []

    class Counted(type(windows)):
        def _gather(self):
            gathered.append(len(self))
            return super()._gather()

    windows.__class__ = Counted
    monkeypatch.setattr(_summary, "_CELLS", 7 * 4 * 2)
    assert WindowSummary().fit_transform(windows).tobytes() == whole.tobytes()
    assert gathered == [7, 7, 7, 7, 2]


def test_columns_are_named_after_feature_and_statistic(frame):
    summary = make_pipeline(SlidingWindow(3), WindowSummary(["std", "last"]))
    summary.fit(frame)
    names = ["flow_std", "flow_last", "heat_std", "heat_last"]
    assert summary.get_feature_names_out().tolist() == names
    given = summary[-1].get_feature_names_out(["flow", "heat"]).tolist()
    assert given == names


def test_a_frame_has_the_index_of_the_windows(frame):
    summary = make_pipeline(SlidingWindow(3), WindowSummary())
    out = summary.set_output(transform="pandas").fit_transform(frame)
    assert out.index.equals(frame.index)
    assert out.columns[:2].tolist() == ["flow_last", "flow_mean"]
    np.testing.assert_array_equal(out["flow_last"], frame["flow"].astype(np.float32))


def test_one_feature_in_a_2d_array_is_named_x0():
    summary = WindowSummary(("mean",)).fit([[1.0, 2.0, 3.0]])
    assert summary.get_feature_names_out().tolist() == ["x0_mean"]
    assert summary.transform([[1.0, 2.0, 6.0]]).tolist() == [[3.0]]


def test_the_width_does_not_grow_with_the_window(frame):
    widths = {
        make_pipeline(SlidingWindow(size), WindowSummary()).fit_transform(frame).shape
        for size in (1, 5, 30, 100)
    }
    assert widths == {(30, 8)}


def test_parameters_are_read_in_fit_alone():
    X = np.random.default_rng(0).normal(size=(5, 4, 2))
    summary = WindowSummary().fit(X)
    before = summary.transform(X)
    summary.set_params(statistics=("max",))
    np.testing.assert_array_equal(summary.transform(X), before)
    assert len(summary.get_feature_names_out()) == before.shape[1]


@pytest.mark.parametrize("statistics", [(), ("mean", "mean"), ("median",), (3,), [[]]])
def test_statistics_that_are_not_known_are_refused(statistics):
    summary = WindowSummary(statistics)
    with pytest.raises(ValueError, match=r"'statistics' .* must hold .* each once"):
        summary.fit(np.zeros((3, 2, 1)))
    with pytest.raises(NotFittedError):
        summary.transform(np.zeros((3, 2, 1)))


def test_a_classifier_after_it_scores_a_stream_as_the_table(frame):
    y = (frame["flow"] > 0.5).astype(int)
    model = make_pipeline(SlidingWindow(3), WindowSummary(), LogisticRegression())
    model.fit(frame, y)
    stream = StreamScorer(clone(model).fit(frame[:20], y[:20]))
    expected = stream.estimator.decision_function(frame[20:])
    scores = [stream.score_one(row) for row in frame[20:].to_dict("records")]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_a_loaded_summary_gives_the_same(frame, tmp_path):
    model = make_pipeline(SlidingWindow(3), WindowSummary(EVERY)).fit(frame[:20])
    save(model, tmp_path / "summary.skseq")
    loaded = load(tmp_path / "summary.skseq")
    assert loaded[-1].statistics_ == EVERY
    assert loaded.transform(frame).tobytes() == model.transform(frame).tobytes()


def test_an_unknown_statistic_is_not_written_to_a_file(frame, tmp_path):
    summary = WindowSummary().fit(SlidingWindow(3).fit_transform(frame))
    summary.statistics_ = ("mean", "median")
    with pytest.raises(ValueError, match="'statistics'.*median"):
        save(summary, tmp_path / "summary.skseq")


def test_a_fit_that_fails_leaves_the_summary_as_it_was():
    X = np.random.default_rng(0).normal(size=(5, 4, 2))
    summary = WindowSummary().fit(X)
    before = vars(summary).copy()
    with pytest.raises(ValueError, match="infinity"):
        summary.fit(np.full((3, 2, 1), np.inf))
    assert vars(summary) == before
