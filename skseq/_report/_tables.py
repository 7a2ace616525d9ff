# SPDX-License-Identifier: BSD-3-Clause
"""Tables of alarms, events, series and sensors."""

from html import escape

import numpy as np
import pandas as pd

from ..alarms import alarm_table, event_table, series_table
from ..rows._words import count, duration, number, share

_MAX_LINES = 100
_MAX_EXPLAINED = 5000  # rows in alarm; more are not needed to name the features


def alarm_tables(rows, model, contributions=None):
    """The alarms, events and series of a model, each as a frame.

    Parameters
    ----------
    rows : Rows

    model : Model
        With a threshold.

    contributions : DataFrame of shape (n_rows, n_features), default=None

    Returns
    -------
    alarms : DataFrame

    events : DataFrame or None
        None without labels.

    series : DataFrame or None
        None of a single series.
    """
    given = {
        "rule": model.rule,
        "time": rows.time,
        "groups": rows.groups if rows.n_series > 1 else None,
    }
    y_true = rows.y.astype(int) if rows.labelled else None
    alarms = alarm_table(model.score, y_true, contributions=contributions, **given)
    events = None if y_true is None else event_table(model.score, y_true, **given)
    series = None
    if rows.n_series > 1:
        series = series_table(model.score, y_true, **given)
    return alarms, events, series


def contributions_of(detector, rows, model):
    """Share of each feature in the scores of rows in alarm; None without an alarm."""
    chosen = np.flatnonzero(model.alarm)
    if not len(chosen):
        return None
    chosen = chosen[:: 1 + len(chosen) // _MAX_EXPLAINED]
    shares = detector.explained(chosen)
    return pd.DataFrame(np.asarray(shares), chosen, shares.columns).reindex(
        range(len(rows))
    )


def tables_html(alarms, events, series, rows):
    """The tables as HTML, each to be opened."""
    parts = []
    if not len(alarms):
        parts.append("<p>There is none.</p>")
    else:
        title = count(len(alarms), "alarm")
        if len(alarms) > 1:
            title += ", those of the highest scores first"
        parts.append(_details(title, _alarms(alarms, rows), is_open=True))
    if events is not None and len(events):
        n_found = int(events["found"].sum())
        title = f"{count(len(events), 'event')}, {n_found:,} found"
        parts.append(_details(title, _events(events, rows)))
    if series is not None:
        parts.append(_details(f"{len(series):,} series", _series(series)))
    return "".join(parts)


def _details(title, html, *, is_open=False):
    return (
        f"<details{' open' * is_open}><summary>{title}</summary>"
        f"<div class='wide long'>{html}</div></details>"
    )


def _to_the_left(is_text):
    return " class='text'" * is_text


def _html(frame, text=()):
    """A frame of texts; the columns in ``text`` are set to the left."""
    heads = "".join(
        f"<th scope='col'{_to_the_left(name in text)}>{escape(name)}</th>"
        for name in frame
    )
    lines = []
    for cells in frame.head(_MAX_LINES).itertuples(index=False):
        first, *others = cells
        line = f"<th scope='row'>{escape(str(first))}</th>"
        for name, cell in zip(list(frame)[1:], others, strict=True):
            css = _to_the_left(name in text)
            line += f"<td{css}>{escape(str(cell))}</td>"
        lines.append(f"<tr>{line}</tr>")
    rest = len(frame) - _MAX_LINES
    html = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody>"
    html += "</table>"
    return html + (f"<p class='soft'>and {rest:,} more</p>" if rest > 0 else "")


def _place(table, rows):
    """Columns that say where alarms or events are."""
    columns = {}
    if rows.time is None:
        columns["from"] = [rows.name(row) for row in table["first_row"]]
        columns["to"] = [rows.name(row) for row in table["last_row"]]
    else:
        columns["from"], columns["to"] = map(_times, (table["start"], table["end"]))
    if "series" in table:
        columns["series"] = table["series"].astype(str)
    columns["lasts"] = table["duration"].map(_span)
    return columns


def _times(times):
    return times.astype(str).str.replace(r"\.0+$", "", regex=True)


def _span(value):
    """A duration, or a number of rows or of units of time."""
    if pd.isna(value):
        return "–"
    if isinstance(value, pd.Timedelta):
        return duration(value)
    return number(value)


def _alarms(alarms, rows):
    shown = alarms.sort_values("peak", ascending=False, kind="stable")
    columns = _place(shown, rows)
    columns["highest score"] = shown["peak"].map(number)
    if "event" in shown:
        of_event = shown["event"].map(lambda k: "false" if pd.isna(k) else f"event {k}")
        columns["meets"] = of_event
    if "features" in shown:
        columns["features"] = shown["features"]
    return _html(pd.DataFrame(columns), text=("features",))


def _events(events, rows):
    columns = {"event": events.index.astype(str), **_place(events, rows)}
    columns["found"] = np.where(events["found"], "yes", "missed")
    columns["after"] = events["delay"].map(_span)
    columns["alarms"] = events["n_alarms"].astype(str)
    return _html(pd.DataFrame(columns))


def _series(series):
    shares = [name for name in series if "share" in name or name == "time_in_alarm"]
    shown = series.copy()
    for name in shares:
        shown[name] = series[name].map(share)
    shown["peak"] = series["peak"].map(number)
    for name in ("start", "end"):
        if name in series:
            shown[name] = _times(series[name])
    shown = shown.rename(columns=lambda name: name.removeprefix("n_").replace("_", " "))
    shown.insert(0, "series", series.index.astype(str))
    return _html(shown)


def sensors_html(grades):
    """What each column is good for, as :func:`grade_sensors` tells it."""
    doubtful = grades[grades["grade"] != "good"]
    frame = pd.DataFrame(
        {
            "column": [str(name) for name in grades.index],
            "grade": grades["grade"].to_numpy(),
            "missing": grades["missing"].map(share).to_numpy(),
            "values": grades["distinct"].map("{:,}".format).to_numpy(),
            "spread": grades["spread"].map(number).to_numpy(),
        }
    )
    order = np.argsort(grades["grade"].eq("good").to_numpy(), kind="stable")
    if not len(doubtful):
        text = f"<p>{count(len(grades), 'column')}, none of them doubtful.</p>"
    else:
        names = ", ".join(
            f"{escape(str(name))} ({escape(grade)})"
            for name, grade in doubtful["grade"].head(8).items()
        )
        more = len(doubtful) - 8
        text = f"<p>{len(doubtful):,} of {count(len(grades), 'column')} "
        text += "is" if len(doubtful) == 1 else "are"
        text += f" doubtful in these rows: {names}"
        text += f" and {more:,} more.</p>" if more > 0 else ".</p>"
    return text + _details("All columns", _html(frame.iloc[order], text=("grade",)))
