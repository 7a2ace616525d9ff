# SPDX-License-Identifier: BSD-3-Clause
"""The native engine, where neither TensorFlow nor Keras is there."""

import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

BLOCKED = {"tensorflow", "keras", "scikeras", "jax", "torch"}


class Blocked:
    """What a module of such a name is imported from, in the place of the real one."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def forget(packages):
    """Take packages out of those that are loaded, but for what is compiled of skseq.

    Types of C++ can be made known to a process once.
    """
    names = {name for name in sys.modules if name.partition(".")[0] in packages}
    names.discard("skseq.engines.native._kernels")
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture(scope="module")
def skseq():
    """The package, loaded anew in a Python that lacks these modules."""
    before = forget({*BLOCKED, "skseq"})
    sys.meta_path.insert(0, blocked := Blocked())
    try:
        import skseq

        yield skseq
    finally:
        sys.meta_path.remove(blocked)
        forget({"skseq"})
        sys.modules.update(before)


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(300, 2))


@pytest.fixture(scope="module")
def pipeline(skseq, X):
    network = skseq.LSTMAutoencoder(3, max_epochs=1, random_state=0)
    return make_pipeline(
        skseq.SlidingWindow(4),
        skseq.EachTimeStep(StandardScaler()),
        skseq.ResidualAutoencoder(network),
    ).fit(X)


@pytest.fixture(scope="module")
def windows(skseq, X):
    return skseq.SlidingWindow(4).fit_transform(X)


def test_the_native_engine_fits_scores_saves_and_streams_without_it(
    skseq, pipeline, X, tmp_path
):
    skseq.save(pipeline, tmp_path / "pipe.skseq")
    scores = skseq.load(tmp_path / "pipe.skseq").score_samples(X)
    assert scores.shape == (300,)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, pipeline.score_samples(X))
    stream = skseq.StreamScorer(pipeline)
    np.testing.assert_allclose(stream.score_many(X[:9])[3:], scores[3:9], atol=1e-5)


def test_networks_of_labels_and_committees_do_without_it(skseq, windows, X):
    y = X[:, 0] > 0
    classifier = skseq.LSTMClassifier(3, max_epochs=1, random_state=0)
    assert classifier.fit(windows, y).predict(windows).shape == y.shape
    network = skseq.LSTMAutoencoder(3, max_epochs=1, random_state=0)
    committee = skseq.DetectorCommittee([("network", network)], random_state=0)
    assert committee.fit(windows).predict(windows).shape == y.shape


def test_what_needs_keras_says_that_it_is_missing(skseq, pipeline, windows):
    network = skseq.LSTMAutoencoder(3, engine="keras", max_epochs=1)
    with pytest.raises(ModuleNotFoundError, match="keras"):
        network.fit(windows)
    with pytest.raises(ModuleNotFoundError, match="keras"):
        pipeline[-1].model_  # noqa: B018
