# SPDX-License-Identifier: BSD-3-Clause
"""Whether the model beats the linear baseline, in a sentence."""

from typing import NamedTuple


class Verdict(NamedTuple):
    kind: str  # "better", "worse" or "open"
    sentence: str
    detail: str


def judge(model, baseline, rows, measures, difference):
    """Say what the rows show, and no more.

    Parameters
    ----------
    model, baseline : str
        Names; the second is None where there is no baseline.

    rows : Rows

    measures : list of dict
        Figures of the model, and of the baseline.

    difference : Difference or None
        None where there is nothing to compare, or a class of rows is missing.

    Returns
    -------
    verdict : Verdict
    """
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
    reached = measures[0]["average precision"]
    if baseline is None:
        return Verdict(
            "open",
            f"{model} has an average precision of {reached:.3f}. Whether a linear "
            "model would do as well cannot be told: no baseline was given.",
            f"A score at random has one of about {rows.y.mean():.3f}. Fit a "
            "PCAAutoencoder on the same training rows, and pass it in 'baselines'.",
        )
    of_baseline = measures[1]["average precision"]
    figures = (
        f"an average precision of {reached:.3f} against {of_baseline:.3f}, a "
        f"difference of {difference.value:+.3f}"
    )
    return _compare(model, baseline, figures, difference)


def _compare(model, baseline, figures, difference):
    if difference.n_events == 1:
        return Verdict(
            "open",
            f"Whether {model} beats {baseline} cannot be told from one event: "
            f"{figures}.",
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
            f"It is not shown that {model} beats {baseline}: {figures}, and the "
            f"{interval} includes zero.",
            detail,
        )
    if difference.low > 0:
        sentence = f"{model} beats {baseline}: {figures} ({interval})."
        return Verdict("better", sentence, detail)
    sentence = f"{model} does not beat {baseline}, it is worse: {figures} ({interval})."
    return Verdict("worse", sentence, f"{detail} The simpler model is to be preferred.")
