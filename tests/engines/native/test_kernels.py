# SPDX-License-Identifier: BSD-3-Clause
"""The compiled kernels, held to float64 NumPy, one sample and one step at a time."""

import naive_lstm as naive
import numpy as np
import pytest

_kernels = pytest.importorskip(
    "skseq.engines.native._kernels", reason="the kernels were not built"
)
from skseq.engines.native._blocks import from_blocks, to_blocks  # noqa: E402

CACHE_ROWS, LANES = _kernels.CACHE_ROWS, _kernels.LANES
INSTRUCTION_SETS = _kernels.INSTRUCTION_SETS

# inputs, units, steps, samples: one of each, and sizes beside those of the tiles
SIZES = [(1, 1, 1, 1), (3, 5, 4, 7), (6, 8, 9, 16), (13, 11, 17, 35), (2, 33, 8, 18)]

every_isa = pytest.mark.parametrize("isa", INSTRUCTION_SETS)


def normal(rng, *shape, scale=1.0):
    return rng.normal(scale=scale, size=shape).astype(np.float32)


def lstm_weights(rng, inputs, units):
    shapes = [(inputs, 4 * units), (units, 4 * units), (4 * units,)]
    return [normal(rng, *s, scale=0.7 / np.sqrt(inputs + units)) for s in shapes]


def run_lstm(
    x, weights, dh, *, mask, steps, activation="tanh", isa=None, constant=None
):
    """States and gradients by the kernels, in the layout of samples."""
    n, units = len(x), len(weights[1])
    blocks = to_blocks(x)
    mask = to_blocks(mask[..., None].astype(np.float32))[:, :, 0]
    h = np.full((len(blocks), steps, units, LANES), np.nan, np.float32)
    cache = np.full((len(blocks), steps, CACHE_ROWS * units, LANES), np.nan, np.float32)
    options = {"mask": mask, "activation": activation, "isa": isa}
    if constant is not None:
        options["constant"] = to_blocks(constant[:, np.newaxis])[:, 0]
    _kernels.lstm_forward(blocks, *weights, h, cache, **options)
    gradients = [np.full_like(w, np.nan) for w in weights]
    dx = np.full_like(blocks, np.nan)
    _kernels.lstm_backward(
        to_blocks(dh), blocks, *weights, h, cache, *gradients, dx, **options
    )
    return [from_blocks(h, n), from_blocks(dx, n), *gradients]


def run_naive(x, weights, dh, *, mask, steps, activation):
    weights = [w.astype(np.float64) for w in weights]
    x_steps = x.shape[1]
    states, dxs, sums = [], [], [np.zeros(w.shape) for w in weights]
    for x_i, dh_i, mask_i in zip(x.astype(np.float64), dh, mask, strict=True):
        x_i = np.repeat(x_i, steps, axis=0) if x_steps == 1 else x_i
        h, tape = naive.lstm_forward(x_i, *weights, mask_i, activation)
        dx, *gradients = naive.lstm_backward(dh_i, tape, *weights[:2], activation)
        states.append(h)
        dxs.append(dx.sum(axis=0, keepdims=True) if x_steps == 1 else dx)
        sums = [s + g for s, g in zip(sums, gradients, strict=True)]
    return [np.array(states), np.array(dxs), *sums]


