# SPDX-License-Identifier: BSD-3-Clause
"""Fit what reconstructs sequences: a network, its error rule and its offset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._validation import is_windows
from ..training._estimator import history_attributes, network_attributes, parts_of
from ..training._plan import Examples, Plan
from ._context import judged_columns
from ._errors import fit_error_rule, rounding_error, subsample
from ._judge import Judge
from ._offset import ContaminationRule, ratio_of_scores


@dataclass(frozen=True)
class Choices:
    """What parameters, "auto" ones too, came to before the first step."""

    error: str
    score_on: str
    contamination: ContaminationRule
    refit: bool


@dataclass(frozen=True)
class Reconstructor:
    """What reconstructs (a network, or components), and how its errors are judged."""

    model: object
    judge: Judge

    @classmethod
    def judged_on(cls, model, X, choices):
        """Learn from sequences what errors are usual, where the rule asks it."""
        rule = fit_error_rule(choices.error, model.outputs(subsample(X)))
        return cls(model, Judge(rule, choices.score_on))

    def rounding(self, X):
        """What the error of one of these sequences may be by rounding alone."""
        rows = X.table if is_windows(X) else X.reshape(-1, X.shape[2])
        ends = np.fmin.reduce(rows, axis=0), np.fmax.reduce(rows, axis=0)
        sizes = np.nan_to_num(np.abs(ends).max(axis=0))[
            judged_columns(self.model.is_context)
        ]
        return rounding_error(self.judge.rule, sizes)

    def scores(self, X):
        return -self.judge.errors(self.model.outputs(X), X.shape)

    @property
    def attributes(self):
        return {"error_rule_": self.judge.rule, "score_on_": self.judge.score_on}


@dataclass(frozen=True)
class Offset:
    """An offset, and the scores of the unseen sequences that tell it."""

    value: float
    unseen: np.ndarray


def first_offset(choices, reconstructor, X, held_out):
    """The offset on what was not trained on, unless it is by definition on all."""
    rule = choices.contamination
    unseen = reconstructor.scores(rule.told_by(X, held_out))
    return _limited(rule, Offset(rule.offset(unseen), unseen), reconstructor, X)


def final_offset(choices, first, final, offset, X, training):
    """The offset of a model that was fitted again, in units of its own scores."""
    rule = choices.contamination
    if rule.of_all:
        scores = final.scores(X)
        return Offset(rule.offset(scores), scores)
    both = subsample(X[training])
    rounding = final.rounding(both)
    ratio = ratio_of_scores(first.scores(both), final.scores(both), rounding)
    offset = Offset(offset.value * ratio, offset.unseen * ratio)
    return _limited(rule, offset, final, X)


def _limited(rule, offset, reconstructor, X):
    """Neither among errors that rounding alone makes, nor beyond what is normal."""
    if rule.of_all:
        return offset
    sample = subsample(X)
    value, rounding = offset.value, reconstructor.rounding(sample)
    if rule.has_limit:  # only then it is worth scoring the sequences once more
        scores = reconstructor.scores(sample)
        value = rule.limited(value, scores, offset.unseen, rounding)
    return Offset(min(value, -rounding), offset.unseen)


def fit_network(
    plan: Plan, examples: Examples, parts, choices: Choices, reports, checkpoint=None
):
    """Train; judge on what was held out; train again on all, where this is chosen.

    Parameters
    ----------
    plan : Plan
    examples : Examples
        Sequences, and their weights.
    parts : HeldOut or None
        What is trained on, and what is held out; None for all and nothing.
    choices : Choices
    reports : EpochReports
    checkpoint : path-like, default=None

    Returns
    -------
    attributes : dict
        All that the estimator is when it is fitted.
    """
    X = examples.X
    training, held_out = rows = parts_of(parts, len(X))
    # Where all is trained on again, errors are told by training sequences both times.
    again = choices.refit and held_out is not None
    judged = training if again or held_out is None else held_out

    def attributes(network):
        reconstructor = Reconstructor.judged_on(network, X[judged], choices)
        return network_attributes(network) | reconstructor.attributes

    network, history = plan.train(
        examples, rows, reports=reports, attributes=attributes, checkpoint=checkpoint
    )
    kept = Reconstructor.judged_on(network, X[judged], choices)
    offset = first_offset(choices, kept, X, held_out)
    final = history
    if again:
        network, final = plan.train_again(examples, network, history)
    if final is not history:
        first, kept = kept, Reconstructor.judged_on(network, X, choices)
        offset = final_offset(choices, first, kept, offset, X, training)
    return {
        **network_attributes(network),
        **history_attributes(history, parts),
        **kept.attributes,
        "optimizer_state_": final.optimizer_state,
        "offset_": offset.value,
    }
