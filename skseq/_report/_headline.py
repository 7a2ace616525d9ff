# SPDX-License-Identifier: BSD-3-Clause
"""The first line: what a person on duty asks."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..rows._words import count, duration, each, number, share

# Share of the normal time in alarm, from which on an alarm tells next to nothing.
_MOSTLY, _NEARLY = 0.5, 0.9
_ORDINALS = ("Best", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh")


class Headline(NamedTuple):
    sentence: str
    is_useless: bool


def headline(models, measures, rows):
    """Say what the first model does at its threshold, and where it stands.

    Parameters
    ----------
    models : list of Model

    measures : list of dict
        Figures of each.

    rows : Rows

    Returns
    -------
    headline : Headline
    """
    figures, alarm = measures[0], models[0].alarm
    if alarm is None:
        text = f"{models[0].name} has no threshold, so it raises no alarm by itself."
        return Headline(_with_rank(text, models, measures, rows), False)
    flaw = _flaw(figures, rows, alarm)
    text = _what_it_does(figures, rows, alarm)
    if flaw:
        text = f"Useless as it is: {flaw}. {text}"
    return Headline(_with_rank(text, models, measures, rows), bool(flaw))


def _flaw(figures, rows, alarm):
    """Why the alarms are worth nothing, if they are."""
    in_alarm = rows.share_in_alarm(alarm)
    if in_alarm >= _MOSTLY:
        what = "nearly everything" if in_alarm >= _NEARLY else "most of the time"
        what = "everything" if alarm.all() else what
        return f"it flags {what}, and an alarm that hardly ever stops tells nothing"
    if not rows.y.any():
        return None
    if not figures["events found"]:
        what = "nothing" if not alarm.any() else "no row of an event"
        return f"it flags {what}"
    if figures["ROC AUC"] <= 0.5:
        return "its scores are no higher in events than outside"
    return None


def _what_it_does(figures, rows, alarm):
    rate = figures["false alarms" if rows.labelled else "alarms"]
    if not rows.y.any():
        start = f"Raises {_how_many(rate, rows)}"
        if rows.labelled and rate:
            start += ", which count as false as no row is labelled an event"
    else:
        start = f"Finds {_found(int(figures['events found']), rows.n_events)}"
        if figures["events found"]:
            start += f", {_delay(figures['median detection delay'])}"
        start += f", {'at ' * (rate > 0)}{rate_in_words(rate, rows, 'false alarm')}"
    in_alarm = rows.share_in_alarm(alarm)
    if np.isnan(in_alarm):
        return f"{start}; no time is normal."
    kind = "normal time" if rows.labelled else "time"
    return f"{start}; in alarm {share(in_alarm)} of the {kind}."


def _found(n_found, n_events):
    if n_found == n_events:
        return "the one event" if n_events == 1 else f"all {n_events:,} events"
    if n_found == 0:
        return f"none of {count(n_events, 'event')}"
    return f"{n_found:,} of {count(n_events, 'event')}"


def _delay(delay):
    if not isinstance(delay, pd.Timedelta):
        if delay == 0:
            return "as they begin (median)"
        unit = f"row{'' if delay == 1 else 's'}"
        return f"{number(delay)} {unit} after they begin (median)"
    if delay == pd.Timedelta(0):
        return "as they begin (median)"
    return f"{duration(delay)} after they begin (median)"


def _how_many(rate, rows):
    """Alarms in all, and how often that is."""
    watched = f"{len(rows):,} rows"
    if rows.has_dates:
        watched = duration(pd.Timedelta("1D") / rows.rate_of_one)
    n_alarms = round(rate / rows.rate_of_one)
    if not n_alarms:
        return f"no alarm in {watched}"
    often = rate_in_words(rate, rows, "")
    return f"{count(n_alarms, 'alarm')} in {watched}, {often}"


def rate_in_words(rate, rows, what):
    """How often something happens: "0.4 false alarms a day"."""
    if np.isnan(rate):
        return "–"
    if rate == 0:
        return f"no {what}"
    amount = number(rate, 2 if rate < 100 else 3)
    what = f" {what}{'' if amount == '1' else 's'}" if what else ""
    return f"{amount}{what} {rows.unit}"


def _with_rank(text, models, measures, rows):
    """Where the first model stands among the others, by average precision."""
    if not rows.labelled:
        return text
    reached = [figures["average precision"] for figures in measures]
    if len(models) == 1 or np.isnan(reached).any():
        return text
    better = [
        m.name for m, value in zip(models, reached, strict=True) if value > reached[0]
    ]
    n_level = sum(value == reached[0] for value in reached) - 1
    rank = f"{len(better) + 1}th"
    if len(better) < len(_ORDINALS):
        rank = _ORDINALS[len(better)]
    text += f" {rank} of {len(models)} models by average precision"
    if n_level:
        text += f", level with {n_level} other{'s' * (n_level > 1)}"
    if better:
        text += f", behind {each(better)}"
    return f"{text}."
