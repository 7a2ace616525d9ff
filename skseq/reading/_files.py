# SPDX-License-Identifier: BSD-3-Clause
"""One file to a frame, by the readers of pandas."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ._dates import looks_like_clock, looks_like_date
from ._dialect import BLANKS, find_dialect, open_text, split_lines
from ._header import find_header


@dataclass(frozen=True)
class Part:
    """The rows of one file, and what was found out about it."""

    frame: pd.DataFrame
    found: dict = field(default_factory=dict)  # parameters of read_table
    assumed: tuple = ()  # the same, in words
    units: dict = field(default_factory=dict)


def read_file(source, options):
    """Read one file; whatever is wrong with it, a ValueError names it."""
    reader = {"text": _read_text, "parquet": _read_parquet, "excel": _read_excel}
    try:
        part = reader[source.kind](source, options)
    except ImportError:
        raise
    except pd.errors.EmptyDataError:
        raise ValueError(f"{source.label} is empty: it has no rows.") from None
    except (ValueError, OSError, LookupError, EOFError) as error:
        reason = " ".join(str(error).split())
        if reason.startswith("it is empty"):
            raise ValueError(f"{source.label} is empty: it has no rows.") from None
        if isinstance(error, UnicodeError):
            reason += f" Name its encoding: {options.say('encoding', 'latin-1')}."
        elif isinstance(error, pd.errors.ParserError):
            reason += f" Name what parts its cells: {options.say('sep', ';')}."
        raise ValueError(f"{source.label} cannot be read: {reason}") from error
    frame = _without_blanks(part.frame)
    if frame.empty:
        raise ValueError(f"{source.label} is empty: it has no rows.")
    return Part(frame, part.found, part.assumed, part.units)


def _without_blanks(frame):
    """Without last rows of no cell, and columns that have neither name nor cell."""
    names = frame.columns.astype(str)
    nameless = names.str.startswith("Unnamed: ") & frame.isna().all().to_numpy()
    frame = frame.set_axis(names, axis=1).loc[:, ~nameless]
    filled = np.flatnonzero(frame.notna().any(axis=1))
    return frame[: filled[-1] + 1 if len(filled) else 0].reset_index(drop=True)


def _read_text(source, options):
    dialect = find_dialect(source, options)
    kind = {"low_memory": False}
    if len(dialect.sep) > 1 and dialect.sep != BLANKS:
        kind = {"engine": "python"}
    with open_text(source, dialect.encoding) as file:
        frame = pd.read_csv(
            file,
            sep=dialect.sep,
            decimal=dialect.decimal,
            thousands=dialect.thousands,
            header=None,
            names=dialect.header.names,
            index_col=False,
            skiprows=sorted(dialect.skipped),
            skipinitialspace=True,
            na_values=list(options.na_values),
            dtype=dict.fromkeys(_of_dates(source, dialect), str),
            **kind,
        )
    return Part(frame, *_told(dialect, options), dialect.header.units or {})


def _of_dates(source, dialect):
    """Columns whose first cell is a date: its points part no thousands."""
    with open_text(source, dialect.encoding) as file:
        lines = (line for k, line in enumerate(file) if k not in dialect.skipped)
        first = next((line for line in lines if line.strip()), "")
    cells = split_lines([first], dialect.sep)[0]
    pairs = zip(dialect.header.names, cells, strict=False)
    return [n for n, c in pairs if looks_like_date(c) or looks_like_clock(c)]


def _told(dialect, options):
    """What was found out of a dialect: as parameters, and in words."""
    found = {
        "sep": dialect.sep,
        "decimal": dialect.decimal,
        "thousands": dialect.thousands,
        "encoding": dialect.encoding,
        "header": dialect.header.has_names,
        "units": dialect.header.units is not None,
        "comment": dialect.comment,
    }
    sep = {"\t": "a tab", BLANKS: "blanks"}.get(dialect.sep, repr(dialect.sep))
    words = {
        "sep": f"separator {sep}",
        "decimal": f"decimal {dialect.decimal!r}",
        "thousands": f"thousands {dialect.thousands!r}" * bool(dialect.thousands),
        "encoding": dialect.encoding,
        **_told_header(dialect.header),
        "comment": f"comments after {dialect.comment!r}" * bool(dialect.comment),
    }
    said = [
        text for name, text in words.items() if getattr(options, name, None) is None
    ]
    return found, tuple(filter(None, said))


def _told_header(header):
    n_before = header.n_before
    return {
        "header": "" if header.has_names else "no header",
        "units": "a row of units" * (header.units is not None),
        "preamble": f"{n_before} line{'s' * (n_before > 1)} above the table"
        * (n_before > 0),
    }


def _read_parquet(source, options):
    with source.open() as file:
        frame = pd.read_parquet(file)
    has_index = not isinstance(frame.index, pd.RangeIndex)
    return Part(frame.reset_index() if has_index else frame)


def _read_excel(source, options):
    try:
        with source.open() as file:
            grid = pd.read_excel(file, sheet_name=options.sheet, header=None)
    except ImportError as error:
        raise ImportError(
            f"{source.label} needs openpyxl: pip install skseq[excel]"
        ) from error
    grid = grid.dropna(how="all").dropna(how="all", axis=1)
    if grid.empty:
        raise ValueError("it is empty")
    text = grid.iloc[:100].map(lambda cell: "" if pd.isna(cell) else str(cell))
    header = find_header(text.to_numpy().tolist(), ".", None, options)
    frame = grid.iloc[header.n_lines :].set_axis(header.names, axis=1)
    frame = frame.infer_objects()
    words = _told_header(header)
    said = [
        text for name, text in words.items() if getattr(options, name, None) is None
    ]
    found = {"header": header.has_names, "units": header.units is not None}
    return Part(frame, found, tuple(filter(None, said)), header.units or {})


def marks_of(part):
    """What parts the digits of the numbers of a file."""
    return part.found.get("decimal", "."), part.found.get("thousands")
