# SPDX-License-Identifier: BSD-3-Clause
"""Members of committees as nodes of an ONNX graph: which can be, and what they say."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest

from .._members import _FARTHEST, _LEAST_PROBABILITY, is_linear
from ..baselines import PCAAutoencoder
from ..committee import DetectorCommittee
from ..moving_reference import MovingReference
from ..reconstruction._mixin import ReconstructionMixin
from ..training._estimator import FittedNetworkMixin
from ._onnx_networks import class_probabilities, component_outputs, network_outputs
from ._onnx_scores import errors
from ._onnx_summary import imputed, scaled, summarised
from ._onnx_trees import boosted_log_odds, isolation_errors

_TINY = np.finfo(np.float64).tiny


def why_no_network(estimator):
    """Why the network of an estimator has no graph, and what to do; or None."""
    architecture = estimator.architecture_
    if architecture.kind == "context":
        return "A ContextEncoder has no ONNX graph."
    if architecture.kind == "autoencoder" and architecture.decoder == "conditional":
        return (
            "decoder='conditional', which is fed with its own output, has no ONNX "
            "graph. Use decoder='repeat'."
        )
    return None


def _why_not(estimator):
    """Why a member, or the only detector, has no graph; or None."""
    if isinstance(estimator, FittedNetworkMixin):
        return why_no_network(estimator)
    if isinstance(estimator, MovingReference):
        return (
            "The score of a MovingReference hangs on the windows before, and a graph "
            "judges each by itself. Use the detector that is in it."
        )
    if isinstance(estimator, HistGradientBoostingClassifier):
        if estimator.is_categorical_ is None:
            return None
        return "Boosted trees with categorical features have no ONNX graph."
    is_known = isinstance(estimator, PCAAutoencoder | DetectorCommittee)
    if is_known or is_linear(estimator) or type(estimator) is IsolationForest:
        return None
    return (
        f"{type(estimator).__name__} has no ONNX graph. Use an LSTMAutoencoder, a "
        "ResidualAutoencoder, an LSTMReconstructor, a PCAAutoencoder, an "
        "IsolationForest, an LSTMClassifier, a LogisticRegression or another linear "
        "classifier, or a HistGradientBoostingClassifier."
    )


def check_members(estimator):
    """Raise a ValueError that names the member, if any, that has no graph."""
    owner, members = type(estimator).__name__, getattr(estimator, "_members", None)
    if members is None:
        fitted = [(f"The detector of the {owner}", estimator.detector_)]
    else:
        places = (f"The member {name!r} of the {owner}" for name in members.names)
        fitted = zip(places, (m.estimator for m in members.fitted), strict=True)
    for place, member in fitted:
        reason = _why_not(member)
        if reason is not None:
            raise ValueError(f"{place} cannot be written as ONNX. {reason}")
        if isinstance(member, DetectorCommittee):
            check_members(member)


def _where_observed(graph, x, value):
    return graph.add("Where", graph.observed(x), value, np.float64(np.nan))


def minus_score(graph, detector, imputer, hidden, x, shape):
    """What ``score_windows`` gives: (n_samples,), NaN where nothing was observed."""
    n_timesteps, n_features = shape
    if hidden is not None:
        x = graph.take(x, np.flatnonzero(~hidden), axis=2)
        n_features -= np.count_nonzero(hidden)
    if isinstance(detector, DetectorCommittee):
        shape = n_timesteps, n_features
        return committee_score(graph, detector._members, x, shape)[0]
    if isinstance(detector, ReconstructionMixin):
        output, _, _ = reconstructed(graph, detector, x)
        return errors(graph, detector, x, output)
    flat = graph.reshape(x, 0, n_timesteps * n_features)
    value = isolation_errors(graph, detector, imputed(graph, imputer, flat))
    return _where_observed(graph, x, value)


def reconstructed(graph, detector, x):
    """Names of the reconstruction, the latent vector and the linear code, or None."""
    if isinstance(detector, PCAAutoencoder):
        return *component_outputs(graph, detector, x), None
    return network_outputs(graph, detector, x)


def _log_odds(graph, member, x):
    """How much more likely an event is to a classifier: see ``Member.values``."""
    classifier, preparation, _ = member
    if preparation is None:
        p = graph.double(graph.take(class_probabilities(graph, classifier, x), 1, 1))
        p = graph.add("Clip", p, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
        odds = graph.add("Log", graph.add("Div", p, graph.add("Sub", np.float64(1), p)))
        return _where_observed(graph, x, odds)
    summary, imputer, scaler = (step for _, step in preparation.steps)
    cells = summarised(graph, summary, x)
    cells = scaled(graph, scaler, imputed(graph, imputer, cells))
    if is_linear(classifier):
        weights = classifier.coef_.T.astype(np.float64)
        total = graph.add("MatMul", graph.double(cells), weights)
        odds = graph.add("Add", total, classifier.intercept_.astype(np.float64))
        odds = graph.reshape(odds, -1)
    else:
        odds = boosted_log_odds(graph, classifier, cells)
    return _where_observed(graph, x, odds)


def _standardized(graph, members, x, shape):
    """The members' scores in units of what is usual: (n_samples, n_members)."""
    columns = []
    for k, member in enumerate(members.fitted):
        if is_classifier(member.estimator):
            value = _log_odds(graph, member, x)
        else:
            value = minus_score(graph, *member, x, shape)
        if members.logarithmic[k]:
            missing = graph.add("IsNaN", value)
            error = graph.add("Max", graph.filled(value, missing, 1), _TINY)
            value = graph.filled(graph.add("Log", error), missing, np.nan)
        columns.append(graph.reshape(value, -1, 1))
    logs = graph.add("Concat", *columns, axis=1)
    return graph.add("Div", graph.add("Sub", logs, members.centers), members.scales)


def committee_score(graph, members, x, shape):
    """One score for each sequence, higher for events, and those of the members."""
    standardized = _standardized(graph, members, x, shape)
    missing = graph.add("IsNaN", standardized)
    known = graph.filled(standardized, missing, 0)
    if members.weights is None:
        score = _distances(graph, standardized, missing, known)
    else:
        known = graph.add("Clip", known, np.float64(-_FARTHEST), np.float64(_FARTHEST))
        score = graph.reshape(graph.add("MatMul", known, members.weights[:, None]), -1)
        missing = graph.take(missing, np.flatnonzero(members.weights), 1)
    n_judging = graph.sum(graph.integer(graph.add("Not", missing)), 1)
    judged = graph.add("Greater", n_judging, np.int64(0))
    return graph.add("Where", judged, score, np.float64(np.nan)), standardized


def _distances(graph, standardized, missing, known):
    """See ``distances`` of ``_members``."""
    above = graph.add("Max", known, np.float64(0))
    distance = graph.add("Sqrt", graph.sum(graph.add("Mul", above, above), 1))
    known = graph.filled(standardized, missing, -np.inf)
    largest = graph.over("ReduceMax", known, 1)
    is_above = graph.add("Greater", largest, np.float64(0))
    return graph.add("Where", is_above, distance, largest)
