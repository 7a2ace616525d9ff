# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, PCAAutoencoder, SlidingWindow
from skseq.datasets import make_chaotic_process
from skseq.datasets._chaotic import _states

STATES = ["x", "y", "z"]


def lorenz(t, state, rho):
    x, y, z = state
    return [10 * (y - x), x * (rho - z) - y, x * y - 8 / 3 * z]


def surprise(X, y, interval=0.03):
    """Distance of each state from what follows of the one before with rho = 28."""
    states = X[STATES].to_numpy()
    expected = [_states(tuple(s), np.array([28.0]), interval)[0] for s in states[:-1]]
    return np.linalg.norm(states[1:] - expected, axis=1), y[1:]


@pytest.fixture(scope="module")
def quiet():
    """A table without noise."""
    return make_chaotic_process(2_000, noise=0, random_state=0)


@pytest.mark.parametrize("rho", [28 * 0.88, 28.0, 28 * 1.12])
def test_a_state_is_followed_as_by_an_adaptive_integrator(quiet, rho):
    for state in quiet[0][STATES].to_numpy()[::100]:
        exact = solve_ivp(
            lorenz, (0, 0.03), state, args=(rho,), rtol=1e-11, atol=1e-11
        ).y[:, -1]
        ours = _states(tuple(state), np.array([rho]), 0.03)[0]
        np.testing.assert_allclose(ours, exact, atol=3e-4)


def test_rows_follow_the_system_and_another_one_in_an_event(quiet):
    distance, y = surprise(*quiet)
    assert distance[y == 0].max() < 1e-9
    assert np.median(distance[y == 1]) > 0.1


def test_the_asked_share_of_rows_is_in_events_of_the_asked_length():
    X, y = make_chaotic_process(4_000, fault_rate=0.02, event_length=20, random_state=0)
    assert X.shape == (4_000, 4)
    assert X.index.equals(y.index)
    assert y.sum() == 80
    assert (np.diff(y, prepend=0) == 1).sum() == 4
    assert X["timestamp"].diff().dropna().eq(pd.Timedelta("1min")).all()


def test_no_fault_rate_means_no_event():
    assert not make_chaotic_process(100, fault_rate=0, random_state=0)[1].any()


def test_the_parameter_is_higher_in_some_events_and_lower_in_others():
    X, y = make_chaotic_process(4_000, event_length=10, noise=0, random_state=0)
    states = X[STATES].to_numpy()
    following = {rho: [] for rho in (28 * 0.88, 28 * 1.12)}
    for rho, distances in following.items():
        for k in np.flatnonzero(y):
            expected = _states(tuple(states[k - 1]), np.array([rho]), 0.03)[0]
            distances.append(np.linalg.norm(states[k] - expected))
    lower, higher = (np.array(d) < 1e-9 for d in following.values())
    assert (lower ^ higher).all()
    assert 0.2 < higher.mean() < 0.8


def test_levels_hardly_tell_an_event_and_dynamics_do():
    X, y = make_chaotic_process(random_state=0)
    distance = (X[STATES] - X[STATES].mean()) / X[STATES].std()
    assert roc_auc_score(y, (distance**2).sum(axis=1)) < 0.6
    assert roc_auc_score(*surprise(X, y)[::-1]) > 0.8


def test_linear_relations_in_windows_hardly_tell_an_event():
    X, y = make_chaotic_process(random_state=0)
    windows = EachTimeStep(StandardScaler()).fit_transform(
        SlidingWindow(20).fit_transform(X[STATES])
    )
    detector = PCAAutoencoder(error="mahalanobis").fit(windows[:6_000])
    score = -detector.score_samples(windows[6_000:])
    assert average_precision_score(y[6_000:], score) < 0.1


def test_noise_is_relative_to_each_variable(quiet):
    noisy, _ = make_chaotic_process(2_000, noise=0.5, random_state=0)
    noise = (noisy - quiet[0])[STATES].std() / quiet[0][STATES].std(ddof=0)
    np.testing.assert_allclose(noise, 0.5, rtol=0.1)


def test_the_table_is_fixed_by_random_state():
    first, second, other = (
        make_chaotic_process(50, random_state=seed) for seed in (3, 3, 4)
    )
    pd.testing.assert_frame_equal(first[0], second[0])
    pd.testing.assert_series_equal(first[1], second[1])
    assert not np.allclose(first[0][STATES], other[0][STATES])


@pytest.mark.parametrize("settings", [{"shift": 0.9}, {"interval": 0}])
def test_parameters_are_checked(settings):
    with pytest.raises(ValueError, match="parameter of make_chaotic_process must be"):
        make_chaotic_process(**settings)
