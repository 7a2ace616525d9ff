# SPDX-License-Identifier: BSD-3-Clause
"""Any table that plants, loggers and archives hand out."""

from dataclasses import fields

import numpy as np
import pandas as pd

from ._cells import as_numbers, notes_of_sentinels, take_missing
from ._files import marks_of, read_file
from ._options import KEY, SERIES, Options
from ._order import in_order
from ._sources import sources_of
from ._time import as_time, one_time

_CHOICES = {
    "out_of_order": ("error", "keep", "sort", "drop"),
    "files": ("series", "rows"),
}


def read_table(
    path,
    *,
    sep=None,
    decimal=None,
    thousands=None,
    encoding=None,
    header=None,
    units=None,
    comment=None,
    na_values=(),
    time=None,
    group_by=None,
    dayfirst=None,
    tz=None,
    out_of_order="error",
    drop_duplicates=False,
    files="series",
    sheet=0,
):
    """Read rows in time order from a file, whatever its dialect.

    What is not given is found out, over the whole file where it matters, and told in
    ``frame.attrs["read_table"]``. Columns of numbers become numbers, the column of time
    datetimes.

    Parameters
    ----------
    path : str, path or list of these
        Text such as csv, parquet or xlsx (which needs the extra ``excel``); packed by
        gzip, bzip2, xz or zip or not. Of a folder or a zip file all tables in it, by
        name.

    sep : str, default=None
        What parts the cells of a line; a regular expression where it is longer than one
        character.

    decimal, thousands : str, default=None
        Marks in numbers.

    encoding : str, default=None
        Encoding of text. Else the byte order mark decides, then utf-8 where all of the
        file is that, then cp1252.

    header : bool, default=None
        Whether the first row of the table names the columns. Lines above it that are
        not as wide are left out.

    units : bool, default=None
        Whether a row of units follows the names.

    comment : str, default=None
        Lines that begin so are left out.

    na_values : list, default=()
        Text and numbers that stand for missing values, beside those of pandas, such as
        ``["Bad Input", -9999]``.

    time : str, list of two str or bool, default=None
        Column of the time, dates or numbers; or those of the date and of the clock,
        which become one. None for the first column of dates. False for none.

    group_by : str or list of str, default=None
        Columns that name the series of a row. They are left as they are.

    dayfirst : bool, default=None
        Whether dates begin with the day. Else the whole column decides: a number above
        12; or which of both leaves the time in better order; or which leaves gaps ten
        times shorter, in typical steps.

    tz : str, default=None
        Zone of the times, such as ``"Europe/Berlin"``, where they are local; else that
        to which they are converted. Times of several offsets become UTC.

    out_of_order : {"error", "keep", "sort", "drop"}, default="error"
        What is done where time is missing or decreases within a series: an error where
        ``time`` is given (else it is noted); nothing; the rows are sorted; or the
        fewest rows are dropped whose lack leaves the others in order. Rows without a
        time are dropped by the last two.

    drop_duplicates : bool, default=False
        Whether to drop rows that repeat another in each cell.

    files : {"series", "rows"}, default="series"
        What several files are. ``"series"``: one each, named by the file in an added
        column ``"series"``, if ``group_by`` names no column of theirs. ``"rows"``:
        parts of one table, in the order of their names.

    sheet : int or str, default=0
        Sheet of an xlsx file.

    Returns
    -------
    frame : DataFrame
        With rows numbered from 0. ``frame.attrs["read_table"]`` is a dict:

        - ``"assumed"``, what was found out, in words;
        - ``"arguments"``, the same as arguments that read the file again;
        - ``"time"`` and ``"group_by"``, the columns of time and series, or None;
        - ``"units"``, units by column;
        - ``"notes"``, sentences: rows that were dropped, numbers that may stand for
          missing values, rows that are there twice;
        - ``"files"``, the files that were read.

    Raises
    ------
    ValueError
        If the file is no table, or something has to be decided that the file does not
        tell. The message names the row and the parameter that decides.

    ImportError
        If a file is parquet and there is no pyarrow, or xlsx and there is no openpyxl.

    See Also
    --------
    SlidingWindow : Windows of the rows.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skseq import read_table
    >>> text = "stamp;flow\\n31.01.2026 10:00;1,5\\n01.02.2026 10:00;2,25\\n"
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "plant.csv")
    ...     _ = path.write_text(text)
    ...     frame = read_table(path)
    >>> frame
                    stamp  flow
    0 2026-01-31 10:00:00  1.50
    1 2026-02-01 10:00:00  2.25
    >>> frame.attrs["read_table"]["assumed"]
    "separator ';', decimal ',', utf-8, time 'stamp', dates day first"
    """
    if isinstance(na_values, (str, int, float)):
        na_values = [na_values]
    return read(
        path,
        Options(
            sep=sep,
            decimal=decimal,
            thousands=thousands,
            encoding=encoding,
            header=header,
            units=units,
            comment=comment,
            na_values=tuple(na_values),
            time=time,
            group_by=group_by,
            dayfirst=dayfirst,
            tz=tz,
            out_of_order=out_of_order,
            drop_duplicates=drop_duplicates,
            files=files,
            sheet=sheet,
        ),
    )


