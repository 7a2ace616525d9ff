# SPDX-License-Identifier: BSD-3-Clause
"""``skseq inspect``: what tables hold, before anything is fitted to them."""

import shlex

import numpy as np
import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..rows._sensors import grade_sensors
from ..windowing import suggest_window_size
from ._table import labels_of, read_rows

_MIXED = 0.3  # share of rows at the time of the row before: two machines have half
_NEVER_MIXED = 0.01
_FEWEST_ROWS = 20  # of a series in the mean, for a column to be the name of series
_GAP = 5  # typical steps, from which on a step is a gap


def inspect_tables(paths, label, options):
    """Print what is read from tables."""
    frame, told = read_rows(paths, options)
    typer.echo(f"Read {_files(told)}: {len(frame)} rows, {frame.shape[1]} columns.")
    if told["assumed"]:
        typer.echo(f"Assumed: {told['assumed']}.")
    for note in told["notes"]:
        typer.echo(f"Note: {note}")
    y, time, group_by = None, told["time"], told["group_by"]
    if label is not None:
        if label not in frame:
            raise ValueError(
                f"--label: there is no column {label!r}. The columns are "
                f"{', '.join(frame)}."
            )
        y = labels_of(frame.pop(label), told["files"][0])
    if group_by is None and time is not None:
        told["group_by"] = group_by = _series_by_time(frame, time)
    step = _tell_time(frame, time, group_by)
    _tell_series(frame, group_by)
    grades = grade_sensors(frame, time=time, group_by=group_by, y=y)
    _print_grades(grades, told["units"])
    _tell_window(frame, grades, told, label, y, step, paths)


def _files(told):
    files = told["files"]
    return files[0] if len(files) == 1 else f"{len(files)} files from {files[0]} on"


def _codes(frame, group_by):
    if group_by is None:
        return np.zeros(len(frame), dtype=int)
    return frame.groupby(group_by, sort=False, dropna=False).ngroup().to_numpy()


def _series_by_time(frame, time):
    """The column within each value of which the time rises, where in all it does not.

    So it is with the name of a machine, whether the rows of the machines follow each
    other or are mixed. None where no column is so.
    """
    if not _falls_or_stands(frame[time].diff(), _MIXED):
        return None
    for name, column in frame.drop(columns=time).items():
        if pd.api.types.is_float_dtype(column) or column.isna().any():
            continue
        series = frame.groupby(name, sort=False, observed=True)[time]
        if not 1 < series.ngroups <= len(frame) / _FEWEST_ROWS:
            continue
        if not _falls_or_stands(series.diff(), _NEVER_MIXED):
            typer.echo(
                f"Note: The time rises within each {name!r}, so it is taken for the "
                "name of the series."
            )
            return name
    return None


def _falls_or_stands(steps, share):
    """Tell times of which one decreases, or of which so many equal the one before."""
    zero = _zero(steps)
    return bool((steps < zero).any() or (steps == zero).mean() >= share)


def _tell_time(frame, time, group_by):
    """The steps and gaps of the time; gives the typical step, None without one."""
    if time is None:
        typer.echo("No time: no column of dates was found, and --time names none.")
        return None
    column = frame[time]
    steps = column.groupby(_codes(frame, group_by)).diff()
    zero = _zero(steps)
    forward = steps[steps > zero]
    typer.echo(f"Time {time!r}: {column.min()} to {column.max()}")
    if not len(forward):
        return None
    step = forward.median()
    gaps = steps[steps > _GAP * step]
    told = [f"step {_short(step)} (median)"]
    if n_equal := int((steps == zero).sum()):
        told.append(f"{n_equal} rows of the time of the row before")
    if len(gaps):
        told.append(
            f"{len(gaps)} gap{'s' * (len(gaps) > 1)} of more than {_GAP} steps, the "
            f"longest {_short(gaps.max())} before row {gaps.idxmax()}"
        )
    typer.echo("  " + ", ".join(told))
    return step


def _zero(steps):
    return pd.Timedelta(0) if pd.api.types.is_timedelta64_dtype(steps) else 0


def _short(duration):
    """A duration as --max-gap takes it."""
    if not isinstance(duration, pd.Timedelta):
        return f"{duration:g}"
    for unit, seconds in (("D", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if duration.total_seconds() >= seconds:
            return f"{duration.total_seconds() / seconds:.4g}{unit}"
    return f"{duration.total_seconds():.4g}s"


def _tell_series(frame, group_by):
    if group_by is None:
        return
    lengths = frame.groupby(group_by, sort=False, dropna=False).size()
    typer.echo(
        f"Series {group_by!r}: {len(lengths)}, of {lengths.min()} to {lengths.max()} "
        "rows"
    )


def _print_grades(grades, units):
    table = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("column")
    for title in ("missing", "distinct", "spread"):
        table.add_column(title, justify="right", no_wrap=True)
    if units:
        table.add_column("unit")
    table.add_column("grade")
    for name, row in grades.iterrows():
        spread = "" if np.isnan(row["spread"]) else f"{row['spread']:.3g}"
        cells = [name, f"{row['missing']:.1%}", str(row["distinct"]), spread]
        cells += [units.get(name, "")] if units else []
        table.add_row(*cells, row["grade"])
    typer.echo()
    Console().print(table)


def _tell_window(frame, grades, told, label, y, step, paths):
    """The suggested window, and the line that goes on with it."""
    names = grades.index[~grades["text"] & (grades["distinct"] > 1)]
    names = [n for n in names if not grades.loc[n, ["counter", "label"]].any()]
    if not names:
        typer.echo("\nNo column is fit to be a feature.")
        return
    time, group_by = told["time"], told["group_by"]
    keys = [group_by] if isinstance(group_by, str) else group_by or []
    values = frame[[*keys, *names]].astype(dict.fromkeys(names, float))
    values[names] = values[names].where(np.isfinite(values[names]))
    size = suggest_window_size(values, group_by=keys or None, y=y)
    lasts = "" if step is None else f", {_short(size * step)}"
    typer.echo(f"\nSuggested window: {size} rows{lasts}")
    words = ["skseq detect", *map(shlex.quote, map(str, paths))]
    if label is None:
        like_labels = grades.index[grades["label"]]
        label = like_labels[0] if len(like_labels) == 1 else "LABEL"
    words.append(f"--label {shlex.quote(str(label))}")
    words += [f"--time {shlex.quote(time)}"] * (time in frame and " " not in str(time))
    if isinstance(group_by, str) and group_by != "series":
        words.append(f"--group-by {shlex.quote(group_by)}")
    words.append(f"--window {size}")
    words += [] if step is None else [f"--max-gap {_short(_GAP * step)}"]
    typer.echo(f"To go on: {' '.join(words)} --out results")
