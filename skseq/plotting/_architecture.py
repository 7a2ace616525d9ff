# SPDX-License-Identifier: BSD-3-Clause
"""ArchitectureDisplay: what each layer of a network receives and emits."""

from typing import NamedTuple

import numpy as np

from .._detectors import reach
from ._style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    YELLOW,
    new_axes,
)

_PLAIN = None, False, 0  # what a layer without state and weights has
_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConditionalDecoder")
_COLORS = {
    "input": YELLOW,
    "recurrent": SKY,
    "repeat": ORANGE,
    "dense": GREEN,
    "linear": BLUE,
}
_WIDTH, _HEIGHT = 0.62, 0.42  # of a box; steps are 1 apart, layers as well
_PATH_WIDTH, _PATH_HEIGHT = 1.7, 0.95  # of a box of the linear path, which holds text


class LayerFlow(NamedTuple):
    """What one layer receives and emits; shapes without the number of samples."""

    name: str
    type: str
    input_shape: tuple
    output_shape: tuple
    return_sequences: bool | None
    bidirectional: bool
    n_parameters: int

    @property
    def role(self):
        kind = self.type.split("(")[0]
        if kind in ("InputLayer", "Concatenate"):
            return "input"
        if kind == "Add":
            return "linear"
        if self.return_sequences is not None:
            return "recurrent"
        return "repeat" if kind in ("RepeatVector", "Reshape") else "dense"

    @property
    def steps(self):
        """Boxes to draw: one for each time step, or a single one (0 steps)."""
        if self.role == "recurrent" and len(self.input_shape) > 1:
            return self.input_shape[0]
        return self.output_shape[0] if len(self.output_shape) > 1 else 0


def _read_layers(model):
    """The layers of a Keras model that is a chain; those of models inside it too."""
    flows, shape = [], None
    if type(model.layers[0]).__name__ != "InputLayer":  # a Sequential hides it
        shape = tuple(model.input_shape)[1:]
        flows = [LayerFlow("input", "InputLayer", shape, shape, None, False, 0)]
    for layer in model.layers:
        name = getattr(layer, "name", "")
        if name == "context" and flows:
            continue  # an input further down, which "with_context" takes in
        if name != "with_context" and any(
            cls.__name__ == "Merge" for cls in type(layer).__mro__
        ):
            raise ValueError(
                f"The layer {layer.name!r} joins branches of the model, but only a "
                "chain of layers can be drawn. Of a ResidualAutoencoder, give the "
                "estimator itself."
            )
        if hasattr(layer, "layers"):
            inner = [f for f in _read_layers(layer) if f.role != "input" or not flows]
            flows += inner
            shape = flows[-1].output_shape
            continue
        output = tuple(layer.output.shape)[1:]
        flows.append(_read_layer(layer, shape or output, output))
        shape = output
    return flows


def _read_layer(layer, input_shape, output_shape):
    kind = type(layer).__name__
    wrapped = getattr(layer, "layer", None) if kind == "TimeDistributed" else None
    if kind == "Bidirectional":
        wrapped = layer.forward_layer
    return LayerFlow(
        name=layer.name,
        type=kind if wrapped is None else f"{kind}({type(wrapped).__name__})",
        input_shape=input_shape,
        output_shape=output_shape,
        return_sequences=len(output_shape) > 1 if kind in _RECURRENT else None,
        bidirectional=kind == "Bidirectional",
        n_parameters=layer.count_params(),
    )


