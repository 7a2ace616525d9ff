# SPDX-License-Identifier: BSD-3-Clause
"""What the window is worth, beside what the settings of a network are.

    python benchmarks/bench_window.py [--seeds 3] [--rows 5000]

``make_commanded_process`` and a ``ResidualAutoencoder`` with the set points and the
weather as context: average precision of the last 40% of the rows, for windows of
several sizes with one network, and for several networks with one window. All else is
that of ``bench_context.py``.
"""

import argparse
from pathlib import Path

from _measure import cell, environment, print_table, write_json
from bench_context import scaled
from sklearn.metrics import average_precision_score

from skseq import LSTMAutoencoder, ResidualAutoencoder, SlidingWindow

WINDOW_SIZE = 15
WINDOWS = (2, 5, 10, 15, 30, 60)
NETWORKS = {
    "16-8": {},
    "4": {"hidden_layer_sizes": 4},
    "64-32": {"hidden_layer_sizes": (64, 32)},
    "relu": {"activation": "relu"},
    "dropout 0.2": {"dropout": 0.2},
    "learning rate 0.01": {"learning_rate": 0.01},
    "batches of 16": {"batch_size": 16},
}


def measure(window_size, params, seed, n_rows):
    X, y, n = scaled(seed, n_rows)
    context = [name for name in X if not name.startswith("sensor")]
    windows = SlidingWindow(window_size).fit_transform(X)
    training = windows[:n]
    network = LSTMAutoencoder((16, 8), max_epochs=10, random_state=seed)
    model = ResidualAutoencoder(
        network.set_params(**params), context_features=context
    ).fit(training[~training.holds_any(y[:n])])
    scores = -model.score_samples(windows[n:])
    return float(average_precision_score(y[n:], scores))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="tables, and fits of each")
    parser.add_argument("--rows", type=int, default=5_000)
    results = Path(__file__).resolve().parent / "results" / "window.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    where = environment("skseq", "scikit-learn", "numpy")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    runs = [(f"{size} rows", size, "16-8", {}) for size in WINDOWS]
    runs += [
        (f"{WINDOW_SIZE} rows", WINDOW_SIZE, name, params)
        for name, params in NETWORKS.items()
        if params
    ]
    rows, figures = [], {}
    for title, size, name, params in runs:
        found = [
            measure(size, params, seed, arguments.rows)
            for seed in range(arguments.seeds)
        ]
        figures[f"{title}, {name}"] = found
        line = {"window": title, "network": name, "average precision": cell(found)}
        rows.append(line)
        print(*rows[-1].values(), sep=" | ", flush=True)
    print_table(f"mean ± sd over {arguments.seeds} tables", rows)
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
