# SPDX-License-Identifier: BSD-3-Clause
"""Networks as ONNX graphs, for runtimes without Python."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..engines._line import Line
from ..training._estimator import FittedNetworkMixin

# Of 2021, so that runtimes of that age read the graph.
_OPSET, _IR_VERSION = 15, 8
_OPERATORS = {"lstm": "LSTM", "gru": "GRU"}
_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "linear": "Affine"}
_OUTPUT_OPERATORS = {"sigmoid": "Sigmoid", "softmax": "Softmax"} | {
    name: operator for name, operator in _ACTIVATIONS.items() if name != "linear"
}


class _Graph:
    """The nodes and constants of a graph; each node is called by its output."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value):
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator, *inputs, outputs=None, **attributes):
        """Add a node; give the name of its output, the last of several."""
        from onnx import helper

        outputs = outputs or [f"{operator.lower()}_{len(self.nodes)}"]
        node = helper.make_node(operator, list(inputs), outputs, **attributes)
        self.nodes.append(node)
        return outputs[-1]

    def reshape(self, x, *shape):
        """0 in ``shape`` stands for the size that the axis has."""
        return self.add("Reshape", x, self.constant(np.array(shape, np.int64)))

    def transpose(self, x, *axes):
        return self.add("Transpose", x, perm=axes)

    def columns(self, x, start, stop):
        """Some values of each step, by number."""
        numbers = np.arange(start, stop, dtype=np.int64)
        return self.add("Gather", x, self.constant(numbers), axis=2)


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
    constants = [graph.constant(np.stack(part)) for part in zip(*parts, strict=True)]
    function = _ACTIVATIONS[activation]
    functions = ["Sigmoid", *[function] * (2 if layer.cell == "lstm" else 1)]
    attributes = {"linear_before_reset": 1} if layer.cell == "gru" else {}
    if function == "Affine":
        n_affine = (len(functions) - 1) * n_directions
        attributes["activation_alpha"] = [1.0] * n_affine
        attributes["activation_beta"] = [0.0] * n_affine
    last = graph.add(
        _OPERATORS[layer.cell],
        x,
        *constants,
        outputs=[f"{layer.name}_steps", f"{layer.name}_last"],
        hidden_size=layer.units,
        direction="bidirectional" if layer.bidirectional else "forward",
        activations=functions * n_directions,
        **attributes,
    )
    if layer.return_sequences:
        steps = graph.transpose(f"{layer.name}_steps", 0, 2, 1, 3)
        return graph.reshape(steps, 0, 0, layer.n_outputs)
    return graph.reshape(graph.transpose(last, 1, 0, 2), 0, layer.n_outputs)


def _dense(graph, layer, weights, x):
    kernel, bias = map(graph.constant, weights)
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
        once = graph.add("Unsqueeze", latent, graph.constant(np.array([0], np.int64)))
        x = graph.add("Tile", once, graph.constant(np.array([n_timesteps, 1, 1])))
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
                latent = graph.add("Identity", x, outputs=["latent"])
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
    deviations = graph.add("Sub", values, graph.constant(path.center))
    return graph.add("Div", deviations, graph.constant(path.spread))


def _add_linear_path(graph, path, n_timesteps, cells, context, outputs):
    """Add the linear path beside a network, which reconstructs what it leaves over."""
    n_features, explained = len(path.scale), None
    flat = graph.reshape(cells, 0, n_timesteps * n_features)
    if context is not None:
        explained = graph.reshape(context, 0, len(path.context_code))
        for matrix in (path.context_code, path.explained):
            explained = graph.add("MatMul", explained, graph.constant(matrix))
        flat = graph.add("Sub", flat, explained)
    code = graph.add("MatMul", flat, graph.constant(path.encoder))
    x = graph.add("MatMul", code, graph.constant(path.components))
    if explained is not None:
        x = graph.add("Add", x, explained)
    x = graph.reshape(x, 0, n_timesteps, n_features)
    x = graph.add("Mul", x, graph.constant(path.spread[:n_features]))
    x = graph.add("Add", x, graph.constant(path.center[:n_features]))
    outputs = graph.add("Mul", outputs, graph.constant(path.scale))
    return graph.add("Add", outputs, x), code


def _line(graph, line, values):
    """What a line gives, of shape (n_samples, n_outputs)."""
    n_timesteps, n_features, n_outputs = line.coef.shape
    flat = graph.reshape(values, 0, n_timesteps * n_features)
    coef = graph.constant(line.coef.reshape(-1, n_outputs))
    product = graph.add("MatMul", flat, coef)
    values = graph.add("Add", product, graph.constant(line.intercept))
    if line.limit is None:
        return values
    limit = graph.constant(np.float32(line.limit))
    return graph.add("Mul", graph.add("Tanh", graph.add("Div", values, limit)), limit)


def _seen_beside(graph, cells, context, indicator):
    """What the network beside a linear path sees: see ``LinearPath.seen``."""
    level = graph.add("ReduceMean", cells, axes=[1], keepdims=1)
    without = graph.add("Sub", cells, level)
    zero = graph.add("Sub", without, without)
    at_each_step = graph.add("Add", graph.add("Tanh", level), zero)
    bounded = [] if context is None else [graph.add("Tanh", context)]
    return graph.add("Concat", without, *bounded, *indicator, at_each_step, axis=2)


