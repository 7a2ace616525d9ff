# SPDX-License-Identifier: BSD-3-Clause
"""Hypothesis strategies, and the settings that keep them fast and repeatable."""

import math
import os
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from scipy import sparse

# ``make fuzz`` tries 40 times as many.
EFFORT = int(os.environ.get("SKSEQ_FUZZ_EFFORT", "1"))

examples = settings(max_examples=20 * EFFORT, deadline=None, derandomize=True)


class Rows(NamedTuple):
    """Rows of interleaved series, each in time order."""

    table: np.ndarray
    series: np.ndarray
    time: np.ndarray


@st.composite
def rows(draw, max_rows=25):
    n_rows = draw(st.integers(1, max_rows))
    n_features = draw(st.integers(1, 3))
    series = draw(st.lists(st.integers(0, 3), min_size=n_rows, max_size=n_rows))
    steps = draw(st.lists(st.integers(0, 4), min_size=n_rows, max_size=n_rows))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    # Numbering the cells makes every one of them recognisable.
    table = np.arange(n_rows * n_features, dtype=dtype).reshape(n_rows, n_features)
    return Rows(table, np.array(series), np.cumsum(steps))


@st.composite
def sequences(draw):
    """Up to 6 sequences of unequal length that neither begin nor end with padding."""
    n_features = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    arrays = []
    for number, length in enumerate(lengths):
        array = np.arange(length * n_features, dtype=np.float32) + 100 * number
        array = array.reshape(length, n_features)
        missing = draw(st.lists(st.integers(0, array.size - 1), max_size=3))
        array.flat[missing] = np.nan
        array[0, 0] = array[-1, 0] = number
        arrays.append(array)
    return arrays


window_sizes = st.integers(1, 8)


# Fuzzing: the same values in many containers, and input that nobody means to give.

