# SPDX-License-Identifier: BSD-3-Clause
"""Networks as nodes of an ONNX graph."""

import numpy as np

from ..engines._line import Line

_OPERATORS = {"lstm": "LSTM", "gru": "GRU"}
_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "linear": "Affine"}
_OUTPUT_OPERATORS = {"sigmoid": "Sigmoid", "softmax": "Softmax"} | {
    name: operator for name, operator in _ACTIVATIONS.items() if name != "linear"
}


def _gates(weights, cell):
    """Weights of one direction, with the gates in the order of ONNX."""
    kernel, recurrent, bias = weights
    if cell == "gru":
        return kernel.T, recurrent.T, bias.ravel()

    def ordered(array):
        i, f, c, o = np.split(array, 4, axis=-1)
        return np.concatenate([i, o, f, c], axis=-1).T

    return ordered(kernel), ordered(recurrent), np.append(ordered(bias), 0 * bias)


def _recurrent(graph, layer, activation, weights, x):
    """A recurrent layer, from (n_timesteps, n_samples, n_inputs)."""
    n_directions = 2 if layer.bidirectional else 1
    parts = [
        _gates(weights[3 * k : 3 * k + 3], layer.cell) for k in range(n_directions)
    ]
    weights = [np.stack(part) for part in zip(*parts, strict=True)]
    function = _ACTIVATIONS[activation]
    functions = ["Sigmoid", *[function] * (2 if layer.cell == "lstm" else 1)]
    attributes = {"linear_before_reset": 1} if layer.cell == "gru" else {}
    if function == "Affine":
        n_affine = (len(functions) - 1) * n_directions
        attributes["activation_alpha"] = [1.0] * n_affine
        attributes["activation_beta"] = [0.0] * n_affine
    name = f"{layer.name}_{len(graph.nodes)}"
    last = graph.add(
        _OPERATORS[layer.cell],
        x,
        *weights,
        outputs=[f"{name}_steps", f"{name}_last"],
        hidden_size=layer.units,
        direction="bidirectional" if layer.bidirectional else "forward",
        activations=functions * n_directions,
        **attributes,
    )
    if layer.return_sequences:
        steps = graph.transpose(f"{name}_steps", 0, 2, 1, 3)
        return graph.reshape(steps, 0, 0, layer.n_outputs)
    return graph.reshape(graph.transpose(last, 1, 0, 2), 0, layer.n_outputs)


def _dense(graph, layer, weights, x):
    kernel, bias = weights
    x = graph.add("Add", graph.add("MatMul", x, kernel), bias)
    operator = _OUTPUT_OPERATORS.get(layer.activation)
    return graph.add(operator, x) if operator else x


def _spread_over_steps(graph, architecture, latent, inputs):
    """The input of the decoder, (n_timesteps, n_samples, n_inputs)."""
    n_timesteps = architecture.n_timesteps
    if architecture.decoder == "reshape":
        size = architecture.latent_size // n_timesteps
        x = graph.transpose(graph.reshape(latent, 0, n_timesteps, size), 1, 0, 2)
    else:
        once = graph.add("Unsqueeze", latent, np.array([0], np.int64))
        x = graph.add("Tile", once, np.array([n_timesteps, 1, 1]))
    if architecture.n_context:
        shown = architecture.context_inputs
        x = graph.add("Concat", x, graph.columns(inputs, *_ends(shown)), axis=2)
    return x


def _ends(columns):
    return columns.start, columns.stop


def _network(graph, architecture, weights, x, offsets=None):
    """What the network gives for (n_samples, n_timesteps, n_inputs).

    ``offsets`` (n_samples, n_outputs) are what it adds to, beside a line.
    """
    weights, latent = list(weights), None
    x = inputs = graph.transpose(x, 1, 0, 2)
    for layer in architecture.recurrent_layers:
        if architecture.decoder_layers and layer is architecture.decoder_layers[0]:
            if architecture.kind == "autoencoder":
                latent = x
                x = _spread_over_steps(graph, architecture, x, inputs)
        n_weights = len(layer.weight_shapes)
        own, weights = weights[:n_weights], weights[n_weights:]
        x = _recurrent(graph, layer, architecture.activation, own, x)
    (dense,) = architecture.dense_layers
    x = _dense(graph, dense, weights, x)
    if offsets is not None:
        x = graph.add("Add", x, offsets)
        operator = _OUTPUT_OPERATORS.get(architecture.output_activation)
        x = graph.add(operator, x) if operator else x
    if architecture.recurrent_layers[-1].return_sequences:
        return graph.transpose(x, 1, 0, 2), latent
    if architecture.kind == "autoencoder":
        shape = architecture.n_timesteps, architecture.n_features
        x = graph.reshape(x, 0, *shape)
    return x, latent


def _standardized(graph, path, values):
    """The features less their center, in units of their spread."""
    deviations = graph.add("Sub", values, path.center)
    return graph.add("Div", deviations, path.spread)


