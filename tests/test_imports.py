# SPDX-License-Identifier: BSD-3-Clause
"""What importing skseq costs, and which modules may import which."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import skseq

PACKAGE = Path(skseq.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {
    "dask",
    "keras",
    "matplotlib",
    "numba",
    "plotly",
    "scikeras",
    "tensorflow",
}

# In this order: a room imports from itself and from those before it. What is shared
# (``_validation`` and the other private modules at the top) comes first.
ROOMS = (
    "_sklearn _warnings _validation _sample_weight _estimator _files "
    "reading rows windowing networks engines training reconstruction "
    "autoencoder reconstructor context_encoder residual baselines pyod_detector "
    "supervised keras_networks "
    "_detectors _trees _telling _members moving_reference committee alarms detection "
    "streaming persistence dask _report cli __main__"
).split()
# A leaf imports these alone, and only the report and the command line import leaves.
LEAVES = {"datasets", "metrics", "model_selection", "plotting"}
SEEN_BY_LEAVES = {
    "_sklearn",
    "_warnings",
    "_validation",
    "_estimator",
    "_files",
    "_detectors",
    "_telling",
    "rows",
}


def room_of(path):
    """Name of the module or subpackage, directly under skseq, that holds a file."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def absolute_name(path, node):
    """Module that a ``from ... import`` refers to: its dots are counted from path."""
    if not node.level:
        return node.module
    package = ("skseq", *path.relative_to(PACKAGE).parts[: -node.level])
    return ".".join([*package, *([node.module] if node.module else [])])


def imported_rooms(path):
    """The parts of skseq that a file imports, wherever in the file it does so."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = absolute_name(path, node)
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        rooms |= {
            name.split(".")[1]
            for name in names
            if name.startswith("skseq.") and name != "skseq.__version__"
        }
    # What stands at the top is as good as imported from where it lives.
    return {skseq._MODULE_OF.get(room, room) for room in rooms}


def is_allowed(importer, imported):
    if importer == imported:
        return True
    if imported in LEAVES:
        return importer in {"_report", "cli"}
    if importer in LEAVES:
        return imported in SEEN_BY_LEAVES
    return ROOMS.index(imported) < ROOMS.index(importer)


def test_every_room_has_a_place():
    rooms = {room_of(path) for path in MODULES} - {"__init__"}
    assert rooms == {*ROOMS, *LEAVES}


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path != PACKAGE / "__init__.py"],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_imports_point_one_way(path):
    wrong = {r for r in imported_rooms(path) if not is_allowed(room_of(path), r)}
    assert not wrong, f"{path.relative_to(PACKAGE)} must not import {sorted(wrong)}"


def loaded_after(statement):
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in json.loads(run.stdout)}


def test_import_skseq_loads_nothing_but_itself():
    extra = loaded_after("import skseq") - loaded_after("pass")
    assert extra <= {"skseq", "importlib", "typing", *sys.stdlib_module_names}


def test_public_names_load_without_the_heavy_packages():
    loaded = loaded_after("from skseq import *; import skseq.plotting")
    assert "sklearn" in loaded
    assert not HEAVY & loaded


def test_every_public_name_is_reachable_and_listed():
    for name in skseq.__all__:
        assert getattr(skseq, name) is not None
        assert name in dir(skseq)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'LSTMAutoencode'"):
        skseq.LSTMAutoencode  # noqa: B018


def test_type_checkers_see_the_names_that_are_loaded_on_first_use():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for statement in block.body for alias in statement.names}
    assert seen == set(skseq.__all__)
    assert (PACKAGE / "py.typed").exists()
