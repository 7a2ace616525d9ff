# SPDX-License-Identifier: BSD-3-Clause
"""Windows: a lazy 3-D array-like over a 2-D table."""

import sys
from itertools import pairwise

import numpy as np

from ..rows._row_numbers import (
    check_positive,
    check_series_starts,
    index_dtype,
    row_numbers,
    take_rows,
)
from ._display import windows_html
from ._memmap import MappedTable, open_table
from ._output import refuse_column_transformer


def _is_whole(key):
    return key is Ellipsis or (isinstance(key, slice) and key == slice(None))


class Windows:
    """Windows of a table, gathered when asked for.

    Behaves like an array of shape ``(n_samples, n_timesteps, n_features)``, but keeps
    only the table, and for each window the rows at which it starts and ends. Slicing
    gives another ``Windows`` on the same table; :func:`numpy.asarray` gathers. Pickling
    ships the rows that the windows refer to, once each.

    Usually made by :class:`SlidingWindow` or :func:`sliding_windows`.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_features)
        float32 or float64. The rows of one series are contiguous and in time order.
        Kept by reference: do not write to it afterwards.

    starts, ends : array-like of int of shape (n_samples,)
        Window ``i`` holds the rows ``starts[i]`` to ``ends[i]`` of the table, both
        included. Where that is less than ``n_timesteps``, NaN stands in front.

    n_timesteps : int
        Length of each window.

    series_starts : array-like of int of shape (n_series,), default=(0,)
        Row of the table at which each series starts, increasing.

    feature_names : list of str, default=None
        Names of the columns of the table.

    index : pandas.Index of length n_samples, default=None
        Label of each window, carried through slicing.

    series_names : tuple of ndarray of shape (n_series,), default=()
        Names of the series: an array for each column that names them.

    times : ndarray of shape (n_rows,), default=None
        Time of each row of the table: numbers, or datetimes.

    Attributes
    ----------
    shape : tuple of three int
        ``(n_samples, n_timesteps, n_features)``.

    dtype : numpy.dtype
        Always float32: what indexing and ``np.asarray`` give.

    ndim : int
        Always 3.

    Raises
    ------
    ValueError
        If a window is longer than ``n_timesteps``, or refers to rows outside the table.

    See Also
    --------
    SlidingWindow : One window for each row of a table, as a transformer.
    sliding_windows : Windows outside of a pipeline.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import Windows
    >>> table = np.arange(10.0).reshape(5, 2)
    >>> windows = Windows(table, starts=[0, 0, 1], ends=[0, 1, 2], n_timesteps=2)
    >>> windows
    Windows(shape=(3, 2, 2), table=(5, 2))
    >>> windows[1:]
    Windows(shape=(2, 2, 2), table=(5, 2))
    >>> windows[0]
    array([[nan, nan],
           [ 0.,  1.]], dtype=float32)
    >>> np.asarray(windows).shape
    (3, 2, 2)
    """

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        table,
        starts,
        ends,
        n_timesteps,
        *,
        series_starts=(0,),
        feature_names=None,
        index=None,
        series_names=(),
        times=None,
    ):
        if not isinstance(table, np.ndarray):
            raise TypeError(
                f"'table' must be an ndarray. Got {type(table).__name__} instead."
            )
        if table.ndim != 2 or table.dtype not in (np.float32, np.float64):
            raise ValueError(
                "'table' must be a 2-D array of float32 or float64. Got "
                f"{table.ndim} dimension(s) of {table.dtype} instead."
            )
        n_rows = len(table)
        self.table = table
        self.starts = row_numbers(starts, "starts", n_rows)
        self.ends = row_numbers(ends, "ends", n_rows)
        self.n_timesteps = check_positive(n_timesteps, "n_timesteps")
        self.series_starts = check_series_starts(series_starts, n_rows)
        self.feature_names = None if feature_names is None else list(feature_names)
        self.index = index
        self.series_names = tuple(map(np.asarray, series_names))
        self.times = None if times is None else np.asarray(times)
        self._check()

    def _check(self):
        if self.starts.shape != self.ends.shape or self.starts.ndim != 1:
            raise ValueError(
                "'starts' and 'ends' must be 1-D and of one length. Got shapes "
                f"{self.starts.shape} and {self.ends.shape} instead."
            )
        if self.index is not None and len(self.index) != len(self):
            raise ValueError(
                f"'index' must have one label for each of the {len(self)} windows. "
                f"Got {len(self.index)} instead."
            )
        if self.times is not None and self.times.shape != self.table.shape[:1]:
            raise ValueError(
                f"'times' must have one value for each of the {len(self.table)} rows "
                f"of the table. Got the shape {self.times.shape} instead."
            )
        for names in self.series_names:
            if names.shape != self.series_starts.shape:
                raise ValueError(
                    "'series_names' must hold arrays of one name for each of the "
                    f"{len(self.series_starts)} series. Got the shape {names.shape} "
                    "instead."
                )
        if not len(self):
            return
        if self.starts.min() < 0 or self.ends.max() >= len(self.table):
            raise ValueError(
                f"'starts' and 'ends' must be rows of the table, 0 to "
                f"{len(self.table) - 1}. Got {self.starts.min()} to {self.ends.max()}."
            )
        steps = self.ends - self.starts
        steps += 1
        if steps.min() < 1 or steps.max() > self.n_timesteps:
            raise ValueError(
                f"A window must hold 1 to n_timesteps={self.n_timesteps} rows. Got "
                f"{steps.min()} to {steps.max()} instead."
            )

    @classmethod
    def from_memmap(
        cls,
        table,
        window_size,
        *,
        stride=1,
        series_starts=(0,),
        padded=False,
        feature_names=None,
    ):
        """Windows of a table in a file, which need not fit into memory.

        In memory are 8 bytes for each window. Pickling ships the name of the file in
        place of the rows: workers on other machines must find it at the same path.

        Parameters
        ----------
        table : str, path or numpy.memmap of shape (n_rows, n_features)
            A ``.npy`` file, such as :func:`skseq.windowing.table_to_memmap` writes, or
            an opened one. The rows of one series are contiguous and in time order. Do
            not write to the file afterwards.

        window_size : int
            Number of rows in a window.

        stride : int, default=1
            Rows between the ends of two windows of one series.

        series_starts : array-like of int of shape (n_series,), default=(0,)
            Row at which each series starts, increasing.

        padded : bool, default=False
            Whether to give the windows that reach before the start of their series,
            with NaN in front: for ``stride=1`` one window for each row.

        feature_names : list of str, default=None
            Names of the columns of the table.

        Returns
        -------
        windows : Windows

        See Also
        --------
        skseq.windowing.table_to_memmap : Writes the file.

        Notes
        -----
        An estimator fits on these windows as they are, and gathers each mini-batch from
        random places of the file. In memory it takes about 30 bytes for each window
        besides. :class:`EachTimeStep` would keep what it makes of the table in memory:
        scale on the way into the file.

        Where random places are slow to read, as on a disk or over a network, train on
        blocks of windows in random order, each of them in memory by itself (and set
        ``offset_`` afterwards: it is that of the last block)::

            for start in rng.permutation(range(0, len(windows), size)):
                estimator.partial_fit(windows[start : start + size].compact())

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from skseq import Windows
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "table.npy"
        ...     np.save(path, np.arange(10, dtype="f4").reshape(5, 2))
        ...     Windows.from_memmap(path, 3)[-1]
        array([[4., 5.],
               [6., 7.],
               [8., 9.]], dtype=float32)
        """
        table = open_table(table)
        window_size = check_positive(window_size, "window_size")
        stride = check_positive(stride, "stride")
        series_starts = check_series_starts(series_starts, len(table))
        dtype = index_dtype(len(table))
        # Larger ones than the table may not fit the dtype.
        reach, stride = (min(n, max(len(table), 1)) for n in (window_size - 1, stride))
        first = 0 if padded else window_size - 1
        starts, ends = [], []
        for start, stop in pairwise([*series_starts.tolist(), len(table)]):
            end = np.arange(min(start + first, stop), stop, stride, dtype)
            starts.append(np.maximum(end - dtype(reach), start))
            ends.append(end)
        return cls(
            table,
            np.concatenate(starts),
            np.concatenate(ends),
            window_size,
            series_starts=series_starts,
            feature_names=feature_names,
        )

    @property
    def shape(self):
        return len(self.ends), self.n_timesteps, self.table.shape[1]

    @property
    def ndim(self):
        refuse_column_transformer(sys._getframe(1))
        return 3

    @property
    def series(self):
        """Number of the series of each window, ndarray of int of shape (n_samples,)."""
        return np.searchsorted(self.series_starts, self.ends, side="right") - 1

    def __len__(self):
        return len(self.ends)

    def __repr__(self):
        return f"Windows(shape={self.shape}, table={self.table.shape})"

    def _repr_html_(self):
        return windows_html(self)

    def __getitem__(self, key):
        if isinstance(key, tuple):
            # scikit-learn asks for X[rows, ...].
            if not all(_is_whole(k) for k in key[1:]):
                raise IndexError(
                    "Windows can be indexed on the first axis only. "
                    "Use np.asarray(windows)[...], which gathers all of them."
                )
            key = key[0]
        if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            key = range(len(self))[key]
            return self[key : key + 1]._gather()[0]
        starts = self.starts[key]
        if starts.ndim != 1:
            raise IndexError(
                "Windows can be indexed by an int, a slice, or 1-D ints or bools. Got "
                f"{key!r} instead."
            )
        return self._replace(
            starts=starts,
            ends=self.ends[key],
            index=None if self.index is None else self.index[key],
        )

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Windows are gathered from their table: a copy is needed.")
        return self._gather().astype(dtype or self.dtype, copy=False)

    def _gather(self):
        rows = self.ends[:, np.newaxis] + np.arange(1 - self.n_timesteps, 1)
        starts = self.starts[:, np.newaxis]
        padding = rows < starts
        np.maximum(rows, starts, out=rows)
        windows = take_rows(self.table, rows).astype(np.float32, copy=False)
        windows[padding] = np.nan
        return windows

    def _replace(self, **attributes):
        """Copy with other attributes, which the caller knows to be consistent."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.__dict__.update(attributes)
        return other

    def rows(self, *, return_counts=False):
        """Rows of the table that the windows refer to.

        Parameters
        ----------
        return_counts : bool, default=False
            Whether to tell how many windows hold each row, too.

        Returns
        -------
        rows : ndarray of int
            Increasing, each row once.

        counts : ndarray of int
            Of the windows that hold each row. Only where ``return_counts`` is True.

        Examples
        --------
        >>> import numpy as np
        >>> from skseq import sliding_windows
        >>> windows, _ = sliding_windows(np.zeros((6, 1)), 2)
        >>> windows[[0, 3]].rows()
        array([0, 1, 3, 4])
        >>> windows.rows(return_counts=True)[1].tolist()
        [1, 2, 2, 2, 2, 1]
        """
        first, depth = self._depth()
        rows = np.flatnonzero(depth)
        counts = depth[rows]
        rows += first
        return (rows, counts) if return_counts else rows

    def _depth(self):
        """First row that a window holds, and how many hold each from there on."""
        # Of a slice this is quick, however long the table.
        first, end = self.starts.min(initial=len(self.table)), self.ends.max(initial=-1)
        n = max(end + 2 - first, 1)
        depth = np.zeros(n, dtype=self.ends.dtype)
        one = depth.dtype.type(1)  # with an int, or other indices, at() is slow
        np.add.at(depth, np.subtract(self.starts, first, dtype=np.intp), one)
        np.subtract.at(depth, np.subtract(self.ends, first - 1, dtype=np.intp), one)
        return first, np.cumsum(depth, out=depth)[:-1]

    def with_table(self, table, feature_names=None):
        """Same windows on another table of as many rows.

        Parameters
        ----------
        table : ndarray of shape (n_rows, n_other_features)

        feature_names : list of str, default=None

        Returns
        -------
        windows : Windows
        """
        if len(table) != len(self.table):
            raise ValueError(
                f"'table' must have {len(self.table)} rows. Got {len(table)} instead."
            )
        names = None if feature_names is None else list(feature_names)
        return self._replace(table=table, feature_names=names)

    def holds_any(self, flags):
        """Tell which windows hold a flagged row.

        Parameters
        ----------
        flags : array-like of bool of shape (n_samples,)
            Flag of the last row of each window (so of each row of the table, for
            windows that end at every row). A row at which no window ends, such as one
            that :class:`SlidingWindow` remembers, has no flag.

        Returns
        -------
        held : ndarray of bool of shape (n_samples,)

        Examples
        --------
        >>> import numpy as np
        >>> from skseq import SlidingWindow
        >>> windows = SlidingWindow(2).fit_transform(np.zeros((5, 1)))
        >>> windows.holds_any([0, 1, 0, 0, 0])
        array([False,  True,  True, False, False])
        """
        flags = np.asarray(flags, dtype=bool)
        if flags.shape != self.ends.shape:
            raise ValueError(
                f"'flags' must have one value for each of the {len(self)} windows. Got "
                f"shape {flags.shape} instead."
            )
        flagged = np.zeros(len(self.table), dtype=bool)
        flagged[self.ends[flags]] = True
        return self._hold(flagged)

    def shares_rows(self, other):
        """Tell which windows hold a row that windows of the same table hold too.

        Parameters
        ----------
        other : Windows
            Windows of the same table, such as another slice.

        Returns
        -------
        shared : ndarray of bool of shape (n_samples,)

        Examples
        --------
        >>> import numpy as np
        >>> from skseq import SlidingWindow
        >>> windows = SlidingWindow(2).fit_transform(np.zeros((5, 1)))
        >>> windows.shares_rows(windows[3:])
        array([False, False,  True,  True,  True])
        """
        first, depth = other._depth()
        covered = depth > 0
        flags = np.zeros(len(self.table), dtype=bool)
        flags[first : first + len(covered)] = covered
        return self._hold(flags)

    def _hold(self, row_flags):
        before = np.zeros(len(self.table) + 1, dtype=self.ends.dtype)
        np.cumsum(row_flags, out=before[1:])
        return before[self.ends + 1] > before[self.starts]

    def compact(self):
        """Same windows on a table of no more than the rows they refer to.

        Pickling does this, so that a worker gets no row that it does not need.

        Returns
        -------
        windows : Windows
            The windows themselves where they refer to every row.

        Examples
        --------
        >>> import numpy as np
        >>> from skseq import SlidingWindow
        >>> windows = SlidingWindow(2).fit_transform(np.zeros((5, 1)))
        >>> windows[3:].compact()
        Windows(shape=(2, 2, 1), table=(3, 1))
        """
        rows = self.rows()
        if len(rows) == len(self.table):
            return self
        series = np.searchsorted(self.series_starts, rows, side="right") - 1
        series_starts = np.flatnonzero(np.diff(series, prepend=-1))
        kept = series[series_starts]
        return self._replace(
            table=self.table[rows],
            starts=np.searchsorted(rows, self.starts).astype(self.starts.dtype),
            ends=np.searchsorted(rows, self.ends).astype(self.ends.dtype),
            series_starts=series_starts,
            series_names=tuple(names[kept] for names in self.series_names),
            times=None if self.times is None else self.times[rows],
        )

    def __getstate__(self):
        if MappedTable.can_hold(self.table):
            return {**self.__dict__, "table": MappedTable(self.table)}
        return self.compact().__dict__
