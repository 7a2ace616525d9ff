# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from skseq.datasets import load_toy_series, make_process_faults

PRECURSOR = 20  # rows, the default


def _sensors(X):
    return X.filter(like="sensor_").to_numpy()


def _precursor_rows(y):
    starts = np.flatnonzero(np.diff(y, prepend=0) == 1)
    rows = np.zeros(len(y), dtype=bool)
    for start in starts:
        rows[start - PRECURSOR : start] = True
    return rows


def test_toy_series_is_the_published_one():
    X, y = load_toy_series(return_X_y=True)
    assert X.shape == (9, 2)
    np.testing.assert_allclose(X[[0, 2, 8]], [[0.1, 0.001], [0.3, 0.027], [0.9, 0.729]])
    np.testing.assert_array_equal(y, np.zeros(9))


def test_toy_series_comes_as_a_frame_on_request():
    toy = load_toy_series(as_frame=True)
    assert toy.frame.columns.to_list() == ["x", "x_cubed", "event"]
    pd.testing.assert_frame_equal(toy.data, toy.frame[toy.feature_names])
    assert load_toy_series().frame is None


def test_process_has_the_asked_shape_and_share_of_fault_rows():
    X, y = make_process_faults(5_000, 4, fault_rate=0.006, random_state=0)
    assert X.shape == (5_000, 5)
    assert X.index.equals(y.index)
    assert y.sum() == 30
    assert set(y) == {0, 1}


def test_process_is_fixed_by_random_state():
    first, second, other = (
        make_process_faults(1_000, random_state=seed) for seed in (3, 3, 4)
    )
    pd.testing.assert_frame_equal(first[0], second[0])
    pd.testing.assert_series_equal(first[1], second[1])
    assert not np.allclose(_sensors(first[0]), _sensors(other[0]))


@pytest.mark.parametrize(
    "random_state", [np.random.default_rng(0), np.random.RandomState(0)]
)
def test_process_takes_a_generator_and_advances_it(random_state):
    first, _ = make_process_faults(500, random_state=random_state)
    second, _ = make_process_faults(500, random_state=random_state)
    assert not np.allclose(_sensors(first), _sensors(second))


@pytest.mark.parametrize("random_state", [0, None])
def test_process_leaves_the_global_generator_alone(random_state):
    before = np.random.get_state()[1:3]  # noqa: NPY002
    make_process_faults(500, random_state=random_state)
    after = np.random.get_state()[1:3]  # noqa: NPY002
    np.testing.assert_array_equal(before[0], after[0])
    assert before[1] == after[1]


def test_recording_stops_at_the_gaps_and_never_around_an_event():
    X, y = make_process_faults(5_000, n_gaps=4, random_state=0)
    steps = X["timestamp"].diff().dropna().dt.total_seconds() / 60
    gaps = steps.index[steps > 1]
    assert (steps >= 1).all()
    assert len(gaps) == 4
    assert steps[gaps].between(61, 601).all()
    eventful = _precursor_rows(y) | (y == 1)
    assert not eventful[gaps].any()


def test_machines_stand_one_after_the_other_each_in_time_order():
    X, y = make_process_faults(3_000, n_series=3, random_state=0)
    assert X.columns[:2].to_list() == ["machine", "timestamp"]
    assert X["machine"].is_monotonic_increasing
    assert X["machine"].value_counts().to_list() == [1_000] * 3
    for _, times in X.groupby("machine")["timestamp"]:
        assert times.is_monotonic_increasing
    assert (y.groupby(X["machine"]).sum() == 10).all()


def test_precursor_keeps_each_mean_and_variance_but_not_the_correlations():
    X, y = make_process_faults(
        60_000, 6, fault_rate=0.1, drift=0, n_gaps=0, random_state=0
    )
    values = _sensors(X)
    late = np.roll(y, -5) * (1 - y) == 1  # the last rows before an event
    normal = ~(_precursor_rows(y) | (y == 1))
    scaled = (values - values[normal].mean(axis=0)) / values[normal].std(axis=0)
    np.testing.assert_allclose(scaled[late].mean(axis=0), 0, atol=0.15)
    np.testing.assert_allclose(scaled[late].std(axis=0), 1, atol=0.15)

    def strength(rows):
        return np.abs(np.corrcoef(scaled[rows].T)[np.triu_indices(6, k=1)]).mean()

    assert strength(late) < 0.75 * strength(normal)


def _linear_roc_auc(X, y, window_size):
    """ROC AUC over the second half of a PCA residual, fitted on the first half."""
    values, cut = _sensors(X), len(X) // 2
    values = (values - values[:cut].mean(axis=0)) / values[:cut].std(axis=0)
    windows = np.lib.stride_tricks.sliding_window_view(values, window_size, axis=0)
    windows = windows.reshape(len(windows), -1)
    pca = PCA(0.95).fit(windows[:cut])
    residual = windows - pca.inverse_transform(pca.transform(windows))
    return roc_auc_score(y[cut + window_size - 1 :], (residual[cut:] ** 2).sum(axis=1))


def test_windows_tell_the_faults_better_than_single_rows():
    X, y = make_process_faults(20_000, random_state=1)
    single = _linear_roc_auc(X, y, window_size=1)
    windowed = _linear_roc_auc(X, y, window_size=10)
    assert 0.5 < single < windowed < 0.999


def test_no_fault_rate_means_no_event():
    _, y = make_process_faults(500, fault_rate=0, random_state=0)
    assert not y.any()


def test_events_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"4 events .* 300 rows. Raise n_samples"):
        make_process_faults(300, fault_rate=0.3, precursor_length=100)


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="'fault_rate' parameter of make_process"):
        make_process_faults(fault_rate=2)
