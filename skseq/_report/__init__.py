# SPDX-License-Identifier: BSD-3-Clause
"""A page that tells how well a detector does, and beside what."""

from ._report import report

__all__ = ["report"]
