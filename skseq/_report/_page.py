# SPDX-License-Identifier: BSD-3-Clause
"""The page: every string that is not ours is escaped on its way into it."""

import json
import os
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from .._files import check_regular

_MAX_STEPS = 60  # cells of a window's strip
_N_FEATURES = 5  # that a window names


def fill(**fields):
    """The page as text; the fields are HTML."""
    folder = files(__package__)
    script = (folder / "page.js").read_text(encoding="utf-8")
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
    if value is None or np.isnan(value):
        return "–"
    if measure == "events found":
        return f"{value:.0f} of {rows.n_events}"
    if measure == "median detection delay":
        return f"{value:g} row{'' if value == 1 else 's'}"
    if measure == "false alarms":
        return f"{value:,.3g} {rows.unit}"
    return f"{value:.3f}"


def models_table(models, measures, rows):
    """Measures of each model, one model to a column."""
    heads = "".join(f'<th scope="col">{escape(model.name)}</th>' for model in models)
    lines = []
    for measure in measures[0]:
        cells = "".join(
            f"<td>{_format(measure, figures[measure], rows)}</td>"
            for figures in measures
        )
        lines.append(f'<tr><th scope="row">{measure}</th>{cells}</tr>')
    return (
        f"<table><thead><tr><th></th>{heads}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def list_html(sentences):
    return "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


def pictures_html(pictures):
    return "".join(
        f'<figure><h3>{picture.title}</h3><img alt="{picture.title}" '
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
    facts = [
        f"score {score:.4g}",
        "in an event" if rows.y[window.row] else "not in an event",
    ]
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
            f"<tr><th scope='row'>{name}</th><td>{rest:.0%}</td><td></td></tr>"
        )
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


def _share_line(name, share, steps, scale):
    parts = np.array_split(steps, min(len(steps), _MAX_STEPS))
    cells = "".join(
        f"<i style='background:rgba(213,94,0,{part.max() / scale:.2f})'></i>"
        for part in parts
    )
    return (
        f"<tr><th scope='row'>{escape(name)}</th><td>{share:.0%}</td>"
        f"<td><div class='steps' aria-hidden='true'>{cells}</div></td></tr>"
    )
