# SPDX-License-Identifier: BSD-3-Clause
"""What must hold for what is read of an object, before anything computes with it.

Arrays of other shapes than an architecture has would be read beyond their end.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.base import is_classifier

from .._members import Member, Members
from .._sklearn import Interval
from ..engines._line import Line
from ..engines._linear import LinearPath
from ..engines._losses import LOSSES
from ..networks import Architecture
from ..reconstruction._errors import ErrorRule
from ..reconstruction._judge import SCORED_STEPS
from ..rows._keys import Key
from ..rows._series import SeriesRows
from ..rows._time import TIME_KINDS, ZONED
from ..windowing import EachTimeStep
from ..windowing._each_series import UNSEEN
from ..windowing._last_rows import LastRows
from ..windowing._plan import WindowPlan
from ..windowing._reach import Reach
from ..windowing._summary import check_statistics
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
    expect(all(map(_is_count, sizes)), "a size of architecture_ is no count, or huge")


def _check_moving(estimator):
    _check_offset(estimator)
    expect(hasattr(estimator.detector_, "score_samples"), "detector_ gives no scores")
    imputer = estimator._imputer
    expect(imputer is None or hasattr(imputer, "transform"), "_imputer is not one")
    for name in ("center_", "strength_"):
        value = getattr(estimator, name)
        expect(isinstance(value, Real), f"{name} is not a number")
    expect(isinstance(estimator.is_logarithmic_, bool), "is_logarithmic_ is no bool")
    for name in ("memory_", "lag_"):
        expect(_is_count(getattr(estimator, name)), f"{name} is not a count")
    logs, rows = estimator._last_logs, estimator._last_rows
    expect(
        isinstance(logs, list) and isinstance(rows, list) and len(logs) == len(rows),
        "there are not rows for each of _last_logs",
    )
    n_features = estimator.sequence_shape_[1]
    for log, row in zip(logs, rows, strict=True):
        _expect_array(log, "an array of _last_logs", (np.size(log),), np.float64)
        shape = len(row) if isinstance(row, np.ndarray) and row.ndim else 0, n_features
        _expect_array(row, "an array of _last_rows", shape, np.float32)
    names = estimator._series_names
    expect(isinstance(names, tuple), "_series_names is not a tuple")
    for array in names:
        _expect_array(array, "an array of _series_names", (len(logs),))


def _check_network(estimator):
    architecture, weights = estimator.architecture_, estimator.weights_
    expect(isinstance(architecture, Architecture), "architecture_ is not one")
    n_context = architecture.n_context
    shape = architecture.n_timesteps, architecture.n_features + n_context
    expect(
        shape == estimator.sequence_shape_,
        f"architecture_ is for sequences of {shape}, not {estimator.sequence_shape_}",
    )
    if architecture.kind != "vector":
        expect(
            _n_context(estimator) == n_context,
            f"is_context_ must mark {n_context} features, as architecture_ has them",
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
    n_threads = estimator._n_threads
    expect(n_threads is None or _is_count(n_threads), "_n_threads is not a count")


def _n_context(estimator):
    """The number of context features, of which at least one other is judged."""
    mask, n_features = estimator.is_context_, estimator.sequence_shape_[1]
    if mask is None:
        return 0
    _expect_array(mask, "is_context_", (n_features,), bool)
    expect(mask.any() and not mask.all(), "is_context_ marks no feature, or all")
    return int(mask.sum())


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
    rule = estimator.error_rule_
    if isinstance(rule, str):
        expect(rule in LOSSES, "error_rule_ is not a loss")
        return
    expect(isinstance(rule, ErrorRule), "error_rule_ is not one")
    n_features = estimator.sequence_shape_[1] - _n_context(estimator)
    _expect_array(rule.location, "the location of error_rule_", (n_features,))
    n_axes = np.ndim(rule.precision)
    shape = (n_features,) * (2 if n_axes == 2 else 1)
    _expect_array(rule.precision, "the precision of error_rule_", shape)
    if rule.factors is not None:
        expect(n_axes == 1, "error_rule_ has factors beside a matrix")
        n_factors = len(rule.factors) if np.ndim(rule.factors) else 0
        shape = n_factors, n_features
        _expect_array(rule.factors, "the factors of error_rule_", shape)


def _check_autoencoder(estimator):
    _check_network(estimator)
    _check_judged(estimator)


def _check_context(estimator):
    _check_network(estimator)
    _check_offset(estimator)


def _check_residual(estimator):
    _check_autoencoder(estimator)
    path, (n_timesteps, n_columns) = estimator.path_, estimator.sequence_shape_
    expect(isinstance(path, LinearPath), "path_ is not one")
    n_features = n_columns - _n_context(estimator)
    for name in ("center", "spread"):
        array = getattr(path, name)
        _expect_array(array, f"the {name} of path_", (n_columns,), np.float32)
    _expect_array(path.scale, "the scale of path_", (n_features,), np.float32)
    n_components = len(path.gains) if isinstance(path.gains, np.ndarray) else 0
    _expect_array(path.gains, "the gains of path_", (n_components,), np.float32)
    shape = n_components, n_timesteps * n_features
    _expect_array(path.components, "the components of path_", shape, np.float32)
    code, explained = path.context_code, path.explained
    if n_columns == n_features:
        expect(code is None and explained is None, "path_ explains without a context")
    else:
        n_codes = len(explained) if np.ndim(explained) else 0
        shape = n_timesteps * (n_columns - n_features), n_codes
        _expect_array(code, "the context_code of path_", shape, np.float32)
        shape = n_codes, n_timesteps * n_features
        _expect_array(explained, "the explained of path_", shape, np.float32)
    expect(
        estimator.architecture_.n_levels == n_features,
        "architecture_ is not that of a network beside a path",
    )


def _check_line(estimator):
    line = estimator.path_
    if not estimator.architecture_.beside_line:
        expect(line is None, "path_ is there, and architecture_ is of no network by it")
        return
    expect(isinstance(line, Line), "path_ is not a line")
    n_outputs = estimator.architecture_.n_outputs
    shape = *estimator.sequence_shape_, n_outputs
    _expect_array(line.coef, "the coef of path_", shape, np.float32)
    _expect_array(line.intercept, "the intercept of path_", (n_outputs,), np.float32)
    limit = line.limit
    expect(limit is None or _is_positive(limit), f"the limit of path_ is {limit!r}")


def _check_classifier(estimator):
    _check_network(estimator)
    _check_line(estimator)
    n_outputs = estimator.architecture_.n_outputs
    n_classes = 2 if n_outputs == 1 else n_outputs
    _expect_array(estimator.classes_, "classes_", (n_classes,))


def _check_regressor(estimator):
    _check_network(estimator)
    _check_line(estimator)
    expect(
        estimator.n_outputs_ == estimator.architecture_.n_outputs,
        "n_outputs_ is not that of architecture_",
    )


def _check_pca(estimator):
    shape, n_components = estimator.sequence_shape_, estimator.n_components_
    expect(_is_count(n_components), f"n_components_ is {n_components!r}")
    _expect_array(estimator.mean_, "mean_", shape, np.float32)
    n_context = _n_context(estimator)
    n_cells, n_given = shape[0] * (shape[1] - n_context), shape[0] * n_context
    shape = n_components, n_cells
    _expect_array(estimator.components_, "components_", shape, np.float32)
    coef = estimator.context_coef_
    if n_context:
        _expect_array(coef, "context_coef_", (n_given, n_cells), np.float32)
    else:
        expect(coef is None, "context_coef_ is there without a context")
    variances = estimator.explained_variance_
    _expect_array(variances, "explained_variance_", (n_components,))
    _check_judged(estimator)


def _check_rare_event(estimator):
    _expect_array(estimator.classes_, "classes_", (2,))
    expect(isinstance(estimator.threshold_, Real), "threshold_ is not a number")
    expect(hasattr(estimator._link, "probability"), "_link gives no probability")
    members = estimator._members
    if members is None:
        member = Member(estimator.detector_, estimator._imputer, estimator._hidden)
        _check_member(member, estimator)
    else:
        expect(isinstance(members, Members), "_members are none")
        expect(estimator.detector_ is None, "detector_ stands beside _members")
        _check_members(members, estimator)


def _check_member(member, owner):
    estimator, preparation, hidden = member
    has_tags = hasattr(estimator, "__sklearn_tags__")
    expect(
        hasattr(estimator, "score_samples") or (has_tags and is_classifier(estimator)),
        "a detector or member gives no scores",
    )
    expect(
        preparation is None or hasattr(preparation, "transform"),
        "what prepares windows for a member does not",
    )
    if hidden is not None:
        shape = owner.sequence_shape_[1:]
        _expect_array(hidden, "what is hidden from a member", shape, bool)


def _check_members(members, owner):
    names, fitted = members.names, members.fitted
    expect(isinstance(fitted, list) and fitted, "fitted is not a list of members")
    expect(
        isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and len(names) == len(fitted),
        "there is not a name for each member",
    )
    for member in fitted:
        expect(isinstance(member, Member), "a member is not one")
        _check_member(member, owner)
    _expect_array(members.logarithmic, "logarithmic", (len(fitted),), bool)
    arrays = {"centers": members.centers, "scales": members.scales}
    if members.weights is not None:
        arrays["weights"] = members.weights
    for name, array in arrays.items():
        _expect_array(array, name, (len(fitted),), np.float64)


def _check_committee(estimator):
    _check_offset(estimator)
    members, imputers = estimator.estimators_, estimator._imputers
    expect(isinstance(members, list), "estimators_ is not a list")
    expect(
        isinstance(imputers, list) and len(imputers) == len(members),
        "there is not an imputer, or None, for each member",
    )
    hidden = estimator._hidden
    expect(
        isinstance(hidden, list) and len(hidden) == len(members),
        "there is not a mask, or None, for each member",
    )
    _check_members(estimator._members, estimator)


def _check_each_time_step(estimator):
    expect(hasattr(estimator.transformer_, "transform"), "transformer_ is not one")
    expect(_is_count(estimator._n_features_out), "_n_features_out is not a count")


def _check_window_summary(estimator):
    names = estimator.statistics_
    expect(isinstance(names, tuple), "statistics_ is not a tuple")
    check_statistics(names)


def _check_each_series(estimator):
    transformers, names = estimator.transformers_, estimator.series_names_
    expect(isinstance(estimator.pooled_, EachTimeStep), "pooled_ is not one")
    expect(
        hasattr(estimator.pooled_, "transformer_")
        and estimator.pooled_.sequence_shape_ == estimator.sequence_shape_,
        "pooled_ is of other sequences",
    )
    expect(isinstance(names, tuple), "series_names_ is not a tuple")
    n_series = len(names[0]) if names and isinstance(names[0], np.ndarray) else 0
    for array in names:
        _expect_array(array, "an array of series_names_", (n_series,))
    expect(_is_count(estimator._min_rows), "_min_rows is not a count")
    expect(estimator._unseen in UNSEEN, "_unseen is not one of its values")
    expect(
        isinstance(transformers, list) and len(transformers) == n_series,
        "there is not a transformer for each series",
    )
    for transformer in transformers:
        expect(
            transformer is None or hasattr(transformer, "transform"),
            "transformers_ holds what is none",
        )


def _check_sliding_window(estimator):
    plan, n_columns = estimator.plan_, estimator.n_features_in_
    expect(isinstance(plan, WindowPlan), "plan_ is not one")
    columns = [*plan.features, *(k.column for k in plan.keys if k.column is not None)]
    expect(
        all(_is_index(k, n_columns) for k in columns),
        f"a column of plan_ is not in {range(n_columns)}",
    )


def _is_index(value, n):
    return type(value) is int and 0 <= value < n


def _check_plan(plan):
    expect(isinstance(plan.features, tuple) and plan.features, "features is empty")
    expect(isinstance(plan.groups, tuple), "groups is not a tuple")
    expect(all(isinstance(key, Key) for key in plan.groups), "a group is not a Key")
    expect(isinstance(plan.time, Key | None), "time is not a Key")
    expect(isinstance(plan.reach, Reach), "reach is not one")
    scale, last = plan.delta_scale, plan.last_rows
    expect(scale is None or _is_positive(scale), f"delta_scale is {scale!r}")
    needs_time = (scale, plan.reach.gap, plan.reach.duration, last) != (None,) * 4
    expect(plan.time is not None or not needs_time, "there is no time")
    expect(isinstance(last, LastRows | None), "last_rows are not LastRows")
    _check_around(plan)
    if last is not None:
        n_names = len(last.rows.names)
        expect(n_names == len(plan.groups), "there is not a name for each group")
        for key, names in zip(plan.groups, last.rows.names, strict=True):
            is_date = names.dtype.kind == "M"
            expect(is_date or key.kind != ZONED, f"names of a time are {names.dtype}")
        shape = last.rows.n_rows, len(plan.features)
        _expect_array(last.table, "the table of last_rows", shape)
        expect(last.table.dtype.kind == "f", "the table of last_rows is not of floats")


def _check_around(plan):
    around = plan.around_hole
    if around is None:
        return
    expect(isinstance(around, SeriesRows), "around_hole is not SeriesRows")
    n_names = 0 if plan.time is None else len(plan.groups)
    expect(len(around.names) == n_names, "around_hole is not named as the series are")
    _expect_array(around.time, "the time of around_hole", (around.n_rows,))
    expect(around.time.dtype.kind in "if", "the time of around_hole is no number")
    increases = around.n_rows > 1 and (np.diff(around.time) >= 0).all()
    expect(len(around.starts) == 1 and increases, "around_hole does not increase")


def _check_key(key):
    expect(key.parameter in ("group_by", "time"), f"parameter is {key.parameter!r}")
    expect(isinstance(key.name, str | int), f"name is {key.name!r}")
    expect(isinstance(key.kind, str | None), f"kind is {key.kind!r}")
    expect(isinstance(key.column, int | None), f"column is {key.column!r}")
    expect(key.parameter != "time" or key.kind in TIME_KINDS, f"kind is {key.kind!r}")


def _check_reach(reach):
    n = reach.n_timesteps
    expect(isinstance(n, int) and n >= 1, f"n_timesteps is {n!r}")
    for name in ("duration", "gap"):
        value = getattr(reach, name)
        expect(value is None or _is_positive(value), f"{name} is {value!r}")


def _is_positive(value):
    return isinstance(value, Real) and value > 0


def _check_last_rows(last):
    rows = last.rows
    expect(isinstance(rows, SeriesRows), "the rows of last_rows are not SeriesRows")
    _expect_array(rows.time, "the time of last_rows", (rows.n_rows,))
    expect(rows.time.dtype.kind in "if", "the time of last_rows is not of numbers")


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
    expect(isinstance(rows.names, tuple), "names is not a tuple")
    for names in rows.names:
        _expect_array(names, "the names of the series", (len(starts),))


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
    "DetectorCommittee": _check_committee,
    "EachSeries": _check_each_series,
    "EachTimeStep": _check_each_time_step,
    "Key": _check_key,
    "LastRows": _check_last_rows,
    "Reach": _check_reach,
    "WindowPlan": _check_plan,
    "IsotonicLink": _check_isotonic,
    "LSTMAutoencoder": _check_autoencoder,
    "LSTMClassifier": _check_classifier,
    "LSTMReconstructor": _check_autoencoder,
    "LSTMRegressor": _check_regressor,
    "MovingReference": _check_moving,
    "PCAAutoencoder": _check_pca,
    "Pipeline": _check_pipeline,
    "RareEventClassifier": _check_rare_event,
    "ResidualAutoencoder": _check_residual,
    "SeriesRows": _check_series,
    "SigmoidLink": _check_sigmoid,
    "SlidingWindow": _check_sliding_window,
    "WindowSummary": _check_window_summary,
}
