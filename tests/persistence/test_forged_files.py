# SPDX-License-Identifier: BSD-3-Clause
"""Files that are damaged or forged are an error, and nothing else."""

import contextlib
import copy
import io
import json
import os
import random
import re
import tracemalloc
import warnings
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.impute import SimpleImputer
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from skseq import (
    EachTimeStep,
    LSTMAutoencoder,
    PCAAutoencoder,
    ResidualAutoencoder,
    SlidingWindow,
)
from skseq.persistence import FileFormatError, load, save
from skseq.persistence._archive import (
    _SEAL_SIZE,
    _seal,
    pack,
    unpack,
)
from skseq.persistence._save import from_bytes, to_bytes

# 100,000 and more are run by hand.
N_CASES = int(os.environ.get("SKSEQ_FUZZ_CASES", "2000"))
N_BLOCKS = 20


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(60, 4, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def network_file(X):
    network = LSTMAutoencoder((3, 2), max_epochs=1, random_state=0)
    return to_bytes(network.fit(X))


@pytest.fixture(scope="module")
def residual_file(X):
    network = LSTMAutoencoder((3, 2), max_epochs=1, random_state=0)
    return to_bytes(ResidualAutoencoder(network, n_components=2).fit(X))


@pytest.fixture(scope="module")
def pipeline_file(X):
    steps = SlidingWindow(3), EachTimeStep(StandardScaler()), PCAAutoencoder(2)
    return to_bytes(make_pipeline(*steps).fit(X[:, 0]))


@pytest.fixture(scope="module")
def slider_file():
    table = np.column_stack([np.arange(40) % 2, np.arange(40), np.ones(40)])
    slider = SlidingWindow(
        4.0, group_by=0, time=1, max_gap=9, max_steps=3, add_time_delta=True
    )
    return to_bytes(slider.fit(table))


def resealed(content, edit):
    """The file with another manifest, as one who knows the format would forge it."""
    members = unpack(content)
    manifest = json.loads(members["manifest.json"])
    edit(manifest)
    return pack(members | {"manifest.json": json.dumps(manifest).encode()})


def with_arrays(content, edit):
    members = unpack(content)
    arrays = load_arrays(members["arrays.safetensors"])
    edit(arrays)
    return pack(members | {"arrays.safetensors": save_arrays(arrays)})


def with_members(content, *added, **options):
    """The file with more members, sealed."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of duplicate names
        for name, member in [*unpack(content).items(), *added]:
            archive.writestr(ZipInfo(name), member, **options)
        archive.comment = bytes(_SEAL_SIZE)
    return sealed(buffer.getvalue())


def sealed(content):
    return content[:-_SEAL_SIZE] + _seal(content[:-_SEAL_SIZE])


def set_in_state(name, value):
    def edit(manifest):
        manifest["estimator"]["state"][name] = value

    return edit


def set_in_architecture(name, value):
    def edit(manifest):
        state = manifest["estimator"]["state"]["architecture_"]["state"]
        state[name] = value

    return edit


def without(name):
    return lambda manifest: manifest["estimator"]["state"].pop(name)


def test_any_changed_byte_is_found(network_file):
    content = bytes(network_file)
    for place in range(0, len(content), 97):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(FileFormatError, match="zip file|truncated|checksum"):
            from_bytes(changed)


@pytest.mark.parametrize("kept", [0, 3, 50, 1000, -100, -1])
def test_a_truncated_file_is_found(kept, network_file, tmp_path):
    path = tmp_path / "a.skseq"
    path.write_bytes(network_file[:kept])
    with pytest.raises(FileFormatError, match=r"a\.skseq' cannot .*(not a zip|trunc)"):
        load(path)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda m: m.update(format_version=5), "format version 5.* reads 4.*skseq"),
        (lambda m: m.update(format_version=3), "format version 3.* reads 4"),
        (lambda m: m.pop("format_version"), "format version None"),
        (lambda m: m.pop("estimator"), "'estimator' is missing in its manifest"),
        (lambda m: m.update(estimator=[m["estimator"]]), "does not hold an estimator"),
        (lambda m: m["estimator"].update({"class": "os.system"}), "'os.system' is not"),
        (lambda m: m["estimator"].update(type="pickle"), "unknown type 'pickle'"),
        (
            lambda m: m["versions"].update(skseq="9.0") or without("tol")(m),
            "by skseq 9",
        ),
        (without("learning_rate"), "'learning_rate' is missing"),
        (without("offset_"), "'offset_' is missing"),
        (without("weights_"), "'weights_' is missing"),
        (without("n_features_in_"), "'n_features_in_' is missing"),
        (set_in_state("predict", 1), "'predict' is unknown"),
        (set_in_state("__class__", 1), "'__class__' is unknown"),
        (set_in_state("batch_size", 0), "'batch_size' parameter"),
        (set_in_state("weights_", []), "weights_ must be the"),
        (set_in_state("architecture_", None), "architecture_ is not one"),
        (set_in_state("offset_", "0"), "offset_ is not a number"),
        (set_in_state("n_features_in_", -1), "n_features_in_ is -1"),
        (set_in_state("n_features_in_", 5), "n_features_in_=5"),
        (set_in_architecture("n_timesteps", 10**12), "a size of architecture_ is"),
        (set_in_architecture("n_timesteps", 10**8), "architecture_ is for sequences"),
        (
            set_in_architecture("n_features", True),
            "a size of architecture_ is no count",
        ),
        (set_in_architecture("cell", "rnn"), "'cell' parameter"),
        (set_in_architecture("hidden_layer_sizes", 3), "'hidden_layer_sizes' param"),
        (set_in_architecture("surprise", 3), "'surprise' is unknown"),
    ],
)
def test_a_forged_manifest_is_found(edit, message, network_file):
    with pytest.raises(FileFormatError, match=message):
        from_bytes(resealed(network_file, edit))


def set_in_plan(*path, to):
    """Forge a part of ``plan_``, which objects and tuples lead to."""

    def edit(manifest):
        parts = manifest["estimator"]["state"]["plan_"]
        for name in path[:-1]:
            parts = parts["state" if parts["type"] == "object" else "value"][name]
        parts["state" if parts["type"] == "object" else "value"][path[-1]] = to

    return edit


NO_NAMES = {"type": "tuple", "value": []}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (set_in_plan("features", 0, to=3), r"not in range\(0, 3\)"),
        (set_in_plan("features", 0, to=-1), r"not in range\(0, 3\)"),
        (set_in_plan("features", 0, to=True), r"not in range\(0, 3\)"),
        (set_in_plan("features", to=NO_NAMES), "features is empty"),
        (set_in_plan("features", to=[2]), "features is empty"),
        (set_in_plan("groups", to=NO_NAMES), "a name for each group"),
        (set_in_plan("groups", to=[]), "groups is not a tuple"),
        (set_in_plan("groups", 0, to=1), "a group is not a Key"),
        (set_in_plan("groups", 0, "column", to=7), r"not in range\(0, 3\)"),
        (set_in_plan("groups", 0, "column", to="7"), "column is '7'"),
        (set_in_plan("groups", 0, "name", to=None), "name is None"),
        (set_in_plan("groups", 0, "kind", to=1), "kind is 1"),
        (
            set_in_plan("groups", 0, "kind", to="datetimes with a time zone"),
            "names of a time are float64",
        ),
        (set_in_plan("groups", 0, "parameter", to="x"), "parameter is 'x'"),
        (set_in_plan("time", to=1), "time is not a Key"),
        (set_in_plan("time", to=None), "there is no time"),
        (set_in_plan("time", "kind", to="weeks"), "kind is 'weeks'"),
        (set_in_plan("reach", to=1), "reach is not one"),
        (set_in_plan("reach", "n_timesteps", to=0), "n_timesteps is 0"),
        (set_in_plan("reach", "gap", to=-1), "gap is -1"),
        (set_in_plan("reach", "duration", to="1"), "duration is '1'"),
        (set_in_plan("delta_scale", to=0), "delta_scale is 0"),
        (set_in_plan("last_rows", to=1), "last_rows are not LastRows"),
        (set_in_plan("last_rows", "rows", to=1), "are not SeriesRows"),
        (set_in_plan("last_rows", "rows", "n_rows", to=9), "shape"),
        (set_in_plan("last_rows", "rows", "names", to=[]), "names is not a tuple"),
        (set_in_plan("last_rows", "rows", "names", 0, to=1), "is not an array"),
        (set_in_plan("around_hole", to=1), "around_hole is not SeriesRows"),
        (set_in_state("plan_", 1), "plan_ is not one"),
        (without("plan_"), "'plan_' is missing"),
    ],
)
def test_a_forged_plan_is_found(edit, message, slider_file):
    from_bytes(slider_file)
    forged = resealed(slider_file, edit)
    with pytest.raises(FileFormatError, match=message):
        from_bytes(forged)


def test_an_error_names_the_other_version_that_wrote_the_file(network_file):
    def edit(manifest):
        manifest["versions"]["skseq"] = "9.0"
        without("tol")(manifest)

    with pytest.raises(FileFormatError, match=r"'tol' is missing.*by skseq 9\.0"):
        from_bytes(resealed(network_file, edit))


@pytest.mark.parametrize("units", [10**7, 10**30])
def test_an_architecture_cannot_ask_for_memory(units, network_file):
    sizes = {"type": "tuple", "value": [units, 2]}
    forged = resealed(network_file, set_in_architecture("hidden_layer_sizes", sizes))
    tracemalloc.start()
    with pytest.raises(FileFormatError, match=r"weights_\[0\]|size of architecture_"):
        from_bytes(forged)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda a, k: a.update({k: a[k][1:]}), r"weights_\[0\] has the shape"),
        (lambda a, k: a.update({k: a[k].astype(np.float64)}), "is of float64, not"),
        (lambda a, k: a.pop(k), r"'LSTMAutoencoder\.weights_\[0\]' is missing"),
        (lambda a, k: a.update(more=a[k]), "nothing refers to 'more'"),
    ],
    ids=["shape", "dtype", "missing", "more"],
)
def test_arrays_that_do_not_fit_are_found(edit, message, network_file):
    key = "LSTMAutoencoder.weights_[0]"
    with pytest.raises(FileFormatError, match=message):
        from_bytes(with_arrays(network_file, lambda arrays: edit(arrays, key)))


@pytest.mark.parametrize("name", ["center", "scale", "components", "gains"])
def test_a_path_of_other_arrays_is_found(name, residual_file):
    def edit(arrays):
        key = f"ResidualAutoencoder.path_.{name}"
        arrays[key] = arrays[key][..., :-1].copy()

    with pytest.raises(FileFormatError, match=f"the {name} of path_|components"):
        from_bytes(with_arrays(residual_file, edit))


def test_arrays_that_claim_more_than_they_have_are_found(network_file):
    members = unpack(network_file)
    arrays = members["arrays.safetensors"]
    shape = b'"shape":[2,12]'
    assert shape in arrays
    forged = arrays.replace(shape, b'"shape":[99999]'[: len(shape)], 1)
    with pytest.raises(FileFormatError, match="not valid|damaged"):
        from_bytes(pack(members | {"arrays.safetensors": forged}))


@pytest.mark.parametrize(
    ("added", "options", "message"),
    [
        ([("../x", b"")], {}, r"'\.\./x' has a path"),
        ([("/etc/x", b"")], {}, "'/etc/x' has a path"),
        ([("a\\b", b"")], {}, "has a path"),
        ([("manifest.json", b"{}")], {}, "two members of the name 'manifest.json'"),
        ([("more", b"")], {}, "nothing refers to 'more'"),
        ([("bomb", bytes(10**6))], {"compress_type": ZIP_DEFLATED}, "is compressed"),
    ],
    ids=["climbs", "absolute", "backslash", "duplicate", "extra", "bomb"],
)
def test_members_that_save_does_not_write_are_found(
    added, options, message, network_file
):
    with pytest.raises(FileFormatError, match=message):
        from_bytes(with_members(network_file, *added, **options))


def test_members_that_overlap_cannot_multiply(network_file):
    """Members of a zip may share their bytes: the bomb that needs no compression."""
    content = bytes(with_members(network_file, *[(f"{k}", b"") for k in range(9)]))
    with ZipFile(io.BytesIO(content)) as archive:
        start = archive.start_dir
        largest = max(archive.infolist(), key=lambda member: member.file_size)
    size = largest.file_size.to_bytes(4, "little")
    date = b"\x21\x00"  # stands before the checksum and the two sizes
    directory = content[start:].replace(date + bytes(12), date + bytes(4) + size + size)
    with pytest.raises(FileFormatError, match="more bytes than the file has"):
        from_bytes(sealed(content[:start] + directory))


def test_a_missing_member_is_found(network_file):
    members = unpack(network_file)
    members.pop("arrays.safetensors")
    with pytest.raises(FileFormatError, match="'arrays.safetensors' is missing"):
        from_bytes(pack(members))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "not valid|damaged"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"format_version": NaN}', "NaN, which is not JSON"),
        (b"[" * 10**6, "nested more than 100 deep"),
        (b"[" * 200 + b"]" * 200, "nested more than 100 deep"),
        (b"[" + b"[]," * 10**6 + b"[]]", "more than 1000000 parts"),
        (b'"' + b"a" * 2**24 + b'"', "more than 16777216 bytes"),
        (b'{"a": "[[[[[", "b": "' + b'\\",' * 10**6 + b'"}', "version None"),
        (b"\xff", "damaged"),
        (b"[]", "damaged"),
    ],
    ids=[
        *("cut", "twice", "nan", "deep", "closed", "many", "long", "in text"),
        *("no text", "list"),
    ],
)
def test_a_manifest_that_is_not_one_is_found(text, message, network_file):
    members = unpack(network_file)
    with pytest.raises(FileFormatError, match=message):
        from_bytes(pack(members | {"manifest.json": text}))


def with_skops(content, edit):
    """The file with another fitted scaler (the first is the parameter)."""
    members = unpack(content)
    with ZipFile(io.BytesIO(members["1.skops"])) as archive:
        inner = {name: archive.read(name) for name in archive.namelist()}
    edit(inner)
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, member in inner.items():
            archive.writestr(name, member)
    return pack(members | {"1.skops": buffer.getvalue()})


def swap_class(inner):
    schema = inner["schema.json"].replace(b'"StandardScaler"', b'"Popen"')
    inner["schema.json"] = schema.replace(
        b'"sklearn.preprocessing._data"', b'"subprocess"'
    )


def claim_much(inner):
    name = next(name for name in inner if name.endswith(".npy"))
    buffer = io.BytesIO()
    about = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(buffer, about)
    inner[name] = buffer.getvalue() + bytes(8)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (swap_class, r"subprocess\.Popen, which is not trusted"),
        (claim_much, r"states the shape \(1000000000000,\) of float64, but has 8"),
        (lambda inner: inner.update({"a.pkl": b""}), "unknown member 'a.pkl'"),
        (lambda inner: inner.pop("schema.json"), "schema.json"),
    ],
    ids=["class", "memory", "pickle", "missing"],
)
def test_a_forged_scikit_learn_object_is_found(edit, message, pipeline_file):
    with pytest.raises(FileFormatError, match=message):
        from_bytes(with_skops(pipeline_file, edit))


@pytest.mark.skipif(os.name != "posix", reason="needs a device file")
def test_a_device_is_not_read():
    with pytest.raises(FileFormatError, match="not a regular file"):
        load("/dev/zero")


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")


def parts_of(tree):
    """Every place in a tree of JSON, as (container, key)."""
    keys = tree if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], (dict, list)):
            yield from parts_of(tree[key])


VALUES = [None, True, -1, 0, 1e308, 10**20, "", "a", [], [0], {}, {"type": "dict"}]


def change_bytes(content, rng):
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 3])):
        if not content:  # a small member, of which all was deleted
            break
        start, length = rng.randrange(len(content)), rng.choice([1, 1, 8, 200])
        kind = rng.randrange(3)
        if kind == 0:
            content[start] ^= rng.randrange(1, 256)
        elif kind == 1:
            del content[start : start + length]
        else:
            content[start:start] = rng.randbytes(length)
    return content


def change_a_member(content, rng):
    members = unpack(content)
    name = rng.choice(sorted(members))
    changed = bytes(change_bytes(members[name], rng))
    return pack(members | {name: changed})


def change_the_manifest(content, rng):
    def edit(manifest):
        for _ in range(rng.choice([1, 1, 3])):
            container, key = rng.choice([*parts_of(manifest)])
            if rng.random() < 0.2:
                container.pop(key)
                continue
            other, other_key = rng.choice([*parts_of(manifest)])
            value = rng.choice([*VALUES, other[other_key]])
            container[key] = copy.deepcopy(value)

    return resealed(content, edit)


# In blocks, so that one case that fails does not hide the cases after it.
@pytest.mark.parametrize("block", range(N_BLOCKS))
def test_a_mutated_file_is_an_error_or_an_estimator(
    network_file, residual_file, pipeline_file, X, block
):
    rng = random.Random(block)
    kinds = change_bytes, change_a_member, change_the_manifest
    outcomes = {"error": 0, "estimator": 0}
    for case in range(N_CASES // N_BLOCKS):
        change = kinds[case % 3]
        content = change(rng.choice([network_file, residual_file, pipeline_file]), rng)
        try:
            estimator = from_bytes(content)
        except FileFormatError:
            outcomes["error"] += 1
        else:
            assert change is not change_bytes
            assert isinstance(estimator, BaseEstimator)
            outcomes["estimator"] += 1
            # Of a forger's parameters, whatever is an exception and not a crash.
            with contextlib.suppress(Exception):
                estimator.score_samples(X[:, 0] if "steps" in vars(estimator) else X)
    assert min(outcomes.values()) > 0, outcomes


def test_a_large_file_of_brackets_is_refused_before_anything_is_built(network_file):
    members = unpack(network_file)
    content = pack(members | {"manifest.json": b"[" * 60_000_000})
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match="more than 16777216 bytes"):
            from_bytes(content)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(content)
    finally:
        tracemalloc.stop()


def test_the_list_of_arrays_is_bounded(network_file):
    members = unpack(network_file)
    listed = b"[" * 5000
    arrays = len(listed).to_bytes(8, "little") + listed
    with pytest.raises(FileFormatError, match="list of its arrays is nested"):
        from_bytes(pack(members | {"arrays.safetensors": arrays}))
    arrays = (2**40).to_bytes(8, "little")
    with pytest.raises(FileFormatError, match="names of its arrays have over"):
        from_bytes(pack(members | {"arrays.safetensors": arrays}))


@pytest.mark.parametrize(
    "zone", ["dateutil//etc/passwd", "tzlocal()", "../../etc/passwd", "/etc/passwd", 5]
)
def test_a_time_zone_by_path_is_refused(zone):
    content = to_bytes(SlidingWindow(max_gap=pd.Timestamp("2026-03-01", tz="UTC")))

    def edit(manifest):
        manifest["estimator"]["state"]["max_gap"]["value"][2] = zone

    with pytest.raises(FileFormatError, match="is no name of a time zone"):
        from_bytes(resealed(content, edit))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "UTC+01:00", "Etc/GMT-3"])
def test_a_time_zone_by_name_is_loaded(zone):
    stamp = pd.Timestamp("2026-03-01", tz=zone)
    assert from_bytes(to_bytes(SlidingWindow(max_gap=stamp))).max_gap == stamp


def test_a_checkpoint_in_a_file_is_not_believed(network_file):
    edit = set_in_state("checkpoint", "/etc/crontab")
    assert from_bytes(resealed(network_file, edit)).checkpoint is None


def test_a_pipeline_with_a_memory_is_refused_wherever_it_is(X, tmp_path):
    inner = make_pipeline(SimpleImputer(), StandardScaler(), memory=str(tmp_path))
    step = EachTimeStep(inner).fit(X)
    with pytest.raises(FileFormatError, match="'memory' of a Pipeline must be None"):
        from_bytes(to_bytes(step))
    union = EachTimeStep(make_union(inner)).fit(X)
    with pytest.raises(ValueError, match="Pipeline with a 'memory'"):
        save(union, tmp_path / "union")
    assert not (tmp_path / "union").exists()


COMPILED = {
    "svm": OneClassSVM(),
    "neighbours": LocalOutlierFactor(novelty=True),
    "clusters": KMeans(2, n_init=1),
}


@pytest.mark.parametrize("name", COMPILED)
def test_what_has_compiled_code_must_be_trusted(name, X):
    estimator = COMPILED[name]
    estimator = clone(estimator).fit(X.reshape(len(X), -1))
    kind = type(estimator)
    full_name = f"{kind.__module__}.{kind.__name__}"
    pipeline = make_pipeline(estimator)
    with pytest.raises(TypeError, match=rf"{full_name}.* is not trusted"):
        to_bytes(pipeline)
    try:
        content = to_bytes(pipeline, trusted=[full_name])
    except TypeError as error:  # what it holds is not trusted by skops either
        names = re.findall(r"sklearn[\w.]+", str(error))
        content = to_bytes(pipeline, trusted=[full_name, *names])
    with pytest.raises(FileFormatError, match="is not trusted"):
        from_bytes(content)
