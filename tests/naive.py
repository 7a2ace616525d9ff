# SPDX-License-Identifier: BSD-3-Clause
"""Slow and obvious oracles, in plain Python, that the fast code is held to."""

import numpy as np


def window_rows(
    n_rows, window_size, series=None, time=None, max_gap=None, duration=None
):
    """Rows of the window that ends at each row: a list of lists, oldest row first."""
    windows = []
    for i in range(n_rows):
        rows = [i]
        for j in range(i - 1, -1, -1):
            if len(rows) == window_size:
                break
            if series is not None and series[j] != series[i]:
                continue
            if max_gap is not None and time[rows[0]] - time[j] > max_gap:
                break
            if duration is not None and time[j] <= time[i] - duration:
                break
            rows.insert(0, j)
        windows.append(rows)
    return windows


def gather(table, rows_of_windows, window_size):
    """3-D array of windows, with NaN in front of those that are short."""
    shape = (len(rows_of_windows), window_size, table.shape[1])
    out = np.full(shape, np.nan, dtype=np.float32)
    for i, rows in enumerate(rows_of_windows):
        for step, row in enumerate(reversed(rows), start=1):
            out[i, -step] = table[row]
    return out


def windows(table, window_size, series=None, time=None, max_gap=None, duration=None):
    """One window for each row of a table."""
    rows = window_rows(len(table), window_size, series, time, max_gap, duration)
    return gather(table, rows, window_size)


def time_deltas(series, time, max_gap=None):
    """Time since the row before in the series; NaN for its first, and after a gap."""
    deltas = []
    for i in range(len(series)):
        before = [time[j] for j in range(i) if series[j] == series[i]]
        delta = time[i] - before[-1] if before else np.nan
        deltas.append(np.nan if max_gap is not None and delta > max_gap else delta)
    return deltas


def rows_to_continue(train, test):
    """Training rows of the series of which every test row is later than all of them."""
    kept = []
    for k in range(len(train.series)):
        name = train.series[k]
        of_train = [
            t for t, s in zip(train.time, train.series, strict=True) if s == name
        ]
        of_test = [t for t, s in zip(test.time, test.series, strict=True) if s == name]
        if of_test and min(of_test) > max(of_train):
            kept.append(k)
    return kept


def temporalize(X, y, lookback):
    """The classic recipe, its loops as they were published."""
    output_X = []
    output_y = []
    for i in range(len(X) - lookback - 1):
        t = []
        for j in range(1, lookback + 1):
            # Gather the past records up to the lookback period.
            t.append(X[[(i + j + 1)], :])
        output_X.append(t)
        output_y.append(y[i + lookback + 1])
    return np.squeeze(np.array(output_X), axis=2), np.array(output_y)


def early_warning_labels(y, horizon, groups, time=None):
    """Labels and rows to keep, by looking ahead from every row."""
    labels, keep = [], []
    for i in range(len(y)):
        following = [j for j in range(i + 1, len(y)) if groups[j] == groups[i]]
        if time is not None:
            reach = [j for j in following if time[j] - time[i] <= horizon]
        else:
            reach = following[:horizon]
        near = any(y[j] for j in reach)
        labels.append(1 if near and not y[i] else 0)
        keep.append(not y[i])
    return labels, keep


def observed_steps(X):
    """False at the start and the end of a sequence, where all features are NaN."""
    observed = np.ones(X.shape[:2], dtype=bool)
    for i, sequence in enumerate(X):
        for steps in (range(len(sequence)), reversed(range(len(sequence)))):
            for step in steps:
                if not all(np.isnan(value) for value in sequence[step]):
                    break
                observed[i, step] = False
    return observed


def pad(sequences, n_timesteps, padding):
    """3-D array of sequences, a cell at a time."""
    out = np.full((len(sequences), n_timesteps, sequences[0].shape[1]), np.nan)
    for i, sequence in enumerate(sequences):
        first = n_timesteps - len(sequence) if padding == "pre" else 0
        for step, cells in enumerate(sequence):
            for k, value in enumerate(cells):
                out[i, first + step, k] = value
    return out


def window_summary(X, statistics):
    """Statistics of the observed cells of each feature of each window."""
    out = []
    for window in X.astype(float):
        row = []
        for cells in window.T:
            steps = [t for t, value in enumerate(cells) if not np.isnan(value)]
            values = [cells[t] for t in steps]
            row += [statistic(steps, values, name) for name in statistics]
        out.append(row)
    return np.array(out)


def statistic(steps, values, name):
    """One number for the values that were observed at some steps."""
    if not values:
        return np.nan
    if name == "last":
        return values[-1]
    if name == "slope":
        return np.polyfit(steps, values, 1)[0] if len(steps) > 1 else 0.0
    return getattr(np, name)(values)


def n_events(part, series, labels, usual):
    """Runs of an unusual label, in rows of one series, of which a part holds a row."""
    numbers, last = {}, {}
    for i in range(len(labels)):
        before = last.get(series[i])
        last[series[i]] = i
        if labels[i] == usual:
            continue
        goes_on = before is not None and labels[before] == labels[i]
        numbers[i] = numbers[before] if goes_on else i
    return len({numbers[i] for i in part if i in numbers})
