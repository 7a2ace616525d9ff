# SPDX-License-Identifier: BSD-3-Clause
"""What the page says beside its figures."""

from ..reconstruction._offset import NORMAL_QUANTILE

ABOUT_THE_ROWS = (
    "Every figure takes on trust that these rows come after those that the models were "
    "fitted on, and that no threshold was set on them. The page cannot check it. On "
    "rows that had a part in the training all figures would be too good.",
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
    count = f"{len(rows):,} rows"
    if rows.n_series > 1:
        count += f" of {rows.n_series:,} series"
    if rows.time is not None:
        count += f", from {rows.time.min()} to {rows.time.max()}"
    events = f"{rows.n_events:,} event{_s(rows.n_events)}"
    text = (
        f"{models[0].name} scored {count}. Of these, {int(rows.y.sum()):,} rows "
        f"({rows.y.mean():.2%}) are labelled, in {events}."
    )
    if not rows.n_not_judged:
        return text
    text += (
        f" {rows.n_not_judged:,} more row{_s(rows.n_not_judged)} could not be judged, "
        "as nothing was observed in their windows, and have no part in the figures"
    )
    if rows.n_events_not_judged:
        text += f"; {rows.n_events_not_judged:,} of them are labelled"
    return text + "."


def _s(count):
    return "" if count == 1 else "s"


def about_the_models(models, rows):
    text = (
        "Average precision and ROC AUC are those of the scores, whatever the threshold."
        " All below them is at the threshold in use of each model. "
    )
    without = [model.name for model in models if model.threshold is None]
    if without:
        text += f"No threshold is known of {', '.join(without)}. "
    text += (
        "The detection delay is the median, over the events found, of the rows from "
        "the start of an event to its first alarm. "
    )
    if not rows.has_dates:
        text += "Without dates, alarms are counted per 1,000 rows. "
    return text + "A dash is a figure that these rows do not define."


def about_the_threshold(model, rows):
    start = "that in use"
    if model.threshold is None:
        start = f"the {NORMAL_QUANTILE} quantile of these scores, as none is known"
    text = f"A row is flagged where the score of {model.name} is above the threshold. "
    text += f"The slider starts at {start}. "
    if rows.y.any():
        text += (
            "A threshold that is chosen here, on the rows it is judged on, looks "
            "better than it will prove on later rows."
        )
    else:
        text += (
            "As no event is known in these rows, all alarms count as false ones, and "
            "precision and recall are not defined."
        )
    return text


def about_the_timeline(rows, n_thresholds):
    text = (
        f"The figures are counted on all {len(rows):,} rows, at {n_thresholds:,} "
        "thresholds. "
    )
    if len(rows) > 4000:
        text += (
            "The line shows the lowest and the highest score of each of 2,000 "
            "stretches of rows, so that no peak is lost. "
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
        "Beside each feature stands its share of the error, and the steps that made "
        "it, the first on the left: the darker, the more."
    )
