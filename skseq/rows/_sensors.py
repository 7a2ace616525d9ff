# SPDX-License-Identifier: BSD-3-Clause
"""What the columns of a table are good for, before anything is fitted to them."""

import re

import numpy as np
import pandas as pd

from ._series import group_order

_NEAR_CONSTANT = 0.99  # share of one value
OTHER_UNIT = 1e4  # times the spread of the others
LEAK = 0.95  # correlation with the labels
_MANY_MISSING = 0.5
_MIN_VALUES = 10  # values that may rise by chance
_LABEL_NAME = re.compile(
    r"label|target|fault|alarm|anomal|failure|attack|event|^class$|^y$"
    r"|stör|stoer|fehler|ausfall|défaut|defaut|panne|fallo|aver[ií]a|guasto",
    re.IGNORECASE,
)


def _numbers(column):
    """A column as floats; None where it holds no numbers."""
    is_flag = pd.api.types.is_bool_dtype(column)
    if not is_flag and not pd.api.types.is_numeric_dtype(column):
        return None
    values = column.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def is_counter(values, series):
    """Tell values that only rise in every series, or only fall in every one.

    Parameters
    ----------
    values : ndarray of float of shape (n_rows,)
        In the order of the rows; what is missing (NaN) is passed over.

    series : ndarray of shape (n_rows,)
        Series of each row, the rows of each together.
    """
    observed = ~np.isnan(values)
    values, series = values[observed], series[observed]
    steps = np.diff(values)[np.diff(series) == 0]
    if not steps.any() or ((steps < 0).any() and (steps > 0).any()):
        return False
    return len(np.unique(values)) > _MIN_VALUES


def _spread(values):
    """Distance between the quartiles; the standard deviation where that is 0."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) or float(values.std())


def _is_label(name, values, distinct, y):
    if y is None:
        flags = distinct == 2 and np.isin(values[~np.isnan(values)], (0, 1)).all()
        return bool(flags and _LABEL_NAME.search(str(name)))
    both = ~np.isnan(values)
    a, b = values[both], y[both]
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return False
    return bool(abs(np.corrcoef(a, b)[0, 1]) >= LEAK)


def _facts(name, column, codes, order, y):
    values = _numbers(column)
    facts = {
        "missing": float(column.isna().mean()),
        "distinct": int(column.nunique()),
        "spread": np.nan,
        "text": values is None,
    }
    if values is None:
        return facts
    counts = column.value_counts()
    facts |= {
        "spread": _spread(values),
        "constant": facts["distinct"] == 1,
        "near_constant": facts["distinct"] > 1
        and counts.iloc[0] >= _NEAR_CONSTANT * counts.sum(),
        "counter": is_counter(values[order], codes),
        "label": _is_label(name, values, facts["distinct"], y),
    }
    return facts


def _twins(table):
    """The first column that holds what another holds, by the name of the other."""
    seen, twins = {}, {}
    for name, column in table.items():
        if column.nunique() < 2:
            continue
        first = seen.setdefault(pd.util.hash_array(column.to_numpy()).tobytes(), name)
        if first != name:
            twins[name] = first
    return twins


def _words(row):
    """The grade of a column in words."""
    share = row["missing"]
    texts = {
        "nothing was observed": row["distinct"] == 0,
        f"{share:.0%} missing": row["distinct"] > 0 and share >= _MANY_MISSING,
        "text": row["text"],
        "constant": row["constant"],
        "near-constant": row["near_constant"],
        "counter": row["counter"],
        "looks like the label": row["label"],
        "other unit": row["other_unit"],
        f"same as {row['same_as']}": row["same_as"] is not None,
    }
    return ", ".join(text for text, holds in texts.items() if holds) or "good"


def grade_sensors(table, *, time=None, group_by=None, groups=None, y=None):
    """Tell of each column of a table whether it is fit to be a feature.

    Parameters
    ----------
    table : DataFrame
        Rows in time order.

    time : str, default=None
        Column of the time, which is not graded.

    group_by : str or list of str, default=None
        Columns that name the series, which are not graded either.

    groups : array-like of shape (n_rows,), default=None
        Series of each row, where no column names it.

    y : array-like of shape (n_rows,), default=None
        Labels, 1 in the rows of events.

    Returns
    -------
    grades : DataFrame
        A row for each column, by name: ``missing``, the share of its rows;
        ``distinct``, the number of its values; ``spread``, the distance between its
        quartiles (its standard deviation where that is 0); flags:

        - ``text``: it holds no numbers;
        - ``constant``: one value;
        - ``near_constant``: one value in 99 rows of 100;
        - ``counter``: it only rises or only falls within each series, as a counter of
          rows or of hours that are left;
        - ``label``: its correlation with ``y`` is 0.95 or more, or, without ``y``, it
          holds 0 and 1 and has a name such as ``fault``;
        - ``other_unit``: its spread is 10,000 times the median of the others';

        ``same_as``, the first column that holds the same values, or None; and
        ``grade``, all of this in words, or ``"good"``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skseq.rows._sensors import grade_sensors
    >>> table = pd.DataFrame({"flow": [3, 1, 2, 2], "valve": 1, "copy": [3, 1, 2, 2]})
    >>> grade_sensors(table)["grade"].to_dict()
    {'flow': 'good', 'valve': 'constant', 'copy': 'same as flow'}
    """
    names = [group_by] if isinstance(group_by, str) else list(group_by or ())
    keys = [key for key in (time, *names) if key is not None]
    codes = np.zeros(len(table), dtype=int)
    if names:
        codes = table.groupby(names, sort=False, dropna=False).ngroup().to_numpy()
    elif groups is not None:
        codes, _ = pd.factorize(pd.Series(groups), use_na_sentinel=False)
    order, _ = group_order(codes, len(table))
    codes, y = codes[order], None if y is None else np.asarray(y, dtype=float)
    features = table.drop(columns=keys)
    flags = dict.fromkeys(("constant", "near_constant", "counter", "label"), False)
    grades = pd.DataFrame.from_dict(
        {
            name: {**flags, **_facts(name, column, codes, order, y)}
            for name, column in features.items()
        },
        orient="index",
        columns=["missing", "distinct", "spread", "text", *flags],
    )
    grades["other_unit"] = _other_units(grades["spread"])
    twins = _twins(features)
    grades["same_as"] = pd.Series(
        [twins.get(n) for n in grades.index], grades.index, object
    )
    rows = grades.to_dict("index").items()
    grades["grade"] = pd.Series({name: _words(row) for name, row in rows}, dtype=object)
    return grades


def _other_units(spread):
    """Columns beside whose spread that of the others is nothing."""
    varying = spread[spread > 0]
    other = pd.Series(False, spread.index)
    for name, value in varying.items():
        rest = varying.drop(name)
        other[name] = len(rest) > 0 and value >= OTHER_UNIT * rest.median()
    return other
