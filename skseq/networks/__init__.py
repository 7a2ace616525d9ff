# SPDX-License-Identifier: BSD-3-Clause
"""What a network is, apart from what runs it."""

from ._architecture import Architecture, DenseLayer, RecurrentLayer

__all__ = ["Architecture", "DenseLayer", "RecurrentLayer"]
