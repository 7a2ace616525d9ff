# SPDX-License-Identifier: BSD-3-Clause
"""The nodes and constants of an ONNX graph."""

import numpy as np


class Graph:
    """The nodes and constants of a graph; each node is called by its output.

    Inputs of nodes that are no names are constants.
    """

    def __init__(self):
        self.nodes, self.constants = [], []
        self.has_network = self.has_trees = False

    def constant(self, value):
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator, *inputs, outputs=None, **attributes):
        """Add a node; give the name of its output, the last of several."""
        from onnx import helper

        outputs = outputs or [f"{operator.lower()}_{len(self.nodes)}"]
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        node = helper.make_node(operator, names, outputs, **attributes)
        self.nodes.append(node)
        return outputs[-1]

    def trees(self, x, **attributes):
        """Add the sum of what the trees of an ensemble give: (n_samples,), double."""
        self.has_trees = True
        total = self.add(
            "TreeEnsembleRegressor", x, domain="ai.onnx.ml", n_targets=1, **attributes
        )
        return self.reshape(self.double(total), -1)

    def reshape(self, x, *shape):
        """0 in ``shape`` stands for the size that the axis has."""
        return self.add("Reshape", x, np.array(shape, np.int64))

    def transpose(self, x, *axes):
        return self.add("Transpose", x, perm=axes)

    def take(self, x, numbers, axis):
        return self.add("Gather", x, np.asarray(numbers, np.int64), axis=axis)

    def columns(self, x, start, stop):
        """Some values of each step, by number."""
        return self.take(x, np.arange(start, stop), axis=2)

    def _cast(self, x, dtype):
        from onnx import helper

        return self.add("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def single(self, x):
        return self._cast(x, np.float32)

    def double(self, x):
        return self._cast(x, np.float64)

    def integer(self, x):
        return self._cast(x, np.int64)

    def over(self, operator, x, *axes, keepdims=0):
        """Add a node that takes the largest or the mean over some axes."""
        return self.add(operator, x, axes=axes, keepdims=keepdims)

    def sum(self, x, *axes, keepdims=0):
        return self.add("ReduceSum", x, np.array(axes, np.int64), keepdims=keepdims)

    def filled(self, x, missing, value):
        """A number of double precision in the place of what is missing."""
        return self.add("Where", missing, np.float64(value), x)

    def observed(self, x):
        """Whether any cell was observed, of each sequence: (n_samples,)."""
        seen = self.single(self.add("Not", self.add("IsNaN", x)))
        return self.add("Greater", self.sum(seen, 1, 2), np.float32(0))
