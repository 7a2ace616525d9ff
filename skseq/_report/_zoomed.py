# SPDX-License-Identifier: BSD-3-Clause
"""The timeline that can be zoomed, and the figures at each threshold."""

import numpy as np
import pandas as pd

from ..plotting._style import allows_log_scale, gaps
from ..reconstruction._offset import NORMAL_QUANTILE
from ..rows._events import event_runs
from ._operating import candidate_thresholds, operating_points

MAX_STRIPS = 12  # one for each series
_MAX_BUCKETS = 2000  # of rows; the lowest and the highest score of each are drawn


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
        "normal_rows": int((~rows.y).sum()),
        "events": rows.n_events,
        "rate_of_one": rows.rate_of_one,
        "unit": rows.unit,
        **{name: values.tolist() for name, values in counts.items()},
    }


def drawn_rows(score, n_buckets=_MAX_BUCKETS):
    """Positions of the scores to draw: no peak is lost."""
    starts = np.linspace(0, len(score), min(n_buckets, len(score)), endpoint=False)
    starts = np.unique(starts.astype(int))
    if 2 * len(starts) >= len(score):
        return np.arange(len(score))
    bounds = [*starts, len(score)]
    parts = [
        low + np.array([f(score[low:high]) for f in (np.argmin, np.argmax)])
        for low, high in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    return np.unique(np.concatenate(parts))


def timeline(rows, model, score_name):
    """What the script of the page draws: a strip for each series.

    Parameters
    ----------
    rows : Rows

    model : Model

    score_name : str

    Returns
    -------
    timeline : dict
        ``is_thinned`` tells whether some rows are left out. ``strips`` hold ``x`` and
        ``y`` of the line, which breaks at None, and ``x`` of the first and the last row
        of each event. Dates are in milliseconds of the clock on the wall.
    """
    score = np.asarray(model.score, dtype=float)
    place = place_of(rows)
    shown = _shown(rows, score, model.threshold)
    n_buckets = max(_MAX_BUCKETS // len(shown), 100)
    lengths = np.diff(np.append(rows.series_starts, len(rows)))
    return {
        "is_thinned": bool((lengths[list(shown)] > 2 * n_buckets).any()),
        "score_name": score_name,
        "is_log": allows_log_scale(score),
        "has_dates": rows.has_dates,
        "x_name": "time" if rows.time is not None else "row",
        "strips": [_strip(rows, k, place, score, n_buckets) for k in shown],
    }


def place_of(rows):
    """Where to draw each row: at its time, or number."""
    if rows.time is None:
        return rows.numbers
    if not rows.has_dates:
        return rows.time.to_numpy()
    wall = rows.time.dt.tz_localize(None)
    return (wall - pd.Timestamp(0)).to_numpy("timedelta64[ms]").astype(np.int64)


def _shown(rows, score, threshold):
    """The series to draw, by number: where there are many, those most in alarm."""
    if rows.n_series <= MAX_STRIPS:
        return range(rows.n_series)
    ordered = score[rows.order]
    starts = rows.series_starts
    above = np.zeros(len(starts))
    if threshold is not None:
        above = np.add.reduceat((ordered > threshold).astype(float), starts)
    peak = np.maximum.reduceat(ordered, starts)
    return np.sort(np.lexsort((-peak, -above))[:MAX_STRIPS])


def _strip(rows, k, place, score, n_buckets):
    """One series: its line, with breaks at gaps in time, and its events."""
    bounds = np.append(rows.series_starts, len(rows))
    members = rows.order[bounds[k] : bounds[k + 1]]
    x, y = place[members], score[members]
    drawn = drawn_rows(y, n_buckets)
    line_x, line_y = x[drawn], y[drawn].astype(object)
    at = np.unique(np.searchsorted(drawn, gaps(x))).astype(int)
    first, stop = event_runs(rows.y[members])
    return {
        "name": str(rows.groups[members[0]]) if rows.n_series > 1 else "",
        "x": np.insert(line_x, at, line_x[np.minimum(at, len(drawn) - 1)]).tolist(),
        "y": np.insert(line_y, at, None).tolist(),
        "events": np.column_stack([x[first], x[stop - 1]]).tolist(),
    }
