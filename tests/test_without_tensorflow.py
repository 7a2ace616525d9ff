# SPDX-License-Identifier: BSD-3-Clause
"""The native engine, where neither TensorFlow nor Keras is there."""

import json
import subprocess
import sys

import numpy as np
import pytest

# What a module of this name is imported from, in the place of the real one: nothing.
PROGRAM = """
import json, sys
BLOCKED = {"tensorflow", "keras", "scikeras", "jax", "torch"}

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
import skseq
from skseq import (
    DetectorCommittee, EachTimeStep, LSTMAutoencoder, LSTMClassifier,
    ResidualAutoencoder, SlidingWindow, StreamScorer,
)

X = np.random.default_rng(0).normal(size=(300, 2))
tiny = LSTMAutoencoder(3, max_epochs=1, random_state=0)
pipe = make_pipeline(
    SlidingWindow(4), EachTimeStep(StandardScaler()), ResidualAutoencoder(tiny)
).fit(X)
skseq.save(pipe, sys.argv[1])
scores = skseq.load(sys.argv[1]).score_samples(X)
assert (scores == pipe.score_samples(X)).all()
stream = StreamScorer(pipe)
assert np.allclose(stream.score_many(X[:9])[3:], scores[3:9], atol=1e-5)
windows = SlidingWindow(4).fit_transform(X)
y = X[:, 0] > 0
LSTMClassifier(3, max_epochs=1, random_state=0).fit(windows, y).predict(windows)
DetectorCommittee([("network", tiny)], random_state=0).fit(windows).predict(windows)
said = {}
for what in (
    lambda: LSTMAutoencoder(3, engine="keras", max_epochs=1).fit(windows),
    lambda: pipe[-1].model_,
):
    try:
        what()
    except ModuleNotFoundError as error:
        said.setdefault("refused", []).append(str(error))
said["scores"] = scores.tolist()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    path = tmp_path_factory.mktemp("blocked") / "pipe.skseq"
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, path],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_native_engine_fits_scores_saves_and_streams_without_it(said):
    assert len(said["scores"]) == 300
    assert np.isfinite(said["scores"]).all()


def test_what_needs_keras_says_that_it_is_missing(said):
    assert len(said["refused"]) == 2
    assert all("keras" in message for message in said["refused"])
