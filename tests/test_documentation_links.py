# SPDX-License-Identifier: BSD-3-Clause
"""Every public name has a page, and the HTML display of every estimator leads to it."""

import re
from importlib import import_module
from inspect import ismodule
from pathlib import Path

import keras
import pytest
from scikeras.wrappers import KerasRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

import skseq
from skseq import (
    ContextEncoder,
    DetectorCommittee,
    EachSeries,
    EachTimeStep,
    KerasAutoencoder,
    LSTMAutoencoder,
    LSTMClassifier,
    LSTMReconstructor,
    LSTMRegressor,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
    WindowSummary,
)
from skseq._estimator import PAGES
from skseq.keras_networks._classifier import KerasClassifier

ROOT = Path(__file__).parents[1]
API = ROOT / "docs" / "api.rst"
INTERNALS = ROOT / "docs" / "internals.rst"
MODULES = (
    "datasets",
    "metrics",
    "model_selection",
    "networks",
    "persistence",
    "plotting",
    "windowing",
)
ESTIMATORS = [
    ContextEncoder(),
    DetectorCommittee(),
    EachSeries(StandardScaler()),
    EachTimeStep(StandardScaler()),
    KerasAutoencoder(KerasRegressor(keras.Sequential)),
    KerasClassifier(keras.Sequential),
    LSTMAutoencoder(),
    LSTMClassifier(),
    LSTMReconstructor(),
    LSTMRegressor(),
    MovingReference(PCAAutoencoder()),
    PCAAutoencoder(),
    RareEventClassifier(PCAAutoencoder()),
    ResidualAutoencoder(),
    SlidingWindow(),
    WindowSummary(),
]


def name_of(estimator):
    return type(estimator).__name__


def listed():
    """Full names of the API pages."""
    names, module = set(), "skseq"
    for line in API.read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule::"):
            module = line.split()[-1]
        elif re.fullmatch(r"   \w+", line):
            names.add(f"{module}.{line.strip()}")
    return names


def pages_linked(estimator):
    html = estimator_html_repr(estimator)
    return set(re.findall(rf'href="{re.escape(PAGES)}([\w.]+)\.html"', html))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_html_display_links_to_the_page_of_the_estimator(estimator):
    pages = pages_linked(estimator)
    assert any(page.endswith(f".{name_of(estimator)}") for page in pages)
    assert pages <= listed()


def test_every_estimator_has_its_link_tested():
    public = {getattr(skseq, name) for name in skseq.__all__}
    estimators = {value for value in public if hasattr(value, "get_params")}
    assert estimators <= {type(estimator) for estimator in ESTIMATORS}


def test_every_step_of_a_pipeline_links_to_its_page():
    pipe = make_pipeline(SlidingWindow(), PCAAutoencoder())
    assert pages_linked(pipe) == {"skseq.SlidingWindow", "skseq.PCAAutoencoder"}


def test_an_estimator_of_others_does_not_link_to_these_pages():
    class Theirs(LSTMAutoencoder):
        __module__ = "theirs"

    assert "href" not in estimator_html_repr(Theirs())


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_of_a_module_is_in_the_api_reference(name):
    module = import_module(f"skseq.{name}")
    pages = {page.rpartition(".")[2]: page for page in listed()}
    assert set(module.__all__) <= set(pages)
    for public in module.__all__:
        assert getattr(import_module(pages[public].rpartition(".")[0]), public)


def test_every_public_name_at_the_top_is_in_the_api_reference():
    names = [name for name in skseq.__all__ if not ismodule(getattr(skseq, name))]
    assert {f"skseq.{name}" for name in names} <= listed()


def test_the_page_for_maintainers_names_files_and_tests_that_are_there():
    words = set(re.findall(r"``([^`\s]+)``", INTERNALS.read_text(encoding="utf-8")))
    files = {word for word in words if word.startswith(("skseq/", "tests/"))}
    tests = {word for word in words if word.startswith("test_")}
    sources = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    there = set(re.findall(r"^def (test_\w+)", "\n".join(sources), re.M))
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert tests
    assert tests - there == set()
