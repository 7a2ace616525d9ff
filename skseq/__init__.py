# SPDX-License-Identifier: BSD-3-Clause
"""Windows, latent vectors and rare events from rows in time order.

Every name is loaded when it is first used: ``import skseq`` alone imports
neither TensorFlow nor scikit-learn.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skseq import (
        alarms,
        autoencoder,
        baselines,
        datasets,
        detection,
        keras_networks,
        metrics,
        model_selection,
        persistence,
        plotting,
        streaming,
        supervised,
        windowing,
    )
    from skseq._report import report
    from skseq.autoencoder import LSTMAutoencoder
    from skseq.baselines import PCAAutoencoder
    from skseq.committee import DetectorCommittee
    from skseq.context_encoder import ContextEncoder
    from skseq.detection import RareEventClassifier
    from skseq.keras_networks import KerasAutoencoder
    from skseq.moving_reference import MovingReference
    from skseq.persistence import load, save, to_onnx
    from skseq.pyod_detector import from_pyod
    from skseq.reading import read_table
    from skseq.reconstructor import LSTMReconstructor
    from skseq.residual import ResidualAutoencoder
    from skseq.streaming import StreamScorer
    from skseq.supervised import LSTMClassifier, LSTMRegressor
    from skseq.windowing import (
        EachSeries,
        EachTimeStep,
        SlidingWindow,
        Windows,
        WindowSummary,
        early_warning_labels,
        labels_from_intervals,
        pad_sequences,
        sliding_windows,
        suggest_window_size,
        temporalize,
        unpad_sequences,
    )

__version__ = "0.2.0"

__all__ = [
    "ContextEncoder",
    "DetectorCommittee",
    "EachSeries",
    "EachTimeStep",
    "KerasAutoencoder",
    "LSTMAutoencoder",
    "LSTMClassifier",
    "LSTMReconstructor",
    "LSTMRegressor",
    "MovingReference",
    "PCAAutoencoder",
    "RareEventClassifier",
    "ResidualAutoencoder",
    "SlidingWindow",
    "StreamScorer",
    "WindowSummary",
    "Windows",
    "alarms",
    "autoencoder",
    "baselines",
    "datasets",
    "detection",
    "early_warning_labels",
    "from_pyod",
    "keras_networks",
    "labels_from_intervals",
    "load",
    "metrics",
    "model_selection",
    "pad_sequences",
    "persistence",
    "plotting",
    "read_table",
    "report",
    "save",
    "sliding_windows",
    "streaming",
    "suggest_window_size",
    "supervised",
    "temporalize",
    "to_onnx",
    "unpad_sequences",
    "windowing",
]

_MODULE_OF = {
    "ContextEncoder": "context_encoder",
    "DetectorCommittee": "committee",
    "EachSeries": "windowing",
    "EachTimeStep": "windowing",
    "KerasAutoencoder": "keras_networks",
    "LSTMAutoencoder": "autoencoder",
    "LSTMClassifier": "supervised",
    "LSTMReconstructor": "reconstructor",
    "LSTMRegressor": "supervised",
    "MovingReference": "moving_reference",
    "PCAAutoencoder": "baselines",
    "RareEventClassifier": "detection",
    "ResidualAutoencoder": "residual",
    "SlidingWindow": "windowing",
    "StreamScorer": "streaming",
    "WindowSummary": "windowing",
    "Windows": "windowing",
    "early_warning_labels": "windowing",
    "from_pyod": "pyod_detector",
    "labels_from_intervals": "windowing",
    "load": "persistence",
    "pad_sequences": "windowing",
    "read_table": "reading",
    "report": "_report",
    "save": "persistence",
    "sliding_windows": "windowing",
    "suggest_window_size": "windowing",
    "temporalize": "windowing",
    "to_onnx": "persistence",
    "unpad_sequences": "windowing",
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
