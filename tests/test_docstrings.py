# SPDX-License-Identifier: BSD-3-Clause
"""The docstrings of the public names tell what the code does."""

import ast
import inspect
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from make import MAKE, sine_table, windows_of

import skseq
from skseq import (
    dask,
    datasets,
    keras_networks,
    metrics,
    model_selection,
    networks,
    persistence,
    plotting,
    windowing,
)

MODULES = (
    skseq,
    windowing,
    metrics,
    model_selection,
    plotting,
    datasets,
    dask,
    keras_networks,
    networks,
    persistence,
)
PUBLIC = {
    f"{module.__name__}.{name}": value
    for module in MODULES
    for name in module.__all__
    if callable(value := getattr(module, name))
    if not (inspect.isclass(value) and issubclass(value, Exception))
}
STATED = re.compile(r"^(?P<names>\*?\w[\w, ]*) : .*\bdefault=(?P<value>.+)$", re.M)

public = pytest.mark.parametrize("value", PUBLIC.values(), ids=PUBLIC.keys())
# Its signature is that of SciKeras.
OWN_SIGNATURE = {k: v for k, v in PUBLIC.items() if "KerasClassifier" not in k}
with_signature = pytest.mark.parametrize(
    "value", OWN_SIGNATURE.values(), ids=OWN_SIGNATURE.keys()
)


def section(doc, title):
    """Body of a numpydoc section, or '' when there is none."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", doc, re.M | re.S)
    return found[1] if found else ""


def stated_defaults(doc):
    return {
        name.strip(): ast.literal_eval(match["value"])
        for match in STATED.finditer(section(doc, "Parameters"))
        for name in match["names"].split(",")
    }


@with_signature
def test_docstring_states_the_defaults_of_the_signature(value):
    doc = inspect.getdoc(value)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(value).parameters.items()
        if parameter.default is not parameter.empty
    }
    assert stated_defaults(doc) == defaults


@with_signature
def test_docstring_names_every_parameter(value):
    doc = section(inspect.getdoc(value), "Parameters")
    for name in inspect.signature(value).parameters:
        assert re.search(rf"^(\w+, )*\*{{0,2}}{name}(, \w+)* : ", doc, re.M), name


@public
def test_docstring_has_an_example(value):
    assert ">>> " in section(inspect.getdoc(value), "Examples")


def stated_attributes(cls):
    doc = section(inspect.getdoc(cls), "Attributes")
    return {
        name.strip()
        for names in re.findall(r"^(\w[\w, ]*) : ", doc, re.M)
        for name in names.split(",")
    }


def fitted_attributes(estimator):
    """Those that fit has set, and those that are made when asked for."""
    properties = {
        name
        for name in dir(type(estimator))
        if isinstance(getattr(type(estimator), name), property)
    }
    return {
        name
        for name in {*vars(estimator), *properties}
        if name.endswith("_") and not name.startswith("_")
    }


@pytest.mark.parametrize("name", MAKE)
def test_docstring_names_every_attribute_and_no_other(name):
    frame = pd.DataFrame(sine_table(80), columns=list("abc"))
    X = windows_of(frame, 4)
    estimator = MAKE[name]()
    if name == "SlidingWindow":
        X = frame.assign(t=np.arange(80.0))
        estimator.set_params(add_time_delta=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few events
        estimator.fit(X, np.arange(80) % 10 == 9)
    assert fitted_attributes(estimator) == stated_attributes(type(estimator))


def test_every_estimator_has_its_attributes_checked():
    estimators = {
        name.split(".")[-1]
        for name, value in PUBLIC.items()
        if inspect.isclass(value) and hasattr(value, "fit")
    }
    assert estimators - {"KerasClassifier"} == {*MAKE}


def test_stated_defaults_are_read_from_a_numpydoc_section():
    doc = "T.\n\nParameters\n----------\na, b : int, default=3\n    Text.\n\nReturns\n"
    assert stated_defaults(f"{doc}-------\nc : int, default=4\n") == {"a": 3, "b": 3}
