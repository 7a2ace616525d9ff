# SPDX-License-Identifier: BSD-3-Clause
"""Keras networks of a user's own, as estimators.

``KerasClassifier`` is loaded when it is first used: it needs SciKeras, and so Keras.
"""

from importlib import import_module

from ._autoencoder import KerasAutoencoder

__all__ = ["KerasAutoencoder", "KerasClassifier"]


def __getattr__(name):
    if name != "KerasClassifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}._classifier").KerasClassifier


def __dir__():
    return sorted({*globals(), *__all__})
