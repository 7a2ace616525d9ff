# SPDX-License-Identifier: BSD-3-Clause
"""Forests of few trees; pages of single tests without pictures."""

import pytest
from sklearn.ensemble import IsolationForest


@pytest.fixture(scope="module", autouse=True)
def _few_trees():
    """To be fitted, saved and loaded; how many there are by default is no matter."""
    defaults = IsolationForest.__init__.__kwdefaults__
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(defaults, "n_estimators", 10)
        yield


@pytest.fixture(autouse=True)
def _quick(quick):
    pass
