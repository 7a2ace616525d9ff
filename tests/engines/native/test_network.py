# SPDX-License-Identifier: BSD-3-Clause
"""Networks composed from the kernels, held to float64 NumPy and to Keras."""

import functools
from concurrent.futures import ThreadPoolExecutor

import naive_lstm as naive
import numpy as np
import pytest
from instruction_sets import using
from tolerances import of_training

from skseq.engines._batches import Batch

_kernels = pytest.importorskip(
    "skseq.engines.native._kernels", reason="the kernels were not built"
)
import plain_keras  # noqa: E402
from plain_keras import autoencoder, initial_weights, targets  # noqa: E402

from skseq.engines.native._blocks import (  # noqa: E402
    LANES,
    Workspace,
    from_blocks,
    to_blocks,
)
from skseq.engines.native._network import (  # noqa: E402
    Inputs,
    Network,
    forward,
    forward_few,
)
from skseq.engines.native._trainer import (  # noqa: E402
    Trainer,
    _Blocks,
    _Shard,
    _shards,
    _shares,
)

NETWORKS = {
    "autoencoder": autoencoder(3, (5, 2)),
    "relu autoencoder": autoencoder(3, (4,), "relu"),
    "autoencoder in a context": Network(3, (5, 2, 2, 5), 1, last=1, context=(1, 3)),
    "sequence": Network(3, (4, 3), 2),
    "vector": Network(3, (4, 3), 2, last=1, output_activation="sigmoid"),
    "classes": Network(3, (4, 3), 5, last=1, output_activation="softmax"),
    "classes of steps": Network(3, (4,), 4, output_activation="softmax"),
}


