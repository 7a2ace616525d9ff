# SPDX-License-Identifier: BSD-3-Clause
"""Losses, held to Keras; means over what is observed."""

import keras
import numpy as np
import pytest

from skseq.engines._losses import cell_losses, observed_mean


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_the_mean_of_cell_errors_is_keras_loss(loss):
    targets, outputs = np.random.default_rng(0).normal(size=(2, 7, 4, 3), scale=2)
    expected = keras.losses.get(loss)(targets, outputs)
    errors = cell_losses(targets, outputs, loss)
    assert errors.dtype == np.float64
    np.testing.assert_allclose(errors.mean(), np.mean(expected), rtol=1e-6)


def probabilities(n_outputs):
    rng = np.random.default_rng(0)
    outputs = rng.dirichlet(np.ones(n_outputs), size=(7, 4)).astype(np.float32)
    outputs[0, 0] = np.eye(n_outputs)[0]  # certain, and wrong
    return np.eye(n_outputs)[rng.integers(1, n_outputs, size=(7, 4))], outputs


def test_the_mean_of_binary_cross_entropies_is_keras_loss():
    targets, outputs = probabilities(3)
    expected = np.mean(keras.losses.binary_crossentropy(targets, outputs))
    errors = cell_losses(targets, outputs, "binary_crossentropy")
    assert errors.dtype == np.float64
    np.testing.assert_allclose(errors.mean(), expected, rtol=1e-5)


def test_the_mean_of_cross_entropies_over_classes_is_keras_sum():
    targets, outputs = probabilities(3)
    expected = keras.losses.categorical_crossentropy(targets, outputs)
    errors = cell_losses(targets, outputs, "categorical_crossentropy")
    np.testing.assert_allclose(errors.mean(axis=2), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "binary_crossentropy"])
def test_the_error_of_a_cell_that_is_not_observed_is_nan(loss):
    errors = cell_losses(np.array([[[np.nan, 1.0]]]), np.full((1, 1, 2), 0.5), loss)
    np.testing.assert_array_equal(np.isnan(errors), [[[True, False]]])


def test_cells_that_are_not_observed_have_no_part_in_a_mean():
    errors = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(observed_mean(errors, axis=1), [2, 0])
    np.testing.assert_array_equal(observed_mean(errors, 1, np.nan), [2, np.nan])


def test_an_unknown_loss_is_an_error():
    with pytest.raises(KeyError, match="rmse"):
        cell_losses(np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), "rmse")
