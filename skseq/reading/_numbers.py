# SPDX-License-Identifier: BSD-3-Clause
"""Text that stands for numbers, and text that stands for none."""

import re

import numpy as np
import pandas as pd

# What pandas takes for missing.
MISSING = {
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
    *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
}
SPACES = " \u00a0\u202f"
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # 1,234 may be either
_GROUPS = re.compile(r"[+-]?\d{1,3}(([.,'" + SPACES + r"])\d{3})(\2\d{3})*(\D\d+)?")
_WITH_UNIT = re.compile(r"\s*([+-]?[\d.,]+)\s*([^\d\s.,+:/-][^\d]*?)\s*")


class Marks:
    """Votes of cells on what parts the digits of their numbers."""

    def __init__(self, cells):
        self.decimals, self.thousands, self.either = set(), set(), set()
        for cell in cells:
            self._look_at(cell.strip())

    def _look_at(self, cell):
        groups = _GROUPS.fullmatch(cell)
        if _EITHER.fullmatch(cell):
            self.either.add("," if "," in cell else ".")
        elif groups and (groups[2] in SPACES + "'" or groups[3] or groups[4]):
            self.thousands.add(groups[2])
            if groups[4]:
                self.decimals.add(groups[4][0])
        elif _COMMA.fullmatch(cell):
            self.decimals.add(",")
        elif _POINT.fullmatch(cell):
            self.decimals.add(".")


def find_marks(cells, sep, options):
    """Decimal mark, and thousands mark or None, that cells agree on.

    Raises
    ------
    ValueError
        If ``1,234`` may be either, and nothing else tells.
    """
    marks = Marks(cells)
    decimals = marks.decimals & {",", "."}
    decimal, thousands = options.decimal, options.thousands
    if decimal is None and len(decimals) == 1:
        decimal = next(iter(decimals - {thousands}), None)
    if thousands is None:
        # Cells with both marks as decimals are told later, as text.
        thousands = next(iter(marks.thousands - decimals - {decimal}), None)
    if decimal is None and thousands is None and marks.either == {","}:
        if sep not in ",;":
            raise ValueError(
                "numbers such as 1,234 may have a decimal comma or parted thousands. "
                f"Say which: {options.say('decimal', ',')} or "
                f"{options.say('thousands', ',')}."
            )
        # What parts columns by semicolons has decimal commas.
        decimal, thousands = (",", None) if sep == ";" else (".", ",")
    decimal = decimal or ("," if thousands == "." else ".")
    other = marks.either - {decimal}
    return decimal, thousands or next(iter(other), None)


def is_number(cell, decimal=".", thousands=None):
    """Tell text that reads as a finite number."""
    return bool(_PLAIN.fullmatch(_plain(cell.strip(), decimal, thousands)))


def _plain(cell, decimal, thousands):
    cell = cell.replace(thousands, "") if thousands else cell
    return cell if decimal == "." else cell.replace(decimal, ".")


def numbers_of(column, decimal=".", thousands=None):
    """Numbers of a column of text; NaN where a cell is none."""
    text = column.astype("string").str.strip()
    if thousands:
        text = text.str.replace(thousands, "", regex=False)
    if decimal != ".":
        text = text.str.replace(decimal, ".", regex=False)
    numbers = pd.to_numeric(text, errors="coerce")
    return numbers.astype("float64").to_numpy(na_value=np.nan)


def common_unit(cells):
    """The unit that ends every one of some cells, such as ``°C``; None without."""
    found = [_WITH_UNIT.fullmatch(cell) for cell in cells]
    units = {match and match[2] for match in found}
    return units.pop() if len(units) == 1 else None


def sentinels(column):
    """Numbers that often stand for missing values, far from all others of a column."""
    values = column.to_numpy(dtype=float, na_value=np.nan)
    values = values[np.isfinite(values)]
    usual = np.isin(values, _SENTINELS)
    if not usual.any() or usual.all():
        return []
    low, high = values[~usual].min(), values[~usual].max()
    far = 3 * max(high - low, 1.0)
    found = np.unique(values[usual])
    return [x for x in found.tolist() if x < low - far or x > high + far]


_SENTINELS = [
    *(sign * nines for nines in (99, 999, 9999, 99999, 999999) for sign in (-1, 1)),
    *(-99.99, -999.9, -999.99, -999.25, -9999.9, 999.9, 9999.9),
    *(-32768, 32767, 65535, -2147483648, 2147483647, -1e30, 1e30, 1e31, -1e31),
]
