# SPDX-License-Identifier: BSD-3-Clause
"""Which engine runs a network."""

import sys

from ..networks import Architecture
from .native._built import has_kernels


def _gpu_in_play():
    """Tell whether Keras is in use in this process, and has a GPU."""
    keras = sys.modules.get("keras")
    return keras is not None and bool(keras.distribution.list_devices("gpu"))


def _not_native(architecture):
    """The parameter that asks for what the kernels lack, and its value; or None."""
    if architecture.kind == "context":
        return "architecture='context'"
    if architecture.kind == "autoencoder" and architecture.decoder != "repeat":
        return f"decoder={architecture.decoder!r}"
    for name in ("cell", "bidirectional", "recurrent_dropout"):
        value = getattr(architecture, name)
        if value != getattr(Architecture, name):
            return f"{name}={value!r}"
    return None


def borrow_engine(architecture, engine="auto", *, n_threads=1):
    """Lend what trains and runs a network, as a context manager.

    Parameters
    ----------
    architecture : Architecture

    engine : {"auto", "keras", "native"}, default="auto"
        "auto" is native where its kernels were built and Keras has no GPU to use.

    n_threads : int, default=1
        Threads of the native engine. Keras has settings of its own.

    Returns
    -------
    context : context manager
        Yields an engine to one thread at a time.

    Raises
    ------
    ImportError
        If the native engine is asked for, and its kernels were not built.

    ValueError
        If it is asked for a network that it does not support.
    """
    if engine == "native" and not has_kernels():
        raise ImportError(
            "engine='native' needs the compiled kernels of skseq, which were not built "
            "when it was installed. Install a wheel (pip install --only-binary skseq "
            "skseq), or a C++17 compiler and then skseq again; or use engine='keras'."
        )
    unsupported = _not_native(architecture)
    if engine == "native" and unsupported:
        raise ValueError(
            f"engine='native' does not support {unsupported}. Use engine='keras', or "
            "engine='auto' to choose what does."
        )
    if (
        engine == "keras"
        or not has_kernels()
        or (engine == "auto" and (unsupported or _gpu_in_play()))
    ):
        from ._keras import borrow

        return borrow(architecture)
    from .native._engine import borrow

    return borrow(architecture, n_threads)
