# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle
import tracemalloc

import naive
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skseq import LSTMAutoencoder, SlidingWindow, Windows
from skseq.engines._batches import feature_means, has_padding
from skseq.windowing import table_to_memmap


@pytest.fixture
def table():
    return np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)


@pytest.fixture
def path(table, tmp_path):
    np.save(tmp_path / "table.npy", table)
    return tmp_path / "table.npy"


def test_padded_windows_of_a_file_are_those_of_sliding_window(table, path):
    series = np.repeat([0, 1], [150, 250])
    windows = Windows.from_memmap(path, 5, series_starts=[0, 150], padded=True)
    assert_array_equal(windows, naive.windows(table, 5, series))
    assert_array_equal(windows.series, series)


def test_windows_of_a_file_are_full_and_a_stride_apart(table, path):
    windows = Windows.from_memmap(path, 5, stride=7, series_starts=[0, 150])
    ends = [*range(4, 150, 7), *range(154, 400, 7)]
    assert_array_equal(windows.ends, ends)
    assert_array_equal(windows, [table[end - 4 : end + 1] for end in ends])


def test_series_shorter_than_a_window_give_none(path):
    windows = Windows.from_memmap(path, 5, series_starts=[0, 3, 397])
    assert windows.ends.min() == 7
    assert windows.ends.max() == 396
    assert len(Windows.from_memmap(path, 401)) == 0


def test_the_rows_stay_in_the_file(tmp_path):
    path = tmp_path / "table.npy"
    np.save(path, np.ones((300_000, 32), dtype=np.float32))
    tracemalloc.start()
    windows = Windows.from_memmap(path, 30)
    assert_array_equal(feature_means(windows), np.ones(32))
    assert not has_padding(windows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.75 * windows.table.nbytes
    assert windows.starts.nbytes + windows.ends.nbytes == 8 * len(windows)


@pytest.mark.parametrize("n_rows", [16_383, 16_385, 40_000])
def test_means_of_a_long_table_are_those_of_all_its_windows(n_rows):
    table = np.random.default_rng(0).normal(3, 2, size=(n_rows, 2)).astype(np.float32)
    table[::7, 0] = np.nan
    windows = SlidingWindow(4).fit_transform(table)[5:]
    expected = np.nanmean(np.asarray(windows, dtype=np.float64), axis=(0, 1))
    np.testing.assert_allclose(feature_means(windows), expected, rtol=1e-6)


def test_a_row_of_nan_far_down_a_long_table_is_padding():
    table = np.zeros((150_000, 2), dtype=np.float32)
    assert not has_padding(SlidingWindow(4).fit_transform(table)[3:])
    table[140_000] = np.nan
    assert has_padding(SlidingWindow(4).fit_transform(table)[3:])


@pytest.mark.parametrize("offset", [0, 1200])
def test_windows_are_pickled_by_the_name_of_the_file(table, path, offset):
    mapped = np.load(path, mmap_mode="r")
    if offset:
        bare = path.with_suffix(".bin")
        bare.write_bytes(bytes(offset) + table.tobytes())
        mapped = np.memmap(bare, np.float32, "r", offset, table.shape)
    windows = Windows.from_memmap(mapped, 5, feature_names=list("abc"))[::2]
    content = pickle.dumps(windows)
    assert len(content) < table.nbytes / 2
    for copied in (pickle.loads(content), copy.deepcopy(windows)):
        assert_array_equal(copied, windows)
        assert copied.feature_names == ["a", "b", "c"]
        assert isinstance(copied.table.base, np.memmap)


def test_a_part_of_a_map_and_a_writable_one_are_pickled_with_their_rows(table, path):
    part = np.load(path, mmap_mode="r")[100:]
    writable = np.load(path, mmap_mode="c")
    writable[0] = 7
    for mapped in (part, writable):
        windows = Windows.from_memmap(mapped, 5)
        assert_array_equal(pickle.loads(pickle.dumps(windows)), windows)


def test_training_from_a_file_gives_the_weights_of_training_from_memory(table, path):
    settings = {"max_epochs": 2, "random_state": 0, "engine": "native"}
    mapped = LSTMAutoencoder(4, **settings).fit(Windows.from_memmap(path, 5))
    windows = SlidingWindow(5).fit_transform(table)[4:]
    for a, b in zip(
        mapped.weights_,
        LSTMAutoencoder(4, **settings).fit(windows).weights_,
        strict=True,
    ):
        assert_array_equal(a, b)


def test_a_block_of_windows_holds_its_rows_in_memory(table, path):
    windows = Windows.from_memmap(path, 5)
    block = windows[100:150].compact()
    assert block.table.shape == (54, 3)
    assert block.table.base is None
    assert_array_equal(block, windows[100:150])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"window_size": 0}, "'window_size' must be 1 or more. Got 0"),
        ({"window_size": 3, "stride": 0}, "'stride' must be 1 or more. Got 0"),
    ],
)
def test_what_is_not_positive_is_named(path, parameters, message):
    with pytest.raises(ValueError, match=message):
        Windows.from_memmap(path, **parameters)


