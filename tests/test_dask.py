# SPDX-License-Identifier: BSD-3-Clause
"""Scores of Dask DataFrames, and searches on a Dask cluster."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import uuid
from itertools import pairwise
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skseq import (
    EachSeries,
    EachTimeStep,
    LSTMAutoencoder,
    PCAAutoencoder,
    SlidingWindow,
    Windows,
)

dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")

distributed = pytest.importorskip("distributed")

from skseq.dask import search_on, windowed_scores  # noqa: E402

N_ROWS = 2500
LOADED_FOR_WORKERS = [
    "dask.dataframe",
    "distributed",
    "pytest",
    "sklearn.model_selection",
    "skseq.engines.native",
    "skseq.dask",
]


@pytest.fixture(scope="module")
def frame():
    """Rows of four interleaved series, one of them rare, with pauses and NaN."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N_ROWS, 3)), columns=["flow", "head", "heat"])
    frame.loc[rng.random(N_ROWS) < 0.05, "head"] = np.nan
    frame["pump"] = rng.choice(["a", "b", "c", "d"], N_ROWS, p=[0.5, 0.3, 0.19, 0.01])
    steps = rng.exponential(20, N_ROWS) + 600 * (rng.random(N_ROWS) < 0.01)
    frame["at"] = pd.Timestamp("2026-03-01") + pd.to_timedelta(steps.cumsum(), "s")
    return frame


def partitioned(frame, lengths):
    """A Dask DataFrame with partitions of such lengths, then one of the rest."""
    cuts = np.minimum(np.cumsum([0, *lengths]), len(frame)).tolist()
    parts = [frame[a:b] for a, b in pairwise([*cuts, len(frame)])]
    return dd.from_delayed([dask.delayed(part) for part in parts], meta=frame[:0])


def autoencoder():
    return LSTMAutoencoder(
        (4, 2), max_epochs=1, random_state=0, engine="native", early_stopping=False
    )


WINDOWS = {
    "one series": SlidingWindow(12),
    "a window of one row": SlidingWindow(1),
    "groups": SlidingWindow(12, group_by="pump"),
    "time": SlidingWindow(12, group_by="pump", time="at", max_gap="5min"),
    "duration": SlidingWindow(
        "4min", group_by="pump", time="at", max_steps=9, add_time_delta=True
    ),
    "time of one row": SlidingWindow(
        1, group_by="pump", time="at", max_gap="5min", add_time_delta=True
    ),
}
PARTITIONS = {
    "even": [300, 300, 300],
    "one": [],
    "shorter than a window": [7] * 12,
    "some empty, and a single row": [0, 1, 0, 700, 500],
    "the last one empty": [N_ROWS],
}


def in_memory_and_with_dask(pipeline, frame, lengths, method="score_samples"):
    with dask.config.set(scheduler="synchronous"):
        lazy = windowed_scores(partitioned(frame, lengths), pipeline, method=method)
        scores = lazy.compute()
    expected = getattr(pipeline, method)(frame)
    return pd.Series(expected, frame.index, name=method), scores


@pytest.fixture(scope="module", params=WINDOWS)
def slider(request):
    return WINDOWS[request.param]


@pytest.fixture(
    scope="module", params=[N_ROWS, 1000], ids=["of all", "of what comes on"]
)
def fitted_and_later(frame, slider, request):
    """A pipeline that was fitted on rows of a table, and the rows that it scores."""
    n_train = request.param
    keys = [key for key in (slider.group_by, slider.time) if key]
    frame = frame[["flow", "head", "heat", *keys]]
    scaled = EachTimeStep(StandardScaler())
    pipeline = make_pipeline(slider, scaled, autoencoder()).fit(frame[:n_train])
    return pipeline, frame[n_train % N_ROWS :]


@pytest.mark.parametrize("lengths", PARTITIONS.values(), ids=PARTITIONS)
def test_scores_are_those_in_memory_to_the_last_bit(fitted_and_later, lengths):
    pipeline, later = fitted_and_later
    expected, scores = in_memory_and_with_dask(pipeline, later, lengths)
    pd.testing.assert_series_equal(scores, expected, check_exact=True)


