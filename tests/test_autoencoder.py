# SPDX-License-Identifier: BSD-3-Clause
"""LSTMAutoencoder: training, latent vectors, errors, scores and Keras models."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import plain_keras
import pytest
from make import assert_same_weights, sine_table, tiny, windows_of
from sklearn.base import clone
from tolerances import assert_same_training, of_training

from skseq import LSTMAutoencoder, SlidingWindow, sliding_windows, temporalize
from skseq.engines._choose import choose_engine
from skseq.engines.native._engine import NativeEngine
from skseq.networks import Architecture

N_TIMESTEPS, N_FEATURES = 6, 3


@pytest.fixture(scope="module")
def windows():
    return windows_of(sine_table(), N_TIMESTEPS)


@pytest.fixture(scope="module")
def sequences():
    """Windows without padding, as an array."""
    return np.asarray(sliding_windows(sine_table(), N_TIMESTEPS)[0])


@pytest.fixture(scope="module", params=["native", "keras"])
def ae(windows, request):
    sizes = (4, 2) if request.param == "native" else 4  # which Keras traces sooner
    settings = {"hidden_layer_sizes": sizes, "max_epochs": 3}
    return tiny(engine=request.param, **settings).fit(windows)


@pytest.mark.parametrize(
    ("sizes", "n_features", "n_parameters"),
    [((128, 64), 2, 248_578), ((32, 16), 59, 25_243)],
)
def test_the_articles_networks_have_the_articles_numbers_of_parameters(
    sizes, n_features, n_parameters
):
    X = np.zeros((3, 5, n_features))
    ae = tiny(hidden_layer_sizes=sizes, early_stopping=False).fit(X)
    assert ae.model_.count_params() == n_parameters
    assert ae.architecture_.n_parameters == n_parameters


def test_the_articles_toy_is_reconstructed():
    steps = np.arange(1, 10) / 10
    X = np.column_stack([steps, steps**3])
    toy, _ = temporalize(X, np.zeros(9), 3)
    ae = LSTMAutoencoder(
        (128, 64),
        activation="relu",
        max_epochs=300,
        batch_size=5,
        early_stopping=False,
        random_state=0,
    ).fit(toy)
    assert np.mean(np.abs(ae.reconstruct(toy) - toy)) < 0.03
    assert len(ae.loss_curve_) == 300


def test_models_share_layers_and_say_what_the_estimator_says(ae, sequences):
    X = sequences[:5].astype(np.float32)
    latent = np.asarray(ae.encoder_(X))
    np.testing.assert_allclose(latent, ae.transform(X), rtol=1e-5, atol=1e-6)
    outputs = np.asarray(ae.decoder_(latent))
    np.testing.assert_allclose(outputs, ae.inverse_transform(latent), atol=1e-6)
    np.testing.assert_allclose(outputs, ae.model_(X), atol=1e-6)
    np.testing.assert_allclose(outputs, ae.reconstruct(X), atol=1e-6)
    assert set(ae.encoder_.layers[1:]) <= set(ae.model_.layers)
    assert set(ae.decoder_.layers[1:]) <= set(ae.model_.layers)


def test_weights_are_in_the_order_of_keras(ae):
    assert_same_weights(ae, ae.model_.get_weights())
    assert [w.shape for w in ae.weights_] == ae.architecture_.weight_shapes


def one_layer(**parameters):
    """A network that Keras traces sooner, once for all these tests, in one batch."""
    settings = {"hidden_layer_sizes": 4, "early_stopping": False, "batch_size": 500}
    return tiny(**settings, **parameters)


@pytest.mark.parametrize("engine", ["native", "keras"])
def test_training_equals_plain_keras(engine):
    X, expected = plain_keras.windows(), plain_keras.stored("windows")
    ours = one_layer(max_epochs=plain_keras.N_BATCHES, engine=engine).fit(X)
    np.testing.assert_allclose(ours.loss_curve_, expected.losses, rtol=1e-5)
    atol = of_training(ours.weights_, plain_keras.N_BATCHES)
    assert_same_weights(ours, expected.weights, atol)


@pytest.mark.parametrize("loss", ["mae", "huber"])
def test_other_losses_equal_keras(sequences, loss):
    """Of the kernels: test_engines_agree of test_supervised.py holds Keras to these."""
    X = 3 * sequences.astype(np.float32)
    ours = one_layer(loss=loss, engine="native").fit(X)
    start = one_layer(loss=loss, learning_rate=1e-30, engine="native")
    reconstruction = start.fit(X).reconstruct(X)
    expected = keras.losses.get(loss)(X, reconstruction).numpy().mean()
    assert ours.loss_curve_[0] == pytest.approx(expected, rel=1e-5)
    error = start.reconstruction_error(X)
    np.testing.assert_allclose(error.mean(), expected, rtol=1e-5)


def test_errors_are_means_of_the_errors_of_cells(ae, sequences):
    cells = (sequences - ae.reconstruct(sequences)) ** 2
    error = ae.reconstruction_error
    np.testing.assert_allclose(
        error(sequences, per="cell"), cells, rtol=1e-3, atol=1e-6
    )
    np.testing.assert_allclose(error(sequences), cells.mean(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(error(sequences, per="step"), cells.mean(2), rtol=1e-4)
    np.testing.assert_allclose(
        error(sequences, per="feature"), cells.mean(1), rtol=1e-4
    )


def test_scoring_the_last_step_looks_at_the_last_step_alone(ae, sequences):
    last = copy.deepcopy(ae)
    last.score_on_ = "last"
    steps = ae.reconstruction_error(sequences, per="step")
    np.testing.assert_allclose(last.reconstruction_error(sequences), steps[:, -1])
    np.testing.assert_allclose(
        last.reconstruction_error(sequences, per="feature"),
        ae.reconstruction_error(sequences, per="cell")[:, -1],
    )


def test_the_last_step_of_a_sequence_padded_at_the_end_is_not_the_padding(
    ae, sequences
):
    last = copy.deepcopy(ae)
    last.score_on_ = "last"
    padded = sequences[:4].copy()
    padded[:, -2:] = np.nan
    steps = ae.reconstruction_error(padded, per="step")
    np.testing.assert_allclose(last.reconstruction_error(padded), steps[:, -3])


def test_signs_follow_scikit_learns_outlier_detectors(ae, windows):
    scores = ae.score_samples(windows)
    np.testing.assert_array_equal(scores, -ae.reconstruction_error(windows))
    decision = ae.decision_function(windows)
    np.testing.assert_array_equal(decision, scores - ae.offset_)
    np.testing.assert_array_equal(ae.predict(windows), np.where(decision < 0, -1, 1))
    assert ae.score(windows) == pytest.approx(scores.mean())


def test_contamination_is_the_share_of_training_outliers(windows):
    labels = tiny(contamination=0.1).fit_predict(windows)
    assert np.mean(labels == -1) == pytest.approx(0.1)


@pytest.mark.parametrize("side", ["front", "back"])
def test_padding_changes_nothing(ae, sequences, side):
    """A sequence of 4 steps has the same latent vector and errors, padded or not."""
    short = sequences[:8, :4]
    ae4 = copy.deepcopy(ae)
    ae4.sequence_shape_ = (4, N_FEATURES)
    width = ((0, 0), (2, 0) if side == "front" else (0, 2), (0, 0))
    padded = np.pad(short, width, constant_values=np.nan)
    np.testing.assert_allclose(ae.transform(padded), ae4.transform(short), rtol=1e-5)
    np.testing.assert_allclose(
        ae.score_samples(padded), ae4.score_samples(short), rtol=1e-5
    )
    kept = slice(2, None) if side == "front" else slice(4)
    reconstruction = ae.reconstruct(padded)
    np.testing.assert_allclose(reconstruction[:, kept], ae4.reconstruct(short), 1e-5)
    reconstruction[:, kept] = np.nan
    assert np.isnan(reconstruction).all()


def test_padded_sequences_of_nothing_do_not_change_training(sequences):
    nothing = np.full_like(sequences[:3], np.nan)
    settings = {"early_stopping": False, "batch_size": 500, "max_epochs": 2}
    plain = tiny(**settings).fit(sequences)
    padded = tiny(**settings).fit(np.concatenate([sequences, nothing]))
    assert_same_training(plain, padded)
    assert np.isnan(padded.score_samples(nothing)).all()


def test_missing_cells_have_no_part_in_loss_or_score(ae, sequences):
    """Whatever is behind a missing cell, the result is that of the training mean."""
    X = sequences[:20].copy()
    X[::2, 2, 1] = np.nan
    filled = X.copy()
    filled[::2, 2, 1] = ae.feature_means_[1]
    np.testing.assert_allclose(ae.transform(X), ae.transform(filled), rtol=1e-6)
    cells = ae.reconstruction_error(filled, per="cell")
    cells[::2, 2, 1] = np.nan
    np.testing.assert_allclose(
        ae.reconstruction_error(X), np.nanmean(cells, axis=(1, 2)), rtol=1e-6
    )
    assert np.isfinite(ae.reconstruct(X)).all()
    assert np.isfinite(tiny().fit(X).loss_curve_).all()


def test_feature_means_count_a_row_as_often_as_windows_hold_it(ae, windows):
    expected = np.nanmean(np.asarray(windows), axis=(0, 1), dtype=np.float64)
    np.testing.assert_allclose(ae.feature_means_, expected, atol=1e-6)


def test_random_state_fixes_the_result_and_no_global_state_is_touched(ae, windows):
    np.random.seed(1)  # noqa: NPY002
    keras.utils.set_random_seed(1)
    again = clone(ae).fit(windows)
    assert again.loss_curve_ == ae.loss_curve_
    assert_same_weights(again, ae)
    other = clone(ae).set_params(random_state=1).fit(windows)
    assert other.loss_curve_ != ae.loss_curve_

    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    clone(ae).fit(windows)
    assert np.random.random() == expected  # noqa: NPY002


def test_early_stopping_keeps_the_best_epoch(windows):
    ae = tiny(max_epochs=30, n_iter_no_change=2, tol=0, learning_rate=0.3).fit(windows)
    curve = ae.validation_loss_curve_
    assert len(curve) == ae.n_iter_ == len(ae.loss_curve_) < 30
    assert ae.best_epoch_ == np.argmin(curve) + 1 == ae.n_iter_ - 2
    short = clone(ae).set_params(max_epochs=ae.best_epoch_).fit(windows)
    assert_same_weights(ae, short)


def test_without_early_stopping_all_epochs_are_run_and_nothing_is_held_out(windows):
    ae = tiny(max_epochs=7, n_iter_no_change=1, tol=10, early_stopping=False)
    ae.fit(windows)
    assert (ae.n_iter_, ae.best_epoch_, ae.validation_loss_curve_) == (7, 7, None)


@pytest.mark.filterwarnings("ignore:The errors of most held-out sequences")
def test_rows_of_the_held_out_part_do_not_train(windows):
    """Other values in the last tenth change the validation loss, not the training."""
    changed = windows.with_table(windows.table.copy())
    changed.table[-20:] = 9
    changed.table[-20:, 0] *= -1
    first = tiny().fit(windows)
    second = tiny().fit(changed)
    second.feature_means_, first.feature_means_ = 0, 0
    assert first.validation_loss_curve_ != second.validation_loss_curve_
    assert first.loss_curve_ == pytest.approx(second.loss_curve_, rel=1e-3)


def test_partial_fit_goes_on_with_weights_and_optimiser(sequences):
    whole = tiny(max_epochs=3, early_stopping=False, batch_size=500).fit(sequences)
    parts = tiny(batch_size=500)
    for _ in range(3):
        parts.partial_fit(sequences)
    assert_same_weights(whole, parts, 1e-6)


def test_warm_start_goes_on_and_refuses_another_network(sequences):
    settings = {"early_stopping": False, "batch_size": 500}
    whole = tiny(max_epochs=4, **settings).fit(sequences)
    warm = tiny(max_epochs=2, warm_start=True, **settings).fit(sequences)
    warm.fit(sequences)
    assert_same_weights(whole, warm, 1e-6)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        warm.set_params(hidden_layer_sizes=(3,)).fit(sequences)


def test_pickle_and_deepcopy_keep_all_but_the_keras_models(ae, windows):
    assert ae.model_ is not None
    for other in (pickle.loads(pickle.dumps(ae)), copy.deepcopy(ae)):
        assert "_models" not in vars(other)
        np.testing.assert_array_equal(
            other.score_samples(windows), ae.score_samples(windows)
        )
        assert other.model_.count_params() == ae.model_.count_params()


def test_a_fit_again_renews_the_keras_models(sequences):
    ae = tiny().fit(sequences)
    before = ae.model_
    ae.fit(2 * sequences)
    assert ae.model_ is not before
    np.testing.assert_array_equal(ae.model_.get_weights()[0], ae.weights_[0])


def test_latent_vectors_as_a_frame_keep_the_index(ae):
    index = pd.date_range("2024-01-01", periods=200, freq="min")
    frame = pd.DataFrame(sine_table(), index=index, columns=list("abc"))
    windows = SlidingWindow(N_TIMESTEPS).fit_transform(frame)
    named = tiny().fit(windows).set_output(transform="pandas")
    latent = named.transform(windows)
    assert list(latent.columns) == ["lstmautoencoder0", "lstmautoencoder1"]
    pd.testing.assert_index_equal(latent.index, index)
    assert named.feature_names_in_.tolist() == ["a", "b", "c"]


def test_two_dimensional_input_is_univariate(sequences):
    X = sequences[:, :, 0]
    flat, cube = tiny().fit(X), tiny().fit(X[:, :, np.newaxis])
    assert flat.loss_curve_ == cube.loss_curve_
    assert flat.n_features_in_ == N_TIMESTEPS
    assert cube.n_features_in_ == 1
    assert flat.reconstruct(X).shape == X.shape
    assert flat.inverse_transform(flat.transform(X)).shape == X.shape
    assert cube.inverse_transform(cube.transform(X)).shape == (*X.shape, 1)


def test_other_channels_and_steps_than_in_fit_are_refused(ae, sequences):
    with pytest.raises(ValueError, match="X has 2 features, but LSTMAutoencoder"):
        ae.score_samples(sequences[:, :, :2])
    with pytest.raises(ValueError, match="X has 5 time steps, but LSTMAutoencoder"):
        ae.score_samples(sequences[:, 1:])
    with pytest.raises(ValueError, match="dim 4"):
        ae.score_samples(sequences[np.newaxis])


@pytest.mark.parametrize("sizes", [(), (4, 0), (4, 2.5), "64", ((4, 2),), True])
def test_bad_layer_sizes_are_named(sequences, sizes):
    with pytest.raises(ValueError, match="'hidden_layer_sizes' parameter"):
        tiny(hidden_layer_sizes=sizes).fit(sequences)


def test_a_single_size_is_one_layer(sequences):
    ae = tiny(hidden_layer_sizes=3).fit(sequences)
    assert ae.architecture_.hidden_layer_sizes == (3,)


def test_a_loss_that_does_not_stay_finite_is_an_error_that_names_the_epoch(sequences):
    ae = tiny(activation="linear", learning_rate=1e18, max_epochs=9)
    with pytest.raises(
        ValueError, match=r"became (nan|infinite or NaN|inf) in epoch \d"
    ):
        ae.fit(sequences)
    assert not hasattr(ae, "weights_")
    assert not ae.__sklearn_is_fitted__()


@pytest.mark.parametrize("broken", ["loss", "weights"])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_training_that_leaves_the_finite_numbers_later_keeps_what_was_best(
    sequences, early_stopping, broken, monkeypatch
):
    settings = {"max_epochs": 2, "early_stopping": early_stopping, "tol": 0}
    expected = tiny(**settings).fit(sequences)
    train_batch = NativeEngine.train_batch
    n_batches = 3 if early_stopping else 4  # in an epoch

    def break_later(engine, batch):
        loss, step = train_batch(engine, batch), engine.optimizer_state()[0]
        if broken == "loss":
            return loss if step <= 2 * n_batches else np.nan
        if step == 3 * n_batches:  # the loss was told before this step
            engine._trainer._flat[0] = engine._trainer._mean[0] = np.inf
        return loss

    monkeypatch.setattr(NativeEngine, "train_batch", break_later)
    ae = tiny(**{**settings, "max_epochs": 9}, engine="native")
    what = "loss became nan" if broken == "loss" else "weights .* infinite or NaN"
    kept = "epoch 2 are kept"
    with pytest.warns(UserWarning, match=f"{what} in epoch 3.*'learning_rate'.*{kept}"):
        ae.fit(sequences)
    assert ae.offset_ == expected.offset_
    assert ae.loss_curve_ == expected.loss_curve_
    np.testing.assert_array_equal(
        ae.score_samples(sequences), expected.score_samples(sequences)
    )
    assert all(np.isfinite(state).all() for state in ae.optimizer_state_)


def test_an_interrupted_fit_does_not_look_fitted(sequences, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    ae = tiny()
    monkeypatch.setattr("skseq.training._plan.train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ae.fit(sequences)
    assert not ae.__sklearn_is_fitted__()


def test_too_few_sequences_for_early_stopping_say_so():
    with pytest.raises(ValueError, match="validation_fraction"):
        tiny().fit(np.zeros((1, 3, 2)))


def with_missing_values():
    table = sine_table()
    table[np.random.default_rng(1).random(table.shape) < 0.05] = np.nan
    return SlidingWindow(N_TIMESTEPS).fit_transform(table)


def test_engines_agree():
    """On padded windows with missing cells, after 21 batches."""
    X = with_missing_values()
    settings = {"hidden_layer_sizes": 4, "max_epochs": 7}
    native = tiny(engine="native", **settings).fit(X)
    by_keras = tiny(engine="keras", **settings).fit(X)
    atol = assert_same_training(native, by_keras)
    assert native.offset_ == pytest.approx(by_keras.offset_, abs=atol)
    native.weights_ = by_keras.weights_
    for method in ("transform", "reconstruct", "score_samples"):
        ours, theirs = getattr(native, method)(X), getattr(by_keras, method)(X)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    latent = native.transform(X)
    np.testing.assert_allclose(
        native.inverse_transform(latent), by_keras.inverse_transform(latent), atol=1e-5
    )


def test_one_engine_goes_on_where_the_other_stopped(sequences):
    whole = one_layer(max_epochs=4, engine="native").fit(sequences)
    for first, second in (("native", "keras"), ("keras", "native")):
        ae = one_layer(max_epochs=2, warm_start=True, engine=first)
        ae.fit(sequences).set_params(engine=second).fit(sequences)
        assert_same_training(ae, whole)


def test_the_number_of_threads_does_not_change_the_result(windows):
    fits = [
        tiny(hidden_layer_sizes=(64, 32), engine="native", n_threads=n, batch_size=200)
        for n in (1, 2, 3)
    ]
    scores = [ae.fit(windows).score_samples(windows) for ae in fits]
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_array_equal(scores[0], scores[2])


def test_without_the_kernels_keras_stands_in(sequences, monkeypatch):
    monkeypatch.setattr("skseq.engines._choose.has_kernels", lambda: False)
    ae = one_layer().fit(sequences)
    assert np.isfinite(ae.score_samples(sequences)).all()
    with pytest.raises(ImportError, match="C\\+\\+17 compiler.*engine='keras'"):
        tiny(engine="native").fit(sequences)


def test_auto_leaves_to_a_gpu_what_is_work_enough(monkeypatch):
    large, small = Architecture(20, 20, (512, 256)), Architecture(20, 20, (32, 16))
    assert choose_engine(large, batch_size=64) == "native"
    on_gpu = SimpleNamespace(device="cuda:0")
    monkeypatch.setattr(keras.ops, "zeros", lambda shape: on_gpu)
    assert choose_engine(large, batch_size=64) == "keras"
    assert choose_engine(small, batch_size=64) == "native"
    assert choose_engine(small, batch_size=2**14) == "keras"
    assert choose_engine(large, "native", batch_size=64) == "native"


def test_a_fit_asks_what_its_mini_batches_are_worth(sequences, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "skseq.engines._choose._is_worth_a_gpu",
        lambda architecture, batch_size: asked.append(batch_size),
    )
    tiny(batch_size=7, max_epochs=1).fit(sequences)
    assert asked == [7]


def test_threads_that_fit_and_score_at_once_give_what_each_gives_alone(ae, windows):
    # Each thread has a Keras network lent to it, which is traced for seconds.
    n_fits, n_scores = (2, 3) if ae.engine == "native" else (1, 1)
    with ThreadPoolExecutor(3) as pool:
        fits = [pool.submit(clone(ae).fit, windows) for _ in range(n_fits)]
        scores = [pool.submit(ae.score_samples, windows) for _ in range(n_scores)]
        for fit in fits:
            assert fit.result().loss_curve_ == ae.loss_curve_
        for score in scores:
            np.testing.assert_array_equal(score.result(), ae.score_samples(windows))


class StopAfter:
    """A callback that asks to stop after some epochs."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def setup(self, estimator, context):
        self.seen = 0

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.seen += context.task_name == "epoch"
        return self.seen >= self.n_epochs


