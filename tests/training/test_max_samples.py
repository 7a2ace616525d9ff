# SPDX-License-Identifier: BSD-3-Clause
"""What an epoch sees, and what tells that training may stop."""

from types import SimpleNamespace

import numpy as np
import pytest
from make import assert_same_weights, sine_table, tiny, windows_of
from sklearn.base import clone

from skseq import LSTMRegressor, ResidualAutoencoder
from skseq.engines._batches import Preparation
from skseq.reconstruction._offset import check_contamination
from skseq.rows._row_numbers import all_rows, evenly
from skseq.training import _loop, _plan
from skseq.training._reports import watched_by


@pytest.fixture(scope="module")
def windows():
    return windows_of(sine_table(), 6)


def native(**parameters):
    return tiny(engine="native", max_epochs=2, **parameters)


class Epochs:
    """A watcher that adds up what each epoch saw."""

    def __init__(self):
        self.begun, self.seen = [], []

    def begin(self, n_rows, max_epochs, n_done, title="Training"):
        self.begun.append(n_rows)
        self.seen.append([0] * max_epochs)

    def advance(self, epoch, n_rows, loss):
        self.seen[-1][epoch - 1] += n_rows

    def validated(self, loss):
        pass

    def end(self):
        pass


@pytest.mark.parametrize(
    ("max_samples", "expected"),
    [(50, 50), (0.25, 50), (None, 200), ("auto", 200), (1000, 200), (1.0, 200)],
)
def test_an_epoch_sees_so_many_or_a_share_of_all(windows, max_samples, expected):
    watcher = Epochs()
    with watched_by(watcher):
        ae = native(max_samples=max_samples, early_stopping=False).fit(windows)
    assert ae.max_samples_ == expected
    assert (watcher.begun, watcher.seen) == ([expected], [[expected] * 2])


def test_the_last_training_sees_no_more(windows):
    watcher = Epochs()
    detector = ResidualAutoencoder(native(max_samples=50, tol=0))
    with watched_by(watcher):
        detector.fit(windows)
    assert watcher.begun == [50, 50]
    assert {n for epochs in watcher.seen for n in epochs} == {50}


def test_auto_bounds_the_epochs_of_a_long_table():
    table = np.zeros((20_000, 1), dtype=np.float32)
    watcher = Epochs()
    with watched_by(watcher):
        ae = native(batch_size=4096).set_params(max_epochs=1)
        ae.fit(windows_of(table, 1))
    assert watcher.begun == [ae.max_samples_] == [16_384]


def test_sequences_are_drawn_anew_for_each_epoch_and_none_twice():
    rows, rng = np.arange(100, 1100), np.random.RandomState(0)
    epochs = [_loop._drawn(rows, 300, rng) for _ in range(30)]
    for drawn in epochs:
        assert len(np.unique(drawn)) == 300
        assert np.isin(drawn, rows).all()
        assert (np.diff(drawn) < 0).any()  # in random order
    counts = np.bincount(np.concatenate(epochs))[100:]
    assert counts.min() > 0  # of 30 epochs none is left out, by a chance of 2e-5 each
    assert counts.mean() == pytest.approx(9)


def test_where_all_fit_in_it_max_samples_changes_nothing(windows):
    assert_same_weights(
        native(max_samples=None).fit(windows), native(max_samples=200).fit(windows)
    )


def test_what_is_drawn_depends_on_random_state_alone(windows):
    one = native(max_samples=60)
    assert_same_weights(
        clone(one).fit(windows), clone(one).set_params(n_threads=3).fit(windows)
    )
    other = clone(one).set_params(random_state=1).fit(windows)
    assert other.loss_curve_ != clone(one).fit(windows).loss_curve_


def test_partial_fit_sees_all_that_it_is_given(windows):
    assert_same_weights(
        native(max_samples=10).partial_fit(windows),
        native(max_samples=None).partial_fit(windows),
    )


def test_a_network_with_targets_draws_them_with_their_sequences():
    """Of constant sequences the target is the level: in the wrong order it is noise."""
    level = np.random.default_rng(0).uniform(size=400).astype(np.float32)
    X = np.repeat(level[:, np.newaxis], 3, axis=1)
    model = LSTMRegressor(
        4, max_samples=100, max_epochs=40, learning_rate=0.02, random_state=0
    )
    assert model.fit(X, level).score(X, level) > 0.95