@pytest.mark.parametrize("network", [False, True])
def test_context_features_explain_in_partitions_too(frame, network):
    frame = frame[["flow", "head", "heat", "pump", "at"]]
    context = {"context_features": ["heat"]}
    detector = PCAAutoencoder(2, **context)
    if network:
        detector = autoencoder().set_params(**context)
    slider = SlidingWindow(6, group_by="pump", time="at", max_gap="5min")
    pipeline = make_pipeline(slider, EachTimeStep(StandardScaler()), detector)
    pipeline.fit(frame[:1000])
    later = frame[1000:]
    expected, scores = in_memory_and_with_dask(pipeline, later, [300, 7, 0, 400])
    pd.testing.assert_series_equal(scores, expected, rtol=1e-5)
    # Only where the context says something does it change a score.
    other = later.assign(heat=later["heat"] + 3)
    _, moved = in_memory_and_with_dask(pipeline, other, [300, 7, 0, 400])
    assert np.mean(~np.isclose(moved, scores)) > 0.9


def test_scores_are_those_in_memory_to_rounding_where_the_last_partitions_are_short(
    frame,
):
    frame = frame[["flow", "heat"]]
    pipeline = make_pipeline(SlidingWindow(12), PCAAutoencoder(n_components=2))
    pipeline.fit(frame)
    expected, scores = in_memory_and_with_dask(pipeline, frame, [2000, 80] + [9] * 30)
    pd.testing.assert_series_equal(scores[:2048], expected[:2048], check_exact=True)
    pd.testing.assert_series_equal(scores, expected, rtol=1e-5)


def test_without_what_came_before_the_scores_would_be_wrong(frame):
    frame = frame[["flow", "heat", "pump"]]
    pipeline = make_pipeline(
        SlidingWindow(12, group_by="pump"), PCAAutoencoder(n_components=2)
    ).fit(frame)
    expected, scores = in_memory_and_with_dask(pipeline, frame, [500] * 4)
    alone = [pipeline.score_samples(frame[k : k + 500]) for k in range(0, N_ROWS, 500)]
    assert_array_equal(scores, expected)
    # The first 11 rows of each series, in each partition but the first.
    assert np.sum(~np.isclose(np.concatenate(alone), expected)) > 4 * 3 * 11


def test_steps_before_the_windows_may_give_an_array(frame):
    scaled = make_column_transformer(
        (StandardScaler(), ["flow", "heat"]), ("passthrough", ["pump"])
    )
    pipeline = make_pipeline(scaled, SlidingWindow(12, group_by=2), autoencoder())
    frame = frame.assign(pump=frame["pump"].map(ord))
    pipeline.fit(frame)
    expected, scores = in_memory_and_with_dask(
        pipeline, frame, [300, 5, 700], "decision_function"
    )
    pd.testing.assert_series_equal(scores, expected, check_exact=True)


@pytest.mark.filterwarnings("ignore:Concatenating dataframes with unknown divisions")
def test_scores_of_a_parquet_file_have_its_partitions_and_index(frame, tmp_path):
    frame = frame.drop(columns="heat").set_index(frame.index % 7)
    frame["pump"] = frame["pump"].astype("category")
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=600)
    ddf = dd.read_parquet(tmp_path / "table.parquet", split_row_groups=True)
    pipeline = make_pipeline(
        SlidingWindow(12, group_by="pump", time="at", max_gap="1D"), autoencoder()
    ).fit(frame[:1000])
    scores = windowed_scores(ddf, pipeline)
    assert scores.npartitions == ddf.npartitions == 5
    expected = pipeline.score_samples(frame)
    joined = dd.concat([ddf, scores], axis=1).compute()
    assert_array_equal(joined["score_samples"], expected)
    assert_array_equal(joined["flow"], frame["flow"])


def test_known_divisions_are_kept(frame):
    pipeline = make_pipeline(SlidingWindow(3), autoencoder()).fit(frame[["flow"]])
    ddf = dd.from_pandas(frame[["flow"]], npartitions=3)
    scores = windowed_scores(ddf, pipeline)
    assert scores.divisions == ddf.divisions
    assert ddf.assign(score=scores).compute()["score"].notna().all()


def test_a_row_out_of_order_at_the_edge_of_a_partition_is_found(frame):
    frame = frame[["flow", "pump", "at"]]
    pipeline = make_pipeline(
        SlidingWindow(12, group_by="pump", time="at"), autoencoder()
    ).fit(frame)
    swapped = pd.concat([frame[1000:2000], frame[:1000]])
    with pytest.raises(ValueError, match="'time' column decreases") as caught:
        windowed_scores(partitioned(swapped, [1000]), pipeline).compute(
            scheduler="synchronous"
        )
    assert "is row 1000 of the Dask DataFrame" in caught.value.__notes__[0]


