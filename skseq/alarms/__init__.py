# SPDX-License-Identifier: BSD-3-Clause
"""From scores to alarms, in a table or a stream, and the tables that tell of them."""

from ._alarm_rule import AlarmRule
from ._alarm_state import Alarm, AlarmEvent, AlarmState
from ._alarm_table import alarm_table
from ._event_table import event_table
from ._series_table import series_table

__all__ = [
    "Alarm",
    "AlarmEvent",
    "AlarmRule",
    "AlarmState",
    "alarm_table",
    "event_table",
    "series_table",
]