def test_callbacks_get_an_estimator_as_if_fit_had_stopped_at_each_epoch(windows):
    class Scores(StopAfter):
        def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
            if context.task_name == "epoch":
                self.scores.append(fitted_estimator.score(X))

    scores = Scores(99)
    scores.scores = []
    ae = tiny(max_epochs=2, early_stopping=False).set_callbacks(scores).fit(windows)
    assert scores.scores[-1] == pytest.approx(ae.score(windows))
    assert len(set(scores.scores)) == 2


def test_a_callback_can_stop_training(windows):
    ae = tiny(max_epochs=9).set_callbacks(StopAfter(2)).fit(windows)
    assert ae.n_iter_ == 2


def test_verbose_shows_keras_own_bar(sequences, capsys):
    one_layer(verbose=1, engine="keras").fit(sequences)
    shown = capsys.readouterr().out
    assert "Epoch 1/1" in shown
    assert "loss" in shown
    one_layer(engine="keras").fit(sequences)
    assert capsys.readouterr().out == ""


def test_verbose_prints_a_line_an_epoch_without_keras(sequences, capsys):
    ae = tiny(verbose=1, engine="native", batch_size=500, max_epochs=2)
    ae.set_params(early_stopping=False).fit(sequences)
    title = f"Training: {len(sequences)} sequences"
    epochs = [
        line
        for epoch, loss in enumerate(ae.loss_curve_, 1)
        for line in (f"Epoch {epoch}/2", f"1/1 - loss: {loss:.4f}")
    ]
    assert capsys.readouterr().out.splitlines() == [title, *epochs]


def test_weights_that_keras_changed_come_back(sequences):
    ae = tiny(engine="native").fit(sequences)
    before, first = ae.transform(sequences), ae.model_
    weights = [1.5 * array for array in first.get_weights()]
    first.set_weights(weights)
    assert ae.set_weights_from(first) is ae
    assert_same_weights(ae, weights)
    assert not np.allclose(ae.transform(sequences), before)
    outputs = ae.model_(sequences.astype(np.float32))
    np.testing.assert_allclose(outputs, ae.reconstruct(sequences), atol=1e-5)
    other = tiny(hidden_layer_sizes=3, engine="native").fit(sequences)
    with pytest.raises(ValueError, match="must have the weights of model_, of the sh"):
        other.set_weights_from(first)
    first.set_weights([np.full_like(array, np.nan) for array in weights])
    with pytest.raises(ValueError, match="not finite"):
        ae.set_weights_from(first)