def scaled_by_series(unseen):
    each = EachSeries(StandardScaler(), min_rows=10, unseen=unseen)
    return make_pipeline(SlidingWindow(6, group_by="pump"), each, PCAAutoencoder(2))


def test_each_series_is_scaled_as_in_memory(frame):
    frame = frame[["flow", "head", "heat", "pump"]].assign(
        flow=frame["flow"] + 100 * frame["pump"].map(ord)
    )
    known = frame[frame["pump"] != "b"]  # which comes as a new series
    pipeline = scaled_by_series("pooled").fit(known)
    expected, scores = in_memory_and_with_dask(pipeline, frame, [300, 7, 900])
    pd.testing.assert_series_equal(scores, expected)


def test_first_rows_of_a_series_that_another_partition_holds_are_refused(frame):
    frame = frame[["flow", "pump"]]
    pipeline = scaled_by_series("first_rows").fit(frame)
    with pytest.raises(ValueError, match="EachSeries with unseen='first_rows'"):
        windowed_scores(dd.from_pandas(frame, npartitions=2), pipeline)


def test_what_cannot_be_scored_is_refused(frame):
    frame = frame[["flow"]]
    ddf = dd.from_pandas(frame, npartitions=2)
    pipeline = make_pipeline(SlidingWindow(3), autoencoder())
    with pytest.raises(NotFittedError):
        windowed_scores(ddf, pipeline)
    pipeline.fit(frame)
    with pytest.raises(TypeError, match="'ddf' must be a Dask DataFrame. Got DataFr"):
        windowed_scores(frame, pipeline)
    with pytest.raises(TypeError, match="must be a Pipeline .* Got LSTMAutoencoder"):
        windowed_scores(ddf, pipeline[-1])
    for steps in (pipeline[:1], pipeline[1:]):
        with pytest.raises(ValueError, match="must hold one SlidingWindow"):
            windowed_scores(ddf, steps)


