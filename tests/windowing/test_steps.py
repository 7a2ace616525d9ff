# SPDX-License-Identifier: BSD-3-Clause
import pickle

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomTreesEmbedding
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    StandardScaler,
)
from strategies import examples, rows, window_sizes

from skseq import EachTimeStep, SlidingWindow, Windows

CONTAINERS = {"windows": lambda windows: windows, "array": np.asarray}
containers = pytest.mark.parametrize(
    "contain", CONTAINERS.values(), ids=CONTAINERS.keys()
)


@pytest.fixture
def windows(frame, pumps):
    return pumps.fit_transform(frame)


def padding_of(windows):
    return ~naive.observed_steps(np.asarray(windows))


# What it is fitted on ----------------------------------------------------------------


@examples
@given(rows(), window_sizes, st.data())
def test_each_distinct_row_is_fitted_on_once(case, window_size, data):
    windows = SlidingWindow(window_size).fit_transform(case.table)
    positions = st.integers(0, len(windows) - 1)
    part = windows[data.draw(st.lists(positions, min_size=1))]
    steps = np.asarray(part).reshape(-1, part.shape[2])
    distinct = np.unique(steps[~np.isnan(steps[:, 0])], axis=0)

    scaler = EachTimeStep(StandardScaler()).fit(part).transformer_
    expected = StandardScaler().fit(distinct)
    assert scaler.n_samples_seen_ == len(distinct)
    assert_allclose(scaler.mean_, expected.mean_, rtol=1e-6)
    assert_allclose(scaler.scale_, expected.scale_, rtol=1e-5)


def test_an_array_is_fitted_on_all_its_steps_but_the_padding(windows):
    X = np.asarray(windows)
    scaler = EachTimeStep(StandardScaler()).fit(X).transformer_
    assert_allclose(scaler.mean_, np.nanmean(X, axis=(0, 1)))
    assert scaler.n_samples_seen_ == np.count_nonzero(~padding_of(X))


def test_a_missing_cell_is_given_to_the_transformer():
    X = np.array([[[np.nan, np.nan], [1, 5], [np.nan, 5], [3, 5]]])
    imputed = EachTimeStep(SimpleImputer()).fit_transform(X)
    assert_array_equal(imputed[0], [[np.nan, np.nan], [1, 5], [2, 5], [3, 5]])


@pytest.mark.parametrize("transformer", [SimpleImputer(), PCA(2)], ids=repr)
def test_steps_without_a_value_stay_so_in_windows_and_in_their_array(transformer):
    table = np.random.default_rng(0).normal(size=(12, 2))
    table[[0, 1, 5, 11]] = np.nan
    windows = SlidingWindow(3).fit_transform(table)
    silent = np.isnan(np.asarray(windows)).all(axis=2)
    steps = EachTimeStep(transformer).fit(windows)
    for X in (windows, np.asarray(windows)):
        out = np.asarray(steps.transform(X))
        assert_array_equal(np.isnan(out).all(axis=2), silent)
        assert_array_equal(np.isnan(out).any(axis=2), silent)
    assert_allclose(
        np.asarray(steps.transform(windows)),
        steps.transform(np.asarray(windows)),
        rtol=1e-5,
        atol=1e-6,
    )


@containers
def test_sequences_of_nothing_but_padding_stay_padding(windows, contain):
    X = contain(windows)
    steps = EachTimeStep(make_pipeline(SimpleImputer(), PCA(1))).fit(X)
    silent = windows.with_table(np.full(windows.table.shape, np.nan), ["flow", "head"])
    out = steps.transform(contain(silent))
    assert out.shape == (7, 3, 1)
    assert np.isnan(np.asarray(out)).all()
    back = EachTimeStep(PCA(1)).fit(X).inverse_transform(out)
    assert back.shape == (7, 3, 2)
    assert np.isnan(np.asarray(back)).all()


def test_rows_that_no_window_ends_at_are_transformed_and_fitted_on():
    """Such as those that SlidingWindow remembers of its training table."""
    table = np.column_stack([np.arange(10.0), np.arange(10.0) ** 2])
    slider = SlidingWindow(3, time=0).fit(table[:6])
    windows = slider.transform(table[6:])
    steps = EachTimeStep(StandardScaler()).fit(windows)
    assert steps.transformer_.mean_ == table[4:, 1].mean()
    assert steps.transformer_.n_samples_seen_ == 6
    assert_allclose(
        np.asarray(steps.transform(windows)),
        steps.transform(np.asarray(windows)),
        rtol=1e-6,
    )


