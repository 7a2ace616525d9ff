# SPDX-License-Identifier: BSD-3-Clause
"""EachTimeStep and EachSeries, row by row."""

import numpy as np
from sklearn.preprocessing import RobustScaler, StandardScaler

from ..windowing._steps import _map_rows
from ._rows import names_as_cells


def scaling(step):
    """Center and scale of a scaler that only shifts and divides; None of another step.

    The checks of scikit-learn's own ``transform`` take longer than a small network.
    """
    if type(step) is StandardScaler:
        return step.mean_ if step.with_mean else None, step.scale_
    if type(step) is RobustScaler:
        return step.center_, step.scale_
    return None


def scaled(rows, center, scale):
    rows = rows if center is None else rows - center
    return rows if scale is None else rows / scale


def cells_of_names(names, groups):
    """Names of series, an array for each key, as the cells that name them."""
    cells = [
        names_as_cells(array, key.kind)
        for array, key in zip(names, groups, strict=False)
    ]
    return cells[0] if len(cells) == 1 else [*zip(*cells, strict=True)]


class ForAll:
    """A fitted EachTimeStep: one transformer for the rows of all series."""

    def __init__(self, fitted):
        self.transformer, self.n_out = fitted.transformer_, fitted._n_features_out
        self._names = getattr(self.transformer, "feature_names_in_", None)

    def __call__(self, rows, keys, firsts):
        return self.apply(self.transformer, rows)

    def apply(self, transformer, rows):
        center_and_scale = scaling(transformer)
        if center_and_scale is not None:
            return scaled(rows, *center_and_scale)
        return _map_rows(transformer.transform, rows, self._names, self.n_out)


class ForSeries(ForAll):
    """A fitted EachSeries: a transformer for each series.

    Of one that was not in training, ``firsts`` keeps the first rows, and then the
    transformer that was fitted on them.
    """

    def __init__(self, fitted, groups):
        super().__init__(fitted.pooled_)
        self._fitted = fitted
        self._names = fitted._columns
        names = cells_of_names(fitted.series_names_, groups)
        self._own = dict(zip(names, fitted.transformers_, strict=True))
        self._known = {str(name): name for name in names}
        self._names_series = len(names) > 0

    @property
    def keeps_first_rows(self):
        return self._names_series and self._fitted._unseen == "first_rows"

    def __call__(self, rows, keys, firsts):
        if not self._names_series:
            return super().__call__(rows, keys, firsts)
        out = np.empty((len(rows), self.n_out), rows.dtype)
        places = {}
        for place, key in enumerate(keys):
            places.setdefault(key, []).append(place)
        for key, found in places.items():
            out[found] = self._of_series(key, rows[found], [firsts[k] for k in found])
        return out

    def _of_series(self, key, rows, firsts):
        if key in self._own:
            own = self._own[key]
            return self.apply(self.transformer if own is None else own, rows)
        self._fitted._check_unseen([key], self._known)
        if not self.keeps_first_rows:
            return self.apply(self.transformer, rows)
        seen = [first.take(row) for row, first in zip(rows, firsts, strict=True)]
        out = self.apply(self.transformer, rows)
        later = np.flatnonzero(seen)
        for first in {id(firsts[k]): firsts[k] for k in later}.values():
            places = [k for k in later if firsts[k] is first]
            out[places] = self.apply(first.transformer(self._fitted, key), rows[places])
        return out


class FirstRows:
    """The first rows with a value of a series that EachSeries was not fitted on."""

    def __init__(self, most, rows=()):
        self.most, self.rows = most, [*rows]
        self._own = None

    def take(self, row):
        """Keep a row, where not enough are kept; tell where they are."""
        if len(self.rows) >= self.most:
            return not np.isnan(row).all() or self._own is not None
        if not np.isnan(row).all():
            self.rows.append(row.copy())
        return False

    def transformer(self, fitted, name):
        if self._own is None:
            self._own = fitted._fit_one(name, np.array(self.rows))
        return self._own

    def copy(self):
        twin = FirstRows(self.most, self.rows)
        twin._own = self._own
        return twin
