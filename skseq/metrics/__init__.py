# SPDX-License-Identifier: BSD-3-Clause
"""Measures of detection: of rows, of whole events, and of their delay."""

from ._affiliation import affiliation_precision_recall
from ._alarms import detection_delay, false_alarms_per
from ._events import event_precision_recall_fscore_support
from ._get_scorer import get_scorer
from ._point_adjusted import PointAdjustmentWarning, point_adjusted_f1_score
from ._scorers import detector_average_precision, detector_roc_auc
from ._vus import vus_pr_score, vus_roc_score

__all__ = [
    "PointAdjustmentWarning",
    "affiliation_precision_recall",
    "detection_delay",
    "detector_average_precision",
    "detector_roc_auc",
    "event_precision_recall_fscore_support",
    "false_alarms_per",
    "get_scorer",
    "point_adjusted_f1_score",
    "vus_pr_score",
    "vus_roc_score",
]
