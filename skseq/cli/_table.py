# SPDX-License-Identifier: BSD-3-Clause
"""A labelled table from a file: every complaint about it is a one-line ValueError."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class LabelledTable:
    """Rows in time order, and what is known of each."""

    X: pd.DataFrame  # features, and the columns of time and series
    y: np.ndarray  # 1 in the rows of events
    time: pd.Series | None
    series: pd.Series | None


def read_labelled_table(path, label, time=None, series=None):
    """Read a csv or parquet file, and check its named columns."""
    frame = _read(path)
    for option, column in (("label", label), ("time", time), ("group-by", series)):
        if column is not None and column not in frame:
            raise ValueError(
                f"--{option}: {path} has no column {column!r}. Its columns are "
                f"{', '.join(frame)}."
            )
    y = _labels(frame.pop(label), path)
    if time is not None:
        frame[time] = _times(frame[time])
    return LabelledTable(
        frame,
        y,
        None if time is None else frame[time],
        None if series is None else frame[series],
    )


def _read(path):
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    try:
        if path.suffix in {".parquet", ".pq"}:
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, low_memory=False)
    except pd.errors.EmptyDataError:
        raise ValueError(f"{path} is empty.") from None
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if frame.empty:
        raise ValueError(f"{path} is empty: it has no rows.")
    return frame.rename(columns=str).reset_index(drop=True)


def _labels(column, path):
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


def _times(column):
    is_number = pd.api.types.is_numeric_dtype(column)
    if is_number or pd.api.types.is_datetime64_any_dtype(column):
        return column
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Could not infer format", UserWarning)
        times = pd.to_datetime(column, errors="coerce")
    wrong = np.flatnonzero(times.isna())
    if len(wrong):
        raise ValueError(
            f"--time: column {column.name!r} must hold dates or numbers. Got "
            f"{column.iloc[[wrong[0]]].item()!r} in row {wrong[0]}."
        )
    return times


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
