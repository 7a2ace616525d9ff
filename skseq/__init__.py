# SPDX-License-Identifier: BSD-3-Clause
"""Windows, latent vectors and rare events from rows in time order.

Every name is loaded when it is first used: ``import skseq`` alone imports
neither TensorFlow nor scikit-learn.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skseq import autoencoder, baselines, datasets, detection, metrics, windowing
    from skseq.autoencoder import LSTMAutoencoder
    from skseq.baselines import PCAAutoencoder
    from skseq.detection import RareEventClassifier
    from skseq.windowing import (
        EachTimeStep,
        SlidingWindow,
        Windows,
        early_warning_labels,
        sliding_windows,
        temporalize,
    )

__version__ = "0.1.0.dev0"

__all__ = [
    "EachTimeStep",
    "LSTMAutoencoder",
    "PCAAutoencoder",
    "RareEventClassifier",
    "SlidingWindow",
    "Windows",
    "autoencoder",
    "baselines",
    "datasets",
    "detection",
    "early_warning_labels",
    "metrics",
    "sliding_windows",
    "temporalize",
    "windowing",
]

_MODULE_OF = {
    "EachTimeStep": "windowing",
    "LSTMAutoencoder": "autoencoder",
    "PCAAutoencoder": "baselines",
    "RareEventClassifier": "detection",
    "SlidingWindow": "windowing",
    "Windows": "windowing",
    "early_warning_labels": "windowing",
    "sliding_windows": "windowing",
    "temporalize": "windowing",
}


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULE_OF.get(name, name)}")
    value = getattr(module, name) if name in _MODULE_OF else module
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
