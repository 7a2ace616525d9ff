# SPDX-License-Identifier: BSD-3-Clause
"""Losses, held to Keras; means over what is observed."""

import keras
import numpy as np
import pytest

from skseq.training._losses import cell_errors, observed_mean


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_the_mean_of_cell_errors_is_keras_loss(loss):
    targets, outputs = np.random.default_rng(0).normal(size=(2, 7, 4, 3), scale=2)
    expected = keras.losses.get(loss)(targets, outputs)
    errors = cell_errors(targets, outputs, loss)
    assert errors.dtype == np.float64
    np.testing.assert_allclose(errors.mean(), np.mean(expected), rtol=1e-6)


def test_cells_that_are_not_observed_have_no_part_in_a_mean():
    errors = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(observed_mean(errors, axis=1), [2, 0])
    np.testing.assert_array_equal(observed_mean(errors, 1, np.nan), [2, np.nan])
