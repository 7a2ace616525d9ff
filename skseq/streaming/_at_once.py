# SPDX-License-Identifier: BSD-3-Clause
"""Rows of one call that do nothing but to follow on those of their series."""

from dataclasses import dataclass

import numpy as np

# What is no larger can be told from what differs by one, and is exact in a difference.
_LARGEST = {"f": 2.0**52, "i": 2**62}


def _exact(times):
    """Times as an array, None where that may round them."""
    array = np.array(times)
    largest = _LARGEST.get(array.dtype.kind, -1)
    return array if -largest <= array.min() <= array.max() <= largest else None


@dataclass
class Following:
    """Which rows are of which series, and how long they come after the one before.

    ``order`` puts the rows of a series together, in the order of ``names``; those of
    number k are ``order[bounds[k] : bounds[k + 1]]``. ``numbers`` are those of the
    series of the rows as they came.
    """

    names: list
    numbers: np.ndarray
    order: np.ndarray
    bounds: np.ndarray

    @classmethod
    def of(cls, keys):
        known = {key: k for k, key in enumerate(dict.fromkeys(keys))}
        numbers = np.fromiter(map(known.__getitem__, keys), np.intp, len(keys))
        counts = np.bincount(numbers, minlength=len(known))
        return cls(
            [*known],
            numbers,
            np.argsort(numbers, kind="stable"),
            np.concatenate([[0], np.cumsum(counts)]),
        )

    @property
    def firsts(self):
        """The first row of each series."""
        return self.order[self.bounds[:-1]]

    @property
    def lasts(self):
        """The last row of each series."""
        return self.order[self.bounds[1:] - 1]

    def deltas(self, series, times, limits):
        """Time of each row since the one before, where all go on.

        None where any row is late, too far ahead or the first one after a gap, where
        the last row of a series is in doubt, or where that cannot be told exactly.
        """
        if any(s.from_training or s.before is not None for s in series):
            return None
        if times[0] is None:
            return np.zeros(len(times))
        if not all(s.times for s in series):
            return None
        times = _exact([*(s.times[-1] for s in series), *times])
        if times is None:
            return None
        lasts, times = times[: len(series)], times[len(series) :][self.order]
        before, deltas = np.empty_like(times), np.empty_like(times)
        before[1:], before[self.bounds[:-1]] = times[:-1], lasts
        deltas[self.order] = times - before
        longest = [d for d in (limits.gap, limits.jump, limits.memory) if d is not None]
        if deltas.min() < 0 or deltas.max().item() > min(longest, default=np.inf):
            return None
        return deltas

    def joined(self, kept, rows):
        """A table of what each series has kept and then of its rows.

        Parameters
        ----------
        kept : list of ndarray of shape (n_kept, n_columns)
            Of each series.

        rows : ndarray of shape (n_rows, n_columns)
            As they came.

        Returns
        -------
        table : ndarray of shape (n_series * n_kept + n_rows, n_columns)

        places : ndarray of int of shape (n_rows,)
            Where in it the rows are.
        """
        n_kept = len(kept[0])
        shape = len(kept) * n_kept + len(rows), rows.shape[1]
        table = np.empty(shape, dtype=kept[0].dtype)
        starts = self.bounds[:-1] + n_kept * np.arange(len(kept))
        before = starts[:, np.newaxis] + np.arange(n_kept)
        table[before] = np.stack(kept)
        places = np.arange(len(rows)) + n_kept * (self.numbers[self.order] + 1)
        table[places] = rows[self.order]
        out = np.empty_like(places)
        out[self.order] = places
        return table, out
