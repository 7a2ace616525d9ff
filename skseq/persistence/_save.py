# SPDX-License-Identifier: BSD-3-Clause
"""Estimators in files that hold no code."""

import json
import platform
import sys

from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from .._files import check_regular, write_atomically
from ._archive import (
    FileFormatError,
    pack,
    read_file,
    unpack,
)
from ._bounds import MAX_BYTES, check_arrays_header, check_json
from ._values import Decoder, Encoder

__all__ = ["FileFormatError", "load", "save"]

_FORMAT_VERSION = 4
_MANIFEST, _ARRAYS = "manifest.json", "arrays.safetensors"


def save(estimator, path, *, trusted=()):
    """Save an estimator, fitted or not, to a file that holds no code.

    Unlike a pickle, the file runs nothing when it is loaded: it names classes out of a
    fixed table, and holds their parameters and arrays.

    Parameters
    ----------
    estimator : estimator
        Any of skseq but :class:`KerasAutoencoder` and ``KerasClassifier``, whose
        networks are code of your own; or a :class:`~sklearn.pipeline.Pipeline` of
        these and of scikit-learn's own.

    path : str or path-like
        File to write, as a whole or not at all: what it held before is only replaced
        when all is written. A link is followed to its file.

    trusted : sequence of str, default=()
        Types of scikit-learn that may be saved though their compiled code believes what
        their arrays say, such as "sklearn.tree._tree.Tree", the nodes of every forest,
        or "sklearn.svm._classes.OneClassSVM": a forged one could crash the process.
        They are those that skops [1]_ does not trust, and some more. The error that
        refuses them names them.

    Raises
    ------
    TypeError
        If the estimator holds what a file without code cannot, such as a function.

    ValueError
        If a parameter is not valid, or attributes do not go together.

    OSError
        If the path is no regular file, such as a folder, a device or a pipe, or cannot
        be written to.

    See Also
    --------
    load : The inverse.

    Notes
    -----
    The file is a zip, not compressed, of a JSON manifest, the arrays as safetensors
    [2]_, and the scikit-learn objects as skops writes them. A callback is not saved,
    nor is ``checkpoint``, a path that belongs to this machine. A ``RandomState`` is
    saved with its state; one that two steps share becomes one for each.

    References
    ----------
    .. [1] skops, secure persistence, https://skops.readthedocs.io.
    .. [2] safetensors, https://github.com/huggingface/safetensors.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> import skseq
    >>> X = np.random.default_rng(0).normal(size=(40, 12, 3))
    >>> detector = skseq.PCAAutoencoder(n_components=4).fit(X)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "detector.skseq")
    ...     skseq.save(detector, path)
    ...     loaded = skseq.load(path)
    >>> loaded
    PCAAutoencoder(n_components=4)
    >>> bool(np.all(loaded.score_samples(X) == detector.score_samples(X)))
    True
    """
    if not isinstance(estimator, BaseEstimator):
        raise TypeError(
            "The 'estimator' parameter of save must be an estimator. Got "
            f"{estimator!r} instead."
        )
    _check_trusted(trusted)
    check_regular(path)
    content = to_bytes(estimator, trusted=trusted)
    try:
        from_bytes(content, trusted=trusted)
    except FileFormatError as error:
        raise ValueError(
            f"{type(estimator).__name__} cannot be saved, since it could not be "
            f"loaded: {error}."
        ) from error
    write_atomically(path, content)


