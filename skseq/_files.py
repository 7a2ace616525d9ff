# SPDX-License-Identifier: BSD-3-Clause
"""Files that are there as a whole, or not at all."""

import contextlib
import errno
import os
import shutil
from pathlib import Path
from uuid import uuid4

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def is_full(error):
    """Tell the error of a write for which there was no room."""
    return isinstance(error, OSError) and error.errno in _FULL


@contextlib.contextmanager
def naming_file(path):
    """Name the file in the error of a write for which there was no room."""
    try:
        yield
    except OSError as error:
        if is_full(error) and error.filename is None:
            error.filename = str(path)
        raise


@contextlib.contextmanager
def replacing(path):
    """Open a file that takes the place of another when it is complete.

    Whatever happens, the path holds the old or the new.

    Parameters
    ----------
    path : str or path-like
    """
    # A link goes on to point to the file.
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with naming_file(path), open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def write_atomically(path, content):
    """Write bytes to a path at once.

    Parameters
    ----------
    path : str or path-like

    content : bytes-like
    """
    with replacing(path) as file:
        file.write(content)


def _sync_folder(folder):
    """Make a new name last through a loss of power; Windows has no such call."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
