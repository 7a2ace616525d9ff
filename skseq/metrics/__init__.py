# SPDX-License-Identifier: BSD-3-Clause
"""Measures of detection."""

from ._scorers import detector_average_precision, detector_roc_auc

__all__ = ["detector_average_precision", "detector_roc_auc"]
