# SPDX-License-Identifier: BSD-3-Clause
"""Warnings point at the line of the user, whatever stands between."""

import ast
import functools
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skseq
from skseq import EachTimeStep, PCAAutoencoder, SlidingWindow
from skseq.metrics import PointAdjustmentWarning, vus_pr_score
from skseq.model_selection import WindowOverlapWarning
from skseq.persistence import FileFormatError

PACKAGE = Path(skseq.__file__).parent
TOTALS = 1e8 + np.sin(np.arange(80) / 9).reshape(20, 4, 1)


def pipeline():
    return make_pipeline(EachTimeStep(FunctionTransformer()), PCAAutoencoder(1))


CALLS = {
    "directly": lambda: PCAAutoencoder(1).fit(TOTALS),
    "in a pipeline": lambda: pipeline().fit(TOTALS),
    "in a search": lambda: GridSearchCV(
        pipeline(), {"pcaautoencoder__n_components": [1]}, cv=2
    ).fit(TOTALS),
    "in a partial": functools.partial(lambda: PCAAutoencoder(1).fit(TOTALS)),
    "of a metric": lambda: vus_pr_score([0, 0, 0], [1, 2, 3]),
    "in a generator of joblib": lambda: Parallel(n_jobs=1)(
        [delayed(vus_pr_score)([0, 0], [1, 2])]
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_the_line_of_a_warning_is_that_of_the_user(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert caught
    assert {warning.filename for warning in caught} == {__file__}
    first = CALLS["directly"].__code__.co_firstlineno
    assert all(first <= warning.lineno < first + 20 for warning in caught)


def test_no_module_counts_the_frames_by_hand():
    for path in PACKAGE.rglob("*.py"):
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn"
        ]
        assert not calls or path.name == "_warnings.py", path


@pytest.mark.parametrize(
    ("kind", "module"),
    [
        (FileFormatError, "skseq.persistence"),
        (PointAdjustmentWarning, "skseq.metrics"),
        (WindowOverlapWarning, "skseq.model_selection"),
    ],
)
def test_what_users_see_in_a_traceback_is_public(kind, module):
    assert kind.__module__ == module
    assert pickle.loads(pickle.dumps(kind)) is kind


# Variation that float32 loses --------------------------------------------------------


LOST = "feature {} varies between 99999999.0.* steps of 8: its variation is lost"


def test_a_variation_that_float32_loses_is_spoken_of():
    table = np.column_stack([np.arange(80.0) % 7, TOTALS.ravel()])
    with pytest.warns(UserWarning, match=LOST.format(1)):
        PCAAutoencoder(1).fit(table.reshape(20, 4, 2))
    windows = SlidingWindow(4).fit_transform(table)
    with pytest.warns(UserWarning, match=LOST.format(1)):
        PCAAutoencoder(1).fit(windows)
    named = windows.with_table(windows.table, ["flow", "total"])
    with pytest.warns(UserWarning, match=LOST.format("'total'")):
        PCAAutoencoder(1).fit(named)


@pytest.mark.parametrize(
    "values",
    [
        np.sin(np.arange(80)),
        1e6 + np.sin(np.arange(80)),
        2e7 + np.arange(80.0) % 7 * 2,  # whole numbers that float32 has
        np.full(80, 0.1) * np.linspace(1, 1 + 1e-14, 80),  # constant but for rounding
        np.full(80, 1e20),
        np.full(80, 1e20, dtype=np.float32),
    ],
    ids=["near zero", "far", "whole", "nearly constant", "constant", "float32"],
)
def test_what_float32_can_hold_is_not_spoken_of(values):
    X = np.column_stack([values, np.arange(80)]).astype(values.dtype)
    X[3, 0] = np.nan
    PCAAutoencoder(1).fit(X.reshape(20, 4, 2))  # warnings are errors


@pytest.mark.parametrize("contain", [np.asarray, SlidingWindow(3).fit_transform])
def test_totals_are_scaled_before_they_become_float32(contain):
    table = TOTALS.reshape(-1, 1)
    X = TOTALS if contain is np.asarray else contain(table)
    scaled = EachTimeStep(StandardScaler()).fit_transform(X)
    expected = StandardScaler().fit_transform(table).ravel()
    if contain is np.asarray:
        np.testing.assert_allclose(scaled.ravel(), expected, atol=1e-6)
    else:
        np.testing.assert_allclose(np.asarray(scaled)[:, -1, 0], expected, atol=1e-6)
    PCAAutoencoder(1).fit(scaled)


def test_float64_goes_through_every_step_of_a_chain_and_back():
    steps = make_pipeline(
        EachTimeStep(FunctionTransformer(np.positive, inverse_func=np.positive)),
        EachTimeStep(StandardScaler()),
    )
    scaled = steps.fit_transform(TOTALS)
    assert scaled.dtype == np.float64
    np.testing.assert_allclose(steps.inverse_transform(scaled), TOTALS, rtol=1e-15)
    assert steps.fit_transform(TOTALS.astype(np.float32)).dtype == np.float32
