# SPDX-License-Identifier: BSD-3-Clause
"""The statistics of windows in compiled code are those of WindowSummary."""

import naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skseq.windowing._summary import NAMES, summarised

_kernels = pytest.importorskip(
    "skseq.engines.native._kernels", reason="the kernels were not built"
)


def compiled(windows, names=NAMES):
    numbers = np.array([NAMES.index(name) for name in names], np.int32)
    out = np.empty((len(windows), windows.shape[2], len(names)), np.float32)
    _kernels.summarise(windows, numbers, out)
    return out


def windows_of(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, [6, 30, 9])
    windows = rng.normal(size=shape) * 10.0 ** rng.integers(-30, 15)
    if seed % 3 == 0:  # of whole numbers many are alike
        windows = np.round(windows)
    windows[rng.random(shape) < rng.choice([0, 0.1, 0.5, 0.9])] = np.nan
    return windows.astype(np.float32)


@pytest.mark.parametrize("seed", range(60))
def test_compiled_statistics_have_the_bits_of_the_others(seed):
    windows = windows_of(seed)
    assert_array_equal(compiled(windows), summarised(windows, NAMES))
    chosen = [*np.random.default_rng(seed).permutation(NAMES)[:3]]
    assert_array_equal(compiled(windows, chosen), summarised(windows, chosen))


def test_compiled_statistics_are_those_of_the_definition():
    windows = np.random.default_rng(0).normal(size=(9, 7, 2)).astype(np.float32)
    windows[2:5, 3] = windows[8] = np.nan
    expected = naive.window_summary(windows, NAMES).reshape(9, 2, -1)
    assert_allclose(compiled(windows), expected, rtol=1e-5, atol=1e-6)


def test_what_does_not_go_together_is_refused():
    windows, out = np.zeros((4, 3, 2), np.float32), np.zeros((4, 2, 1), np.float32)
    number = np.zeros(1, np.int32)
    for wrong in (windows[0], windows[:, :0].copy()):
        with pytest.raises(ValueError, match="windows must have"):
            _kernels.summarise(wrong, number, out)
    for wrong in (-1, 6):
        with pytest.raises(ValueError, match="statistics must be numbers from 0 to 5"):
            _kernels.summarise(windows, number + np.int32(wrong), out)
    for wrong in (out[:3], np.zeros((4, 2, 2), np.float32)):
        with pytest.raises(ValueError, match="out must have shape"):
            _kernels.summarise(windows, number, wrong)
    for wrong in (windows.astype(np.float64), windows[:, ::2]):
        with pytest.raises(TypeError):
            _kernels.summarise(wrong, number, out)
    with pytest.raises(TypeError):
        _kernels.summarise(windows, number.astype(np.int64), out)
    assert compiled(windows[:0]).shape == (0, 2, 6)
