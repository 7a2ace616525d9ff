# SPDX-License-Identifier: BSD-3-Clause
"""A Keras network of a user's own: its training targets, parts and pickle."""

import contextlib
from weakref import WeakKeyDictionary

import numpy as np

from ..engines._batches import FORWARD_SIZES
from ..networks._quiet import import_keras, quiet_first_call, running_keras

_called = WeakKeyDictionary()  # numbers of sequences that each network was asked for


@contextlib.contextmanager
def missing_targets_ignored(model):
    """Train on targets in which NaN is what was not observed, whatever the loss is.

    The output itself takes its place, and is taken for a constant: no error, and no
    gradient.
    """
    ops = import_keras().ops

    def of_observed(compute):
        def computed(x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
            y = ops.where(ops.isnan(y), ops.stop_gradient(y_pred), y)
            if sample_weight is not None:  # beside losses of (n, n_timesteps)
                sample_weight = ops.reshape(sample_weight, (-1, 1))
            return compute(x, y, y_pred, sample_weight, **kwargs)

        return computed

    names = "compute_loss", "compute_metrics"
    for name in names:
        setattr(model, name, of_observed(getattr(model, name)))
    try:
        yield
    finally:
        for name in names:
            delattr(model, name)


def shallow_copy(estimator):
    """A copy that shares the network."""
    twin = type(estimator).__new__(type(estimator))
    vars(twin).update(vars(estimator))
    return twin


def check_output(model, shape):
    """Raise a ValueError where a network does not give sequences like its input."""
    given = [tuple(output.shape) for output in model.outputs]
    if given != [(None, *shape)]:
        raise ValueError(
            "The network must have one output, of the shape (None, n_timesteps, "
            f"n_features) = {(None, *shape)} of its input. Got {given}."
        )


def _tensors(model, latent_layer):
    """Inputs, latent vectors and outputs in the graph of a network."""
    if not isinstance(model, import_keras().Sequential):
        return model.input, model.get_layer(latent_layer).output, model.output
    # The layers of a loaded one are connected twice: connect them once more, in order.
    inputs = outputs = import_keras().Input(model.input_shape[1:])
    for layer in model.layers:
        outputs = layer(outputs)
        if layer.name == latent_layer:
            latent = outputs
    return inputs, latent, outputs


def split(model, latent_layer):
    """The network up to the latent layer, and from it on (None where it needs more)."""
    names = [layer.name for layer in model.layers]
    if latent_layer not in names:
        raise ValueError(
            f"The network has no layer named {latent_layer!r}, the 'latent_layer' "
            f"parameter. Its layers are {names}."
        )
    inputs, latent, outputs = _tensors(model, latent_layer)
    if len(latent.shape) != 2:
        raise ValueError(
            f"The layer {latent_layer!r} must give one vector for each sequence. Got "
            f"the output shape {tuple(latent.shape)}; choose another 'latent_layer'."
        )
    connect = import_keras().Model
    encoder = connect(inputs, latent, name="encoder")
    try:
        decoder = connect(latent, outputs, name="decoder")
        # Some versions of Keras find out in a call alone.
        decoder(np.zeros((1, latent.shape[1]), dtype=np.float32))
    except (KeyError, ValueError):  # Something passes the latent layer by.
        return encoder, None
    return encoder, decoder


def forward(model, inputs):
    """Outputs of a network, or of a part of it."""
    # Few sizes only: a graph is made for each, and the rounding of a sequence hardly
    # depends on its company.
    n = len(inputs)
    size = next(size for size in FORWARD_SIZES if n <= size)
    padded = np.pad(inputs, [(0, size - n)] + [(0, 0)] * (inputs.ndim - 1))
    called = _called.setdefault(model, set())
    with running_keras(), quiet_first_call(called, size):
        return np.array(model.predict_on_batch(padded)[:n])


class PackedModel:
    """Stands for a Keras model in a pickle, which makes it from arrays.

    Keras's own pickles hold the optimiser and the compiled loss too, which need not be
    of a kind that can be loaded. So what comes out predicts, but is not compiled.
    """

    def __init__(self, model):
        self._model = model

    def __reduce__(self):
        config = import_keras().saving.serialize_keras_object(self._model)
        config.pop("compile_config", None)
        kinds = {type(part) for part in (self._model, *self._model.layers)}
        custom = {
            kind.__name__: kind
            for kind in kinds
            if kind.__module__.partition(".")[0] != "keras"
        }
        return _unpack_model, (config, custom, self._model.get_weights())


def _unpack_model(config, custom, weights):
    model = import_keras().saving.deserialize_keras_object(
        config, custom_objects=custom, safe_mode=False
    )
    model.set_weights(weights)
    return model
