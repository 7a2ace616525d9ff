# SPDX-License-Identifier: BSD-3-Clause
"""Tables larger than memory, in a file of float32."""

import os
from mmap import mmap

import numpy as np
import pandas as pd

from .._files import replacing
from .._validation import check_cells, named_errors
from ..rows._table import take_features

_BATCH_ROWS = 65_536


class MappedTable:
    """Pickles a table by the name of the file that it is mapped from."""

    def __init__(self, table):
        self._map = table.base

    @staticmethod
    def can_hold(table):
        """Tell a table that is all of what is mapped from a file."""
        mapped = table.base
        # A writable map may not be what the file holds.
        return (
            isinstance(mapped, np.memmap)
            and isinstance(mapped.base, mmap)  # not a part of another
            and mapped.filename is not None
            and mapped.mode == "r"
            and mapped.flags.c_contiguous
            and (mapped.shape, mapped.dtype) == (table.shape, table.dtype)
        )

    def __reduce__(self):
        mapped = self._map
        return _map_table, (mapped.filename, mapped.dtype, mapped.offset, mapped.shape)


def _map_table(filename, dtype, offset, shape):
    return np.asarray(np.memmap(filename, dtype, "r", offset, shape))


def open_table(table):
    """Map a ``.npy`` file, or take a ``numpy.memmap`` of one, as a plain array."""
    if not isinstance(table, np.ndarray):
        table = np.load(table, mmap_mode="r", allow_pickle=False)
    if not isinstance(table, np.memmap):
        raise TypeError(
            "'table' must be a numpy.memmap or the path of a .npy file. For an array "
            "in memory use sliding_windows."
        )
    return np.asarray(table)


def _pieces_of(source):
    """Frames or arrays, one after another."""
    if isinstance(source, (str, os.PathLike)):
        from pyarrow import dataset

        # Without reading ahead: threads are fast to fill the memory.
        batches = dataset.dataset(source, format="parquet").to_batches(
            batch_size=_BATCH_ROWS, batch_readahead=1, fragment_readahead=1
        )
        return (batch.to_pandas() for batch in batches)
    if hasattr(source, "to_delayed"):  # Dask
        return (partition.compute() for partition in source.to_delayed())
    with named_errors("source"):
        return iter(source)


def _checked(pieces):
    """The pieces as float32, with an error that names the piece."""
    columns = None
    for number, piece in enumerate(pieces):
        if not isinstance(piece, pd.DataFrame):
            piece = check_cells(piece, dtype=None, ensure_min_samples=0)
        names = list(getattr(piece, "columns", range(piece.shape[1])))
        columns = names if columns is None else columns
        if names != columns:
            raise ValueError(
                f"The pieces of 'source' must have the same columns. Piece {number} "
                f"has {names}, piece 0 has {columns}."
            )
        if len(piece):
            try:
                yield take_features(piece, range(len(columns))).astype(np.float32)
            except ValueError as error:
                error.add_note(f"In piece {number} of 'source', by its own rows.")
                raise


def _write_npy(file, pieces):
    """Write a header that is replaced when the number of rows is known, then these."""
    n_rows = n_features = 0
    for piece in pieces:
        if not n_rows:
            n_features = piece.shape[1]
            _write_header(file, 0, n_features)
        file.write(np.ascontiguousarray(piece))
        n_rows += len(piece)
    if not n_rows:
        raise ValueError("'source' has no row.")
    file.seek(0)
    _write_header(file, n_rows, n_features)


def _write_header(file, *shape):
    # NumPy leaves room for a larger number of rows.
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def table_to_memmap(source, path):
    """Write a table into a ``.npy`` file of float32, a piece at a time.

    The file is complete or not there: it is written under another name, then renamed.
    One piece is in memory at a time (of a parquet file, 65,536 rows and the row group
    they are in).

    Parameters
    ----------
    source : str, path, dask.dataframe.DataFrame or iterable
        A parquet file, or a folder of them (needs pyarrow); a Dask DataFrame; or the
        pieces themselves, frames or 2-D arrays of the same columns. All of its columns
        are features, and the rows of one series are contiguous and in time order.

    path : str or path
        The file to write. An existing one is replaced.

    Returns
    -------
    table : numpy.memmap of shape (n_rows, n_features), float32
        The file, opened for reading.

    Raises
    ------
    ValueError
        If a column is not numeric, a cell is infinite, the columns of the pieces
        differ, or there is no row.

    See Also
    --------
    Windows.from_memmap : Windows of the table.

    Examples
    --------
    Scale on the way, by statistics that were learnt on the way too:

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skseq import Windows
    >>> from skseq.windowing import table_to_memmap
    >>> pieces = np.random.default_rng(0).normal(5, 3, size=(4, 1000, 2))
    >>> scaler = StandardScaler()
    >>> for piece in pieces:
    ...     scaler = scaler.partial_fit(piece)
    >>> with TemporaryDirectory() as folder:
    ...     table = table_to_memmap(map(scaler.transform, pieces), f"{folder}/x.npy")
    ...     Windows.from_memmap(table, 30)
    Windows(shape=(3971, 30, 2), table=(4000, 2))
    """
    with replacing(path) as file:
        _write_npy(file, _checked(_pieces_of(source)))
    return np.load(path, mmap_mode="r")
