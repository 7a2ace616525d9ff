# SPDX-License-Identifier: BSD-3-Clause
"""The docstrings of the public names tell what the code does."""

import ast
import inspect
import re

import pytest

import skseq
from skseq import alarms, datasets, metrics, model_selection, plotting, windowing

PUBLIC = {
    f"{module.__name__}.{name}": value
    for module in (
        skseq,
        alarms,
        windowing,
        metrics,
        model_selection,
        plotting,
        datasets,
    )
    for name in module.__all__
    if callable(value := getattr(module, name))
    if not (inspect.isclass(value) and issubclass(value, Warning))
}
STATED = re.compile(r"^(?P<names>\*?\w[\w, ]*) : .*\bdefault=(?P<value>.+)$", re.M)

public = pytest.mark.parametrize("value", PUBLIC.values(), ids=PUBLIC.keys())


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


@public
def test_docstring_states_the_defaults_of_the_signature(value):
    doc = inspect.getdoc(value)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(value).parameters.items()
        if parameter.default is not parameter.empty
    }
    assert stated_defaults(doc) == defaults


@public
def test_docstring_names_every_parameter(value):
    doc = section(inspect.getdoc(value), "Parameters")
    for name in inspect.signature(value).parameters:
        assert re.search(rf"^(\w+, )*\*{{0,2}}{name}(, \w+)* : ", doc, re.M), name


@public
def test_docstring_has_an_example(value):
    assert ">>> " in section(inspect.getdoc(value), "Examples")


def test_stated_defaults_are_read_from_a_numpydoc_section():
    doc = "T.\n\nParameters\n----------\na, b : int, default=3\n    Text.\n\nReturns\n"
    assert stated_defaults(f"{doc}-------\nc : int, default=4\n") == {"a": 3, "b": 3}
