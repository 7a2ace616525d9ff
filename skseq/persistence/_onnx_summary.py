# SPDX-License-Identifier: BSD-3-Clause
"""A WindowSummary, filled and scaled, as nodes of an ONNX graph."""

from functools import cached_property

import numpy as np


class _Observed:
    """The observed cells of some windows: see that of ``windowing._summary``.

    Arrays are of shape (n_samples, n_timesteps, n_features), sums over the steps of
    (n_samples, 1, n_features).
    """

    def __init__(self, graph, x, n_timesteps):
        self.graph = graph
        steps = np.arange(n_timesteps, dtype=np.float64)
        self.steps = steps[np.newaxis, :, np.newaxis]
        cells = graph.double(x)
        missing = graph.add("IsNaN", cells)
        self.cells = graph.filled(cells, missing, 0)
        self.seen = graph.double(graph.add("Not", missing))
        self.count = graph.sum(self.seen, 1, keepdims=1)
        self.divisor = graph.add("Max", self.count, np.float64(1))

    def mean_of(self, values):
        total = self.graph.sum(values, 1, keepdims=1)
        return self.graph.add("Div", total, self.divisor)

    def _around(self, values, mean):
        """Deviations from a mean, 0 where nothing was observed."""
        return self.graph.add("Mul", self.graph.add("Sub", values, mean), self.seen)

    @cached_property
    def mean(self):
        return self.mean_of(self.cells)

    @cached_property
    def deviations(self):
        return self._around(self.cells, self.mean)

    def mean_product(self, one, other):
        return self.mean_of(self.graph.add("Mul", one, other))

    def last(self):
        graph = self.graph
        places = graph.add("Mul", self.seen, self.steps)
        last = graph.over("ReduceMax", places, 1, keepdims=1)
        is_last = graph.double(graph.add("Equal", self.steps, last))
        return graph.sum(graph.add("Mul", self.cells, is_last), 1, keepdims=1)

    def std(self):
        return self.graph.add(
            "Sqrt", self.mean_product(self.deviations, self.deviations)
        )

    def slope(self):
        graph = self.graph
        steps = self._around(self.steps, self.mean_product(self.seen, self.steps))
        spread = self.mean_product(steps, steps)
        is_one = graph.add("Equal", spread, np.float64(0))
        spread = graph.filled(spread, is_one, 1)  # 0 of a single step
        return graph.add("Div", self.mean_product(steps, self.deviations), spread)


_STATISTICS = {
    "last": _Observed.last,
    "mean": lambda observed: observed.mean,
    "std": _Observed.std,
    "slope": _Observed.slope,
}


def summarised(graph, summary, x):
    """What a fitted WindowSummary gives: (n_samples, n_features * n_statistics)."""
    n_timesteps, n_features = summary.sequence_shape_
    observed = _Observed(graph, x, n_timesteps)
    names = summary.statistics_
    columns = [_STATISTICS[name](observed) for name in names]
    table = graph.transpose(graph.add("Concat", *columns, axis=1), 0, 2, 1)
    none = graph.add("Equal", graph.transpose(observed.count, 0, 2, 1), np.float64(0))
    table = graph.single(graph.filled(table, none, np.nan))
    return graph.reshape(table, 0, n_features * len(names))


def imputed(graph, imputer, cells):
    """Cells with the numbers of a fitted SimpleImputer where one is missing."""
    means = imputer.statistics_.astype(np.float32)
    return graph.add("Where", graph.add("IsNaN", cells), means, cells)


def scaled(graph, scaler, cells):
    """Cells as a fitted StandardScaler gives them, all of single precision."""
    deviations = graph.add("Sub", cells, scaler.mean_.astype(np.float32))
    return graph.add("Div", deviations, scaler.scale_.astype(np.float32))
