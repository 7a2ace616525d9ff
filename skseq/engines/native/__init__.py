# SPDX-License-Identifier: BSD-3-Clause
"""Compiled CPU kernels, and the engine on top of them."""
