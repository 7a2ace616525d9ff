# SPDX-License-Identifier: BSD-3-Clause
"""What is held out to judge what is trained: one place for all that hold out."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from .._sklearn import GroupsConsumerMixin, HasMethods, StrOptions
from .._validation import is_windows, named_errors
from .._warnings import warn
from ..rows._row_numbers import all_rows, index_dtype
from ._labelled import Labelled, last_series, time_order

# What a parameter 'validation' of an estimator takes.
VALIDATION = [
    StrOptions({"auto", "time", "series"}),
    HasMethods(["split", "get_n_splits"]),  # a str can be split, too
]

# The odds of an event may differ by this factor between a part that is like the rest
# and the rest. Chance alone puts two events of five into a held-out fifth, which is a
# factor of 2.7, and hardly ever three, which is 6; at a factor of 4 a precision of 0.8
# is one of 0.5.
_LARGEST_ODDS_RATIO = 4.0


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What is trained on, and what is held out to judge it.

    ``training`` and ``held_out`` are positions in ``X``, increasing. ``how`` is what
    "auto" came to: "time", "series", "random" or "splitter". ``n_set_aside`` windows
    are in neither part, since they share rows with one held out. ``n_series`` and
    ``n_events`` are counts in the training and in the held-out part; an event is a run
    of windows of one series with a label that is not the usual one, and counts in each
    part that holds any of it (None without labels). ``lacks`` are the (part, class)
    that a sound split would hold, and ``remedy`` says what to set for one that does.
    """

    training: np.ndarray
    held_out: np.ndarray
    how: str
    n_set_aside: int
    n_series: tuple[int, int]
    n_events: tuple[int, int] | None
    lacks: tuple[tuple, ...] = ()
    remedy: str = ""

    @property
    def place(self):
        """What is held out, in words."""
        return _WORDS[self.how]

    @property
    def facts(self):
        """What a fitted estimator remembers, and displays print: plain values."""
        sizes = len(self.training), len(self.held_out)
        parts = {
            name: {
                "n_windows": sizes[k],
                "n_series": self.n_series[k],
                "n_events": None if self.n_events is None else self.n_events[k],
            }
            for k, name in enumerate(("training", "held_out"))
        }
        return {"how": self.how, "n_set_aside": self.n_set_aside, **parts}


def in_words(facts):
    """One sentence on ``HeldOut.facts``, for displays."""

    def words(name):
        part = facts[name]
        counts = [_count(part["n_windows"], "window"), _count(part["n_series"], "")]
        if part["n_events"] is not None:
            counts.append(_count(part["n_events"], "event"))
        return f"{counts[0]} of {counts[1]}series" + "".join(
            f" with {count}" for count in counts[2:]
        )

    text = f"Trained on {words('training')}; held out {words('held_out')}, "
    how = _WORDS[facts["how"]]
    is_one = facts["training"]["n_series"] == 1
    text += how.replace("each", "the") if is_one else how
    if facts["n_set_aside"]:
        text += f"; {_count(facts['n_set_aside'], 'window')} between, set aside"
    return f"{text}."


def _count(n, what):
    plural = "s" if what and n != 1 else ""
    return f"{n:,} {what}{plural}"


_WORDS = {
    "time": "the end of each series",
    "series": "whole series",
    "random": "drawn at random",
    "splitter": "chosen by the splitter",
}


