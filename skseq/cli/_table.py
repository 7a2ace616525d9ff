# SPDX-License-Identifier: BSD-3-Clause
"""A table from a file: every complaint about it is a one-line ValueError."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..reading._options import KEY
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


def read_labelled_table(paths, label, options):
    """Read tables, and check the labels in one of their columns, where there is one."""
    frame, told = read_rows(paths, options)
    if label is not None and label not in frame:
        raise ValueError(
            f"--label: {told['files'][0]} has no column {label!r}. Its columns are "
            f"{', '.join(frame)}."
        )
    y = np.zeros(len(frame), dtype=int)
    if label is not None:
        y = labels_of(frame.pop(label), told["files"][0])
    time, series = told["time"], told["group_by"]
    return LabelledTable(
        frame,
        y,
        None if time is None else frame[time],
        None if series is None else frame[series],
        told,
        label is not None,
    )


def check_not_read(targets, paths):
    """Raise a ValueError where a file to be written is one that is read.

    Raises
    ------
    ValueError
        If that is so, or if it would be read as a table the next time.
    """
    for path in paths:
        for target in targets:
            if path.is_dir() and target.parent.exists():
                if target.parent.samefile(path):
                    raise ValueError(
                        f"{target} would be written beside the tables that are read "
                        f"from the folder {path}. Name another folder in --out."
                    )
            elif target.exists() and target.samefile(path):
                raise ValueError(
                    f"{target} is read, and would be written over. Name another "
                    "folder in --out."
                )


def labels_of(column, path):
    labels = pd.to_numeric(column, errors="coerce").astype(float)
    wrong = np.flatnonzero(~labels.isin([0, 1]))
    if len(wrong):
        raise ValueError(
            f"--label: column {column.name!r} must hold 1 for events and 0 for the "
            f"rest. Got {column.iloc[[wrong[0]]].item()!r} in row {wrong[0]}."
        )
    if not labels.any():
        raise ValueError(
            f"--label: column {column.name!r} of {path} has no events: all of its "
            f"{len(labels)} rows are 0."
        )
    return labels.to_numpy(dtype=int)


def rows_before(cut, table):
    """Mask of the rows before a cut: a number of rows, a share of them, or a date.

    Of several series with a time, the rows that were recorded first count.
    """
    try:
        number = float(cut)
    except ValueError:
        past = _before_date(cut, table.time)
    else:
        past = _first_rows(cut, number, table)
    if past.all() or not past.any():
        side = "after" if past.all() else "before"
        raise ValueError(f"--train-until {cut}: no row of the table is {side} that.")
    return past


def _first_rows(cut, number, table):
    n_rows = len(table.y)
    if 0 < number < 1:
        position = round(number * n_rows)
    elif number.is_integer() and 0 < number < n_rows:
        position = int(number)
    else:
        raise ValueError(
            f"--train-until: a number must be a share of the rows in (0, 1), or a row "
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
            f"--train-until: {cut!r} is no row, share of the rows or date."
        ) from None
    if time is None or not pd.api.types.is_datetime64_any_dtype(time):
        raise ValueError(
            f"--train-until: the date {cut} needs --time with a column of dates."
        )
    if time.dt.tz is not None and date.tz is None:
        date = date.tz_localize(time.dt.tz)
    return (time < date).to_numpy()
