# SPDX-License-Identifier: BSD-3-Clause
"""Files that are there as a whole, or not at all."""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from pathlib import Path
from uuid import uuid4

try:
    import fcntl
except ImportError:  # of Windows
    fcntl = None

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


# What makes a spreadsheet compute a cell; tabs and line ends are passed over there.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


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


def check_regular(path):
    """Path of a file that can be written, with links followed.

    Raises
    ------
    IsADirectoryError
        If it is a folder.

    OSError
        If it is a device, a pipe or a socket: what is there would be replaced by a
        file, under the feet of whoever reads or writes it.
    """
    # A link goes on to point to the file.
    path = Path(os.path.realpath(path))
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(
                errno.EISDIR, "It is a folder. Give the name of a file in it", str(path)
            )
        if not stat.S_ISREG(mode):
            raise OSError(
                errno.EINVAL,
                "It is a device, a pipe or a socket, which is left alone. Name a file",
                str(path),
            )
    return path


@contextlib.contextmanager
def replacing(path):
    """Open a file that takes the place of another when it is complete.

    Whatever happens, the path holds the old or the new. What writers that were killed
    left behind is removed.

    Parameters
    ----------
    path : str or path-like
    """
    path = check_regular(path)
    # Of a length of its own: the name may be as long as the system allows.
    prefix = f".skseq-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}-"
    _remove_abandoned(path.parent, prefix)
    file = _open_locked(path, prefix)
    temporary = Path(file.name)
    try:
        with naming_file(path), file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, temporary)
            if fcntl is not None:
                os.replace(temporary, path)  # while it is locked
        if fcntl is None:
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _open_locked(path, prefix):
    """A new file beside a path, locked as long as it is open, where that can be.

    One that was taken for abandoned before it was locked is gone: then another one.
    """
    while True:
        temporary = path.with_name(f"{prefix}{uuid4().hex}.tmp")
        try:
            file = open(temporary, "xb")
        except OSError as error:
            error.filename = str(path)  # the user knows of no temporary file
            raise
        if fcntl is None:
            return file
        with contextlib.suppress(OSError):  # not all file systems can
            fcntl.flock(file, fcntl.LOCK_EX)
        if temporary.exists():
            return file
        file.close()


def _remove_abandoned(folder, prefix):
    """Remove the temporary files of writers that are no more.

    One that is being written is locked; where there are no locks, as on Windows, the
    system does not remove an open file.
    """
    for path in folder.glob(f"{prefix}*.tmp"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        if fcntl is None:
            with contextlib.suppress(OSError):
                path.unlink()


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


def plain_csv(frame):
    """A table whose text no spreadsheet takes for a formula, to be written as csv.

    Text that begins as a formula does gets an apostrophe in front; numbers, negative
    ones too, are left as they are.
    """
    safe = frame.rename(columns=_not_a_formula)
    for k in range(safe.shape[1]):
        column = safe.iloc[:, k]
        if column.dtype.kind not in "biufmM":
            safe.isetitem(k, column.map(_not_a_formula, na_action="ignore"))
    return safe


def _not_a_formula(cell):
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    with contextlib.suppress(ValueError):
        float(cell)
        return cell
    return f"'{cell}"
