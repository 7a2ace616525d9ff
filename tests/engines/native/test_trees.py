# SPDX-License-Identifier: BSD-3-Clause
"""Sums of what trees say of rows, in compiled code.

That they are those of scikit-learn is told in tests/streaming/test_few.py.
"""

import numpy as np
import pytest

_kernels = pytest.importorskip(
    "skseq.engines.native._kernels", reason="the kernels were not built"
)

INTEGERS = {
    "roots": [0, 3],
    "features": [1, 0, 0, 0],
    "left": [1, -1, -1, -1],
    "right": [2, -1, -1, -1],
}


def arrays(**changed):
    """A tree of a split and one that is a leaf, of rows of two cells."""
    given = {name: np.array(array, np.int32) for name, array in INTEGERS.items()}
    given["splits"] = np.array([0.5, 0, 0, 0], np.float32)
    given["values"] = np.array([100.0, 1, 2, 10])
    return {**given, **changed}


def sums(rows, columns=2, **changed):
    rows = np.asarray(rows, np.float32)
    out = np.full(len(rows), np.nan)
    _kernels.SumOfTrees(columns=columns, **arrays(**changed)).add_up(rows, out)
    return out.tolist()


def test_a_row_gets_the_sum_of_its_leaves():
    rows = [[9, 0.5], [9, 0.6], [0, -np.inf], [0, np.inf]]
    assert sums(rows) == [11, 12, 11, 12]
    assert sums([[0, np.nan]]) == [11]
    assert sums(np.zeros((0, 2))) == []


def test_many_rows_are_as_each_alone():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1000, 2))
    assert sums(rows) == [sums(row[np.newaxis])[0] for row in rows]


def test_no_trees_add_up_to_nothing():
    nothing = {name: np.zeros(0, np.int32) for name in INTEGERS}
    nothing |= {"splits": np.zeros(0, np.float32), "values": np.zeros(0)}
    assert sums([[1, 2]], **nothing) == [0]


@pytest.mark.parametrize("name", arrays())
def test_an_array_of_another_length_or_type_is_refused(name):
    array = arrays()[name]
    with pytest.raises(ValueError, match="must (have shape|be places)"):
        sums([[1, 2]], **{name: np.append(array, array[:1])})
    with pytest.raises(TypeError):
        sums([[1, 2]], **{name: array.astype(np.int64)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": 0}, "columns must be positive"),
        ({"roots": [1, 0]}, "roots must be places of nodes, in order"),
        ({"roots": [-1, 3]}, "roots must be places"),
        ({"roots": [0, 4]}, "roots must be places"),
        ({"features": [2, 0, 0, 0]}, "features must be columns"),
        ({"features": [-1, 0, 0, 0]}, "features must be columns"),
        ({"left": [0, -1, -1, -1]}, "children must come after, in their tree"),
        ({"left": [3, -1, -1, -1]}, "children must come after"),
        ({"right": [-1, -1, -1, -1]}, "children must come after"),
        ({"right": [2**31 - 1, -1, -1, -1]}, "children must come after"),
        ({"left": [1, 0, -1, -1]}, "children must come after"),
    ],
    ids=str,
)
def test_trees_that_lead_elsewhere_are_refused(change, message):
    given = {k: np.array(v, np.int32) for k, v in change.items() if k != "columns"}
    with pytest.raises(ValueError, match=message):
        sums([[1, 2]], change.get("columns", 2), **given)


def test_rows_of_another_shape_or_type_are_refused():
    trees = _kernels.SumOfTrees(columns=2, **arrays())
    rows, out = np.zeros((3, 2), np.float32), np.zeros(3)
    for wrong in rows[0], rows[:, :1].copy(), np.float32(1), rows[np.newaxis]:
        with pytest.raises(ValueError, match="rows must have shape"):
            trees.add_up(np.array(wrong), out)
    with pytest.raises(ValueError, match="out must have shape"):
        trees.add_up(rows, out[:2])
    for wrong in rows.astype(np.float64), rows[::2]:
        with pytest.raises(TypeError):
            trees.add_up(wrong, out[: len(wrong)])
