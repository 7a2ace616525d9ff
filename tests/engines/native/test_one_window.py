# SPDX-License-Identifier: BSD-3-Clause
"""One window at a time in compiled code has the bits that it has among others."""

import numpy as np
import pytest
from instruction_sets import INSTRUCTION_SETS, using
from numpy.testing import assert_array_equal

_kernels = pytest.importorskip(
    "skseq.engines.native._kernels", reason="the kernels were not built"
)
from skseq.engines._linear import LinearPath  # noqa: E402
from skseq.engines._network import FittedNetwork  # noqa: E402
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
    return network, judge, windows_of(rng, 12, n_timesteps, n_features)


@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
@pytest.mark.parametrize("seed", range(40))
def test_the_error_of_one_window_has_the_bits_that_it_has_in_a_batch(seed, isa):
    network, judge, windows = case_of(seed)
    with using(isa):
        expected = judge.errors(network.outputs(windows), windows.shape)
        # Nothing observed is no error, whatever the network makes of it.
        expected[np.isnan(windows).all(axis=(1, 2))] = np.nan
        error = network.error_of_one(judge.rule, judge.score_on)
        assert_array_equal([error(window) for window in windows], expected)


OPTIONS = {"has_path": True, "activation": "tanh", "indicator": False}


def test_what_the_compiled_code_does_not_know_is_left_to_the_arrays():
    rng = np.random.default_rng(0)
    network = network_of(rng, (3, 2), 4, 3, **OPTIONS)
    assert network.error_of_one("mse", "mean") is not None
    assert network.error_of_one("binary_crossentropy", "mean") is None
    assert network.error_of_one("mse", "max") is None
    univariate = network_of(rng, (3, 2), 4, 1, **OPTIONS)
    assert univariate.error_of_one("mse", "mean") is None


def test_a_window_of_another_shape_or_type_is_refused():
    rng = np.random.default_rng(0)
    error = network_of(rng, (3, 2), 4, 3, **OPTIONS).error_of_one("mse", "mean")
    with pytest.raises(ValueError, match=r"window must have shape \(4, 3\)"):
        error(normal(rng, 3, 4))
    for window in normal(rng, 4, 6)[:, ::2], np.ones((4, 3)):
        with pytest.raises(TypeError):
            error(window)


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
        "level": [np.empty(3, np.float32)],
        "errors": [np.empty((4, 3))],
    }
    name, number = place
    arrays[name][number] = change(arrays[name][number])
    for name in ("fill", "level", "errors"):
        arrays[name] = arrays[name][0]
    return _kernels.OneWindow(
        **arrays,
        steps=4,
        indicator=False,
        last=1,
        activation="tanh",
        rule="distance",
        score_on="recent",
    )


PLACES = [("fill", 0), ("level", 0), ("errors", 0)]
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
