# SPDX-License-Identifier: BSD-3-Clause
"""One line for each alarm."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_consistent_length

from .._sklearn import Interval, validate_params
from .._validation import named_errors
from ._scored import Scored
from ._shared import SCORED, met, rule_or_default


@validate_params(
    {
        **SCORED,
        "y_true": ["array-like", None],
        "contributions": ["array-like", None],
        "n_features": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def alarm_table(
    score,
    y_true=None,
    *,
    rule=None,
    time=None,
    groups=None,
    contributions=None,
    n_features=3,
):
    """One line for each alarm.

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
        Series of each row. None for a single series.

    contributions : array-like of shape (n_rows, n_features_in), default=None
        How much each feature contributed to the score of each row, best as a frame,
        whose columns have names.

    n_features : int, default=3
        How many features to name.

    Returns
    -------
    table : DataFrame
        Alarms by series and time, numbered from 0, with the columns

        - ``series``, where ``groups`` are given;
        - ``first_row`` and ``last_row``: positions in ``score``;
        - ``start``, ``end``: their times, where ``time`` is given;
        - ``duration``: from the one to the other, and a median step more, as a row
          lasts until the next; a number of rows without ``time``;
        - ``peak``: the highest score;
        - ``is_on``: whether the alarm still was on after the last row of its series;
        - ``event``, ``n_events``: the first event it met, a line of
          :func:`event_table`, and how many it met, where ``y_true`` is given;
        - ``features``: those with the largest mean contributions over the alarm, the
          largest first, where ``contributions`` are given.

    Raises
    ------
    ValueError
        If an input or the rule is not valid, or ``time`` decreases within a series.

    See Also
    --------
    event_table : One line for each event.
    AlarmRule.flag : The rows in alarm.

    Examples
    --------
    >>> import pandas as pd
    >>> from skseq.alarms import AlarmRule, alarm_table
    >>> score = [0, 3, 0, 3, 2, 0, 0, 0, 5]
    >>> y_true = [0, 0, 0, 1, 1, 1, 0, 0, 0]
    >>> time = pd.date_range("2026-03-01 08:00", periods=9, freq="5min")
    >>> table = alarm_table(
    ...     score, y_true, rule=AlarmRule(on=2, off=1, max_gap="10min"), time=time
    ... )
    >>> table[["start", "duration", "peak", "is_on", "event"]]
                        start        duration  peak  is_on  event
    alarm
    0     2026-03-01 08:05:00 0 days 00:20:00   3.0  False      0
    1     2026-03-01 08:40:00 0 days 00:05:00   5.0   True   <NA>
    """
    scored = Scored(rule_or_default(rule), score, y_true, time, groups)
    alarms = scored.alarms
    columns = scored.place_columns(alarms)
    columns |= {"peak": scored.peaks, "is_on": scored.is_on}
    if y_true is not None:
        first, count = met(alarms, scored.events)
        columns |= {"event": first, "n_events": count}
    if contributions is not None:
        columns["features"] = _features(scored, contributions, n_features)
    return pd.DataFrame(columns).rename_axis("alarm")


def _features(scored, contributions, n_features):
    """Names of the features with the largest mean contribution to each alarm."""
    names = getattr(contributions, "columns", None)
    with named_errors("contributions"):
        values = check_array(
            contributions,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            input_name="contributions",
        )
        check_consistent_length(values, scored.score)
    names = [f"{name}" for name in (range(values.shape[1]) if names is None else names)]
    chosen = []
    for start, stop in zip(*scored.alarms, strict=True):
        rows = values[scored.rows.order[start:stop]]
        seen = ~np.isnan(rows)
        mean = np.where(seen, rows, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        top = np.argsort(-mean, kind="stable")[:n_features]
        chosen.append(", ".join(names[k] for k in top))
    return pd.Series(chosen, dtype=object)
