# SPDX-License-Identifier: BSD-3-Clause
"""How large JSON may be, told from its text, before anything is built of it."""

import re

import numpy as np

from ._archive import FileFormatError

MAX_BYTES = 2**24
_MAX_DEPTH = 100
_MAX_NODES = 10**6
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def check_json(text, where):
    """Raise a FileFormatError where JSON is too large, too deep or of too many parts.

    Parameters
    ----------
    text : bytes

    where : str
        What it is, for the error.
    """
    if len(text) > MAX_BYTES:
        raise FileFormatError(f"{where} has more than {MAX_BYTES} bytes")
    signs = np.frombuffer(_TEXT.sub(b"", bytes(text)), dtype=np.uint8)
    opens = (signs == ord("[")) | (signs == ord("{"))
    closes = (signs == ord("]")) | (signs == ord("}"))
    # Whatever else it may be, it has no more parts than these.
    n_nodes = np.count_nonzero(opens) + np.count_nonzero(signs == ord(","))
    if n_nodes > _MAX_NODES:
        raise FileFormatError(f"{where} has more than {_MAX_NODES} parts")
    depth = np.cumsum(opens.astype(np.int64) - closes)
    if depth.max(initial=0) > _MAX_DEPTH:
        raise FileFormatError(f"{where} is nested more than {_MAX_DEPTH} deep")


def check_arrays_header(content):
    """The same of the JSON at the head of safetensors, whose length comes first."""
    size = int.from_bytes(content[:8], "little")
    if size > MAX_BYTES:
        raise FileFormatError(f"the names of its arrays have over {MAX_BYTES} bytes")
    check_json(content[8 : 8 + size], "the list of its arrays")
