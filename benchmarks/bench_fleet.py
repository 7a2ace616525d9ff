# SPDX-License-Identifier: BSD-3-Clause
"""A fleet of machines with levels of their own: a scaler for each, or one for all.

    python benchmarks/bench_fleet.py [--seeds 3] [--machines 100] [--rows 400]

``make_process_faults`` with machines of one make, 1% of the rows in events;
then each sensor of each machine gets a level and a scale of its own, by a normal and a
lognormal draw (standard deviations of 2, in units of the sensor, and of 0.5). The first
60% of the rows of each machine train, without the windows that hold a row of an event;
the figures are of all rows after them, of all machines together, as one threshold takes
them. Windows of 10 rows. Events found: the share of events with a row above the score
that 1% of the normal rows after the cut exceed.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from _measure import cell, environment, print_table, write_json
from bench_context import events_found
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    EachSeries,
    EachTimeStep,
    LSTMAutoencoder,
    PCAAutoencoder,
    ResidualAutoencoder,
    SlidingWindow,
)
from skseq.datasets import make_process_faults

WINDOW_SIZE, TRAINING_SHARE = 10, 0.6
LEVELS, SCALES = 2.0, 0.5
SCALERS = {"EachSeries": EachSeries, "one scaler": EachTimeStep}


def pca(seed):
    return PCAAutoencoder(error="mahalanobis", score_on="recent")


def residual(seed):
    return ResidualAutoencoder(
        LSTMAutoencoder((16, 8), max_epochs=5, random_state=seed)
    )


MODELS = {"PCAAutoencoder": pca, "ResidualAutoencoder": residual}


def fleet(seed, n_machines, n_rows):
    """Rows of all machines, one after the other, and whether each is in an event."""
    X, y = make_process_faults(
        n_machines * n_rows,
        n_series=n_machines,
        fault_rate=0.01,
        event_length=8,
        precursor_length=10,
        n_gaps=0,
        random_state=seed,
    )
    rng, sensors = np.random.default_rng(seed), list(X.filter(like="sensor"))
    shape = n_machines, len(sensors)
    levels, scales = rng.normal(scale=LEVELS, size=shape), rng.normal(size=shape)
    unit = X.groupby("machine")[sensors].std().mean()
    machine = X["machine"].to_numpy()
    X[sensors] = (X[sensors] - X[sensors].mean()) * np.exp(SCALES * scales)[machine]
    X[sensors] += levels[machine] * unit.to_numpy()
    return X, y.to_numpy().astype(bool)


def measure(make, scaler, seed, n_machines, n_rows):
    X, y = fleet(seed, n_machines, n_rows)
    past = X.groupby("machine").cumcount().to_numpy() < TRAINING_SHARE * n_rows
    windows = SlidingWindow(
        WINDOW_SIZE, group_by="machine", time="timestamp"
    ).fit_transform(X)
    normal = past & ~windows.holds_any(y)
    start = time.perf_counter()
    model = make_pipeline(scaler(StandardScaler()), make(seed)).fit(windows[normal])
    scores = -model.score_samples(windows[~past])
    seconds = time.perf_counter() - start
    machine = X["machine"].to_numpy()[~past]
    return {
        "average precision": float(average_precision_score(y[~past], scores)),
        "events found": events_found(y[~past], scores, machine),
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="fleets, and fits of each")
    parser.add_argument("--machines", type=int, default=100)
    parser.add_argument("--rows", type=int, default=400, help="of each machine")
    results = Path(__file__).resolve().parent / "results" / "fleet.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    where = environment("skseq", "scikit-learn", "numpy")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    rows, figures = [], {}
    for name, make in MODELS.items():
        for title, scaler in SCALERS.items():
            runs = [
                measure(make, scaler, seed, arguments.machines, arguments.rows)
                for seed in range(arguments.seeds)
            ]
            figures[f"{name}, {title}"] = runs
            cells = {key: cell([run[key] for run in runs]) for key in runs[0]}
            rows.append({"model": name, "scaled by": title, **cells})
            print(*rows[-1].values(), sep=" | ", flush=True)
    print_table(f"mean ± sd over {arguments.seeds} fleets", rows)
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
