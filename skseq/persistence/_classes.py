# SPDX-License-Identifier: BSD-3-Clause
"""The classes that a file can name, by names of a fixed table."""

import dataclasses
from importlib import import_module

from sklearn.base import BaseEstimator

from ._archive import FileFormatError
from ._checks import CHECKS, check_input

_MODULES = {
    "AlarmRule": "skseq.alarms",
    "Architecture": "skseq.networks",
    "ContextEncoder": "skseq.context_encoder",
    "DetectorCommittee": "skseq.committee",
    "EachSeries": "skseq.windowing",
    "EachTimeStep": "skseq.windowing",
    "ErrorRule": "skseq.reconstruction._errors",
    "IsotonicLink": "skseq.detection._calibration",
    "Key": "skseq.rows._keys",
    "LSTMAutoencoder": "skseq.autoencoder",
    "LSTMClassifier": "skseq.supervised",
    "LSTMReconstructor": "skseq.reconstructor",
    "LSTMRegressor": "skseq.supervised",
    "LastRows": "skseq.windowing._last_rows",
    "Line": "skseq.engines._line",
    "LinearPath": "skseq.engines._linear",
    "Member": "skseq._members",
    "Members": "skseq._members",
    "MovingReference": "skseq.moving_reference",
    "PCAAutoencoder": "skseq.baselines",
    "Pipeline": "sklearn.pipeline",
    "RareEventClassifier": "skseq.detection",
    "Reach": "skseq.windowing._reach",
    "ResidualAutoencoder": "skseq.residual",
    "SeriesRows": "skseq.rows._series",
    "SigmoidLink": "skseq.detection._calibration",
    "SlidingWindow": "skseq.windowing",
    "WindowPlan": "skseq.windowing._plan",
    "WindowSummary": "skseq.windowing",
}

# What a fitted estimator cannot be without; the first is what tells that it is fitted.
_SEQUENCES = ("n_features_in_", "sequence_shape_")
_NETWORK = (
    "weights_",
    "architecture_",
    "feature_means_",
    "engine_",
    "_n_threads",
    *_SEQUENCES,
)
_JUDGED = ("offset_", "error_rule_", "score_on_", "is_context_")
_REQUIRED = {
    "ContextEncoder": (*_NETWORK, "offset_", "is_context_"),
    "DetectorCommittee": (
        "estimators_",
        "centers_",
        "scales_",
        "logarithmic_",
        "offset_",
        "_imputers",
        "_names",
        "_hidden",
        *_SEQUENCES,
    ),
    "EachSeries": (
        "transformers_",
        "series_names_",
        "pooled_",
        "_min_rows",
        "_unseen",
        *_SEQUENCES,
    ),
    "EachTimeStep": ("transformer_", "_n_features_out", *_SEQUENCES),
    "LSTMAutoencoder": (*_NETWORK, *_JUDGED),
    "LSTMClassifier": (*_NETWORK, "classes_", "path_"),
    "LSTMReconstructor": (*_NETWORK, *_JUDGED),
    "LSTMRegressor": (*_NETWORK, "n_outputs_", "_is_multioutput", "path_"),
    "MovingReference": (
        "detector_",
        "center_",
        "is_logarithmic_",
        "memory_",
        "lag_",
        "strength_",
        "offset_",
        "_imputer",
        "_last_logs",
        "_last_rows",
        "_series_names",
        *_SEQUENCES,
    ),
    "PCAAutoencoder": (
        *_JUDGED,
        "mean_",
        "components_",
        "context_coef_",
        "explained_variance_",
        "n_components_",
        *_SEQUENCES,
    ),
    "RareEventClassifier": (
        "threshold_",
        "classes_",
        "detector_",
        "_imputer",
        "_link",
        "_members",
        "_hidden",
        *_SEQUENCES,
    ),
    "ResidualAutoencoder": (*_NETWORK, *_JUDGED, "path_"),
    "SlidingWindow": ("plan_", "n_features_in_"),
    "WindowSummary": ("statistics_", *_SEQUENCES),
}


def class_named(name):
    """The class of a name in the table."""
    if name not in _MODULES:
        raise FileFormatError(f"{name!r} is not a class that a file can hold")
    return getattr(import_module(_MODULES[name]), name)


def known_classes():
    """All classes in the table."""
    return [class_named(name) for name in _MODULES]


def name_of(value):
    """Name of the class of a value in the table, None where it is not of one."""
    name = type(value).__name__
    known = name in _MODULES and class_named(name) is type(value)
    return name if known else None


def state_of(value):
    """Attributes of an object by name."""
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return value._asdict()
    # A callback watches a fit, and a request is for one: no part of what came of it.
    state = dict(value.__getstate__())
    for name in ("_skl_callbacks", "_metadata_request"):
        state.pop(name, None)
    return _without_checkpoint(state)


def _without_checkpoint(state):
    """A path is of one machine: a later fit would write to it, whatever it is there."""
    return state | {"checkpoint": None} if "checkpoint" in state else state


def is_fitted(name, state):
    """Tell whether an estimator of a class has attributes that a fit sets."""
    return name in _REQUIRED and _REQUIRED[name][0] in state


def restored(name, state, *, fitted):
    """An object of a class in the table from its attributes, checked.

    Raises
    ------
    FileFormatError
        If an attribute is missing or unknown, or does not go with the others.
    """
    cls = class_named(name)
    if not issubclass(cls, BaseEstimator):
        fields = getattr(cls, "_fields", None) or cls.__dataclass_fields__
        _check_names(set(fields), state)
        value = cls(**state)
        if name in CHECKS:
            CHECKS[name](value)
        return value
    # Never the word of the file alone: what looks fitted is checked as such.
    fitted = fitted or is_fitted(name, state)
    required = _REQUIRED.get(name, ()) if fitted else ()
    _check_names({*cls._get_param_names(), *required}, state, cls)
    value = cls.__new__(cls)
    value.__setstate__(_without_checkpoint(state))
    value._validate_params()
    if fitted or name == "Pipeline":
        check_input(value)
        CHECKS[name](value)
    return value


def _check_names(expected, state, cls=None):
    """Those that must be there; beside them, none that would hide one of the class."""
    missing = sorted(expected - state.keys())
    if missing:
        raise FileFormatError(f"the attribute {missing[0]!r} is missing")
    for name in state.keys() - expected:
        if cls is None or hasattr(cls, name) or not name.isidentifier():
            raise FileFormatError(f"the attribute {name!r} is unknown")
