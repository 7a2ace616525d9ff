# SPDX-License-Identifier: BSD-3-Clause
"""report: one page on how well a detector does."""

from html import escape
from importlib.util import find_spec
from numbers import Integral

from .. import __version__
from .._files import write_atomically
from .._sklearn import HasMethods, Interval, validate_params
from .._telling import telling
from ..engines._cores import one_thread_of_blas
from ._fields import Scored, page_fields
from ._input import grades_of, make_rows, score_models
from ._page import check_target, fill


@validate_params(
    {
        "estimator": [
            HasMethods(["score_samples"]),
            HasMethods(["decision_function"]),
        ],
        "X": "no_validation",
        "y": ["array-like", None],
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
    y=None,
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

    One HTML file that needs nothing else. Its first line says what it does: how many
    events it finds, how late, at how many false alarms, and where it stands among the
    models. Then: does it beat the best simple model, by how much, and how sure is that;
    what its threshold stands on; the measures of each model; a timeline in which the
    threshold can be moved; the alarms, the events and the series; how far normal rows
    have moved since the training; what each sensor is good for; pictures; and the ten
    worst windows with the features and steps that made their scores.

    Parameters
    ----------
    estimator : estimator
        Fitted: a :class:`RareEventClassifier`, an outlier detector, or a pipeline that
        ends in one.

    X : array-like
        Its input. These must be rows that it was neither fitted on nor had its
        threshold set on: the page cannot tell, and says so. Rows in whose windows
        nothing was observed are counted, and left out of all figures.

    y : array-like of shape (n_samples,), default=None
        1 or True for the rows of events, 0 or False for the rest. Without any event
        the page says what it cannot tell. None where no row is labelled: the page is
        then of alarms, not of whether they are right.

    path : str or path-like, default="report.html"
        File to write. It is replaced when the page is complete.

    name : str, default=None
        What to call the estimator. None for the class of the detector.

    baselines : dict of str to estimator, default=None
        Models to compare with, by name, fitted on the same training rows, which take
        the same ``X``. The verdict is about the best of the simple ones, those without
        a network or members: give those that are quickly tried, around a
        :class:`PCAAutoencoder` and an :class:`~sklearn.ensemble.IsolationForest`.

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
        If matplotlib is missing: ``pip install skseq[report]``.

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

    A model is called useless where it is in alarm half of the normal time or more,
    flags no row of an event, or scores events no higher than normal rows.

    Drift is told by the share of normal rows above the detector's own limit of what is
    normal, minus ``offset_``, over the share that this was set to leave out. Where that
    is not known, as of a detector of scikit-learn's, the first fifth of the rows stands
    for what is usual.

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
    return write_page(
        estimator,
        X,
        y,
        path,
        name=name,
        baselines=baselines,
        about_rows={"time": time, "groups": groups, "max_gap": max_gap},
        title=title,
        notes=notes,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def write_page(
    estimator,
    X,
    y,
    path,
    *,
    name,
    baselines,
    about_rows,
    title,
    notes,
    grades=None,
    scores=None,
    detector=None,
    n_resamples=1000,
    random_state=0,
):
    """The page, of parameters that are valid.

    Sensors may have been graded before, and the rows scored, by the names of models,
    and explained by the detector that ``telling`` gives.
    """
    if find_spec("matplotlib") is None:
        raise ImportError("skseq.report needs matplotlib: pip install skseq[report]")
    path = check_target(path)
    models, score_name = score_models(estimator, X, name, baselines or {}, scores)
    rows = make_rows(estimator, X, y, n_rows=len(models[0].score), **about_rows)
    if grades is None:
        grades = grades_of(estimator, X, rows)
    detector = detector or telling(estimator, X)
    judged = Scored(X, detector, models, rows).judged()
    with one_thread_of_blas():  # of small products, which others' threads hold up
        fields = page_fields(
            judged,
            estimator=estimator,
            score_name=score_name,
            grades=grades,
            resampling={"n_resamples": n_resamples, "random_state": random_state},
            notes=notes,
        )
    page = fill(version=__version__, title=escape(title), **fields)
    write_atomically(path, page.encode("utf-8"))
    return path
