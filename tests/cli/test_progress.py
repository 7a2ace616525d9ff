# SPDX-License-Identifier: BSD-3-Clause
"""The progress bar of the command line."""

import io
import re

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

from skseq import LSTMAutoencoder, SlidingWindow
from skseq.cli._progress import _TrainingLines, training_bars
from skseq.training._reports import current_watcher


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def terminal(clock):
    return Console(
        file=io.StringIO(),
        width=100,
        force_terminal=True,
        force_interactive=True,
        get_time=clock,
    )


def lines_of(console):
    """What a terminal was sent, without colours and movements."""
    shown = console.file.getvalue()
    assert "\x1b" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    return [Text.from_ansi(line).plain for line in re.split(r"[\r\n]+", plain)]


def test_a_bar_shows_epoch_loss_rows_a_second_and_time_left(terminal, clock):
    with training_bars(terminal):
        watcher = current_watcher()
        watcher.begin(1000, 4, 0)
        for epoch, loss in ((1, 0.5), (2, 0.25)):
            clock.now += 10
            watcher.advance(epoch, 1000, loss)
    (line,) = {line for line in lines_of(terminal) if "epoch 2/4" in line}
    for part in ("Training", "loss 0.25", "100 rows/s", "00:20"):
        assert part in line


def test_a_training_that_goes_on_counts_what_it_does_itself(terminal, clock):
    with training_bars(terminal):
        watcher = current_watcher()
        watcher.begin(1000, 4, 3)
        clock.now += 10
        watcher.advance(4, 1000, 0.5)
        watcher.end()
    assert any(
        "epoch 4/4" in line and "100 rows/s" in line for line in lines_of(terminal)
    )


def test_a_fit_that_trains_twice_has_two_bars(terminal):
    table = np.sin(np.arange(120) / 3)[:, np.newaxis]
    windows = SlidingWindow(4).fit_transform(table)
    ae = LSTMAutoencoder(2, max_epochs=2, refit=True, engine="native", random_state=0)
    with training_bars(terminal):
        ae.fit(windows)
    # The last that was sent of each title.
    shown = {line.split(" \u2501")[0]: line for line in lines_of(terminal)}
    assert f" epoch 2/2 loss {ae.loss_curve_[-1]:.4g}, val " in shown["Training"]
    again = shown["Training on all rows"]
    assert f" epoch {ae.best_epoch_}/{ae.best_epoch_} " in again


def test_training_that_stops_early_completes_its_bar(terminal):
    X = np.random.default_rng(0).normal(size=(40, 3, 1))
    settings = {"n_iter_no_change": 1, "tol": 10.0, "refit": False}
    ae = LSTMAutoencoder(2, max_epochs=99, engine="native", **settings)
    with training_bars(terminal):
        watcher = current_watcher()
        ae.fit(X)
    (bar,) = watcher._progress.tasks
    assert ae.n_iter_ < 99
    assert bar.finished


def test_a_bar_shows_the_loss_of_what_is_held_out(terminal):
    X = np.random.default_rng(0).normal(size=(60, 3, 1))
    ae = LSTMAutoencoder(2, max_epochs=2, engine="native", random_state=0)
    with training_bars(terminal):
        ae.fit(X)
    told = f"loss {ae.loss_curve_[1]:.4g}, val {ae.validation_loss_curve_[1]:.4g}"
    assert any(told in line for line in lines_of(terminal))


def test_a_line_comes_every_half_minute_where_there_is_no_terminal(clock):
    lines = []
    watcher = _TrainingLines(lines.append, clock)
    watcher.begin(1000, 9, 0)
    for epoch in range(1, 8):
        clock.now += 10
        watcher.advance(epoch, 1000, 1 / epoch)
        watcher.validated(2 / epoch)
    assert lines == [
        "Training: epoch 3/9, loss 0.3333, held out 1, 100 rows/s",
        "Training: epoch 6/9, loss 0.1667, held out 0.4, 100 rows/s",
    ]


