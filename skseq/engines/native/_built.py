# SPDX-License-Identifier: BSD-3-Clause
"""Whether the compiled kernels are there."""

from functools import cache
from importlib.util import find_spec


@cache
def has_kernels():
    """Tell whether the compiled kernels were built with this package."""
    return find_spec("skseq.engines.native._kernels") is not None
