# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle
import tracemalloc
from xml.etree import ElementTree

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    KFold,
    TimeSeriesSplit,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing
from strategies import examples, rows, window_sizes

from skseq import SlidingWindow, Windows


@pytest.fixture
def windows():
    """Ten windows of up to 3 rows, of two series of 6 and 4 rows."""
    table = np.arange(20.0).reshape(10, 2)
    starts = [0, 0, 0, 1, 2, 3, 6, 6, 6, 7]
    return Windows(
        table,
        starts,
        np.arange(10),
        3,
        series_starts=[0, 6],
        feature_names=np.array(["a", "b"]),
        index=pd.Index(list("abcdefghij")),
    )


@pytest.fixture
def gathered(windows):
    rows_of_windows = [
        list(range(start, end + 1))
        for start, end in zip(windows.starts, windows.ends, strict=True)
    ]
    return naive.gather(windows.table, rows_of_windows, 3)


def make_windows(case, window_size):
    """Windows of rows whose series are interleaved."""
    table = np.column_stack([case.table, case.series])
    return SlidingWindow(window_size, group_by=table.shape[1] - 1).fit_transform(table)


def flatten(X):
    X = np.nan_to_num(np.asarray(X))
    return X.reshape(len(X), -1)


def make_regressor():
    return make_pipeline(FunctionTransformer(flatten), Ridge())


def test_windows_look_like_a_3d_array(windows, gathered):
    assert windows.shape == gathered.shape == (10, 3, 2)
    assert windows.dtype == gathered.dtype == np.float32
    assert windows.ndim == gathered.ndim
    assert len(windows) == len(gathered)
    assert repr(windows) == "Windows(shape=(10, 3, 2), table=(10, 2))"