def _last_of_each(ends, series_starts, fraction):
    """Flag the windows that end in the last ``fraction`` of those of their series."""
    order = time_order(ends)
    ends = ends[order]
    stops = np.append(np.searchsorted(ends, series_starts[1:]), len(ends))
    counts = np.diff(stops, prepend=0)
    held = np.floor(fraction * counts + 0.5).astype(int)
    if not held.any():
        held = (counts > 1).astype(int)
    # Where the flags of a series begin, and where they end: in a byte for each window.
    change = np.zeros(len(ends) + 1, dtype=np.int8)
    np.add.at(change, stops - held, 1)
    np.add.at(change, stops, -1)
    flags = np.empty(len(ends), dtype=bool)
    flags[order] = np.cumsum(change[:-1], dtype=np.int8)
    return flags


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Flags of what would train and of what would be held out, and what that lacks."""

    how: str
    training: np.ndarray
    held_out: np.ndarray
    n_set_aside: int
    lacks: tuple[tuple, ...]

    @classmethod
    def make(cls, how, labelled, held_out, others=None):
        """Set aside what shares rows with the held-out windows."""
        X, others = labelled.X, ~held_out if others is None else others
        training = others & ~held_out
        if is_windows(X) and held_out.any():
            training &= ~X.shares_rows(X[held_out])
        n_set_aside = np.count_nonzero(others) - np.count_nonzero(training)
        lacks = labelled.lacks(training, held_out)
        return cls(how, training, held_out, int(n_set_aside), lacks)

    @property
    def faults(self):
        """The smaller the better: empty parts, classes not trained on, all it lacks."""
        n_empty = (not self.training.any()) + (not self.held_out.any())
        n_untrained = sum(part == "training" for part, _ in self.lacks)
        return n_empty, n_untrained, len(self.lacks)

    @property
    def is_sound(self):
        return self.faults == (0, 0, 0)


def _by_time(labelled, fraction):
    X = labelled.X
    if is_windows(X):
        flags = _last_of_each(X.ends, X.series_starts, fraction)
    else:
        flags = _last_of_each(all_rows(len(X)), np.zeros(1, int), fraction)
    return _Candidate.make("time", labelled, flags)


def _by_series(labelled, fraction):
    flags = last_series(labelled.series, fraction, labelled.codes)
    return _Candidate.make("series", labelled, flags)


def _by_either(labelled, fraction):
    """The end of each series where that is like the rest, else whole series."""
    time = _by_time(labelled, fraction)
    if labelled.n_series < 2:
        return time
    # Gaps that take more than they leave: whole series need none.
    is_short = time.n_set_aside > np.count_nonzero(time.training)
    ratio = labelled.odds_ratio(time.held_out)
    is_like = 1 / _LARGEST_ODDS_RATIO <= ratio <= _LARGEST_ODDS_RATIO
    if time.is_sound and is_like and not is_short:
        return time
    series = _by_series(labelled, fraction)
    if series.is_sound:
        return series
    return min(time, series, key=lambda candidate: candidate.faults)


def _at_random(labelled, fraction, random_state):
    """Any of sequences that share no rows, by class."""
    n_samples, n_held_out = len(labelled.X), math.ceil(fraction * len(labelled.X))
    if labelled.codes is not None:
        n_held_out = max(n_held_out, len(labelled.classes))
    try:
        _, rows = train_test_split(
            all_rows(n_samples),
            test_size=n_held_out,
            random_state=random_state,
            stratify=labelled.codes,
        )
    except ValueError as error:
        raise ValueError(
            f"'validation_fraction' of {fraction} cannot be held out of {n_samples} "
            f"sample(s): {str(error).rstrip('.')}. Set it higher, or 'early_stopping' "
            "to False."
        ) from error
    held_out = np.zeros(n_samples, dtype=bool)
    held_out[rows] = True
    return _Candidate.make("random", labelled, held_out)


def _flags(rows, n_samples):
    flags = np.zeros(n_samples, dtype=bool)
    try:
        flags[np.asarray(rows, dtype=None if len(rows) else int)] = True
    except IndexError as error:
        raise ValueError(f"its first split holds no positions: {error}") from error
    return flags


def _by_splitter(labelled, splitter, y):
    """The first split of an object that splits as those of scikit-learn do."""
    X = labelled.X
    groups = {}
    if isinstance(splitter, GroupsConsumerMixin) and labelled.series is not None:
        groups = {"groups": labelled.series}
    with named_errors("validation"):
        parts = next(iter(splitter.split(X, y, **groups)))
        others, held_out = (_flags(rows, len(X)) for rows in parts)
    return _Candidate.make("splitter", labelled, held_out, others)


def _remedy(labelled, how):
    """What to set where a part lacks what y holds."""
    remedy = (
        "Set another 'validation_fraction', or give 'validation' a splitter whose "
        "parts hold both."
    )
    if how == "time" and labelled.n_series > 1:  # "auto" has tried both
        remedy = "Set 'validation' to 'series', or " + remedy[0].lower() + remedy[1:]
    return remedy


def _why_empty(X):
    """A word on windows that no series can fill."""
    if not is_windows(X):
        return ""
    longest = int(np.diff([*X.series_starts, len(X.table)]).max())
    if X.shape[1] <= longest:
        return ""
    return (
        f"Windows of {X.shape[1]} steps are longer than every series, of which the "
        f"longest has {_count(longest, 'row')}: make 'window_size' shorter. "
    )


def _check(chosen, labelled, fraction, remedy, tell_of_held_out):
    """Raise where nothing can be trained or judged; warn of what the parts lack."""
    if chosen.faults[0]:
        raise ValueError(
            f"'validation_fraction' of {fraction} cannot be held out of "
            f"{len(labelled.X)} sample(s): no sequence would be left in one of the "
            "parts, after those that share rows with both are set aside. "
            f"{_why_empty(labelled.X)}Give more rows, another fraction, or another "
            "'validation'."
        )
    for part, label in chosen.lacks:
        name = labelled.name(label)
        if part == "training":
            message = (
                f"No {name} is left to train on: what is not held out for validation "
                f"({_WORDS[chosen.how]}), and shares no row with it, holds none. "
                f"{remedy}"
            )
            if labelled.trained == "normal":
                message += (
                    " Or make shorter windows, which hold an event less often, or set "
                    "'fit_on' to 'all'."
                )
            if not labelled.is_event(label):
                raise ValueError(message)
            warn(message)
        elif tell_of_held_out and chosen.how != "random":  # which holds what it can
            warn(
                f"The part held out for validation ({_WORDS[chosen.how]}) has no "
                f"{name}, though y holds some: what is judged on it is judged without "
                f"one. {remedy}"
            )


def hold_out(
    X,
    fraction,
    *,
    how="auto",
    y=None,
    trained="all",
    of_arrays="time",
    tell_of_held_out=True,
    random_state=None,
):
    """Split sequences into what trains and what is held out to judge it.

    No held-out window shares a row with one that trains: those that would are in
    neither part.

    Parameters
    ----------
    X : Windows or ndarray of shape (n_samples, n_timesteps, n_features)
        An array is taken as one series of sequences that share no rows.

    fraction : float
        Share of the windows to hold out, in (0, 1); of little use to a splitter.

    how : {"auto", "time", "series"} or splitter, default="auto"
        - "time": the end of each series;
        - "series": whole series, the last ones of those that hold the same rarest class
          (so as many with an event as without), as near to ``fraction`` of their
          windows as they come;
        - "auto": "time", unless ``X`` holds several series, and the gaps before their
          ends would take more windows than they leave to train on, or the odds of an
          event at the ends are not like those in the rest (a factor of 4; as where each
          series ends in its event), or a part would lack a class. Then "series", if
          that is sound.
        - an object with ``split(X, y)``, as the splitters of scikit-learn: its first
          split. One that needs groups is given the series.

    y : ndarray of shape (n_samples,), default=None
        Labels of the windows: bool for events, or classes, of which the most frequent
        is the usual one.

    trained : {"all", "normal", "unlabelled"}, default="all"
        Whether every class is trained on, windows that hold no event alone, or whatever
        there is, by what learns nothing of labels: then the usual class must be there.

    of_arrays : {"time", "random"}, default="time"
        What "auto" does with an array: as of one series in time order, or at random,
        by class.

    tell_of_held_out : bool, default=True
        Whether to warn of what the held-out part lacks. False for a caller that knows
        what follows from it, and warns of both.

    random_state : int, RandomState instance or None, default=None
        Used at random only.

    Returns
    -------
    parts : HeldOut

    Raises
    ------
    ValueError
        If a part would be empty, nothing normal or a class would not be trained on, or
        "series" is asked of a single one.

    Warns
    -----
    UserWarning
        If the held-out part lacks a class of ``y``, or no event is left to train on.
    """
    labelled = Labelled(X, y, trained)
    if not isinstance(how, str):
        chosen = _by_splitter(labelled, how, y)
    elif how == "auto" and of_arrays == "random" and not is_windows(X):
        chosen = _at_random(labelled, fraction, random_state)
    else:
        if how == "series" and labelled.n_series < 2:
            raise ValueError(
                "'validation' is 'series', but X holds one series only, as any array "
                "does. Set it to 'time', or name the series in SlidingWindow by "
                "'group_by'."
            )
        ways = {"auto": _by_either, "time": _by_time, "series": _by_series}
        chosen = ways[how](labelled, fraction)
    remedy = _remedy(labelled, how)
    _check(chosen, labelled, fraction, remedy, tell_of_held_out)
    dtype = index_dtype(len(X))
    parts = chosen.training, chosen.held_out
    return HeldOut(
        *(np.flatnonzero(flags).astype(dtype) for flags in parts),
        chosen.how,
        chosen.n_set_aside,
        tuple(map(labelled.count_series, parts)),
        None if y is None else tuple(map(labelled.count_events, parts)),
        chosen.lacks,
        remedy,
    )
