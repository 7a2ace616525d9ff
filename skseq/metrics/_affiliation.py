# SPDX-License-Identifier: BSD-3-Clause
"""Affiliation precision and recall: how close alarms and events are."""

import numpy as np

from .._sklearn import validate_params
from ..rows._events import check_rows
from ._events import ZERO_DIVISION, mean_or

# All integrands are linear between multiples of a quarter row, where the borders of
# zones (halves) and the points as far from an alarm as from a border (quarters) lie.
# So the value in the middle of each quarter, the midpoint rule, integrates exactly.
_MIDDLES = np.array([0.125, 0.375, 0.625, 0.875])


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "groups": ["array-like", None],
        "zero_division": ZERO_DIVISION,
    },
    prefer_skip_nested_validation=True,
)
def affiliation_precision_recall(y_true, y_pred, *, groups=None, zero_division="warn"):
    r"""Precision and recall by how close alarms and events are.

    The series is cut into zones, one around each event: the rows closer to it than to
    another. In each zone, precision is the chance that a random point of the zone is
    farther from the event than the alarms are, and recall the chance that a random
    point is farther from the event's rows than the alarms are [1]_. So a near miss
    counts more than a far one, and alarms at random have about 0.5, whatever the length
    of the events.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        1 or True for the rows of events, 0 or False for the rest, in time order.

    y_pred : array-like of shape (n_samples,)
        1 or True for the rows flagged, 0 or False for the rest.

    groups : array-like of shape (n_samples,), default=None
        Series of each row. Zones end with their series. None for a single series.

    zero_division : {"warn", 0.0, 1.0, nan}, default="warn"
        Precision where no alarm lies in any zone, and recall where there is no event.
        "warn" is 0 with a warning.

    Returns
    -------
    precision : float
        Mean over the events with an alarm in their zone.

    recall : float
        Mean over all events.

    See Also
    --------
    event_precision_recall_fscore_support : Precision and recall of whole events.

    Notes
    -----
    A row is the interval of length 1 from it to the next. With event :math:`J` in zone
    :math:`E`, alarms :math:`I` in the zone, and :math:`X` uniform on :math:`E`,

    .. math::

        \mathrm{precision} &= \frac{1}{|I|} \int_I
            P(d(X, J) \ge d(x, J)) \, dx \\
        \mathrm{recall} &= \frac{1}{|J|} \int_J
            P(|X - y| \ge d(y, I)) \, dy

    Alarms in a series without an event lie in no zone and do not count: watch
    :func:`false_alarm_rate` beside this measure.

    References
    ----------
    .. [1] A. Huet, J. M. Navarro, D. Rossi, "Local evaluation of time series anomaly
       detection algorithms", KDD 2022.

    Examples
    --------
    >>> from skseq.metrics import affiliation_precision_recall
    >>> y_true = [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    >>> near, far = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    >>> precision, recall = affiliation_precision_recall(y_true, near)
    >>> round(precision, 3), round(recall, 3)
    (0.7, 0.8)
    >>> precision, recall = affiliation_precision_recall(y_true, far)
    >>> round(precision, 3), round(recall, 3)
    (0.1, 0.213)
    """
    y_true, y_pred, rows = check_rows(y_true, y_pred, groups)
    events, alarms = rows.runs(y_true), rows.runs(y_pred)
    low, high = _zones(events, rows)
    precision = _precisions(_quarters(y_pred), events, low, high)
    recall = _recalls(_quarters(y_true), events, alarms, low, high)
    return (
        mean_or(
            zero_division, precision, "Precision", "alarms in the zone of an event"
        ),
        mean_or(zero_division, recall, "Recall", "events"),
    )


def _quarters(flags):
    """Middles of the quarters of the flagged rows."""
    return (np.flatnonzero(flags)[:, np.newaxis] + _MIDDLES).ravel()


def _zones(events, rows):
    """Borders of the zone of each event: midway to the next, or where a series ends."""
    low, high = (bound.astype(float) for bound in rows.series_bounds(events.starts))
    middle = (events.stops[:-1] + events.starts[1:]) / 2
    together = low[1:] == low[:-1]  # in one series
    low[1:][together] = high[:-1][together] = middle[together]
    return low, high


def _means(values, zone, n_zones):
    """Mean of the values in each zone that has any."""
    count = np.bincount(zone, minlength=n_zones)
    total = np.bincount(zone, values, minlength=n_zones)
    return total[count > 0] / count[count > 0]


def _precisions(x, events, low, high):
    """Precision of each event with alarms, from the points of the alarms."""
    zone = np.searchsorted(low, x, side="right") - 1
    inside = (zone >= 0) & (x < high[zone]) if len(low) else np.zeros(len(x), bool)
    x, zone = x[inside], zone[inside]
    start, stop, low, high = (a[zone] for a in (events.starts, events.stops, low, high))
    distance = np.maximum(np.maximum(start - x, x - stop), 0)
    # The points of the zone that are farther, on each side of the event.
    farther = np.maximum(start - distance - low, 0) + np.maximum(
        high - stop - distance, 0
    )
    chance = np.where(distance == 0, 1, farther / (high - low))
    return _means(chance, zone, len(events))


def _recalls(y, events, alarms, low, high):
    """Recall of each event, from the points of the events."""
    zone = np.searchsorted(events.starts, y, side="right") - 1
    low, high = low[zone], high[zone]
    last = np.searchsorted(alarms.starts, y, side="right")
    stops = np.append(-np.inf, alarms.stops)[last]
    starts = np.append(alarms.starts, np.inf)[last]
    # Alarms beyond the border of the zone belong to another event.
    before = np.where(stops > low, np.maximum(y - stops, 0), np.inf)
    after = np.where(starts < high, starts - y, np.inf)
    distance = np.minimum(before, after)
    farther = np.maximum(y - distance - low, 0) + np.maximum(high - y - distance, 0)
    return _means(farther / (high - low), zone, len(events))