fuzzed = settings(
    max_examples=10 * EFFORT,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

_NUMBERS = [0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -7.25, 100.0]
_EXTREMES = [1e30, -1e38, 3.4e38, 3.5e38, 1e300, -1e300, 1e-40, 5e-324]
_MISSING = [np.nan, np.inf, -np.inf]
_OBJECTS = [
    *(None, pd.NA, pd.NaT, "a", "1", "", b"x", "nan", True, 2**63, 10**400, 1 + 2j),
    *(Decimal("1.5"), Decimal("nan"), Decimal("sNaN"), Fraction(1, 3), [], (1, 2), {}),
    *(object(), np.float16(3), np.datetime64("2024-01-01"), pd.Timestamp("2024-01-01")),
    *(np.timedelta64(5, "s"), pd.Timedelta("1h"), np.array([1.0, 2.0])),
]
_DTYPES = [
    *("f8", "f4", "f2", ">f8", "longdouble", "i8", "u1", "u8", "?", "O", "U3", "S3"),
    *("c16", "M8[s]", "m8[s]"),
]


def _sample(draw, pool, n):
    return draw(st.lists(st.sampled_from(pool), min_size=n, max_size=n))


def _cells(draw, n, *, pool=None):
    """Cells of a kind: mostly harmless, extreme, missing, or anything."""
    if pool is None:
        pool = draw(
            st.sampled_from(
                [
                    _NUMBERS,
                    _NUMBERS + _MISSING[:1],
                    _NUMBERS + _EXTREMES,
                    _NUMBERS + _MISSING + _EXTREMES,
                    _MISSING[:1],
                    [2.0],
                ]
            )
        )
    few = _sample(draw, pool, min(n, 12))
    return (few * (n // max(len(few), 1) + 1))[:n]


def _as_dtype(cells, dtype):
    if dtype == "O":
        array = np.empty(len(cells), dtype=object)
        for k, cell in enumerate(cells):
            array[k] = cell
        return array
    if dtype[0] in "Mm":
        return np.array([int(c) if abs(c) < 9 else 0 for c in cells], dtype=dtype)
    with np.errstate(all="ignore"):
        values = np.array(cells, dtype=np.float64)
        if dtype[0] in "iu?":
            values = np.clip(np.nan_to_num(values), 0, 250)
        return values.astype(dtype)


def _disguise(draw, array):
    """The same array with another layout, or in another container."""
    kind = draw(
        st.sampled_from(
            ["plain"] * 4
            + ["list", "fortran", "reversed", "strided", "readonly"]
            + ["masked", "sparse", "memoryview"]
        )
    )
    if kind == "list":
        return array.tolist()
    if kind == "fortran":
        return np.asfortranarray(array)
    if kind == "reversed":
        return array[::-1] if array.ndim else array
    if kind == "strided":
        return np.repeat(array, 2, axis=0)[::2] if array.ndim else array
    if kind == "readonly":
        array.flags.writeable = False
    if kind == "masked":
        return np.ma.masked_array(array, mask=draw(st.booleans()))
    numeric = array.dtype.kind in "fiub" and array.dtype.itemsize <= 8
    if kind == "sparse" and array.ndim == 2 and numeric and array.dtype != np.float16:
        return sparse.csr_array(array.astype(array.dtype.newbyteorder("=")))
    if kind == "memoryview" and numeric and array.dtype.isnative:
        return memoryview(np.ascontiguousarray(array))
    return array


@st.composite
def odd_arrays(draw, shape=None):
    """Anything that an array-like may be."""
    if shape is None:
        dims = st.sampled_from([0, 1, 2, 2, 2, 3, 3, 3, 4])
        side = st.sampled_from([0, 1, 1, 2, 3, 4, 12])
        shape = tuple(draw(side) for _ in range(draw(dims)))
    dtype = draw(st.sampled_from(_DTYPES[:1] * 6 + _DTYPES))
    n = math.prod(shape)
    pool = None
    if dtype == "O":
        pool = _NUMBERS + draw(st.lists(st.sampled_from(_OBJECTS), max_size=3))
    array = _as_dtype(_cells(draw, n, pool=pool), dtype).reshape(shape)
    return _disguise(draw, array)


_COLUMNS = {
    "float": lambda cells: pd.Series(cells, dtype="float64"),
    "float32": lambda cells: pd.Series(_as_dtype(cells, "f4")),
    "int": lambda cells: pd.Series(_as_dtype(cells, "i8")),
    "uint8": lambda cells: pd.Series(_as_dtype(cells, "u1")),
    "bool": lambda cells: pd.Series(_as_dtype(cells, "?")),
    "Int64": lambda cells: _with_na(_as_dtype(cells, "i8"), "Int64"),
    "Float64": lambda cells: _with_na(_as_dtype(cells, "f8"), "Float64"),
    "boolean": lambda cells: _with_na(_as_dtype(cells, "?"), "boolean"),
    "arrow": lambda cells: _with_na(_as_dtype(cells, "i8"), "int64[pyarrow]"),
    "category": lambda cells: pd.Series(cells).astype("category"),
    "letters": lambda cells: pd.Series([f"{c}"[0] for c in cells], dtype=object),
    "string": lambda cells: pd.Series([f"{c}" for c in cells], dtype="string"),
    "datetime": lambda cells: pd.Series(_as_dtype(cells, "M8[s]")),
    "zoned": lambda cells: pd.Series(_as_dtype(cells, "M8[s]")).dt.tz_localize("UTC"),
    "timedelta": lambda cells: pd.Series(_as_dtype(cells, "m8[s]")),
    "period": lambda cells: pd.Series(_as_dtype(cells, "M8[s]")).dt.to_period("D"),
    "complex": lambda cells: pd.Series(_as_dtype(cells, "c16")),
    "sparse": lambda cells: pd.Series(pd.arrays.SparseArray(_as_dtype(cells, "f8"))),
    "none": lambda cells: pd.Series([None] * len(cells), dtype=object),
    "decimal": lambda cells: pd.Series([Decimal(str(c)) for c in cells], dtype=object),
    "huge": lambda cells: pd.Series([10**400] * len(cells), dtype=object),
}
_LABELS = ["a", "b", "a", "time", 0, 1, 1.5, None, ("a", 1), np.nan, True, ""]
_INDEXES = {
    "range": lambda n: pd.RangeIndex(n),
    "reversed": lambda n: pd.RangeIndex(n)[::-1],
    "duplicate": lambda n: pd.Index([0] * n),
    "multi": lambda n: pd.MultiIndex.from_product([["s"], range(n)]),
    "dates": lambda n: pd.date_range("2024-01-01", periods=n, freq="min"),
    "missing": lambda n: pd.Index([np.nan] * n),
}


def _with_na(values, dtype):
    series = pd.Series(values).astype(dtype)
    if len(series) > 1:
        series.iloc[1] = pd.NA
    return series


@st.composite
def odd_frames(draw, n_rows=None):
    """Frames of columns of any kind, with any names, of pandas or polars."""
    n_rows = draw(st.integers(0, 8)) if n_rows is None else n_rows
    harmless = ["float", "float32", "int", "Float64", "arrow", "boolean", "uint8"]
    kinds = draw(st.sampled_from([harmless, harmless, list(_COLUMNS)]))
    kinds = draw(st.lists(st.sampled_from(kinds), max_size=4))
    columns = [_COLUMNS[kind](_cells(draw, n_rows)) for kind in kinds]
    frame = pd.concat([pd.Series(np.zeros(n_rows)), *columns], axis=1).iloc[:, 1:]
    names = list("abcd")[: len(kinds)]
    if draw(st.booleans()):
        names = _sample(draw, _LABELS, len(kinds))
    frame.columns = pd.Index(names, dtype=object, tupleize_cols=False)
    frame.index = _INDEXES[draw(st.sampled_from(list(_INDEXES)))](n_rows)
    in_polars = all(
        isinstance(dtype, np.dtype) and dtype.kind in "biufmM" for dtype in frame.dtypes
    )
    if in_polars and names == list("abcd")[: len(kinds)] and draw(st.booleans()):
        return pl.DataFrame({name: frame[name].to_list() for name in names})
    return frame


def odd_tables(n_rows=None):
    return st.one_of(odd_arrays(), odd_frames(n_rows))


@st.composite
def odd_columns(draw, n_rows):
    """What may stand for labels, groups, weights or times, mostly of that length."""
    n = draw(st.sampled_from([n_rows] * 6 + [0, 1, n_rows + 1]))
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return _COLUMNS[draw(st.sampled_from(list(_COLUMNS)))](_cells(draw, n))
    if kind == 1:
        return draw(odd_arrays(shape=draw(st.sampled_from([(n,), (n, 1), (n, 2)]))))
    if kind == 2:
        pool = [0, 1] + draw(st.lists(st.sampled_from(_OBJECTS + _MISSING), max_size=2))
        return _as_dtype(_cells(draw, n, pool=pool), "O")
    labels = [[0, 1], [False, True], [0.0, 1.0], ["a", "b"], [0, 1, 2], [1], [-1, 1]]
    return np.array(_cells(draw, n, pool=draw(st.sampled_from(labels))))


_FORMS = {
    "list": np.ndarray.tolist,
    "tuple": lambda X: tuple(map(tuple, X.tolist())),
    "rows": list,
    "float16": lambda X: X.astype(np.float16),
    "float32": lambda X: X.astype(np.float32),
    "longdouble": lambda X: X.astype(np.longdouble),
    "big-endian": lambda X: X.astype(">f8"),
    "big-endian float32": lambda X: X.astype(">f4"),
    "object": lambda X: X.astype(object),
    "decimal": lambda X: np.vectorize(lambda c: Decimal(str(c)), otypes="O")(X),
    "fortran": np.asfortranarray,
    "negative strides": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "readonly": lambda X: _readonly(X.copy()),
    "masked": lambda X: np.ma.masked_invalid(X),
}
_FORMS_OF_TABLES = {
    "pandas": pd.DataFrame,
    "Float64": lambda X: pd.DataFrame(X).astype("Float64"),
    "arrow": lambda X: pd.DataFrame(X).astype("float64[pyarrow]"),
    "frame of objects": lambda X: pd.DataFrame(X).astype(object),
    "polars": lambda X: pl.DataFrame({f"{k}": column for k, column in enumerate(X.T)}),
    "duplicate index": lambda X: pd.DataFrame(X, index=[0] * len(X)),
}


def _readonly(X):
    X.flags.writeable = False
    return X


@st.composite
def same_values(draw, shape):
    """An array of float64, and what holds the same values."""
    # float16 holds multiples of a quarter.
    cells = st.integers(-12, 12).map(lambda k: k / 4)
    cells = st.one_of(cells, cells, cells, st.just(np.nan))
    n = math.prod(shape)
    X = np.array(draw(st.lists(cells, min_size=n, max_size=n))).reshape(shape)
    forms = _FORMS | (_FORMS_OF_TABLES if len(shape) == 2 else {})
    return X, forms[draw(st.sampled_from(list(forms)))](X)