def test_an_array_in_memory_is_refused(table):
    with pytest.raises(TypeError, match="use sliding_windows"):
        Windows.from_memmap(table, 3)


def pieces_of(table):
    return [table[:7], table[7:7], table[7:300], table[300:]]


def parquet_file(frame, folder):
    frame.to_parquet(folder / "table.parquet", row_group_size=64)
    return folder / "table.parquet"


def parquet_folder(frame, folder):
    (folder / "parts").mkdir()
    for k in range(0, 400, 100):
        frame[k : k + 100].to_parquet(folder / "parts" / f"part-{k:03}.parquet")
    return folder / "parts"


def dask_frame(frame, folder):
    dd = pytest.importorskip("dask.dataframe")
    return dd.from_pandas(frame, npartitions=5)


@pytest.mark.parametrize(
    "source_of",
    [
        lambda frame, folder: iter(pieces_of(frame.to_numpy())),
        lambda frame, folder: pieces_of(frame),
        parquet_file,
        parquet_folder,
        dask_frame,
    ],
    ids=["arrays", "frames", "parquet file", "parquet folder", "dask"],
)
def test_the_file_holds_the_pieces_in_their_order(table, tmp_path, source_of):
    frame = pd.DataFrame(table, columns=list("abc"))
    frame["c"] = frame["c"].astype(np.float64)
    mapped = table_to_memmap(source_of(frame, tmp_path), tmp_path / "out.npy")
    assert mapped.dtype == np.float32
    assert_array_equal(mapped, table)
    assert_array_equal(np.load(tmp_path / "out.npy"), table)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], "'source' has no row"),
        ([np.ones((2, 2)), np.ones((2, 3))], r"Piece 1 has \[0, 1, 2\]"),
        (
            [pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})],
            r"Piece 1 has \['b'\], piece 0 has \['a'\]",
        ),
        ([np.ones((2, 2)), np.array([[1, np.inf]])], "infinity .* row 0, feature 1"),
        ([pd.DataFrame({"a": ["x"]})], "Column 'a' of X is not numeric"),
    ],
)
def test_a_failure_leaves_the_old_file(tmp_path, pieces, message):
    path = tmp_path / "table.npy"
    np.save(path, np.zeros(3))
    with pytest.raises(ValueError, match=message):
        table_to_memmap(pieces, path)
    assert_array_equal(np.load(path), np.zeros(3))
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_tells_the_piece(tmp_path):
    pieces = [np.ones((2, 1)), np.full((2, 1), np.inf)]
    with pytest.raises(ValueError, match="infinity") as caught:
        table_to_memmap(pieces, tmp_path / "table.npy")
    assert caught.value.__notes__ == ["In piece 1 of 'source', by its own rows."]
