# SPDX-License-Identifier: BSD-3-Clause
"""Decisions on rare events."""

from ._classifier import RareEventClassifier

__all__ = ["RareEventClassifier"]
