# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from skseq.datasets import make_damped_sines, make_moving_ones


def test_the_one_moves_on_by_a_feature_each_step():
    X = make_moving_ones(200, 10, 5, random_state=0)
    assert X.shape == (200, 10, 5)
    for sequence in X:
        steps = sequence[~np.isnan(sequence).all(axis=1)]
        assert set(steps.ravel()) == {0, 1}
        np.testing.assert_array_equal(steps.sum(axis=1), 1)
        np.testing.assert_array_equal(steps[1:], np.roll(steps[:-1], 1, axis=1))
    assert set(np.argmax(X[:, 0], axis=1)) == set(range(5))


def test_moving_ones_are_padded_at_the_end_only_and_never_empty():
    padding = np.isnan(make_moving_ones(500, 6, 3, random_state=0))
    np.testing.assert_array_equal(padding.all(axis=2), padding.any(axis=2))
    padding = padding.all(axis=2)
    np.testing.assert_array_equal(padding, np.sort(padding, axis=1))
    assert set(6 - padding.sum(axis=1)) == {1, 2, 3, 4, 5, 6}


def test_moving_ones_of_full_length_have_no_padding():
    X = make_moving_ones(50, 6, 3, variable_length=False, random_state=0)
    assert not np.isnan(X).any()


def _period_and_decay(wave):
    """By Prony's method: a damped sine is the solution of a linear recurrence."""
    before = np.column_stack([wave[1:-1], wave[:-2]])
    (a, b), residual, *_ = np.linalg.lstsq(before, wave[2:])
    assert residual < 1e-20
    rate = np.sqrt(-b)
    return 2 * np.pi / np.arccos(a / (2 * rate)), -np.log(rate)


@pytest.fixture(scope="module")
def waves():
    X, y = make_damped_sines(2_000, random_state=0)
    assert X.shape == (2_000, 50, 1)
    assert y.shape == (2_000, 5)
    return np.concatenate([X[:, :, 0], y], axis=1)


def test_damped_sines_have_the_asked_periods_and_decays(waves):
    found = np.array([_period_and_decay(2 * wave - 1) for wave in waves])
    period, decay = found.T
    np.testing.assert_allclose(period, period.round(), atol=1e-6)
    assert set(period.round()) == set(range(10, 21))
    assert 0.01 <= decay.min() < 0.012
    assert 0.098 < decay.max() <= 0.1


def test_damped_sine_follows_the_published_formula():
    X, y = make_damped_sines(1, 7, 2, period=(8, 8), decay=(0.05, 0.05))
    wave = [0.5 + 0.5 * np.sin(2 * np.pi * i / 8) * np.exp(-0.05 * i) for i in range(9)]
    np.testing.assert_allclose(np.append(X, y), wave)


@pytest.mark.parametrize("make", [make_moving_ones, make_damped_sines])
def test_sequences_are_fixed_by_random_state(make):
    first, second, other = (np.hstack(make(20, random_state=k)[:1]) for k in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other, equal_nan=True)


@pytest.mark.parametrize("make", [make_moving_ones, make_damped_sines])
def test_sequences_leave_the_global_generator_alone(make):
    before = np.random.get_state()[1:3]  # noqa: NPY002
    make(5)
    after = np.random.get_state()[1:3]  # noqa: NPY002
    np.testing.assert_array_equal(before[0], after[0])
    assert before[1] == after[1]


@pytest.mark.parametrize("period", [(0, 20), (20, 10), (10.5, 20), (10,)])
def test_periods_that_make_no_sense_are_refused(period):
    with pytest.raises(ValueError, match="'period' .* whole numbers.* Got"):
        make_damped_sines(period=period)


@pytest.mark.parametrize("decay", [(-0.1, 0.1), (0.1, np.inf), (0.1, np.nan)])
def test_decays_that_make_no_sense_are_refused(decay):
    with pytest.raises(ValueError, match="'decay' .* numbers.* Got"):
        make_damped_sines(decay=decay)


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="'n_features' parameter of make_moving_ones"):
        make_moving_ones(n_features=0)
