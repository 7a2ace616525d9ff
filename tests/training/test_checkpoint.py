# SPDX-License-Identifier: BSD-3-Clause
"""A training that was killed goes on as if it had not been."""

import os
from dataclasses import replace

import numpy as np
import pytest
from make import assert_same_fit, assert_same_weights
from sklearn.base import clone

from skseq import LSTMAutoencoder, LSTMRegressor, SlidingWindow
from skseq.networks import Architecture
from skseq.training import _loop
from skseq.training._checkpoint import Checkpoint


@pytest.fixture(scope="module")
def X():
    X = np.random.default_rng(0).normal(size=(60, 5, 2)).astype(np.float32)
    X[3, :2] = np.nan
    return X


SHAPES = Architecture(5, 2, (3,)).weight_shapes


def read_state(path, max_epochs=1, *, held_out=True):
    return Checkpoint(path, {}).read(SHAPES, max_epochs, held_out=held_out)


class Killed(BaseException):
    """Stands for a signal, at a place of our choice."""


def kill_in_epoch(monkeypatch, epoch, error=Killed):
    train_epoch = _loop._train_epoch

    def train_or_die(*arguments):
        if arguments[-1] == epoch:
            raise error
        return train_epoch(*arguments)

    monkeypatch.setattr(_loop, "_train_epoch", train_or_die)


def resumed(ae, X, monkeypatch, epoch, *y):
    """The estimator after a fit that was killed in an epoch, and started again."""
    with monkeypatch.context() as context:
        kill_in_epoch(context, epoch)
        with pytest.raises(Killed):
            clone(ae).fit(X, *y)
    return ae.fit(X, *y)


@pytest.mark.parametrize(
    "parameters",
    [
        {"early_stopping": False},
        {"n_iter_no_change": 2, "tol": 0.0, "learning_rate": 0.1},
        {"dropout": 0.2, "input_noise": 0.1, "l2": 0.01},
        {"max_samples": 20},
    ],
    ids=["all epochs", "early stopping", "drawn", "few samples"],
)
@pytest.mark.parametrize("epoch", [1, 2, 5])
def test_a_killed_fit_goes_on_to_the_same_weights(
    X, tmp_path, monkeypatch, parameters, epoch
):
    ae = LSTMAutoencoder(3, max_epochs=6, random_state=0, engine="native")
    ae.set_params(**parameters)
    whole = clone(ae).fit(X)
    ae.set_params(checkpoint=tmp_path / "state")
    if whole.n_iter_ < epoch:
        pytest.skip("training is over by then")
    assert_same_fit(resumed(ae, X, monkeypatch, epoch), whole)


def test_a_killed_fit_with_keras_goes_on_to_the_same_weights(X, tmp_path, monkeypatch):
    """What Keras draws itself in each step included."""
    y = np.nan_to_num(X[:, -1, 0])
    model = LSTMRegressor(3, max_epochs=3, random_state=0, engine="keras")
    model.set_params(recurrent_dropout=0.5)
    whole = clone(model).fit(X, y)
    model.set_params(checkpoint=str(tmp_path / "state"))
    again = resumed(model, X, monkeypatch, 2, y)
    assert_same_weights(again, whole, 1e-6)


def test_a_regressor_goes_on_too(X, tmp_path, monkeypatch):
    y = np.nan_to_num(X[:, -1, 0])
    model = LSTMRegressor(3, max_epochs=4, random_state=0, early_stopping=False)
    whole = clone(model).fit(X, y)
    model.set_params(checkpoint=tmp_path / "state")
    assert_same_fit(resumed(model, X, monkeypatch, 3, y), whole)


def test_a_fit_that_was_done_is_not_done_again(X, tmp_path, monkeypatch):
    ae = LSTMAutoencoder(
        3, max_epochs=2, random_state=0, checkpoint=tmp_path / "state"
    ).fit(X)
    kill_in_epoch(monkeypatch, 1)
    assert_same_fit(clone(ae).fit(X), ae)


