# SPDX-License-Identifier: BSD-3-Clause
"""Any input to what makes windows of rows."""

import naive
import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from outcomes import assert_same, attempt, is_refused, values_of
from sklearn.preprocessing import StandardScaler
from strategies import (
    fuzzed,
    odd_arrays,
    odd_columns,
    odd_frames,
    odd_tables,
    same_values,
)

from skseq import (
    EachTimeStep,
    SlidingWindow,
    Windows,
    WindowSummary,
    early_warning_labels,
    pad_sequences,
    sliding_windows,
    temporalize,
    unpad_sequences,
)
from skseq.windowing import table_to_memmap

odd_numbers = st.sampled_from(
    [1, 2, 3, 0, -1, 2.0, 2.5, True, None, "2", "5min", np.nan, np.inf, 10**9, 10**30]
    + [
        np.int8(2),
        np.uint64(3),
        np.float64(2),
        np.timedelta64(2, "s"),
        [2],
        np.array(2),
    ]
)
columns = st.sampled_from(
    [None, 0, 1, -1, 7, "a", "b", "time", "", ["a"], [0], [], [1.5]]
)


def check_windows(windows, X, window_size):
    """Each window ends in its own row, and holds nothing that X does not hold."""
    n_samples, n_timesteps, n_features = windows.shape
    assert n_timesteps == window_size
    gathered = np.asarray(windows)
    assert gathered.dtype == np.float32
    assert not np.isinf(gathered).any()
    cells = values_of(X)
    if cells is not None and cells.ndim == 2 and cells.shape[1] == n_features:
        assert_array_equal(gathered[:, -1], cells.astype(np.float32))


@fuzzed
@given(odd_tables(), st.integers(1, 4))
def test_sliding_window_of_any_table(X, window_size):
    windows = attempt(SlidingWindow(window_size).fit_transform, X)
    if not is_refused(windows):
        check_windows(windows, X, window_size)


@fuzzed
@given(odd_frames(6), odd_numbers, columns, columns, odd_numbers, st.booleans())
def test_sliding_window_with_any_parameter(X, window_size, group_by, time, gap, delta):
    slider = SlidingWindow(
        window_size, group_by=group_by, time=time, max_gap=gap, add_time_delta=delta
    )
    slider = attempt(slider.fit, X)
    if not is_refused(slider):
        windows = attempt(slider.transform, X)
        if not is_refused(windows):
            assert len(windows) == 6
            assert np.asarray(windows).dtype == np.float32


@fuzzed
@given(odd_frames(5), odd_tables())
def test_sliding_window_of_another_table_than_in_fit(X, other):
    slider = attempt(SlidingWindow(2).fit, X)
    if not is_refused(slider):
        windows = attempt(slider.transform, other)
        if not is_refused(windows):
            assert windows.shape[2] == slider.n_features_in_


@fuzzed
@given(odd_columns(6))
def test_sliding_window_of_any_group(groups):
    assume(isinstance(groups, (np.ndarray, pd.Series)) and len(groups) == 6)
    X = pd.DataFrame({"flow": np.arange(6.0)})
    X["pump"] = groups if isinstance(groups, pd.Series) else list(groups)
    slider = SlidingWindow(3, group_by="pump")
    windows = attempt(slider.fit_transform, X)
    if not is_refused(windows):
        expected = naive.windows(X[["flow"]].to_numpy(), 3, X["pump"].tolist())
        assert_array_equal(np.asarray(windows), expected)


@fuzzed
@given(odd_columns(6), st.sampled_from([None, 1, "1s", 10.0]), st.booleans())
def test_sliding_window_of_any_time(time, max_gap, add_time_delta):
    assume(isinstance(time, (np.ndarray, pd.Series)) and len(time) == 6)
    X = pd.DataFrame({"flow": np.arange(6.0)})
    X["time"] = time if isinstance(time, pd.Series) else list(time)
    slider = SlidingWindow(
        3, time="time", max_gap=max_gap, add_time_delta=add_time_delta
    )
    windows = attempt(slider.fit_transform, X)
    if not is_refused(windows):
        assert windows.shape == (6, 3, 1 + add_time_delta)
        assert_array_equal(np.asarray(windows)[:, -1, 0], np.arange(6))
        assert not np.isinf(np.asarray(windows)).any()


@fuzzed
@given(same_values((5, 2)))
def test_windows_do_not_depend_on_the_container(case):
    X, other = case
    assert_same(
        attempt(SlidingWindow(3).fit_transform, X),
        attempt(SlidingWindow(3).fit_transform, other),
    )
    assert_same(
        attempt(sliding_windows, X, 3, stride=2),
        attempt(sliding_windows, other, 3, stride=2),
    )


@fuzzed
@given(odd_tables(), odd_numbers, odd_numbers, st.one_of(st.none(), odd_columns(6)))
def test_sliding_windows_of_anything(X, window_size, stride, groups):
    outcome = attempt(
        sliding_windows, X, window_size, stride=stride, groups=groups, padded=True
    )
    if not is_refused(outcome):
        windows, ends = outcome
        assert len(windows) == len(ends)
        assert windows.shape[1] == window_size
        cells = values_of(X)
        if cells is not None and window_size < 1000:
            assert_array_equal(
                np.asarray(windows)[:, -1], cells[ends].astype(np.float32)
            )


