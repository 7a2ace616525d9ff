# SPDX-License-Identifier: BSD-3-Clause
"""Batches: what an engine gets of sequences with padding and missing cells."""

import numpy as np
import pytest

from skseq import LSTMAutoencoder, PCAAutoencoder, SlidingWindow
from skseq.engines._batches import (
    Preparation,
    add_noise,
    draw_dropout,
    feature_means,
    has_padding,
    pad_batch,
    position_means,
)
from skseq.networks import Architecture


@pytest.fixture
def table():
    table = np.random.default_rng(0).normal(size=(50, 2))
    table[20, 1] = np.nan
    return table


def test_a_batch_is_filled_masked_and_keeps_what_is_missing(table):
    windows = SlidingWindow(3).fit_transform(table)
    fill = np.array([7, 8], dtype=np.float32)
    batch = Preparation(fill).batch(windows, [0, 21])
    np.testing.assert_array_equal(batch.steps, [[False, False, True], [True] * 3])
    np.testing.assert_array_equal(batch.inputs[0, :2], [[7, 8], [7, 8]])
    assert batch.inputs[1, 1, 1] == 8
    np.testing.assert_array_equal(batch.targets, np.asarray(windows[[0, 21]]))


def test_stand_ins_up_to_the_size_are_steps_of_which_no_cell_is_observed(table):
    windows = SlidingWindow(3).fit_transform(table)
    batch = Preparation(np.zeros(2, np.float32)).batch(windows, [5, 6])
    assert pad_batch(batch, 2) is batch
    batch = pad_batch(batch, 4)
    assert batch.inputs.shape == (4, 3, 2)
    assert batch.steps[2:].all()
    assert np.isnan(batch.targets[2:]).all()
    assert np.isfinite(batch.inputs).all()


@pytest.mark.parametrize("n_rows", [1, 50, 3000])
def test_chunks_walk_through_all_sequences_once(n_rows):
    windows = SlidingWindow(2).fit_transform(np.arange(float(n_rows))[:, np.newaxis])
    seen = [
        batch.targets[: rows.stop - rows.start, -1, 0]
        for rows, batch in Preparation(np.zeros(1, np.float32)).chunks(windows)
    ]
    np.testing.assert_array_equal(np.concatenate(seen), np.arange(n_rows))


def test_the_indicator_tells_where_a_cell_is_missing(table):
    windows = SlidingWindow(3).fit_transform(table)
    batch = Preparation(np.zeros(2, np.float32), indicator=True).batch(windows, [0, 21])
    assert batch.inputs.dtype == np.float32
    np.testing.assert_array_equal(batch.inputs[0, :, 2:], [[1, 1], [1, 1], [0, 0]])
    np.testing.assert_array_equal(batch.inputs[1, :, 2:], [[0, 0], [0, 1], [0, 0]])
    np.testing.assert_array_equal(batch.targets, np.asarray(windows[[0, 21]]))


def test_targets_and_weights_come_with_their_rows(table):
    windows = SlidingWindow(3).fit_transform(table)
    targets, weights = np.arange(50.0)[:, np.newaxis, np.newaxis], np.arange(50.0)
    preparation = Preparation(np.zeros(2, np.float32))
    batch = preparation.batch(windows, [7, 3], targets, weights)
    assert batch.targets.ravel().tolist() == batch.weights.tolist() == [7, 3]
    again = batch.take([1])
    assert (again.targets.item(), again.weights.item()) == (3, 3)
    padded = pad_batch(batch, 4)
    assert padded.weights.tolist() == [7, 3, 0, 0]
    for rows, chunk in preparation.chunks(windows, targets, weights):
        np.testing.assert_array_equal(chunk.weights, weights[rows])


def test_noise_is_added_to_features_alone_and_never_to_targets(table):
    windows = SlidingWindow(3).fit_transform(np.tile(table, (40, 1)))
    batch = Preparation(np.zeros(2, np.float32), indicator=True).batch(
        windows, np.arange(2000)
    )
    noisy = add_noise(batch, 2, 0.3, np.random.RandomState(0))
    noise = noisy.inputs - batch.inputs
    assert noisy.inputs.dtype == np.float32
    assert noise[:, :, :2].std() == pytest.approx(0.3, rel=0.02)
    assert abs(noise[:, :, :2].mean()) < 0.01
    assert not noise[:, :, 2:].any()
    assert noisy.targets is batch.targets


