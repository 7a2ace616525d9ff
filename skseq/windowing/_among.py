# SPDX-License-Identifier: BSD-3-Clause
"""A word on rows that lie among those that a SlidingWindow was fitted on."""

import numpy as np

from .._warnings import warn
from ..rows._keys import row_numbers
from ..rows._overlap import WindowOverlapWarning
from ..rows._series import SeriesRows, names_index

_AROUND = 128  # rows that are remembered on each side of the widest step
_WIDE = 1.5  # times the short steps: a step in which a row is missing
_MIN_ROWS = 5  # fewer may lie there by chance


def _short_step(time):
    return np.quantile(np.diff(time), 0.25)


def rows_around_hole(X, rows, time):
    """The rows of a training table around its widest step; None without a wide one.

    A splitter that takes its test part from among the training rows, as KFold does,
    leaves such a step. The places of the rows are their times or, without such, the
    numbers of a frame's index.

    Parameters
    ----------
    X : DataFrame or ndarray

    rows : SeriesRows

    time : Key or None

    Returns
    -------
    around : SeriesRows or None
        Of one series, with its name where places are times.
    """
    names, starts, places = rows.names, rows.starts, rows.time
    if time is None:
        names, starts, places = (), np.zeros(1, dtype=int), row_numbers(X)
    if places is None or len(places) < 2:
        return None
    steps = np.diff(places)
    steps[starts[1:] - 1] = 0
    widest = int(np.argmax(steps))
    k = int(np.searchsorted(starts, widest, side="right")) - 1
    stop = starts[k + 1] if k + 1 < len(starts) else len(places)
    places = places[max(starts[k], widest - _AROUND) : min(stop, widest + _AROUND)]
    if len(places) < 2 * _MIN_ROWS:
        return None
    if steps[widest] < _WIDE * max(_short_step(places), 1e-300):
        return None
    names = tuple(part[k : k + 1] for part in names)
    return SeriesRows(len(places), np.zeros(1, dtype=int), names, places.copy())


def _later_places(X, rows, around, time):
    """Places of the later rows of the series that is remembered."""
    if time is None:
        return row_numbers(X)
    k = 0
    if rows.names:
        k = names_index(rows.names).get_indexer(names_index(around.names))[0]
    if k < 0:
        return None
    return rows.time[rows.starts[k] : rows.starts[k] + rows.lengths[k]]


def warn_of_rows_among(X, rows, around, time):
    """Warn, in transform, where rows lie in the steps that training rows leave."""
    places = _later_places(X, rows, around, time)
    if places is None:
        return
    known = around.time
    places = places[(places >= known[0]) & (places <= known[-1])]
    after = np.searchsorted(known, places)
    if len(places) < _MIN_ROWS or (known[after] == places).any():
        return
    # Rows of another machine may lie between these, too: in steps of usual length.
    if (np.diff(known)[after - 1] < _WIDE * _short_step(known)).any():
        return
    place = "their index" if time is None else f"the {time.place}"
    warn(
        f"The rows of X lie among the rows that SlidingWindow was fitted on, as {place}"
        " tells: windows joined rows on both sides of them, and models learned from "
        "what came after them. So do KFold, and splitters that shuffle, leave rows: "
        "split in time order, as SeriesTimeSplit of skseq.model_selection does. Or, "
        "where later rows may be learned from, give 'time' and 'max_gap', which cuts "
        "windows there.",
        WindowOverlapWarning,
    )
