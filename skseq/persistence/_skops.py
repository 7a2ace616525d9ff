# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own objects as bytes without code, through skops."""

import io
from math import prod

import numpy as np

from ._archive import FileFormatError, read_members

# What skops trusts by default are scikit-learn's estimators, numbers and containers.
# The type of an array, which a SimpleImputer keeps, is as harmless.
_HARMLESS = ("numpy.dtype",)


def dump(value, where, trusted):
    """Bytes of a scikit-learn object; a TypeError names what cannot be saved."""
    import skops.io

    try:
        content = skops.io.dumps(value)
    except (TypeError, AttributeError) as error:
        raise TypeError(
            f"{where}, a {type(value).__name__}, cannot be saved by skops: {error}. "
            "Use pickle, in files that only those who trust you load."
        ) from error
    untrusted = _untrusted(content, trusted)
    if any(name.startswith("skseq.") for name in untrusted):
        raise TypeError(
            f"{where} is a {type(value).__name__} around {untrusted[0]}. In a file, "
            "only a Pipeline holds others. Save what is inside, such as "
            "best_estimator_."
        )
    if untrusted:
        raise TypeError(
            f"{where}, a {type(value).__name__}, holds {', '.join(untrusted)}, which "
            "skops does not trust: a forged one could crash the process or run code. "
            "Name it in 'trusted', here and in skseq.load, to save it all the same."
        )
    return content


def load(content, where, trusted):
    """The scikit-learn object of some bytes, of trusted types only."""
    import skops.io

    for name, member in read_members(content).items():
        if name.endswith(".npy"):
            _check_npy(member, f"{where}, {name!r}")
        elif name != "schema.json":
            raise FileFormatError(f"{where} has an unknown member {name!r}")
    untrusted = _untrusted(content, trusted)
    if untrusted:
        raise FileFormatError(
            f"{where} holds {', '.join(untrusted)}, which is not trusted; if you trust "
            "who wrote the file, name it in 'trusted'"
        )
    return skops.io.loads(content, trusted=[*_HARMLESS, *trusted])


def _untrusted(content, trusted):
    import skops.io

    found = set(skops.io.get_untrusted_types(data=content))
    return sorted(found - {*_HARMLESS, *trusted})


def _check_npy(content, where):
    """NumPy would take the memory of an array before it finds that none follows."""
    stream = io.BytesIO(content)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(stream)]
    shape, _, dtype = read_header(stream)
    size = len(content) - stream.tell()
    if dtype.hasobject or min(shape, default=0) < 0:
        raise FileFormatError(f"{where} holds Python objects, or has no shape")
    if prod(shape) * dtype.itemsize != size:
        raise FileFormatError(
            f"{where} states the shape {shape} of {dtype}, but has {size} bytes"
        )
