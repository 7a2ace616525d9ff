# SPDX-License-Identifier: BSD-3-Clause
import warnings

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import (
    GroupShuffleSplit,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    train_test_split,
)
from strategies import examples, rows

from skseq import SlidingWindow
from skseq.windowing._held_out import hold_out, in_words

ways = st.sampled_from(["auto", "time", "series", ShuffleSplit(1, random_state=0)])


def windows_of(series, window_size):
    table = np.column_stack([series, np.zeros(len(series))])
    return SlidingWindow(window_size, group_by=0).fit_transform(table)


def attempt(*args, **options):
    """What is held out, or None where that is refused, and the warnings."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            return hold_out(*args, **options), [str(w.message) for w in told]
        except ValueError:
            return None, []


@st.composite
def labelled(draw):
    """Rows with the number of a class each, or with flags of events."""
    case = draw(rows())
    of_events = draw(st.booleans())
    label = st.booleans() if of_events else st.integers(0, 2)
    n = len(case.series)
    return case.series, np.array(draw(st.lists(label, min_size=n, max_size=n)))


@examples
@given(rows(), st.integers(1, 4), st.floats(0.05, 0.95), ways)
def test_training_never_sees_a_held_out_row(case, window_size, fraction, how):
    X = windows_of(case.series, window_size)
    parts, _ = attempt(X, fraction, how=how)
    if parts is None:
        return
    rows_of = naive.window_rows(len(X), window_size, case.series)
    held_rows = {row for i in parts.held_out for row in rows_of[i]}
    trained_rows = {row for i in parts.training for row in rows_of[i]}
    assert trained_rows
    assert held_rows
    assert not trained_rows & held_rows
    for part in (parts.training, parts.held_out):
        assert part.dtype == np.int32
        assert (np.diff(part) > 0).all()
    # What is in neither part has a reason.
    aside = {*range(len(X))} - {*parts.training} - {*parts.held_out}
    assert len(aside) == parts.n_set_aside
    assert all({*rows_of[i]} & held_rows for i in aside)


@examples
@given(rows(), st.integers(1, 4), st.floats(0.05, 0.95))
def test_the_end_of_each_series_is_later_than_what_trains(case, window_size, fraction):
    X = windows_of(case.series, window_size)
    parts, _ = attempt(X, fraction, how="time")
    if parts is None:
        return
    for series in np.unique(case.series):
        trained = [i for i in parts.training if case.series[i] == series]
        held = [i for i in parts.held_out if case.series[i] == series]
        assert max(trained, default=-1) < min(held, default=len(X))


@examples
@given(labelled(), st.integers(1, 4), st.floats(0.05, 0.95))
def test_whole_series_are_held_out_with_and_without_an_event(
    case, window_size, fraction
):
    series, y = case
    parts, _ = attempt(windows_of(series, window_size), fraction, how="series", y=y)
    if parts is None:
        return
    held, trained = {*series[parts.held_out]}, {*series[parts.training]}
    assert held
    assert not held & trained
    assert held | trained == {*series}
    assert parts.n_set_aside == 0
    if y.dtype == bool:
        eventful = {k for k in {*series} if y[series == k].any()}
        for kind in (eventful, {*series} - eventful):
            if len(kind) > 1:
                assert kind & held
                assert kind & trained


@examples
@given(labelled(), st.integers(1, 3), st.floats(0.1, 0.5), st.booleans())
def test_what_a_part_lacks_is_never_accepted_in_silence(
    case, window_size, fraction, only_normal
):
    series, y = case
    X = windows_of(series, window_size)
    trained = "normal" if only_normal and y.dtype == bool else "all"
    parts, told = attempt(X, fraction, y=y, trained=trained)
    if parts is None:
        return
    held_out, training = {*y[parts.held_out]}, {*y[parts.training]}
    if trained == "normal":
        flagged = {i for i in range(len(y)) if y[i]}
        rows_of = naive.window_rows(len(X), window_size, series)
        assert y.all() or any(not {*rows_of[i]} & flagged for i in parts.training)
        assert bool(told) == (held_out != {*y})
    elif y.dtype == bool:
        assert y.all() or False in training
        assert bool(told) == (held_out != {*y} or training != {*y})
    else:
        assert training == {*y}
        assert bool(told) == (held_out != {*y})
    assert len(told) == len(parts.lacks)


@examples
@given(labelled(), st.integers(1, 3), st.floats(0.1, 0.5))
def test_series_and_events_of_each_part_are_counted(case, window_size, fraction):
    series, y = case
    parts, _ = attempt(windows_of(series, window_size), fraction, y=y)
    if parts is None:
        return
    usual = False if y.dtype == bool else np.bincount(y).argmax()
    for k, part in enumerate((parts.training, parts.held_out)):
        assert parts.n_series[k] == len({*series[part]})
        assert parts.n_events[k] == naive.n_events(part, series, y, usual)


@examples
@given(labelled(), st.integers(1, 3), st.randoms(use_true_random=False))
def test_the_order_of_the_windows_does_not_matter(case, window_size, random):
    series, y = case
    X = windows_of(series, window_size)
    order = np.array(random.sample(range(len(X)), len(X)))
    parts, told = attempt(X, 0.3, y=y)
    shuffled, told_again = attempt(X[order], 0.3, y=y[order])
    assert told == told_again
    if parts is None:
        assert shuffled is None
        return
    assert {*order[shuffled.held_out]} == {*parts.held_out}
    assert {*order[shuffled.training]} == {*parts.training}
    assert (shuffled.n_events, shuffled.how) == (parts.n_events, parts.how)


def test_series_shorter_than_their_windows_are_held_out_whole():
    series = np.repeat(np.arange(120), 4)
    X, y = windows_of(series, 10), np.arange(480) % 20 == 3
    assert hold_out(X, 0.2).how == "series"
    assert hold_out(X, 0.2).held_out.tolist() == [*range(384, 480)]
    parts = hold_out(X, 0.2, y=y)
    assert (parts.how, parts.n_set_aside) == ("series", 0)
    assert parts.n_series == (96, 24)
    assert parts.n_events == (19, 5)


@pytest.mark.parametrize("trained", ["all", "normal"])
def test_series_that_end_in_their_event_are_held_out_whole(trained):
    series = np.repeat(np.arange(14), 200)
    y = np.arange(2800) % 200 >= 170
    parts = hold_out(windows_of(series, 5), 0.2, y=y, trained=trained)
    assert (parts.how, parts.n_series, parts.n_events) == ("series", (11, 3), (11, 3))
    assert {*series[parts.held_out]} == {11, 12, 13}


def test_of_series_that_end_in_one_of_two_classes_both_kinds_are_held_out():
    series = np.repeat(np.arange(30), 120)
    y = np.where(np.arange(3600) % 120 >= 94, 1 + series % 2, 0)
    parts = hold_out(windows_of(series, 20), 0.2, y=y)
    assert parts.how == "series"
    assert {*series[parts.held_out]} == {*range(24, 30)}
    assert {*y[parts.training]} == {*y[parts.held_out]} == {0, 1, 2}


def test_the_end_of_each_series_is_held_out_where_it_is_like_the_rest():
    series = np.repeat(np.arange(3), 300)
    y = np.arange(900) % 50 > 45
    parts = hold_out(windows_of(series, 10), 0.2, y=y)
    assert (parts.how, parts.n_set_aside) == ("time", 27)
    assert parts.n_series == (3, 3)


@pytest.mark.parametrize("fraction", [0.16, 0.2, 0.24])
def test_the_share_is_rounded_to_windows(fraction):
    assert hold_out(np.zeros((10, 3, 1)), fraction).held_out.tolist() == [8, 9]


def test_one_window_of_each_series_of_two_is_held_out_where_the_share_is_less():
    parts = hold_out(windows_of([0, 0, 0, 1, 1, 1, 2], 1), 0.1)
    assert parts.held_out.tolist() == [2, 5]
    assert parts.training.tolist() == [0, 1, 3, 4, 6]


def test_a_single_series_that_ends_in_events_is_split_by_time():
    y = np.arange(100) >= 85
    parts = hold_out(windows_of(np.zeros(100), 3), 0.2, y=y, trained="normal")
    assert (parts.how, parts.lacks) == ("time", ())
    with pytest.warns(UserWarning, match=r"No event is left to train on.*splitter"):
        parts = hold_out(windows_of(np.zeros(100), 3), 0.2, y=y)
    assert parts.lacks == (("training", True),)


def test_a_held_out_part_without_an_event_is_told():
    y = np.arange(100) < 10
    with pytest.warns(UserWarning, match=r"end of each series\) has no event"):
        parts = hold_out(windows_of(np.zeros(100), 3), 0.2, y=y)
    assert parts.lacks == (("held-out", True),)


def test_a_caller_may_tell_of_the_held_out_part_itself():
    y = np.arange(100) < 10
    X = windows_of(np.zeros(100), 3)
    parts = hold_out(X, 0.2, y=y, trained="unlabelled", tell_of_held_out=False)
    assert parts.lacks == (("held-out", True),)
    assert parts.place == "the end of each series"
    assert parts.remedy.startswith("Set another 'validation_fraction'")


def test_what_learns_nothing_of_labels_needs_no_event_but_normal_windows():
    X, y = windows_of(np.zeros(100), 3), np.arange(100) >= 85
    parts = hold_out(X, 0.2, y=y, trained="unlabelled")
    assert parts.lacks == ()
    assert parts.n_events == (0, 1)
    y = np.arange(100) < 85
    with pytest.raises(ValueError, match="No normal window is left to train on"):
        hold_out(X, 0.2, y=y, trained="unlabelled")


def test_a_held_out_part_without_a_normal_window_is_told():
    y = np.arange(100) >= 70
    with pytest.warns(UserWarning, match="has no normal window") as told:
        hold_out(windows_of(np.zeros(100), 3), 0.2, y=y, trained="normal")
    assert len(told) == 1


def test_a_class_that_would_not_be_trained_on_is_an_error():
    y = np.repeat([0, 1, 2], [45, 40, 15])
    with pytest.raises(ValueError, match=r"No window of class 2 .* 'validation_frac"):
        hold_out(windows_of(np.zeros(100), 3), 0.2, y=y)


def test_no_normal_window_to_train_on_is_an_error():
    y = np.arange(20) % 2 == 0
    X = windows_of(np.zeros(20), 4)
    with pytest.raises(ValueError, match="No normal window is left to train on"):
        hold_out(X, 0.2, y=y, trained="normal")
    assert len(hold_out(X, 0.2, y=y).training)


def test_the_remedy_of_several_series_is_to_hold_out_whole_ones():
    series = np.repeat(np.arange(14), 200)
    y = np.arange(2800) % 200 >= 170
    with pytest.warns(UserWarning, match="Set 'validation' to 'series', or set an"):
        hold_out(windows_of(series, 5), 0.1, how="time", y=y)


def test_series_of_unequal_length_are_held_out_near_to_the_share():
    series = np.repeat(np.arange(5), [40, 10, 100, 10, 90])
    parts = hold_out(windows_of(series, 1), 0.2, how="series")
    assert {*series[parts.held_out]} == {4}
    series = np.repeat(np.arange(5), [40, 10, 100, 10, 180])
    parts = hold_out(windows_of(series, 1), 0.2, how="series")
    assert {*series[parts.held_out]} == {3, 2}
    series = np.repeat([0, 1], [50, 51])
    parts = hold_out(windows_of(series, 1), 0.2, how="series")
    assert {*series[parts.held_out]} == {0}


def test_windows_of_a_slice_know_the_series_that_are_left():
    series = np.repeat(np.arange(20), 4)
    X = windows_of(series, 10)[(series == 3) | (series == 9)]
    parts = hold_out(X, 0.2)
    assert (parts.how, parts.n_series) == ("series", (1, 1))
    assert parts.held_out.tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize("X", [np.zeros((10, 2, 1)), windows_of(np.zeros(10), 2)])
def test_series_of_a_single_one_are_refused(X):
    with pytest.raises(ValueError, match="'validation' is 'series', but X holds one"):
        hold_out(X, 0.2, how="series")


@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_too_few_windows_to_split_are_an_error(n_rows):
    with pytest.raises(ValueError, match=f"cannot be held out of {n_rows} sample"):
        hold_out(windows_of(np.zeros(n_rows), 5), 0.2)


def test_an_array_is_one_series_in_time_order():
    parts = hold_out(np.zeros((10, 3, 1)), 0.2)
    assert (parts.training.tolist(), parts.held_out.tolist()) == ([*range(8)], [8, 9])
    assert (parts.how, parts.n_series, parts.n_events) == ("time", (1, 1), None)


@pytest.mark.parametrize("y", [None, np.arange(40) % 10 == 3])
def test_independent_sequences_are_drawn_at_random_by_class(y):
    X = np.zeros((40, 3, 1))
    parts = hold_out(X, 0.25, y=y, of_arrays="random", random_state=7)
    drawn = train_test_split(np.arange(40), test_size=10, stratify=y, random_state=7)
    assert parts.how == "random"
    assert parts.training.tolist() == sorted(drawn[0])
    assert parts.held_out.tolist() == sorted(drawn[1])


def test_a_class_of_one_sequence_cannot_be_drawn():
    y = np.append(np.zeros(9, int), 1)
    with pytest.raises(ValueError, match=r"'validation_fraction' of 0.2 .* least"):
        hold_out(np.zeros((10, 3, 1)), 0.2, y=y, of_arrays="random")


def test_a_splitter_gives_its_first_split_but_for_shared_rows():
    X = windows_of(np.zeros(12), 3)
    parts = hold_out(X, 0.2, how=KFold(3))
    assert parts.held_out.tolist() == [0, 1, 2, 3]
    assert parts.training.tolist() == [*range(6, 12)]
    assert (parts.how, parts.n_set_aside) == ("splitter", 2)
    fold = PredefinedSplit(np.where(np.arange(12) == 5, 0, -1))
    assert hold_out(np.zeros((12, 2, 1)), 0.2, how=fold).held_out.tolist() == [5]


def test_a_splitter_by_groups_is_given_the_series():
    series = np.repeat(np.arange(6), 5)
    splitter = GroupShuffleSplit(1, test_size=2, random_state=0)
    parts = hold_out(windows_of(series, 3), 0.2, how=splitter)
    assert parts.n_series == (4, 2)
    assert parts.n_set_aside == 0


class _Fixed:
    def __init__(self, *parts):
        self.parts = parts

    def split(self, X, y=None):
        yield self.parts


@pytest.mark.parametrize(
    "parts", [([0], [99]), ([0.5], [1]), ([0],), ([0], [1], [2]), (["a"], [1])]
)
def test_a_splitter_that_gives_anything_else_is_named(parts):
    with pytest.raises((ValueError, TypeError), match="validation"):
        hold_out(np.zeros((9, 2, 1)), 0.2, how=_Fixed(*parts))


def test_a_splitter_without_a_test_part_is_an_error():
    with pytest.raises(ValueError, match="cannot be held out"):
        hold_out(np.zeros((9, 2, 1)), 0.2, how=_Fixed([0, 1], []))


def test_the_facts_are_plain_and_put_in_words():
    series = np.repeat(np.arange(3), 300)
    y = np.arange(900) % 100 > 95
    facts = hold_out(windows_of(series, 10), 0.2, y=y).facts
    assert facts == {
        "how": "time",
        "n_set_aside": 27,
        "training": {"n_windows": 693, "n_series": 3, "n_events": 6},
        "held_out": {"n_windows": 180, "n_series": 3, "n_events": 3},
    }
    assert in_words(facts) == (
        "Trained on 693 windows of 3 series with 6 events; held out 180 windows of 3 "
        "series with 3 events, the end of each series; 27 windows between, set aside."
    )
    assert "event" not in in_words(hold_out(np.zeros((9, 2, 1)), 0.2).facts)
