# SPDX-License-Identifier: BSD-3-Clause
"""The timeline that can be zoomed, and the figures at each threshold."""

from html import escape

import numpy as np

from ..plotting._style import BLUE, ORANGE, VERMILION
from ..reconstruction._offset import NORMAL_QUANTILE
from ._operating import candidate_thresholds, operating_points

_MAX_BUCKETS = 2000  # of rows; the lowest and the highest score of each are drawn
_GAP = 10  # a gap is longer than this many median steps


def threshold_table(rows, model):
    """What the page needs to follow its slider.

    Parameters
    ----------
    rows : Rows

    model : Model

    Returns
    -------
    table : dict
        Counts at each threshold, over all rows.
    """
    score = np.asarray(model.score, dtype=float)
    thresholds = candidate_thresholds(score, model.threshold)
    in_use = model.threshold
    if in_use is None:
        usual = np.quantile(score, NORMAL_QUANTILE)
        in_use = thresholds[np.searchsorted(thresholds, usual) - 1]
    counts = operating_points(rows, score, thresholds)
    return {
        "threshold": thresholds.tolist(),
        "start": int(np.searchsorted(thresholds, in_use)),
        "event_rows": int(rows.y.sum()),
        "events": rows.n_events,
        "rate_of_one": rows.rate_of_one,
        "unit": rows.unit,
        **{name: values.tolist() for name, values in counts.items()},
    }


def drawn_rows(rows, score):
    """Positions, in series order, of the rows to draw: no peak is lost."""
    starts = np.linspace(0, len(score), min(_MAX_BUCKETS, len(score)), endpoint=False)
    starts = np.unique(starts.astype(int))
    if 2 * len(starts) >= len(score):
        return np.arange(len(score))
    bounds = [*starts, len(score)]
    parts = [
        low + np.array([f(score[low:high]) for f in (np.argmin, np.argmax)])
        for low, high in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    return np.unique(np.concatenate(parts))


def timeline_html(rows, model, score_name, threshold):
    """Plotly's picture of the scores, with plotly itself: no network is needed.

    The traces are the events, the score, the rows above the threshold, and the
    threshold; the script of the page moves the last two.

    Parameters
    ----------
    rows : Rows

    model : Model

    score_name : str

    threshold : float
        At which the slider starts.

    Returns
    -------
    html : str
    """
    import plotly.graph_objects as go

    score = np.asarray(model.score, dtype=float)[rows.order]
    figure = go.Figure(
        {
            "data": _traces(rows, score, threshold),
            "layout": _layout(rows, score, score_name),
        }
    )
    return figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        include_mathjax=False,
        div_id="timeline",
        default_height="26rem",
        config={"displayModeBar": False, "responsive": True},
    )


def _traces(rows, score, threshold):
    position = rows.position[rows.order]
    drawn = drawn_rows(rows, score)
    above = drawn[score[drawn] > threshold]
    cross = {"symbol": "x-thin", "size": 5, "line": {"width": 1.5, "color": VERMILION}}
    return [
        {
            "name": "event",
            **_event_outline(rows, position),
            "mode": "lines",
            "line": {"width": 1, "color": _translucent(ORANGE, 0.9)},
            "fill": "toself",
            "fillcolor": _translucent(ORANGE, 0.35),
            "hoverinfo": "skip",
            "yaxis": "y2",
        },
        {
            "name": "score",
            **_score_line(rows, position, score, drawn),
            "mode": "lines",
            "line": {"width": 1, "color": BLUE},
            "hovertemplate": "%{text}<br>%{y:.4g}<extra></extra>",
        },
        {
            "name": "alarm",
            **_points(position[above], score[above]),
            "mode": "markers",
            "marker": cross,
            "hoverinfo": "skip",
        },
        {
            "name": "threshold",
            **_points(position[[0, -1]], np.full(2, threshold)),
            "mode": "lines",
            "line": {"width": 1.5, "color": "black", "dash": "dash"},
            "hoverinfo": "skip",
        },
    ]


def _points(x, y):
    """Coordinates as lists: arrays would be packed, and the script reads them."""
    if np.issubdtype(x.dtype, np.datetime64):
        x = np.datetime_as_string(x, unit="ms")
    return {"x": x.tolist(), "y": y.tolist()}


def _layout(rows, score, score_name):
    is_log = score.min() > 0
    return {
        "template": "plotly_white",
        "margin": {"l": 55, "r": 10, "t": 10, "b": 45},
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1a1a1a"},
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
        "xaxis": {"title": {"text": rows.axis_label}, "showgrid": False},
        "yaxis": {
            "title": {"text": escape(score_name) + (" (log scale)" if is_log else "")},
            "type": "log" if is_log else "linear",
            "tickformat": "~g",
            **({"dtick": "D2"} if is_log and score.max() < 1e3 * score.min() else {}),
        },
        "yaxis2": {
            "overlaying": "y",
            "range": [0, 1],
            "visible": False,
            "fixedrange": True,
        },
    }


def _score_line(rows, position, score, drawn):
    """Some of the scores, as a line that ends with each series and at a gap in time."""
    first = ~rows.follows
    if rows.n_series == 1 and rows.time is not None and len(rows) > 1:
        steps = np.diff(position)
        first[1:] |= steps > _GAP * np.median(steps)
    starts = np.flatnonzero(first)[1:]
    at = np.searchsorted(drawn, starts)
    labels = [escape(rows.label(row)) for row in rows.order[drawn]]
    x = np.insert(position[drawn], at, position[starts])
    y = np.insert(score[drawn], at, np.nan)
    return {
        **_points(x, y),
        "text": np.insert(np.array(labels, object), at, "").tolist(),
    }


def _event_outline(rows, position):
    """One outline around each event, apart from each other."""
    is_event = rows.y[rows.order][rows.starts]
    first = rows.starts[is_event]
    last = np.append(rows.starts, len(rows))[1:][is_event] - 1
    corners = np.stack([first, first, last, last, last], axis=1).ravel()
    height = np.tile([0.0, 1.0, 1.0, 0.0, np.nan], len(first))
    return _points(position[corners], height)


def _translucent(color, alpha):
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"