def _add_linear_path(graph, path, n_timesteps, cells, context, outputs):
    """Add the linear path beside a network, which reconstructs what it leaves over."""
    n_features, explained = len(path.scale), None
    flat = graph.reshape(cells, 0, n_timesteps * n_features)
    if context is not None:
        explained = graph.reshape(context, 0, len(path.context_code))
        for matrix in (path.context_code, path.explained):
            explained = graph.add("MatMul", explained, matrix)
        flat = graph.add("Sub", flat, explained)
    code = graph.add("MatMul", flat, path.encoder)
    x = graph.add("MatMul", code, path.components)
    if explained is not None:
        x = graph.add("Add", x, explained)
    x = graph.reshape(x, 0, n_timesteps, n_features)
    x = graph.add("Mul", x, path.spread[:n_features])
    x = graph.add("Add", x, path.center[:n_features])
    outputs = graph.add("Mul", outputs, path.scale)
    return graph.add("Add", outputs, x), code


def _line(graph, line, values):
    """What a line gives, of shape (n_samples, n_outputs)."""
    n_timesteps, n_features, n_outputs = line.coef.shape
    flat = graph.reshape(values, 0, n_timesteps * n_features)
    values = graph.add("MatMul", flat, line.coef.reshape(-1, n_outputs))
    values = graph.add("Add", values, line.intercept)
    if line.limit is None:
        return values
    limit = np.float32(line.limit)
    return graph.add("Mul", graph.add("Tanh", graph.add("Div", values, limit)), limit)


def _seen_beside(graph, cells, context, indicator):
    """What the network beside a linear path sees: see ``LinearPath.seen``."""
    level = graph.add("ReduceMean", cells, axes=[1], keepdims=1)
    without = graph.add("Sub", cells, level)
    zero = graph.add("Sub", without, without)
    at_each_step = graph.add("Add", graph.add("Tanh", level), zero)
    bounded = [] if context is None else [graph.add("Tanh", context)]
    return graph.add("Concat", without, *bounded, *indicator, at_each_step, axis=2)


def _prepared(graph, estimator, x):
    """Cells with a number where one is missing, context features last; and where."""
    missing = graph.add("IsNaN", x)
    values = graph.add("Where", missing, estimator.feature_means_, x)
    is_context = getattr(estimator, "is_context_", None)
    if is_context is not None:
        order = np.argsort(is_context, kind="stable")
        values, missing = (
            graph.take(part, order, axis=2) for part in (values, missing)
        )
    indicator = []
    if estimator.architecture_.missing_indicator:
        indicator = [graph.single(missing)]
    return values, indicator


def network_outputs(graph, estimator, x):
    """What the network of an estimator gives for (n_samples, n_timesteps, n_features).

    Returns
    -------
    output : str
        In units of ``x``, where the network reconstructs.

    latent : str or None

    code : str or None
        That of the linear path.
    """
    graph.has_network = True
    architecture, path = estimator.architecture_, estimator._network.path
    values, indicator = _prepared(graph, estimator, x)
    if path is None or isinstance(path, Line):
        offsets = None if path is None else _line(graph, path, values)
        inputs = graph.add("Concat", values, *indicator, axis=2)
        weights = estimator.weights_
        return *_network(graph, architecture, weights, inputs, offsets), None
    cells, context = _standardized(graph, path, values), None
    if architecture.n_context:
        context = graph.columns(cells, *_ends(architecture.context_inputs))
        cells = graph.columns(cells, 0, architecture.n_features)
    inputs = _seen_beside(graph, cells, context, indicator)
    x, latent = _network(graph, architecture, estimator.weights_, inputs)
    n_timesteps = architecture.n_timesteps
    output, code = _add_linear_path(graph, path, n_timesteps, cells, context, x)
    return output, latent, code


def class_probabilities(graph, classifier, x):
    """Probability of each class: (n_samples, n_classes)."""
    probability, _, _ = network_outputs(graph, classifier, x)
    if classifier.architecture_.n_outputs > 1:
        return probability
    other = graph.add("Sub", np.ones(1, np.float32), probability)
    return graph.add("Concat", other, probability, axis=1)


def component_outputs(graph, estimator, x):
    """The reconstruction by the components of a PCAAutoencoder, and its code."""
    mean, is_context = estimator.mean_, estimator.is_context_
    n_timesteps, n_features = estimator.sequence_shape_
    deviations = graph.add("Sub", x, mean)
    missing = graph.add("IsNaN", x)
    deviations = graph.add("Where", missing, np.float32(0), deviations)
    explained, n_judged = None, n_features
    if is_context is not None:
        n_judged = n_features - np.count_nonzero(is_context)
        context = graph.take(deviations, np.flatnonzero(is_context), axis=2)
        context = graph.reshape(context, 0, len(estimator.context_coef_))
        explained = graph.add("MatMul", context, estimator.context_coef_)
        deviations = graph.take(deviations, np.flatnonzero(~is_context), axis=2)
        mean = mean[:, ~is_context]
    flat = graph.reshape(deviations, 0, n_timesteps * n_judged)
    if explained is not None:
        flat = graph.add("Sub", flat, explained)
    code = graph.add("MatMul", flat, estimator.components_.T)
    cells = graph.add("MatMul", code, estimator.components_)
    if explained is not None:
        cells = graph.add("Add", cells, explained)
    cells = graph.reshape(cells, 0, n_timesteps, n_judged)
    return graph.add("Add", cells, mean), code
