# SPDX-License-Identifier: BSD-3-Clause
"""Numbers at the edge: a right answer, or a word on why there is none."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

from skseq import (
    DetectorCommittee,
    EachTimeStep,
    LSTMAutoencoder,
    LSTMClassifier,
    MovingReference,
    PCAAutoencoder,
    ResidualAutoencoder,
    SlidingWindow,
)
from skseq.reconstruction._offset import check_contamination

examples = settings(max_examples=20, deadline=None, derandomize=True)
few_examples = settings(max_examples=4, deadline=None, derandomize=True)
ERRORS = ["mse", "mae", "standardized", "mahalanobis"]
errors, seeds = st.sampled_from(ERRORS), st.integers(0, 1000)


def network():
    return LSTMAutoencoder((3, 2), max_epochs=1, engine="native", random_state=0)


DETECTORS = {
    "components": lambda: PCAAutoencoder(2),
    "network": network,
    "residual": lambda: ResidualAutoencoder(network()),
    "moving": lambda: MovingReference(PCAAutoencoder(2), memory=20),
    "committee": lambda: DetectorCommittee(
        [
            ("pca", PCAAutoencoder(2)),
            ("forest", IsolationForest(n_estimators=5, random_state=0)),
        ]
    ),
}
detectors = pytest.mark.parametrize("make", DETECTORS.values(), ids=DETECTORS)


def noise(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def fitted(detector, X):
    """The fitted detector, and what was said of it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        detector.fit(X)
    return detector, " ".join(str(each.message) for each in said)


def alarms(detector, X):
    return float(np.mean(detector.predict(X) < 0))


# All alike ---------------------------------------------------------------------------


@examples
@given(
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.integers(1, 4),
    st.integers(1, 3),
    errors,
    st.sampled_from([0.95, None, 1]),
)
@pytest.mark.filterwarnings("ignore:The components that are kept, 1, are as many")
def test_a_constant_is_normal_and_a_change_of_it_is_not(
    value, n_timesteps, n_features, error, n_components
):
    X = np.full((40, n_timesteps, n_features), value)
    detector = PCAAutoencoder(n_components, error=error).fit(X)
    assert alarms(detector, X) == 0
    assert alarms(detector, X + max(abs(value), 1) / 100) == 1


@detectors
def test_sequences_that_are_all_alike_raise_no_alarm(make):
    X = np.full((60, 4, 2), 0.1)
    detector = make().fit(X)
    assert alarms(detector, X) == 0
    assert alarms(detector, X + 3) == 1


@examples
@given(seeds, errors, st.floats(1e-3, 1e3))
def test_two_kinds_of_sequences_met_exactly_raise_no_alarm(seed, error, scale):
    rng = np.random.default_rng(seed)
    kinds = scale * rng.normal(size=(2, 4, 2))
    X = kinds[rng.integers(0, 2, 60)]  # all scores are tied, but for rounding
    detector = PCAAutoencoder(1, error=error).fit(X)
    assert alarms(detector, X) == 0
    assert alarms(detector, X + scale) == 1


# Errors that are rounding -----------------------------------------------------------


@examples
@given(seeds, st.integers(1, 6), st.integers(1, 4), errors, st.floats(-12, 12))
def test_components_that_meet_all_are_told_and_raise_no_alarm_of_rounding(
    seed, n_timesteps, n_features, error, power
):
    shape = n_timesteps, n_features
    scale = 10.0**power
    detector, said = fitted(
        PCAAutoencoder(None, error=error), scale * noise(seed, 80, *shape)
    )
    assert "any sequence is reconstructed" in said
    assert alarms(detector, scale * noise(seed + 1, 500, *shape)) == 0


def test_rounding_of_many_components_raises_no_alarm_either():
    detector, _ = fitted(PCAAutoencoder(None), noise(0, 500, 20, 20))
    assert alarms(detector, noise(1, 500, 20, 20)) == 0


@examples
@given(seeds, st.integers(2, 4), st.floats(0.5, 0.999))
def test_a_share_of_the_variance_never_keeps_all(seed, n_cells, share):
    detector = PCAAutoencoder(share).fit(noise(seed, 60, n_cells, 1))
    assert detector.n_components_ < n_cells
    assert alarms(detector, noise(seed, 200, n_cells, 1) * 1e3) > 0.9


# Few sequences ----------------------------------------------------------------------


@examples
@given(seeds, st.integers(3, 7), st.integers(1, 4), st.data())
def test_fewer_sequences_than_cells_are_told(seed, n_timesteps, n_features, data):
    n_cells = n_timesteps * n_features
    n_samples = data.draw(st.integers(2, max(n_cells - 1, 2)))
    n_components = data.draw(st.sampled_from([0.95, None, min(3, n_samples)]))
    X = noise(seed, n_samples, n_timesteps, n_features)
    _, said = fitted(PCAAutoencoder(n_components), X)
    assert "too few" in said or "any sequence is reconstructed" in said


@pytest.mark.parametrize("n_samples", [11, 30])
def test_an_offset_is_no_ratio_of_rounding(n_samples):
    # Its first fit meets the training sequences exactly, its last one may not.
    X = noise(3, n_samples, 10, 4)
    for make in (lambda: PCAAutoencoder(0.5), lambda: PCAAutoencoder(None)):
        detector, said = fitted(make(), X)
        assert 1e-3 < -detector.offset_ < 1e3
        assert "too few" in said


def test_held_out_errors_beyond_all_training_errors_are_told():
    X = noise(0, 400, 10, 4)
    X[-40:] *= 30
    for detector in (ResidualAutoencoder(network()), PCAAutoencoder(2)):
        _, said = fitted(detector, X)
        assert "held-out sequences lie far beyond" in said


