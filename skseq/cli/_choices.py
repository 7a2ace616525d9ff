# SPDX-License-Identifier: BSD-3-Clause
"""What the options of ``detect`` say: read before anything is imported for it."""

from dataclasses import dataclass
from enum import StrEnum

# What detect writes into --out, beside the page.
RESULTS = (
    "scores.csv",
    "alarms.csv",
    "events.csv",
    "score.png",
    "precision_recall.png",
    "model.skseq",
    "detect.json",
)
N_TOP = 3  # features that scores.csv, and skseq score, name for each row
_MARK = "detect.json"  # a folder that holds it is one of detect's
_ALARM_PARTS = ("min_rows", "within", "hold", "max_gap")


class Model(StrEnum):
    """The model of the headline."""

    committee = "committee"
    residual = "residual"
    lstm = "lstm"
    pca = "pca"


@dataclass(frozen=True)
class Cut:
    """Where the training rows end.

    Of the kinds "rows" and "date" all series are cut at one place, ``at``; "each" cuts
    each at a share of its own, and "series" takes a share of the series as a whole.
    """

    kind: str
    at: object
    text: str

    @classmethod
    def of(cls, text):
        kind, _, share = text.partition(":")
        if kind in ("each", "series"):
            return cls(kind, _share(share or "0.6", text), text)
        try:
            return cls("rows", float(text), text)
        except ValueError:
            return cls("date", text, text)


def _share(text, cut):
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise ValueError(f"--cut {cut}: expected a share in (0, 1). Got {text!r}.")
    return share


@dataclass(frozen=True)
class Choices:
    """What is to be done with a table that was read."""

    window: object = 10
    gap: object = None
    horizon: object = None
    cut: Cut = Cut("rows", 0.6, "0.6")
    model: Model | None = None
    threshold: object = None
    alarm_rule: dict | None = None
    network: dict | None = None
    seed: int = 0


def window_of(text):
    """A number of rows, a duration, or "auto"."""
    if text == "auto":
        return text
    return _count_or_duration(text, "--window", "a number of rows, or auto")


def horizon_of(text):
    """A number of rows, or a duration."""
    return text and _count_or_duration(text, "--horizon", "a number of rows")


def _count_or_duration(text, option, words):
    try:
        count = int(text)
    except ValueError:
        if text[:1].isdigit() and text[-1].isalpha():
            return text
        count = 0
    if count < 1:
        raise ValueError(f"{option}: expected {words}, such as 10. Got {text!r}.")
    return count


def duration_of(text):
    """A number where it reads as one, for a time of numbers; else as it is given."""
    return text if text is None else _number_or_text(text)


def network_of(layers, max_epochs):
    """Parameters of the network that are not left to its class."""
    network = {} if max_epochs is None else {"max_epochs": max_epochs}
    if layers is not None:
        try:
            network["hidden_layer_sizes"] = tuple(int(n) for n in layers.split(","))
        except ValueError:
            raise ValueError(
                f"--layers: expected ints between commas, such as 64,32. Got "
                f"{layers!r}."
            ) from None
    return network


# How many numbers follow the name of a rule of RareEventClassifier. They stand here as
# well, so that a wrong one is told before that is imported.
_RULES = {
    "f1": 0,
    "event_f1": 0,
    "fbeta": 1,
    "event_fbeta": 1,
    "precision": 1,
    "recall": 1,
    "quantile": 1,
    "pot": 1,
    "probability": 1,
    "cost": 2,
    "event_cost": 2,
    "alarms_per": 2,
}


def threshold_of(text):
    """A rule as RareEventClassifier takes it: "f1", or a name and its numbers."""
    if text is None:
        return text
    name, *values = text.split(":")
    if _RULES.get(name) != len(values):
        rules = ", ".join(rule + ":N" * n for rule, n in _RULES.items())
        raise ValueError(
            f"--threshold: expected one of {rules}, with numbers for N (the last of "
            f"alarms_per may be a duration). Got {text!r}."
        )
    return (name, *map(_number_or_text, values)) if values else name


def alarm_rule_of(text):
    """Parameters of an AlarmRule, such as min_rows=3,hold=1h; None without any."""
    if text is None:
        return None
    parts = [part.partition("=") for part in text.split(",")]
    for name, _, value in parts:
        if name not in _ALARM_PARTS or not value:
            raise ValueError(
                f"--alarm-rule: expected some of {', '.join(_ALARM_PARTS)}, as in "
                f"min_rows=3,hold=1h. Got {text!r}."
            )
    return {name: _count_or_text(value) for name, _, value in parts}


def _count_or_text(text):
    return int(text) if text.isdigit() else text


def _number_or_text(text):
    try:
        return float(text)
    except ValueError:
        return text


def check_folder(out):
    """Raise a ValueError where a path cannot be a folder."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out: {out} is a file. Name a folder.")


def check_out(out, read, *, force):
    """Raise a ValueError where a folder holds files of others, but for what is read."""
    if not out.exists():
        return
    read = [path.resolve() for path in read]
    names = sorted(path.name for path in out.iterdir() if path.resolve() not in read)
    if names and _MARK not in names and not force:
        raise ValueError(
            f"--out: {out} holds files that are not of detect, such as {names[0]}. "
            "Name a new folder, or give --force to write among them."
        )
