# SPDX-License-Identifier: BSD-3-Clause
"""What set points are worth: as context, as readings like others, or not at all.

    python benchmarks/bench_context.py [--seeds 3] [--rows 6000]

``make_commanded_process`` with its defaults but for 2% of the rows in events: faults
that show against the set points alone. The first 60% of the rows train, without the
windows that hold a row of an event, standardised on them; the figures are of all rows
after them. Windows of 15 rows. "as context": ``context_features`` are the set points
and the weather. "as readings": these are features like the sensors. "dropped": the
sensors alone. Events found: the share of events with a row above the score that 1% of
the normal rows after the cut exceed.
"""

import argparse
from pathlib import Path

import numpy as np
from _measure import cell, environment, print_table, write_json
from sklearn.metrics import average_precision_score
from sklearn.preprocessing import StandardScaler

from skseq import LSTMAutoencoder, PCAAutoencoder, ResidualAutoencoder, SlidingWindow
from skseq.alarms import event_table
from skseq.datasets import make_commanded_process

WINDOW_SIZE, TRAINING_SHARE, FALSE_ALARMS = 15, 0.6, 0.01


def pca(seed, context):
    return PCAAutoencoder(
        error="mahalanobis", score_on="recent", context_features=context
    )


def plain(seed, context):
    return LSTMAutoencoder(
        (16, 8),
        max_epochs=20,
        error="mahalanobis",
        score_on="recent",
        context_features=context,
        random_state=seed,
    )


def residual(seed, context):
    network = LSTMAutoencoder((16, 8), max_epochs=20, random_state=seed)
    return ResidualAutoencoder(network, context_features=context)


MODELS = {
    "PCAAutoencoder": pca,
    "LSTMAutoencoder": plain,
    "ResidualAutoencoder": residual,
}
WAYS = ("as context", "as readings", "dropped")


def scaled(seed, n_rows):
    X, y = make_commanded_process(n_rows, fault_rate=0.02, random_state=seed)
    X, n = X.drop(columns="timestamp"), round(TRAINING_SHARE * n_rows)
    scaler = StandardScaler().set_output(transform="pandas").fit(X[:n])
    return scaler.transform(X), y.to_numpy().astype(bool), n


def events_found(events, scores, groups=None):
    above = scores > np.quantile(scores[~events], 1 - FALSE_ALARMS)
    return float(event_table(above, events, groups=groups)["found"].mean())


def measure(make, way, seed, n_rows):
    X, y, n = scaled(seed, n_rows)
    context = [name for name in X if not name.startswith("sensor")]
    windows = SlidingWindow(WINDOW_SIZE).fit_transform(
        X.drop(columns=context) if way == "dropped" else X
    )
    training = windows[:n]
    training = training[~training.holds_any(y[:n])]
    model = make(seed, context if way == "as context" else None).fit(training)
    scores = -model.score_samples(windows[n:])
    return {
        "average precision": float(average_precision_score(y[n:], scores)),
        "events found": events_found(y[n:], scores),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="tables, and fits of each")
    parser.add_argument("--rows", type=int, default=6_000)
    results = Path(__file__).resolve().parent / "results" / "context.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    where = environment("skseq", "scikit-learn", "numpy")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    rows, figures = [], {}
    for name, make in MODELS.items():
        for way in WAYS:
            runs = [
                measure(make, way, seed, arguments.rows)
                for seed in range(arguments.seeds)
            ]
            figures[f"{name}, {way}"] = runs
            cells = {key: cell([run[key] for run in runs]) for key in runs[0]}
            rows.append({"model": name, "set points": way, **cells})
            print(*rows[-1].values(), sep=" | ", flush=True)
    print_table(f"mean ± sd over {arguments.seeds} tables", rows)
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
