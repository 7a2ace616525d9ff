# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from skseq import PCAAutoencoder, SlidingWindow
from skseq.plotting import (
    FeatureErrorDisplay,
    LatentSpaceDisplay,
    ReconstructionDisplay,
)


def test_window_and_reconstruction_are_drawn_worst_feature_first(detector, windows):
    X, _ = windows
    display = ReconstructionDisplay.from_estimator(detector, X, sample=-1)
    error = (X[-1] / 2) ** 2
    worst = np.argsort(-error.mean(axis=0))
    np.testing.assert_array_equal(display.features_, worst)
    for (window, copy), k in zip(display.lines_, worst, strict=True):
        np.testing.assert_allclose(window.get_ydata(), X[-1, :, k])
        np.testing.assert_allclose(copy.get_ydata(), X[-1, :, k] / 2)
    heights = [bar.get_height() for bar in display.bars_]
    np.testing.assert_allclose(heights, error.mean(axis=1))
    assert len(display.axes_) == 4


def test_only_so_many_features_are_drawn(detector, windows):
    display = ReconstructionDisplay.from_estimator(detector, windows[0], max_features=2)
    assert len(display.lines_) == 2


def test_from_predictions_takes_the_squared_difference(windows):
    X, _ = windows
    display = ReconstructionDisplay.from_predictions(X, X / 2, sample=4)
    heights = [bar.get_height() for bar in display.bars_]
    np.testing.assert_allclose(heights, ((X[4] / 2) ** 2).mean(axis=1))
    assert "squared error" in display.axes_[0].get_title()


def test_padding_is_not_drawn():
    sequence = np.array([[np.nan], [1.0], [3.0]])
    display = ReconstructionDisplay(sequence, [[np.nan], [1.0], [1.0]]).plot()
    assert display.axes_[0].get_title() == "feature 0: squared error 2"
    np.testing.assert_array_equal(display.lines_[0][0].get_ydata(), sequence[:, 0])


def test_univariate_sequences_have_one_panel():
    X = np.random.default_rng(0).normal(size=(20, 6))
    pca = PCAAutoencoder(n_components=2).fit(X)
    display = ReconstructionDisplay.from_estimator(pca, X, sample=3)
    ((window, copy),) = display.lines_
    np.testing.assert_allclose(window.get_ydata(), X[3])
    np.testing.assert_allclose(copy.get_ydata(), pca.reconstruct(X)[3], rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The errors of most held-out sequences")
def test_names_are_those_of_the_windows(sensors):
    X, _ = sensors
    windows = SlidingWindow(4, group_by="sensor_id", time="timestamp").fit_transform(X)
    pca = PCAAutoencoder(n_components=2).fit(windows)
    display = ReconstructionDisplay.from_estimator(pca, windows, sample=9)
    assert set(display.feature_names) == {"flow", "pressure"}
    map_ = FeatureErrorDisplay.from_estimator(pca, windows)
    assert map_.feature_names == ["flow", "pressure"]


def test_panels_take_the_place_of_the_axes_that_are_given(detector, windows, plt):
    ax = Figure().add_subplot(1, 2, 2)
    display = ReconstructionDisplay.from_estimator(detector, windows[0], ax=ax)
    assert display.figure_ is ax.figure
    assert not ax.axison
    assert not plt.get_fignums()


def test_shapes_that_differ_are_refused(windows):
    X, _ = windows
    with pytest.raises(ValueError, match=r"\(40, 5, 3\) and \(40, 5, 2\) instead"):
        ReconstructionDisplay.from_predictions(X, X[:, :, :2])


def test_a_sample_that_is_not_there_is_an_index_error(detector, windows):
    with pytest.raises(IndexError):
        ReconstructionDisplay.from_estimator(detector, windows[0], sample=40)


def test_latent_vectors_lie_on_their_principal_components(detector, windows):
    X, y = windows
    display = LatentSpaceDisplay.from_estimator(detector, X, y)
    expected = PCA(2).fit_transform(X.reshape(40, -1)[:, :3])
    for label in (0, 1):
        drawn = display.collections_[label].get_offsets()
        np.testing.assert_allclose(np.abs(drawn), np.abs(expected[y == label]))


def test_the_rarest_label_is_on_top(detector, windows):
    points = LatentSpaceDisplay.from_estimator(detector, *windows).collections_
    assert points[1].get_zorder() > points[0].get_zorder()
    colors = {tuple(point.get_edgecolor()[0]) for point in points.values()}
    assert len(colors) == 2


def test_latent_vectors_need_no_labels():
    latent = np.random.default_rng(0).normal(size=(10, 4))
    display = LatentSpaceDisplay.from_predictions(latent)
    assert set(display.collections_) == {None}
    assert display.ax_.get_legend() is None


def test_latent_vectors_of_one_value_are_refused():
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        LatentSpaceDisplay.from_predictions(np.ones((5, 1)))