def test_rows_that_no_window_refers_to_play_no_part():
    table = np.random.default_rng(0).normal(size=(20, 3))
    table[4, 1] = np.nan
    windows = SlidingWindow(3).fit_transform(table)
    complete = windows[~windows.holds_any(np.isnan(table).any(axis=1))]
    steps = EachTimeStep(PCA(2))
    assert_allclose(
        np.asarray(steps.fit_transform(complete)),
        np.asarray(steps.transform(np.asarray(complete))),
        atol=1e-5,
    )


def test_the_given_transformer_is_cloned():
    scaler = StandardScaler()
    EachTimeStep(scaler).fit(np.zeros((2, 3, 1)))
    assert not hasattr(scaler, "mean_")


# What it gives -----------------------------------------------------------------------


@examples
@given(rows(), window_sizes)
def test_windows_and_their_array_are_scaled_alike(case, window_size):
    windows = SlidingWindow(window_size).fit_transform(case.table)
    steps = EachTimeStep(MinMaxScaler()).fit(windows)
    lazy = steps.transform(windows)
    assert isinstance(lazy, Windows)
    assert lazy.table.shape == windows.table.shape
    assert_array_equal(padding_of(lazy), padding_of(windows))
    assert_allclose(
        np.asarray(lazy), steps.transform(np.asarray(windows)), rtol=1e-6, atol=1e-6
    )
    assert np.nanmax(np.asarray(lazy)) <= 1 + 1e-6


@containers
def test_the_number_of_features_may_change(windows, contain):
    out = EachTimeStep(PCA(1)).fit_transform(contain(windows))
    assert out.shape == (7, 3, 1)
    assert out.dtype == np.float32
    assert_array_equal(padding_of(out), padding_of(windows))


@containers
def test_sparse_output_becomes_dense(windows, contain):
    trees = RandomTreesEmbedding(n_estimators=2, max_depth=1, random_state=0)
    out = np.asarray(EachTimeStep(trees).fit_transform(contain(windows)))
    assert out.shape == (7, 3, 4)
    assert_array_equal(out[~padding_of(windows)].sum(axis=1), 2)
    assert_array_equal(padding_of(out), padding_of(windows))


@containers
def test_integer_output_becomes_floats(windows, contain):
    cutter = KBinsDiscretizer(3, encode="ordinal", strategy="uniform")
    as_int = FunctionTransformer(lambda X: np.asarray(X).astype(int))
    out = EachTimeStep(make_pipeline(cutter, as_int)).fit_transform(contain(windows))
    assert_array_equal(padding_of(out), padding_of(windows))
    assert np.nanmax(np.asarray(out)) == 2


def test_univariate_2d_sequences_stay_2d():
    X = np.array([[1.0, 2, 3], [4, 5, np.nan]])
    steps = EachTimeStep(StandardScaler())
    scaled = steps.fit_transform(X)
    assert steps.n_features_in_ == 3
    assert steps.sequence_shape_ == (3, 1)
    assert_allclose(scaled, (X - 3) / np.sqrt(2), rtol=1e-6)
    assert_allclose(steps.transform(X[:, :, np.newaxis])[:, :, 0], scaled)
    assert_allclose(steps.inverse_transform(scaled), X, rtol=1e-6)
    assert steps.get_feature_names_out().tolist() == ["x0", "x1", "x2"]


def test_windows_are_scaled_without_a_copy_for_each(frame, windows):
    out = EachTimeStep(StandardScaler()).fit_transform(windows)
    assert out.table.shape == (7, 2)
    assert out.feature_names == ["flow", "head"]
    pd.testing.assert_index_equal(out.index, frame.index)
    assert_array_equal(out.series, windows.series)


# Inverse -----------------------------------------------------------------------------


@containers
@pytest.mark.parametrize("transformer", [StandardScaler(), PCA()], ids=repr)
def test_the_inverse_gives_the_sequences_back(windows, contain, transformer):
    X = contain(windows)
    steps = EachTimeStep(transformer).fit(X)
    back = steps.inverse_transform(steps.transform(X))
    assert isinstance(back, type(X))
    assert_allclose(np.asarray(back), np.asarray(X), atol=1e-4)
    if isinstance(X, Windows):
        assert back.feature_names == ["flow", "head"]


def test_the_inverse_takes_the_features_that_transform_gave(windows):
    steps = EachTimeStep(PCA(1)).fit(windows)
    back = steps.inverse_transform(steps.transform(windows))
    assert back.shape == (7, 3, 2)
    assert steps.sequence_shape_ == (3, 2)


