# SPDX-License-Identifier: BSD-3-Clause
"""Every binding of the kernels, called with arrays that nobody should give it.

A wrong one is refused by a TypeError or a ValueError that says what is wrong; what is
merely odd (not a number, empty) is computed. `make sanitize` runs the same calls with
the sanitizers, which end the process at the first byte out of place.
"""

import contextlib

import numpy as np
import pytest

_kernels = pytest.importorskip(
    "skseq.engines.native._kernels", reason="the kernels were not built"
)
CACHE_ROWS, LANES = _kernels.CACHE_ROWS, _kernels.LANES

SIZES = {"b": 2, "t": 3, "i": 4, "c": 2, "u": 5, "o": 3, "s": 1, "L": LANES}
F4, F8 = np.float32, np.float64
# Shapes of the arrays by letters of SIZES; a number before a letter is a factor. Of an
# LSTM i inputs are of a step and c constant: k in all.
_LSTM = {"x": "b t i", "kernel": "k 4u", "recurrent_kernel": "u 4u", "bias": "4u"}
_BLOCKS = {**_LSTM, "x": "b t i L", "h": "b t u L"}
_DENSE = {"x": "b t i", "kernel": "i o", "bias": "o", "y": "b t o"}
_IN_BLOCKS = {"x": "b t i L", "kernel": "i o", "bias": "o"}
_CACHE = f"b t {CACHE_ROWS}u L"
BINDINGS = {
    "lstm_forward": {**_BLOCKS, "cache": _CACHE, "mask": "b t L", "constant": "b c L"},
    "lstm_forward_few": {**_LSTM, "h": "b t u", "mask": "b t", "constant": "b c"},
    "lstm_backward": {
        "dh": "b t u L",
        **_BLOCKS,
        "cache": _CACHE,
        "d_kernel": "k 4u",
        "d_recurrent_kernel": "u 4u",
        "d_bias": "4u",
        "dx": "b t i L",
        "mask": "b t L",
        "constant": "b c L",
    },
    "last_step": {"h": "b t u L", "out": "b s u L"},
    "dense_forward": {**_IN_BLOCKS, "y": "b t o L"},
    "dense_forward_few": _DENSE,
    "dense_backward": {
        "dy": "b t o L",
        **_IN_BLOCKS,
        "d_kernel": "i o",
        "d_bias": "o",
        "dx": "b t i L",
    },
    "product": {"x": "b i", "matrix": "i o", "out": "b o"},
    "loss": dict.fromkeys(["y", "target", "share", "dy"], "b t o L"),
    "adam": dict.fromkeys(["weights", "gradient", "mean", "variance"], "u"),
}
BINDINGS["loss"]["share"] = "b L"
# What a program can be made of.
PROGRAMMED = [
    "lstm_forward",
    "lstm_backward",
    "last_step",
    "dense_forward",
    "dense_backward",
    "loss",
]
BINDINGS |= {f"Program.{name}": BINDINGS[name] for name in PROGRAMMED}
OPTIONS = {"loss": {"name": "mse"}, "adam": {"step": 1, "learning_rate": 0.1}}
WRITTEN = {"h", "y", "out", "dy", "weights", "d_kernel", "d_bias", "dx", "cache"}
OUTPUTS = [(k, a) for k, given in BINDINGS.items() for a in given if a in WRITTEN]
every_binding = pytest.mark.parametrize("name", BINDINGS)
REFUSED = TypeError, ValueError


@contextlib.contextmanager
def told(*case):
    """Name the case where it goes wrong: a test each would cost more than the calls."""
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        error.add_note(f"the case: {', '.join(map(str, case))}")
        raise


def length(letters, sizes):
    return int(letters[:-1] or 1) * sizes[letters[-1]]


def arguments(name, sizes=SIZES, dtype=F4):
    sizes = {**sizes, "k": sizes["i"] + sizes["c"]}
    rng, arrays = np.random.default_rng(0), {}
    for argument, letters in BINDINGS[name].items():
        shape = [length(each, sizes) for each in letters.split()]
        kind = F8 if argument == "share" else dtype
        arrays[argument] = rng.random(shape).astype(kind)
    if name.endswith("lstm_backward"):  # of what a forward pass leaves
        given = {k: arrays[k] for k in BINDINGS["lstm_forward"]}
        _kernels.lstm_forward(**given)
    return arrays


def each_changed(name, change):
    """Each argument of a binding, and the arrays of which only that one is changed."""
    for argument in BINDINGS[name]:
        arrays = arguments(name)
        arrays[argument] = change(arrays[argument])
        yield argument, arrays


def call(name, arrays, isa=None, **options):
    *of_program, name = name.split(".")
    options = {**OPTIONS.get(name, {}), **options}
    if not of_program:
        return getattr(_kernels, name)(**arrays, **options, isa=isa)
    program = _kernels.Program(isa=isa)
    getattr(program, name)(**arrays, **options)
    return program.run()