def test_a_notebook_shows_a_bar_for_each_training_without_widgets(clock):
    console = Console(file=io.StringIO(), force_jupyter=True, get_time=clock)
    with training_bars(console):
        for title in ("Training", "Training on all rows"):
            watcher = current_watcher()
            watcher.begin(1000, 2, 0, title)
            for epoch in (1, 2):
                clock.now += 10
                watcher.advance(epoch, 1000, 0.5)
            watcher.end()
    # As notebooks do: a carriage return goes back to the start of the last line, and
    # what is no colour is left out.
    sent = re.sub(r"\x1b\[(.*?)([@-~])", "", console.file.getvalue())
    shown = [line.rsplit("\r", 1)[-1].strip() for line in sent.split("\n")]
    assert [line.split(" \u2501")[0] for line in shown if line] == [
        "Training",
        "Training on all rows",
    ]
    assert all("epoch 2/2" in line for line in shown if line)


def side_by_side(watchers):
    """Two trainings, of which the first has a second one while the other goes on."""
    one, other = watchers
    one.begin(1000, 2, 0, "one")
    one.advance(1, 1000, 0.5)
    other.begin(1000, 4, 0, "other")
    other.advance(1, 1000, 0.25)
    one.end()
    one.begin(1000, 2, 0, "one again")
    one.advance(2, 1000, 0.125)
    one.validated(0.75)
    one.end()
    other.advance(2, 1000, 0.375)
    other.end()


def test_trainings_side_by_side_have_a_bar_each(terminal):
    with training_bars(terminal):
        side_by_side([current_watcher().beside() for _ in range(2)])
    shown = {line.split("\u2501")[0].strip(): line for line in lines_of(terminal)}
    for title, loss in (("one", 0.5), ("one again", 0.125), ("other", 0.375)):
        assert f"loss {loss}" in shown[title]


def test_a_notebook_shows_one_of_the_trainings_side_by_side(clock):
    console = Console(file=io.StringIO(), force_jupyter=True, get_time=clock)
    with training_bars(console):
        side_by_side([current_watcher().beside() for _ in range(2)])
        later = current_watcher().beside()
        later.begin(1000, 2, 0, "later")
        later.end()
    sent = re.sub(r"\x1b\[(.*?)([@-~])", "", console.file.getvalue())
    shown = [line.rsplit("\r", 1)[-1].strip() for line in sent.split("\n")]
    titles = [line.split(" \u2501")[0] for line in shown if line]
    assert titles == ["one", "one again", "later"]


def test_trainings_side_by_side_have_lines_of_their_own(clock):
    lines = []
    watcher = _TrainingLines(lines.append, clock)
    one, other = watcher.beside(), watcher.beside()
    one.begin(1000, 9, 0, "one")
    other.begin(1000, 9, 0, "other")
    clock.now += 40
    one.advance(1, 1000, 0.5)
    other.advance(1, 3000, 0.25)
    assert lines == [
        "one: epoch 1/9, loss 0.5, 25 rows/s",
        "other: epoch 1/9, loss 0.25, 75 rows/s",
    ]


def test_verbose_announces_each_training_and_shows_what_is_held_out(capsys):
    windows = SlidingWindow(3).fit_transform(np.sin(np.arange(90) / 3)[:, np.newaxis])
    ae = LSTMAutoencoder(2, max_epochs=2, refit=True, verbose=1, random_state=0)
    ae.fit(windows)
    shown = capsys.readouterr().out
    held_out = ae.validation_["held_out"]["n_windows"]
    n_training = ae.validation_["training"]["n_windows"]
    assert f"Training: {n_training} sequences, {held_out} held out\n" in shown
    assert "Training on all rows: 90 sequences\n" in shown
    for loss in ae.validation_loss_curve_:
        assert f"validation loss: {loss:.4g} (" in shown


def test_nothing_is_written_of_a_short_training_where_there_is_no_terminal():
    console = Console(file=io.StringIO())
    with training_bars(console):
        LSTMAutoencoder(2, max_epochs=1, engine="native").fit(np.zeros((9, 3, 1)))
    assert console.file.getvalue() == ""


def test_nobody_watches_later_trainings(terminal):
    with training_bars(terminal):
        watcher = current_watcher()
    assert current_watcher() is not watcher
