# SPDX-License-Identifier: BSD-3-Clause
"""What this package takes of scikit-learn that is not public there.

Validated parameters, input checks and tags of third-party estimators need these. They
may move with any release: then this is the file to change, and the only one.
"""

from sklearn.base import _fit_context
from sklearn.calibration import _sigmoid_calibration
from sklearn.ensemble._iforest import _average_path_length
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.metrics._scorer import _Scorer
from sklearn.model_selection._split import GroupsConsumerMixin
from sklearn.utils import _safe_indexing
from sklearn.utils._chunking import get_chunk_n_rows
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    Options,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)
from sklearn.utils._repr_html.estimator import _VisualBlock
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import (
    _check_feature_names,
    _check_feature_names_in,
    _check_sample_weight,
    _check_y,
    _num_samples,
)

__all__ = [
    "GroupsConsumerMixin",
    "HasMethods",
    "Hidden",
    "Interval",
    "LinearClassifierMixin",
    "Options",
    "RealNotInt",
    "StrOptions",
    "_BaseComposition",
    "_Scorer",
    "_VisualBlock",
    "_average_path_length",
    "_check_feature_names",
    "_check_feature_names_in",
    "_check_sample_weight",
    "_check_y",
    "_fit_context",
    "_get_output_config",
    "_num_samples",
    "_openmp_effective_n_threads",
    "_safe_indexing",
    "_sigmoid_calibration",
    "check_matplotlib_support",
    "get_chunk_n_rows",
    "validate_parameter_constraints",
    "validate_params",
]