def outputs(arrays):
    return {k: a.copy() for k, a in arrays.items()}


def misaligned(array):
    """The same array one byte further on than it may begin."""
    memory = np.empty(array.nbytes + 1, np.uint8)
    out = np.frombuffer(memory.data, array.dtype, array.size, 1).reshape(array.shape)
    out[...] = array
    assert not out.flags.aligned or not array.size
    return out


def test_the_table_names_every_binding():
    bindings = {k for k, f in vars(_kernels).items() if callable(f)}
    # Those that take other arrays have tests of their own.
    others = {"WindowErrors", "SumOfTrees", "summarise"}
    of_programs = {k for k in vars(_kernels.Program) if not k.startswith("_")} - {"run"}
    methods = {f"Program.{name}" for name in of_programs}
    assert bindings | methods == {*BINDINGS, *others, "Program"}


@pytest.mark.parametrize("name", PROGRAMMED)
def test_a_program_does_what_its_calls_do_whenever_it_is_run(name):
    given, directly = arguments(name), arguments(name)
    program = _kernels.Program()
    getattr(program, name)(**given, **OPTIONS.get(name, {}))
    before, expected = arguments(name), call(name, directly)
    for argument in given:
        np.testing.assert_array_equal(given[argument], before[argument])
    assert program.run() == (expected or 0)
    for argument in given:
        np.testing.assert_array_equal(given[argument], directly[argument])
    given["h" if "h" in given else "x" if "x" in given else "y"][...] = 0
    del given
    program.run()  # it keeps the arrays


def test_a_program_adds_up_its_losses():
    program, arrays = _kernels.Program(), arguments("loss")
    once = call("loss", arrays)
    for _ in range(2):
        program.loss(**arrays, name="mse")
    assert program.run() == 2 * once


@pytest.mark.parametrize("isa", _kernels.INSTRUCTION_SETS)
@every_binding
def test_good_arrays_are_computed(name, isa):
    arrays = arguments(name)
    call(name, arrays, isa=isa)
    assert all(np.isfinite(array).all() for array in arrays.values())


@every_binding
def test_a_misaligned_array_is_refused_by_its_name(name):
    for argument, arrays in each_changed(name, misaligned):
        with pytest.raises(ValueError, match=f"^{argument} must be aligned"):
            call(name, arrays)


SHAPES = {
    "one axis longer": lambda a: np.zeros((*a.shape[:-1], a.shape[-1] + 1), a.dtype),
    "one axis shorter": lambda a: np.zeros((a.shape[0] - 1, *a.shape[1:]), a.dtype),
    "an axis more": lambda a: a[np.newaxis].copy(),
    "an axis less": lambda a: a.ravel()[: a.size // a.shape[0]].copy(),
    "no axis": lambda a: np.zeros((), a.dtype),
    "none at all": lambda a: np.zeros(0, a.dtype),
    "huge and empty": lambda a: np.zeros((0, *[1] * a.ndim, 1 << 59), a.dtype),
    "huge, of as many axes": lambda a: np.zeros(
        (0, *[1] * (a.ndim - 2), 1 << 59)[: a.ndim], a.dtype
    ),
}


@every_binding
@pytest.mark.parametrize("change", SHAPES)
def test_an_array_of_another_shape_is_refused(name, change):
    for argument, arrays in each_changed(name, SHAPES[change]):
        if name == "adam" and argument == "weights" and arrays[argument].size == 5:
            continue  # of any shape
        with told(argument), pytest.raises(REFUSED):
            call(name, arrays)


KINDS = {
    "strided": lambda a: np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)[..., ::2],
    "backwards": lambda a: a[..., ::-1],
    "broadcast": lambda a: np.broadcast_to(a.dtype.type(1), a.shape),
    "half": lambda a: a.astype(np.float16),
    "whole": lambda a: a.astype(np.int32),
    "complex": lambda a: a.astype(np.complex64),
    "of other bytes": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "objects": lambda a: a.astype(object),
    "text": lambda a: a.astype("U8"),
    "the other precision": lambda a: a.astype(F4 if a.dtype == F8 else F8),
    "a list": lambda a: a.tolist(),
    "bytes": lambda a: a.tobytes(),
    "a number": lambda a: 1.0,
}


@every_binding
@pytest.mark.parametrize("change", KINDS)
def test_an_array_of_another_kind_is_refused(name, change):
    for argument, arrays in each_changed(name, KINDS[change]):
        with told(argument), pytest.raises(REFUSED):
            call(name, arrays)


@pytest.mark.parametrize(("name", "argument"), OUTPUTS)
def test_what_is_written_to_must_be_writeable(name, argument):
    arrays = arguments(name)
    reads = "dense_backward", "loss", "last_step"
    if argument in ("dy", "h", "y") and name.split(".")[-1] in reads:
        pytest.skip("read only here, or both")
    arrays[argument].flags.writeable = False
    with pytest.raises(TypeError):
        call(name, arrays)


