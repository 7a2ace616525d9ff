# SPDX-License-Identifier: BSD-3-Clause
"""Batches: what an engine gets of sequences with padding and missing cells."""

import numpy as np
import pytest

from skseq import SlidingWindow
from skseq.training._batches import (
    Preparation,
    feature_means,
    has_padding,
    pad_batch,
    position_means,
)


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
    np.testing.assert_allclose(feature_means(windows), np.nanmean(table, 0), rtol=1e-5)
    cells = np.asarray(windows[5:])
    np.testing.assert_allclose(feature_means(cells), np.nanmean(cells, (0, 1)), 1e-5)
    np.testing.assert_allclose(position_means(cells), np.nanmean(cells, 0), 1e-5)
    assert feature_means(np.full((2, 3, 1), np.nan)).tolist() == [0]
