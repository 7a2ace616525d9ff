# SPDX-License-Identifier: BSD-3-Clause
"""Scores of tables larger than memory, and searches on a cluster, with Dask.

A task for each partition gives its last rows of each series. These are handed on from
partition to partition, which is cheap, and the windows of a partition reach back into
them. So each partition is read once, none has to wait for the scores of another, and a
window reaches back over as many partitions as it takes, which an overlap of so many
rows (``map_overlap``) would not do where series are interleaved.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ._detectors import around_windows, parts
from ._sklearn import StrOptions, validate_params
from .engines._batches import CHUNK
from .moving_reference import MovingReference
from .windowing import EachSeries

__all__ = ["search_on", "windowed_scores"]


class _Recomputing:
    """A client on which data that joblib sends is the result of a task.

    What is scattered lives on a worker, and dies with it. The scheduler keeps what a
    task was made of, and makes its result again. It also knows what it has submitted:
    joblib forgets it where a call is interrupted, and lets it run.
    """

    def __init__(self, client):
        self._client = client
        self._submitted = []

    def __getattr__(self, name):
        return getattr(self._client, name)

    def submit(self, *args, **kwargs):
        future = self._client.submit(*args, **kwargs)
        self._submitted.append(weakref.ref(future))  # not to keep what it gives
        return future

    def cancel_all(self):
        futures = [future for ref in self._submitted if (future := ref()) is not None]
        self._client.cancel(futures, force=True)

    def scatter(self, data, *, asynchronous=False, **_):
        future = self.submit(_itself, data, pure=False)
        return _at_once(future) if asynchronous else future


def _itself(data):
    return data


async def _at_once(value):
    return value


@contextlib.contextmanager
def search_on(client):
    """Let what joblib runs in here, such as a search, survive the death of workers.

    Within it ``GridSearchCV`` and all else of scikit-learn that has ``n_jobs`` fits on
    a Dask cluster. A worker that is killed costs the fits that it was at, which others
    do again; with ``joblib.parallel_config("dask")`` alone, a table or the rows of a
    split that only this worker had would end the search.

    Parameters
    ----------
    client : distributed.Client

    Raises
    ------
    TypeError
        If ``client`` is not one.

    Notes
    -----
    The scheduler holds the tables while the search runs. It must live, as the process
    that searches must. A fit that lost its worker three times is taken to be what
    kills them (``distributed.scheduler.allowed-failures``). Ctrl-C ends the search:
    fits that have not begun are never begun, those that have run to their end.

    Examples
    --------
    >>> import numpy as np
    >>> from distributed import Client
    >>> from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
    >>> from skseq import PCAAutoencoder
    >>> from skseq.dask import search_on
    >>> X = np.random.default_rng(0).normal(size=(60, 5, 2))
    >>> search = GridSearchCV(
    ...     PCAAutoencoder(), {"n_components": [2, 4]}, cv=TimeSeriesSplit(2)
    ... )
    >>> with Client(n_workers=1, processes=False, dashboard_address=":0") as client:
    ...     with search_on(client):
    ...         n_components = search.fit(X).best_params_["n_components"]
    >>> n_components
    4
    """
    import dask
    import joblib
    from distributed import Client

    if not isinstance(client, Client):
        raise TypeError(
            "The 'client' parameter of search_on must be a distributed.Client. Got "
            f"{type(client).__name__} instead."
        )
    # The tables are part of the tasks: that is the point of it.
    quiet = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}
    recomputing = _Recomputing(client)
    joblibs = joblib.parallel_config("dask", client=recomputing)
    with dask.config.set(quiet), joblibs:
        try:
            yield
        except BaseException:
            recomputing.cancel_all()
            raise


class _Before(NamedTuple):
    """What a partition has to know of those before it."""

    rows: pd.DataFrame | None  # the last ones of each series
    n_rows: int


def _parts(fitted, ddf):
    """What comes before SlidingWindow, this one, and the detector after it."""
    if not isinstance(fitted, Pipeline):
        raise TypeError(
            "'fitted' must be a Pipeline that holds SlidingWindow. Got "
            f"{type(fitted).__name__} instead: fit make_pipeline(SlidingWindow(...), "
            "detector)."
        )
    before, slider, after = around_windows(fitted)
    if slider is None or not after:
        raise ValueError(
            "'fitted' must hold one SlidingWindow, and a detector after it. Its steps "
            f"are {[type(step).__name__ for step in fitted.named_steps.values()]}."
        )
    check_is_fitted(fitted)
    for part in parts(fitted):
        is_each = isinstance(part, EachSeries)
        if is_each and getattr(part, "_unseen", None) == "first_rows":
            raise ValueError(
                "EachSeries with unseen='first_rows' has to see the first rows of a "
                "series, which a later partition does not hold. Fit it with "
                "unseen='pooled'."
            )
        if isinstance(part, MovingReference):
            raise ValueError(
                "MovingReference has to know the scores of the rows before, which the "
                "partitions before hold. Score a table in memory, or a pipeline of its "
                "detector."
            )
    for key in slider.plan_.keys:
        if key.column is None and key.name not in ddf.index._meta.names:
            raise ValueError(
                f"The {key.place} that SlidingWindow was fitted on is not the index "
                f"of 'ddf', which has the name {ddf.index.name!r}. Make it the index "
                "with set_index(..., sorted=True), or fit on a table that has it as a "
                "column: Dask has no index of several levels."
            )
    return Pipeline(before) if before else None, slider, Pipeline(after)


def _rows_of(partition, preparing):
    return pd.DataFrame(
        partition if preparing is None else preparing.transform(partition)
    )


def _last_rows(rows, slider, n):
    """The last n rows of each series, in the order of the table."""
    keys = [key.values(rows).set_axis(rows.index) for key in slider.plan_.groups]
    if not keys:
        return rows.iloc[max(len(rows) - n, 0) :]
    return rows.groupby(keys, sort=False, observed=True).tail(n)


def _end(partition, preparing, slider):
    if not len(partition):
        return _Before(None, 0)
    rows = _rows_of(partition, preparing)
    # A view would keep all of the partition in memory.
    return _Before(_last_rows(rows, slider, slider.plan_.rows_back).copy(), len(rows))


def _join(before, end, slider):
    """What the partition after ``end`` has to know."""
    n_rows = before.n_rows + end.n_rows
    parts = [rows for rows in (before.rows, end.rows) if rows is not None]
    if len(parts) < 2:
        return _Before(parts[0] if parts else None, n_rows)
    return _Before(_last_rows(pd.concat(parts), slider, slider.plan_.rows_back), n_rows)


def _scores(partition, before, n_after, preparing, slider, detector, method):
    """Scores of one partition, bit for bit as they are in the whole table.

    The size of a batch decides how its last bits are rounded, so stand-ins fill the
    batches that the partition shares with others.
    """
    scores = np.empty(0)
    if len(partition):
        rows, n_before = _rows_of(partition, preparing), 0
        if before.rows is not None:
            n_before = len(before.rows)
            rows = pd.concat([before.rows, rows])
        windows = _windows(slider, rows, n_before, before.n_rows)
        first = before.n_rows % CHUNK
        last = min(-(first + len(partition)) % CHUNK, n_after)
        numbers = np.pad(np.arange(n_before, len(rows)), (first, last), mode="edge")
        scores = getattr(detector, method)(windows[numbers])
        scores = scores[first : first + len(partition)]
    return pd.Series(scores, partition.index, dtype=np.float64, name=method)


def _windows(slider, rows, n_before, first_row):
    try:
        return slider.transform(rows)
    except ValueError as error:
        error.add_note(
            f"Row {n_before} of the message is row {first_row} of the Dask DataFrame, "
            "the first one of a partition; the rows before it are the last ones of "
            "each series in the partitions before."
        )
        raise


@validate_params(
    {
        "ddf": "no_validation",
        "fitted": "no_validation",
        "method": [StrOptions({"score_samples", "decision_function"})],
    },
    prefer_skip_nested_validation=True,
)
def windowed_scores(ddf, fitted, *, method="score_samples"):
    """Score each row of a Dask DataFrame by the window that ends there.

    The scores are those of ``getattr(fitted, method)(ddf.compute())``, bit for bit,
    without the table in memory. Windows go on over the edges of partitions, however
    short these are, and over partitions in which their series has no row. (To rounding
    only: of the last 1023 rows, where more than two partitions hold them, and of
    workers whose numeric libraries run on another number of threads.)

    Parameters
    ----------
    ddf : dask.dataframe.DataFrame
        Rows in time order, over the partitions as in each of them. The rows of
        different series may be interleaved.

    fitted : Pipeline
        Fitted pipeline that holds a :class:`~skseq.SlidingWindow`, and a detector after
        it. What comes before ``SlidingWindow``, if anything, must treat each row by
        itself, as a scaler does.

    method : {"score_samples", "decision_function"}, default="score_samples"
        Which scores.

    Returns
    -------
    scores : dask.dataframe.Series of float
        Lazy, with the partitions, the divisions and the index of ``ddf``.
        ``dask.dataframe.concat([ddf, scores], axis=1)`` puts them beside the rows.

    Raises
    ------
    TypeError
        If ``ddf`` is not a Dask DataFrame, or ``fitted`` not a Pipeline.

    ValueError
        If ``fitted`` does not hold one ``SlidingWindow`` and a detector after it. When
        computed, whatever the pipeline raises, such as where time decreases.

    See Also
    --------
    skseq.SlidingWindow : The windows, and how they continue from the training table.
    skseq.Windows.from_memmap : Train on a table larger than memory.

    Notes
    -----
    Each partition is read once. From one to the next go the last ``window_size - 1``
    rows of every series seen so far (``max_steps`` rows where windows are a duration):
    with very many series these are what takes memory, and to join them the time that is
    not spent in parallel. No shuffle is needed.

    A task holds one partition, its windows in batches of 1024, and its scores. Where
    memory is short, choose small partitions (``dask.dataframe.read_parquet`` with
    ``split_row_groups=True``) and few threads.

    Examples
    --------
    >>> import dask.dataframe as dd
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from skseq import PCAAutoencoder, SlidingWindow
    >>> from skseq.dask import windowed_scores
    >>> frame = pd.DataFrame({"flow": np.sin(np.arange(200)), "pump": ["a", "b"] * 100})
    >>> pipeline = make_pipeline(
    ...     SlidingWindow(5, group_by="pump"), PCAAutoencoder(n_components=2)
    ... ).fit(frame[:100])
    >>> scores = windowed_scores(dd.from_pandas(frame, npartitions=7), pipeline)
    >>> scores.npartitions
    7
    >>> bool((scores.compute() == pipeline.score_samples(frame)).all())
    True
    """
    import dask.dataframe as dd
    from dask import delayed

    if not isinstance(ddf, dd.DataFrame):
        raise TypeError(
            "'ddf' must be a Dask DataFrame. Got "
            f"{type(ddf).__name__} instead: use fitted.{method}(X) for a table in "
            "memory, or dask.dataframe.from_pandas."
        )
    preparing, slider, detector = (delayed(part) for part in _parts(fitted, ddf))
    partitions = ddf.to_delayed()
    ends = [delayed(_end)(each, preparing, slider) for each in partitions]
    # How many rows come after matters to the last batch. Few can only come after the
    # last partition but one: others need not wait for what follows.
    n_after = [*[CHUNK] * (len(ends) - 2), *[end.n_rows for end in ends[-1:]], 0]
    before, scores = delayed(_Before(None, 0)), []
    for partition, end, n in zip(partitions, ends, n_after[-len(ends) :], strict=True):
        scores.append(
            delayed(_scores)(partition, before, n, preparing, slider, detector, method)
        )
        before = delayed(_join)(before, end, slider)
    return dd.from_delayed(
        scores,
        meta=pd.Series(index=ddf._meta.index, dtype=np.float64, name=method),
        divisions=ddf.divisions if ddf.known_divisions else None,
    )
