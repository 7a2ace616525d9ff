# SPDX-License-Identifier: BSD-3-Clause
"""Scores of one row at a time."""

from ._scorer import StreamScorer
from ._watch import StreamEvent

__all__ = ["StreamEvent", "StreamScorer"]
