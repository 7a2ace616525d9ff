# SPDX-License-Identifier: BSD-3-Clause
"""Fitted estimators as ONNX graphs, for runtimes without Python."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..baselines import PCAAutoencoder
from ..committee import DetectorCommittee
from ..detection import RareEventClassifier
from ..reconstruction._mixin import ReconstructionMixin
from ..training._estimator import FittedNetworkMixin
from ._onnx_graph import Graph
from ._onnx_members import (
    check_members,
    committee_score,
    minus_score,
    reconstructed,
    why_no_network,
)
from ._onnx_networks import class_probabilities, network_outputs
from ._onnx_scores import errors, judged, probability

# Of 2021, so that runtimes of that age read the graph.
_OPSET, _TREES_OPSET, _IR_VERSION = 15, 2, 8


def _check(estimator):
    known = (
        FittedNetworkMixin | PCAAutoencoder | DetectorCommittee | RareEventClassifier
    )
    if not isinstance(estimator, known):
        raise TypeError(
            "The 'estimator' parameter of to_onnx must be an LSTMAutoencoder, a "
            "ResidualAutoencoder, an LSTMReconstructor, a PCAAutoencoder, a "
            "DetectorCommittee, a RareEventClassifier, an LSTMClassifier or an "
            f"LSTMRegressor. Got {type(estimator).__name__} instead. Of a pipeline, "
            "give the last step."
        )
    check_is_fitted(estimator)
    if isinstance(estimator, DetectorCommittee | RareEventClassifier):
        check_members(estimator)
    elif isinstance(estimator, FittedNetworkMixin):
        reason = why_no_network(estimator)
        if reason is not None:
            raise ValueError(reason)


class _Outputs:
    """The outputs of a graph, and of what type and shape they are."""

    def __init__(self, graph):
        self.graph, self.infos = graph, []

    def add(self, name, value, *shape, dtype=np.float32):
        from onnx import helper

        self.graph.add("Identity", value, outputs=[name])
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        shape = ["n_samples", *shape]
        self.infos.append(helper.make_tensor_value_info(name, kind, shape))

    def add_score(self, name, value, *shape):
        self.add(name, self.graph.single(value), *shape)


def _add_label(outputs, is_second, classes):
    """Add one of two labels, and give none where nothing is judged: the first."""
    graph = outputs.graph
    # ONNX has strings of any length.
    classes = classes.astype(object) if classes.dtype.kind == "U" else classes
    label = graph.add("Gather", classes, graph.integer(is_second))
    outputs.add("label", label, dtype=classes.dtype)


def _add_decisions(outputs, detector, x, error, by_member=None):
    """Add the score, the decision and the label of an outlier detector."""
    graph = outputs.graph
    error, by_member = judged(graph, x, error, by_member)
    score = graph.add("Neg", error)
    decision = graph.add("Sub", score, np.float64(detector.offset_))
    outputs.add_score("score", score)
    outputs.add_score("decision", decision)
    is_outlier = graph.add("Less", decision, np.float64(0))
    _add_label(outputs, is_outlier, np.array([1, -1]))
    _add_member_scores(outputs, detector, by_member)


def _add_member_scores(outputs, committee, by_member):
    if by_member is not None:
        n_members = len(committee._members.names)
        outputs.add_score("member_scores", by_member, n_members)


def _add_reconstruction(outputs, detector, x):
    graph, (n_timesteps, n_features) = outputs.graph, detector.sequence_shape_
    is_context = getattr(detector, "is_context_", None)
    if is_context is not None:
        n_features -= int(np.count_nonzero(is_context))
    output, latent, code = reconstructed(graph, detector, x)
    outputs.add("reconstruction", output, n_timesteps, n_features)
    n_linear = 0 if code is None else detector.path_.n_components
    if code is not None:
        outputs.add("linear", code, n_linear)
    if latent is not None:
        outputs.add("latent", latent, detector._n_features_out - n_linear)
    _add_decisions(outputs, detector, x, errors(graph, detector, x, output))


def _add_events(outputs, classifier, x):
    """Add what a RareEventClassifier says."""
    graph, members = outputs.graph, classifier._members
    shape = classifier.sequence_shape_
    if members is None:
        single = classifier.detector_, classifier._imputer, classifier._hidden
        score, by_member = minus_score(graph, *single, x, shape), None
    else:
        score, by_member = committee_score(graph, members, x, shape)
    score, by_member = judged(graph, x, score, by_member)
    decision = graph.add("Sub", score, np.float64(classifier.threshold_))
    outputs.add_score("decision", decision)
    event = graph.reshape(probability(graph, classifier._link, score), -1, 1)
    other = graph.add("Sub", np.float64(1), event)
    both = graph.add("Concat", other, event, axis=1)
    outputs.add_score("probabilities", both, 2)
    is_event = graph.add("Greater", decision, np.float64(0))
    _add_label(outputs, is_event, classifier.classes_)
    _add_member_scores(outputs, classifier, by_member)


def _add_all(outputs, estimator, x):
    """Add all that an estimator says of sequences."""
    graph = outputs.graph
    if isinstance(estimator, ReconstructionMixin):
        _add_reconstruction(outputs, estimator, x)
    elif isinstance(estimator, DetectorCommittee):
        shape = estimator.sequence_shape_
        scores = committee_score(graph, estimator._members, x, shape)
        _add_decisions(outputs, estimator, x, *scores)
    elif isinstance(estimator, RareEventClassifier):
        _add_events(outputs, estimator, x)
    elif hasattr(estimator, "classes_"):
        n_classes = len(estimator.classes_)
        probabilities = class_probabilities(graph, estimator, x)
        outputs.add("probabilities", probabilities, n_classes)
    else:
        prediction, _, _ = network_outputs(graph, estimator, x)
        outputs.add("prediction", prediction, estimator.architecture_.n_outputs)


def to_onnx(estimator):
    """Give a fitted estimator as an ONNX model.

    Needs the package ``onnx`` (``pip install "skseq[onnx]"``).

    Parameters
    ----------
    estimator : LSTMAutoencoder, ResidualAutoencoder, LSTMReconstructor, \
            PCAAutoencoder, DetectorCommittee, RareEventClassifier, LSTMClassifier or \
            LSTMRegressor
        Fitted. Networks not with ``decoder="conditional"``. The members of a committee,
        or the only detector, may be any of these detectors and classifiers, an
        :class:`~sklearn.ensemble.IsolationForest`, a
        :class:`~sklearn.linear_model.LogisticRegression` or another linear classifier,
        or a :class:`~sklearn.ensemble.HistGradientBoostingClassifier`: all by default
        of a :class:`RareEventClassifier`. A :class:`DetectorCommittee` has by default a
        :class:`MovingReference`, which has no graph: give it "lstm" without.

    Returns
    -------
    model : onnx.ModelProto
        Its input "X" is of shape (n_samples, n_timesteps, n_features), float32, for any
        number of samples. NaN is a missing value. Its outputs, float32 but for "label":

        - of what reconstructs: "reconstruction", of the features that are no context,
          and, where there is one, "latent" (of the network alone, beside a linear path,
          whose code is "linear");
        - of a detector or a :class:`DetectorCommittee`: "score" (``score_samples``),
          "decision" (``decision_function``) and "label" (``predict``), of shape
          (n_samples,);
        - of a :class:`RareEventClassifier`: "decision", "probabilities", of shape
          (n_samples, 2), and "label", out of ``classes_``;
        - of either committee: "member_scores", of shape (n_samples, n_members);
        - of an :class:`LSTMClassifier`: "probabilities", of shape (n_samples,
          n_classes);
        - of an :class:`LSTMRegressor`: "prediction", of shape (n_samples, n_outputs).

    Raises
    ------
    TypeError
        If the estimator is none of these.

    ValueError
        If it, or a member of it, which is named then, has no ONNX graph.

    ImportError
        If ``onnx`` is not installed.

    See Also
    --------
    save : For skseq itself.

    Notes
    -----
    The graph takes no padding to a network: where one is in it, scores of sequences of
    which nothing was observed at the first or the last step are NaN, and their label is
    that of what is normal. What the network itself gives for them, a reconstruction or
    a prediction, is not what the estimator gives. What was not observed at all has no
    score in any graph.

    Networks are computed in single precision, errors and scores in double precision.
    Trees decide as in scikit-learn, of which they need not more than the operators of
    ``ai.onnx.ml``: the splits are rounded to the same side.

    References
    ----------
    .. [1] Open Neural Network Exchange, https://onnx.ai.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import LSTMAutoencoder, to_onnx
    >>> X = np.random.default_rng(0).normal(size=(40, 12, 3))
    >>> model = to_onnx(LSTMAutoencoder(4, max_epochs=1, random_state=0).fit(X))
    >>> [output.name for output in model.graph.output]
    ['reconstruction', 'latent', 'score', 'decision', 'label']

    ``onnx.save(model, "network.onnx")`` writes it to a file.
    """
    _check(estimator)
    try:
        from onnx import TensorProto, helper
    except ImportError as error:
        raise ImportError(
            'to_onnx needs the package onnx: pip install "skseq[onnx]".'
        ) from error
    graph = Graph()
    outputs = _Outputs(graph)
    _add_all(outputs, estimator, "X")
    shape = ["n_samples", *estimator.sequence_shape_]
    whole = helper.make_graph(
        graph.nodes,
        type(estimator).__name__,
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, shape)],
        outputs.infos,
        graph.constants,
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    if graph.has_trees:
        opsets.append(helper.make_opsetid("ai.onnx.ml", _TREES_OPSET))
    return helper.make_model(
        whole,
        producer_name="skseq",
        ir_version=_IR_VERSION,
        opset_imports=opsets,
    )
