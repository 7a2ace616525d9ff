# SPDX-License-Identifier: BSD-3-Clause
"""What a stream was asked to do, in the unit of its time."""

from dataclasses import dataclass

import numpy as np

from ..alarms import AlarmRule
from ..rows._time import NUMBERS, ZONED, duration_value
from ._series import Limits, Series


@dataclass(frozen=True)
class Rules:
    """What a stream was asked to do, as durations in the unit of its time."""

    limits: Limits
    on_late: str
    max_series: int | None
    alarm_rule: AlarmRule | None
    alarm_on: str
    has_threshold: bool
    time_kind: str | None
    level: object  # Level of the drift, or None

    def new_alarm(self):
        if self.alarm_rule is None:
            return None
        state = self.alarm_rule.start()
        if self.time_kind is None:
            state.set_kind("none")
        elif self.time_kind == NUMBERS:
            state.set_kind("numbers")
        else:
            state.set_kind("datetimes", "UTC" if self.time_kind == ZONED else None)
        return state

    def alarm_from(self, state):
        """An alarm state that was given as plain values."""
        fresh = self.new_alarm().get_state()
        for name in ("kind", "zone"):
            if state[name] != fresh[name]:
                raise ValueError(f"its {name} is {state[name]!r}, not {fresh[name]!r}")
        return self.alarm_rule.start(state)

    def new_series(self, steps):
        window = np.full((steps.n_timesteps, steps.n_outputs), np.nan, np.float32)
        rows = np.full((steps.n_timesteps + 1, steps.n_raw), np.nan, steps.raw_dtype)
        return Series(
            window,
            rows,
            memories=steps.twin.memories(),
            firsts=steps.first_rows(),
            alarm=self.new_alarm(),
        )

    def alarm_values(self, steps, scores):
        """For each score: what the rule is given, and the bits of the health."""
        flags = np.zeros(len(scores), dtype=bool)
        if self.has_threshold:
            flags = steps.is_alarm(scores)
        rising = steps.rising(scores)
        above = np.zeros(len(scores), dtype=bool)
        if self.level is not None:
            above = rising > self.level.score
        given = rising
        if self.alarm_on == "flag":
            given = np.where(np.isnan(scores), np.nan, flags)
        return given.tolist(), flags.tolist(), above.tolist()


def needs_time(name):
    return (
        f"{name!r} of StreamScorer needs the time of each row. Name the column that "
        "holds it in 'time' of SlidingWindow."
    )


def rules_of(steps, max_jump, durations, *, on_late, alarm_on, alarm_rule, max_series):
    """Parameters in the unit of the time, checked."""
    kind = steps.plan.time.kind if steps.has_time else None
    is_auto = isinstance(max_jump, str) and max_jump == "auto"
    jump = None
    if is_auto and steps.has_time:
        jump = steps.usual_jump()
    elif not is_auto:
        durations = {"max_jump": max_jump, **durations}
    given = {}
    for name, value in durations.items():
        if value is not None and kind is None:
            raise ValueError(needs_time(name))
        if value is not None:
            given[name] = duration_value(value, kind, name, "StreamScorer")
    limits = Limits(
        steps.reach.gap,
        given.get("max_jump", jump),
        given.get("forget_after"),
        given.get("on_silence"),
    )
    has_threshold = True
    try:
        steps.is_alarm(np.zeros(1))
    except TypeError:
        has_threshold = False
        if alarm_rule is not None and alarm_on == "flag":
            raise
    if alarm_rule is not None and alarm_on == "flag" and not 0 <= alarm_rule.on < 1:
        raise ValueError(
            f"'on' of the 'alarm_rule' of StreamScorer is {alarm_rule.on}, but it is "
            "given flags of 0 and 1. Set alarm_on='score', or 'on' in [0, 1)."
        )
    rules = Rules(
        limits,
        on_late,
        max_series,
        alarm_rule,
        alarm_on,
        has_threshold,
        kind,
        steps.level(),
    )
    rules.new_alarm()  # the durations of the rule are checked
    return rules
