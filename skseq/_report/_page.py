# SPDX-License-Identifier: BSD-3-Clause
"""The page: every string that is not ours is escaped on its way into it."""

import json
import os
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd

from .._files import check_regular
from ..plotting._style import model_style
from ..rows._words import duration, number, share

_MAX_STEPS = 60  # cells of a window's strip
_RATES = ("false alarms", "alarms")
_N_FEATURES = 5  # that a window names


def fill(**fields):
    """The page as text; the fields are HTML."""
    folder = files(__package__)
    script = "".join(
        (folder / name).read_text(encoding="utf-8")
        for name in ("timeline.js", "page.js")
    )
    template = Template((folder / "page.html").read_text(encoding="utf-8"))
    return template.substitute(script=script, **fields)


def json_for_script(value):
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def check_target(path):
    """Path of a file that can be written, before anything is computed for it."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f"'path' must name a file, such as report.html. Got the folder {path}."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"'path' must lie in a folder that exists. Got {path}: there is no folder "
            f"{path.parent}."
        )
    check_regular(path)
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(
            f"'path' must lie in a folder that can be written to. Got {path}."
        )
    return path


def _format(measure, value, rows):
    if pd.isna(value):
        return "–"
    if measure == "events found":
        return f"{value:.0f} of {rows.n_events}"
    if measure == "median detection delay":
        if isinstance(value, pd.Timedelta):
            return duration(value)
        return f"{value:g} row{'' if value == 1 else 's'}"
    if measure in _RATES:
        return number(value)
    if measure.endswith("time in alarm"):
        return share(value)
    return f"{value:.3f}"


def models_table(models, measures, rows):
    """Measures of each model, one model to a column."""
    heads = "".join(
        f'<th scope="col"><i class="swatch" style="background:{model_style(k)[0]}">'
        f"</i>{escape(model.name)}</th>"
        for k, model in enumerate(models)
    )
    lines = []
    for measure in measures[0]:
        cells = "".join(
            f"<td>{_format(measure, figures[measure], rows)}</td>"
            for figures in measures
        )
        unit = f" {rows.unit}" if measure in _RATES else ""
        lines.append(f'<tr><th scope="row">{measure}{unit}</th>{cells}</tr>')
    return (
        f"<table><thead><tr><th></th>{heads}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def weights_html(weights):
    """Weights of the members of a committee, by name; "" where none were learnt."""
    if not isinstance(weights, pd.Series):  # none, or those of a network
        return ""
    if weights.isna().all():
        return "<p>The members share the decision: no held-out event weighs them.</p>"
    total = weights.sum() or 1
    lines = "".join(
        f"<tr><th scope='row'>{escape(str(name))}</th><td>{share(value / total)}</td>"
        f"<td><i class='bar' style='width:{100 * value / total:.0f}%'></i></td></tr>"
        for name, value in weights.sort_values(ascending=False).items()
    )
    return (
        "<h3>Who found the events: weights of the members</h3>"
        f"<table class='weights'><tbody>{lines}</tbody></table>"
    )


_FIGURES = {
    "threshold": "threshold",
    "precision": "precision (rows)",
    "recall": "recall (rows)",
    "found": "events found",
    "alarms": "alarms",
    "false-alarms": "false alarms",
    "false-rows": "normal rows in alarm",
}
_UNLABELLED = {
    "threshold": "threshold",
    "alarms": "alarms",
    "false-rows": "rows in alarm",
}


def figures_html(labelled):
    """Places for the figures that follow the slider."""
    names = _FIGURES if labelled else _UNLABELLED
    return "".join(
        f'<div><dt>{title}</dt><dd id="{name}"></dd></div>'
        for name, title in names.items()
    )


_MARKS = {
    "score": '<path class="score" d="M0 6L5 2L11 10L18 4"/>',
    "alarm": '<path class="alarm" d="M6 3l6 6m0 -6l-6 6"/>',
    "threshold": '<path class="threshold" d="M0 6H18"/>',
    "event": '<path class="event" d="M2 1H16V11H2Z"/>',
}


def legend_html(labelled):
    return "".join(
        f'<li class="plot-mark"><svg width="18" height="12" class="mark">{mark}</svg>'
        f"{name}</li>"
        for name, mark in _MARKS.items()
        if labelled or name != "event"
    )


def list_html(sentences):
    return "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


def pictures_html(pictures):
    return "".join(
        f'<figure><h3>{escape(picture.title)}</h3><img alt="{escape(picture.title)}" '
        f'src="data:image/png;base64,{picture.png}"></figure>'
        for picture in pictures
    )


def windows_html(windows, rows, model):
    return "".join(
        _window_html(rank, window, rows, model)
        for rank, window in enumerate(windows, start=1)
    )


def _window_html(rank, window, rows, model):
    score = model.score[window.row]
    facts = [f"score {number(score, 4)}"]
    if rows.labelled:
        facts.append("in an event" if rows.y[window.row] else "not in an event")
    if model.threshold is not None:
        facts.append("an alarm" if score > model.threshold else "no alarm")
    html = (
        f"<article class='window'><h3>{rank}. {escape(rows.label(window.row))}</h3>"
        f"<p class='soft'>{', '.join(facts)}</p>"
    )
    if window.shares is not None:
        html += _shares_html(window)
    return f"{html}</article>"


def _shares_html(window):
    of_feature = window.shares.sum(axis=0)
    top = np.argsort(-of_feature, kind="stable")[:_N_FEATURES]
    strength = window.shares[:, top].clip(min=0)
    scale = strength.max() or 1.0
    lines = [
        _share_line(window.feature_names[k], of_feature[k], steps, scale)
        for k, steps in zip(top, strength.T, strict=True)
    ]
    others = len(of_feature) - len(top)
    if others:
        rest = 1 - of_feature[top].sum()
        name = f"{others} other feature{'' if others == 1 else 's'}"
        lines.append(
            f"<tr><th scope='row'>{name}</th><td>{_part(rest)}</td><td></td></tr>"
        )
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


def _part(value):
    """A share of a score in whole percent; it may be negative, and is never "-0%"."""
    return f"{round(100 * value) + 0}%"


def _share_line(name, part, steps, scale):
    parts = np.array_split(steps, min(len(steps), _MAX_STEPS))
    cells = "".join(
        f"<i style='background:rgba(213,94,0,{cell.max() / scale:.2f})'></i>"
        for cell in parts
    )
    return (
        f"<tr><th scope='row'>{escape(name)}</th><td>{_part(part)}</td>"
        f"<td><div class='steps' aria-hidden='true'>{cells}</div></td></tr>"
    )
