# SPDX-License-Identifier: BSD-3-Clause
"""Slow and obvious oracles of the measures of events, in plain Python loops."""

import math

import numpy as np


def events(flags, groups=None):
    """Runs of flagged rows of each series, as lists of rows."""
    groups = [0] * len(flags) if groups is None else list(groups)
    runs = []
    for name in sorted(set(groups)):
        run = []
        for row in [i for i, group in enumerate(groups) if group == name]:
            if flags[row]:
                run.append(row)
            elif run:
                runs.append(run)
                run = []
        if run:
            runs.append(run)
    return runs


def false_rows(y_true, y_pred, groups, tolerance, time):
    """Rows of alarms that are false, by alarm; the tolerance is in the unit of time."""
    found = []
    for alarm in events(y_pred, groups):
        meets = any(y_true[row] for row in alarm)
        beside = [
            meets
            and any(
                groups[other] == groups[row]
                and abs(time[other] - time[row]) <= tolerance
                for other in np.flatnonzero(y_true)
            )
            for row in alarm
        ]
        pairs = zip(alarm, beside, strict=True)
        found.append([row for row, excused in pairs if not (y_true[row] or excused)])
    return found


def precision_recall(y_true, y_pred, groups, tolerance, time, weights):
    right = []
    false = false_rows(y_true, y_pred, groups, tolerance, time)
    for alarm, wrong in zip(events(y_pred, groups), false, strict=True):
        hit = sum(weights[row] for row in alarm if y_true[row])
        right.append(hit / (hit + sum(weights[row] for row in wrong)))
    found = [any(y_pred[row] for row in event) for event in events(y_true, groups)]
    return np.mean(right), np.mean(found)


def n_false_alarms(y_true, y_pred, groups, tolerance, time):
    """Stretches of false rows that follow each other in their series."""
    false = np.zeros(len(y_true), dtype=bool)
    false[sum(false_rows(y_true, y_pred, groups, tolerance, time), [])] = True
    return len(events(false, groups))


def delays(y_true, y_pred, groups, within, time=None):
    """Delay of each event, None where it is not found in time."""
    out = []
    for event in events(y_true, groups):
        series = [i for i, group in enumerate(groups) if group == groups[event[0]]]
        first = series.index(event[0])
        delay = None
        for steps, row in enumerate(series[first:]):
            in_event = row in event
            is_next = bool(y_true[row]) and not in_event
            late = not in_event if within is None else steps > within
            if is_next or late:
                break
            if y_pred[row]:
                delay = steps if time is None else time[row] - time[event[0]]
                break
        out.append(delay)
    return out


def _curve_point(labels, n_true, flagged, segments):
    tp = sum(label for label, flag in zip(labels, flagged, strict=True) if flag)
    n_positive = (n_true + sum(labels)) / 2
    found = [any(flagged[row] for row in segment) for segment in segments]
    tpr = min(tp / n_positive, 1) * sum(found) / len(found)
    fpr = (sum(flagged) - tp) / (len(labels) - n_positive)
    return tpr, fpr, tp / sum(flagged)


def range_auc(y_true, y_score, window, groups):
    """Areas under the ROC and the precision-recall curve, as the paper defines them."""
    labels = [float(y) for y in y_true]
    for event in events(y_true, groups):
        series = [i for i, group in enumerate(groups) if group == groups[event[0]]]
        first, last = series.index(event[0]), series.index(event[-1])
        for place, row in enumerate(series):
            distance = max(first - place, place - last)
            if 0 < distance <= window // 2:
                labels[row] += math.sqrt(1 - distance / window)
    labels = [min(label, 1.0) for label in labels]
    segments = events([label > 0 for label in labels], groups)
    points = [(0.0, 0.0, 1.0)]
    for threshold in sorted(set(y_score), reverse=True):
        flagged = [score >= threshold for score in y_score]
        points.append(_curve_point(labels, sum(y_true), flagged, segments))
    roc = pr = 0.0
    for before, after in zip(points[:-1], points[1:], strict=True):
        roc += (after[1] - before[1]) * (after[0] + before[0]) / 2
        pr += (after[0] - before[0]) * (after[2] + before[2]) / 2
    roc += (1 - points[-1][1]) * (1 + points[-1][0]) / 2
    return roc, pr


def vus(y_true, y_score, max_window, groups):
    areas = [range_auc(y_true, y_score, w, groups) for w in range(max_window + 1)]
    return np.mean(areas, axis=0)


def vus_tsb_ad(y_true, y_score, max_window, groups):
    """Both volumes of the leaderboard, with every score as a threshold.

    Rows beside an event are positive only where they are flagged, surroundings are one
    if they have a row in common, and precision is summed in steps.
    """
    volumes = []
    for window in range(max_window + 1):
        soft = [0.0] * len(y_true)
        segments = []
        for event in events(y_true, groups):
            series = [i for i, group in enumerate(groups) if group == groups[event[0]]]
            first, last = series.index(event[0]), series.index(event[-1])
            around = set()
            for place, row in enumerate(series):
                distance = max(first - place, place - last)
                if distance <= window // 2:
                    around.add(row)
                if 0 < distance <= window // 2:
                    soft[row] += math.sqrt(1 - distance / window)
            if segments and segments[-1] & around:
                segments[-1] |= around
            else:
                segments.append(around)
        soft = [0 if y else min(x, 1) for x, y in zip(soft, y_true, strict=True)]
        volumes.append(_areas_tsb_ad(y_true, soft, y_score, segments))
    return np.mean(volumes, axis=0)


def _areas_tsb_ad(y_true, soft, y_score, segments):
    roc = pr = tpr = fpr = 0.0
    for threshold in sorted(set(y_score), reverse=True):
        flagged = [row for row, score in enumerate(y_score) if score >= threshold]
        beside = sum(soft[row] for row in flagged)
        hits = sum(y_true[row] for row in flagged) + beside
        n_positive = (sum(y_true) + sum(y_true) + beside) / 2
        found = sum(bool(segment & set(flagged)) for segment in segments)
        new_tpr = min(hits / n_positive, 1) * found / len(segments)
        new_fpr = (len(flagged) - hits) / (len(y_true) - n_positive)
        pr += (new_tpr - tpr) * hits / len(flagged)
        roc += (new_fpr - fpr) * (new_tpr + tpr) / 2
        tpr, fpr = new_tpr, new_fpr
    return roc + (1 - fpr) * (1 + tpr) / 2, pr


def affiliation(event, alarms, zone, n=4000):
    """Precision and recall of one event, by the definition, on points of its zone.

    Intervals are (start, stop); the probabilities are shares of evenly spaced points.
    """
    low, high = zone
    points = low + (np.arange(n) + 0.5) / n * (high - low)

    def distance(x, intervals):
        return np.min(
            [np.maximum(np.maximum(a - x, x - b), 0) for a, b in intervals], 0
        )

    def inside(intervals):
        return np.any([(a <= points) & (points < b) for a, b in intervals], axis=0)

    flagged = points[inside(alarms)]
    if not len(flagged):
        return math.nan, 0.0
    clipped = [(max(a, low), min(b, high)) for a, b in alarms if b > low and a < high]
    to_event = distance(points, [event])
    precision = [np.mean(to_event >= d) for d in distance(flagged, [event])]
    of_event = points[inside([event])]
    recall = [
        np.mean(np.abs(points - y) >= d)
        for y, d in zip(of_event, distance(of_event, clipped), strict=True)
    ]
    return np.mean(precision), np.mean(recall)