@pytest.mark.parametrize("targets", [None, "given"])
def test_2048_held_out_sequences_are_enough_to_judge_what_is_reconstructed(targets):
    X = np.zeros((6000, 1, 1), dtype=np.float32)
    if targets is not None:  # of a class these may be few
        targets = X
    data = _loop.Data(
        X, Preparation(np.zeros(1, np.float32)), *np.split(all_rows(6000), 2), targets
    )
    judged = []

    class Engine:
        def reconstruct(self, batch):
            judged.append(len(batch.steps))
            return batch.targets + 2

    assert _loop.validation_loss(Engine(), data, "mse", 8192) == 4
    assert sum(judged) == (2048 if targets is None else 3000)
    judged.clear()
    _loop.validation_loss(Engine(), data, "mse", 100)
    assert sum(judged) == 100


def test_so_many_held_out_sequences_judge_an_epoch_at_even_distances():
    held_out = np.arange(100, 200)
    for n_most, step in ((1000, 1), (100, 1), (50, 2), (25, 4)):
        expected = held_out[::step]
        np.testing.assert_array_equal(evenly(held_out, n_most), expected)
    few = evenly(held_out, 30)
    assert len(np.unique(few)) == 30
    assert set(np.diff(few)) == {3, 4}


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_an_improvement_is_a_share_of_the_loss(monkeypatch, unit):
    losses = unit * np.array([1, 0.9995, 0.998, 0.9975, 0.99])
    given = iter(losses)
    monkeypatch.setattr(_loop, "validation_loss", lambda *arguments: next(given))
    history = _loop.History([], validation_loss_curve=[])
    engine = SimpleNamespace(weights=lambda: [])
    data = SimpleNamespace(held_out=[0])
    settings = SimpleNamespace(tol=1e-3, loss="mse", max_samples=1)
    best = []
    for _ in losses:
        history.loss_curve.append(0.0)
        _loop._judge(history, engine, data, settings)
        best.append(history.best_epoch)
    assert best == [1, 1, 3, 3, 5]


def test_noise_stops_a_training_early():
    """The network finds nothing beside the path: not every epoch is run for that."""
    table = np.random.default_rng(0).normal(size=(600, 2))
    network = tiny(engine="native", max_epochs=50)
    detector = ResidualAutoencoder(network, refit=False).fit(windows_of(table, 3))
    assert detector.n_iter_ < 25


@pytest.mark.parametrize("max_samples", [0, -1, 1.5, 0.0, "all"])
def test_a_wrong_max_samples_is_named(windows, max_samples):
    with pytest.raises(ValueError, match="'max_samples' parameter of LSTMAutoencoder"):
        native(max_samples=max_samples).fit(windows)


def test_the_sizes_of_a_training_are_printed(windows, capsys):
    native(max_samples=50, verbose=1).fit(windows)
    printed = capsys.readouterr().out
    assert "Training: 175 sequences, 50 of them in each epoch, 20 held out" in printed


def test_an_auto_offset_is_told_by_a_bounded_part_of_what_is_held_out():
    X, held_out = np.arange(50_000), np.arange(5_000, 50_000)
    auto, quantile, share = (
        check_contamination(rule, "Detector")
        for rule in ("auto", ("quantile", 0.99), 0.01)
    )
    told = auto.told_by(X, held_out)
    assert (len(told), told[0], set(np.diff(told))) == (20_000, 5_000, {2, 3})
    np.testing.assert_array_equal(quantile.told_by(X, held_out), held_out)
    assert share.told_by(X, held_out) is X
    assert auto.told_by(X, None) is X


def test_a_path_whose_codes_are_not_kept_trains_to_the_same_weights(
    windows, monkeypatch
):
    asked = []
    codes = Preparation.codes

    def count(preparation, X):
        asked.append(len(X))
        return codes(preparation, X)

    monkeypatch.setattr(Preparation, "codes", count)
    detector = ResidualAutoencoder(native(max_samples=20), refit=False)
    anew = clone(detector).fit(windows)
    assert asked == []
    monkeypatch.setattr(_plan, "_EPOCHS_OF_CODES", 10)
    assert_same_weights(clone(detector).fit(windows), anew)
    assert asked == [200]