@every_isa
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
@pytest.mark.parametrize("repeated", [False, True])
def test_lstm_equals_the_naive_implementation(size, activation, repeated, isa):
    inputs, units, steps, n = size
    rng = np.random.default_rng(0)
    mask = rng.random((n, steps)) < 0.8
    mask[: n // 3] = True  # not padded
    mask[n - 1 :] = n == 1  # fully padded
    case = {"mask": mask, "steps": steps, "activation": activation}
    x, dh = (
        normal(rng, n, 1 if repeated else steps, inputs),
        normal(rng, n, steps, units),
    )
    weights = lstm_weights(rng, inputs, units)
    expected = run_naive(x, weights, dh, **case)
    for got, want in zip(
        run_lstm(x, weights, dh, isa=isa, **case), expected, strict=True
    ):
        np.testing.assert_allclose(got, want, atol=3e-6 * max(1, np.abs(want).max()))


@every_isa
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
@pytest.mark.parametrize("repeated", [False, True])
def test_lstm_of_a_few_samples_equals_that_of_blocks(size, activation, repeated, isa):
    inputs, units, steps, n = size
    rng = np.random.default_rng(0)
    mask = (rng.random((n, steps)) < 0.8).astype(np.float32)
    x = normal(rng, n, 1 if repeated else steps, inputs)
    weights = lstm_weights(rng, inputs, units)
    options = {"activation": activation, "isa": isa}
    blocks = to_blocks(x)
    h = np.full((len(blocks), steps, units, LANES), np.nan, np.float32)
    block_mask = to_blocks(mask[..., None])[:, :, 0]
    _kernels.lstm_forward(blocks, *weights, h, mask=block_mask, **options)
    few = np.full((n, steps, units), np.nan, np.float32)
    _kernels.lstm_forward_few(x, *weights, few, mask=mask, **options)
    np.testing.assert_array_equal(few, from_blocks(h, n))
    x[0, -1] = np.nan
    again = few.copy()
    _kernels.lstm_forward_few(x, *weights, again, mask=mask, **options)
    np.testing.assert_array_equal(again[1:], few[1:])


@every_isa
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("n_constant", [1, 7, 20])
@pytest.mark.parametrize("repeated", [False, True])
def test_constant_inputs_count_as_if_they_stood_at_each_step(
    size, n_constant, repeated, isa
):
    inputs, units, steps, n = size
    rng = np.random.default_rng(0)
    mask = rng.random((n, steps)) < 0.8
    mask[: n // 3] = True  # not padded
    mask[n - 1 :] = n == 1  # fully padded
    case = {"mask": mask, "steps": steps, "activation": "tanh"}
    x_steps = 1 if repeated else steps
    x, dh = normal(rng, n, x_steps, inputs), normal(rng, n, steps, units)
    constant = normal(rng, n, n_constant)
    weights = lstm_weights(rng, inputs + n_constant, units)
    at_each_step = np.repeat(constant[:, np.newaxis], x_steps, axis=1)
    whole = np.concatenate([x, at_each_step], axis=2)
    got = run_lstm(x, weights, dh, constant=constant, isa=isa, **case)
    for expected in (
        run_naive(whole, weights, dh, **case),
        run_lstm(whole, weights, dh, isa=isa, **case),
    ):
        expected[1] = expected[1][:, :, :inputs]  # the constant ones are no variables
        for one, other in zip(got, expected, strict=True):
            atol = 3e-6 * max(1, np.abs(other).max())
            np.testing.assert_allclose(one, other, atol=atol)
    few = np.full((n, steps, units), np.nan, np.float32)
    mask = mask.astype(np.float32)
    _kernels.lstm_forward_few(x, *weights, few, mask=mask, constant=constant, isa=isa)
    np.testing.assert_array_equal(few, got[0])


@every_isa
def test_the_gradient_by_the_final_state_needs_no_other_steps(isa):
    rng = np.random.default_rng(0)
    weights = lstm_weights(rng, 3, 5)
    x, dh = to_blocks(normal(rng, 20, 6, 3)), to_blocks(normal(rng, 20, 6, 5))
    dh[:, :-1] = 0
    h = np.empty_like(dh)
    cache = np.empty((2, 6, CACHE_ROWS * 5, LANES), np.float32)
    _kernels.lstm_forward(x, *weights, h, cache, isa=isa)
    results = []
    for part in (dh, dh[:, -1:].copy()):
        out = [np.empty_like(w) for w in (*weights, x)]
        _kernels.lstm_backward(part, x, *weights, h, cache, *out, isa=isa)
        results.append(out)
    for whole, last in zip(*results, strict=True):
        np.testing.assert_array_equal(last, whole)


def test_naive_gradients_equal_finite_differences():
    rng = np.random.default_rng(0)
    weights = [w.astype(np.float64) for w in lstm_weights(rng, 3, 2)]
    x, dh = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    mask = np.array([0, 1, 1, 0, 1], bool)

    def value():
        return np.sum(dh * naive.lstm_forward(x, *weights, mask, "tanh")[0])

    _, tape = naive.lstm_forward(x, *weights, mask, "tanh")
    gradients = naive.lstm_backward(dh, tape, *weights[:2], "tanh")
    for array, gradient in zip([x, *weights], gradients, strict=True):
        for cell in np.ndindex(array.shape):
            saved, ends = array[cell], []
            for step in (1e-5, -1e-5):
                array[cell] = saved + step
                ends.append(value())
            array[cell] = saved
            assert gradient[cell] == pytest.approx(np.subtract(*ends) / 2e-5, abs=1e-8)


@every_isa
@pytest.mark.parametrize("size", [(1, 1, 1, 1), (5, 3, 4, 7), (33, 17, 9, 40)])
def test_dense_equals_matrix_products(size, isa):
    inputs, outputs, steps, n = size
    rng = np.random.default_rng(0)
    x, dy = normal(rng, n, steps, inputs), normal(rng, n, steps, outputs)
    kernel, bias = normal(rng, inputs, outputs), normal(rng, outputs)
    blocks = to_blocks(x)
    y = np.full((len(blocks), steps, outputs, LANES), np.nan, np.float32)
    _kernels.dense_forward(blocks, kernel, bias, y, isa)
    few = np.full((n, steps, outputs), np.nan, np.float32)
    _kernels.dense_forward_few(x, kernel, bias, few, isa)
    np.testing.assert_array_equal(few, from_blocks(y, n))
    dx, d_kernel, d_bias = (np.full_like(a, np.nan) for a in (blocks, kernel, bias))
    _kernels.dense_backward(
        to_blocks(dy), blocks, kernel, bias, d_kernel, d_bias, dx, isa
    )
    x, dy = x.astype(np.float64), dy.astype(np.float64)
    close = {"rtol": 1e-5, "atol": 2e-5}
    np.testing.assert_allclose(from_blocks(y, n), x @ kernel + bias, **close)
    np.testing.assert_allclose(from_blocks(dx, n), dy @ kernel.T, **close)
    np.testing.assert_allclose(d_kernel, np.einsum("nti,nto->io", x, dy), **close)
    np.testing.assert_allclose(d_bias, dy.sum(axis=(0, 1)), **close)


@every_isa
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(1, 1, 1), (97, 256, 64), (200, 513, 131), (7, 0, 3)])
def test_product_equals_that_of_numpy(size, dtype, isa):
    n, depth, columns = size
    rng = np.random.default_rng(0)
    x, matrix = rng.normal(size=(n, depth)), rng.normal(size=(depth, columns))
    out = np.full((n, columns), np.nan, dtype)
    _kernels.product(x.astype(dtype), matrix.astype(dtype), out, isa)
    atol = 4 * depth * np.finfo(dtype).eps
    np.testing.assert_allclose(out, x @ matrix, rtol=0, atol=atol)


