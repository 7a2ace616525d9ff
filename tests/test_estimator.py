# SPDX-License-Identifier: BSD-3-Clause
"""The guard around every fit (for the fits themselves: test_all_estimators.py)."""

import inspect

import pytest
from sklearn.base import BaseEstimator

from skseq._estimator import all_or_nothing


class Counter(BaseEstimator):
    def __init__(self, limit=2):
        self.limit = limit

    @all_or_nothing
    def partial_fit(self, X, y=None, *, step=1):
        """Count."""
        self.n_ = getattr(self, "n_", 0) + step
        self.seen_ = X
        if self.n_ > self.limit:
            raise KeyboardInterrupt
        return self


def test_the_guard_keeps_the_name_the_signature_and_the_arguments():
    assert Counter.partial_fit.__doc__ == "Count."
    assert list(inspect.signature(Counter.partial_fit).parameters)[1:] == [
        "X",
        "y",
        "step",
    ]
    counter = Counter().partial_fit("a", step=2)
    with pytest.raises(KeyboardInterrupt):
        counter.partial_fit("b")
    assert vars(counter) == {"limit": 2, "n_": 2, "seen_": "a"}
