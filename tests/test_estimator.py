# SPDX-License-Identifier: BSD-3-Clause
"""A fit that fails or is interrupted, of what makes and scales windows."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from skseq import EachTimeStep, SlidingWindow
from skseq._estimator import all_or_nothing

TABLE = pd.DataFrame({"t": np.arange(8.0), "x": np.arange(8.0)})
ARRAY = np.arange(24.0).reshape(4, 3, 2)
ESTIMATORS = {
    "SlidingWindow": (lambda: SlidingWindow(3, time="t"), TABLE),
    "EachTimeStep": (lambda: EachTimeStep(StandardScaler()), ARRAY),
}
PHASES = {  # what is called early and late in the fit of each
    "SlidingWindow": ["check_time_is_given", "LastRows.of"],
    "EachTimeStep": ["check_sequences", "_apply_to_rows"],
}
interruptions = pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])


def interrupt_at(monkeypatch, phase, error):
    def interrupt(*args, **kwargs):
        raise error("stop")

    monkeypatch.setattr(phase, interrupt)


@interruptions
@pytest.mark.parametrize(
    ("name", "phase"),
    [(name, phase) for name, phases in PHASES.items() for phase in phases],
)
def test_a_fit_that_is_interrupted_leaves_what_was_there(
    monkeypatch, name, phase, error
):
    make, X = ESTIMATORS[name]
    module = make().__module__
    new, fitted = make(), make().fit(X)
    before = pickle.dumps(vars(fitted))
    interrupt_at(monkeypatch, f"{module}.{phase}", error)
    for estimator in (new, fitted):
        with pytest.raises(error, match="stop"):
            estimator.fit(X[:2])
    with pytest.raises(NotFittedError):
        check_is_fitted(new)
    assert vars(new).keys() == vars(make()).keys()
    assert pickle.dumps(vars(fitted)) == before


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
