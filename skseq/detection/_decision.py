# SPDX-License-Identifier: BSD-3-Clause
"""Labels of two classes, and decisions from the scores of held-out windows."""

import numpy as np
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    column_or_1d,
)
from sklearn.utils.multiclass import check_classification_targets

from .._validation import named_errors
from .._warnings import warn
from ..reconstruction._offset import NORMAL_QUANTILE
from ..rows._overlap import WindowOverlapWarning, short_holes
from ._calibration import fit_link, link_at
from ._event_thresholds import MAX_SHARES
from ._thresholds import RULES_OF_NORMAL_ROWS, choose_threshold

# A shuffled splitter of up to 20 folds leaves more holes than one in 25 windows.
_MIN_HOLES = 10
_MIN_SHARE_OF_HOLES = 0.04
# What is followed where a rule cannot be.
_QUANTILE = ("quantile", [NORMAL_QUANTILE])


def check_two_classes(X, y):
    """The two classes of ``y``, and the flags of the events.

    0 or False may be the only label: that is a y without an event.
    """
    if y is None:
        raise ValueError(
            "RareEventClassifier requires y to be passed, but the target y is None. "
            "Label events 1 and the rest 0; without labels, label all rows 0, or use a "
            "detector such as DetectorCommittee by itself."
        )
    with named_errors("y"):
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_consistent_length(X, y)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
    if len(classes) > 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is "
            f"multiclass: y holds {len(classes)} classes."
        )
    if len(classes) < 2:
        if classes.dtype.kind in "biuf" and classes[0] == 0:
            return np.array([0, 1], dtype=classes.dtype), np.zeros(len(y), bool)
        raise ValueError(
            f"y holds 1 class only, {classes[0]!r}. A classifier needs at least "
            "one event and one normal row. Without labelled events, label all rows 0."
        )
    if codes.mean() > 0.5:
        warn(
            f"The greater label, {classes[1]!r}, is taken for the event, but it is "
            f"that of {codes.mean():.0%} of the rows. Are the labels the other way "
            "round? Label events 1 and the rest 0.",
        )
    return classes, codes.astype(bool)


def decide(rule, event, score, parts, *, known, watched=None, weights=None):
    """Threshold, link to probabilities, and its method, from the held-out windows.

    ``parts`` are of ``hold_out``. Of a y without any event, ``known`` tells, and only
    the rule that cannot be followed is warned of. ``watched`` is for the rules that
    count events, ``weights`` for those that count rows.
    """
    link = fit_link(event, score, weights)
    if link is not None and not event.all():
        threshold = choose_threshold(rule, event, score, watched, weights)
        return _within_reason(threshold, rule, event, score), link, link.method
    is_lost = rule[0] not in RULES_OF_NORMAL_ROWS
    if event.any():
        is_lost = rule[0] == "probability"
    if known or is_lost:
        warn(_why_no_link(event, parts, known, is_lost))
    if is_lost:
        rule = _QUANTILE
    threshold = choose_threshold(rule, event, score, watched, weights)
    threshold = _within_reason(threshold, rule, event, score)
    return threshold, link_at(threshold, score), None


def _within_reason(threshold, rule, event, score):
    """The threshold, or that of normal rows where it would flag nearly anything."""
    share, flagged = event.mean(), np.mean(score > threshold)
    if rule[0] in RULES_OF_NORMAL_ROWS or flagged <= MAX_SHARES * share:
        return threshold
    quantile = choose_threshold(_QUANTILE, event, score)
    if quantile <= threshold:
        return threshold
    name = {"fbeta": "'f1'", "event_fbeta": "'event_f1'"}.get(rule[0])
    if name is None or rule[1] != [1]:
        name = (rule[0], *rule[1])
    warn(
        f"The rule {name} would flag {flagged:.1%} of the held-out windows, of which "
        f"{share:.2%} are events: these do not stand out. The threshold is the "
        f"{NORMAL_QUANTILE} quantile of the scores of the normal ones. Another "
        "detector may tell them apart; for a rate of false alarms of your own choice "
        "set 'threshold' to ('quantile', q) or ('alarms_per', n, per)."
    )
    return quantile


def _why_no_link(event, parts, known, is_lost):
    held_out = f"The part held out for the threshold ({parts.place}) has "
    if not known:
        fault = "y holds no event"
        remedy = (
            "Label events 1, or set 'threshold' to ('quantile', q), ('pot', q) or "
            "('alarms_per', n, per), which need none."
        )
    elif not event.any():
        fault, remedy = held_out + "no event, though y holds some", parts.remedy
    elif event.all():
        fault = held_out + "no normal window, so that no false alarm is counted"
        remedy = parts.remedy
    else:
        fault = held_out + "no event that stands out"
        remedy = "A larger 'validation_fraction' may help."
    result = "predict_proba is not calibrated"
    if is_lost:
        result = (
            f"the threshold is the {NORMAL_QUANTILE} quantile of the held-out scores, "
            f"and {result}"
        )
    return f"{fault}: {result}. {remedy}"


def warn_of_holes(X):
    """Warn of Windows that a shuffled splitter seems to have taken from their series.

    It leaves holes of a few windows all over the series. Those of events that were left
    out are fewer, and those of a splitter that keeps a gap longer.
    """
    n_holes = short_holes(X)
    if n_holes < max(_MIN_HOLES, _MIN_SHARE_OF_HOLES * len(X)):
        return
    order = np.lexsort((X.ends, X.series))
    steps = np.diff(X.ends[order])[np.diff(X.series[order]) == 0]
    # What is left at random follows the window before it more often than at any other
    # distance; after a stride, hardly ever.
    if np.bincount(steps).argmax() > 1:
        return
    warn(
        f"In {n_holes} places a few windows are missing between two of a series, as "
        "after a split that shuffles: rows of those left out still stand in windows "
        "beside them, so that scores on them are in part those of memory. Use "
        "SeriesTimeSplit or PurgedKFold of skseq.model_selection, with "
        "gap=window_size - 1, or put SlidingWindow into the pipeline and split rows in "
        "time order. If they were left out for good, set warn_on_overlap=False.",
        WindowOverlapWarning,
    )
