# SPDX-License-Identifier: BSD-3-Clause
"""What onnxruntime gives for a graph is what the estimator gives."""

import naive_networks as naive
import numpy as np
import pytest
from onnx_outputs import outputs_of
from sklearn.exceptions import NotFittedError

from skseq import (
    LSTMAutoencoder,
    LSTMClassifier,
    LSTMReconstructor,
    LSTMRegressor,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
)
from skseq.networks import Architecture
from skseq.persistence._onnx import to_onnx

pytest.importorskip("onnxruntime")

SMALL = {"max_epochs": 3, "learning_rate": 0.02, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    X = np.random.default_rng(0).normal(size=(50, 6, 2)).astype(np.float32)
    X[3, 2, 1] = X[5, 3, 0] = np.nan
    return X


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"hidden_layer_sizes": 3, "activation": "relu"},
        {"activation": "linear"},
        {"add_missing_indicator": True},
        {"loss": "binary_crossentropy"},
    ],
    ids=str,
)
def test_an_autoencoder_reconstructs_and_encodes_the_same(parameters, X):
    parameters = {"hidden_layer_sizes": (5, 3), **SMALL, **parameters}
    X = 1 / (1 + np.exp(-X))
    detector = LSTMAutoencoder(**parameters).fit(X)
    outputs = outputs_of(to_onnx(detector), X)
    assert_close(outputs["reconstruction"], detector.reconstruct(X))
    assert_close(outputs["latent"], detector.transform(X))


@pytest.mark.parametrize("indicator", [False, True])
def test_the_linear_path_is_in_the_graph(indicator, X):
    network = LSTMAutoencoder(3, add_missing_indicator=indicator, **SMALL)
    detector = ResidualAutoencoder(network, n_components=4).fit(X)
    outputs = outputs_of(to_onnx(detector), X)
    assert_close(outputs["reconstruction"], detector.reconstruct(X))
    latent = np.concatenate([outputs["linear"], outputs["latent"]], axis=1)
    assert_close(latent, detector.transform(X))


def test_windows_give_the_graph_of_their_cells():
    table = np.sin(np.arange(300)).reshape(100, 3).astype(np.float32)
    windows = SlidingWindow(4).fit_transform(table)[3:]
    detector = ResidualAutoencoder(LSTMAutoencoder(3, **SMALL)).fit(windows)
    outputs = outputs_of(to_onnx(detector), np.asarray(windows))
    assert_close(outputs["reconstruction"], detector.reconstruct(windows))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_classifier_gives_the_same_probabilities(n_classes, X):
    y = np.arange(len(X)) % n_classes
    classifier = LSTMClassifier((5, 3), **SMALL).fit(X, y)
    outputs = outputs_of(to_onnx(classifier), X)
    assert_close(outputs["probabilities"], classifier.predict_proba(X))


def test_a_regressor_predicts_the_same(X):
    regressor = LSTMRegressor(4, **SMALL).fit(X, X[:, 0])
    assert_close(outputs_of(to_onnx(regressor), X)["prediction"], regressor.predict(X))


# The other networks, which Keras would train, with random weights in place of that.
@pytest.mark.parametrize(
    "options",
    [
        {"cell": "gru"},
        {"bidirectional": True},
        {"cell": "gru", "bidirectional": True, "activation": "relu"},
        {"decoder": "reshape", "hidden_layer_sizes": (4, 6)},
        {"decoder": "dense"},
        {"kind": "sequence"},
    ],
    ids=str,
)
def test_every_network_gives_what_numpy_gives(options, X):
    options = {"hidden_layer_sizes": (4, 3), **options}
    is_sequence = options.get("kind") == "sequence"
    detector = LSTMReconstructor() if is_sequence else LSTMAutoencoder()
    detector.architecture_ = architecture = Architecture(6, 2, **options)
    rng = np.random.default_rng(0)
    shapes = architecture.weight_shapes
    detector.weights_ = [0.5 * rng.normal(size=s).astype(np.float32) for s in shapes]
    detector.feature_means_ = np.zeros(2, np.float32)
    detector.sequence_shape_, detector.n_features_in_ = (6, 2), 2
    detector.engine_, detector._n_threads = "keras", 1
    detector.error_rule_, detector.score_on_, detector.offset_ = "mse", "mean", -1.0
    outputs = outputs_of(to_onnx(detector), X)
    # Not by Keras, which is held to the same in tests/networks.
    assert_close(outputs["reconstruction"], naive.outputs_of(detector, X))


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (SlidingWindow(4), TypeError, "Got SlidingWindow.*last step"),
        (RareEventClassifier(), NotFittedError, "not fitted"),
        (LSTMAutoencoder(), NotFittedError, "not fitted"),
    ],
)
def test_what_has_no_graph_is_refused(estimator, error, message):
    with pytest.raises(error, match=message):
        to_onnx(estimator)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "context"}, "A ContextEncoder has no"),
        ({"decoder": "conditional"}, "decoder='conditional'"),
    ],
)
def test_a_network_that_has_no_graph_is_refused(options, message):
    detector = LSTMAutoencoder()
    detector.weights_, detector.architecture_ = (
        [],
        Architecture(6, 2, (4, 3), **options),
    )
    with pytest.raises(ValueError, match=message):
        to_onnx(detector)