def test_there_is_an_inverse_only_where_the_transformer_has_one(windows):
    assert hasattr(EachTimeStep(StandardScaler()), "inverse_transform")
    trees = EachTimeStep(RandomTreesEmbedding())
    assert not hasattr(trees, "inverse_transform")
    assert not hasattr(trees.fit(windows), "inverse_transform")


# Names -------------------------------------------------------------------------------


def test_columns_can_be_chosen_by_name(windows):
    columns = ColumnTransformer(
        [("scaled", MinMaxScaler(), ["head"])], remainder="passthrough"
    )
    steps = EachTimeStep(columns)
    out = steps.fit_transform(windows)
    assert out.feature_names == ["scaled__head", "remainder__flow"]
    assert steps.feature_names_in_.tolist() == ["flow", "head"]
    expected = np.asarray(windows)[:, :, ::-1] / [60, 1]
    assert_allclose(np.asarray(out), expected, rtol=1e-6)


def test_names_follow_the_transformer(windows):
    steps = EachTimeStep(PCA(1)).fit(windows)
    assert steps.get_feature_names_out().tolist() == ["pca0"]
    assert steps.transform(windows).feature_names == ["pca0"]
    chained = EachTimeStep(StandardScaler()).fit(steps.transform(windows))
    assert chained.get_feature_names_out().tolist() == ["pca0"]
    unnamed = EachTimeStep(StandardScaler()).fit(np.asarray(windows))
    assert unnamed.get_feature_names_out().tolist() == ["x0", "x1"]


@pytest.mark.parametrize("wrap", [lambda step: step, make_pipeline])
def test_a_transformer_without_names_gives_windows_without_names(windows, wrap):
    transformer = wrap(FunctionTransformer(np.log1p))
    out = EachTimeStep(transformer).fit_transform(windows)
    assert out.feature_names is None
    assert_allclose(np.asarray(out), np.log1p(np.asarray(windows)), rtol=1e-6)


def test_other_names_or_shapes_than_in_fit_are_an_error(windows):
    steps = EachTimeStep(StandardScaler()).fit(windows)
    with pytest.raises(ValueError, match="feature names should match"):
        steps.transform(windows.with_table(windows.table, ["flow", "fall"]))
    steps.fit(np.zeros((2, 4, 3)))
    with pytest.raises(ValueError, match="X has 5 time steps, but EachTimeStep"):
        steps.transform(np.zeros((2, 5, 3)))
    with pytest.raises(ValueError, match="X has 2 features, but EachTimeStep"):
        steps.transform(np.zeros((2, 4, 2)))


@pytest.mark.parametrize("container", ["pandas", "polars"])
@containers
def test_output_stays_3d_whatever_container_is_asked_for(windows, contain, container):
    X = contain(windows)
    expected = np.asarray(EachTimeStep(StandardScaler()).fit_transform(X))
    steps = EachTimeStep(StandardScaler())
    assert steps.set_output(transform=container) is steps
    assert_array_equal(np.asarray(steps.fit_transform(X)), expected)
    with config_context(transform_output=container):
        out = EachTimeStep(StandardScaler()).fit_transform(X)
    assert isinstance(out, type(X))
    assert_array_equal(np.asarray(out), expected)


# The scikit-learn estimator ----------------------------------------------------------


def test_fitted_steps_can_be_cloned_and_pickled(windows):
    steps = EachTimeStep(StandardScaler())
    expected = np.asarray(steps.fit_transform(windows))
    other = pickle.loads(pickle.dumps(steps))
    assert_array_equal(np.asarray(other.transform(windows)), expected)
    assert not hasattr(clone(steps), "transformer_")
    with pytest.raises(NotFittedError):
        clone(steps).transform(windows)


def test_parameters_of_the_transformer_can_be_set():
    steps = EachTimeStep(StandardScaler())
    steps.set_params(transformer__with_mean=False)
    assert_array_equal(steps.fit_transform(np.full((2, 2, 1), 3.0)), 3)


def test_a_transformer_is_needed():
    with pytest.raises(ValueError, match="'transformer' parameter of EachTimeStep"):
        EachTimeStep("scale").fit(np.zeros((2, 2, 1)))


def test_nothing_but_padding_cannot_be_fitted_on():
    with pytest.raises(ValueError, match="nothing but padding"):
        EachTimeStep(StandardScaler()).fit(np.full((2, 3, 1), np.nan))
