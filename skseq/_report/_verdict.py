# SPDX-License-Identifier: BSD-3-Clause
"""Whether the model beats the best simple one, in a sentence."""

from typing import NamedTuple

import numpy as np


class Verdict(NamedTuple):
    kind: str  # "better", "worse" or "open"
    sentence: str
    detail: str


def rival(models, measures):
    """The model to be beaten, by number: the best simple one; None without others."""
    others = range(1, len(models))
    simple = [k for k in others if models[k].is_simple]
    reached = [figures.get("average precision", np.nan) for figures in measures]
    return max(simple or others, key=lambda k: np.nan_to_num(reached[k]), default=None)


def name_of_rival(models, rival):
    """What to call it: of several simple ones, the best."""
    n_simple = sum(model.is_simple for model in models[1:])
    name = models[rival].name
    if models[rival].is_simple and n_simple > 1:
        return f"{name}, the best of {n_simple} simple models"
    return name


def judge(model, baseline, rows, figures, difference):
    """Say what the rows show, and no more.

    Parameters
    ----------
    model, baseline : str
        Names; the second is None where there is no baseline.

    rows : Rows

    figures : list of dict
        Figures of the model, and of the baseline.

    difference : Difference or None
        None where there is nothing to compare, or a class of rows is missing.

    Returns
    -------
    verdict : Verdict
    """
    if not rows.labelled:
        return Verdict(
            "open",
            f"Whether {model} finds events cannot be told: no row is labelled.",
            "Look at the alarms and the worst windows below, and label some of them.",
        )
    if not rows.y.any():
        return Verdict(
            "open",
            f"There is no event in these {len(rows):,} rows, so it cannot be told "
            f"whether {model} finds events"
            + ("." if baseline is None else f", nor whether it beats {baseline}."),
            "What can be told is how often it raises an alarm.",
        )
    if rows.y.all():
        return Verdict(
            "open",
            f"All of these {len(rows):,} rows are rows of events, so it cannot be told "
            f"whether {model} tells them from normal ones.",
            "Give rows of which most are normal.",
        )
    reached = figures[0]["average precision"]
    if baseline is None:
        return Verdict(
            "open",
            f"{model} has an average precision of {reached:.3f}. Whether a simple "
            "model would do as well cannot be told: no baseline was given.",
            f"A score at random has one of about {rows.y.mean():.3f}. Fit a "
            "PCAAutoencoder on the same training rows, and pass it in 'baselines'.",
        )
    of_baseline = figures[1]["average precision"]
    words = (
        f"an average precision of {reached:.3f} against {of_baseline:.3f}, a "
        f"difference of {difference.value:+.3f}"
    )
    return _compare(model, baseline, words, difference)


def _compare(model, baseline, words, difference):
    if difference.n_events == 1:
        return Verdict(
            "open",
            f"Whether {model} beats {baseline} cannot be told from one event: {words}.",
            "A single event gives no interval. Score rows that hold more of them.",
        )
    interval = f"95% interval from {difference.low:+.3f} to {difference.high:+.3f}"
    detail = (
        f"The interval is that of a bootstrap: {difference.n_resamples:,} resamples of "
        f"the {difference.n_events:,} events and of {difference.n_stretches:,} "
        "stretches of normal rows, each drawn as a whole."
    )
    if difference.n_events < 10:
        detail += (
            f" With {difference.n_events} events, the interval itself is a rough one."
        )
    if not difference.is_clear:
        return Verdict(
            "open",
            f"It is not shown that {model} beats {baseline}: {words}, and the "
            f"{interval} includes zero.",
            detail,
        )
    if difference.low > 0:
        return Verdict(
            "better", f"{model} beats {baseline}: {words} ({interval}).", detail
        )
    sentence = f"{model} is worse than {baseline}: {words} ({interval})."
    return Verdict("worse", sentence, f"Prefer the better one. {detail}")
