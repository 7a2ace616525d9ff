# SPDX-License-Identifier: BSD-3-Clause
"""From paths to the files of tables, those in folders and zip files too."""

import bz2
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

SUFFIXES = {".csv", ".tsv", ".txt", ".dat", ".parquet", ".pq", ".xlsx", ".xlsm"}
PACKED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_MAGIC = (
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"\xd0\xcf\x11\xe0", "xls"),
)


@dataclass(frozen=True)
class Source:
    """One table in a file."""

    name: str  # that of its series
    label: str  # for messages
    kind: str
    open: Callable  # gives a binary file


def _stem(name):
    """Name of a file without what tells its kind: plant.csv.gz is plant."""
    stem = Path(name).name
    while Path(stem).suffix.lower() in SUFFIXES | set(PACKED) | {".zip"}:
        stem = Path(stem).stem
    return stem


def _kind_of(path):
    """What a file is by its first bytes; its name may lie."""
    with open(path, "rb") as file:
        start = file.read(4)
    kind = next((kind for magic, kind in _MAGIC if start.startswith(magic)), "text")
    is_excel = kind == "zip" and path.suffix.lower() in {".xlsx", ".xlsm"}
    return "excel" if is_excel else kind


def _open_member(path, member):
    with zipfile.ZipFile(path) as archive:
        return io.BytesIO(archive.read(member))


def _members(path):
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    names = [n for n in names if not n.startswith("__MACOSX") and _is_table(n)]
    if not names:
        raise ValueError(f"{path} holds no file of a table.")
    return [
        Source(_stem(n), f"{n} in {path}", _kind_by_name(n), _opener(path, n))
        for n in sorted(names)
    ]


def _opener(path, member):
    return partial(_open_member, path, member)


def _kind_by_name(name):
    suffix = Path(name).suffix.lower()
    kinds = {".parquet": "parquet", ".pq": "parquet", ".xlsx": "excel"}
    return kinds.get(suffix, "text")


def _is_table(name):
    path = Path(name)
    suffixes = {s.lower() for s in path.suffixes[-2:]}
    return not path.name.startswith((".", "~$")) and bool(suffixes & SUFFIXES)


def _of_file(path):
    kind = _kind_of(path)
    if kind == "zip":
        return _members(path)
    if kind == "xls":
        raise ValueError(
            f"{path} is a workbook of before 2007, which cannot be read. Save it as "
            ".xlsx or .csv."
        )
    opener = partial(open, path, "rb")
    if kind == "text" and path.suffix.lower() in {".parquet", ".pq", ".xlsx"}:
        kind = _kind_by_name(path)  # a broken one: let its reader say so
    packed = gzip.open if kind == "gzip" else PACKED.get(path.suffix.lower())
    if kind in {"gzip", "text"} and packed is not None:
        kind, opener = "text", partial(packed, path, "rb")
    return [Source(_stem(path), str(path), kind, opener)]


def sources_of(path):
    """The tables that a path, several, or the files of a folder hold.

    Raises
    ------
    ValueError
        If a file is not there, or a folder holds no table.
    """
    paths = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    found = []
    for one in map(Path, paths):
        if one.is_dir():
            inside = sorted(p for p in one.iterdir() if p.is_file())
            inside = [p for p in inside if _is_table(p) or _is_packed(p)]
            if not inside:
                kinds = ", ".join(sorted(SUFFIXES))
                raise ValueError(f"The folder {one} holds no table ({kinds}).")
            found += [source for p in inside for source in _of_file(p)]
        elif one.is_file():
            found += _of_file(one)
        else:
            raise ValueError(f"There is no file {one}.")
    if not found:
        raise ValueError("'path' is an empty list: name one file or more.")
    return found


def _is_packed(path):
    return path.suffix.lower() == ".zip" and not path.name.startswith(".")