def test_a_limit_beyond_all_numbers_is_none():
    scores = -np.exp(np.linspace(-600, 600, 101))
    rule = check_contamination("auto", "PCAAutoencoder")
    assert rule.limited(-5.0, scores, scores, 0.0) == (-5.0, False)


def correlated(seed, *shape):
    """Rows of sensors that move together."""
    mixing = 0.7 / np.sqrt(shape[2]) + 0.3 * noise(0, shape[2], shape[2])
    return noise(seed, *shape) @ mixing


@pytest.mark.parametrize("make", [noise, correlated])
@pytest.mark.parametrize("n_samples", [20, 30, 50, 100, 200])
@pytest.mark.parametrize("name", ["components", "residual"])
def test_few_sequences_of_many_cells_set_an_offset_that_holds(name, n_samples, make):
    """One later sequence of n + 1 exceeds the largest of n that are like it."""
    detectors = {
        "components": PCAAutoencoder,
        "residual": lambda: ResidualAutoencoder(network()),
    }
    shares = []
    for seed in range(3):
        detector, said = fitted(detectors[name](), make(2 * seed + 1, n_samples, 10, 4))
        shares.append(alarms(detector, make(2 * seed + 2, 1000, 10, 4)))
        assert "far beyond" not in said
    assert np.mean(shares) < 0.03 + 2 / n_samples


@pytest.mark.parametrize("n_rows", [200, 400])
def test_few_windows_that_share_rows_do_not_alarm_for_good(n_rows):
    slider = SlidingWindow(30)
    windows = slider.fit_transform(noise(0, n_rows, 8))
    later = slider.transform(noise(1, 500, 8))[29:]
    for detector in (PCAAutoencoder(), ResidualAutoencoder(network())):
        detector, said = fitted(detector, windows)
        assert alarms(detector, later) < 0.05
        assert alarms(detector, 3 * np.asarray(later)) > 0.9
        assert "far beyond" not in said


# Scale -------------------------------------------------------------------------------


@examples
@given(seeds, errors, st.integers(-60, 90))
def test_a_power_of_two_changes_no_decision_of_components(seed, error, power):
    X, later = (noise(seed + k, 60, 3, 2).astype(np.float32) for k in range(2))
    one = PCAAutoencoder(2, error=error).fit(X)
    scale = np.float32(2) ** power
    other = PCAAutoencoder(2, error=error).fit(X * scale)
    assert_array_equal(other.predict(later * scale), one.predict(later))


@few_examples
@given(st.integers(-60, 90))
def test_a_power_of_two_changes_no_decision_of_a_residual_network(power):
    X, later = (noise(k, 60, 3, 2).astype(np.float32) for k in range(2))
    scale = np.float32(2) ** power
    one = ResidualAutoencoder(network()).fit(X)
    other = ResidualAutoencoder(network()).fit(X * scale)
    assert_array_equal(other.predict(later * scale), one.predict(later))


@detectors
@pytest.mark.parametrize("size", [1e-20, 1e-30, 1e-40, 1e-300])
def test_what_is_too_small_for_squares_in_float32_is_told(make, size):
    _, said = fitted(make(), size * noise(0, 60, 3, 2))
    assert said.count("The feature 1 varies by less than 1.1e-19") == 1


def test_small_float32_and_subnormals_are_told_too():
    X = (1e-42 * noise(0, 60, 3, 2)).astype(np.float32)
    with pytest.warns(UserWarning, match="varies by less than 1.1e-19"):
        PCAAutoencoder(2).fit(X)


@detectors
def test_what_is_too_large_is_refused_by_its_place(make):
    X = noise(0, 60, 3, 2)
    X[7, 1, 0] = 3e30
    with pytest.raises(ValueError, match="3e[+]30 at row 7, step 1, feature 0"):
        make().fit(X)


def test_squares_too_large_for_float32_end_a_training_with_a_remedy():
    with pytest.raises(ValueError, match="loss became inf in epoch 1. Scale X"):
        network().fit(1e25 * noise(0, 60, 3, 2))


# Far from zero -----------------------------------------------------------------------


@examples
@given(seeds, st.integers(11, 40), st.sampled_from([1e9, 1e12, 1e14]))
def test_a_variation_far_from_zero_is_told_or_kept_by_scaling(seed, n_samples, offset):
    X = offset + 4 * noise(seed, n_samples, 3, 1)
    with pytest.warns(UserWarning, match="its variation is lost"):
        PCAAutoencoder(1).fit(X)
    scaled = EachTimeStep(StandardScaler()).fit_transform(X)
    assert np.isclose(scaled.std(), 1, rtol=1e-2)
    detector = PCAAutoencoder(1).fit(scaled)
    shifted = np.array(scaled)
    shifted[:, np.abs(detector.components_[0]).argmin()] += 20  # nearly all left over
    assert alarms(detector, shifted) == 1


# No data -----------------------------------------------------------------------------


@detectors
@pytest.mark.parametrize("as_float32", [False, True])
def test_training_without_any_data_is_refused(make, as_float32):
    X = np.full((30, 3, 2), np.nan, dtype=np.float32 if as_float32 else np.float64)
    with pytest.raises(ValueError, match="no sequence of X has an observed cell"):
        make().fit(X)


def test_a_classifier_without_any_data_is_refused():
    X, y = np.full((30, 3, 2), np.nan), np.arange(30) % 2
    with pytest.raises(ValueError, match="There is nothing to learn from"):
        LSTMClassifier(2, max_epochs=1, engine="native").fit(X, y)