def test_the_global_generator_is_left_alone(X, tmp_path, monkeypatch):
    ae = LSTMAutoencoder(3, max_epochs=3, checkpoint=tmp_path / "state")
    with monkeypatch.context() as context:
        kill_in_epoch(context, 3)
        with pytest.raises(Killed):
            clone(ae).fit(X)
    # The initial weights are drawn from it, and not used.
    state = np.random.RandomState(0)
    monkeypatch.setattr(np.random.mtrand, "_rand", state)
    ae.fit(X)
    other = np.random.RandomState(0)
    ae.architecture_.initial_weights(other)
    assert state.randint(1000) == other.randint(1000)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"learning_rate": 0.5}, "'learning_rate' was 0.001, and is 0.5"),
        ({"hidden_layer_sizes": 4}, "the network"),
        ({"random_state": 1}, "'random_state' was 0, and is 1"),
        ({"max_epochs": 9}, "'max_epochs'"),
    ],
)
def test_another_training_is_refused(X, tmp_path, change, name):
    path = tmp_path / "state"
    ae = LSTMAutoencoder(3, max_epochs=1, random_state=0, checkpoint=path).fit(X)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=name):
        clone(ae).set_params(**change).fit(X)
    assert path.read_bytes() == before


def test_other_data_is_refused(X, tmp_path):
    ae = LSTMAutoencoder(3, max_epochs=1, checkpoint=tmp_path / "state").fit(X)
    for other in (X[:-1], X * 2, SlidingWindow(5).fit_transform(X[:, 0])):
        with pytest.raises(ValueError, match="the data was"):
            clone(ae).fit(other)


def test_a_damaged_file_is_refused(X, tmp_path):
    path = tmp_path / "state"
    ae = LSTMAutoencoder(3, max_epochs=1, checkpoint=path).fit(X)
    content = path.read_bytes()
    changed = bytearray(content)
    changed[-5] ^= 1
    for damaged in (b"", content[:50], content[:-3], bytes(changed), b"x" * 200):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="cannot be read: .* Delete it"):
            clone(ae).fit(X)


def test_a_full_disk_leaves_the_old_file(X, tmp_path, monkeypatch):
    path = tmp_path / "state"
    LSTMAutoencoder(3, max_epochs=1, checkpoint=path).fit(X)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    state = read_state(path)
    with pytest.raises(OSError, match="No space left"):
        Checkpoint(path, {}).write(state)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["state"]


def test_partial_fit_has_no_checkpoint(X, tmp_path):
    path = tmp_path / "state"
    LSTMAutoencoder(3, checkpoint=path).partial_fit(X)
    assert not path.exists()


def test_an_interruption_by_the_user_keeps_the_best_weights(X, monkeypatch):
    ae = LSTMAutoencoder(3, max_epochs=5, random_state=0)
    kill_in_epoch(monkeypatch, 3, KeyboardInterrupt)
    with pytest.warns(UserWarning, match="in epoch 3. The weights of epoch"):
        ae.fit(X)
    assert ae.n_iter_ == 2
    assert np.isfinite(ae.score_samples(X)).all()


def test_an_interruption_before_the_first_epoch_ends_goes_through(X, monkeypatch):
    kill_in_epoch(monkeypatch, 1, KeyboardInterrupt)
    ae = LSTMAutoencoder(3)
    with pytest.raises(KeyboardInterrupt):
        ae.fit(X)
    assert not hasattr(ae, "weights_")


def with_bad_keys(state):
    _, keys, *rest = state.random_state
    return replace(state, random_state=("MT19937", keys[:9], *rest))


FORGED = {
    "a weight less": lambda s: replace(s, weights=s.weights[:-1]),
    "a shape": lambda s: replace(s, best_weights=[w[:1] for w in s.best_weights]),
    "not finite": lambda s: replace(s, weights=[w * np.nan for w in s.weights]),
    "moments": lambda s: replace(s, optimizer_state=s.optimizer_state[:3]),
    "epochs": lambda s: replace(
        s, loss_curve=[0.1] * 99, validation_loss_curve=[0.1] * 99
    ),
    "best epoch": lambda s: replace(s, best_epoch=2),
    "curves": lambda s: replace(s, validation_loss_curve=[]),
    "loss": lambda s: replace(s, loss_curve=[np.inf]),
    "no held-out part": lambda s: replace(s, validation_loss_curve=None),
    "random numbers": with_bad_keys,
}


@pytest.mark.parametrize("name", FORGED)
def test_a_state_that_no_training_came_to_is_refused(name, X, tmp_path, state_file):
    path = tmp_path / "state"
    Checkpoint(path, {}).write(FORGED[name](read_state(state_file)))
    with pytest.raises(ValueError, match="cannot be read: .* Delete it"):
        read_state(path)


@pytest.fixture(scope="module")
def state_file(X, tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "state"
    LSTMAutoencoder(3, max_epochs=1, checkpoint=path, engine="native").fit(X)
    assert read_state(path).best_epoch == 1
    return path
