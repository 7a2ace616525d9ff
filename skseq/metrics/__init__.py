# SPDX-License-Identifier: BSD-3-Clause
"""Measures of detection: of rows, of whole events, and of their delay."""

from ._affiliation import affiliation_precision_recall
from ._alarms import detection_delay, false_alarm_rate
from ._event_scorer import make_event_scorer
from ._events import event_precision_recall_fscore_support
from ._point_adjusted import PointAdjustmentWarning, point_adjusted_f1_score
from ._scorers import detector_average_precision, detector_roc_auc
from ._shares import false_alarm_share, time_in_alarm
from ._vus import vus_pr_score, vus_roc_score

__all__ = [
    "PointAdjustmentWarning",
    "affiliation_precision_recall",
    "detection_delay",
    "detector_average_precision",
    "detector_roc_auc",
    "event_precision_recall_fscore_support",
    "false_alarm_rate",
    "false_alarm_share",
    "make_event_scorer",
    "point_adjusted_f1_score",
    "time_in_alarm",
    "vus_pr_score",
    "vus_roc_score",
]
