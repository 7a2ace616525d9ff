# SPDX-License-Identifier: BSD-3-Clause
"""How far two computations may lie apart that differ in nothing but rounding."""

import numpy as np

EPS = float(np.finfo(np.float32).eps)


def of_training(weights, steps):
    """The largest difference of a weight after training in another order of sums.

    float32 rounds a result by half of EPS, relative to its size. An engine, or an
    instruction set, adds up the terms of a product in an order of its own, so one step
    of the optimiser leaves a weight some EPS * max|w| away, and the next step starts
    from there. Adam divides a gradient by its own size: a step moves a weight by the
    learning rate at most, however small or noisy the gradient is, so that differences
    add up over the steps rather than multiply. Hence EPS * steps * max|w|, and a factor
    for the operations of one step and for weights of which the gradient is itself
    hardly more than rounding: 5 is seen with AVX2, 7 with AVX-512. 32 leaves room, and
    is still some 5e-6 a step, where a wrong gradient is told by a share of the learning
    rate, 1e-3 to 1e-2.
    """
    return 32 * EPS * steps * max(1, *(float(np.abs(w).max()) for w in weights))


def of_forward(values, n_timesteps):
    """The largest difference of what a trained network gives, in another company.

    The products of a batch of another size are added up in another order, which rounds
    by some EPS of a state of 1 at most. A step starts from the state before it, and the
    decoder from the last: differences add up over 2 * n_timesteps steps. 4 is for the
    gates of a step; an error is a square, so its differences are in units of its size.
    """
    size = max(1, float(np.nanmax(np.abs(values))))
    return 4 * EPS * 2 * n_timesteps * size


def _of(model):
    return of_training(model.weights_, int(model.optimizer_state_[0]))


def assert_same_training(one, other):
    """Weights, state of the optimiser and losses of two fits differ in rounding only.

    The moments of Adam are sums of gradients and of their squares, the losses sums of
    squared outputs: what holds for the weights holds for these. Returns the tolerance,
    for what is computed with the weights.
    """
    atol = max(_of(one), _of(other))
    for name in ("weights_", "optimizer_state_"):
        pairs = zip(getattr(one, name), getattr(other, name), strict=True)
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=0, atol=atol, err_msg=name)
    for name in ("loss_curve_", "validation_loss_curve_"):
        if getattr(one, name, None) is not None:
            # One that went on holds the epochs after that.
            n = min(len(getattr(model, name)) for model in (one, other))
            a, b = getattr(one, name)[-n:], getattr(other, name)[-n:]
            np.testing.assert_allclose(a, b, rtol=atol, atol=atol, err_msg=name)
    return atol
