# SPDX-License-Identifier: BSD-3-Clause
"""One line for each series."""

import numpy as np
import pandas as pd

from .._sklearn import validate_params
from ._scored import Scored
from ._shared import SCORED, met, rule_or_default


@validate_params(
    {**SCORED, "y_true": ["array-like", None]},
    prefer_skip_nested_validation=True,
)
def series_table(score, y_true=None, *, rule=None, time=None, groups=None):
    """One line for each series.

    Parameters
    ----------
    score : array-like of shape (n_rows,)
        Higher for events, or flags of 0 and 1, in time order. NaN for rows that were
        not judged.

    y_true : array-like of shape (n_rows,), default=None
        1 or True for the rows of events, 0 or False for the rest.

    rule : AlarmRule, default=None
        What an alarm is. None for ``AlarmRule()``, of flags.

    time : array-like of shape (n_rows,), default=None
        Time of each row, datetimes or numbers, which must not decrease within a series.

    groups : array-like of shape (n_rows,), default=None
        Series of each row. None for a single series, which is called 0.

    Returns
    -------
    table : DataFrame
        Series in the order in which they first come, by name, with the columns

        - ``n_rows``, ``n_not_judged``: all rows, and those whose score is NaN;
        - ``start``, ``end``: times of the first and the last, where ``time`` is given;
        - ``peak``: the highest score;
        - ``n_alarms``, ``time_in_alarm``: alarms, and the share of the time in alarm;
        - ``n_events``, ``n_found``, ``n_false_alarms`` (those that met no event) and
          ``false_alarm_share`` (the share of the time outside events in alarm, missing
          where there is none), where ``y_true`` is given.

    Raises
    ------
    ValueError
        If an input or the rule is not valid, or ``time`` decreases within a series.

    See Also
    --------
    alarm_table : One line for each alarm.
    skseq.metrics.false_alarm_share : The share of all series together.

    Examples
    --------
    >>> from skseq.alarms import series_table
    >>> series_table([0, 1, 0, 0, 1, 1], groups=list("aaabbb"))[
    ...     ["n_rows", "n_alarms", "time_in_alarm"]
    ... ]
            n_rows  n_alarms  time_in_alarm
    series
    a            3         1       0.333333
    b            3         1       0.666667
    """
    scored = Scored(rule_or_default(rule), score, y_true, time, groups)
    rows = scored.rows
    first = rows.series_starts
    n_series = len(first)
    last = np.append(first[1:], rows.n_rows) - 1
    codes = rows.series_of(np.arange(rows.n_rows))

    def total(values):
        return np.bincount(codes, values, minlength=n_series)

    def count(starts):
        return np.bincount(rows.series_of(starts), minlength=n_series)

    columns = {
        "n_rows": last - first + 1,
        "n_not_judged": total(np.isnan(scored.score)).astype(int),
    }
    if time is not None:
        for name, where in (("start", first), ("end", last)):
            columns[name] = scored.time.iloc[where].array
    columns["peak"] = np.fmax.reduceat(scored.score, first)
    columns["n_alarms"] = count(scored.alarms.starts)
    in_alarm = scored.weights * scored.flags
    columns["time_in_alarm"] = total(in_alarm) / total(scored.weights)
    if y_true is not None:
        events, normal = scored.events, ~scored.y_true
        found = met(events, scored.alarms)[1] > 0
        false = met(scored.alarms, events)[1] == 0
        normal_time = total(scored.weights * normal)
        columns |= {
            "n_events": count(events.starts),
            "n_found": count(events.starts[found]),
            "n_false_alarms": count(scored.alarms.starts[false]),
            "false_alarm_share": np.divide(
                total(in_alarm * normal),
                normal_time,
                out=np.full(n_series, np.nan),
                where=normal_time > 0,
            ),
        }
    names = [0] if groups is None else scored.series_of(first).array
    return pd.DataFrame(columns, index=pd.Index(names, name="series"))
