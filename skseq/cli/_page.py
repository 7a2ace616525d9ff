# SPDX-License-Identifier: BSD-3-Clause
"""``skseq report``: a page on a saved model, from a table that it has not seen."""

from sklearn.pipeline import Pipeline

from .._detectors import around_windows
from .._report._page import check_target
from .._report._report import write_page
from ._errors import load_trusting


def load_model(path, trusted):
    """A saved pipeline of rows; its columns of time and series, None without one."""
    model = load_trusting(path, trusted)
    slider = around_windows(model)[1]
    if slider is None or not isinstance(model, Pipeline):
        raise ValueError(
            f"{path} holds no pipeline with a SlidingWindow, which makes windows of "
            "the rows of a table."
        )
    plan = slider.plan_
    if len(plan.groups) > 1:
        raise ValueError(
            f"The series of {path} are named by several columns, which the command "
            "does not read: use skseq.report in Python."
        )
    time = None if plan.time is None else plan.time.name
    return model, time, plan.groups[0].name if plan.groups else None


def report_on(model, table, path, *, title):
    """Write the page, of the columns that the model was fitted on."""
    names = getattr(model, "feature_names_in_", None)
    X = table.X
    if names is not None:
        missing = [name for name in names if name not in X]
        if missing:
            raise ValueError(
                f"The table has no column {missing[0]!r}, which the model was fitted "
                f"on. Its columns are {', '.join(map(str, X))}."
            )
        X = X[list(names)]
    path = check_target(path)
    write_page(
        model,
        X,
        table.y if table.labelled else None,
        path,
        name=None,
        baselines=None,
        about_rows={"time": table.time, "groups": table.series, "max_gap": None},
        title=title,
        notes=(),
    )
