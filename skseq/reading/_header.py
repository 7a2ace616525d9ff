# SPDX-License-Identifier: BSD-3-Clause
"""The names of the columns, and what stands above and below them."""

from collections import Counter
from dataclasses import dataclass

from ._dates import looks_like_date
from ._numbers import MISSING, is_number


@dataclass(frozen=True)
class Header:
    """Names of the columns; ``n_lines`` of a table stand before its first row."""

    names: list
    n_lines: int
    n_before: int  # lines above the names that are no part of the table
    has_names: bool
    units: dict | None


def unique_names(names):
    """Names as pandas makes them: a second ``a`` is ``a.1``."""
    seen, unique = Counter(), []
    for k, name in enumerate(names):
        name = str(name).strip() or f"Unnamed: {k}"
        number, seen[name] = seen[name], seen[name] + 1
        unique.append(f"{name}.{number}" if number else name)
    return unique


def _counts(cells):
    """Tell names 0, 1, 2 ... of columns without any."""
    first = cells[0].strip()
    return first in {"0", "1"} and [c.strip() for c in cells] == [
        str(int(first) + k) for k in range(len(cells))
    ]


def find_header(rows, decimal, thousands, options):
    """Find the names among the first rows of a table, given as text."""

    def is_value(cell):
        return is_number(cell, decimal, thousands) or looks_like_date(cell)

    width = Counter(map(len, rows)).most_common(1)[0][0]
    first = _first_row(rows, width, is_value)
    top = rows[first]
    has_names = options.header
    if has_names is None:
        is_data = any(is_value(c) or c.strip() in MISSING - {""} for c in top)
        has_names = not is_data or (len(top) > 1 and _counts(top))
    if not has_names:
        names = [f"column_{k}" for k in range(width)]
        return Header(names, first, first, False, None)
    after = rows[first + 1 :]
    names = list(top)
    below = Counter(map(len, after)).most_common(1)[0][0] if after else width
    if below == len(names) + 1:
        # R writes no name for the numbers of its rows; others end lines by a mark.
        ends = all(not row[-1].strip() for row in after if len(row) == below)
        names = [*names, ""] if ends else ["", *names]
    has_units = options.units
    if has_units is None:
        has_units = _is_units(after, is_value)
    units = None
    if has_units and after:
        pairs = zip(unique_names(names), after[0], strict=False)
        units = {name: unit.strip() for name, unit in pairs if unit.strip()}
    n_lines = first + 1 + (units is not None)
    return Header(unique_names(names), n_lines, first, True, units)


def _first_row(rows, width, is_value):
    """The first row as wide as the others, and not mostly empty."""
    for k, row in enumerate(rows):
        n_cells = sum(bool(cell.strip()) for cell in row)
        # Names without one for the first column stand right above the values.
        is_narrow = len(row) == width - 1 and any(
            map(is_value, rows[min(k + 1, len(rows) - 1)])
        )
        if (len(row) == width or is_narrow) and n_cells > len(row) / 2:
            return k
    return 0


def _is_units(rows, is_value):
    """Tell a row of text above columns of numbers."""
    if len(rows) < 2:
        return False
    first, others = rows[0], rows[1:51]
    columns = [k for k, c in enumerate(first) if c.strip() not in MISSING]
    if not columns or any(is_value(cell) for cell in first):
        return False
    cells = [[row[k] for row in others if k < len(row)] for k in columns]
    numeric = [sum(map(is_value, column)) > len(column) / 2 for column in cells]
    again = any(first[k] in column for k, column in zip(columns, cells, strict=True))
    return sum(numeric) > len(columns) / 2 and not again