@every_isa
def test_tanh_and_sigmoid_are_accurate_everywhere(isa):
    # One unit, z_c = x and open gates: the cell is tanh(x), the input gate sigmoid(x).
    x = np.linspace(-20, 20, 16 * 20_000, dtype=np.float32)
    x[:3] = -np.inf, np.inf, 1e-40
    for gate, function in [(2, np.tanh), (0, naive.sigmoid)]:
        kernel = np.zeros((1, 4), np.float32)
        kernel[0, gate] = 1
        h = np.empty((len(x) // LANES, 1, 1, LANES), np.float32)
        cache = np.empty((len(x) // LANES, 1, CACHE_ROWS, LANES), np.float32)
        _kernels.lstm_forward(
            x.reshape(h.shape),
            kernel,
            np.zeros_like(kernel),
            np.zeros(4, np.float32),
            h,
            cache,
            isa=isa,
        )
        with np.errstate(over="ignore"):
            error = cache[:, 0, gate].ravel() - function(x.astype(np.float64))
        assert np.abs(error).max() < 3.1e-7  # 2.8e-7 with fused multiply-add


@every_isa
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
def test_a_broken_sample_reaches_no_other(bad, activation, isa):
    rng = np.random.default_rng(0)
    weights = lstm_weights(rng, 3, 5)
    x, dh = normal(rng, 20, 6, 3), normal(rng, 20, 6, 5)
    case = {"mask": np.ones((20, 6), bool), "steps": 6, "activation": activation}
    others = np.arange(20) != 4
    clean = run_lstm(x, weights, dh, isa=isa, **case)
    x[4, 2, 1] = bad
    broken = run_lstm(x, weights, dh, isa=isa, **case)
    for a, b in zip(clean[:2], broken[:2], strict=True):
        np.testing.assert_array_equal(a[others], b[others])
    if np.isnan(bad):
        assert np.isnan(broken[0][4, 2:]).any()


@every_isa
def test_adam_follows_its_formula(isa):
    rng = np.random.default_rng(0)
    weights, mean, variance = np.ones(37, np.float32), *np.zeros((2, 37), np.float32)
    w, m, v = weights.astype(np.float64), 0, 0
    for step in range(1, 6):
        gradient = normal(rng, 37)
        _kernels.adam(weights, gradient, mean, variance, step, 0.01, isa=isa)
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient.astype(np.float64) ** 2
        rate = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        w -= rate * m / (np.sqrt(v) + 1e-7)
    np.testing.assert_allclose(weights, w, atol=1e-6)


def test_denormals_of_the_caller_survive():
    tiny = np.array([1e-40], np.float32)
    _kernels.adam(*np.zeros((4, 3), np.float32), 1, 0.1)
    assert (tiny * np.float32(0.5))[0] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"x": (1, 2, 3, 8)},
            r"x must have shape \(n_blocks, n_steps, n_features, 16\)",
        ),
        (
            {"x": (1, 3, 3, 16)},
            r"x must have shape \(1, 2, 3, 16\), got \(1, 3, 3, 16\)",
        ),
        ({"h": (1, 0, 5, 16)}, "no empty axis"),
        ({"kernel": (3, 16)}, r"kernel must have shape \(3, 20\), got \(3, 16\)"),
        ({"recurrent_kernel": (4, 20)}, r"recurrent_kernel must have shape \(5, 20\)"),
        ({"bias": (19,)}, r"bias must have shape \(20,\), got \(19,\)"),
        ({"mask": (1, 2, 15)}, r"mask must have shape \(1, 2, 16\)"),
        ({"cache": (1, 2, 5, 16)}, r"cache must have shape \(1, 2, 30, 16\)"),
        ({"constant": (1, 2, 16)}, r"kernel must have shape \(5, 20\), got \(3, 20\)"),
        ({"constant": (2, 2, 16)}, r"constant must have shape \(1, 2, 16\), got"),
        ({"constant": (1, 2)}, r"constant must have shape \(1, 2, 16\), got \(1, 2\)"),
    ],
)
def test_wrong_shapes_are_named(change, message):
    shapes = {
        "x": (1, 2, 3, 16),
        "kernel": (3, 20),
        "recurrent_kernel": (5, 20),
        "bias": (20,),
        "h": (1, 2, 5, 16),
    }
    arrays = {k: np.zeros(v, np.float32) for k, v in {**shapes, **change}.items()}
    with pytest.raises(ValueError, match=message):
        _kernels.lstm_forward(**arrays)


