# SPDX-License-Identifier: BSD-3-Clause
"""Windowing: time and peak memory, against the classic loop and against the table.

Peak memory is the growth of the resident memory of a fresh process, at its peak, from
before its input was made: the input counts, the imports do not.
"""

from functools import partial

import numpy as np
import pandas as pd
from _measure import compare, environment, parse_arguments, print_table, write_json

LOOKBACK = 20
WINDOW_SIZE = 30
N_FEATURES = 8
N_ROWS = 10_000_000


def series(n_rows):
    rng = np.random.default_rng(0)
    return rng.random((n_rows, 20)), rng.integers(0, 2, n_rows)


def classic_loop(data):
    """The recipe's function, which gives a list of lists of rows."""
    X, y = data
    output_X = []
    output_y = []
    for i in range(len(X) - LOOKBACK - 1):
        t = []
        for j in range(1, LOOKBACK + 1):
            # Gather the past records up to the lookback period.
            t.append(X[[(i + j + 1)], :])
        output_X.append(t)
        output_y.append(y[i + LOOKBACK + 1])
    return output_X, output_y


def classic_loop_to_array(data):
    """What the recipe does next."""
    output_X, output_y = classic_loop(data)
    output_X = np.array(output_X)
    return output_X.reshape(len(output_X), LOOKBACK, -1), np.array(output_y)


def temporalized(data):
    from skseq import temporalize

    return temporalize(*data, LOOKBACK)


def temporalized_and_copied(data):
    windows, labels = temporalized(data)
    return np.ascontiguousarray(windows), labels


def array(dtype, n_rows):
    return np.random.default_rng(0).random((n_rows, N_FEATURES), dtype=dtype)


def frame(n_series, order, n_rows):
    """A frame of sensors, each with a row a minute, or now and then if shuffled."""
    # The features come last, so that making the rest is not the peak.
    rows = np.arange(n_rows, dtype=np.int32)
    if order == "sorted":
        minutes, ids = rows % (n_rows // n_series), rows // (n_rows // n_series)
    elif order == "interleaved":
        minutes, ids = rows // n_series, rows % n_series
    else:
        rng = np.random.default_rng(1)
        minutes, ids = rows // n_series, rng.integers(n_series, size=n_rows)
    times = np.datetime64("2026-01-01", "us") + minutes.astype("m8[m]")
    del rows, minutes
    values = array(np.float64, n_rows)
    names = [f"x{k}" for k in range(N_FEATURES)]
    frame = pd.DataFrame(values, columns=names, copy=False)
    frame.insert(0, "sensor_id", pd.Series(ids, copy=False))
    frame.insert(1, "timestamp", pd.Series(times, copy=False))
    return frame


def slide(table):
    from skseq import SlidingWindow

    return SlidingWindow(WINDOW_SIZE).fit_transform(table)


def slide_by_sensor(table):
    from skseq import SlidingWindow

    slider = SlidingWindow(
        WINDOW_SIZE, group_by="sensor_id", time="timestamp", max_gap="5min"
    )
    return slider.fit_transform(table)


def slide_by_duration(table):
    from skseq import SlidingWindow

    slider = SlidingWindow(
        "30min", group_by="sensor_id", time="timestamp", max_steps=WINDOW_SIZE
    )
    return slider.fit_transform(table)


def keep(table):
    return table


TABLES = {
    "array, float32": (partial(array, np.float32), slide),
    "array, float64": (partial(array, np.float64), slide),
    "frame, 100 sensors one after another": (
        partial(frame, 100, "sorted"),
        slide_by_sensor,
    ),
    "frame, 100 sensors interleaved": (
        partial(frame, 100, "interleaved"),
        slide_by_sensor,
    ),
    "frame, 100,000 sensors shuffled": (
        partial(frame, 100_000, "shuffled"),
        slide_by_sensor,
    ),
    "frame, 100,000 sensors shuffled, 30 minutes": (
        partial(frame, 100_000, "shuffled"),
        slide_by_duration,
    ),
}


def bench_temporalize(repeats):
    figures = compare(
        {
            "classic loop": classic_loop,
            "classic loop, to an array": classic_loop_to_array,
            "temporalize": temporalized,
            "temporalize, copied": temporalized_and_copied,
        },
        partial(series, 100_000),
        warm_up=partial(series, 100),
        repeats=repeats,
    )
    loop = figures["classic loop"]
    print_table(
        f"temporalize: 100,000 rows x 20, lookback {LOOKBACK}",
        [
            {
                "": name,
                "seconds (range)": f"{f.seconds:.4f} ({f.fastest:.4f}-{f.slowest:.4f})",
                "peak MB": f"{f.megabytes:.1f}",
                "times faster": f"{loop.seconds / f.seconds:,.1f}",
                "times less memory": f"{loop.megabytes / f.megabytes:.1f}",
            }
            for name, f in figures.items()
        ],
    )
    return figures


def bench_sliding_window(repeats):
    figures, rows = {}, []
    for name, (make, function) in TABLES.items():
        sides = {"table alone": keep, "SlidingWindow": function}
        figures[name] = compare(
            sides,
            partial(make, N_ROWS),
            warm_up=partial(make, 1_000),
            repeats=repeats,
        )
        table, windows = figures[name].values()
        rows.append(
            {
                "": name,
                "seconds (range)": f"{windows.seconds:.2f} "
                f"({windows.fastest:.2f}-{windows.slowest:.2f})",
                "table, peak MB": f"{table.megabytes:.0f}",
                "with windows, peak MB": f"{windows.megabytes:.0f}",
                "ratio": f"{windows.megabytes / table.megabytes:.2f}",
            }
        )
    gathered = N_ROWS * WINDOW_SIZE * N_FEATURES * 4 / 1e6
    print_table(
        f"SlidingWindow: {N_ROWS:,} rows x {N_FEATURES}, window {WINDOW_SIZE} "
        f"({gathered:,.0f} MB if all windows were gathered)",
        rows,
    )
    return figures


def main():
    arguments = parse_arguments(__doc__.splitlines()[0], "windowing")
    where = environment("skseq", "scikit-learn", "numpy", "pandas")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    figures = {
        "temporalize": bench_temporalize(arguments.repeats),
        "SlidingWindow": bench_sliding_window(arguments.repeats),
    }
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
