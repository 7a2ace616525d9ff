# SPDX-License-Identifier: BSD-3-Clause
"""ResidualAutoencoder: the linear path, the network beside it, and the whole."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from make import assert_same_weights, sine_table, tiny, windows_of
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

import skseq.engines._batches
from skseq import (
    ResidualAutoencoder,
    SlidingWindow,
    load,
    save,
)
from skseq.engines._batches import Batch, Preparation
from skseq.engines._linear import fit_linear_path
from skseq.persistence import to_onnx
from skseq.reconstruction._errors import fit_error_rule
from skseq.streaming import StreamScorer
from skseq.windowing._held_out import hold_out

N_TIMESTEPS, N_FEATURES = 4, 3
SETTINGS = ("error", "score_on", "refit", "contamination", "n_components")


@pytest.fixture(scope="module")
def windows():
    table = sine_table(300)
    table[40, 1] = np.nan
    return windows_of(table, N_TIMESTEPS)


def residual(**parameters):
    """Parameters of the detector, and of its network."""
    own = {name: parameters.pop(name) for name in SETTINGS if name in parameters}
    network = {"hidden_layer_sizes": 3, "max_epochs": 3, **parameters}
    return ResidualAutoencoder(tiny(**network), **own)


@pytest.fixture(scope="module")
def by_keras(windows):
    return residual(engine="keras").fit(windows)


@pytest.fixture(scope="module", params=["native", "keras"])
def fitted(windows, request, by_keras):
    if request.param == "keras":
        return by_keras
    return residual(engine="native").fit(windows)


# The linear path.


def whole(X):
    """A batch of sequences of which nothing is missing."""
    return Batch(X, np.ones(X.shape[:2], bool), X)


def path_of(X, n_components="auto", center=None):
    center = np.mean(X, (0, 1), np.float64) if center is None else center
    preparation = Preparation(np.asarray(center, np.float32))
    return fit_linear_path(X, preparation, n_components)


def wiener(X, center):
    """The filter with all components, of standardised cells, in float64."""
    cells = X.astype(np.float64) - center
    spread = np.sqrt(np.mean(cells**2, axis=(0, 1)))
    flat = (cells / spread).reshape(len(X), -1)
    covariance = np.cov(flat.T, bias=True)
    noise = 0.25 * np.trace(covariance) / len(covariance)
    kept = covariance @ np.linalg.inv(covariance + noise * np.eye(len(covariance)))
    return (flat @ kept).reshape(X.shape) * spread + center, spread


def test_with_all_components_the_path_is_the_wiener_filter(windows):
    X = np.nan_to_num(np.asarray(windows[3:])) * np.float32([1, 10, 0.1])
    path = path_of(X, N_TIMESTEPS * N_FEATURES, center=[0, 0, 0])
    expected, spread = wiener(X, 0)
    outputs = path.reconstruct(whole(X))
    np.testing.assert_allclose(outputs / spread, expected / spread, atol=2e-5)
    residual = np.sqrt(np.square(X - expected).mean(axis=(0, 1)))
    np.testing.assert_allclose(path.scale, residual, rtol=1e-4)
    np.testing.assert_allclose(path.spread, spread, rtol=1e-5)


def test_auto_keeps_the_components_of_which_more_than_a_twentieth_is_kept(windows):
    X = np.nan_to_num(np.asarray(windows[3:]))
    X[:, :, 1] = X[:, :, 0] + 0.01 * X[:, :, 1]
    every, some = path_of(X, N_TIMESTEPS * N_FEATURES), path_of(X)
    n_kept = np.count_nonzero(every.gains > 0.05)
    assert 0 < some.n_components == n_kept < every.n_components
    np.testing.assert_array_equal(some.components, every.components[:n_kept])
    assert path_of(X, 2).n_components == 2


def test_the_randomised_axes_of_wide_windows_are_those_of_all(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 60))
    X = (X + rng.normal(scale=0.1, size=X.shape)).reshape(200, 6, 10)
    X = X.astype(np.float32)
    exact = path_of(X, 3)
    monkeypatch.setattr("skseq.engines._linear._DENSE_CELLS", 1)
    quick = path_of(X, 3)
    np.testing.assert_allclose(quick.gains, exact.gains, rtol=1e-3)
    np.testing.assert_allclose(quick.components, exact.components, atol=1e-3)
    np.testing.assert_allclose(quick.scale, exact.scale, rtol=1e-3)


def test_many_windows_are_thinned_out_evenly(windows, monkeypatch):
    monkeypatch.setattr("skseq.engines._linear._MAX_WINDOWS", 100)
    X = np.nan_to_num(np.asarray(windows))
    some, thinned = path_of(X, 3, [0, 0, 0]), path_of(X[::3], 3, [0, 0, 0])
    np.testing.assert_array_equal(some.components, thinned.components)


def test_constant_cells_have_a_linear_path_too():
    X = np.full((5, 2, 1), 7, np.float32)
    path = path_of(X, center=[7])
    np.testing.assert_array_equal(path.reconstruct(whole(X)), X)
    np.testing.assert_array_equal(path.residual(whole(X)).targets, 0)


def test_the_first_windows_of_a_series_look_as_if_it_had_stood_still(windows):
    path = residual().fit(windows).path_
    X = np.full((3, N_TIMESTEPS, N_FEATURES), np.nan, np.float32)
    X[0, 2:] = [[1, 2, 3], [4, 5, 6]]
    X[1, :1] = [7, 8, 9]
    still = np.array([[1, 2, 3], [1, 2, 3], [1, 2, 3], [4, 5, 6]], np.float32)
    held = np.stack([still, np.tile(X[1, 0], (N_TIMESTEPS, 1))])
    padded = Batch(np.nan_to_num(X), ~np.isnan(X).all(axis=2), X)
    outputs = path.reconstruct(padded)
    np.testing.assert_allclose(outputs[:2], path.reconstruct(whole(held)), rtol=1e-6)
    assert np.isfinite(outputs).all()


def test_the_network_sees_the_level_only_through_a_tanh(windows):
    path = residual().fit(windows).path_
    X = np.asarray(windows[50:60])
    cells = (X - path.center) / path.spread
    level = cells.mean(axis=1, keepdims=True)
    expected = np.concatenate([cells - level, np.tanh(level) + 0 * cells], axis=2)
    np.testing.assert_allclose(path.seen(whole(X)).all_inputs, expected, atol=1e-6)
    X[:, 0] = np.nan  # padding has no part in the level
    padded = Batch(np.nan_to_num(X), ~np.isnan(X).all(axis=2), X)
    level = cells[:, 1:].mean(axis=1, keepdims=True)
    seen = path.seen(padded).inputs[:, 1:]
    np.testing.assert_allclose(seen, cells[:, 1:] - level, atol=1e-6)


# The whole.


def test_engines_agree_on_the_whole(windows, by_keras, isa):
    native = residual(engine="native").fit(windows)
    assert_same_weights(native, by_keras, 1e-5)
    np.testing.assert_allclose(
        native.score_samples(windows), by_keras.score_samples(windows), rtol=1e-3
    )
    assert native.offset_ == pytest.approx(by_keras.offset_, rel=1e-3)


def test_a_network_that_learned_nothing_leaves_the_linear_reconstruction(
    fitted, windows
):
    silent = clone(fitted).fit(windows)
    silent.weights_ = [np.zeros_like(w) for w in fitted.weights_]
    X = np.asarray(windows[50:60])
    expected = silent.path_.reconstruct(whole(X))
    np.testing.assert_allclose(
        silent.reconstruct(windows[50:60]), expected, rtol=1e-5, atol=1e-6
    )


def test_latent_vectors_are_the_code_of_the_path_and_that_of_the_network(
    fitted, windows
):
    X = np.asarray(windows[50:60])
    n_linear = fitted.path_.n_components
    latent = fitted.transform(windows[50:60])
    code = fitted.path_.encode(whole(X))
    np.testing.assert_allclose(latent[:, :n_linear], code, rtol=1e-6)
    seen = fitted.path_.seen(whole(X)).all_inputs
    by_keras = fitted.encoder_(seen)  # sooner than predict, which traces a graph
    np.testing.assert_allclose(latent[:, n_linear:], by_keras, atol=1e-5)


def test_the_way_back_from_latent_vectors_is_the_reconstruction(fitted, windows):
    full = windows[50:]
    np.testing.assert_allclose(
        fitted.inverse_transform(fitted.transform(full)),
        fitted.reconstruct(full),
        atol=1e-5,
    )


def test_the_keras_models_hold_the_linear_path(fitted, windows):
    X = np.asarray(windows[50:60])
    reconstruction = fitted.reconstruct(windows[50:60])
    np.testing.assert_allclose(fitted.model_(X), reconstruction, atol=1e-5)
    path = fitted.path_
    latent = fitted.transform(windows[50:60])
    added = np.asarray(fitted.decoder_(latent[:, path.n_components :]))
    np.testing.assert_allclose(
        added * path.scale + path.reconstruct(whole(X)), reconstruction, atol=1e-5
    )


def test_features_are_named_by_their_part():
    index = pd.date_range("2026-01-01", periods=300, freq="min")
    frame = pd.DataFrame(sine_table(300), index=index, columns=list("abc"))
    detector = residual(n_components=2).set_output(transform="pandas")
    latent = make_pipeline(SlidingWindow(N_TIMESTEPS), detector).fit_transform(frame)
    assert latent.columns.tolist() == ["linear0", "linear1", "lstm0", "lstm1", "lstm2"]
    pd.testing.assert_index_equal(latent.index, index)
    # As if the network had been fitted with another cell, which Keras alone can.
    detector.architecture_ = replace(detector.architecture_, cell="gru")
    names = ["linear0", "linear1", "gru0", "gru1", "gru2"]
    assert detector.get_feature_names_out().tolist() == names


def test_later_steps_count_more(fitted, windows):
    assert fitted.score_on_ == "recent"
    steps = fitted.reconstruction_error(windows[:40], per="step")
    weights = np.where(np.isnan(steps), 0, [1, 4, 9, 16])
    expected = np.sum(weights * np.nan_to_num(steps), axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(fitted.reconstruction_error(windows[:40]), expected)


def test_windows_are_trained_on_to_the_last_when_the_epochs_are_known(windows):
    detector, first = residual().fit(windows), residual(refit=False).fit(windows)
    assert detector.best_epoch_ == first.best_epoch_
    assert detector.validation_loss_curve_ == first.validation_loss_curve_
    assert not np.array_equal(detector.weights_[0], first.weights_[0])
    changed = windows.with_table(windows.table.copy())
    changed.table[-2:] += 1
    other = residual().fit(changed)
    assert not np.array_equal(detector.weights_[0], other.weights_[0])
    assert not np.array_equal(detector.path_.components, other.path_.components)


def test_a_warm_start_goes_on_beside_a_path_that_is_fitted_anew(windows):
    options = {"early_stopping": False, "batch_size": 500, "engine": "native"}
    whole = residual(max_epochs=4, **options).fit(windows)
    warm = residual(max_epochs=2, warm_start=True, **options).fit(windows)
    assert_same_weights(whole, warm.fit(windows), 1e-6)
    moved = windows.with_table(windows.table + np.float32([0, 0, 1]))
    path = residual(max_epochs=1, engine="native").fit(moved).path_
    np.testing.assert_array_equal(warm.fit(moved).path_.center, path.center)
    np.testing.assert_array_equal(warm.path_.components, path.components)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        warm.set_params(network__hidden_layer_sizes=4).fit(windows)


@pytest.mark.parametrize("context_features", [None, [1]])
def test_codes_that_are_too_many_to_keep_are_computed_anew(
    windows, context_features, monkeypatch
):
    detector = residual(max_epochs=2).set_params(context_features=context_features)
    kept = clone(detector).fit(windows)
    monkeypatch.setattr(skseq.engines._batches, "_MAX_CODES", 0)
    assert_same_weights(detector.fit(windows), kept)
    assert detector.validation_loss_curve_ == kept.validation_loss_curve_


def test_the_last_path_is_that_of_all_windows(windows):
    detector = residual().fit(windows)
    path = fit_linear_path(windows, Preparation(detector.feature_means_))
    np.testing.assert_array_equal(detector.path_.components, path.components)


def test_the_offset_of_unseen_windows_is_carried_over_to_the_final_model(windows):
    detector, first = residual().fit(windows), residual(refit=False).fit(windows)
    parts = hold_out(windows, 0.1)
    training, held_out = parts.training, parts.held_out
    # The rule of the first model, of what it was trained on, as the last one's is.
    reconstructions = first._network.outputs(windows[training])
    first.error_rule_ = fit_error_rule("mahalanobis", reconstructions)
    unseen = np.quantile(first.score_samples(windows[held_out]), 0.01)
    both = windows[training]
    ratio = detector.score_samples(both) / first.score_samples(both)
    expected = unseen * np.exp(np.median(np.log(ratio)))
    assert detector.offset_ == pytest.approx(expected, rel=1e-6)


def test_a_contamination_is_the_share_of_training_outliers(windows):
    labels = residual(contamination=0.1).fit_predict(windows)
    assert np.mean(labels == -1) == pytest.approx(0.1, abs=0.01)


def test_units_do_not_count(windows):
    """A power of two scales without rounding; another number, but for rounding."""
    scores = residual().fit(windows).score_samples(windows)
    for factor, rtol in ((2.0**17, 1e-4), (1e5, 1e-3)):
        scaled = windows.with_table(windows.table * np.float32([1, factor, 1]))
        detector = residual().fit(scaled)
        np.testing.assert_allclose(detector.score_samples(scaled), scores, rtol=rtol)


def test_a_path_of_features_in_other_units_is_the_same_path(windows):
    X = np.nan_to_num(np.asarray(windows[3:]))
    units = np.float32([2.0**-9, 1, 2.0**12])
    one, other = path_of(X), path_of(X * units)
    np.testing.assert_allclose(other.components, one.components, atol=1e-5)
    np.testing.assert_allclose(other.gains, one.gains, rtol=1e-5)
    np.testing.assert_allclose(other.spread, one.spread * units, rtol=1e-6)


def test_cross_entropy_does_not_suit_a_path(windows):
    unit = windows.with_table((np.nan_to_num(windows.table) + 2) / 4)
    detector = residual(loss="binary_crossentropy")
    with pytest.raises(ValueError, match="does not go with loss='binary_crossentropy'"):
        detector.fit(unit)


@pytest.mark.parametrize(
    "parameters",
    [{"error": "loss"}, {"score_on": "window"}, {"n_components": 0}, {"refit": "auto"}],
    ids=str,
)
def test_bad_parameters_are_named(windows, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter of ResidualAuto"):
        residual(**parameters).fit(windows)


def test_parameters_of_the_network_are_validated_too(windows):
    with pytest.raises(ValueError, match="'dropout' parameter of LSTMAutoencoder"):
        residual(dropout=2).fit(windows)


def test_the_network_is_cloned(windows):
    network = tiny()
    ResidualAutoencoder(network).fit(windows)
    assert not hasattr(network, "weights_")


def test_parameters_of_the_network_are_set_where_none_is_given():
    detector = ResidualAutoencoder()
    assert detector.get_params()["network__max_epochs"] == 50
    assert detector.network is None
    detector.set_params(network__max_epochs=7)
    assert detector.get_params()["network__max_epochs"] == 7
    assert detector.network.hidden_layer_sizes == (32, 16)
    assert clone(detector).network.max_epochs == 7
    replaced = detector.set_params(network=None, network__max_epochs=3)
    assert replaced.network.max_epochs == 3
    with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
        ResidualAutoencoder().set_params(network__nothing=1)


def test_a_grid_reaches_the_network():
    pipeline = make_pipeline(SlidingWindow(4), residual(max_epochs=1))
    grid = {
        "residualautoencoder__network__hidden_layer_sizes": [2, 3],
        "residualautoencoder__n_components": [1],
    }
    search = GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(2), error_score="raise")
    search.fit(sine_table())
    assert search.best_estimator_[-1].path_.n_components == 1
    assert search.best_estimator_[-1].network.hidden_layer_sizes in (2, 3)


def test_a_killed_fit_refits_to_the_same_weights(windows, tmp_path, monkeypatch):
    complete = residual().fit(windows)
    detector = residual(checkpoint=tmp_path / "state")
    with monkeypatch.context() as context:

        def die(*arguments):
            raise SystemExit

        context.setattr("skseq.training._loop.validation_loss", die)
        with pytest.raises(SystemExit):
            detector.fit(windows)
    detector.fit(windows)
    assert_same_weights(detector, complete)
    assert detector.offset_ == complete.offset_


def test_a_file_keeps_the_whole(windows, tmp_path):
    detector = residual().fit(windows)
    save(detector, tmp_path / "detector.skseq")
    again = load(tmp_path / "detector.skseq")
    for method in ("score_samples", "transform", "predict"):
        np.testing.assert_array_equal(
            getattr(again, method)(windows), getattr(detector, method)(windows)
        )
    np.testing.assert_array_equal(again.path_.components, detector.path_.components)


def test_an_onnx_graph_gives_the_reconstruction(windows):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    detector = residual().fit(windows)
    session = runtime.InferenceSession(to_onnx(detector).SerializeToString())
    X = np.asarray(windows[50:])
    (name,) = (i.name for i in session.get_inputs())
    outputs = session.run(["reconstruction"], {name: X})[0]
    np.testing.assert_allclose(outputs, detector.reconstruct(X), atol=1e-5)


def test_a_stream_has_the_scores_of_the_table():
    table = sine_table()
    pipeline = make_pipeline(SlidingWindow(N_TIMESTEPS), residual()).fit(table)
    later = sine_table(60) + 0.1
    stream = StreamScorer(pipeline)
    scores = [stream.score_one(row) for row in later]
    np.testing.assert_allclose(scores, pipeline.score_samples(later), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The errors of most held-out sequences")
def test_wide_windows_do_not_blow_up_in_memory():
    """The full matrix of 6,000 cells would take 288 MB in float64, its axes as much."""
    table = np.random.default_rng(0).normal(size=(120, 200)).astype(np.float32)
    windows = windows_of(table, 30)
    detector = ResidualAutoencoder().set_params(
        network__max_epochs=1, network__hidden_layer_sizes=4, network__random_state=0
    )
    tracemalloc.start()
    try:
        detector.fit(windows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert detector.path_.n_components <= 64
    assert peak < 200e6
