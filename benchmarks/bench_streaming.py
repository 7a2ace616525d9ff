# SPDX-License-Identifier: BSD-3-Clause
"""Rows a second, as they come: a stream against the pipeline on the last rows.

    python benchmarks/bench_streaming.py [--repeats 5]

Rows of 8 sensors, of series by name and time, through SlidingWindow(10), a
StandardScaler and a detector whose networks are 32-16, on one thread (with
``OMP_NUM_THREADS=1``). "committee" is the default DetectorCommittee, "classifier" the
default RareEventClassifier, with such networks. One side is what users do without a
stream: keep the last 10 rows, and give them to ``pipeline.score_samples``. "The long
way" is a stream that is kept from taking rows straight through, or all at once. Each
side runs in a process of its own; the rows are ready, their time does not count.
Seconds are those of the processor.
"""

import time
from copy import copy
from functools import partial

import numpy as np
import pandas as pd
from _measure import compare, environment, parse_arguments, print_table, write_json

WINDOW_SIZE, N_FEATURES, LAYER_SIZES = 10, 8, (32, 16)
N_TRAINING = 1000


def detector(kind):
    from sklearn.ensemble import IsolationForest
    from sklearn.linear_model import LogisticRegression

    from skseq import (
        DetectorCommittee,
        LSTMAutoencoder,
        MovingReference,
        RareEventClassifier,
        ResidualAutoencoder,
    )

    def network(**parameters):
        return LSTMAutoencoder(
            LAYER_SIZES,
            max_epochs=1,
            early_stopping=False,
            engine="native",
            random_state=0,
            **parameters,
        )

    if kind == "LSTMAutoencoder":
        return network()
    residual = ResidualAutoencoder(network())
    if kind == "ResidualAutoencoder":
        return residual
    # The members of the default committees, with these networks.
    lstm = network(error="mahalanobis", score_on="recent")
    forest = IsolationForest(random_state=0)
    if kind == "classifier":
        logistic = LogisticRegression(C=0.01, class_weight="balanced")
        members = [("residual", residual), ("lstm", lstm), ("forest", forest)]
        return RareEventClassifier([*members, ("logistic", logistic)], random_state=0)
    lstm = MovingReference(lstm, strength=1, contamination=0.01)
    members = [("residual", residual), ("lstm", lstm), ("forest", forest)]
    return DetectorCommittee(members)


def prepare(n_rows, kind="ResidualAutoencoder", n_series=2):
    """A stream in which each series has had rows, and the rows that come.

    After those of the training it believes a much later time at the second of them.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from skseq import EachTimeStep, SlidingWindow
    from skseq.streaming import StreamScorer

    rng = np.random.default_rng(0)

    def table(n, n_series, start):
        values = rng.normal(size=(n, N_FEATURES))
        frame = pd.DataFrame(values, columns=[f"sensor_{k}" for k in range(N_FEATURES)])
        frame["pump"] = [f"pump {k % n_series}" for k in range(n)]
        minutes = pd.to_timedelta(np.arange(n) // n_series, "min")
        frame["timestamp"] = pd.Timestamp(start) + minutes
        return frame

    slider = SlidingWindow(
        WINDOW_SIZE, group_by="pump", time="timestamp", max_gap="5min"
    )
    steps = slider, EachTimeStep(StandardScaler()), detector(kind)
    training, events = table(N_TRAINING, 2, "2026-01-01"), None
    if kind == "classifier":
        events = np.arange(N_TRAINING) // 20 % 5 == 4
        training.loc[events, ["sensor_0", "sensor_1"]] += 2
    pipeline = make_pipeline(*steps).fit(training, events)
    later = table(n_rows + 2 * n_series, n_series, "2026-02-01")
    stream = StreamScorer(pipeline)
    stream.score_many(later[: 2 * n_series])
    later = later[2 * n_series :]
    return stream, later, later.to_dict("records")


def go_the_long_way(stream):
    from skseq.streaming._taking import Taking

    stream._next_row = None
    Taking._score_at_once = lambda *_: None  # this process is for this side alone


def score_one(data, long_way=False):
    stream, _, rows = data
    if long_way:
        go_the_long_way(stream)
    return [stream.score_one(row) for row in rows]


def score_many(data, n_rows, long_way=False):
    stream, frame, _ = data
    if long_way:
        go_the_long_way(stream)
    parts = range(0, len(frame), n_rows)
    return [stream.score_many(frame[k : k + n_rows]) for k in parts]


def network_alone(data):
    """The detector without a stream, on one window."""
    stream, _, rows = data
    autoencoder = copy(stream.estimator[-1])
    del autoencoder.feature_names_in_  # an array without them is a warning each time
    window = np.zeros((1, WINDOW_SIZE, N_FEATURES), dtype=np.float32)
    return [autoencoder.score_samples(window) for _ in rows]


def pipeline_on_last_rows(data):
    stream, _, rows = data
    last, scores = {}, []
    for row in rows:
        kept = last.setdefault(row["pump"], [])
        kept.append(row)
        del kept[:-WINDOW_SIZE]
        scores.append(stream.estimator.score_samples(pd.DataFrame(kept))[-1])
    return scores


ONE = {
    "`score_one`": score_one,
    "`score_one`, the long way": partial(score_one, long_way=True),
}
MANY = {
    "`score_many`, 10,000 rows": partial(score_many, n_rows=10_000),
    "the same, the long way": partial(score_many, n_rows=10_000, long_way=True),
}
ALONE = {"`score_samples` of one window": network_alone}
ON_LAST_ROWS = {"the pipeline on the last 10 rows": pipeline_on_last_rows}
SIDES = [  # detector, series, rows, sides
    ("LSTMAutoencoder", 2, 4000, ONE),
    ("ResidualAutoencoder", 2, 4000, {**ONE, **ALONE}),
    (
        "ResidualAutoencoder",
        2,
        4000,
        {f"`score_many`, {n} rows": partial(score_many, n_rows=n) for n in (32, 1000)},
    ),
    ("ResidualAutoencoder", 2, 200, ON_LAST_ROWS),
    ("ResidualAutoencoder", 1000, 20_000, MANY),
    ("committee", 2, 4000, ONE),
    ("committee", 1000, 20_000, MANY),
    ("classifier", 2, 4000, ONE),
    ("classifier", 1000, 20_000, MANY),
]


def main():
    arguments = parse_arguments(__doc__.splitlines()[0], "streaming")
    where = environment("skseq", "scikit-learn", "numpy", "pandas")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    found, table = [], []
    for kind, n_series, n_rows, sides in SIDES:
        figures = compare(
            sides,
            partial(prepare, n_rows, kind, n_series),
            warm_up=partial(prepare, 20, kind),
            repeats=arguments.repeats,
            clock=time.process_time,
        )
        found.append({"detector": kind, "series": n_series, "seconds": figures})
        for name, f in figures.items():
            table.append(
                {
                    "detector": kind,
                    "series": f"{n_series:,}",
                    "way": name,
                    "µs a row": f"{f.seconds / n_rows * 1e6:,.0f}",
                    "rows a second (range)": f"{n_rows / f.seconds:,.0f} "
                    f"({n_rows / f.slowest:,.0f}-{n_rows / f.fastest:,.0f})",
                }
            )
    print_table(f"Rows a second, {WINDOW_SIZE} x {N_FEATURES}, layers 32-16", table)
    write_json(arguments.json, where, {"sides": found})


if __name__ == "__main__":
    main()
