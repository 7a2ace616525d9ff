# SPDX-License-Identifier: BSD-3-Clause
"""What each estimator holds out, and what it remembers of that."""

import numpy as np
import pytest
from make import MAKE, tiny
from sklearn.model_selection import PredefinedSplit, ShuffleSplit

from skseq import (
    LSTMClassifier,
    LSTMRegressor,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
    load,
    save,
)
from skseq.windowing._held_out import hold_out

NETWORKS = ["LSTMAutoencoder", "LSTMReconstructor", "ContextEncoder"]
NETWORKS += ["ResidualAutoencoder", "LSTMClassifier", "LSTMRegressor"]
HOLDING = [*NETWORKS, "PCAAutoencoder", "RareEventClassifier"]
# The events here are noise.
pytestmark = pytest.mark.filterwarnings("ignore:The part held out for the:UserWarning")
# Five series of 16 rows; events in the middle and at the end of each.
SERIES = np.repeat(np.arange(5), 16)
Y = np.isin(np.arange(80) % 16, [7, 8, 15]).astype(int)


def windows_of(series, n_features=2, window_size=3, seed=0):
    x = np.random.default_rng(seed).normal(size=(len(series), n_features))
    table = np.column_stack([series, x])
    return SlidingWindow(window_size, group_by=0).fit_transform(table)


X = windows_of(SERIES)


def make(name, **parameters):
    prefix = "network__" if name == "ResidualAutoencoder" else ""
    parameters = {prefix + key: value for key, value in parameters.items()}
    return MAKE[name]().set_params(**parameters)


@pytest.mark.parametrize("how", ["auto", "time", "series", ShuffleSplit(1)], ids=str)
@pytest.mark.parametrize("name", HOLDING)
def test_what_was_held_out_is_remembered_and_saved(name, how, tmp_path):
    if not isinstance(how, str):
        how = ShuffleSplit(1, test_size=0.3, random_state=0)
    labels = {"LSTMClassifier": Y, "RareEventClassifier": Y == 1}.get(name)
    estimator = make(name, validation_fraction=0.3, validation=how).fit(X, Y)
    expected = hold_out(X, 0.3, how=how, y=labels, trained="all")
    assert estimator.validation_ == expected.facts
    assert (labels is None) == (expected.n_events is None)
    if isinstance(how, str):
        save(estimator, tmp_path / "estimator.skseq")
        again = load(tmp_path / "estimator.skseq")
        assert again.validation_ == estimator.validation_


@pytest.mark.parametrize("name", NETWORKS)
def test_where_nothing_is_held_out_nothing_is_remembered(name):
    estimator = make(name, early_stopping=False).fit(X, Y)
    assert estimator.validation_ is None
    if hasattr(estimator, "partial_fit"):
        estimator.set_params(early_stopping=True).fit(X, Y)
        assert estimator.validation_["how"] == "time"
        assert estimator.partial_fit(X).validation_ is None


def test_a_share_of_all_training_windows_holds_nothing_out():
    assert PCAAutoencoder(2, contamination=0.1).fit(X).validation_ is None


@pytest.mark.parametrize("value", ["end", 3, None, np.arange(80)], ids=str)
@pytest.mark.parametrize("name", HOLDING)
def test_anything_else_is_refused(name, value):
    with pytest.raises(ValueError, match="'validation' parameter of"):
        make(name, validation=value).fit(X, Y)


@pytest.mark.parametrize("name", HOLDING)
def test_series_cannot_be_held_out_of_an_array(name):
    with pytest.raises(ValueError, match="'validation' is 'series', but X holds one"):
        make(name, validation="series").fit(np.asarray(X)[2:], Y[2:])


