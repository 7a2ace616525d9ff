# SPDX-License-Identifier: BSD-3-Clause
"""Windows, their series and their labels, and what a part of them holds."""

from functools import cached_property

import numpy as np

from .._validation import is_windows
from ..rows._row_numbers import index_dtype


def time_order(ends):
    """Order of windows that end at these rows of a table; a slice where they stand."""
    is_ordered = not (ends[1:] < ends[:-1]).any()
    return slice(None) if is_ordered else np.argsort(ends, kind="stable")


def _classes(y):
    """Labels there are, and the number of each; of flags in a byte for each window."""
    if y.dtype != bool:
        return np.unique(y, return_inverse=True)
    classes = np.flatnonzero([not y.all(), y.any()]).astype(bool)
    return classes, (y & (len(classes) > 1)).astype(np.int8)


class Labelled:
    """Sequences with their series and, where there are any, their labels.

    ``series`` numbers the series that hold a window, in the order of the table; None
    for a single one. ``codes`` are the numbers of the ``classes`` of y, None without.
    """

    def __init__(self, X, y=None, trained="all"):
        self.X = X
        self.series, self.n_series = None, 1
        if is_windows(X) and len(X.series_starts) > 1:
            series = X.series
            present = np.bincount(series) > 0
            if np.count_nonzero(present) > 1:
                self.n_series = np.count_nonzero(present)
                numbers = np.cumsum(present, dtype=index_dtype(len(series))) - 1
                self.series = numbers[series]
        self.codes = self.classes = None
        if y is not None:
            y = np.asarray(y)
            self.of_events = y.dtype == bool
            self.classes, self.codes = _classes(y)
            self.trained = trained

    @cached_property
    def usual(self):
        """Number of the class that is no event; None where all windows are events."""
        if self.of_events:
            return None if self.classes[0] else 0
        return np.bincount(self.codes).argmax()

    def is_event(self, label):
        return self.of_events and label is True

    def name(self, label):
        """What a window of a class is called."""
        if not self.of_events:
            return f"window of class {label!r}"
        return "event" if label else "normal window"

    @cached_property
    def trainable(self):
        """Flags of the windows that may be trained on."""
        if self.trained != "normal":
            return np.ones(len(self.codes), dtype=bool)
        event = self.codes != self.usual
        return ~(self.X.holds_any(event) if is_windows(self.X) else event)

    @cached_property
    def events(self):
        """Number of the event of each window, 0 for those of the usual class."""
        order = time_order(self.X.ends) if is_windows(self.X) else slice(None)
        codes = self.codes[order]
        begins = np.diff(codes, prepend=-1) != 0
        if self.series is not None:
            begins |= np.diff(self.series[order], prepend=-1) != 0
        is_event = codes != self.usual
        events = np.empty(len(codes), dtype=index_dtype(len(codes)))
        events[order] = np.cumsum(begins & is_event, dtype=events.dtype) * is_event
        return events

    def count_series(self, flags):
        """Number of series of which a part holds a window."""
        if self.series is None:
            return int(flags.any())
        return int(np.count_nonzero(np.bincount(self.series[flags])))

    def count_events(self, flags):
        """Number of events of which a part holds a window."""
        return int(np.count_nonzero(np.bincount(self.events[flags])[1:]))

    def lacks(self, training, held_out):
        """The (part, class) of which there is no window: classes of y alone."""
        if self.codes is None:
            return ()
        used = {"training": training & self.trainable, "held-out": held_out}
        n_classes, lacks = len(self.classes), []
        for part, flags in used.items():
            counts = np.bincount(self.codes[flags], minlength=n_classes)
            needed = np.ones(n_classes, dtype=bool)
            if part == "training" and self.trained != "all":
                needed = np.arange(n_classes) == self.usual
            missing = self.classes[needed & (counts == 0)]
            lacks += [(part, label) for label in missing.tolist()]
        return tuple(lacks)

    def odds_ratio(self, flags):
        """Odds of a class in a part, over those in the rest: furthest from 1."""
        if self.codes is None:
            return 1.0
        n_classes = len(self.classes)
        if n_classes < 2:
            return 1.0
        inside = np.bincount(self.codes[flags], minlength=n_classes)
        outside = np.bincount(self.codes, minlength=n_classes) - inside
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = [n / (n.sum() - n) for n in (inside, outside)]
            ratios = np.nan_to_num(odds[0] / odds[1], nan=np.inf)
            return float(ratios[np.abs(np.log(ratios)).argmax()])


def _strata(series, codes):
    """For each series, of the classes that it holds that which fewest series hold."""
    n_series, n_classes = series.max() + 1, codes.max() + 1
    holds = np.zeros((n_series, n_classes), dtype=bool)
    holds[series, codes] = True
    return np.where(holds, holds.sum(axis=0), n_series + 1).argmin(axis=1)


def _nearest_to(target, sizes):
    """Positions of the last series whose windows come near to a number of them."""
    taken, held = [], 0
    for k in reversed(range(len(sizes))):
        if sizes[k] < 2 * (target - held) and len(taken) < len(sizes) - 1:
            taken.append(k)
            held += sizes[k]
    # Where each of them is too long: the shortest, of these the last.
    return taken or [len(sizes) - 1 - np.argmin(sizes[::-1])]


def last_series(series, fraction, codes=None):
    """Flag the windows of whole series, the last ones, by the rarest class they hold.

    The first label of the iterative stratification of Sechidis, Tsoumakas and Vlahavas
    ("On the stratification of multi-label data", ECML PKDD 2011). A series that is the
    only one with its rarest class is not held out, unless all are.
    """
    sizes = np.bincount(series)
    strata = np.zeros(len(sizes), int) if codes is None else _strata(series, codes)
    if np.bincount(strata).max() < 2:
        strata[:] = 0
    held = np.zeros(len(sizes), dtype=bool)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        if len(members) > 1:
            of_members = sizes[members]
            held[members[_nearest_to(fraction * of_members.sum(), of_members)]] = True
    return held[series]