def _read_residual(estimator):
    """The network of a ResidualAutoencoder from input to sum, and its linear path."""
    architecture, path = estimator.architecture_, estimator.path_
    shape = architecture.n_timesteps, architecture.n_features + architecture.n_context
    seen, cells = (shape[0], architecture.n_inputs), (shape[0] * shape[1],)
    network = [
        LayerFlow("x", "InputLayer", shape, shape, *_PLAIN),
        LayerFlow("without level, tanh(level)", "Concatenate", shape, seen, *_PLAIN),
        *_read_layers(estimator.encoder_)[1:],
        *_read_layers(estimator.decoder_)[1:],
        LayerFlow("sum", "Add", shape, shape, *_PLAIN),
    ]
    code, size = (path.n_components,), path.components.size
    linear = [
        LayerFlow("linear code", "Dense", cells, code, None, False, size),
        LayerFlow("linear path", "Dense", code, shape, None, False, size),
    ]
    return network, linear


def _read_beside_line(estimator):
    """A network that adds to a line, from input to output, and the line."""
    architecture, line = estimator.architecture_, estimator.path_
    model, outputs = estimator.model_, (architecture.n_outputs,)
    of_network = [layer.name for layer in architecture.recurrent_layers]
    of_network += [layer.name for layer in architecture.dense_layers]
    shape = architecture.n_timesteps, architecture.n_inputs
    network, above = [LayerFlow("x", "InputLayer", shape, shape, *_PLAIN)], shape
    for name in of_network:
        layer = model.get_layer(name)
        below = tuple(layer.output.shape)[1:]
        network.append(_read_layer(layer, above, below))
        above = below
    network.append(LayerFlow("sum", "Add", outputs, outputs, *_PLAIN))
    cells = (architecture.n_timesteps * architecture.n_features,)
    size = line.coef.size + line.intercept.size
    return network, [LayerFlow("line", "Dense", cells, outputs, None, False, size)]


