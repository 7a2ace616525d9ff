# SPDX-License-Identifier: BSD-3-Clause
"""What must hold for what is read of an object, before anything computes with it.

Arrays of other shapes than an architecture has would be read beyond their end.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval

from ..engines._linear import LinearPath
from ..engines._losses import LOSSES
from ..networks import Architecture
from ..reconstruction._errors import ErrorRule
from ..reconstruction._judge import SCORED_STEPS
from ..rows._series import SeriesRows
from ..windowing._history import History
from ._archive import FileFormatError

# More cells in one sequence are no network, but memory that is asked for.
_MAX_CELLS = 2**28
_COUNT = Interval(Integral, 1, _MAX_CELLS, closed="both")


def expect(condition, message):
    if not condition:
        raise FileFormatError(message)


def _expect_array(value, name, shape, dtype=None):
    expect(isinstance(value, np.ndarray), f"{name} is not an array")
    expect(
        value.shape == tuple(shape),
        f"{name} has the shape {value.shape}, and must have {tuple(shape)}",
    )
    expect(
        dtype is None or value.dtype == dtype,
        f"{name} is of {value.dtype}, not {dtype}",
    )


def _is_count(value):
    return _COUNT.is_satisfied_by(value) and not isinstance(value, bool)


def check_input(estimator):
    """What estimators remember of their input."""
    n_features = getattr(estimator, "n_features_in_", 1)
    expect(_is_count(n_features), f"n_features_in_ is {n_features!r}")
    state = vars(estimator)
    if "feature_names_in_" in state:
        names = state["feature_names_in_"]
        _expect_array(names, "feature_names_in_", (n_features,), object)
    if "sequence_shape_" in state:
        shape = state["sequence_shape_"]
        expect(
            isinstance(shape, tuple)
            and len(shape) == 2
            and all(map(_is_count, shape))
            and _is_count(shape[0] * shape[1])
            and n_features in shape,
            f"sequence_shape_ is {shape!r}, with n_features_in_={n_features}",
        )


def _check_architecture(architecture):
    # What an Architecture itself refuses was refused when it was made.
    sizes = [architecture.n_timesteps, architecture.n_features, architecture.n_inputs]
    sizes += [*architecture.hidden_layer_sizes, architecture.n_outputs or 1]
    expect(all(map(_is_count, sizes)), "architecture_ is too large")


def _check_network(estimator):
    architecture, weights = estimator.architecture_, estimator.weights_
    expect(isinstance(architecture, Architecture), "architecture_ is not one")
    shape = architecture.n_timesteps, architecture.n_features
    expect(
        shape == estimator.sequence_shape_,
        f"architecture_ is for sequences of {shape}, not {estimator.sequence_shape_}",
    )
    shapes = architecture.weight_shapes
    expect(
        isinstance(weights, list) and len(weights) == len(shapes),
        f"weights_ must be the {len(shapes)} arrays of architecture_",
    )
    for k, array in enumerate(weights):
        _expect_array(array, f"weights_[{k}]", shapes[k], np.float32)
    means = estimator.feature_means_
    _expect_array(means, "feature_means_", shape[1:], np.float32)
    _check_optimizer_state(getattr(estimator, "optimizer_state_", None), shapes)
    expect(estimator.engine_ in ("keras", "native"), "engine_ is not one")
    expect(_is_count(estimator._n_threads), "_n_threads is not a count")


def _check_optimizer_state(state, shapes):
    if state is None:
        return
    shapes = [(), *shapes, *shapes]
    expect(
        isinstance(state, list) and len(state) == len(shapes),
        f"optimizer_state_ must be {len(shapes)} arrays",
    )
    for k, array in enumerate(state):
        _expect_array(np.asarray(array), f"optimizer_state_[{k}]", shapes[k])


def _check_offset(estimator):
    expect(isinstance(estimator.offset_, Real), "offset_ is not a number")


def _check_judged(estimator):
    _check_offset(estimator)
    expect(estimator.score_on_ in SCORED_STEPS, "score_on_ is not one of its values")
    rule, n_features = estimator.error_rule_, estimator.sequence_shape_[1]
    if isinstance(rule, str):
        expect(rule in LOSSES, "error_rule_ is not a loss")
        return
    expect(isinstance(rule, ErrorRule), "error_rule_ is not one")
    _expect_array(rule.location, "the location of error_rule_", (n_features,))
    _expect_array(rule.precision, "the precision of error_rule_", (n_features,) * 2)


def _check_autoencoder(estimator):
    _check_network(estimator)
    _check_judged(estimator)


def _check_context(estimator):
    _check_network(estimator)
    _check_offset(estimator)


def _check_residual(estimator):
    _check_autoencoder(estimator)
    path, (n_timesteps, n_features) = estimator.path_, estimator.sequence_shape_
    expect(isinstance(path, LinearPath), "path_ is not one")
    for name in ("center", "spread", "scale"):
        array = getattr(path, name)
        _expect_array(array, f"the {name} of path_", (n_features,), np.float32)
    n_components = len(path.gains) if isinstance(path.gains, np.ndarray) else 0
    _expect_array(path.gains, "the gains of path_", (n_components,), np.float32)
    shape = n_components, n_timesteps * n_features
    _expect_array(path.components, "the components of path_", shape, np.float32)
    expect(
        estimator.architecture_.n_context == n_features,
        "architecture_ is not that of a network beside a path",
    )


def _check_classifier(estimator):
    _check_network(estimator)
    n_outputs = estimator.architecture_.n_outputs
    n_classes = 2 if n_outputs == 1 else n_outputs
    _expect_array(estimator.classes_, "classes_", (n_classes,))


def _check_regressor(estimator):
    _check_network(estimator)
    expect(
        estimator.n_outputs_ == estimator.architecture_.n_outputs,
        "n_outputs_ is not that of architecture_",
    )


def _check_pca(estimator):
    shape, n_components = estimator.sequence_shape_, estimator.n_components_
    expect(_is_count(n_components), f"n_components_ is {n_components!r}")
    _expect_array(estimator.mean_, "mean_", shape, np.float32)
    shape = n_components, shape[0] * shape[1]
    _expect_array(estimator.components_, "components_", shape, np.float32)
    variances = estimator.explained_variance_
    _expect_array(variances, "explained_variance_", (n_components,))
    _check_judged(estimator)


def _check_rare_event(estimator):
    _expect_array(estimator.classes_, "classes_", (2,))
    expect(isinstance(estimator.threshold_, Real), "threshold_ is not a number")
    expect(hasattr(estimator._link, "probability"), "_link gives no probability")
    expect(hasattr(estimator.detector_, "score_samples"), "detector_ gives no scores")
    imputer = estimator._imputer
    expect(imputer is None or hasattr(imputer, "transform"), "_imputer is not one")


def _check_each_time_step(estimator):
    expect(hasattr(estimator.transformer_, "transform"), "transformer_ is not one")
    expect(_is_count(estimator._n_features_out), "_n_features_out is not a count")


def _check_sliding_window(estimator):
    groups, time = estimator._group_columns, estimator._time_column
    columns = range(estimator.n_features_in_)
    expect(
        isinstance(groups, list)
        and all(k in columns for k in (*groups, *([] if time is None else [time]))),
        f"_group_columns or _time_column is not in {columns}",
    )
    history = estimator._history
    if history is not None:
        expect(isinstance(history, History), "_history is not one")
        n_features = len(estimator._feature_columns())
        shape = history.rows.n_rows, n_features
        _expect_array(history.table, "the table of _history", shape)


def _check_history(history):
    rows = history.rows
    expect(isinstance(rows, SeriesRows), "the rows of _history are not SeriesRows")
    _expect_array(rows.time, "the time of _history", (rows.n_rows,))


def _check_series(rows):
    expect(isinstance(rows.n_rows, int) and rows.n_rows >= 0, "n_rows is not a count")
    starts = rows.starts
    expect(
        isinstance(starts, np.ndarray)
        and starts.ndim == 1
        and starts.dtype.kind == "i",
        "starts is not a 1-D array of int",
    )
    expect(
        len(starts) and starts[0] == 0 and (rows.lengths > 0).all(),
        "starts does not increase from 0 to n_rows",
    )
    expect(
        rows.names is None or len(rows.names) == len(starts),
        "there is not a name for each series",
    )


def _check_sigmoid(link):
    numbers = [x for x in link if isinstance(x, Real) and np.isfinite(x)]
    expect(len(numbers) == 4 and link.scale > 0, f"{link} is not a link")


def _check_isotonic(link):
    for knots in link:
        _expect_array(knots, "the knots of _link", (len(link.scores),))
        expect((np.diff(knots) >= 0).all(), "the knots of _link decrease")


def _check_pipeline(pipeline):
    expect(pipeline.memory is None, "the 'memory' of a Pipeline must be None")
    for step in pipeline.steps:
        expect(
            isinstance(step, tuple) and len(step) == 2 and isinstance(step[0], str),
            "a step of a Pipeline must be a name and an estimator",
        )
    pipeline._validate_steps()


CHECKS = {
    "Architecture": _check_architecture,
    "ContextEncoder": _check_context,
    "EachTimeStep": _check_each_time_step,
    "History": _check_history,
    "IsotonicLink": _check_isotonic,
    "LSTMAutoencoder": _check_autoencoder,
    "LSTMClassifier": _check_classifier,
    "LSTMReconstructor": _check_autoencoder,
    "LSTMRegressor": _check_regressor,
    "PCAAutoencoder": _check_pca,
    "Pipeline": _check_pipeline,
    "RareEventClassifier": _check_rare_event,
    "ResidualAutoencoder": _check_residual,
    "SeriesRows": _check_series,
    "SigmoidLink": _check_sigmoid,
    "SlidingWindow": _check_sliding_window,
}
