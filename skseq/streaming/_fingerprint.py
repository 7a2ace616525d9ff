# SPDX-License-Identifier: BSD-3-Clause
"""What tells one fitted estimator from another, in any process."""

import contextlib
import dataclasses
import hashlib

import numpy as np
from sklearn.base import BaseEstimator

# What changes no score.
_IDLE = {
    *("n_jobs", "verbose", "checkpoint"),
    *("_n_threads", "_skl_callbacks", "_sklearn_version"),
}


def fingerprint(estimator):
    """Hash of the class, the parameters and the fitted attributes of an estimator.

    It is that of a copy, of one that was pickled, and of one that was saved and loaded.
    Unlike that of ``joblib.hash`` it does not tell whether two parts are one object.
    """
    digest = hashlib.sha256()
    _add(estimator, digest.update)
    return digest.hexdigest()[:32]


def _add(value, update):
    kind = type(value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        for name in value.dtype.names or ():  # between them may be anything
            _add(value[name], update)
        if value.dtype.names:
            return
        value = value.astype(value.dtype.newbyteorder("<"), copy=False)
        update(f"array {value.dtype.str} {value.shape}".encode())
        update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, (list, tuple, np.ndarray)):
        items = value.ravel().tolist() if isinstance(value, np.ndarray) else value
        update(f"{kind.__name__} {len(value)}".encode())
        for item in items:
            _add(item, update)
    elif isinstance(value, BaseEstimator):
        update(kind.__name__.encode())
        _add(_plain_state(value), update)
    elif isinstance(value, dict):
        update(f"dict {len(value)}".encode())
        for name, item in value.items():
            update(f"{name!r}".encode())
            _add(item, update)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        update(kind.__name__.encode())
        for part in dataclasses.fields(value):
            _add(getattr(value, part.name), update)
    elif value is None or isinstance(value, (bool, int, float, str, np.generic)):
        update(f"{value!r}".encode())
    elif callable(value) and hasattr(value, "__qualname__"):
        update(f"{value.__module__}.{value.__qualname__}".encode())
    elif hasattr(value, "get_weights"):  # of Keras
        _add(value.get_weights(), update)
    else:
        _add_any(value, update)


def _plain_state(estimator):
    state = estimator.__getstate__()
    return {name: state[name] for name in sorted(state) if name not in _IDLE}


def _add_any(value, update):
    """Of any other object the type, and what pickle would keep of it."""
    update(f"{type(value).__module__}.{type(value).__qualname__}".encode())
    with contextlib.suppress(TypeError):  # not all can be pickled
        _, arguments, *state = value.__reduce_ex__(4)
        _add([arguments, *state[:1]], update)