def test_dropout_keeps_the_mean_of_each_output(table):
    windows = SlidingWindow(3).fit_transform(np.tile(table, (40, 1)))
    batch = Preparation(np.zeros(2, np.float32)).batch(windows, np.arange(1000))
    layers = Architecture(3, 2, (5, 4), bidirectional=True).recurrent_layers
    factors = draw_dropout(batch, layers, 0.25, np.random.RandomState(0)).dropout
    shapes = [(1000, 3, 10), (1000, 1, 8), (1000, 3, 8), (1000, 3, 10)]
    assert [f.shape for f in factors] == shapes
    for factor in factors:
        assert factor.dtype == np.float32
        np.testing.assert_allclose(np.unique(factor), [0, 4 / 3], rtol=1e-6)
        assert factor.mean() == pytest.approx(1, abs=0.03)
    assert pad_batch(batch._replace(dropout=factors), 1002).dropout[0].shape[0] == 1002


def test_padding_is_noticed(table):
    windows = SlidingWindow(3).fit_transform(table)
    assert has_padding(windows)
    assert not has_padding(windows[2:])
    table[30] = np.nan
    assert has_padding(SlidingWindow(3).fit_transform(table)[2:])
    array = np.ones((4, 3, 2))
    assert not has_padding(array)
    array[2, 0] = np.nan
    assert has_padding(array)


def test_means_are_over_observed_cells(table):
    windows = SlidingWindow(3).fit_transform(table)
    for part in (windows, windows[5:], windows[::3]):
        cells = np.asarray(part)
        expected = np.nanmean(cells, (0, 1), dtype=np.float64)
        np.testing.assert_allclose(feature_means(part), expected, rtol=1e-6)
        np.testing.assert_array_equal(feature_means(part), feature_means(cells))
    cells = np.asarray(windows[5:])
    np.testing.assert_allclose(position_means(cells), np.nanmean(cells, 0), 1e-5)
    assert feature_means(np.full((2, 3, 1), np.nan)).tolist() == [0]


def misaligned(array):
    """The same array one byte further on than it may begin, as in a packed message."""
    memory = np.empty(array.nbytes + 1, np.uint8)
    out = np.frombuffer(memory.data, array.dtype, array.size, 1).reshape(array.shape)
    out[...] = array
    assert not out.flags.aligned
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "make",
    [
        lambda: PCAAutoencoder(2),
        lambda: PCAAutoencoder(2, error="mahalanobis", context_features=[1]),
        lambda: LSTMAutoencoder(
            (3, 2), max_epochs=1, random_state=0, engine="native", validation="time"
        ),
    ],
    ids=["components", "context", "network"],
)
def test_misaligned_sequences_are_copied_to_where_numbers_may_stand(make, dtype):
    X = np.random.default_rng(0).normal(size=(60, 4, 3)).astype(dtype)
    fitted, other = make().fit(X), make().fit(misaligned(X))
    assert other.offset_ == fitted.offset_
    for n in (1, 2, 60):  # few samples, and blocks of them
        np.testing.assert_array_equal(
            fitted.score_samples(misaligned(X[:n])), fitted.score_samples(X[:n])
        )
        np.testing.assert_array_equal(
            fitted.reconstruct(misaligned(X[:n])), fitted.reconstruct(X[:n])
        )


def test_windows_of_a_misaligned_table_are_those_of_the_table():
    table = np.random.default_rng(0).normal(size=(80, 2)).astype(np.float32)
    slider = SlidingWindow(4)
    fitted = PCAAutoencoder(2).fit(slider.fit_transform(table))
    np.testing.assert_array_equal(
        fitted.score_samples(slider.transform(misaligned(table))),
        fitted.score_samples(slider.transform(table)),
    )
