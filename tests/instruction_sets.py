# SPDX-License-Identifier: BSD-3-Clause
"""The compiled kernels of a named instruction set, in place of the best one's."""

import contextlib
from functools import partial

import pytest

try:
    from skseq.engines.native import _kernels
except ImportError:  # they were not built
    INSTRUCTION_SETS, _FUNCTIONS = (), ()
else:
    INSTRUCTION_SETS = _kernels.INSTRUCTION_SETS
    # Of those that are compiled once for all there is nothing to choose.
    _ONE_FOR_ALL = {"SumOfTrees", "summarise"}
    _FUNCTIONS = [
        name
        for name, f in vars(_kernels).items()
        if callable(f) and name not in _ONE_FOR_ALL
    ]


@contextlib.contextmanager
def using(isa):
    """Let all that runs in this process use the kernels of one instruction set."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _FUNCTIONS:
            kernel = partial(getattr(_kernels, name), isa=isa)
            patch.setattr(_kernels, name, kernel)
        yield


@pytest.fixture(params=INSTRUCTION_SETS)
def isa(request):
    """Each instruction set of this processor in turn."""
    with using(request.param):
        yield request.param
