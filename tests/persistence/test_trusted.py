# SPDX-License-Identifier: BSD-3-Clause
"""The published list of types, held to what skops finds in fitted estimators."""

import warnings
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import skops.io
from make import MAKE, sine_table, windows_of
from sklearn.covariance import EllipticEnvelope
from sklearn.linear_model import LogisticRegression

from skseq import PCAAutoencoder, RareEventClassifier, SlidingWindow
from skseq.persistence import trusted_types

N = 60
OF_TREES = {"sklearn.tree._tree.Tree"}  # of the forest in a committee


def fitted(name):
    frame = pd.DataFrame(sine_table(N), columns=list("abc"))
    if name == "SlidingWindow":
        settings = {"group_by": "s", "max_gap": "5min", "add_time_delta": True}
        minutes = pd.date_range("2024-01-01", periods=N, freq="min")
        frame = frame.assign(t=minutes, s=np.arange(N) % 2)
        return SlidingWindow(3, time="t", **settings).fit(frame)
    estimator = MAKE[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few events
        return estimator.fit(windows_of(frame, 4), np.arange(N) % 10 == 9)


@pytest.mark.parametrize("name", sorted({*MAKE} - {"KerasAutoencoder"}))
def test_skops_loads_a_fitted_estimator_with_the_list(name):
    content = skops.io.dumps(fitted(name))
    unknown = set(skops.io.get_untrusted_types(data=content))
    assert unknown - OF_TREES <= set(trusted_types())
    again = skops.io.loads(content, trusted=[*trusted_types(), *OF_TREES])
    assert type(again).__name__ == name


def test_skops_loads_a_weighed_committee_with_the_list():
    X = np.random.default_rng(0).normal(size=(200, 3, 2))
    y = np.arange(200) % 20 == 9
    X[y] += 4
    members = [("pca", PCAAutoencoder(2)), ("logistic", LogisticRegression())]
    members.append(("envelope", EllipticEnvelope(random_state=0)))
    clf = RareEventClassifier(members).fit(X, y)
    again = skops.io.loads(skops.io.dumps(clf), trusted=trusted_types())
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_each_name_in_the_list_is_a_type():
    for name in trusted_types():
        module, _, kind = name.rpartition(".")
        assert isinstance(getattr(import_module(module), kind), type)
