# SPDX-License-Identifier: BSD-3-Clause
"""What the page says beside its figures."""

import pandas as pd

from ..detection._thresholds import RULES_OF_NORMAL_ROWS
from ..reconstruction._offset import NORMAL_QUANTILE
from ..rows._words import count, share
from ..windowing._held_out import in_words
from ._zoomed import MAX_STRIPS

_ROUGH = 10  # events, from which on a threshold is set with some certainty

ABOUT_THE_ROWS = (
    "Every figure takes on trust that these rows come after those that the models were "
    "fitted on, and that no threshold was set on them. The page cannot check it. On "
    "rows that had a part in the training all figures would be too good.",
)
ABOUT_THE_ALARMS = (
    "An event is a run of rows labelled 1, an alarm a run of rows above the threshold; "
    "each ends with its series. An event is found if any of its rows is flagged. An "
    "alarm that meets no event is false; so is each stretch of another that lies "
    "farther from its events than the median length of an event, or than less where "
    "events are close together. Event precision is the part of an alarm that is right, "
    "on average.",
    "Long events dominate the figures of rows. Those of events and alarms count each "
    "once.",
)


def summary(rows, models):
    """How much was scored."""
    text = count(len(rows), "row")
    if rows.n_series > 1:
        text += f" of {rows.n_series:,} series"
    if rows.time is not None:
        kind = "" if rows.has_dates else "time "
        text += f", from {kind}{rows.time.min()} to {rows.time.max()}"
    text = f"{models[0].name} scored {text}."
    if rows.labelled:
        verb = "is" if rows.y.sum() == 1 else "are"
        text += (
            f" Of these, {count(int(rows.y.sum()), 'row')} ({share(rows.y.mean())}) "
            f"{verb} labelled, in {count(rows.n_events, 'event')}."
        )
    else:
        text += " None of them is labelled."
    if not rows.n_not_judged:
        return text
    text = (
        f"{text} {count(rows.n_not_judged, 'more row')} could not be judged, as "
        "nothing was observed in their windows, and have no part in the figures"
    )
    if rows.n_events_not_judged:
        text += f"; {rows.n_events_not_judged:,} of them are labelled"
    return text + "."


def about_the_threshold_in_use(decider, fitted):
    """What the threshold stands on, from what ``fit`` remembers; "" if nothing."""
    facts = getattr(decider, "validation_", None)
    if not hasattr(decider, "threshold"):  # a detector
        facts = getattr(fitted, "validation_", None)
        if facts is None:
            return ""
        n_windows = count(facts["held_out"]["n_windows"], "held-out window")
        return f"The threshold was set without labels, on {n_windows}."
    if facts is None or facts["held_out"]["n_events"] is None:
        return ""
    n_events = facts["held_out"]["n_events"]
    rule = decider.threshold
    rule = rule if isinstance(rule, str) else rule[0]
    n_windows = count(facts["held_out"]["n_windows"], "held-out window")
    if rule in RULES_OF_NORMAL_ROWS:
        return f"The threshold was set on {n_windows}, by a rule that needs no event."
    if not n_events:
        return (
            f"The threshold stands on no event, as none was held out: it is the "
            f"{NORMAL_QUANTILE} quantile of {n_windows}. Label more events."
        )
    text = f"The threshold stands on {count(n_events, 'held-out event')}"
    if n_events >= _ROUGH:
        return f"{text}."
    text += ", which is too few to set it surely"
    if n_events > 1:
        text += (
            f": each of them is {share(1 / n_events)} of all that it knows of events"
        )
    return f"{text}."


def held_out_facts(decider, fitted):
    """What was trained on and what was held out, in sentences."""
    sentences = []
    for part in (decider, fitted):
        facts = getattr(part, "validation_", None)
        if facts is not None and (part is decider or decider is not fitted):
            sentences.append(f"{type(part).__name__}: {in_words(facts)}")
    return list(dict.fromkeys(sentences))


def about_the_models(models, measures, rows):
    if not rows.labelled:
        text = "All figures are at the threshold in use of each model. "
    else:
        text = (
            "Average precision and ROC AUC are those of the scores, whatever the "
            "threshold. All below them is at the threshold in use of each model. "
        )
    without = [model.name for model in models if model.threshold is None]
    if without:
        text += f"No threshold is known of {', '.join(without)}. "
    if rows.labelled:
        text += (
            "The detection delay is the median, over the events found, from the start "
            "of an event to its first alarm. "
        )
    if not rows.has_dates:
        text += "Without dates, alarms are counted per 1,000 rows. "
    if any(pd.isna(value) for figures in measures for value in figures.values()):
        text += "A dash is a figure that these rows do not define. "
    return text.strip()


def about_the_threshold(model, rows):
    start = "that in use"
    if model.threshold is None:
        start = f"the {NORMAL_QUANTILE} quantile of these scores, as none is known"
    text = f"A row is flagged where the score of {model.name} is above the threshold. "
    if model.alarm_rule is not None:
        text += "Here each run of flagged rows is an alarm, without the alarm rule. "
    text += f"The slider starts at {start}. "
    if rows.y.any():
        text += (
            "A threshold that is chosen here, on the rows it is judged on, looks "
            "better than it will prove on later rows."
        )
    elif rows.labelled:
        text += (
            "As no event is known in these rows, all alarms count as false ones, and "
            "precision and recall are not defined."
        )
    return text


def about_the_timeline(rows, n_thresholds, *, is_thinned):
    text = (
        f"The figures are counted on all {len(rows):,} rows, at {n_thresholds:,} "
        "thresholds. "
    )
    if rows.n_series > MAX_STRIPS:
        text += (
            f"Of the {rows.n_series:,} series the {MAX_STRIPS} are drawn that are "
            "longest in alarm at the start. "
        )
    if is_thinned:
        text += (
            "The lines show the lowest and the highest score of stretches of rows, so "
            "that no peak is lost. "
        )
    return text + "Drag over the picture to look closer, click twice to go back."


def about_the_windows(model, detector):
    text = (
        "The windows of the highest scores, named by the row at which they end; no two "
        "share a row. "
    )
    if detector is None:
        return text + f"The score of {model.name} cannot be divided into features."
    return text + (
        "Beside each feature stands its share of the score, and the steps that made "
        "it, the first on the left: the darker, the more."
    )
