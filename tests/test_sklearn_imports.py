# SPDX-License-Identifier: BSD-3-Clause
"""What is not public in scikit-learn is taken in one file, and is still there."""

import ast
import importlib
from pathlib import Path

import pytest
import sklearn

PACKAGE = Path(__file__).parents[1] / "skseq"
GATHERED = PACKAGE / "_sklearn.py"


def private_imports(path):
    """(module, name) of each import of what scikit-learn does not make public."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
            continue
        places = node.module.split(".")
        for alias in node.names if places[0] == "sklearn" else ():
            if any(part.startswith("_") for part in (*places, alias.name)):
                yield node.module, alias.name


@pytest.mark.parametrize(("module", "name"), sorted(private_imports(GATHERED)))
def test_scikit_learn_still_has_what_is_not_public(module, name):
    found = hasattr(importlib.import_module(module), name)
    assert found, f"{module}.{name} is not in scikit-learn {sklearn.__version__}"


def test_no_other_file_takes_what_is_not_public():
    paths = {path for path in PACKAGE.rglob("*.py") if any(private_imports(path))}
    assert paths == {GATHERED}


def test_all_that_is_gathered_is_used():
    gathered = {name for _, name in private_imports(GATHERED)}
    used = {
        alias.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "_sklearn"
        for alias in node.names
    }
    assert used == gathered