@fuzzed
@given(odd_tables(), odd_columns(6), odd_numbers)
def test_temporalize_of_anything(X, y, lookback):
    outcome = attempt(temporalize, X, y, lookback)
    if not is_refused(outcome):
        windows, labels = outcome
        assert len(windows) == len(labels) == len(X) - lookback - 1


@fuzzed
@given(st.one_of(odd_arrays(), st.lists(odd_tables(), max_size=3)), odd_numbers)
def test_pad_sequences_of_anything(sequences, n_timesteps):
    # 10**9 steps take as much memory as they ask for. (A duration may not be compared.)
    assume(isinstance(n_timesteps, np.timedelta64) or n_timesteps != 10**9)
    X = attempt(pad_sequences, sequences, n_timesteps=n_timesteps)
    if not is_refused(X):
        assert X.dtype in (np.float32, np.float64)
        assert not np.isinf(X).any()
        assert len(X) == len(sequences)
        back = unpad_sequences(X)
        assert len(back) == len(X)


@fuzzed
@given(odd_tables())
def test_unpad_sequences_of_anything(X):
    sequences = attempt(unpad_sequences, X)
    cells = values_of(X)
    if not is_refused(sequences) and cells is not None:
        with np.errstate(over="ignore"):
            expected = cells.astype(np.float64)
        assert len(sequences) == len(cells)
        held = np.concatenate([sequence.ravel() for sequence in sequences])
        assert_array_equal(held[~np.isnan(held)], expected[~np.isnan(expected)])


@fuzzed
@given(odd_columns(6), odd_numbers, st.one_of(st.none(), odd_columns(6)))
def test_early_warning_labels_of_anything(y, horizon, groups):
    outcome = attempt(early_warning_labels, y, horizon, groups=groups)
    if not is_refused(outcome):
        labels, keep = outcome
        assert len(labels) == len(keep) == len(y)
        assert set(labels) <= {0, 1}


@fuzzed
@given(odd_arrays(), odd_arrays())
def test_a_summary_of_anything(X, other):
    summary = attempt(WindowSummary().fit, X)
    if is_refused(summary):
        return
    for sequences in (X, other):
        out = attempt(summary.transform, sequences)
        if not is_refused(out):
            assert out.shape == (len(sequences), len(summary.get_feature_names_out()))
            assert not np.isinf(out).any()


@fuzzed
@given(odd_tables(), odd_tables())
def test_each_time_step_of_anything(X, other):
    # StandardScaler's own, of a feature without a value
    allowed = [(RuntimeWarning, "invalid value encountered in divide")]
    scaler = attempt(EachTimeStep(StandardScaler()).fit, X, allowed=allowed)
    if is_refused(scaler):
        return
    out = attempt(scaler.transform, X)
    if not is_refused(out):
        assert np.shape(out)[:2] == np.shape(X)[:2]
        cells = values_of(X)
        if cells is not None:
            assert np.isfinite(out[~np.isnan(cells)]).all()
    out = attempt(scaler.transform, other)
    if not is_refused(out):
        attempt(scaler.inverse_transform, out)


positions = st.one_of(
    st.lists(st.integers(-2, 6), max_size=4), odd_arrays(), odd_columns(3), odd_numbers
)


@fuzzed
@given(odd_arrays(), positions, positions, odd_numbers, positions)
def test_windows_of_anything(table, starts, ends, n_timesteps, series_starts):
    windows = attempt(
        Windows, table, starts, ends, n_timesteps, series_starts=series_starts
    )
    if not is_refused(windows) and n_timesteps < 100:
        assert np.asarray(windows).shape == windows.shape
        windows.compact()


@fuzzed
@given(positions)
def test_windows_indexed_by_anything(key):
    windows, _ = sliding_windows(np.arange(10.0).reshape(5, 2), 2)
    try:
        expected = np.asarray(windows)[key]
    except (IndexError, TypeError, ValueError, DeprecationWarning):
        expected = None
    try:
        part = windows[key]
    except (IndexError, TypeError, ValueError):
        return
    assert_array_equal(np.asarray(part), expected)


@fuzzed
@given(
    st.one_of(st.lists(odd_tables(), max_size=3), odd_tables()),
    odd_numbers,
    odd_numbers,
    st.booleans(),
)
def test_memmap_of_anything(tmp_path_factory, pieces, window_size, stride, padded):
    path = tmp_path_factory.getbasetemp() / "fuzzed.npy"
    table = attempt(table_to_memmap, pieces, path)
    if is_refused(table):
        return
    assert not np.isinf(table).any()
    windows = attempt(
        Windows.from_memmap, table, window_size, stride=stride, padded=padded
    )
    if not is_refused(windows):
        assert windows.shape[2] == table.shape[1]
