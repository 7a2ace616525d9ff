# SPDX-License-Identifier: BSD-3-Clause
"""Values that a file can hold: as JSON, arrays, and bytes of skops.

JSON's own values and lists stand for themselves; all else is an object with a "type".
"""

import contextlib
import math
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ..rows._time import is_zone
from . import _skops
from ._archive import FileFormatError
from ._classes import (
    is_fitted,
    name_of,
    restored,
    state_of,
)

# What safetensors does not know is stored as numbers of as many bytes.
_VIEWS = {"U": np.uint32, "M": np.int64, "m": np.int64}
_STORED = "biufUMm"
_UNICODE_END = 0x110000


def _pack_dict(value):
    return [[*item] for item in value.items()]


def _unpack_dict(items):
    value = dict(items)
    if len(value) != len(items):
        raise ValueError("a key is there twice")
    return value


def _pack_duration(value):
    return [value.days, value.seconds, value.microseconds]


def _pack_timestamp(stamp):
    zone = None if stamp.tz is None else str(stamp.tz)
    return [int(stamp.asm8.view(np.int64)), stamp.unit, zone]


def _unpack_timestamp(value):
    count, unit, zone = value
    stamp = pd.Timestamp(np.datetime64(count, unit))
    if not (zone is None or is_zone(zone)):
        raise ValueError(f"{zone!r} is no name of a time zone")
    return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(zone)


def _pack_timedelta(delta):
    return [int(delta.asm8.view(np.int64)), delta.unit]


def _unpack_random_state(state):
    generator = np.random.RandomState()
    generator.set_state(state)
    return generator


class _Kind(NamedTuple):
    """Values of a type, made of simpler ones and back."""

    type: type
    pack: Callable
    unpack: Callable


_KINDS = {
    "float": _Kind(float, repr, float),  # those that JSON has not
    "tuple": _Kind(tuple, list, tuple),
    "dict": _Kind(dict, _pack_dict, _unpack_dict),
    "timedelta": _Kind(timedelta, _pack_duration, lambda parts: timedelta(*parts)),
    "pandas.Timedelta": _Kind(
        pd.Timedelta, _pack_timedelta, lambda t: pd.Timedelta(np.timedelta64(*t))
    ),
    "pandas.Timestamp": _Kind(pd.Timestamp, _pack_timestamp, _unpack_timestamp),
    "RandomState": _Kind(
        np.random.RandomState, lambda rng: rng.get_state(), _unpack_random_state
    ),
}
_KIND_OF = {kind.type: name for name, kind in _KINDS.items()}


class Encoder:
    """Makes JSON of a value, and collects the arrays and bytes that it refers to."""

    def __init__(self, trusted):
        self.arrays, self.blobs = {}, {}
        self._trusted = trusted

    def encode(self, value, where):
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float and math.isfinite(value):
            return value
        if kind is list:
            return [self.encode(v, f"{where}[{k}]") for k, v in enumerate(value)]
        if kind in (np.ndarray, np.memmap):
            return self._encode_array(np.asarray(value), where)
        if isinstance(value, np.generic) and value.dtype.kind in _STORED:
            return self._encode_array(np.asarray(value), where) | {"scalar": True}
        if kind in _KIND_OF:
            name = _KIND_OF[kind]
            packed = _KINDS[name].pack(value)
            return {"type": name, "value": self.encode(packed, where)}
        if name_of(value) is not None:
            return self._encode_object(value, where)
        if isinstance(value, BaseEstimator) and kind.__module__.startswith("sklearn."):
            name = f"{len(self.blobs)}.skops"
            self.blobs[name] = _skops.dump(value, where, self._trusted)
            return {"type": "skops", "member": name}
        raise TypeError(_refusal(value, where))

    def _encode_object(self, value, where):
        name, state = name_of(value), state_of(value)
        return {
            "type": "object",
            "class": name,
            "fitted": is_fitted(name, state),
            "state": {k: self.encode(v, f"{where}.{k}") for k, v in state.items()},
        }

    def _encode_array(self, array, where):
        if array.dtype == object:
            items = [self.encode(v, f"{where}[{k}]") for k, v in enumerate(array.flat)]
            return {"type": "objects", "shape": [*array.shape], "items": items}
        kind, size = array.dtype.kind, array.dtype.itemsize
        if kind not in _STORED or (kind == "f" and size > 8):
            raise TypeError(f"{where}, an array of {array.dtype}, cannot be saved.")
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        # Sums and products may round otherwise in the other order of memory.
        order = "F" if array.flags.fnc else "C"
        stored = np.array(array.T if order == "F" else array, order="C")
        if kind in _VIEWS:
            stored = stored[..., np.newaxis].view(_VIEWS[kind])
        self.arrays[where] = stored
        return {
            "type": "array",
            "name": where,
            "dtype": array.dtype.str,
            "order": order,
        }


