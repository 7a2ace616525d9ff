# SPDX-License-Identifier: BSD-3-Clause
"""Scores of one row at a time."""

from ._scorer import StreamScorer

__all__ = ["StreamScorer"]
