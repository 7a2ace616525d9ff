# SPDX-License-Identifier: BSD-3-Clause
"""``skseq detect``, from a table that was read to the files of what came of it."""

import json
import shlex

import typer
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline

from .. import __version__
from .._detectors import parts as parts_of
from .._files import replacing
from ..persistence._save import save
from . import _detect, _results
from ._options import reading_again

# The nodes of the forests, which skops does not trust in the files of others.
_TREES = "sklearn.tree._tree.Tree"


def detect_in(table, choices, out, page, *, title, bars):
    """Train, score, tell of it, and write into a folder.

    Returns
    -------
    told : dict
        What detect.json holds.
    """
    detectors = _detect.make_detectors(choices, table.labelled)
    parts = _detect.split(table, choices)
    grades = _detect.grades_of(table, choices.cut)
    past, future = parts.past, parts.future
    out.mkdir(parents=True, exist_ok=True)
    page = _results.check_target(page)
    models, notes = _detect.fit(
        detectors, past, choices, context=table.context, bars=bars
    )
    scores = _detect.score(models, future.windows)
    *_, main = models
    figures = _results.figures_of(future, models, scores)
    _results.print_report(past, future, models[main], figures, notes, choices.threshold)
    detector = _results.explained(future.windows, models[main], scores.by_member)
    names = _results.write_results(
        out, table, future, models, scores, choices, detector
    )
    _results.write_page(
        page,
        title,
        table,
        future,
        models,
        scores,
        detector=detector,
        horizon=choices.horizon,
        max_gap=choices.gap,
        grades=grades,
        seed=choices.seed,
    )
    reading = reading_again(table.told["arguments"], table.left_out)
    line = _save_model(out, parts, models[main], reading)
    told = {
        "skseq": __version__,
        "read": {key: table.told.get(key) for key in ("files", "assumed", "notes")},
        "window": parts.slider.window_size,
        "context": list(table.context),
        "n_rows": {"trained": len(past.y), "scored": len(future.y)},
        "model": main,
        "weights": _detect.weights_of(models[main]),
        "models": figures,
        "notes": notes,
        "files": [*names, page.name, "model.skseq"],
        "score": line,
    }
    if future.labelled:
        told["n_events"] = {"trained": past.n_events, "scored": future.n_events}
    with replacing(out / "detect.json") as file:
        file.write((json.dumps(told, indent=1) + "\n").encode())
    return told


def _save_model(out, parts, model, reading):
    """Save what takes a table to decisions; the line that scores new rows with it.

    ``reading`` are the options with which the next table is read as this one was.
    """
    path = out / "model.skseq"
    pipeline = make_pipeline(parts.slider, parts.scaler, model)
    line = " ".join(["skseq score", shlex.quote(str(path)), "new.csv", *reading])
    has_trees = any(isinstance(part, IsolationForest) for part in parts_of(model))
    save(pipeline, path, trusted=[_TREES] * has_trees)
    if has_trees:
        line += f" --trust {_TREES}"
    typer.echo(f"Wrote model.skseq. To score new rows with it: {line}")
    return line
