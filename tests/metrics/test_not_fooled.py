# SPDX-License-Identifier: BSD-3-Clause
"""What a person would say of alarms that know nothing, or never stop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from strategies import examples

from skseq.metrics import (
    detection_delay,
    event_precision_recall_fscore_support,
    false_alarm_rate,
    false_alarm_share,
    time_in_alarm,
)

N_ROWS = 3000


@st.composite
def rare_events(draw):
    """Labels of some events, of lengths that a person would call events."""
    y = np.zeros(N_ROWS, dtype=int)
    starts = draw(
        st.lists(st.integers(0, N_ROWS // 50 - 1), min_size=1, max_size=9, unique=True)
    )
    for start in starts:
        first = 50 * start + draw(st.integers(0, 10))
        y[first : first + draw(st.integers(1, 30))] = 1
    return y


def event_precision(y, alarm, **options):
    return event_precision_recall_fscore_support(y, alarm, **options)[0]


@examples
@given(rare_events())
def test_an_alarm_that_never_stops_is_right_at_the_base_rate(y):
    always = np.ones(N_ROWS)
    assert event_precision(y, always, tolerance=0) == pytest.approx(y.mean())
    assert y.mean() <= event_precision(y, always) <= 1.12 * y.mean()
    assert false_alarm_share(y, always) == 1
    assert time_in_alarm(always) == 1
    # It is false before, between and after the events.
    normal_stretches = np.count_nonzero(np.diff(np.append(1, y)) == -1)
    assert false_alarm_rate(y, always, per=N_ROWS, tolerance=0) == normal_stretches
    assert false_alarm_rate(y, always) > 0


@given(st.lists(st.booleans(), min_size=2, max_size=60).filter(lambda y: 0 in y))
@examples
def test_no_labels_make_an_alarm_that_never_stops_right(y):
    y = np.array(y)
    always = np.ones(len(y))
    assert false_alarm_rate(y, always) > 0
    # A tenth of the normal rows is excused at the most.
    least = y.mean() / (1 - 0.1 * (1 - y.mean()))
    assert event_precision(y, always, zero_division=0.0) <= least + 1e-12


@examples
@given(rare_events())
def test_no_alarm_is_never_false_and_finds_nothing(y):
    never = np.zeros(N_ROWS)
    assert false_alarm_rate(y, never) == 0
    assert false_alarm_share(y, never) == 0
    assert time_in_alarm(never) == 0
    figures = event_precision_recall_fscore_support(y, never, zero_division=np.nan)
    assert np.isnan(figures[0])
    assert figures[1] == 0
    with pytest.warns(UndefinedMetricWarning, match="no event is found"):
        assert detection_delay(y, never)[1] == 0


@examples
@given(rare_events())
def test_alarms_on_the_events_alone_are_perfect(y):
    assert event_precision_recall_fscore_support(y, y)[:3] == (1, 1, 1)
    assert false_alarm_rate(y, y) == 0
    assert false_alarm_share(y, y) == 0
    assert time_in_alarm(y) == pytest.approx(y.mean())
    assert detection_delay(y, y) == (0, 1)


@examples
@given(rare_events())
def test_every_other_row_is_right_at_the_base_rate_and_mostly_false(y):
    alternating = np.arange(N_ROWS) % 2
    precision = event_precision(y, alternating)
    assert precision == pytest.approx(y[1::2].mean())
    assert false_alarm_share(y, alternating) == pytest.approx(0.5, abs=0.02)
    false = (1 - y)[1::2].sum()
    assert false_alarm_rate(y, alternating, per=N_ROWS) == false


@examples
@given(rare_events(), st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.2, 0.5]))
def test_random_alarms_are_right_at_about_the_base_rate(y, seed, rate):
    flagged = np.random.default_rng(seed).random(N_ROWS) < rate
    precision = event_precision(y, flagged, zero_division=np.nan)
    # Excused rows are a tenth of the normal ones; runs of random rows are short.
    noise = 4 * np.sqrt(y.mean() / (rate * N_ROWS)) + 4 / (rate * N_ROWS)
    assert precision <= 1.5 * y.mean() + noise
    assert false_alarm_share(y, flagged) == pytest.approx(rate, abs=0.06)
    assert false_alarm_rate(y, flagged, per=N_ROWS) > 0.2 * N_ROWS * rate * (1 - rate)


@examples
@given(rare_events(), st.integers(0, 400), st.integers(0, 400))
def test_a_longer_alarm_is_never_better(y, before, after):
    first, last = np.flatnonzero(y)[[0, -1]]
    short, long = np.zeros((2, N_ROWS), dtype=int)
    short[first : last + 1] = 1
    long[max(first - before, 0) : last + 1 + after] = 1
    assert event_precision(y, long) <= event_precision(y, short) + 1e-12
    assert false_alarm_rate(y, long) >= false_alarm_rate(y, short)
    assert false_alarm_share(y, long) >= false_alarm_share(y, short)


@examples
@given(rare_events(), st.lists(st.integers(0, N_ROWS - 1), max_size=20))
def test_false_alarms_are_counted_and_lower_the_precision(y, rows):
    rows = [row for row in rows if not y[max(row - 2, 0) : row + 3].any()]
    alarm = y.copy()
    alarm[rows] = 1
    n_false = np.count_nonzero(np.diff(np.append(0, alarm - y)) == 1)
    n_right = np.count_nonzero(np.diff(np.append(0, y)) == 1)
    assert false_alarm_rate(y, alarm, per=N_ROWS) == n_false
    assert event_precision(y, alarm) == pytest.approx(n_right / (n_right + n_false))
