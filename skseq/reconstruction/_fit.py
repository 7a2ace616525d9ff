# SPDX-License-Identifier: BSD-3-Clause
"""Fit what reconstructs sequences: a network, its error rule and its offset."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._validation import is_windows
from ..training._estimator import history_attributes, network_attributes, parts_of
from ..training._plan import Examples, Plan
from ..windowing._folds import folds_in_time, without_padding
from ._context import judged_columns
from ._errors import fit_error_rule, rounding_error, subsample, subsample_step
from ._judge import Judge
from ._offset import ContaminationRule, ratio_of_scores, warn_of_far

# Of fewer that were held out a quantile of 0.99 says little: the largest of 30 that are
# like the rest is exceeded by one later sequence of 31.
_FEW_HELD_OUT = 30
# Of fewer sequences than so many times their cells, a linear model follows the noise of
# those that it was fitted to. White noise and autoregressive sensors of 40 to 1,200
# cells were far off up to 1.7 times.
_FEW_FOR_CELLS = 2
_N_FOLDS = 10


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
    """An offset, and the scores of the unseen sequences that tell it.

    ``is_far`` where most of these are beyond what is normal to the training sequences.
    """

    value: float
    unseen: np.ndarray
    is_far: bool = False


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
    offset = Offset(offset.value * ratio, offset.unseen * ratio, offset.is_far)
    return _limited(rule, offset, final, X)


def _limited(rule, offset, reconstructor, X, scores=None):
    """Neither among errors that rounding alone makes, nor beyond what is normal.

    That is told by ``scores``, or by those of the training sequences.
    """
    if rule.of_all:
        return offset
    sample = subsample(X)
    value, is_far, rounding = offset.value, False, reconstructor.rounding(sample)
    if rule.has_limit:  # only then it is worth scoring the sequences once more
        scores = reconstructor.scores(sample) if scores is None else scores
        value, is_far = rule.limited(value, scores, offset.unseen, rounding)
    return Offset(min(value, -rounding), offset.unseen, offset.is_far or is_far)


def settled_offset(choices, kept, X, held_out, offset, fit_part=None):
    """The offset, told by all sequences where those that were held out are too few.

    That is where there are fewer than 30, or where most of them are beyond what is
    normal to the training sequences, and all together are fewer than twice their cells:
    a linear model follows the noise of so few. ``fit_part`` gives the same as ``kept``,
    fitted to some of the sequences, by their numbers.
    """
    rule = choices.contamination
    if fit_part is not None and held_out is not None and not rule.of_all:
        few_for_cells = len(X) < _FEW_FOR_CELLS * X.shape[1] * X.shape[2]
        if len(held_out) < _FEW_HELD_OUT or (offset.is_far and few_for_cells):
            offset = _cross_fitted(rule, kept, X, held_out, offset, fit_part)
    if offset.is_far:
        warn_of_far()
    return offset


def _cross_fitted(rule, kept, X, held_out, offset, fit_part):
    """Told by the scores of each sequence under a model that was not fitted to it."""
    unseen, of_kept = np.full(len(X), np.nan), kept.scores(X)
    for training, left_out in folds_in_time(X, _N_FOLDS):
        first, both = fit_part(training), training[:: subsample_step(X[training])]
        scores = first.scores(X[both]), of_kept[both]
        ratio = ratio_of_scores(*scores, kept.rounding(X[both]))
        unseen[left_out] = ratio * first.scores(X[left_out])
    # Of sequences that are padded, as at the start of a series, the errors of few cells
    # scatter more than those to come.
    whole = without_padding(X)
    if 2 * np.count_nonzero(whole) >= len(X):
        unseen[~whole] = np.nan
    if np.isnan(unseen).all():
        return offset
    crossed = Offset(rule.offset(unseen), unseen[held_out])
    return _limited(rule, crossed, kept, X, unseen)


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

    def fit_part(rows):
        """The linear path of some sequences, beside the same network."""
        path = plan.prepare(examples.taken(rows)).path
        return Reconstructor.judged_on(replace(network, path=path), X[rows], choices)

    has_path = network.path is not None
    offset = settled_offset(
        choices, kept, X, held_out, offset, fit_part if has_path else None
    )
    return {
        **network_attributes(network),
        **history_attributes(history, parts),
        **kept.attributes,
        "optimizer_state_": final.optimizer_state,
        "offset_": offset.value,
    }