def read(path, options, *, insist=False):
    """What ``read_table`` does, in the words of the options.

    ``insist`` makes rows out of order an error where the time was only found, too.
    """
    for name, choices in _CHOICES.items():
        if (value := getattr(options, name)) not in choices:
            raise ValueError(
                f"The {name!r} parameter of read_table must be one of "
                f"{', '.join(map(repr, choices))}. Got {value!r} instead."
            )
    sources = sources_of(path)
    parts = [read_file(source, options) for source in sources]
    frame, groups = _joined(sources, parts, options)
    frame = take_missing(frame, options.na_values)
    where = ", ".join(source.label for source in sources[:3])
    for name, columns in (("time", options.time_columns), ("group_by", groups)):
        _check_columns(frame, columns, name, where, options)
    columns = [*frame.columns]
    frame, time = one_time(frame, options)
    # A date and a clock that became one are named for the next time.
    parts_of_time = [name for name in columns if name not in frame]
    keys = {time, *groups}
    frame, units = as_numbers(frame, keys, marks_of(parts[0]), options)
    notes, dayfirst = notes_of_sentinels(frame.drop(columns=[*groups]), options), None
    if time is not None:
        frame[time], dayfirst, note = as_time(
            frame, time, groups, marks_of(parts[0]), options
        )
        notes += [note] if note else []
        insist = insist or options.time not in (None, False)
        frame, more = in_order(frame, time, groups, options, insist=insist)
        notes += more
    frame, more = _without_copies(frame, options)
    frame = frame.reset_index(drop=True)
    told = {"time": parts_of_time or time, "dayfirst": dayfirst}
    frame.attrs[KEY] = {
        "assumed": _assumed(sources, parts, time, dayfirst, options),
        "arguments": _arguments(parts, told, options),
        "time": time,
        "group_by": groups[0] if len(groups) == 1 else groups or None,
        "units": {**units, **parts[0].units},
        "notes": notes + more,
        "files": [source.label for source in sources],
    }
    return frame


def _joined(sources, parts, options):
    """The rows of all files, and the columns that name their series."""
    frames, groups = [part.frame for part in parts], options.group_columns
    columns = frames[0].columns
    for source, frame in zip(sources, frames, strict=True):
        if set(frame.columns) != set(columns):
            other = sorted(set(frame.columns) ^ set(columns))
            raise ValueError(
                f"{source.label} has other columns than {sources[0].label}: "
                f"{', '.join(map(repr, other))} are not in both. Read them one by one."
            )
    if len(frames) == 1:
        return frames[0], groups
    frame = pd.concat(frames, ignore_index=True)
    if options.files == "series" and groups in ([], [SERIES]):
        if SERIES in columns:
            if groups:
                return frame, groups
            raise ValueError(
                f"The files have a column {SERIES!r}, the name of the one that tells "
                f"their rows apart. Say {options.say('group_by', SERIES)} or "
                f"{options.say('files', 'rows')}."
            )
        names = np.array([source.name for source in sources], dtype=object)
        frame.insert(0, SERIES, np.repeat(names, [len(f) for f in frames]))
        groups = [SERIES]
    return frame, groups


def _check_columns(frame, columns, parameter, where, options):
    for column in columns:
        if column is not False and column not in frame:
            raise ValueError(
                f"{options.say(parameter)}: {where} has no column {column!r}. Its "
                f"columns are {', '.join(map(repr, frame.columns))}."
            )


def _without_copies(frame, options):
    copies = frame.duplicated()
    n = int(copies.sum())
    if not n:
        return frame, []
    plural = f"{n} row{'s' * (n > 1)} that repeat{'s' * (n == 1)} another"
    if options.drop_duplicates:
        return frame[~copies], [f"Dropped {plural} in each cell."]
    say = options.say("drop_duplicates", True)
    return frame, [f"There {'are' if n > 1 else 'is'} {plural} in each cell: {say}."]


def _assumed(sources, parts, time, dayfirst, options):
    """What was found out, in words, those of one file after another if they differ."""
    last = []
    if time is not None and options.time is None:
        last.append(f"time {time!r}")
    if dayfirst is not None and options.dayfirst is None:
        last.append(f"dates {'day' if dayfirst else 'month'} first")
    said = [", ".join(part.assumed) for part in parts]
    if len(set(said)) == 1:
        return ", ".join(filter(None, [said[0], *last]))
    said = [
        f"{source.label}: {words}"
        for source, words in zip(sources, said, strict=True)
        if words
    ]
    return "; ".join([*said, *filter(None, [", ".join(last)])])


def _arguments(parts, told, options):
    """Arguments that read the files again, where they are those of every file."""
    first = parts[0].found
    same = {k: v for k, v in first.items() if all(p.found.get(k) == v for p in parts)}
    given = {
        field.name: getattr(options, field.name)
        for field in fields(options)
        if field.name != "say" and getattr(options, field.name) != field.default
    }
    found = {k: v for k, v in {**same, **told}.items() if v is not None}
    return {**found, **given}
