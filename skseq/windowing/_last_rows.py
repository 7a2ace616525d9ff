# SPDX-License-Identifier: BSD-3-Clause
"""The last rows of each series of a training table, for the windows after the cut."""

from dataclasses import dataclass, replace

import numpy as np

from ..rows._row_numbers import take_rows
from ..rows._series import SeriesRows, names_index


def _ranges(starts, lengths):
    """The integers from each start on, so many for each, one after another."""
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(starts - before, lengths)


@dataclass(frozen=True)
class LastRows:
    """Rows that later rows of the same series continue from."""

    table: np.ndarray
    rows: SeriesRows

    @classmethod
    def of(cls, table, rows, order, plan):
        """Remember the rows that windows of later rows can reach, or one more."""
        reach = plan.reach
        lasts = rows.starts + rows.lengths - 1
        # The later row takes a step of the window itself.
        reach_back = replace(reach, n_timesteps=max(reach.n_timesteps - 1, 1))
        firsts = reach_back.starts(rows, lasts)
        if plan.delta_scale is not None:
            firsts -= ~np.isin(firsts, rows.segment_starts(reach.gap))
        lengths = lasts - firsts + 1
        kept = _ranges(firsts, lengths)
        starts = np.cumsum(lengths) - lengths
        remembered = SeriesRows(len(kept), starts, rows.names, rows.time[kept])
        return cls(take_rows(table, kept if order is None else order[kept]), remembered)

    def precede(self, table, rows):
        """Put the remembered rows of each series before it, where it is later.

        A series continues where all of its rows are later than those remembered.

        Returns
        -------
        table : ndarray of shape (n_rows + n_added, n_features)

        rows : SeriesRows
            The rows of this table.

        positions : ndarray of int of shape (n_rows,)
            Where in this table the given rows are.
        """
        known = np.zeros(1, dtype=int)
        if rows.names:
            known = names_index(self.rows.names).get_indexer(names_index(rows.names))
        lengths = self.rows.lengths[known]
        last_times = self.rows.time[self.rows.starts[known] + lengths - 1]
        continues = (known >= 0) & (rows.time[rows.starts] > last_times)
        added = np.where(continues, lengths, 0)
        if not added.any():
            return table, rows, rows.positions
        shift = np.cumsum(added)
        positions = rows.positions + np.repeat(shift, rows.lengths)
        taken = _ranges(self.rows.starts[known], added)
        before = np.repeat(rows.starts, added)
        # np.insert would round the remembered times to integers.
        time = rows.time.astype(np.result_type(rows.time, self.rows.time), copy=False)
        joined = replace(
            rows,
            n_rows=rows.n_rows + len(taken),
            starts=rows.starts + shift - added,
            time=np.insert(time, before, self.rows.time[taken]),
        )
        return np.insert(table, before, self.table[taken], axis=0), joined, positions
