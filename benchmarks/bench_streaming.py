# SPDX-License-Identifier: BSD-3-Clause
"""Rows a second, as they come: a stream against the pipeline on the last rows.

    python benchmarks/bench_streaming.py [--repeats 5]

Rows of 8 sensors, of two series by name and time, through SlidingWindow(10), a
StandardScaler and an LSTM autoencoder 32-16 on one thread. The other side is what users
do without a stream: keep the last 10 rows, and give them to ``pipeline.score_samples``.
Each side runs in a process of its own; the rows are ready, their time does not count.
"""

from copy import copy
from functools import partial

import numpy as np
import pandas as pd
from _measure import compare, environment, parse_arguments, print_table, write_json

WINDOW_SIZE, N_FEATURES, LAYER_SIZES = 10, 8, (32, 16)
N_TRAINING, N_ROWS, N_CALLED = 1000, 4000, 200


def prepare(n_rows):
    """A fitted pipeline, and the rows that come."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from skseq import EachTimeStep, LSTMAutoencoder, ResidualAutoencoder, SlidingWindow

    n = N_TRAINING + n_rows
    values = np.random.default_rng(0).normal(size=(n, N_FEATURES))
    frame = pd.DataFrame(values, columns=[f"sensor_{k}" for k in range(N_FEATURES)])
    frame["pump"] = np.tile(["a", "b"], n // 2)
    minutes = pd.to_timedelta(np.arange(n), "min")
    frame["timestamp"] = pd.Timestamp("2026-01-01") + minutes
    network = LSTMAutoencoder(
        LAYER_SIZES,
        max_epochs=1,
        early_stopping=False,
        engine="native",
        random_state=0,
    )
    autoencoder = ResidualAutoencoder(network)
    slider = SlidingWindow(
        WINDOW_SIZE, group_by="pump", time="timestamp", max_gap="5min"
    )
    pipeline = make_pipeline(slider, EachTimeStep(StandardScaler()), autoencoder)
    pipeline.fit(frame[:N_TRAINING])
    later = frame[N_TRAINING:]
    return pipeline, later, later.to_dict("records")


def score_one(data):
    from skseq.streaming import StreamScorer

    pipeline, _, rows = data
    stream = StreamScorer(pipeline)
    return [stream.score_one(row) for row in rows]


def score_many(data, n_rows):
    from skseq.streaming import StreamScorer

    pipeline, frame, _ = data
    stream = StreamScorer(pipeline)
    parts = range(0, len(frame), n_rows)
    return [stream.score_many(frame[k : k + n_rows]) for k in parts]


def network_alone(data):
    """What score_one cannot be faster than: the network on one window."""
    pipeline, _, rows = data
    autoencoder = copy(pipeline[-1])
    del autoencoder.feature_names_in_  # an array without them is a warning each time
    window = np.zeros((1, WINDOW_SIZE, N_FEATURES), dtype=np.float32)
    return [autoencoder.score_samples(window) for _ in rows]


def pipeline_on_last_rows(data):
    pipeline, _, rows = data
    last, scores = {}, []
    for row in rows:
        kept = last.setdefault(row["pump"], [])
        kept.append(row)
        del kept[:-WINDOW_SIZE]
        scores.append(pipeline.score_samples(pd.DataFrame(kept))[-1])
    return scores


def main():
    arguments = parse_arguments(__doc__.splitlines()[0], "streaming")
    where = environment("skseq", "scikit-learn", "numpy", "pandas")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    sides = {
        "score_one": score_one,
        "score_many, 32 rows": partial(score_many, n_rows=32),
        "score_many, 1000 rows": partial(score_many, n_rows=1000),
        "autoencoder.score_samples, one window": network_alone,
    }
    # The pipeline is so slow that fewer rows are enough.
    common = {"warm_up": partial(prepare, 20), "repeats": arguments.repeats}
    figures = compare(sides, partial(prepare, N_ROWS), **common)
    called = {"pipeline on the last rows": pipeline_on_last_rows}
    figures |= compare(called, partial(prepare, N_CALLED), **common)
    n_rows = {name: N_CALLED if name in called else N_ROWS for name in figures}
    slowest = figures["pipeline on the last rows"].seconds / N_CALLED
    print_table(
        f"Rows a second, {WINDOW_SIZE} x {N_FEATURES}, layers 32-16",
        [
            {
                "": name,
                "rows a second": f"{n_rows[name] / f.seconds:,.0f}",
                "range": f"{n_rows[name] / f.slowest:,.0f} to "
                f"{n_rows[name] / f.fastest:,.0f}",
                "times the pipeline": f"{slowest / (f.seconds / n_rows[name]):.0f}",
            }
            for name, f in figures.items()
        ],
    )
    write_json(arguments.json, where, {"rows": n_rows, "seconds": figures})


if __name__ == "__main__":
    main()
