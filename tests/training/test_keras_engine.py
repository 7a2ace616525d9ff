# SPDX-License-Identifier: BSD-3-Clause
"""The pool of Keras networks."""

import numpy as np
import pytest

from skseq.networks import Architecture
from skseq.training import _keras_engine as module
from skseq.training._keras_engine import KerasEngine, borrow


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
    settings = {"loss": "mse", "masked": False, "learning_rate": 0.01}
    engine.start_training(**settings)
    zeros = engine.optimizer_state()
    state = [np.ones_like(v) for v in zeros]
    engine.start_training(**settings, optimizer_state=state)
    assert all((v == 1).all() for v in engine.optimizer_state())
    engine.start_training(**settings)
    assert all((v == 0).all() for v in engine.optimizer_state())
