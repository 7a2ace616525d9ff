# SPDX-License-Identifier: BSD-3-Clause
"""LSTM networks in float64 NumPy, one sample and one step at a time: an oracle."""

import numpy as np

ACTIVATIONS = {
    "tanh": (np.tanh, lambda y: 1 - y**2),
    "relu": (lambda x: np.maximum(x, 0), lambda y: (y > 0) * 1.0),
    "linear": (lambda x: x, lambda y: 1.0),
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


OUTPUT_ACTIVATIONS = {"linear": lambda x: x, "sigmoid": sigmoid, "softmax": softmax}


def lstm_forward(x, kernel, recurrent, bias, mask, activation):
    """x (T, n_in), mask (T,) -> states (T, u) and what backward needs."""
    act, _ = ACTIVATIONS[activation]
    h = c = np.zeros(len(recurrent))
    states, tape = [], []
    for x_t, observed in zip(x, mask, strict=True):
        i, f, g, o = np.split(x_t @ kernel + h @ recurrent + bias, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), act(g), sigmoid(o)
        tape.append((x_t, h, c, i, f, g, o, observed))
        if observed:
            c = f * c + i * g
            h = o * act(c)
        states.append(h)
    return np.array(states), tape


def lstm_backward(dh_out, tape, kernel, recurrent, activation):
    act, slope = ACTIVATIONS[activation]
    d_kernel, d_recurrent = np.zeros(kernel.shape), np.zeros(recurrent.shape)
    d_bias = np.zeros(kernel.shape[1])
    dh = dc = np.zeros(len(recurrent))
    dx = np.zeros((len(tape), len(kernel)))
    for t in reversed(range(len(tape))):
        x_t, h, c, i, f, g, o, observed = tape[t]
        dh = dh + dh_out[t]
        if not observed:
            continue
        a = act(f * c + i * g)
        dc = dc + dh * o * slope(a)
        dz = [
            dc * g * i * (1 - i),
            dc * c * f * (1 - f),
            dc * i * slope(g),
            dh * a * o * (1 - o),
        ]
        dz = np.concatenate(dz)
        d_kernel += np.outer(x_t, dz)
        d_recurrent += np.outer(h, dz)
        d_bias += dz
        dx[t], dh, dc = kernel @ dz, recurrent @ dz, dc * f
    return dx, d_kernel, d_recurrent, d_bias


def forward(network, weights, x):
    """Output of one sample x (T, n_features), NaN where missing."""
    mask = ~np.isnan(x).all(axis=1)
    x = np.nan_to_num(x.astype(np.float64))
    context = x[:, slice(*network.context)]
    for layer in range(len(network.units)):
        w = weights[3 * layer : 3 * layer + 3]
        if len(x) == 1:
            x = np.repeat(x, len(mask), axis=0)
        x, _ = lstm_forward(x, *w, mask, network.activation)
        if layer == network.last:
            x = x[-1:]
            if network.returns_sequences and context.size:
                x = np.hstack([np.repeat(x, len(mask), axis=0), context])
    if network.n_outputs is not None:
        x = x @ weights[-2] + weights[-1]
    return OUTPUT_ACTIVATIONS[network.output_activation](x)


def cell_loss(name, y, target):
    e = y - target
    if name == "mse":
        return e**2
    if name == "mae":
        return np.abs(e)
    if name == "huber":
        return np.where(np.abs(e) <= 1, e**2 / 2, np.abs(e) - 0.5)
    if name == "categorical_crossentropy":
        return -target * np.log(y)
    return -(target * np.log(y) + (1 - target) * np.log(1 - y))


def batch_loss(network, weights, x, target, sample_weight, loss):
    total = 0.0
    for x_i, target_i, w_i in zip(x, target, sample_weight, strict=True):
        y = forward(network, weights, x_i)
        observed = ~np.isnan(target_i)
        if len(y) == len(x_i):
            observed &= ~np.isnan(x_i).all(axis=1, keepdims=True)
        if observed.any():
            cells = cell_loss(loss, y[observed], target_i[observed])
            classes = y.shape[1] if loss == "categorical_crossentropy" else 1
            total += w_i * cells.mean() * classes
    return total / len(x)
