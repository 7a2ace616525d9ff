# SPDX-License-Identifier: BSD-3-Clause
"""What LSTMAutoencoder does of its own accord for the windows of a table."""

import numpy as np
import pytest
from sklearn.base import clone
from tolerances import assert_same_training

from skseq import LSTMAutoencoder, SlidingWindow
from skseq.engines._batches import Batch, Preparation
from skseq.engines._linear import fit_linear_path
from skseq.windowing._held_out import split_last_part

N_TIMESTEPS, N_FEATURES = 4, 3


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    time = np.arange(300)[:, np.newaxis] * [0.3, 0.5, 0.7]
    table = np.sin(time) + rng.normal(scale=0.1, size=time.shape)
    table[40, 1] = np.nan
    return SlidingWindow(N_TIMESTEPS).fit_transform(table)


def whole(X):
    """A batch of sequences of which nothing is missing."""
    return Batch(X, np.ones(X.shape[:2], bool), X)


def tiny(**parameters):
    defaults = {"hidden_layer_sizes": 3, "max_epochs": 3, "random_state": 0}
    return LSTMAutoencoder(**{**defaults, **parameters})


@pytest.fixture(scope="module", params=["native", "keras"])
def ae(windows, request):
    return tiny(engine=request.param).fit(windows)


def test_engines_agree_on_the_whole(windows):
    native, keras = (tiny(engine=e).fit(windows) for e in ("native", "keras"))
    assert_same_training(native, keras)
    np.testing.assert_allclose(
        native.score_samples(windows), keras.score_samples(windows), rtol=1e-3
    )
    assert native.offset_ == pytest.approx(keras.offset_, rel=1e-3)


def test_the_linear_path_is_the_wiener_filter_of_the_flattened_windows(windows):
    X = np.nan_to_num(np.asarray(windows[3:]))
    linear = fit_linear_path(X, Preparation(np.zeros(N_FEATURES, np.float32)), 0.5)
    flat = X.reshape(len(X), -1).astype(np.float64)
    covariance = np.cov(flat.T, bias=True)
    variances, axes = np.linalg.eigh(covariance)
    kept = variances / (variances + 0.25 * variances.mean())
    expected = flat @ (axes * kept @ axes.T)
    outputs = linear.reconstruct(whole(X)).reshape(len(X), -1)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    left_over = (X - outputs.reshape(X.shape)).astype(np.float64)
    spread = np.sqrt(np.square(left_over).mean(axis=(0, 1)))
    np.testing.assert_allclose(linear.scale, spread, rtol=1e-4)


def test_constant_cells_have_a_linear_path_too():
    X = np.full((5, 2, 1), 7, np.float32)
    linear = fit_linear_path(X, Preparation(np.array([7], np.float32)), 0.5)
    np.testing.assert_array_equal(linear.reconstruct(whole(X)), X)
    np.testing.assert_array_equal(linear.left_over(whole(X)).targets, 0)


def test_a_network_that_learned_nothing_leaves_the_linear_reconstruction(ae, windows):
    silent = clone(ae).fit(windows)
    silent.weights_ = [np.zeros_like(w) for w in ae.weights_]
    X = np.asarray(windows[50:60])
    np.testing.assert_allclose(
        silent.reconstruct(windows[50:60]),
        silent.linear_path_.reconstruct(whole(X)),
        rtol=1e-5,
        atol=1e-6,
    )


def test_the_keras_model_holds_the_linear_path(ae, windows):
    X = np.asarray(windows[50:60])
    np.testing.assert_allclose(
        ae.model_.predict(X, verbose=0), ae.reconstruct(windows[50:60]), atol=1e-5
    )


def test_the_network_beside_a_linear_path_does_not_see_the_level(ae, windows):
    X = np.asarray(windows[50:60])
    np.testing.assert_allclose(ae.transform(X + 3), ae.transform(X), atol=1e-5)
    short = X.copy()
    short[:, 0] = np.nan  # padding has no part in the level
    np.testing.assert_allclose(ae.transform(short + 3), ae.transform(short), atol=1e-5)
    assert np.abs(ae.transform(X) - ae.transform(2 * X)).max() > 0.01


def test_the_keras_encoder_gives_the_latent_vectors(ae, windows):
    X = np.asarray(windows[50:60])
    latent = ae.encoder_.predict(X, verbose=0)
    np.testing.assert_allclose(latent, ae.transform(X), atol=1e-5)


def test_later_steps_of_windows_count_more(ae, windows):
    assert ae.score_on_ == "recent"
    steps = ae.reconstruction_error(windows[:40], per="step")
    for error, of_steps in zip(
        ae.reconstruction_error(windows[:40]), steps, strict=True
    ):
        weights = np.where(np.isnan(of_steps), 0, [1, 4, 9, 16])
        expected = np.sum(weights * np.nan_to_num(of_steps)) / max(weights.sum(), 1)
        assert error == pytest.approx(expected, rel=1e-6)


