# SPDX-License-Identifier: BSD-3-Clause
"""A table from a file: every complaint about it is a one-line ValueError."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..reading._options import KEY, Options
from ..reading._read_table import read


@dataclass(frozen=True)
class LabelledTable:
    """Rows in time order, and what is known of each: labels, unless none is known."""

    X: pd.DataFrame  # features, and the columns of time and series
    y: np.ndarray  # 1 in the rows of events; 0 in all where none is labelled
    time: pd.Series | None
    series: pd.Series | None
    told: dict = field(default_factory=dict)  # by read_table
    labelled: bool = True
    context: tuple = ()  # columns that explain and are not judged
    left_out: tuple = ()  # columns of the files that are no features


def read_rows(paths, options):
    """The rows of tables, in order of time.

    Returns
    -------
    frame : DataFrame

    told : dict
        What ``read_table`` tells of them.
    """
    frame = read(list(paths), options, insist=options.out_of_order != "keep")
    return frame, frame.attrs.pop(KEY)


def read_labelled_table(
    paths,
    label,
    options,
    *,
    events=None,
    event_values=None,
    features=None,
    exclude=None,
    context=None,
):
    """Read tables, their labels where there are any, and choose their columns.

    ``label`` names a column, and ``events`` a table of events; ``features``,
    ``exclude`` and ``context`` are columns between commas.
    """
    frame, told = read_rows(paths, options)
    time, series = told["time"], told["group_by"]
    keys = [key for key in (time, series) if key is not None]
    y, name = np.zeros(len(frame), dtype=int), told["files"][0]
    if label is not None:
        _check_columns([label], frame, "--label", name)
        y = labels_of(frame.pop(label), name, event_values)
    elif events is not None:
        y = _labels_of_log(events, frame, time, series, options)
    columns = [column for column in frame if column not in keys]
    kept = _columns(features, frame, "--features", name) or columns
    left_out = _columns(exclude, frame, "--exclude", name)
    context = _columns(context, frame, "--context", name)
    for column in [*kept, *left_out, *context]:
        if column in keys:
            raise ValueError(
                f"{column!r} is the time or names the series, and so is no feature."
            )
    kept = [c for c in columns if c in {*kept, *context} and c not in left_out]
    judged = [column for column in kept if column not in context]
    if not judged and (features or exclude or context):
        raise ValueError("--features, --exclude and --context leave none to judge.")
    context = tuple(column for column in context if column in kept)
    left_out = tuple(column for column in columns if column not in kept)
    frame = frame[[column for column in frame if column in {*keys, *kept}]]
    return LabelledTable(
        frame,
        y,
        None if time is None else frame[time],
        None if series is None else frame[series],
        told,
        label is not None or events is not None,
        context,
        left_out,
    )


def _columns(text, frame, option, name):
    """The columns that an option names; one name may hold a comma."""
    if text is None:
        return []
    names = [text] if text in frame else [part.strip() for part in text.split(",")]
    _check_columns(names, frame, option, name)
    return names


def _check_columns(names, frame, option, file):
    for name in names:
        if name not in frame:
            raise ValueError(
                f"{option}: {file} has no column {name!r}. Its columns are "
                f"{', '.join(map(str, frame))}."
            )


def labels_of(column, path, event_values=None):
    """1 in the rows of events: where a column is 1, or has one of these values."""
    if event_values:
        return _labels_of_values(column, path, event_values)
    labels = pd.to_numeric(column, errors="coerce").astype(float)
    wrong = np.flatnonzero(~labels.isin([0, 1]))
    if len(wrong):
        raise ValueError(
            f"--label: column {column.name!r} must hold 1 for events and 0 for the "
            f"rest. Got {column.iloc[[wrong[0]]].item()!r} in row {wrong[0]}. Name "
            "what stands for an event with --event-value."
        )
    return _with_events(labels.to_numpy(dtype=int), f"column {column.name!r}", path)


def _labels_of_values(column, path, event_values):
    text, number = column.astype(str).str.strip(), pd.to_numeric(column, "coerce")
    y = np.zeros(len(column), dtype=int)
    for value in event_values:
        of_value = (text == value).to_numpy(copy=True)
        as_number = pd.to_numeric(value, errors="coerce")
        if not np.isnan(as_number):
            of_value |= (number == as_number).to_numpy()
        if not of_value.any():
            usual = ", ".join(text.value_counts().index[:5])
            raise ValueError(
                f"--event-value: column {column.name!r} of {path} never holds "
                f"{value!r}. It holds {usual}."
            )
        y[of_value] = 1
    if y.all():
        raise ValueError(f"--event-value: all rows of {path} are in events.")
    return y


def _with_events(y, what, path):
    if not y.any():
        raise ValueError(
            f"--label: {what} of {path} has no events: all of its {len(y)} rows are 0. "
            "Leave --label out to raise alarms without labels."
        )
    return y


def _labels_of_log(path, frame, time, series, options):
    """1 in the rows whose time lies within an event of a table of these."""
    from ..reading._time import as_time
    from ..windowing import labels_from_intervals

    if time is None:
        raise ValueError("--events needs --time: the times of the rows are not known.")
    given = Options(
        na_values=options.na_values,
        dayfirst=options.dayfirst,
        tz=options.tz,
        out_of_order="keep",
        say=options.say,
    )
    log, told = read_rows([path], given)
    _check_columns(["start", "end"], log, "--events", path)
    group = series if series in log else None
    for name in ("start", "end"):
        log[name] = as_time(log, name, [], (None, None), given)[0]
    try:
        y = labels_from_intervals(
            log,
            frame[time],
            group=group,
            groups=None if series is None else frame[series],
        )
    except ValueError as error:
        raise ValueError(f"--events: {path}: {error}") from error
    if not y.any() or y.all():
        raise ValueError(
            f"--events: {'none' if not y.any() else 'all'} of the {len(y)} rows lie in "
            f"the events of {path}, {log['start'].min()} to {log['end'].max()}; the "
            f"times of the rows are {frame[time].min()} to {frame[time].max()}."
        )
    return y


def rows_before(cut, table):
    """Mask of the training rows, those before a cut.

    Parameters
    ----------
    cut : Cut
        Of several series with a time, a number or a share counts the rows that were
        recorded first.
    table : LabelledTable
    """
    if cut.kind in ("each", "series"):
        if table.series is None:
            raise ValueError(f"--cut {cut.text} needs --group-by: there is one series.")
        past = (_share_of_each if cut.kind == "each" else _share_of_series)(cut, table)
    elif cut.kind == "date":
        past = _before_date(cut.text, table.time)
    else:
        past = _first_rows(cut.text, cut.at, table)
    if past.all() or not past.any():
        side = "after" if past.all() else "before"
        raise ValueError(f"--cut {cut.text}: no row of the table is {side} that.")
    return past


def _share_of_each(cut, table):
    rows = table.series.groupby(table.series, sort=False)
    return (rows.cumcount() < (cut.at * rows.transform("size")).round()).to_numpy()


def _share_of_series(cut, table):
    """The series that begin first, as a whole; without a time, those that stand so."""
    begin = pd.Series(np.arange(len(table.y)), index=table.series.index)
    begin = begin if table.time is None else table.time
    first = begin.groupby(table.series, sort=False).min().sort_values(kind="stable")
    n_series = round(cut.at * len(first))
    return table.series.isin(first.index[:n_series]).to_numpy()


def _first_rows(cut, number, table):
    n_rows = len(table.y)
    if 0 < number < 1:
        position = round(number * n_rows)
    elif number.is_integer() and 0 < number < n_rows:
        position = int(number)
    else:
        raise ValueError(
            f"--cut: a number must be a share of the rows in (0, 1), or a row "
            f"in [1, {n_rows - 1}]. Got {cut}."
        )
    if table.series is None or table.time is None:
        return np.arange(n_rows) < position
    return (table.time < table.time.sort_values().iloc[position]).to_numpy()


def _before_date(cut, time):
    try:
        date = pd.Timestamp(cut)
    except ValueError:
        raise ValueError(
            f"--cut: {cut!r} is no row, share of the rows or date."
        ) from None
    if time is None or not pd.api.types.is_datetime64_any_dtype(time):
        raise ValueError(f"--cut: the date {cut} needs --time with a column of dates.")
    if time.dt.tz is not None and date.tz is None:
        date = date.tz_localize(time.dt.tz)
    return (time < date).to_numpy()