@pytest.mark.parametrize("isa", _kernels.INSTRUCTION_SETS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, 1e-42, -0.0])
@every_binding
def test_any_number_is_computed_within_the_arrays(name, value, isa):
    for argument in BINDINGS[name]:
        arrays = arguments(name)
        arrays[argument].flat[:: max(arrays[argument].size // 3, 1)] = value
        given = outputs(arrays)
        call(name, arrays, isa=isa)
        for other in {*arrays} - WRITTEN - {"d_recurrent_kernel", "mean", "variance"}:
            with told(argument, other):
                np.testing.assert_array_equal(arrays[other], given[other])


EMPTY = [
    (name, letter)
    for name, letters in BINDINGS.items()
    for letter in "bticuo"
    if any(letter in text for text in letters.values())
]


@pytest.mark.parametrize("isa", _kernels.INSTRUCTION_SETS)
@pytest.mark.parametrize(("name", "letter"), EMPTY)
def test_empty_arrays_are_computed_or_refused(name, letter, isa):
    if name.endswith("lstm_backward"):  # refused by the forward pass that it needs
        return
    arrays = arguments(name, SIZES | {letter: 0})
    first = next((arrays[k] for k in ("y", "x", "h") if k in arrays), np.zeros(0))
    of_blocks = LANES in first.shape
    if of_blocks and letter != "c":  # without a constant input there is nothing amiss
        with pytest.raises(ValueError, match="no empty axis"):
            call(name, arrays, isa=isa)
        return
    call(name, arrays, isa=isa)
    if name == "product" and letter == "i":
        assert not arrays["out"].any()  # a sum of nothing


@pytest.mark.parametrize("isa", _kernels.INSTRUCTION_SETS)
@every_binding
def test_any_sizes_stay_within_the_arrays(name, isa):
    for seed in range(20):
        with told(f"seed {seed}"):
            check_any_sizes(name, np.random.default_rng(seed), isa)


def check_any_sizes(name, rng, isa):
    sizes = {k: int(rng.integers(1, 40)) for k in "icuo"}
    sizes |= {"b": int(rng.integers(1, 4)), "t": int(rng.integers(1, 20))}
    sizes |= {"s": 1, "L": LANES}
    arrays = arguments(name, sizes)
    if rng.random() < 0.5:
        for optional in {"mask", "dx", "cache"} & {*arrays}:
            if not name.endswith("lstm_backward") or optional != "cache":
                del arrays[optional]
    if rng.random() < 0.3 and "lstm" in name:
        arrays["x"] = arrays["x"][:, :1].copy()
        arrays.pop("dx", None)
    if rng.random() < 0.5 and "constant" in arrays:
        del arrays["constant"]
        for kernel in {"kernel", "d_kernel"} & {*arrays}:
            arrays[kernel] = arrays[kernel][: sizes["i"]].copy()
    call(name, arrays, isa=isa)


def test_axes_beyond_any_memory_are_refused_before_they_are_multiplied():
    few = {k: np.zeros(0, F4) for k in ("bias",)}
    few |= {"x": np.zeros((0, 3, 4), F4), "h": np.zeros((0, 3, 1 << 59), F4)}
    few |= {"kernel": np.zeros((4, 0), F4), "recurrent_kernel": np.zeros((0, 0), F4)}
    with pytest.raises(ValueError, match=r"at most 2\*\*40 places, got 5764607523034"):
        _kernels.lstm_forward_few(**few)


def test_double_precision_is_held_to_the_same_rules():
    good = arguments("product", dtype=F8)
    call("product", good)
    np.testing.assert_allclose(good["out"], good["x"] @ good["matrix"], rtol=1e-12)
    for argument in good:
        with pytest.raises(ValueError, match=f"^{argument} must be aligned"):
            call("product", good | {argument: misaligned(good[argument])})
        for change in ("strided", "the other precision"):
            with pytest.raises(TypeError):
                call("product", good | {argument: KINDS[change](good[argument])})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("adam", {"step": 0}),
        ("adam", {"step": -(2**62)}),
        ("adam", {"step": 2**80}),
        ("adam", {"learning_rate": "fast"}),
        ("loss", {"name": "entropy"}),
        ("loss", {"name": None}),
        ("lstm_forward", {"activation": "sine"}),
        ("lstm_forward_few", {"activation": "\0"}),
        ("dense_forward", {"isa": "avx1024"}),
    ],
)
def test_options_that_are_none_are_refused(name, options):
    with pytest.raises((*REFUSED, OverflowError)):
        call(name, arguments(name), **options)


def test_a_step_beyond_any_training_is_computed():
    arrays = arguments("adam")
    call("adam", arrays, step=2**62)
    assert np.isfinite(arrays["weights"]).all()
