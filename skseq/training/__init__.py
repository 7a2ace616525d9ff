# SPDX-License-Identifier: BSD-3-Clause
"""Weights from windows."""


def borrow_engine(architecture, engine="auto"):
    """Lend what trains and runs a network, as a context manager.

    Parameters
    ----------
    architecture : Architecture

    engine : {"auto", "keras"}, default="auto"
        There is one so far.

    Returns
    -------
    context : context manager
        Yields an engine to one thread at a time.
    """
    from ._keras_engine import borrow

    return borrow(architecture)
