# SPDX-License-Identifier: BSD-3-Clause
"""report: one page on how well a detector does."""

from html import escape
from importlib.util import find_spec
from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from .. import __version__
from .._files import write_atomically
from ._bootstrap import average_precision_difference
from ._input import make_rows, score_models
from ._page import (
    check_target,
    fill,
    json_for_script,
    list_html,
    models_table,
    pictures_html,
    windows_html,
)
from ._pictures import draw_pictures
from ._verdict import judge
from ._words import (
    ABOUT_THE_ROWS,
    about_the_models,
    about_the_threshold,
    about_the_timeline,
    about_the_windows,
    summary,
)
from ._worst import reconstructor, worst_windows
from ._zoomed import threshold_table, timeline_html


@validate_params(
    {
        "estimator": [
            HasMethods(["score_samples"]),
            HasMethods(["decision_function"]),
        ],
        "X": "no_validation",
        "y": ["array-like"],
        "path": "no_validation",
        "name": [str, None],
        "baselines": [dict, None],
        "time": ["array-like", None],
        "groups": ["array-like", None],
        "max_gap": "no_validation",
        "title": [str],
        "notes": [list, tuple],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def report(
    estimator,
    X,
    y,
    path="report.html",
    *,
    name=None,
    baselines=None,
    time=None,
    groups=None,
    max_gap=None,
    title="Detection of rare events",
    notes=(),
    n_resamples=1000,
    random_state=0,
):
    """Write a page that tells how well a fitted detector does, and beside what.

    One HTML file that needs nothing else: the verdict in a sentence (does it beat the
    linear baseline, by how much, and how sure is that), the measures of each model,
    a timeline in which the threshold can be moved, pictures, and the ten worst windows
    with the features and steps that made their errors.

    Parameters
    ----------
    estimator : estimator
        Fitted: a :class:`RareEventClassifier`, an outlier detector, or a pipeline that
        ends in one.

    X : array-like
        Its input. These must be rows that it was neither fitted on nor had its
        threshold set on: the page cannot tell, and says so. Rows in whose windows
        nothing was observed are counted, and left out of all figures.

    y : array-like of shape (n_samples,)
        1 or True for the rows of events, 0 or False for the rest. Without any event
        the page says what it cannot tell.

    path : str or path-like, default="report.html"
        File to write. It is replaced when the page is complete.

    name : str, default=None
        What to call the estimator. None for the class of the detector.

    baselines : dict of str to estimator, default=None
        Models to compare with, by name, fitted on the same training rows, which take
        the same ``X``. The verdict is about the first, which should be the linear one,
        around a :class:`PCAAutoencoder`.

    time : array-like of shape (n_samples,), default=None
        Time of each row, datetimes or numbers. None for the column that the
        :class:`SlidingWindow` of a pipeline names, or an index of datetimes.

    groups : array-like of shape (n_samples,), default=None
        Series of each row. None for the columns that the :class:`SlidingWindow` of a
        pipeline names, or the series of :class:`Windows`.

    max_gap : str, pandas.Timedelta, datetime.timedelta or float, default=None
        Longest time between two rows in which the process was watched, for the alarms a
        day. None for that of the :class:`SlidingWindow` of a pipeline, or no limit.

    title : str, default="Detection of rare events"
        Title of the page.

    notes : list of str, default=()
        Sentences to add at its end.

    n_resamples : int, default=1000
        Number of resamples of the events and normal stretches.

    random_state : int, RandomState instance or None, default=0
        Draws the resamples.

    Returns
    -------
    path : pathlib.Path
        The file.

    Raises
    ------
    ImportError
        If plotly or matplotlib is missing: ``pip install skseq[report]``.

    OSError
        If the file cannot be written.

    ValueError
        If ``y``, ``time`` or ``groups`` is not of the length of the scores, ``y``
        holds other labels, or no row has a score.

    See Also
    --------
    skseq.metrics : The measures.
    skseq.plotting : The pictures.

    Notes
    -----
    The interval of the difference in average precision is that of a percentile
    bootstrap [1]_ whose units are the events and the stretches of normal rows between
    them, as the rows within each are alike [2]_. Stretches longer than a fiftieth of
    the normal rows are cut. Each resample draws as many events and as many stretches as
    there are, and measures both models on them.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman &
       Hall, 1993.

    .. [2] H. R. Künsch, "The jackknife and the bootstrap for general stationary
       observations", The Annals of Statistics 17(3), 1989.

    Examples
    --------
    >>> import skseq
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.pipeline import make_pipeline
    >>> from skseq.datasets import make_process_faults
    >>> X, y = make_process_faults(
    ...     1200, 3, fault_rate=0.1, event_length=6, precursor_length=5, random_state=0
    ... )
    >>> def fit(detector):
    ...     slider = skseq.SlidingWindow(5, time="timestamp", max_gap="5min")
    ...     model = make_pipeline(slider, skseq.RareEventClassifier(detector))
    ...     return model.fit(X[:800], y[:800])
    >>> with TemporaryDirectory() as folder:
    ...     page = skseq.report(
    ...         fit(skseq.PCAAutoencoder(6, score_on="last")),
    ...         X[800:],
    ...         y[800:],
    ...         Path(folder) / "report.html",
    ...         name="PCA, last step",
    ...         baselines={"PCA": fit(skseq.PCAAutoencoder())},
    ...     )
    ...     "PCA, last step" in page.read_text(encoding="utf-8")
    True
    """
    missing = [name for name in ("plotly", "matplotlib") if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"skseq.report needs {' and '.join(missing)}: pip install skseq[report]"
        )
    path = check_target(path)
    models, score_name = score_models(estimator, X, name, baselines or {})
    rows = make_rows(
        estimator,
        X,
        y,
        n_rows=len(models[0].score),
        time=time,
        groups=groups,
        max_gap=max_gap,
    )
    detector, windows = reconstructor(estimator, X)
    models, rows, windows = _judged(models, rows, windows)
    measures = [model.measures(rows) for model in models]
    difference = None
    if len(models) > 1 and rows.y.any() and not rows.y.all():
        difference = average_precision_difference(
            rows,
            models[0].score,
            models[1].score,
            n_resamples=n_resamples,
            random_state=random_state,
        )
    baseline = models[1].name if len(models) > 1 else None
    verdict = judge(models[0].name, baseline, rows, measures, difference)
    worst = worst_windows(detector, windows, rows, models[0].score)
    pictures = draw_pictures(detector, windows, rows, models, score_name, worst[0].row)
    table = threshold_table(rows, models[0])
    start = table["threshold"][table["start"]]
    detail = verdict.detail
    if difference is not None:
        detail += f" They are drawn with random_state={random_state!r}."
    page = fill(
        version=__version__,
        title=escape(title),
        summary=escape(summary(rows, models)),
        verdict_kind=verdict.kind,
        verdict=escape(verdict.sentence),
        verdict_detail=escape(detail),
        models=models_table(models, measures, rows),
        models_note=escape(about_the_models(models, rows)),
        threshold_text=escape(about_the_threshold(models[0], rows)),
        timeline=timeline_html(rows, models[0], score_name, start),
        timeline_note=escape(about_the_timeline(rows, len(table["threshold"]))),
        pictures=pictures_html(pictures),
        windows_note=escape(about_the_windows(models[0], detector)),
        windows=windows_html(worst, rows, models[0]),
        notes=list_html([*ABOUT_THE_ROWS, *notes]),
        thresholds=json_for_script(table),
    )
    write_atomically(path, page.encode("utf-8"))
    return path


def _judged(models, rows, windows):
    """Models, rows and windows without the rows of which nothing was observed."""
    judged = ~np.isnan([model.score for model in models]).any(axis=0)
    if judged.all():
        return models, rows, windows
    if not judged.any():
        raise ValueError(
            "No row can be judged: nothing was observed in any of their windows."
        )
    models = [model.judged(judged) for model in models]
    return models, rows.judged(judged), None if windows is None else windows[judged]