@contextlib.contextmanager
def workers_forked_from_one_process():
    """Load what workers use once for all of them, where the system can."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        yield
        return
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        # Dask names modules of its own for this process, once.
        distributed.utils.get_mp_context().set_forkserver_preload(LOADED_FOR_WORKERS)
        yield


@pytest.fixture(scope="module")
def cluster():
    """Two processes of one thread each."""
    with (
        workers_forked_from_one_process(),
        distributed.LocalCluster(
            2, threads_per_worker=1, dashboard_address=":0", memory_limit=0
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


def client_of_two():
    """The client, when both workers are there: with one, joblib runs all here."""
    client = distributed.get_client()
    client.wait_for_workers(2, timeout=60)
    return client


def search_of(first_step, cv):
    pipeline = make_pipeline(first_step, SlidingWindow(12), autoencoder())
    grid = {"lstmautoencoder__hidden_layer_sizes": [2, 3, 4]}
    return GridSearchCV(pipeline, grid, cv=cv)


# BLAS has one thread in the workers, which decides how last bits are rounded.


def test_a_search_on_a_cluster_finds_what_one_process_finds(cluster, frame):
    X = frame[["flow", "heat"]][:600]
    search = search_of("passthrough", TimeSeriesSplit(2))
    with joblib.parallel_config("dask"):
        found = clone(search).fit(X).cv_results_["mean_test_score"]
    assert_allclose(found, search.fit(X).cv_results_["mean_test_score"], rtol=1e-5)


needs_sigkill = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="needs SIGKILL"
)


def take_your_time(X, folder, submitter):
    """Leave a mark, and be at work for as long as it takes to be killed."""
    if os.getpid() != submitter:
        (folder / f"{os.getpid()}-{uuid.uuid4().hex}").touch()
        time.sleep(0.3)
    return X


def slow_search(folder):
    slow = FunctionTransformer(
        take_your_time, kw_args={"folder": folder, "submitter": os.getpid()}
    )
    return search_of(slow, TimeSeriesSplit(2))


def kill_at_work(folder, killed):
    """SIGKILL a worker that has just begun a task."""
    until = time.monotonic() + 120
    while not killed and time.monotonic() < until:
        time.sleep(0.02)
        for path in sorted(folder.iterdir())[:1]:
            pid = path.name.partition("-")[0]
            os.kill(int(pid), signal.SIGKILL)
            killed.append(pid)


@needs_sigkill
def test_a_killed_worker_costs_the_task_it_was_at_and_not_the_search(
    cluster, frame, tmp_path
):
    X, killed = frame[["flow", "heat"]][:600], []
    client = client_of_two()
    killer = threading.Thread(target=kill_at_work, args=(tmp_path, killed))
    search = slow_search(tmp_path)
    killer.start()
    try:
        with search_on(client):
            found = clone(search).fit(X).cv_results_
    finally:
        killer.join(timeout=150)
    assert not killer.is_alive()
    assert len(killed) == 1
    expected = search.fit(X).cv_results_
    for split in range(2):
        name = f"split{split}_test_score"
        assert_allclose(found[name], expected[name], rtol=1e-5)


def test_ctrl_c_stops_a_search_and_leaves_the_cluster_fit(
    cluster, frame, tmp_path, monkeypatch
):
    X = frame[["flow", "heat"]][:600]

    # A signal may arrive where somebody swallows it: here it comes in joblib's wait.
    def sleep(seconds):
        if any(tmp_path.iterdir()):
            raise KeyboardInterrupt
        time.sleep(seconds)

    waiting = SimpleNamespace(**{**vars(time), "sleep": sleep})
    monkeypatch.setattr(joblib.parallel, "time", waiting)
    client = client_of_two()
    search = slow_search(tmp_path).set_params(cv=TimeSeriesSplit(20))
    with pytest.raises(KeyboardInterrupt), search_on(client):
        search.fit(X)
    monkeypatch.undo()
    n_marks, until = [0], time.monotonic() + 30
    while n_marks[-1] not in n_marks[:-1] and time.monotonic() < until:
        time.sleep(1)  # what had begun ends
        n_marks.append(len(list(tmp_path.iterdir())))
    assert 0 < n_marks[-1] == n_marks[-2] < 20  # of 120
    with search_on(client):
        again = search_of("passthrough", TimeSeriesSplit(2)).fit(X)
    assert np.isfinite(again.cv_results_["mean_test_score"]).all()


def train_on_file(path, checkpoint, mark, submitter):
    """Train on a memory-mapped table; the first worker is killed when it has begun."""
    stop = threading.Event()

    def kill():
        while not stop.wait(0.001):
            if checkpoint.exists():
                with contextlib.suppress(FileExistsError):
                    os.mkdir(mark)
                    os.kill(os.getpid(), signal.SIGKILL)
                return

    if os.getpid() != submitter:
        threading.Thread(target=kill, daemon=True).start()
    network = LSTMAutoencoder(
        (4, 2), max_epochs=20, random_state=0, engine="native", checkpoint=checkpoint
    )
    windows = Windows.from_memmap(np.load(path, mmap_mode="r"), 12)
    fitted = network.fit(windows)
    stop.set()
    return fitted.weights_, fitted.loss_curve_, fitted.offset_


@needs_sigkill
def test_training_on_a_mapped_table_goes_on_where_a_killed_worker_was(
    cluster, frame, tmp_path
):
    path, mark = tmp_path / "table.npy", tmp_path / "killed"
    np.save(path, frame[["flow", "heat"]].to_numpy(np.float32))
    client = client_of_two()
    there = client.submit(
        train_on_file, path, tmp_path / "there.skseq", mark, os.getpid()
    ).result(timeout=120)
    assert mark.exists()
    here = train_on_file(path, tmp_path / "here.skseq", mark, os.getpid())
    assert there[1] == pytest.approx(here[1], rel=1e-6)
    assert there[2] == pytest.approx(here[2], rel=1e-6)
    for one, other in zip(there[0], here[0], strict=True):
        assert_allclose(one, other, atol=1e-6)


def test_a_search_needs_a_client():
    with pytest.raises(TypeError, match="'client' parameter of search_on must be a"):
        with search_on("tcp://127.0.0.1:8786"):
            pass


def test_processes_of_a_cluster_score_as_this_one_does(cluster, frame):
    frame = frame[["flow", "heat", "pump"]]
    pipeline = make_pipeline(SlidingWindow(12, group_by="pump"), autoencoder())
    pipeline.fit(frame)
    scores = windowed_scores(partitioned(frame, [700, 1000]), pipeline).compute()
    assert_allclose(scores, pipeline.score_samples(frame), rtol=1e-5)