def _both_classes(graph, probability):
    one = graph.constant(np.ones(1, np.float32))
    other = graph.add("Sub", one, probability)
    return graph.add("Concat", other, probability, axis=1)


def _check(estimator):
    name = type(estimator).__name__
    if not isinstance(estimator, FittedNetworkMixin):
        raise TypeError(
            "The 'estimator' parameter of to_onnx must be an LSTMAutoencoder, a "
            "ResidualAutoencoder, an LSTMReconstructor, an LSTMClassifier or an "
            f"LSTMRegressor. Got {name} instead. Of a pipeline, give the last step; of "
            "a committee, a member of its named_estimators_."
        )
    check_is_fitted(estimator)
    architecture = estimator.architecture_
    if architecture.kind == "context":
        raise ValueError("A ContextEncoder has no ONNX graph.")
    if architecture.kind == "autoencoder" and architecture.decoder == "conditional":
        raise ValueError(
            "decoder='conditional', which is fed with its own output, has no ONNX "
            "graph. Use decoder='repeat'."
        )


def to_onnx(estimator):
    """Give the network of an estimator as an ONNX model.

    Needs the package ``onnx`` (``pip install "skseq[onnx]"``).

    Parameters
    ----------
    estimator : LSTMAutoencoder, ResidualAutoencoder, LSTMReconstructor, \
            LSTMClassifier or LSTMRegressor
        Fitted. Not with ``decoder="conditional"``.

    Returns
    -------
    model : onnx.ModelProto
        Its input "X" is of shape (n_samples, n_timesteps, n_features), float32, for any
        number of samples. NaN is a missing value; sequences must have no padding. Its
        outputs are "reconstruction", of the features that are no context, and, where
        there is one, "latent" of an autoencoder (of the network alone, beside a linear
        path, whose code is "linear"); "probabilities" of a classifier; "prediction" of
        a regressor, of shape (n_samples, n_outputs).

    Raises
    ------
    ValueError
        If the architecture has no ONNX graph.

    ImportError
        If ``onnx`` is not installed.

    See Also
    --------
    save : For skseq itself.

    References
    ----------
    .. [1] Open Neural Network Exchange, https://onnx.ai.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import LSTMAutoencoder, to_onnx
    >>> X = np.random.default_rng(0).normal(size=(40, 12, 3))
    >>> model = to_onnx(LSTMAutoencoder(4, max_epochs=1, random_state=0).fit(X))
    >>> [output.name for output in model.graph.output]
    ['reconstruction', 'latent']

    ``onnx.save(model, "network.onnx")`` writes it to a file.
    """
    _check(estimator)
    try:
        from onnx import TensorProto, helper
    except ImportError as error:
        raise ImportError(
            'to_onnx needs the package onnx: pip install "skseq[onnx]".'
        ) from error
    architecture, graph = estimator.architecture_, _Graph()
    missing = graph.add("IsNaN", "X")
    fill = graph.constant(estimator.feature_means_)
    values = graph.add("Where", missing, fill, "X")
    is_context = getattr(estimator, "is_context_", None)
    if is_context is not None:
        order = graph.constant(np.argsort(is_context, kind="stable"))
        values, missing = (
            graph.add("Gather", x, order, axis=2) for x in (values, missing)
        )
    indicator = []
    if architecture.missing_indicator:
        indicator = [graph.add("Cast", missing, to=TensorProto.FLOAT)]
    path, line = estimator._network.path, None
    if isinstance(path, Line):
        path, line = None, _line(graph, path, values)
    inputs, context = values, None
    if path is not None:
        cells = _standardized(graph, path, values)
        if is_context is not None:
            n_features = architecture.n_features
            context = graph.columns(cells, *_ends(architecture.context_inputs))
            cells = graph.columns(cells, 0, n_features)
        inputs = _seen_beside(graph, cells, context, indicator)
    elif indicator:
        inputs = graph.add("Concat", values, *indicator, axis=2)
    x, latent = _network(graph, architecture, estimator.weights_, inputs, line)
    code = None
    if path is not None:
        n_timesteps = architecture.n_timesteps
        x, code = _add_linear_path(graph, path, n_timesteps, cells, context, x)
    shapes = _name_outputs(graph, estimator, x)
    if code is not None:
        graph.add("Identity", code, outputs=["linear"])
        shapes["linear"] = [path.n_components]
    if latent is not None:
        shapes[latent] = [architecture.latent_size]
    infos = {
        name: helper.make_tensor_value_info(
            name, TensorProto.FLOAT, ["n_samples", *shape]
        )
        for name, shape in {"X": estimator.sequence_shape_, **shapes}.items()
    }
    network = helper.make_graph(
        graph.nodes,
        type(estimator).__name__,
        [infos.pop("X")],
        [*infos.values()],
        graph.constants,
    )
    return helper.make_model(
        network,
        producer_name="skseq",
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )


def _name_outputs(graph, estimator, x):
    """Give the output the name of what it is; its shape by this name."""
    architecture = estimator.architecture_
    if architecture.kind != "vector":
        name = "reconstruction"
        shape = architecture.n_timesteps, architecture.n_features
    elif not hasattr(estimator, "classes_"):
        name, shape = "prediction", [architecture.n_outputs]
    else:
        name, shape = "probabilities", [len(estimator.classes_)]
        x = _both_classes(graph, x) if architecture.n_outputs == 1 else x
    graph.add("Identity", x, outputs=[name])
    return {name: [*shape]}
