# SPDX-License-Identifier: BSD-3-Clause
"""The HTML display of a RareEventClassifier: who found the events."""

import numpy as np

from .._sklearn import _VisualBlock

_LENGTH = 10  # of the bar of a member with all the weight


def visual_block(classifier):
    """The detector, or the members of a committee with their weights."""
    given = classifier.detector
    if given is None:
        given = classifier._default_members()
    if not isinstance(given, list):
        names = [f"detector: {type(given).__name__}"]
        return _VisualBlock("parallel", [given], names=names, name_details=[str(given)])
    names, estimators = zip(*given, strict=True)
    if getattr(classifier, "_members", None) is not None:
        words = _words(classifier.weights_)
        names = [f"{name} {words.get(name, 'left out')}" for name in names]
    return _VisualBlock("parallel", estimators, names=names)


def _words(weights):
    """What is written beside the name of each member."""
    if np.isnan(weights).all():
        return dict.fromkeys(weights.index, "not weighed")
    return {
        name: f"{weight:.0%} " + "\N{FULL BLOCK}" * round(_LENGTH * weight)
        for name, weight in weights.items()
    }
