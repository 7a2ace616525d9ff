# SPDX-License-Identifier: BSD-3-Clause
"""Manifests that a grammar makes up, rather than changes of one that was written."""

import contextlib
import json
import os
import random
import warnings

import numpy as np
import pytest
from safetensors.numpy import save as save_arrays
from sklearn.base import BaseEstimator

from skseq.persistence import FileFormatError
from skseq.persistence._archive import pack
from skseq.persistence._classes import _MODULES, _REQUIRED, class_named
from skseq.persistence._save import _FORMAT_VERSION, _versions, from_bytes, to_bytes
from skseq.persistence._values import _KINDS

# ``make fuzz`` runs 10,000.
N_CASES = int(os.environ.get("SKSEQ_FUZZ_MANIFESTS", "200"))
N_BLOCKS = 4
SHAPES = [(), (0,), (1,), (2,), (3,), (2, 2), (3, 2), (4, 6), (2, 3, 1), (2**20, 0)]
DTYPES = ["<f4", "<f8", "<i8", "|b1", "|u1", "<U3", "<M8[ns]", "<m8[s]", "|O", "bad"]
WORDS = [
    *(
        "",
        "mean",
        "last",
        "mse",
        "mahalanobis",
        "native",
        "keras",
        "numbers",
        "group_by",
    ),
    *(
        "pooled",
        "first_rows",
        "UTC",
        "dateutil//etc/passwd",
        "../x",
        "__class__",
        "auto",
    ),
]
NUMBERS = [-1, 0, 1, 2, 3, 5, 0.5, 1e308, -1e308, 1e-320, 2**31, 2**63, 10**30]
FIELDS = {  # of what is no estimator
    name: list(
        getattr(class_named(name), "_fields", None)
        or getattr(class_named(name), "__dataclass_fields__", ())
    )
    for name in _MODULES
}


class Grammar:
    """Makes up values, and the arrays that they refer to."""

    def __init__(self, rng):
        self.rng, self.arrays = rng, {}

    def value(self, depth):
        kinds = [self.plain, self.plain, self.array]
        if depth:
            kinds += [self.list, self.of_kind, self.object, self.object, self.objects]
        return self.rng.choice(kinds)(depth - 1)

    def plain(self, depth):
        return self.rng.choice([None, True, False, *NUMBERS, *WORDS])

    def list(self, depth):
        return [self.value(depth) for _ in range(self.rng.randrange(4))]

    def of_kind(self, depth):
        return {"type": self.rng.choice([*_KINDS, "skops"]), "value": self.value(depth)}

    def objects(self, depth):
        shape = list(self.rng.choice(SHAPES))
        return {"type": "objects", "shape": shape, "items": self.list(depth)}

    def array(self, depth):
        rng, name = self.rng, f"a{len(self.arrays)}"
        shape = rng.choice(SHAPES[:-1])
        dtype = rng.choice([np.float32, np.float32, np.float64, np.int64, np.uint32])
        values = np.random.default_rng(rng.randrange(9)).normal(size=shape)
        with np.errstate(all="ignore"):
            self.arrays[name] = np.array(values * rng.choice([1, 1, 50, 1e30]), dtype)
        stated = np.dtype(dtype).str if rng.random() < 0.8 else rng.choice(DTYPES)
        array = {"type": "array", "name": name, "dtype": stated, "order": "C"}
        if rng.random() < 0.1:
            array["order"] = rng.choice(["F", "A", 3])
        return array | ({"scalar": True} if rng.random() < 0.1 else {})

    def object(self, depth, name=None):
        rng = self.rng
        name = name or rng.choice(list(_MODULES))
        names = FIELDS[name]
        if issubclass(class_named(name), BaseEstimator):
            names = class_named(name)._get_param_names()
            if rng.random() < 0.7:
                names = [*names, *_REQUIRED.get(name, ())]
        state = {part: self.attribute(name, part, depth) for part in names}
        if rng.random() < 0.1 and state:
            del state[rng.choice(list(state))]
        if rng.random() < 0.1:
            state[rng.choice(["x_", "fit", "__dict__", "_x"])] = self.value(depth)
        return {
            "type": "object",
            "class": name,
            "fitted": rng.random() < 0.5,
            "state": state,
        }

    def attribute(self, owner, name, depth):
        """Mostly what might stand there."""
        rng, cls = self.rng, class_named(owner)
        if rng.random() < 0.1 or depth < 1:
            return self.value(0)
        if name in ("n_features_in_", "n_timesteps", "n_features", "n_rows"):
            return rng.choice([1, 2, 3, 3, 3, -1, 2**40])
        if name == "sequence_shape_":
            return {"type": "tuple", "value": [rng.choice([1, 2, 3]), 3]}
        inside = {
            "architecture_": "Architecture",
            "plan_": "WindowPlan",
            "reach": "Reach",
            "path_": "LinearPath",
            "error_rule_": "ErrorRule",
            "detector_": "PCAAutoencoder",
            "last_rows": "LastRows",
            "around_hole": "SeriesRows",
            "rows": "SeriesRows",
            "time": "Key",
        }.get(name)
        if inside and rng.random() < 0.7:
            return self.object(depth - 1, inside)
        if name == "weights_" or name.startswith("_last"):
            return [self.array(0) for _ in range(rng.randrange(8))]
        if issubclass(cls, BaseEstimator) and name in cls._get_param_names():
            default = cls.__init__.__kwdefaults__ or {}
            value = default.get(name)
            if isinstance(value, (bool, int, float, str, type(None))):
                return value
        return self.value(depth - 1)


def make_file(rng):
    grammar = Grammar(rng)
    estimators = [n for n in _MODULES if issubclass(class_named(n), BaseEstimator)]
    estimator = grammar.object(4, rng.choice(estimators))
    if rng.random() < 0.3:
        step = {"type": "tuple", "value": ["a", estimator]}
        state = {"steps": [step], "memory": grammar.plain(0), "verbose": False}
        estimator = {
            "type": "object",
            "class": "Pipeline",
            "fitted": False,
            "state": state | {"transform_input": None},
        }
    manifest = {
        "format_version": _FORMAT_VERSION,
        "versions": _versions(),
        "estimator": estimator,
    }
    text = json.dumps(manifest).encode()
    members = {"manifest.json": text, "arrays.safetensors": save_arrays(grammar.arrays)}
    return pack(members)


@pytest.mark.parametrize("block", range(N_BLOCKS))
def test_a_manifest_that_was_made_up_is_an_error_or_an_estimator(block):
    X = np.random.default_rng(0).normal(size=(4, 3, 3))
    outcomes = {"error": 0, "estimator": 0}
    for case in range(N_CASES // N_BLOCKS):
        content = make_file(random.Random(case * N_BLOCKS + block))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                estimator = from_bytes(content)
        except FileFormatError:
            outcomes["error"] += 1
            continue
        assert isinstance(estimator, BaseEstimator)
        outcomes["estimator"] += 1
        # Of a forger's parameters, whatever is an exception and not a crash.
        for method in ("score_samples", "transform", "predict"):
            with contextlib.suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                getattr(estimator, method)(X)
        with contextlib.suppress(TypeError, ValueError):
            to_bytes(estimator)
    assert min(outcomes.values()) > 0, outcomes
