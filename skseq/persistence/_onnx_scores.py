# SPDX-License-Identifier: BSD-3-Clause
"""Scores and decisions as nodes of an ONNX graph, in double precision."""

import numpy as np

from ..detection._calibration import IsotonicLink
from ..engines._losses import _SMALL
from ..reconstruction._context import judged_columns


def weighted_mean(graph, cells, weights):
    """Mean of the cells that are not NaN; NaN where none counts: (n_samples,)."""
    missing = graph.add("IsNaN", cells)
    counts = graph.add("Mul", graph.double(graph.add("Not", missing)), weights)
    total = graph.sum(counts, 1, 2)
    summed = graph.sum(graph.add("Mul", graph.filled(cells, missing, 0), counts), 1, 2)
    return graph.add("Div", summed, total)  # of none 0 / 0, which is NaN


def _squared(graph, difference):
    return graph.add("Mul", difference, difference)


def _absolute(graph, difference):
    return graph.add("Abs", difference)


def _huber(graph, difference):
    distance = _absolute(graph, difference)
    near = graph.add("Mul", _squared(graph, difference), np.float64(0.5))
    far = graph.add("Sub", distance, np.float64(0.5))
    is_near = graph.add("LessOrEqual", distance, np.float64(1))
    return graph.add("Where", is_near, near, far)


_OF_DIFFERENCES = {"mse": _squared, "mae": _absolute, "huber": _huber}


def _crossentropy(graph, targets, outputs):
    one = np.float64(1)
    p = graph.double(graph.add("Clip", outputs, _SMALL, 1 - _SMALL))
    other = graph.add("Log", graph.add("Sub", one, p))
    own = graph.add("Mul", targets, graph.add("Log", p))
    other = graph.add("Mul", graph.add("Sub", one, targets), other)
    return graph.add("Neg", graph.add("Add", own, other))


def _shares(graph, rule, difference):
    """Of the squared distance of each step: see ``ErrorRule.cells``."""
    deviation = graph.add("Sub", difference, rule.location)
    missing = graph.add("IsNaN", deviation)
    deviation = graph.filled(deviation, missing, 0)
    if rule.precision.ndim == 2:
        told = graph.add("MatMul", deviation, rule.precision)
    else:
        told = graph.add("Mul", deviation, rule.precision)
    if rule.factors is not None:
        of_factors = deviation
        for matrix in (rule.factors.T, rule.factors):
            of_factors = graph.add("MatMul", of_factors, matrix)
        told = graph.add("Sub", told, of_factors)
    return graph.filled(graph.add("Mul", deviation, told), missing, np.nan)


def _cells(graph, rule, targets, outputs):
    if rule == "binary_crossentropy":
        return _crossentropy(graph, targets, outputs)
    difference = graph.add("Sub", targets, graph.double(outputs))
    if isinstance(rule, str):
        return _OF_DIFFERENCES[rule](graph, difference)
    return _shares(graph, rule, difference)


def _step_weights(graph, score_on, cells, n_timesteps):
    """How much the steps count: (n_samples or 1, n_timesteps, 1)."""
    places = np.arange(1, n_timesteps + 1, dtype=np.float64)[np.newaxis, :, np.newaxis]
    if score_on == "mean":
        return np.ones_like(places)
    missing = graph.add("IsNaN", cells)
    counts = graph.double(graph.add("Not", missing))
    n_seen = graph.sum(counts, 2, keepdims=1)
    if score_on == "max":
        total = graph.sum(graph.filled(cells, missing, 0), 2, keepdims=1)
        has_any = graph.add("Greater", n_seen, np.float64(0))
        mean = graph.add("Div", total, n_seen)
        errors = graph.add("Where", has_any, mean, np.float64(-np.inf))
        worst = graph.add("ArgMax", errors, axis=1, keepdims=1)
        return graph.double(graph.add("Equal", worst, places.astype(np.int64) - 1))
    # The last observed step counts as the last.
    seen = graph.add("Min", n_seen, np.float64(1))
    back = graph.take(seen, np.arange(n_timesteps)[::-1], axis=1)
    late = graph.double(graph.add("ArgMax", back, axis=1, keepdims=1))
    places = graph.add("Add", places, late)
    if score_on == "last":
        return graph.double(graph.add("Equal", places, np.float64(n_timesteps)))
    return _squared(graph, places)


def errors(graph, estimator, x, outputs):
    """The error of each sequence, by the judge of its detector: (n_samples,).

    NaN where nothing was observed.
    """
    targets, is_context = graph.double(x), getattr(estimator, "is_context_", None)
    if is_context is not None:
        targets = graph.take(targets, judged_columns(is_context), axis=2)
    rule, n_timesteps = estimator.error_rule_, estimator.sequence_shape_[0]
    cells = _cells(graph, rule, targets, outputs)
    weights = _step_weights(graph, estimator.score_on_, cells, n_timesteps)
    return weighted_mean(graph, cells, weights)


def judged(graph, x, score, by_member=None):
    """Scores, NaN where a network in the graph would see padding.

    That is where the first or the last step has no observed cell. ``score`` is of shape
    (n_samples,), ``by_member``, if there is one, of (n_samples, n_members).
    """
    if not graph.has_network:
        return score, by_member
    missing = graph.single(graph.add("IsNaN", graph.take(x, [0, -1], axis=1)))
    steps = graph.over("ReduceMin", missing, 2)
    padded = graph.add("Greater", graph.sum(steps, 1), np.float32(0))
    if by_member is not None:
        by_member = graph.filled(by_member, graph.reshape(padded, -1, 1), np.nan)
    return graph.filled(score, padded, np.nan), by_member


def _interpolated(graph, link, score):
    """Between the knots of an isotonic regression, and constant beyond them."""
    scores, probabilities = (np.asarray(part, np.float64) for part in link)
    score = graph.add("Clip", score, scores[0], scores[-1])
    column = graph.reshape(score, -1, 1)
    above = graph.add("GreaterOrEqual", column, scores[np.newaxis, 1:-1])
    before = graph.sum(graph.integer(above), 1)
    slopes = np.diff(probabilities) / np.diff(scores)
    base, level, slope = (
        graph.add("Gather", part, before) for part in (scores, probabilities, slopes)
    )
    beyond = graph.add("Mul", graph.add("Sub", score, base), slope)
    return graph.add("Add", level, beyond)


def _sigmoid(graph, link, score):
    x = graph.add("Div", graph.add("Sub", score, np.float64(link.center)), link.scale)
    # The arcsinh, which runtimes lack in double precision.
    size = graph.add("Abs", x)
    root = graph.add("Sqrt", graph.add("Add", _squared(graph, x), np.float64(1)))
    squashed = graph.add("Log", graph.add("Add", size, root))
    squashed = graph.add("Mul", squashed, graph.add("Sign", x))
    steep = graph.add("Mul", squashed, np.float64(link.slope))
    return graph.add("Sigmoid", graph.add("Add", steep, np.float64(link.intercept)))


def probability(graph, link, score):
    """What a fitted link makes of scores: (n_samples,), NaN where there is none."""
    missing = graph.add("IsNaN", score)
    known = graph.filled(score, missing, 0)
    make = _interpolated if isinstance(link, IsotonicLink) else _sigmoid
    return graph.filled(make(graph, link, known), missing, np.nan)
