# SPDX-License-Identifier: BSD-3-Clause
"""What a fitted SlidingWindow knows: all that its methods, streams and files read."""

from dataclasses import dataclass, replace

import pandas as pd

from ..rows._keys import Key, kind_of_names
from ..rows._series import SeriesRows, plain_names, rows_by_series
from ..rows._time import NUMBERS, duration_value, is_duration, ticks, with_time
from ._last_rows import LastRows
from ._reach import Reach


@dataclass(frozen=True)
class WindowPlan:
    """How windows are made of a table. Of plain types and arrays only."""

    features: tuple[int, ...]  # positions of these columns
    groups: tuple[Key, ...]  # what names the series of a row
    time: Key | None
    reach: Reach
    delta_scale: float | None = None  # where the time since the row before is appended
    last_rows: LastRows | None = None  # of each series of the training table
    around_hole: SeriesRows | None = None  # training rows that may leave out later ones

    @property
    def keys(self):
        return self.groups if self.time is None else (*self.groups, self.time)

    @property
    def delta_unit(self):
        """``delta_scale`` in the unit of the time values."""
        return self.delta_scale * ticks(self.time.kind)

    @property
    def n_features_out(self):
        return len(self.features) + (self.delta_scale is not None)

    @property
    def rows_back(self):
        """Rows of a series that the window of the next one can depend on."""
        return self.reach.n_timesteps - (self.delta_scale is None)

    @property
    def max_gap(self):
        """The longest time between two rows of a window, as one would give it."""
        if self.reach.gap is None or self.time.kind == NUMBERS:
            return self.reach.gap
        return pd.Timedelta(self.reach.gap, "ns")

    def as_given(self, time):
        """Time values as numbers or datetimes: in UTC, or, of durations, since 1970."""
        return time if self.time.kind == NUMBERS else time.view("M8[ns]")

    def rows_of(self, X):
        """The rows of a later table by series, and their order in it."""
        rows, order, keys = read_rows(X, self.groups, self.time)
        for key, seen in zip(self.keys, keys, strict=True):
            key.check_kind(seen)
        return rows, order


def read_rows(X, groups, time):
    """Put the rows of each series of a table together.

    Parameters
    ----------
    X : DataFrame or ndarray

    groups : tuple of Key

    time : Key or None

    Returns
    -------
    rows : SeriesRows
        With the names of the series and the time.

    order : ndarray of int or None
        As :func:`rows_by_series` gives it.

    keys : list of Key
        Those of the groups and that of time, with what they hold.
    """
    columns = [key.values(X) for key in groups]
    places = [key.place for key in groups]
    rows, order = rows_by_series(columns, len(X), places=places)
    firsts = rows.starts if order is None else order[rows.starts]
    names = [column.iloc[firsts] for column in columns]
    rows = replace(rows, names=tuple(map(plain_names, names)))
    kinds = [kind_of_names(column) for column in names]
    if time is not None:
        rows, kind = with_time(rows, order, time.values(X), columns, time.place)
        groups, kinds = (*groups, time), [*kinds, kind]
    keys = [replace(k, kind=kind) for k, kind in zip(groups, kinds, strict=True)]
    return rows, order, keys


def reach_of(slider, time):
    """How far back the windows of a SlidingWindow reach, in the unit of the time."""
    kind = NUMBERS if time is None else time.kind
    gap = duration = None
    n_timesteps = slider.window_size
    if slider.max_gap is not None:
        gap = duration_value(slider.max_gap, kind, "max_gap")
    if is_duration(slider.window_size):
        n_timesteps = slider.max_steps
        duration = duration_value(slider.window_size, kind, "window_size")
    return Reach(int(n_timesteps), duration, gap)