def _refusal(value, where):
    kind = type(value)
    if kind.__name__ in ("KerasAutoencoder", "KerasClassifier"):
        return (
            f"{where} is a {kind.__name__}, whose network is code of your own, which a "
            "file without code cannot hold. Use pickle, or save the network with "
            "estimator_.model_.save (model_.save for a KerasClassifier)."
        )
    return (
        f"{where} is a {kind.__module__}.{kind.__qualname__}, which a file without "
        "code cannot hold. Set it to a number, a str, or an estimator of skseq or "
        "scikit-learn, or use pickle."
    )


class Decoder:
    """Makes a value of JSON, arrays and bytes; takes each of these once."""

    def __init__(self, arrays, blobs, trusted):
        self._arrays, self._blobs = dict(arrays), dict(blobs)
        self._trusted = trusted

    def decode_all(self, encoded, where):
        """The value; a FileFormatError where an array or bytes are left over."""
        value = self.decode(encoded, where)
        unread = [*self._arrays, *self._blobs]
        if unread:
            raise FileFormatError(f"nothing refers to {unread[0]!r}")
        return value

    def decode(self, encoded, where):
        if isinstance(encoded, list):
            return [self.decode(v, f"{where}[{k}]") for k, v in enumerate(encoded)]
        if not isinstance(encoded, dict):
            return encoded
        fields = dict(encoded)
        kind = fields.pop("type", None)
        with _located(where):
            if kind in _KINDS:
                return self._decode_simple(_KINDS[kind], where, **fields)
            method = {
                "array": self._decode_array,
                "objects": self._decode_objects,
                "object": self._decode_object,
                "skops": self._decode_skops,
            }.get(kind)
            if method is None:
                raise FileFormatError(f"{where} has the unknown type {kind!r}")
            return method(where, **fields)

    def _decode_simple(self, kind, where, *, value):
        return kind.unpack(self.decode(value, where))

    def _decode_object(self, where, *, state, fitted, **fields):
        name = fields.pop("class")
        if fields:
            raise FileFormatError(f"{where} has unknown parts, {sorted(fields)}")
        state = {k: self.decode(v, f"{where}.{k}") for k, v in state.items()}
        return restored(name, state, fitted=fitted)

    def _decode_objects(self, where, *, shape, items):
        items = self.decode(items, where)
        return np.fromiter(items, dtype=object, count=len(items)).reshape(shape)

    def _decode_skops(self, where, *, member):
        return _skops.load(self._take(self._blobs, member), where, self._trusted)

    def _decode_array(self, where, *, name, dtype, order, scalar=False):
        stored, dtype = self._take(self._arrays, name), np.dtype(dtype)
        array = stored.copy()
        if dtype.kind in _VIEWS:
            if dtype.kind == "U" and array.max(initial=0) >= _UNICODE_END:
                raise FileFormatError(f"{where} holds what is not text")
            array = array.view(dtype)[..., 0]
        if array.dtype != dtype:
            raise FileFormatError(f"{where} is of {array.dtype}, not of {dtype}")
        array = array.T if order == "F" else array
        return array[()] if scalar else array

    def _take(self, held, name):
        if name not in held:
            raise FileFormatError(f"{name!r} is missing, or referred to twice")
        return held.pop(name)


@contextlib.contextmanager
def _located(where):
    """Whatever is wrong with a value is one error, that says where."""
    try:
        yield
    except (FileFormatError, MemoryError, RecursionError):
        raise
    except Exception as error:
        raise FileFormatError(f"{where} is not valid: {error}") from error
