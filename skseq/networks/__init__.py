# SPDX-License-Identifier: BSD-3-Clause
"""What a network is, apart from what runs it."""

from ._architecture import Architecture, LSTMLayer

__all__ = ["Architecture", "LSTMLayer"]
