# SPDX-License-Identifier: BSD-3-Clause
"""Columns of text to columns of numbers, or to words about what prevents it."""

import re

import numpy as np
import pandas as pd

from ._dates import is_text
from ._numbers import common_unit, numbers_of, sentinels

_MOST_WORDS = 10
_OTHER_DECIMAL = re.compile(r"[+-]?\d*,\d+")


def take_missing(frame, na_values):
    """Cells that are said to stand for missing values, as such."""
    if not na_values:
        return frame
    words = {str(value).strip() for value in na_values}
    numbers = pd.to_numeric(pd.Series(list(words), dtype=object), errors="coerce")
    numbers = numbers.dropna().tolist()
    columns = {}
    for name, column in frame.items():
        if is_text(column):
            columns[name] = column.mask(column.astype("string").str.strip().isin(words))
        elif pd.api.types.is_numeric_dtype(column) and numbers:
            columns[name] = column.mask(column.isin(numbers))
        else:
            columns[name] = column
    return pd.DataFrame(columns)


def as_numbers(frame, keys, marks, options):
    """Columns of text as numbers, where most of their cells are.

    Returns
    -------
    frame : DataFrame

    units : dict
        Of the columns whose cells end with one.

    Raises
    ------
    ValueError
        If a column holds numbers for the most part, and other text.
    """
    columns, units, wrong = {}, {}, {}
    for name, column in frame.items():
        columns[name] = column
        if name in keys or not is_text(column):
            continue
        if any(isinstance(cell, bool) for cell in column.dropna().unique()[:3]):
            continue
        numbers, unit = _numbers(column, marks)
        bad = column[np.isnan(numbers) & column.notna().to_numpy()]
        n_numbers = int(np.isfinite(numbers).sum())
        if not len(bad):
            columns[name] = pd.Series(numbers, frame.index)
            units |= {name: unit} if unit else {}
        elif n_numbers > len(bad):
            wrong[name] = bad, n_numbers
    if wrong:
        raise ValueError(_told(wrong, options))
    return pd.DataFrame(columns), units


def _numbers(column, marks):
    text = column.dropna().astype("string")
    unit = common_unit(text.unique().tolist()) if len(text) else None
    if unit:
        column = column.astype("string").str.replace(unit, "", regex=False)
    return numbers_of(column, *marks), unit


def _told(wrong, options):
    """What stands between numbers, and the option that helps."""
    name, (bad, n_numbers) = next(iter(wrong.items()))
    words = pd.concat([cells.astype(str) for cells, _ in wrong.values()])
    words = words.str.strip().value_counts()
    first = bad.iloc[0]
    told = (
        f"Column {name!r} is not numeric: beside {n_numbers} numbers it holds "
        f"{first!r} in row {bad.index[0]}"
    )
    others = len(bad) - 1
    told += f", and text in {others} other row{'s' * (others > 1)}" * (others > 0)
    told += f"; so do {len(wrong) - 1} other columns" * (len(wrong) > 1)
    listed = list(words.index[:_MOST_WORDS])
    if all(_OTHER_DECIMAL.fullmatch(word) for word in listed):
        return f"{told}. Where that is a decimal: {options.say('decimal', ',')}."
    counts = ", ".join(f"{w!r} ({n} times)" for w, n in words[:_MOST_WORDS].items())
    more = len(words) - len(listed)
    counts += f" and {more} others" * (more > 0)
    return (
        f"{told}. The text is {counts}. Where it stands for missing values: "
        f"{options.say('na_values', listed)}."
    )


def notes_of_sentinels(frame, options):
    """Sentences about numbers that may stand for missing values."""
    notes = []
    for name, column in frame.items():
        numeric = pd.api.types.is_numeric_dtype(column)
        if not numeric or pd.api.types.is_bool_dtype(column):
            continue
        for value in sentinels(column):
            value = int(value) if float(value).is_integer() else value
            n_rows = int((column == value).sum())
            notes.append(
                f"Column {name!r} holds {value} in {n_rows} row{'s' * (n_rows > 1)}, "
                "far from all else. Where it stands for missing values: "
                f"{options.say('na_values', [value])}."
            )
    return notes
