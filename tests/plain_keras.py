# SPDX-License-Identifier: BSD-3-Clause
"""What Keras alone makes of small networks: the recipe of plain_keras.npz.

A model is made as a user of Keras makes it, and trained by Keras's own optimiser for
twenty batches. That takes Keras seconds for each network, so the results are kept in a
file, to which the engines are held; ``test_the_stored_results_are_those_of_keras`` runs
the shortest of the cases again. All is drawn by NumPy, with the seeds below. The file
was made with Keras 3.15.1 and TensorFlow 2.21.0 by

    python tests/plain_keras.py
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from make import sine_table

from skseq import sliding_windows
from skseq.engines.native._network import Network
from skseq.networks import Architecture

STORED = Path(__file__).with_suffix(".npz")
N_BATCHES, N_TIMESTEPS, N_FEATURES = 20, 7, 3


@dataclass(frozen=True)
class Case:
    """A network, and how it is trained."""

    network: Network
    loss: str
    learning_rate: float = 0.01
    l2: float = 0.02
    global_clipnorm: float | None = 0.05


class Data(NamedTuple):
    """Batches of inputs, targets, weights of the sequences; the first weights."""

    inputs: np.ndarray
    targets: np.ndarray
    sample_weight: np.ndarray
    weights: list[np.ndarray]


class Results(NamedTuple):
    """The loss of each batch, the last weights, and what they give of the first one."""

    losses: np.ndarray
    weights: list[np.ndarray]
    outputs: np.ndarray


def autoencoder(n_features, sizes, activation="tanh"):
    units = (*sizes, *sizes[::-1])
    return Network(n_features, units, n_features, len(sizes) - 1, activation)


CASES = {
    "autoencoder": Case(autoencoder(3, (8, 5)), "mse"),
    "sequence": Case(Network(3, (8,), 2, activation="linear"), "huber"),
    "vector": Case(
        Network(3, (8,), 2, last=0, output_activation="sigmoid"), "binary_crossentropy"
    ),
    "classes": Case(
        Network(3, (8,), 3, last=0, output_activation="softmax"),
        "categorical_crossentropy",
    ),
    "classes of steps": Case(
        Network(3, (8,), 3, output_activation="softmax"), "categorical_crossentropy"
    ),
    "windows": Case(
        autoencoder(3, (4,)), "mse", learning_rate=1e-3, l2=0.0, global_clipnorm=None
    ),
}


def initial_weights(network, seed=0, scale=0.4):
    rng = np.random.default_rng(seed)
    return [rng.normal(scale=scale, size=s).astype(np.float32) for s in network.shapes]


def targets(network, x, loss="mse"):
    rng = np.random.default_rng(1)
    steps = x.shape[1] if network.returns_sequences else 1
    shape = (len(x), steps, network.n_outputs)
    if loss == "categorical_crossentropy":
        classes = rng.integers(network.n_outputs, size=shape[:2])
        return np.eye(network.n_outputs, dtype=np.float32)[classes]
    if loss == "binary_crossentropy":
        return rng.integers(0, 2, size=shape).astype(np.float32)
    return (2 * rng.normal(size=shape)).astype(np.float32)


def windows():
    """All windows of a small table, as LSTMAutoencoder takes them."""
    return np.asarray(sliding_windows(sine_table(), 6)[0], dtype=np.float32)


@functools.cache
def data(name) -> Data:
    """What a case is trained on."""
    network, loss = CASES[name].network, CASES[name].loss
    if name == "windows":
        x = np.repeat(windows()[np.newaxis], N_BATCHES, axis=0)
        first = Architecture(6, 3, (4,)).initial_weights(np.random.RandomState(0))
        return Data(x, x, np.ones(x.shape[:2], np.float32), first)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_BATCHES, 18, N_TIMESTEPS, N_FEATURES)).astype(np.float32)
    sample_weight = rng.random(x.shape[:2]).astype(np.float32)
    y = x
    if name != "autoencoder":
        y = targets(network, x.reshape(-1, *x.shape[2:]), loss)
        y = y.reshape(*x.shape[:2], *y.shape[1:])
    return Data(x, y, sample_weight, initial_weights(network))


def model(network, n_timesteps, *, masking=False, l2=0.0):
    """The network as a user of Keras writes it."""
    import keras

    layers = keras.layers
    inputs = x = keras.Input((n_timesteps, network.n_features))
    if masking:
        x = layers.Masking(0.0)(x)
    for i, units in enumerate(network.units):
        sequences = i != network.last
        x = layers.LSTM(
            units,
            activation=network.activation,
            return_sequences=sequences,
            kernel_regularizer=keras.regularizers.L2(l2),
            recurrent_regularizer=keras.regularizers.L2(l2),
        )(x)
        if i == network.last and network.returns_sequences:
            x = layers.RepeatVector(n_timesteps)(x)
    dense = layers.Dense(network.n_outputs, activation=network.output_activation)
    x = layers.TimeDistributed(dense)(x) if network.returns_sequences else dense(x)
    return keras.Model(inputs, x)


def train(name) -> Results:
    """What Keras makes of a case."""
    import keras

    case, (inputs, ys, sample_weight, first) = CASES[name], data(name)
    network = model(case.network, inputs.shape[2], l2=case.l2)
    network.set_weights(first)
    optimizer = keras.optimizers.Adam(
        case.learning_rate, global_clipnorm=case.global_clipnorm
    )
    network.compile(optimizer, loss=case.loss)
    optimizer.build(network.trainable_variables)  # else the step is traced twice
    losses = []
    for x, y, weight in zip(inputs, ys, sample_weight, strict=True):
        if case.network.returns_sequences:
            weight = weight[:, np.newaxis]
        else:
            y = y[:, 0]
        network.reset_metrics()  # else some versions give the mean of all batches
        losses.append(network.train_on_batch(x, y, sample_weight=weight))
    outputs = network(inputs[0])  # sooner than predict, which traces a graph
    return Results(np.array(losses), network.get_weights(), np.asarray(outputs))


def stored(name) -> Results:
    """The same, as it was when the file was made."""
    with np.load(STORED) as file:
        n_weights = sum(key.startswith(f"{name}/weights/") for key in file)
        weights = [file[f"{name}/weights/{k}"] for k in range(n_weights)]
        return Results(file[f"{name}/losses"], weights, file[f"{name}/outputs"])


def main():
    arrays = {}
    for name in CASES:
        results = train(name)
        arrays[f"{name}/losses"] = results.losses
        arrays[f"{name}/outputs"] = results.outputs
        for k, array in enumerate(results.weights):
            arrays[f"{name}/weights/{k}"] = array
    np.savez_compressed(STORED, **arrays)


if __name__ == "__main__":
    main()