def sequences(n=21, n_timesteps=6, n_features=3, seed=0):
    """Sequences with padding at the front, missing cells and a wholly padded one."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_timesteps, n_features)).astype(np.float32)
    for i in range(0, n, 3):
        x[i, : i % n_timesteps] = np.nan
    x[rng.random(x.shape) < 0.05] = np.nan
    x[-1] = np.nan
    return x


def batch_of(x, targets=None):
    """A step without any observed cell is padding here, wherever it stands."""
    filled = np.nan_to_num(x)
    steps = ~np.isnan(x).all(axis=2)
    if targets is None:
        targets = x
    elif targets.shape[1] == x.shape[1]:
        targets = np.where(steps[:, :, np.newaxis], targets, np.float32(np.nan))
    return Batch(filled, steps, targets)


def predict(network, weights, x):
    return from_blocks(forward(network, weights, Inputs.of(batch_of(x)))[0], len(x))


@pytest.mark.parametrize("n", [1, 15, 16, 33])
def test_blocks_and_back(n):
    x = np.random.default_rng(0).normal(size=(n, 3, 2)).astype(np.float32)
    blocks = to_blocks(x)
    assert blocks.ctypes.data % 64 == 0
    np.testing.assert_array_equal(from_blocks(blocks, n), x)


@functools.cache
def naive_outputs(name):
    """A case of the data, and what NumPy makes of it: for all instruction sets."""
    network, x = NETWORKS[name], sequences(n=200)
    weights = initial_weights(network)
    return x, weights, np.array([naive.forward(network, weights, x_i) for x_i in x])


@pytest.mark.parametrize("name", NETWORKS)
def test_predict_equals_the_naive_implementation(name, isa):
    network, (x, weights, expected) = NETWORKS[name], naive_outputs(name)
    y = predict(network, weights, x)
    np.testing.assert_allclose(y, expected, atol=2e-6)
    few = forward_few(network, weights, batch_of(x))
    np.testing.assert_allclose(few, expected, atol=2e-6)
    np.testing.assert_array_equal(few, y)


def test_the_encoder_is_the_first_part_of_the_autoencoder(isa):
    network, x = NETWORKS["autoencoder"], sequences()
    weights = initial_weights(network)
    latent = predict(network.encoder, weights[:6], x)
    expected = [naive.forward(network.encoder, weights[:6], x_i) for x_i in x]
    np.testing.assert_allclose(latent, expected, atol=2e-6)


def test_levels_count_as_inputs_of_each_step(isa):
    network = Network(3, (5, 2, 2, 5), 3, last=1, n_levels=2)
    general = Network(5, (5, 2, 2, 5), 3, last=1)
    x, weights = sequences(n=37), initial_weights(network)
    assert network.shapes == general.shapes
    assert network.encoder.shapes == general.encoder.shapes
    assert network.decoder.shapes == general.decoder.shapes
    levels = np.random.default_rng(1).normal(size=(len(x), 1, 2)).astype(np.float32)
    batch = batch_of(x)._replace(levels=levels)
    whole = batch._replace(inputs=batch.all_inputs, levels=None)
    y = from_blocks(forward(network, weights, Inputs.of(batch))[0], len(x))
    padding = np.isnan(x).all(axis=2, keepdims=True)
    cells = np.where(padding, np.nan, whole.inputs)
    expected = [naive.forward(general, weights, x_i) for x_i in cells]
    np.testing.assert_allclose(y, expected, atol=2e-6)
    np.testing.assert_array_equal(forward_few(network, weights, batch), y)
    own, other = Trainer(network, weights), Trainer(general, weights)
    share = np.full(len(x), 1 / len(x))
    one, two = (
        loss_and_gradient(t, b, share) for t, b in ((own, batch), (other, whole))
    )
    assert one[0] == pytest.approx(two[0], rel=1e-6)
    np.testing.assert_allclose(one[1], two[1], atol=1e-6)
    losses = [[t.train_on_batch(b) for t, b in ((own, batch), (other, whole))]]
    losses += [[t.train_on_batch(b) for t, b in ((own, batch), (other, whole))]]
    assert losses[1][0] < losses[0][0]
    np.testing.assert_allclose(*np.transpose(losses), rtol=1e-5)


@functools.cache
def naive_slopes(name, loss):
    """A case of the data, its loss, and the slope of a weight of each array."""
    network, x = NETWORKS[name], sequences(n=18)
    weights = initial_weights(network)
    target = targets(network, x, loss)
    target[2, 0, 0 if loss != "categorical_crossentropy" else slice(None)] = np.nan
    sample_weight = np.random.default_rng(2).random(len(x))
    case = (x, target, sample_weight, loss)
    exact = [w.astype(np.float64) for w in weights]
    value = naive.batch_loss(network, exact, *case)
    rng, cells, slopes = np.random.default_rng(3), [], []
    for w in exact:
        cell, ends = tuple(rng.integers(w.shape)), []
        saved = w[cell]
        for step in (1e-5, -1e-5):
            w[cell] = saved + step
            ends.append(naive.batch_loss(network, exact, *case))
        w[cell] = saved
        cells.append(cell)
        slopes.append(np.subtract(*ends) / 2e-5)
    return case, weights, value, cells, slopes


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        *((name, loss) for name in NETWORKS for loss in ("mse", "mae", "huber")),
        ("vector", "binary_crossentropy"),
        ("classes", "categorical_crossentropy"),
        ("classes of steps", "categorical_crossentropy"),
    ],
)
def test_loss_and_gradients_equal_finite_differences(name, loss, isa):
    network = NETWORKS[name]
    (x, target, sample_weight, _), weights, *expected = naive_slopes(name, loss)
    trainer = Trainer(network, weights, loss=loss)
    value, gradient = loss_and_gradient(
        trainer, batch_of(x, target), sample_weight / len(x)
    )
    expected_value, cells, slopes = expected
    assert value == pytest.approx(expected_value, abs=1e-6)
    views = network.views(gradient)
    for g, cell, slope in zip(views, cells, slopes, strict=True):
        assert g[cell] == pytest.approx(slope, abs=2e-6)


def loss_and_gradient(trainer, batch, share):
    shard, blocks = _Shard(trainer.network), _Blocks.of(batch, share, Workspace())
    return trainer._gradient(blocks, shard), shard.gradient


def fit(network, x, target=None, *, n_updates=5, seed=0, **kwargs):
    trainer = Trainer(network, initial_weights(network, seed), **kwargs)
    losses = [trainer.train_on_batch(batch_of(x, target)) for _ in range(n_updates)]
    return losses, np.concatenate([w.ravel() for w in trainer.weights])


def test_results_do_not_depend_on_the_number_of_threads(isa):
    network = autoencoder(3, (24, 12))
    x = sequences(n=150, n_timesteps=40)
    losses, weights = fit(network, x)
    for n_threads in (2, 3):
        with ThreadPoolExecutor(n_threads) as pool:
            again = fit(network, x, map=pool.map)
        assert again[0] == losses
        np.testing.assert_array_equal(again[1], weights)


def test_a_pass_that_is_run_in_one_go_gives_what_its_calls_give(isa):
    network = autoencoder(3, (24, 12))
    x, weights = sequences(n=300, n_timesteps=20), initial_weights(network)
    x[200:] = np.where(np.isnan(x[200:]), 0, x[200:])
    one, other = (Trainer(network, weights, loss="huber") for _ in range(2))
    other._is_programmed = False
    # Of two sizes, with padding and without, with targets of their own and not.
    for rows in (slice(0, 100), slice(200, 300), slice(0, 50), slice(250, 300)) * 2:
        others = batch_of(x[rows])
        for batch in (others, others._replace(targets=others.inputs)):
            assert one.train_on_batch(batch) == other.train_on_batch(batch)
    for ours, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(one._shards[0].programs) == 8
    assert not other._shards[0].programs


def test_a_mini_batch_of_the_default_network_is_work_for_two_threads():
    n_blocks = 64 // LANES
    shards = [*_shards(autoencoder(9, (32, 16)), n_blocks, 10)]
    assert shards == [slice(0, n_blocks // 2), slice(n_blocks // 2, n_blocks)]
    assert [*_shards(autoencoder(9, (8, 4)), n_blocks, 10)] == [slice(0, n_blocks)]


def test_two_fits_at_once_give_what_each_gives_alone(isa):
    network, x = NETWORKS["autoencoder"], sequences(n=40)
    alone = [fit(network, x, seed=s, n_updates=20)[1] for s in range(4)]
    with ThreadPoolExecutor(2) as pool:
        together = pool.map(
            lambda s: fit(network, x, seed=s, n_updates=20)[1], range(4)
        )
        np.testing.assert_array_equal(list(together), alone)


@pytest.mark.parametrize("name", NETWORKS)
def test_instruction_sets_agree(name, isa):
    network, x = NETWORKS[name], sequences()
    target = targets(network, x)
    other = fit(network, x, target, n_updates=20)
    with using("baseline"):
        losses, weights = fit(network, x, target, n_updates=20)
    atol = of_training([weights], 20)
    np.testing.assert_allclose(other[0], losses, rtol=atol)
    np.testing.assert_allclose(other[1], weights, atol=atol)


def test_missing_cells_and_padded_samples_do_not_move_the_weights(isa):
    network, x = NETWORKS["autoencoder"], sequences()
    one, two = (fit(network, part, n_updates=1)[1] for part in (x[:-1], x))
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_clipping_bounds_the_length_of_the_gradient(isa):
    network, x = NETWORKS["autoencoder"], sequences()
    trainer = Trainer(network, initial_weights(network), global_clipnorm=1e-3)
    trainer.train_on_batch(batch_of(x))
    assert np.linalg.norm(trainer._mean) == pytest.approx(0.1 * 1e-3, rel=1e-4)


def test_dropout_scales_the_output_of_a_layer(isa):
    network, x = Network(3, (4, 3), 2), sequences()
    target = targets(network, x)
    factor = np.random.default_rng(0).integers(0, 2, size=(len(x), 6, 3)) * 2.0
    weights = initial_weights(network)
    y = predict(Network(3, network.units, None), weights[:-2], x) * factor
    expected = np.nanmean(
        np.where(
            np.isnan(x).all(axis=2, keepdims=True),
            np.nan,
            (y @ weights[-2] + weights[-1] - target) ** 2,
        )[:-1],
        axis=(1, 2),
    ).mean()
    trainer = Trainer(network, weights)
    batch = batch_of(x, target)._replace(dropout=(np.ones((len(x), 1, 4)), factor))
    assert trainer.train_on_batch(batch) == pytest.approx(expected, rel=1e-5)


def test_dropout_scales_the_gradient_too(isa):
    # Factors of the encoder's state are a diagonal matrix before the dense layer.
    network, x = NETWORKS["vector"], sequences()
    weights, target = initial_weights(network), targets(NETWORKS["vector"], sequences())
    factor = np.array([2.0, 0.0, 0.5], np.float32)
    dropout = np.ones((1, 1, 4)), factor[None, None]
    dropout = tuple(np.repeat(f, len(x), axis=0) for f in dropout)
    batch = batch_of(x, target)
    share = np.full(len(x), 1 / len(x))
    scaled = [*weights[:-2], factor[:, None] * weights[-2], weights[-1]]
    loss, other = loss_and_gradient(Trainer(network, scaled), batch, share)
    batch = batch._replace(dropout=dropout)
    dropped = loss_and_gradient(Trainer(network, weights), batch, share)
    assert dropped[0] == pytest.approx(loss)
    other = network.views(other)
    other[-2] *= factor[:, None]
    for ours, want in zip(network.views(dropped[1]), other, strict=True):
        np.testing.assert_allclose(ours, want, atol=1e-7)


def test_dropout_goes_with_its_samples_whatever_the_shards(isa):
    network = Network(3, (24, 12), 3, last=1)
    x = sequences(n=150, n_timesteps=40)
    rng = np.random.default_rng(0)
    batch = batch_of(x, targets(network, x))._replace(
        weights=rng.random(150, dtype=np.float32),
        dropout=(
            2.0 * rng.integers(0, 2, size=(150, 40, 24)),
            2.0 * rng.integers(0, 2, size=(150, 1, 12)),
        ),
    )
    trainer = Trainer(network, initial_weights(network))
    whole = loss_and_gradient(trainer, batch, _shares(batch))
    assert trainer.train_on_batch(batch) == pytest.approx(whole[0], rel=1e-6)
    mean = trainer._mean / np.float32(0.1)
    np.testing.assert_allclose(mean, whole[1], atol=1e-7)


def test_weights_of_samples_count_as_repetitions(isa):
    network, x = NETWORKS["autoencoder"], sequences(n=6)
    twice = np.concatenate([x, x[:2]])
    weights = np.array([2, 2, 1, 1, 1, 1]) * np.float32(5 / 7)  # x[-1] is padding
    one, two = (Trainer(network, initial_weights(network)) for _ in range(2))
    loss = one.train_on_batch(batch_of(x)._replace(weights=weights))
    assert loss == pytest.approx(two.train_on_batch(batch_of(twice)), rel=1e-6)
    np.testing.assert_allclose(one._mean, two._mean, atol=1e-7)


def test_a_confident_error_still_learns(isa):
    network, x = NETWORKS["classes"], sequences(n=4)
    weights = initial_weights(network)
    weights[-1][0] = 500
    target = np.zeros((4, 1, 5), np.float32)
    target[..., 1] = 1
    trainer = Trainer(network, weights, loss="categorical_crossentropy")
    _, gradient = loss_and_gradient(trainer, batch_of(x, target), np.full(4, 0.25))
    np.testing.assert_allclose(network.views(gradient)[-1], [1, -1, 0, 0, 0])


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("sequence", "binary_crossentropy"),
        ("vector", "categorical_crossentropy"),
        ("sequence", "rmse"),
    ],
)
def test_a_loss_that_does_not_fit_the_output_is_refused(name, loss):
    network = NETWORKS[name]
    with pytest.raises(ValueError, match=f"loss='{loss}' does not go with output_"):
        Trainer(network, initial_weights(network), loss=loss)


@pytest.mark.parametrize("name", ["vector", "autoencoder"])
def test_padding_at_the_end_keeps_the_last_observed_state(name, isa):
    network = NETWORKS[name].encoder
    weights = initial_weights(network)
    x = np.random.default_rng(0).normal(size=(20, 6, 3)).astype(np.float32)
    short = predict(network, weights, x[:, :4])
    x[:, 4:] = np.nan
    assert short.shape == (20, 1, network.units[-1])
    np.testing.assert_array_equal(predict(network, weights, x), short)


@pytest.mark.parametrize("name", NETWORKS)
def test_encode_gives_the_final_state_of_any_network(name, isa):
    network, x = NETWORKS[name], sequences()
    weights = initial_weights(network)
    latent = predict(network.encoder, weights[: len(network.encoder.shapes)], x)
    n_layers = len(network.units) if network.last is None else network.last + 1
    states = Network(3, network.units[:n_layers], None, activation=network.activation)
    expected = predict(states, weights[: 3 * n_layers], x)[:, -1:]
    np.testing.assert_array_equal(latent, expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_double_precision_and_strided_input_is_taken_as_float32(name, isa):
    network, x = NETWORKS[name], sequences()
    weights, target = initial_weights(network), targets(network, x)
    batch = batch_of(x, target)
    share = np.full(len(x), 1 / len(x))
    expected = loss_and_gradient(Trainer(network, weights), batch, share)
    wide = [np.repeat(a, 2, axis=0)[::2].astype(np.float64) for a in batch[::2]]
    again = Trainer(network, [w.astype(np.float64).copy("F") for w in weights])
    loss, gradient = loss_and_gradient(
        again, Batch(wide[0], batch.steps, wide[1]), share
    )
    assert loss == expected[0]
    np.testing.assert_array_equal(gradient, expected[1])


def test_a_target_of_another_shape_is_refused():
    network, x = NETWORKS["sequence"], sequences()
    trainer = Trainer(network, initial_weights(network))
    with pytest.raises(ValueError, match="6 time steps of 2 outputs. Got 6 of 3"):
        trainer.train_on_batch(batch_of(x))


def test_training_goes_on_from_the_state_of_the_optimiser(isa):
    network, x = NETWORKS["autoencoder"], sequences()
    _, whole = fit(network, x, n_updates=6)
    first = Trainer(network, initial_weights(network))
    for _ in range(3):
        first.train_on_batch(batch_of(x))
    second = Trainer(network, first.weights, state=first.state)
    for _ in range(3):
        second.train_on_batch(batch_of(x))
    again = np.concatenate([w.ravel() for w in second.weights])
    np.testing.assert_array_equal(again, whole)


@pytest.mark.parametrize("name", plain_keras.CASES)
def test_twenty_updates_and_predictions_equal_keras(name, isa):
    case, data = plain_keras.CASES[name], plain_keras.data(name)
    losses, expected, outputs = plain_keras.stored(name)
    trainer = Trainer(
        case.network,
        data.weights,
        loss=case.loss,
        learning_rate=case.learning_rate,
        l2=case.l2,
        global_clipnorm=case.global_clipnorm,
    )
    for x, y, weight, of_keras in zip(*data[:3], losses, strict=True):
        batch = batch_of(x, y)._replace(weights=weight)
        atol = of_training(trainer.weights, 20)
        assert trainer.train_on_batch(batch) == pytest.approx(of_keras, abs=atol)
    atol = of_training(trainer.weights, 20)
    for ours, theirs in zip(trainer.weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=atol)
    ours = predict(case.network, expected, data.inputs[0])
    np.testing.assert_allclose(ours.reshape(outputs.shape), outputs, atol=1e-5)


def test_the_stored_results_are_those_of_keras():
    """Of the case that Keras traces soonest: the recipe is the same for all."""
    pytest.importorskip("keras")
    (losses, weights, outputs), stored = (
        make("vector") for make in (plain_keras.train, plain_keras.stored)
    )
    atol = of_training(weights, plain_keras.N_BATCHES)
    np.testing.assert_allclose(losses, stored.losses, atol=atol)
    for now, then in zip(weights, stored.weights, strict=True):
        np.testing.assert_allclose(now, then, atol=atol)
    np.testing.assert_allclose(outputs, stored.outputs, atol=atol)


def test_padding_carries_the_state_over_as_in_keras():
    network = Network(3, (5, 4), 2, last=1)
    x = np.random.default_rng(0).normal(size=(10, 6, 3)).astype(np.float32)
    for i in range(10):
        x[i, : i % 6] = 0
    pytest.importorskip("keras")
    model = plain_keras.model(network, 6, masking=True)
    expected = np.asarray(model(x))
    x[(x == 0).all(axis=2)] = np.nan
    ours = predict(network, model.get_weights(), x)[:, 0]
    np.testing.assert_allclose(ours, expected, atol=1e-5)