def load(path, *, trusted=()):
    """Load an estimator that :func:`save` saved, without executing anything.

    Parameters
    ----------
    path : str or path-like
        File to read.

    trusted : sequence of str, default=()
        Types that are not trusted, but are by you, who know who wrote the file.

    Returns
    -------
    estimator : estimator
        With the same scores, to the last bit.

    Raises
    ------
    FileFormatError
        If the file is truncated or changed, of another format version, or holds what
        ``save`` does not write; a ValueError that says which.

    See Also
    --------
    save : The inverse.

    Notes
    -----
    Whoever wrote the file chose what the estimator answers: its scores, its threshold,
    and how much time and memory they take, up to 2**28 cells of a sequence. The shapes
    of all arrays that compiled code reads are checked; of types in ``trusted`` they are
    not.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import skseq
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "windows.skseq")
    ...     skseq.save(skseq.SlidingWindow(5), path)
    ...     skseq.load(path)
    SlidingWindow(window_size=5)
    """
    _check_trusted(trusted)
    try:
        return from_bytes(read_file(path), trusted=trusted)
    except FileFormatError as error:
        raise FileFormatError(f"{str(path)!r} cannot be loaded: {error}.") from error


def _check_trusted(trusted):
    if isinstance(trusted, str):
        raise TypeError(
            f"The 'trusted' parameter must be a sequence of str. Got {trusted!r} "
            "instead; put it in a list."
        )


def to_bytes(estimator, *, trusted=()):
    """The content of the file of an estimator."""
    from safetensors.numpy import save as save_arrays

    encoder = Encoder(trusted)
    manifest = {
        "format_version": _FORMAT_VERSION,
        "versions": _versions(),
        "estimator": encoder.encode(estimator, type(estimator).__name__),
    }
    text = json.dumps(manifest, indent=1, allow_nan=False).encode()
    if len(text) > MAX_BYTES:
        raise ValueError(
            f"What is no array of {type(estimator).__name__} has {len(text)} bytes as "
            f"JSON, more than the {MAX_BYTES} that a file may have."
        )
    arrays = save_arrays(encoder.arrays)
    return pack({_MANIFEST: text, _ARRAYS: arrays, **encoder.blobs})


def from_bytes(content, *, trusted=()):
    """The estimator of the content of a file; all of it, or a FileFormatError."""
    try:
        return _from_members(unpack(content), trusted)
    except (FileFormatError, MemoryError, InconsistentVersionWarning):
        raise
    except Exception as error:
        # What libraries make of damaged content has no end.
        raise FileFormatError(f"it is damaged: {error}") from error


def _from_members(members, trusted):
    from safetensors.numpy import load as load_arrays

    for name in (_MANIFEST, _ARRAYS):
        if name not in members:
            raise FileFormatError(f"its member {name!r} is missing")
    manifest = _read_manifest(members.pop(_MANIFEST))
    stored = members.pop(_ARRAYS)
    check_arrays_header(stored)
    arrays = load_arrays(stored)
    decoder = Decoder(arrays, members, trusted)
    try:
        estimator = decoder.decode_all(manifest["estimator"], "estimator")
    except FileFormatError as error:
        raise FileFormatError(f"{error}{_other_version(manifest)}") from error
    if not isinstance(estimator, BaseEstimator):
        raise FileFormatError("it does not hold an estimator")
    return estimator


def _read_manifest(text):
    check_json(text, "its manifest")
    manifest = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    version = manifest.get("format_version")
    if version != _FORMAT_VERSION:
        raise FileFormatError(
            f"it has the format version {version!r}, and this version of skseq reads "
            f"{_FORMAT_VERSION}; it was written by {manifest.get('versions')}"
        )
    for name in ("versions", "estimator"):
        if name not in manifest:
            raise FileFormatError(f"{name!r} is missing in its manifest")
    return manifest


def _unique(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        raise FileFormatError("a name is there twice in its manifest")
    return dict(pairs)


def _refuse(constant):
    raise FileFormatError(f"its manifest holds {constant}, which is not JSON")


def _versions():
    names = ("skseq", "numpy", "pandas", "sklearn", "skops")
    loaded = {name: sys.modules[name] for name in names if name in sys.modules}
    versions = {name: module.__version__ for name, module in loaded.items()}
    return {"python": platform.python_version(), **versions}


def _other_version(manifest):
    """What to add to an error where the file was written by another skseq."""
    written, here = manifest["versions"].get("skseq"), _versions()["skseq"]
    if written == here:
        return ""
    return f" (it was written by skseq {written}, and this is {here})"