def test_wrong_types_and_names_are_refused():
    good = [np.zeros(s, np.float32) for s in [(1, 2, 3, 16), (3, 4), (1, 4), (4,)]]
    h = np.zeros((1, 2, 1, 16), np.float32)
    with pytest.raises(TypeError):
        _kernels.lstm_forward(good[0].astype(np.float64), *good[1:], h)
    with pytest.raises(TypeError):
        _kernels.lstm_forward(*good, np.zeros((1, 2, 16, 3), np.float32).mT)
    h_read_only = h.copy()
    h_read_only.flags.writeable = False
    with pytest.raises(TypeError):
        _kernels.lstm_forward(*good, h_read_only)
    with pytest.raises(ValueError, match="x and h must have 3 axes, got"):
        _kernels.lstm_forward_few(*good, h)
    with pytest.raises(ValueError, match=r"kernel must have shape \(1, 8\)"):
        _kernels.lstm_forward_few(
            h[..., 0].copy(), *good[1:], np.zeros((1, 2, 2), "f4")
        )
    with pytest.raises(ValueError, match="x and y must have 3 axes, got"):
        _kernels.dense_forward_few(*good[:2], good[3], h)
    with pytest.raises(ValueError, match="x and out must have 2 axes, got"):
        _kernels.product(good[0], good[1], good[2])
    with pytest.raises(ValueError, match=r"matrix must have shape \(4, 4\)"):
        _kernels.product(good[2], good[1], good[2].copy())
    with pytest.raises(TypeError):
        _kernels.product(good[2].astype(np.float64), good[1], good[2].copy())
    blocks = np.zeros((1, 1, 1, 16), np.float32)
    with pytest.raises(ValueError, match="there is no loss 'rmse'"):
        _kernels.loss(blocks, blocks, np.zeros((1, 16)), blocks, "rmse")
    with pytest.raises(ValueError, match=r"share must have shape \(1, 16\)"):
        _kernels.loss(blocks, blocks, np.zeros((1, 15)), blocks, "mse")
    with pytest.raises(ValueError, match="activation must be 'tanh', 'relu' or"):
        _kernels.lstm_forward(*good, h, activation="gelu")
    with pytest.raises(ValueError, match="this processor has no 'sse9' kernels"):
        _kernels.lstm_forward(*good, h, isa="sse9")
    with pytest.raises(ValueError, match="step must be at least 1, got 0"):
        _kernels.adam(*np.zeros((4, 3), np.float32), 0, 0.1)