class ArchitectureDisplay:
    """The layers of a network: what each receives and emits, step by step.

    A row for each layer, from the input down. A box stands for what a layer computes at
    a time step, and holds the number of its values. Arrows show what is passed on: from
    each step where ``return_sequences`` is True, else from the last one; by
    ``RepeatVector``, one vector to all steps. ``TimeDistributed(Dense)`` works on each
    step alone. A recurrent layer has arrows from step to step as well. Beside the
    network of a :class:`~skseq.ResidualAutoencoder` stands its linear path, and beside
    that of a :class:`~skseq.LSTMClassifier` its line, from the input to the sum of
    both.

    Parameters
    ----------
    layers : list of LayerFlow
        What each layer receives and emits, as :meth:`from_estimator` reads it off.

    linear_path : list of LayerFlow, default=()
        What stands beside the layers, from the first of them to the last.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the drawing.

    figure_ : matplotlib Figure
        Figure that holds it.

    boxes_ : list of list of matplotlib FancyBboxPatch
        The boxes of each layer.

    arrows_ : list of list of matplotlib FancyArrowPatch
        The arrows into each layer, from that above it.

    texts_ : list of tuple of two matplotlib Text
        Beside each layer: its name and type; its output shape and parameters.

    path_boxes_ : list of matplotlib FancyBboxPatch
        The boxes of the linear path.

    path_arrows_ : list of matplotlib FancyArrowPatch
        The arrows along it: out of the input, from box to box, and into the sum.

    References
    ----------
    .. [1] C. Ranjan, "Step-by-step understanding LSTM Autoencoder layers", Towards
       Data Science, 2019.

    Examples
    --------
    >>> from skseq.plotting import ArchitectureDisplay
    >>> from skseq.plotting._architecture import LayerFlow
    >>> lstm = LayerFlow("encoder", "LSTM", (3, 2), (16,), False, False, 1216)
    >>> repeat = LayerFlow("repeat", "RepeatVector", (16,), (3, 16), None, False, 0)
    >>> display = ArchitectureDisplay([lstm, repeat]).plot()
    >>> [len(boxes) for boxes in display.boxes_]
    [3, 3]
    """

    def __init__(self, layers, linear_path=()):
        self.layers = layers
        self.linear_path = linear_path

    @classmethod
    def from_estimator(cls, estimator, *, max_steps=6, ax=None):
        """Draw the network of a fitted estimator.

        Parameters
        ----------
        estimator : estimator or keras.Model
            Fitted, a :class:`~skseq.ResidualAutoencoder` or another with the Keras
            model ``model_``, a chain of layers; or a pipeline or classifier around it;
            or such a model itself.

        max_steps : int, default=6
            Number of time steps to draw at the most. Those between are left out.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ArchitectureDisplay

        Raises
        ------
        ValueError
            If the layers of a model are no chain.
        """
        if not hasattr(estimator, "layers"):
            estimator = reach(estimator, None, "model_")[0]
            if getattr(estimator, "path_", None) is not None:
                is_line = estimator.architecture_.beside_line
                read = _read_beside_line if is_line else _read_residual
                display = cls(*read(estimator))
                return display.plot(max_steps=max_steps, ax=ax)
            estimator = estimator.model_
        return cls(_read_layers(estimator)).plot(max_steps=max_steps, ax=ax)

    def plot(self, ax=None, *, max_steps=6):
        """Draw the layers.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        max_steps : int, default=6
            Number of time steps to draw at the most. Those between are left out.

        Returns
        -------
        display : ArchitectureDisplay
        """
        n_layers = len(self.layers)
        width = 9.5 if self.linear_path else 7.5
        self.ax_ = new_axes(ax, self, figsize=(width, 0.78 * n_layers + 0.7))
        self.figure_ = self.ax_.figure
        n_columns = max(1, *(min(flow.steps, max_steps) for flow in self.layers))
        self.boxes_, self.arrows_, self.texts_ = [], [], []
        above = None
        for row, flow in enumerate(self.layers):
            places = _places(flow.steps, n_columns, max_steps)
            xs = [x for x, step in places if step is not None]
            self.boxes_.append([self._box(x, row, flow) for x in xs])
            for x, step in places:
                if step is None:
                    self.ax_.text(x, row, "...", ha="center", va="center")
            pairs = [] if above is None else _connections(above, xs)
            self.arrows_.append(
                [self._arrow((x, row - 1), (to, row), BLACK) for x, to in pairs]
            )
            if flow.role == "recurrent":
                self._recurrence(places, row, flow)
            self.texts_.append(self._describe(row, flow))
            above = _emitting(xs, flow)
        self._draw_path(n_columns, n_layers)
        self._finish(n_columns, n_layers, max_steps)
        return self

    def _box(self, x, row, flow):
        text = f"{flow.output_shape[-1]}"
        return self._rounded(x, row, (_WIDTH, _HEIGHT), flow.role, text, 9)

    def _rounded(self, x, row, size, role, text, fontsize):
        from matplotlib.patches import FancyBboxPatch

        width, height = size
        box = FancyBboxPatch(
            (x - width / 2, row - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=(_COLORS[role], 0.45),
            edgecolor=BLACK,
            linewidth=0.8,
        )
        self.ax_.add_patch(box)
        self.ax_.text(x, row, text, ha="center", va="center", fontsize=fontsize)
        return box

    def _draw_path(self, n_columns, n_layers):
        """Draw the linear path beside the network, from its input to the sum."""
        self.path_boxes_, self.path_arrows_ = [], []
        if not self.linear_path:
            return
        x, last = n_columns + 0.5, n_columns - 1 + _WIDTH / 2
        rows = np.linspace(0, n_layers - 1, len(self.linear_path) + 2)
        for row, flow in zip(rows[1:], self.linear_path, strict=False):
            shape = ", ".join(["n", *map(str, flow.output_shape)])
            text = f"{flow.name}\n({shape})\n{flow.n_parameters:,} parameters"
            size = _PATH_WIDTH, _PATH_HEIGHT
            self.path_boxes_.append(self._rounded(x, row, size, "linear", text, 8))
        half = _PATH_HEIGHT / 2
        turns = [("angle,angleA=0,angleB=90", (last, 0), (x, rows[1] - half))]
        for above, below in zip(rows[1:-2], rows[2:-1], strict=True):
            turns.append(("arc3", (x, above + half), (x, below - half)))
        turns.append(
            ("angle,angleA=90,angleB=0", (x, rows[-2] + half), (last, n_layers - 1))
        )
        self.path_arrows_ = [
            self._patch(start, stop, BLUE, connectionstyle=style)
            for style, start, stop in turns
        ]

    def _arrow(self, start, stop, color, style="-|>"):
        (x0, y0), (x1, y1) = start, stop
        if y0 == y1:
            start, stop = (x0 + _WIDTH / 2, y0), (x1 - _WIDTH / 2, y1)
        else:
            start, stop = (x0, y0 + _HEIGHT / 2), (x1, y1 - _HEIGHT / 2)
        return self._patch(start, stop, color, arrowstyle=style)

    def _patch(self, start, stop, color, *, arrowstyle="-|>", connectionstyle="arc3"):
        from matplotlib.patches import FancyArrowPatch

        arrow = FancyArrowPatch(
            start,
            stop,
            arrowstyle=arrowstyle,
            connectionstyle=connectionstyle,
            mutation_scale=7,
            shrinkA=0,
            shrinkB=0,
            color=color,
            linewidth=0.9,
        )
        return self.ax_.add_patch(arrow)

    def _recurrence(self, places, row, flow):
        style = "<|-|>" if flow.bidirectional else "-|>"
        if flow.type == "ConditionalDecoder":  # the last step first
            style = "<|-"
        for (left, _), (right, _) in zip(places[:-1], places[1:], strict=True):
            self._arrow((left, row), (right, row), PURPLE, style)

    def _describe(self, row, flow):
        beside = self.ax_.get_yaxis_transform()
        kind = flow.type
        if flow.return_sequences is not None:
            kind += f"\nreturn_sequences={flow.return_sequences}"
        shape = ", ".join(["n", *map(str, flow.output_shape)])
        emitted = f"({shape})"
        if flow.role != "input":
            emitted += f"\n{flow.n_parameters:,} parameters"
        common = {"transform": beside, "va": "center", "fontsize": 8}
        return (
            self.ax_.text(-0.02, row, f"{flow.name}\n{kind}", ha="right", **common),
            self.ax_.text(1.02, row, emitted, ha="left", **common),
        )

    def _finish(self, n_columns, n_layers, max_steps):
        n_steps = max(flow.steps for flow in self.layers)
        heading = {"ha": "center", "va": "bottom", "fontsize": 8}
        for x, step in _places(n_steps, n_columns, max_steps):
            if step is not None and n_steps:
                self.ax_.text(x, -0.45, f"step {step + 1}", **heading)
        total = sum(flow.n_parameters for flow in [*self.layers, *self.linear_path])
        right = 1 + _PATH_WIDTH if self.linear_path else 0
        self.ax_.set(
            xlim=(-0.5, n_columns - 0.5 + right),
            ylim=(n_layers - 0.4, -0.75),
            title=f"{total:,} parameters",
        )
        self.ax_.title.set_fontsize("medium")
        self.ax_.set_axis_off()


def _places(steps, n_columns, max_steps):
    """Place and time step of each box; the step is None for those left out."""
    if steps == 0:
        return [((n_columns - 1) / 2, 0)]
    if steps <= max_steps:
        offset = (n_columns - steps) / 2
        return [(offset + step, step) for step in range(steps)]
    first = [(step, step) for step in range(max_steps - 2)]
    return [*first, (max_steps - 2, None), (max_steps - 1, steps - 1)]


def _emitting(xs, flow):
    """Places from which a layer passes something on."""
    if flow.return_sequences is not False:
        return xs
    return [xs[0], xs[-1]] if flow.bidirectional else xs[-1:]


def _connections(above, xs):
    """Arrows between two rows: step by step, or from and to all."""
    if len(above) == len(xs):
        return list(zip(above, xs, strict=True))
    return [(start, stop) for start in above for stop in xs]
