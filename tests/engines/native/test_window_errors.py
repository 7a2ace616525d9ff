# SPDX-License-Identifier: BSD-3-Clause
"""Windows in compiled code have the errors of the arrays, to the last bit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from instruction_sets import INSTRUCTION_SETS, using
from numpy.testing import assert_array_equal

_kernels = pytest.importorskip(
    "skseq.engines.native._kernels", reason="the kernels were not built"
)
from skseq.engines._linear import LinearPath  # noqa: E402
from skseq.engines._network import FittedNetwork  # noqa: E402
from skseq.engines.native import _window_errors  # noqa: E402
from skseq.networks import Architecture  # noqa: E402
from skseq.reconstruction._errors import ErrorRule  # noqa: E402
from skseq.reconstruction._judge import Judge  # noqa: E402


def normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def path_of(rng, n_timesteps, n_features):
    n_cells, n_components = n_timesteps * n_features, rng.integers(1, 6)
    return LinearPath(
        center=normal(rng, n_features),
        spread=np.exp(normal(rng, n_features)),
        components=normal(rng, n_components, n_cells),
        gains=np.exp(-np.abs(normal(rng, n_components))),
        scale=np.exp(normal(rng, n_features)),
    )


def rule_of(name, rng, n_features):
    if name == "diagonal":
        return ErrorRule(rng.normal(size=n_features), rng.random(n_features))
    if name != "distance":
        return name
    factor = rng.normal(size=(n_features, n_features))
    return ErrorRule(rng.normal(size=n_features), factor @ factor.T)


def network_of(rng, sizes, n_timesteps, n_features, *, has_path, activation, indicator):
    architecture = Architecture(
        n_timesteps,
        n_features,
        sizes,
        activation=activation,
        missing_indicator=indicator,
        n_levels=n_features if has_path else 0,
    )
    weights = [0.5 * normal(rng, *shape) for shape in architecture.weight_shapes]
    path = path_of(rng, n_timesteps, n_features) if has_path else None
    fill = normal(rng, n_features) if path is None else path.center
    return FittedNetwork(architecture, weights, fill, path, "native", 1)


def windows_of(rng, n_windows, n_timesteps, n_features):
    """Windows that miss cells, steps, and what is before or after them."""
    windows = normal(rng, n_windows, n_timesteps, n_features)
    for k, window in enumerate(windows):
        if k % 2:
            window[rng.random(window.shape) < rng.choice([0.1, 0.9])] = np.nan
        if k % 3:
            window[: rng.integers(n_timesteps + 1)] = np.nan
            window[rng.integers(n_timesteps + 1) :] = np.nan
    return windows


def case_of(seed):
    """A network, how its errors are judged, and windows."""
    rng = np.random.default_rng(seed)
    n_timesteps, n_features = rng.integers(1, 20), rng.integers(2, 10)
    network = network_of(
        rng,
        [(3,), (5, 2), (17, 8)][rng.integers(3)],
        int(n_timesteps),
        int(n_features),
        has_path=bool(rng.integers(2)),
        activation=str(rng.choice(["tanh", "relu", "linear"])),
        indicator=bool(rng.integers(2)),
    )
    rule = str(rng.choice(["mse", "mae", "huber", "distance", "diagonal"]))
    score_on = str(rng.choice(["mean", "last", "recent"]))
    judge = Judge(rule_of(rule, rng, n_features), score_on)
    return network, judge, windows_of(rng, 21, n_timesteps, n_features)


@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
@pytest.mark.parametrize("seed", range(40))
def test_windows_have_the_errors_of_the_arrays_alone_and_together(seed, isa):
    network, judge, windows = case_of(seed)
    with using(isa):
        expected = judge.errors(network.outputs(windows), windows.shape)
        # Nothing observed is no error, whatever the network makes of it.
        expected[np.isnan(windows).all(axis=(1, 2))] = np.nan
        errors = network.compiled_errors(judge.rule, judge.score_on)
        for size in (1, 3, 9, 16, len(windows)):
            parts = range(0, len(windows), size)
            found = [errors(windows[start : start + size]) for start in parts]
            assert_array_equal(np.concatenate(found), expected)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_many_windows_are_judged_in_parts_and_by_threads(n_threads, monkeypatch):
    monkeypatch.setattr(_window_errors, "_CELLS", 700 * 12)
    network = network_of(np.random.default_rng(0), (3, 2), 4, 3, **OPTIONS)
    network = replace(network, n_threads=n_threads)
    windows = windows_of(np.random.default_rng(0), 1500, 4, 3)
    judge = Judge("mae", "recent")
    expected = judge.errors(network.outputs(windows), windows.shape)
    expected[np.isnan(windows).all(axis=(1, 2))] = np.nan
    assert_array_equal(network.compiled_errors("mae", "recent")(windows), expected)


def test_threads_that_ask_at_once_do_not_meet():
    network = network_of(np.random.default_rng(0), (3, 2), 4, 3, **OPTIONS)
    errors = network.compiled_errors("mse", "mean")
    parts = [normal(np.random.default_rng(k), k % 40 + 1, 4, 3) for k in range(200)]
    expected = [errors(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for found, right in zip(
            pool.map(errors, parts, timeout=60), expected, strict=True
        ):
            assert_array_equal(found, right)


OPTIONS = {"has_path": True, "activation": "tanh", "indicator": False}


def test_what_the_compiled_code_does_not_know_is_left_to_the_arrays():
    rng = np.random.default_rng(0)
    network = network_of(rng, (3, 2), 4, 3, **OPTIONS)
    assert network.compiled_errors("mse", "mean") is not None
    assert network.compiled_errors("binary_crossentropy", "mean") is None
    assert network.compiled_errors("mse", "max") is None
    univariate = network_of(rng, (3, 2), 4, 1, **OPTIONS)
    assert univariate.compiled_errors("mse", "mean") is None


def test_a_window_of_another_shape_or_type_is_refused():
    rng = np.random.default_rng(0)
    errors = network_of(rng, (3, 2), 4, 3, **OPTIONS).compiled_errors("mse", "mean")
    with pytest.raises(ValueError, match=r"windows must have shape \(2, 4, 3\)"):
        errors(normal(rng, 2, 3, 4))
    for windows in normal(rng, 2, 4, 6)[:, :, ::2], np.ones((2, 4, 3)):
        with pytest.raises(TypeError):
            errors(windows)


def compiled(change=lambda array: array, place=("fill", 0)):
    """Of arrays that go together, of 4 steps of 3 features, but for one of them."""
    rng = np.random.default_rng(0)
    network = network_of(rng, (3, 2), 4, 3, **OPTIONS)
    path = network.path
    arrays = {
        "fill": [network.fill],
        "path": [path.center, path.spread, path.encoder, path.components, path.scale],
        "weights": [*network.weights],
        "distance": [rng.normal(size=3), np.eye(3)],
    }
    name, number = place
    arrays[name][number] = change(arrays[name][number])
    return _kernels.WindowErrors(
        **{**arrays, "fill": arrays["fill"][0]},
        steps=4,
        indicator=False,
        last=1,
        activation="tanh",
        rule="distance",
        score_on="recent",
    )


PLACES = [("fill", 0)]
PLACES += [("path", k) for k in range(5)] + [("distance", k) for k in range(2)]
PLACES += [("weights", k) for k in range(14)]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_an_array_of_the_network_of_another_shape_or_type_is_refused(place):
    def longer(array):
        return np.zeros((*array.shape[:-1], array.shape[-1] + 1), array.dtype)

    assert compiled() is not None
    with pytest.raises(ValueError, match="must have shape"):
        compiled(longer, place)
    with pytest.raises(TypeError):
        compiled(lambda array: array.astype(np.float16), place)


def steps_of_two():
    """Of two windows: the arrays of each call."""
    return {
        "windows": np.zeros((2, 4, 3), np.float32),
        "levels": np.zeros((2, 3), np.float32),
        "errors": np.zeros((2, 4, 3)),
        "totals": np.zeros(2),
    }


@pytest.mark.parametrize("name", steps_of_two())
def test_an_array_of_windows_of_another_shape_or_type_is_refused(name):
    errors, arrays = compiled(), steps_of_two()
    errors.prepare(arrays["windows"], arrays["levels"])
    errors.finish(**arrays, start=0, stop=2)
    array = arrays[name]
    for wrong, refused in (array[:1], ValueError), (array.astype(int), TypeError):
        with pytest.raises(refused):
            errors.finish(**{**arrays, name: wrong}, start=0, stop=2)
        if name in ("windows", "levels"):
            given = {k: arrays[k] for k in ("windows", "levels")}
            with pytest.raises(refused):
                errors.prepare(**{**given, name: wrong})


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (1, 0), (0, 3), (3, 3)])
def test_windows_that_were_not_taken_in_are_refused(start, stop):
    errors, arrays = compiled(), steps_of_two()
    with pytest.raises(ValueError, match="must have shape"):
        errors.finish(**arrays, start=0, stop=0)  # none was
    errors.prepare(arrays["windows"], arrays["levels"])
    with pytest.raises(ValueError, match="start and stop must be places of windows"):
        errors.finish(**arrays, start=start, stop=stop)


def test_no_windows_have_no_errors():
    network = network_of(np.random.default_rng(0), (3, 2), 4, 3, **OPTIONS)
    nothing = np.empty((0, 4, 3), np.float32)
    assert len(network.compiled_errors("mse", "mean")(nothing)) == 0


def test_windows_without_features_are_refused():
    with pytest.raises(ValueError, match="fill must have 1 axis, and cells"):
        compiled(lambda fill: fill[:0].copy())
