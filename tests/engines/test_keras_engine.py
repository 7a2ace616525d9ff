# SPDX-License-Identifier: BSD-3-Clause
"""The pool of Keras networks."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from skseq import LSTMAutoencoder
from skseq.engines import _keras as module
from skseq.engines._keras import KerasEngine, borrow
from skseq.networks import Architecture


@pytest.fixture(autouse=True)
def empty_pool(monkeypatch):
    monkeypatch.setattr(module, "_pool", type(module._pool)())


def test_a_network_given_back_is_lent_again_for_any_number_of_steps():
    with borrow(Architecture(5, 2, (3,))) as first:
        pass
    with borrow(Architecture(9, 2, (3,))) as again:
        assert again is first
    with borrow(Architecture(5, 2, (3,), "relu")) as other:
        assert other is not first


def test_what_is_drawn_for_each_batch_needs_no_network_of_its_own():
    with borrow(Architecture(5, 2, (3,))) as first:
        pass
    with borrow(Architecture(5, 2, (3,), dropout=0.5, input_noise=0.1)) as again:
        assert again is first
    with borrow(Architecture(5, 2, (3,), recurrent_dropout=0.5)) as other:
        assert other is not first


def test_a_network_of_one_length_is_lent_again_for_that_length_alone():
    with borrow(Architecture(3, 2, (6,), decoder="reshape")) as first:
        pass
    with borrow(Architecture(2, 2, (6,), decoder="reshape")) as other:
        assert other is not first
    with borrow(Architecture(3, 2, (6,), decoder="reshape")) as again:
        assert again is first


def test_a_network_is_lent_to_one_at_a_time():
    architecture = Architecture(5, 2, (3,))
    with borrow(architecture) as first, borrow(architecture) as second:
        assert first is not second


def test_a_network_is_given_back_after_an_error():
    architecture = Architecture(5, 2, (3,))
    with pytest.raises(RuntimeError), borrow(architecture) as first:
        raise RuntimeError
    with borrow(architecture) as again:
        assert again is first


def test_the_pool_is_bounded_and_forgets_the_oldest(monkeypatch):
    monkeypatch.setattr(module, "_POOL_SIZE", 2)
    for units in (1, 2, 3):
        with borrow(Architecture(5, 2, (units,))):
            pass
    kept = [key.hidden_layer_sizes for key in module._pool]
    assert kept == [(2,), (3,)]


def test_starting_again_forgets_the_optimisers_state():
    architecture = Architecture(4, 2, (3,))
    engine = KerasEngine(architecture)
    settings = {
        "loss": "mse",
        "masked": False,
        "dropout": False,
        "batch_size": 4,
        "learning_rate": 0.01,
    }
    engine.start_training(**settings)
    zeros = engine.optimizer_state()
    state = [np.ones_like(v) for v in zeros]
    engine.start_training(**settings, optimizer_state=state)
    assert all((v == 1).all() for v in engine.optimizer_state())
    engine.start_training(**settings)
    assert all((v == 0).all() for v in engine.optimizer_state())


def test_each_layer_and_direction_drops_states_of_its_own():
    engine = KerasEngine(
        Architecture(4, 2, (3,), bidirectional=True, recurrent_dropout=0.5)
    )
    engine.start_training(
        loss="mse", masked=False, dropout=False, batch_size=4, learning_rate=0.01
    )
    for seed in (7, 2**31 - 2, 7):
        engine.seed_recurrent_dropout(seed)
        states = [tuple(v.numpy()) for v in engine._recurrent_dropout_seeds()]
        assert states == [(seed + k, 0) for k in range(4)]


def test_ten_fits_trace_once(monkeypatch):
    traces = []
    compute_loss = module._Trainer.compute_loss

    def count(self, *arguments, **named):
        traces.append(self)
        return compute_loss(self, *arguments, **named)

    monkeypatch.setattr(module._Trainer, "compute_loss", count)
    X = np.random.default_rng(0).normal(size=(20, 4, 2))
    for seed in range(10):
        ae = LSTMAutoencoder(3, engine="keras", max_epochs=1, random_state=seed)
        ae.fit(X)
    assert len(traces) == 1


ON_ANOTHER_BACKEND = """
import keras
import numpy as np

from skseq import LSTMAutoencoder
from skseq.engines import _choose, _keras

assert not _choose._gpu_in_play()
backend, precision = keras.backend.backend(), lambda: None
if backend == "jax":
    import jax

    precision = lambda: jax.config.jax_default_matmul_precision
traced, compute_loss = [], _keras._Trainer.compute_loss
_keras._Trainer.compute_loss = lambda self, *args, **kwargs: (
    traced.append(precision()) or compute_loss(self, *args, **kwargs)
)
X = np.random.default_rng(0).normal(size=(40, 5, 2))
X[:3, :2] = np.nan
native, ae = (
    LSTMAutoencoder((4, 2), max_epochs=3, random_state=0, engine=engine).fit(X)
    for engine in ("native", "keras")
)
for ours, theirs in zip(native.weights_, ae.weights_, strict=True):
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
np.testing.assert_allclose(native.transform(X), ae.transform(X), atol=1e-5)
assert backend == "torch" or traced == ["float32"], traced  # that has no graphs
assert precision() is None
print(backend)
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_of_keras_agree_and_compile_a_step_once(backend):
    if find_spec(backend) is None:
        pytest.skip(f"needs {backend}")
    run = subprocess.run(
        [sys.executable, "-c", ON_ANOTHER_BACKEND],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    assert (run.returncode, run.stdout) == (0, f"{backend}\n"), run.stderr
