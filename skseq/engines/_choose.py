# SPDX-License-Identifier: BSD-3-Clause
"""Which engine runs a network."""

import sys
from types import SimpleNamespace

from ..networks import Architecture
from ..networks._quiet import quiet_first_call
from ._cores import usable_threads
from .native._built import has_kernels

# Multiplications in the forward pass of a mini-batch from which a GPU trains sooner
# than the kernels on 16 cores: measured by bench_gpu.py.
_WORTH_A_GPU = 1e9

_asked: set[str] = set()


def _gpu_in_play():
    """Tell whether Keras is in use in this process, and computes on a GPU."""
    keras = sys.modules.get("keras")
    if keras is None:
        return False
    # Where the user has loaded Keras, this may be what starts its backend's devices.
    # Its list of devices fails on JAX without a GPU, and on PyTorch.
    with quiet_first_call(_asked, "devices"):
        device = getattr(keras.ops.zeros(1), "device", "cpu")
        return "cpu" not in str(device).lower()


def _not_native(architecture):
    """The parameter that asks for what the kernels lack, and its value; or None."""
    if architecture.kind == "context":
        return "a ContextEncoder"
    if architecture.kind == "autoencoder" and architecture.decoder != "repeat":
        return f"decoder={architecture.decoder!r}"
    for name in ("cell", "bidirectional", "recurrent_dropout"):
        value = getattr(architecture, name)
        if value != getattr(Architecture, name):
            return f"{name}={value!r}"
    return None


def may_be_native(params):
    """Tell from the parameters of an estimator whether its network would be native."""
    if params["engine"] == "keras" or not has_kernels():
        return False
    if params["engine"] == "auto" and _gpu_in_play():
        return False
    usual = {"kind": "autoencoder", "decoder": Architecture.decoder}
    return _not_native(SimpleNamespace(**usual | params)) is None


def _is_worth_a_gpu(architecture, batch_size):
    n_steps = batch_size * architecture.n_timesteps
    return n_steps * architecture.n_parameters >= _WORTH_A_GPU


def choose_engine(architecture, engine="auto", batch_size=1):
    """What "auto" comes to: native where the kernels are there for the network.

    Parameters
    ----------
    architecture : Architecture

    engine : {"auto", "keras", "native"}, default="auto"

    batch_size : int, default=1
        Sequences of a mini-batch, of which a GPU needs many, or large ones.

    Returns
    -------
    engine : {"keras", "native"}
        Keras, too, where it is loaded and has a GPU, and there is work enough for it.

    Raises
    ------
    ImportError
        If the native engine is asked for, and its kernels were not built.

    ValueError
        If it is asked for a network that it does not support.
    """
    unsupported = _not_native(architecture)
    if engine == "auto":
        natively = has_kernels() and not unsupported
        if natively and _is_worth_a_gpu(architecture, batch_size):
            natively = not _gpu_in_play()
        return "native" if natively else "keras"
    if engine == "native" and not has_kernels():
        raise ImportError(
            "engine='native' needs the compiled kernels of skseq, which were not built "
            "when it was installed. Install a wheel (pip install --only-binary skseq "
            "skseq), or a C++17 compiler and then skseq again; or use engine='keras'."
        )
    if engine == "native" and unsupported:
        raise ValueError(
            f"engine='native' does not support {unsupported}. Use engine='keras', or "
            "engine='auto' to choose what does."
        )
    return engine


def borrow_engine(architecture, engine="auto", *, n_threads=None, strict=True):
    """Lend what trains and runs a network, as a context manager.

    Parameters
    ----------
    architecture : Architecture

    engine : {"auto", "keras", "native"}, default="auto"
        As :func:`choose_engine` understands it.

    n_threads : int, default=None
        Threads of the native engine; None for those of :func:`usable_threads`. Keras
        has settings of its own.

    strict : bool, default=True
        Whether "native" raises where the kernels were not built, or Keras stands in.

    Returns
    -------
    context : context manager
        Yields an :class:`Engine` to one thread at a time.
    """
    if not strict and not has_kernels():
        engine = "auto"
    if choose_engine(architecture, engine) == "keras":
        from ._keras import borrow

        return borrow(architecture)
    from .native._engine import borrow

    return borrow(architecture, n_threads or usable_threads())