def test_windows_are_trained_on_to_the_last_when_the_epochs_are_known(windows):
    ae = tiny().fit(windows)
    rows, held_out = split_last_part(windows, 0.1)
    first = tiny(refit=False).fit(windows)
    assert ae.best_epoch_ == first.best_epoch_
    assert ae.validation_loss_curve_ == first.validation_loss_curve_
    assert not np.array_equal(ae.weights_[0], first.weights_[0])
    changed = windows.with_table(windows.table.copy())
    changed.table[-2:] += 1
    other = tiny().fit(changed)
    assert not np.array_equal(ae.weights_[0], other.weights_[0])


def test_the_offset_is_of_rows_that_the_network_had_not_seen(windows):
    ae = tiny().fit(windows)
    rows, held_out = split_last_part(windows, 0.1)
    first = tiny(refit=False).fit(windows)
    first._fit_error_rule(windows, rows, None)
    expected = np.percentile(first.score_samples(windows[held_out]), 1)
    assert ae.offset_ == pytest.approx(expected, rel=1e-6)


def test_a_contamination_is_the_share_of_training_outliers(windows):
    labels = tiny(contamination=0.1).fit_predict(windows)
    assert np.mean(labels == -1) == pytest.approx(0.1, abs=0.01)


def test_arrays_get_the_plain_network(windows):
    array = np.nan_to_num(np.asarray(windows))
    ae = tiny().fit(array)
    plain = tiny(linear_skip=False, error="loss", refit=False).fit(array)
    np.testing.assert_array_equal(ae.score_samples(array), plain.score_samples(array))
    assert hasattr(ae, "inverse_transform")


def test_latent_vectors_alone_make_no_sequence_beside_a_linear_path(ae):
    with pytest.raises(AttributeError) as error:
        ae.inverse_transform(np.zeros((1, 3)))
    assert "linear_skip=False" in str(error.value.__cause__)


@pytest.mark.parametrize(
    "parameters", [{"architecture": "context"}, {"loss": "binary_crossentropy"}]
)
def test_a_linear_path_that_does_not_suit_is_an_error(windows, parameters):
    ae = tiny(hidden_layer_sizes=(3, 2), linear_skip=True, **parameters)
    unit = windows.with_table((np.nan_to_num(windows.table) + 2) / 4)
    with pytest.raises(ValueError, match="linear_skip=True adds to"):
        ae.fit(unit)
    ae.set_params(linear_skip="auto").fit(unit)
    assert not hasattr(ae, "linear_path_")
    assert not hasattr(ae, "error_rule_")


def test_training_goes_on_with_the_linear_path_it_had(windows):
    ae = tiny().fit(windows)
    path = ae.linear_path_
    ae.partial_fit(windows[:100])
    assert ae.linear_path_ is path
    ae.set_params(warm_start=True).fit(windows)
    assert ae.linear_path_ is path
    ae.set_params(linear_skip=False, warm_start=False).fit(windows)
    assert not hasattr(ae, "linear_path_")


def test_a_killed_fit_refits_to_the_same_weights(windows, tmp_path, monkeypatch):
    from skseq.training import _loop

    whole = tiny().fit(windows)
    ae = tiny(checkpoint=tmp_path / "state")
    with monkeypatch.context() as context:

        def die(*arguments):
            raise SystemExit

        context.setattr(_loop, "validation_loss", die)
        with pytest.raises(SystemExit):
            ae.fit(windows)
    ae.fit(windows)
    for a, b in zip(ae.weights_, whole.weights_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert ae.offset_ == whole.offset_


def test_the_first_windows_of_a_series_look_as_if_it_had_stood_still(windows):
    ae = tiny().fit(windows)
    X = np.full((3, N_TIMESTEPS, N_FEATURES), np.nan, np.float32)
    X[0, 2:] = [[1, 2, 3], [4, 5, 6]]
    X[1, :1] = [7, 8, 9]
    filled = np.nan_to_num(X)
    still = np.array([[1, 2, 3], [1, 2, 3], [1, 2, 3], [4, 5, 6]], np.float32)
    held = np.stack([still, np.tile(X[1, 0], (N_TIMESTEPS, 1))])
    expected = ae.linear_path_.reconstruct(whole(held))
    padded = Batch(filled, ~np.isnan(X).all(axis=2), X)
    outputs = ae.linear_path_.reconstruct(padded)
    np.testing.assert_allclose(outputs[:2], expected, rtol=1e-6)
    assert np.isfinite(outputs).all()
