# SPDX-License-Identifier: BSD-3-Clause
"""Every network of an Architecture in float64 NumPy, one sequence at a time: an oracle.

A sequence x is (n_timesteps, n_inputs) without NaN, its mask (n_timesteps,) False where
a step is padding. Weights are in the order of ``keras.Model.get_weights()``.
"""

import numpy as np
from naive_lstm import ACTIVATIONS, OUTPUT_ACTIVATIONS, sigmoid


def lstm_step(x, state, kernel, recurrent, bias, act):
    h, c = state
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * act(g)
    return sigmoid(o) * act(c), c


def gru_step(x, state, kernel, recurrent, bias, act):
    """The reset gate is applied after the product with the state, as in cuDNN."""
    (h,) = state
    x_z, x_r, x_n = np.split(x @ kernel + bias[0], 3)
    h_z, h_r, h_n = np.split(h @ recurrent + bias[1], 3)
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    return (z * h + (1 - z) * act(x_n + r * h_n),)


STEPS = {"lstm": (lstm_step, 2), "gru": (gru_step, 1)}


def read(cell, weights, x, mask, activation, first=None):
    """The state after each step, (n_timesteps, units)."""
    step, n_states = STEPS[cell]
    zeros = np.zeros(len(weights[1]))
    state = (zeros if first is None else first, zeros)[:n_states]
    states = []
    for x_t, observed in zip(x, mask, strict=True):
        if observed:
            state = step(x_t, state, *weights, ACTIVATIONS[activation][0])
        states.append(state[0])
    return np.array(states)


def recurrent_layer(layer, weights, x, mask, activation, first=None):
    states = read(layer.cell, weights[:3], x, mask, activation, first)
    last = states[-1]
    if layer.bidirectional:
        back = read(layer.cell, weights[3:], x[::-1], mask[::-1], activation)
        states, last = np.hstack([states, back[::-1]]), np.hstack([last, back[-1]])
    return states if layer.return_sequences else last


def stack(layers, weights, x, mask, activation, first=None):
    for k, layer in enumerate(layers):
        own = [weights.pop(0) for _ in layer.weight_shapes]
        x = recurrent_layer(layer, own, x, mask, activation, first if k == 0 else None)
    return x


def dense(layer, weights, x):
    kernel, bias = weights.pop(0), weights.pop(0)
    activations = {**OUTPUT_ACTIVATIONS, "tanh": np.tanh}
    return activations[layer.activation](x @ kernel + bias)


def encode(architecture, weights, x, mask):
    """Latent vector, and the weights that are left; of "context" the context first."""
    weights = list(weights)
    code = stack(architecture.encoder_layers, weights, x, mask, architecture.activation)
    if architecture.kind == "context":
        return code, dense(architecture.dense_layers[0], weights, code), weights
    return code, weights


def decode_conditionally(architecture, weights, latent, mask, context, forced=None):
    """Backwards, fed with the step after it: its own, or that of ``forced``."""
    act, layers = ACTIVATIONS[architecture.activation][0], architecture.decoder_layers
    step, n_states = STEPS[architecture.cell]
    states = [(np.zeros(layer.units),) * n_states for layer in layers]
    states[0] = (latent, *states[0][1:])
    n_outputs = architecture.dense_layers[0].n_outputs
    y, outputs = np.zeros(n_outputs), np.zeros((len(mask), n_outputs))
    for t in reversed(range(len(mask))):
        if mask[t]:
            h = np.append(y, context[t])
            for k in range(len(layers)):
                states[k] = step(h, states[k], *weights[3 * k : 3 * k + 3], act)
                h = states[k][0]
            y = dense(architecture.dense_layers[0], list(weights[-2:]), h)
        outputs[t] = y
        y = y if forced is None else forced[t] * mask[t]
    return outputs


def decode(architecture, weights, latent, mask, context, forced=None):
    """The weights are those after the encoder's."""
    if architecture.kind == "context":
        latent = np.append(latent, context[-1])
        return dense(architecture.dense_layers[1], list(weights), latent)
    if architecture.decoder == "conditional":
        return decode_conditionally(
            architecture, weights, latent, mask, context, forced
        )
    weights, n_timesteps = list(weights), len(mask)
    x = np.repeat(latent[np.newaxis], n_timesteps, axis=0)
    if architecture.decoder == "reshape":
        x = latent.reshape(n_timesteps, -1)
    x = np.hstack([x, context])
    layers, activation = architecture.decoder_layers, architecture.activation
    outputs = stack(layers, weights, x, mask, activation)
    outputs = dense(architecture.dense_layers[0], weights, outputs)
    return outputs.reshape(n_timesteps, -1)


def output(architecture, weights, x, mask=None, forced=None):
    """What the network makes of one sequence."""
    mask = np.ones(len(x), bool) if mask is None else mask
    *_, latent, left = encode(architecture, weights, x, mask)
    if architecture.kind in ("autoencoder", "context"):
        context = x[:, architecture.context_inputs]
        return decode(architecture, left, latent, mask, context, forced)
    if architecture.kind == "sequence":
        layers = architecture.decoder_layers
        latent = stack(layers, left, latent, mask, architecture.activation)
    return dense(architecture.dense_layers[0], left, latent)


def penalty(architecture, weights):
    """The squared kernels and recurrent kernels of the recurrent layers."""
    recurrent = weights[: -2 * len(architecture.dense_layers)]
    kernels = [w for k, w in enumerate(recurrent) if k % 3 != 2]
    return architecture.l2 * sum(np.square(w, dtype=float).sum() for w in kernels)


def prepared(estimator, X):
    """What the network of a fitted estimator is given: inputs and masks."""
    missing = np.isnan(X)
    inputs = np.where(missing, estimator.feature_means_, X)
    if estimator.add_missing_indicator:
        inputs = np.concatenate([inputs, missing], axis=2)
    return inputs, ~missing.all(axis=2)


def outputs_of(estimator, X, weights=None, *, forced=False):
    """Of a fitted estimator, with its own or with other weights."""
    network = estimator.architecture_
    weights = estimator.weights_ if weights is None else weights
    return [
        output(network, weights, x, mask, x[:, : X.shape[2]] if forced else None)
        for x, mask in zip(*prepared(estimator, X), strict=True)
    ]


def encodings_of(estimator, X, weights=None):
    """The state after each layer of the encoder, of each sequence."""
    weights = estimator.weights_ if weights is None else weights
    return [
        encode(estimator.architecture_, weights, x, mask)
        for x, mask in zip(*prepared(estimator, X), strict=True)
    ]


def cells_of(loss, X, outputs):
    """The error of each cell, NaN where it is not observed."""
    if loss == "mse":
        return (X - outputs) ** 2
    return -(X * np.log(outputs) + (1 - X) * np.log1p(-np.array(outputs)))
