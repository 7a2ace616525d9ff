# SPDX-License-Identifier: BSD-3-Clause
"""PCAAutoencoder, held to scikit-learn's PCA of the flattened sequences."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from skseq import PCAAutoencoder, SlidingWindow, sliding_windows


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 2)) @ rng.normal(size=(2, 4)) + 5


@pytest.fixture
def sequences(table):
    noise = np.random.default_rng(1).normal(scale=0.1, size=table.shape)
    return np.asarray(sliding_windows(table + noise, 5)[0])


@pytest.mark.filterwarnings("ignore:.* any sequence is reconstructed")
@pytest.mark.parametrize("n_components", [3, 0.9, 0.5, None])
def test_components_and_errors_are_those_of_pca(sequences, n_components):
    flat = sequences.reshape(len(sequences), -1)
    pca = PCA(n_components, svd_solver="full").fit(flat)
    ours = PCAAutoencoder(n_components).fit(sequences)
    assert ours.n_components_ == pca.n_components_
    np.testing.assert_allclose(
        ours.explained_variance_, pca.explained_variance_, rtol=1e-4
    )
    np.testing.assert_allclose(
        np.abs(ours.transform(sequences)), np.abs(pca.transform(flat)), atol=1e-3
    )
    expected = pca.inverse_transform(pca.transform(flat)).reshape(sequences.shape)
    np.testing.assert_allclose(ours.reconstruct(sequences), expected, atol=1e-3)
    np.testing.assert_allclose(
        ours.reconstruction_error(sequences),
        ((sequences - expected) ** 2).mean(axis=(1, 2)),
        atol=1e-4,
    )


def test_windows_give_what_their_array_gives(table):
    windows = SlidingWindow(5).fit_transform(table)
    # What is held out differs: of windows it is known which rows they share.
    lazy = PCAAutoencoder(3).fit(windows)
    dense = PCAAutoencoder(3).fit(np.asarray(windows))
    np.testing.assert_array_equal(lazy.components_, dense.components_)
    np.testing.assert_array_equal(
        lazy.score_samples(windows), dense.score_samples(np.asarray(windows))
    )


@pytest.mark.filterwarnings("ignore:.* any sequence is reconstructed")
def test_inverse_transform_undoes_transform_where_all_components_are_kept(sequences):
    pca = PCAAutoencoder(None).fit(sequences)
    latent = pca.transform(sequences)
    np.testing.assert_allclose(pca.inverse_transform(latent), sequences, atol=1e-4)
    with pytest.raises(ValueError, match="X has 2 columns"):
        pca.inverse_transform(latent[:, :2])


def test_missing_cells_take_the_mean_and_have_no_part_in_the_error(sequences):
    pca = PCAAutoencoder(2).fit(sequences)
    X = sequences[:3].copy()
    X[:, 1, 2] = np.nan
    filled = X.copy()
    filled[:, 1, 2] = pca.mean_[1, 2]
    np.testing.assert_array_equal(pca.transform(X), pca.transform(filled))
    cells = pca.reconstruction_error(filled, per="cell")
    cells[:, 1, 2] = np.nan
    np.testing.assert_allclose(
        pca.reconstruction_error(X), np.nanmean(cells, axis=(1, 2))
    )


def test_contamination_is_the_share_of_training_outliers():
    X = np.random.default_rng(0).normal(size=(40, 6, 2))
    labels = PCAAutoencoder(n_components=2, contamination=0.1).fit_predict(X)
    assert np.mean(labels == -1) == pytest.approx(0.1)


def test_too_many_components_are_named(sequences):
    with pytest.raises(ValueError, match=r"'n_components' parameter is 21.*= 20"):
        PCAAutoencoder(21).fit(sequences)


def test_constant_sequences_are_reconstructed():
    X = np.full((10, 4, 2), 3.0)
    assert PCAAutoencoder().fit(X).reconstruction_error(X).max() == 0


def test_latent_vectors_as_a_frame_keep_the_index(table):
    frame = pd.DataFrame(table, columns=list("abcd")).set_index(np.arange(300) * 10)
    windows = SlidingWindow(5).fit_transform(frame)
    pca = PCAAutoencoder(2).set_output(transform="pandas").fit(windows)
    latent = pca.transform(windows[7:])
    assert latent.columns.tolist() == ["pcaautoencoder0", "pcaautoencoder1"]
    assert latent.index[0] == 70
