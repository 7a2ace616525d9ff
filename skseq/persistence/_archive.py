# SPDX-License-Identifier: BSD-3-Clause
"""A zip without compression, sealed by a checksum of all of its bytes."""

import hashlib
import io
import os
import stat
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

_SEAL = b"skseq sha256 "
_SEAL_SIZE = len(_SEAL) + 64


class FileFormatError(ValueError):
    """The file is not one that :func:`skseq.save` wrote, or was changed since.

    Also raised for a file of another format version. The message says what is wrong.
    """

    __module__ = "skseq.persistence"  # what users see in a traceback


def pack(members):
    """Make an archive of bytes by name; the same members give the same bytes."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        for name, content in members.items():
            info = ZipInfo(name)  # of a fixed date
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
        archive.comment = bytes(_SEAL_SIZE)
    # A view that lives on would keep the buffer from being closed when both are thrown
    # away, of which Python 3.13 complains.
    with buffer.getbuffer() as content:
        content[-_SEAL_SIZE:] = _seal(content[:-_SEAL_SIZE])
    return buffer.getvalue()


def _seal(content):
    return _SEAL + hashlib.sha256(content).hexdigest().encode()


def read_file(path):
    """The bytes of a regular file (a device might have no end)."""
    with open(path, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileFormatError("it is not a regular file")
        return file.read()


def unpack(content):
    """Bytes by name of an archive that `pack` made.

    Raises
    ------
    FileFormatError
        If any byte was changed, or a member is not as `pack` writes it.
    """
    content = memoryview(content)
    if content[:4] != b"PK\x03\x04":
        raise FileFormatError("it is not a zip file")
    seal = bytes(content[-_SEAL_SIZE:])
    if not seal.startswith(_SEAL):
        raise FileFormatError(
            "its end is not that of a file of skseq: it is truncated, or was written "
            "by something else"
        )
    if seal != _seal(content[:-_SEAL_SIZE]):
        raise FileFormatError(
            "its checksum is not that of its content: a part of it was changed or lost"
        )
    return read_members(content)


def read_members(content):
    """Bytes by name of a zip of flat, stored members, none larger than the file."""
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members, len(content))
            return {member.filename: archive.read(member) for member in members}
    except BadZipFile as error:
        raise FileFormatError(f"it is not a sound zip file: {error}") from error


def _check_members(members, size):
    names = set()
    for member in members:
        name = member.filename
        if name in names:
            raise FileFormatError(f"it has two members of the name {name!r}")
        names.add(name)
        # Nothing is ever extracted, but no file of ours has such a name.
        if "/" in name or "\\" in name or name in ("", ".", ".."):
            raise FileFormatError(f"its member {name!r} has a path for a name")
        if member.compress_type != ZIP_STORED or member.flag_bits & 1:
            raise FileFormatError(f"its member {name!r} is compressed or encrypted")
        if member.file_size != member.compress_size:
            raise FileFormatError(f"its member {name!r} states two sizes")
    if sum(member.file_size for member in members) > size:
        raise FileFormatError("its members claim more bytes than the file has")