def test_asarray_gathers_what_the_loop_gathers(windows, gathered):
    assert_array_equal(np.asarray(windows), gathered, strict=True)
    assert_array_equal(
        np.asarray(windows, dtype=np.float64), gathered.astype(np.float64), strict=True
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_tables_of_any_layout_give_float32_windows(windows, gathered, dtype, order):
    table = windows.table.astype(dtype, order=order)
    other = windows.with_table(table)
    assert other.table is table
    assert_array_equal(np.asarray(other), gathered, strict=True)
    assert_array_equal(other[3], gathered[3], strict=True)


@pytest.mark.parametrize("order", ["C", "F"])
def test_gathering_a_batch_needs_no_copy_of_the_table(order):
    table = np.zeros((100_000, 4), dtype=np.float32, order=order)
    windows = SlidingWindow(5).fit_transform(table)
    tracemalloc.start()
    np.asarray(windows[:32])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < table.nbytes / 10


@pytest.mark.parametrize(
    "key",
    [
        slice(2, 7),
        slice(None, None, -2),
        slice(8, 2),
        [4, 4, 0],
        [],
        [-1, 3],
        np.array([9, 0]),
        np.arange(10) % 3 == 0,
        [True, False] * 5,
        Ellipsis,
        ([1, 2], Ellipsis),
        (slice(3), slice(None), slice(None)),
    ],
    ids=repr,
)
def test_slicing_is_lazy_and_equals_slicing_the_array(windows, gathered, key):
    part = windows[key]
    assert isinstance(part, Windows)
    assert part.table is windows.table
    assert part.feature_names == ["a", "b"]
    assert_array_equal(np.asarray(part), gathered[key], strict=True)
    rows_key = key[0] if isinstance(key, tuple) else key
    assert_array_equal(part.index, windows.index[rows_key])
    assert_array_equal(part.series, windows.series[rows_key])


@pytest.mark.parametrize("key", [0, 7, -1, -10, np.int64(3), (4, Ellipsis)])
def test_an_int_gives_one_window_as_an_array(windows, gathered, key):
    assert isinstance(windows[key], np.ndarray)
    assert_array_equal(windows[key], gathered[key], strict=True)


def test_iteration_gives_each_window(windows, gathered):
    assert len(list(windows)) == 10
    for window, expected in zip(windows, gathered, strict=True):
        assert_array_equal(window, expected)


@pytest.mark.parametrize("key", [10, -11, [3, 10], np.ones(9, dtype=bool)], ids=repr)
def test_a_key_out_of_range_is_an_index_error(windows, key):
    with pytest.raises(IndexError):
        windows[key]


@pytest.mark.parametrize("key", [(0, 1), (slice(None), [0, 1]), (..., np.arange(2))])
def test_other_axes_than_the_first_cannot_be_indexed(windows, key):
    with pytest.raises(IndexError, match="on the first axis only"):
        windows[key]


@pytest.mark.parametrize("key", [None, [[0, 1]], np.array(3), np.True_], ids=repr)
def test_a_key_that_adds_or_drops_axes_is_an_index_error(windows, key):
    with pytest.raises(IndexError, match="an int, a slice, or 1-D ints or bools"):
        windows[key]


def test_windows_cannot_be_had_without_a_copy(windows):
    with pytest.raises(ValueError, match="a copy is needed"):
        np.array(windows, copy=False)


@pytest.mark.parametrize("order", ["C", "F"])
def test_writing_to_what_was_gathered_leaves_the_table_alone(order):
    table = np.ones((6, 2), dtype=np.float32, order=order)
    windows = Windows(table, [0, 1], [2, 3], 3)
    windows[0][:] = -1
    np.asarray(windows)[:] = -1
    np.asarray(windows[:1])[:] = -1
    assert (table == 1).all()


def test_a_pickled_slice_holds_only_the_rows_it_refers_to():
    windows = SlidingWindow(30).fit_transform(np.zeros((20_000, 8)))
    row = 8 * 8 + 2 * 4
    assert len(pickle.dumps(windows[500:600])) < 129 * row + 2_000
    assert len(pickle.dumps(windows)) < 20_000 * row + 2_000
    assert pickle.loads(pickle.dumps(windows[500:600])).table.shape == (129, 8)


@pytest.mark.parametrize("key", [slice(None), slice(4, 8), [9, 2, 2], []], ids=repr)
@pytest.mark.parametrize(
    "copied", [lambda w: pickle.loads(pickle.dumps(w)), copy.deepcopy, copy.copy]
)
def test_pickles_and_copies_are_equal(windows, key, copied):
    part = windows[key]
    other = copied(part)
    assert_array_equal(np.asarray(other), np.asarray(part), strict=True)
    assert other.feature_names == part.feature_names
    assert_array_equal(other.index, part.index)
    _, expected = np.unique(part.series, return_inverse=True)
    assert_array_equal(other.series, expected)


@examples
@given(rows(), window_sizes, st.data())
def test_compact_windows_hold_the_same_and_no_other_rows(case, window_size, data):
    windows = make_windows(case, window_size)
    positions = st.integers(0, len(windows) - 1)
    part = windows[data.draw(st.lists(positions, min_size=1))]
    other = part.compact()
    assert_array_equal(np.asarray(other), np.asarray(part))
    assert_array_equal(other.table, part.table[part.rows()])
    assert_array_equal(other.rows(), np.arange(len(other.table)))
    same = part.series[:, np.newaxis] == part.series
    assert_array_equal(other.series[:, np.newaxis] == other.series, same)


def test_windows_that_refer_to_every_row_are_compact(windows):
    assert windows.compact() is windows


@examples
@given(rows(), window_sizes, st.data())
def test_windows_tell_which_rows_they_hold(case, window_size, data):
    n_rows = len(case.table)
    windows = make_windows(case, window_size)
    held = naive.window_rows(n_rows, window_size, case.series)
    flags = data.draw(st.lists(st.booleans(), min_size=n_rows, max_size=n_rows))
    assert windows.holds_any(flags).tolist() == [any(flags[r] for r in w) for w in held]

    flagged = [i for i in range(n_rows) if flags[i]]
    rows_of_flagged = {row for i in flagged for row in held[i]}
    shared = [bool(rows_of_flagged & set(w)) for w in held]
    assert windows.shares_rows(windows[flagged]).tolist() == shared
    # The table may be in another order: its cells tell the rows.
    expected = np.sort(case.table[sorted(rows_of_flagged), 0])
    assert_array_equal(np.sort(windows.table[windows[flagged].rows(), 0]), expected)


def test_a_slice_tells_which_of_its_windows_hold_a_flagged_row(windows):
    flags = np.arange(10) == 3
    assert_array_equal(windows.holds_any(flags), [0, 0, 0, 1, 1, 1, 0, 0, 0, 0])
    assert_array_equal(windows[3:].holds_any(flags[3:]), [1, 1, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("key", [[3, 1], np.arange(10) < 4, slice(2, 5)], ids=repr)
def test_sklearn_indexes_windows_lazily(windows, gathered, key):
    part = _safe_indexing(windows, key)
    assert isinstance(part, Windows)
    assert_array_equal(np.asarray(part), gathered[key])


def test_train_test_split_keeps_windows_and_labels_aligned(windows, gathered):
    train, test, _, places = train_test_split(windows, np.arange(10), random_state=0)
    assert isinstance(train, Windows)
    assert_array_equal(np.asarray(test), gathered[places])


@pytest.mark.parametrize("cv", [KFold(3), TimeSeriesSplit(3, gap=2)], ids=repr)
def test_cross_validation_takes_windows_as_it_takes_the_array(cv):
    X = np.random.default_rng(0).normal(size=(60, 2))
    windows = SlidingWindow(4).fit_transform(X)
    y = X.sum(axis=1)
    lazy = cross_val_score(make_regressor(), windows, y, cv=cv)
    assert_array_equal(
        lazy, cross_val_score(make_regressor(), np.asarray(windows), y, cv=cv)
    )
    assert lazy.min() > 0.9


def test_another_table_must_have_as_many_rows(windows):
    assert windows.with_table(np.zeros((10, 5))).shape == (10, 3, 5)
    with pytest.raises(ValueError, match="'table' must have 10 rows. Got 9"):
        windows.with_table(np.zeros((9, 2)))


def test_flags_must_be_aligned_with_the_windows(windows):
    with pytest.raises(ValueError, match=r"each of the 10 windows. Got shape \(9,\)"):
        windows.holds_any(np.zeros(9, dtype=bool))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"table": np.zeros(4)}, "Got 1 dimension"),
        ({"table": np.zeros((4, 1), dtype=int)}, "of int64 instead"),
        ({"starts": [0]}, "of one length"),
        ({"starts": [-1, 0]}, "must be rows of the table, 0 to 3. Got -1 to 2"),
        ({"ends": [1, 4]}, "must be rows of the table, 0 to 3. Got 0 to 4"),
        ({"starts": [1, 3]}, "must hold 1 to n_timesteps=3 rows. Got 0 to 1"),
        ({"n_timesteps": 2}, "must hold 1 to n_timesteps=2 rows. Got 2 to 3"),
        ({"index": pd.RangeIndex(3)}, "each of the 2 windows. Got 3"),
    ],
)
def test_inconsistent_parts_are_refused(changes, message):
    parts = {"table": np.zeros((4, 1)), "starts": [0, 0], "ends": [1, 2]}
    parts |= {"n_timesteps": 3} | changes
    with pytest.raises(ValueError, match=message):
        Windows(**parts)


def test_html_tells_shape_series_and_what_is_missing():
    table = np.arange(60.0).reshape(30, 2)
    table[3:6, 1] = np.nan
    frame = pd.DataFrame(table, columns=["flow", "a<b"])
    frame = frame.assign(pump=[0] * 10 + [1] * 20)
    windows = SlidingWindow(5, group_by="pump").fit_transform(frame)
    html = windows._repr_html_()
    assert "30 of 5 steps, 2 features" in html
    assert "<td style='text-align:left'>2</td>" in html
    assert "5% of the cells; 13% of the steps are padding" in html  # 3 / 60, 20 / 150
    # A picture that XML can be read from, with one window shaded.
    picture = ElementTree.fromstring(html[html.index("<svg") : -len("</div>")])
    assert len(picture.findall("rect")) == 1
    assert [text.text for text in picture.findall("text")] == ["flow", "a<b"]
    assert [path.get("d").count("M") for path in picture.findall("path")] == [1, 2]
    assert "0 of 5 steps" in windows[:0]._repr_html_()
