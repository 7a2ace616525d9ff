# SPDX-License-Identifier: BSD-3-Clause
"""Output activations, and losses with their derivatives."""

from __future__ import annotations

import numpy as np

from . import _kernels


def _sigmoid(z):
    return (0.5 * (1 + np.tanh(0.5 * z))).astype(np.float32)


def _softmax(z):
    p = np.exp(z - z.max(axis=2, keepdims=True))
    # Added up in one order, whatever the layout: ``sum`` goes by the memory.
    return p / np.add.accumulate(p, axis=2)[:, :, -1:]


# Of each output activation: itself, and the gradient by its input from that by y.
_ACTIVATIONS = {
    "linear": (lambda z: z, lambda y, dy: dy),
    "sigmoid": (_sigmoid, lambda y, dy: dy * y * (1 - y)),
    "softmax": (
        _softmax,
        lambda y, dy: y * (dy - np.sum(y * dy, axis=2, keepdims=True)),
    ),
}


def activate_output(activation: str, z: np.ndarray) -> np.ndarray:
    """The output of a network, from that of its dense layer."""
    activate, _ = _ACTIVATIONS[activation]
    return activate(z)


def _before_activation(activation, y, dy):
    """The gradient by the output of the dense layer, from that by ``y``."""
    _, gradient = _ACTIVATIONS[activation]
    return gradient(y, dy)


OF_ANY_OUTPUT = ("mse", "mae", "huber")
ENTROPIES = (
    ("binary_crossentropy", "sigmoid"),
    ("categorical_crossentropy", "softmax"),
)


def check_loss(loss: str, activation: str) -> None:
    """Refuse a loss that is not known, or not for this output activation."""
    if loss not in OF_ANY_OUTPUT and (loss, activation) not in ENTROPIES:
        raise ValueError(
            f"loss={loss!r} does not go with output_activation={activation!r}. The "
            f"losses are {', '.join(OF_ANY_OUTPUT)} (with any), binary_crossentropy "
            "(with sigmoid) and categorical_crossentropy (with softmax)."
        )


def loss_and_gradient(
    loss: str,
    activation: str,
    y: np.ndarray,
    target: np.ndarray,
    share: np.ndarray,
    dy: np.ndarray,
    kernels=_kernels,
) -> tuple[float, np.ndarray]:
    """Weighted loss over the observed cells (those where ``target`` is not NaN).

    The loss of a sample is the mean over its observed cells (categorical crossentropy:
    over its observed steps); ``share``, of shape (n_blocks, LANES), is the weight of
    each sample in the sum over samples. The gradient, by the output of the dense layer,
    may be ``dy``, which is overwritten.
    """
    value = kernels.loss(y, target, share, dy, loss)
    if loss == "categorical_crossentropy":  # a mean over classes until here
        n_classes = y.shape[2]
        return n_classes * value, np.multiply(dy, n_classes, out=dy)
    if loss in OF_ANY_OUTPUT:
        dy = _before_activation(activation, y, dy)
    return value, dy