@pytest.mark.parametrize("name", HOLDING)
def test_many_short_series_are_held_out_whole(name):
    """Windows longer than the series: at their ends every window would be set aside."""
    short = np.repeat(np.arange(24), 4)
    labels = np.isin(short % 3, 1) * (np.arange(96) % 4 == 2)
    validation = make(name).fit(windows_of(short, window_size=6), labels).validation_
    assert (validation["how"], validation["n_set_aside"]) == ("series", 0)


@pytest.mark.parametrize("kind", [LSTMClassifier, LSTMRegressor])
def test_sequences_of_an_array_are_drawn_but_for_another_word(kind):
    drawn = tiny(kind, validation_fraction=0.3).fit(np.asarray(X)[2:], Y[2:])
    assert drawn.validation_["how"] == "random"
    last = drawn.set_params(validation="time").fit(np.asarray(X)[2:], Y[2:])
    assert last.validation_["how"] == "time"


def test_what_a_splitter_tests_does_not_train():
    """Other values in the test part change the validation loss, not the training."""
    series = np.zeros(60)
    part = np.where(np.arange(60) < 20, 0, -1)
    tables = [windows_of(series).table, windows_of(series).table.copy()]
    tables[1][:20] += 3
    losses = []
    for table in tables:
        changed = windows_of(series).with_table(table)
        network = tiny(validation=PredefinedSplit(part), max_epochs=2).fit(changed)
        losses.append((network.loss_curve_, network.validation_loss_curve_))
    assert losses[0][0] == pytest.approx(losses[1][0], rel=1e-6)
    assert losses[0][1] != pytest.approx(losses[1][1], rel=0.1)


# Where every series ends in its event.


def run_to_failure(n_units, n_kinds=1):
    """Units of 60 cycles that fail in one of some ways, and wear before that."""
    rng = np.random.default_rng(0)
    age = np.tile(np.arange(60), n_units)
    unit = np.repeat(np.arange(n_units), 60)
    x = 0.2 * rng.normal(size=(len(unit), 2))
    x[np.arange(len(unit)), unit % n_kinds] += (age / 60) ** 6
    y = np.where(age >= 50, 1 + unit % n_kinds, 0)
    return np.column_stack([unit, x]), y


def test_of_units_that_fail_not_all_rows_are_flagged():
    table, y = run_to_failure(20)
    # A load that both sensors follow, where the wear is of one.
    table[:, 1:] += np.random.default_rng(1).normal(size=(len(table), 1))
    windows = SlidingWindow(4, group_by=0).fit_transform(table)
    past = table[:, 0] < 14
    detector = RareEventClassifier(PCAAutoencoder(4))
    detector.fit(windows[past], y[past])
    assert detector.validation_["held_out"]["n_events"] == 3
    assert detector.validation_["how"] == "series"
    flagged = detector.predict(windows[~past]) == 1
    assert flagged[y[~past] == 1].mean() > 0.4
    assert flagged[y[~past] == 0].mean() < 0.1


def test_each_way_to_fail_is_trained_on():
    table, y = run_to_failure(20, n_kinds=2)
    windows = SlidingWindow(12, group_by=0).fit_transform(table)
    network = LSTMClassifier(8, max_epochs=30, learning_rate=0.01, random_state=0).fit(
        windows, y
    )
    assert network.validation_["how"] == "series"
    right = network.predict(windows) == y
    assert right[y == 1].mean() > 0.6
    assert right[y == 2].mean() > 0.6
    with pytest.raises(ValueError, match=r"No window of class [012] is left to train"):
        # A gap of eleven windows before the last twelve: all of each event.
        LSTMClassifier(8, validation="time", validation_fraction=0.2).fit(windows, y)


def test_a_class_of_flags_must_be_trained_on_too():
    windows, y = windows_of(np.zeros(60)), np.arange(60) >= 50
    network = tiny(LSTMClassifier, validation_fraction=0.2)
    for labels in (y, y.astype(int), np.where(y, "stop", "go")):
        with pytest.raises(ValueError, match="is left to train on"):
            network.fit(windows, labels)
