# SPDX-License-Identifier: BSD-3-Clause
"""How long a table takes to train on, as its rows grow.

    python benchmarks/bench_rows.py [--rows 10000 100000 1000000 10000000]
        [--whole 30000] [--plot rows.svg]

``ResidualAutoencoder()`` with its defaults, up to 50 epochs and as many again on all
rows, on windows of 10 x 8 of coupled sensors; and the same where each epoch sees every
window (``max_samples=None``), for tables of up to ``--whole`` rows. Each fit has a
process of its own; imports and the making of the table do not count. CPU seconds are of
all threads, and hang less than others on what else the machine does.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from _measure import environment, print_table, write_json

N_FEATURES, WINDOW_SIZE = 8, 10
SIDES = "auto", None  # max_samples


def make_table(n_rows):
    """Four drivers, four sensors that follow two of them each, and noise."""
    rng = np.random.default_rng(0)
    table = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    steps = np.arange(n_rows, dtype=np.float32)
    for k in range(4):
        table[:, k] = np.sin(steps * np.float32(0.1 + 0.07 * k)) + 0.3 * table[:, k]
    for k in range(4):
        both = table[:, k] * table[:, (k + 1) % 4]
        table[:, 4 + k] = both + 0.2 * table[:, 4 + k]
    return table


def fit(table, max_samples):
    from skseq import LSTMAutoencoder, ResidualAutoencoder, SlidingWindow

    network = LSTMAutoencoder(max_samples=max_samples, random_state=0)
    windows = SlidingWindow(WINDOW_SIZE).fit_transform(table)
    return ResidualAutoencoder(network).fit(windows)


def measure(n_rows, max_samples):
    fit(make_table(300), 100)  # so that imports count in nothing
    table = make_table(n_rows)
    wall, cpu = time.perf_counter(), time.process_time()
    detector = fit(table, max_samples)
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "epochs": detector.n_iter_ + detector.best_epoch_,
        "loss": min(detector.validation_loss_curve_),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def plot(figures, path):
    """CPU seconds against rows, both on logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for side in SIDES:
        points = [(n, f["cpu"]) for (name, n), f in figures.items() if name == side]
        axes.loglog(*zip(*points, strict=True), "o-", label=f"max_samples: {side}")
    axes.set(xlabel="rows", ylabel="CPU seconds of a fit")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--rows", type=int, nargs="+", default=[10**4, 10**5, 10**6, 10**7])
    add("--whole", type=int, default=30_000, help="rows to see all of, at the most")
    results = Path(__file__).parent / "results"
    add("--plot", type=Path, default=results / "rows.svg", help="file of the plot")
    add("--json", type=Path, default=results / "rows.json")
    arguments = parser.parse_args()
    where = environment("numpy", "scikit-learn")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    runs = [(side, n) for n in arguments.rows for side in SIDES]
    runs = [run for run in runs if run[0] == "auto" or run[1] <= arguments.whole]
    figures, rows = {}, []
    for side, n_rows in runs:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            task = process.submit(measure, n_rows, side)
            found = figures[side, n_rows] = task.result()
        rows.append(
            {
                "rows": f"{n_rows:,}",
                "max_samples": str(side),
                "CPU s": f"{found['cpu']:.1f}",
                "s": f"{found['wall']:.1f}",
                "epochs, both trainings": found["epochs"],
                "least validation loss": f"{found['loss']:.4f}",
                "peak MB of the process": f"{found['megabytes']:.0f}",
            }
        )
        print(*rows[-1].values(), sep=" | ", flush=True)
    print_table(f"ResidualAutoencoder on windows of {WINDOW_SIZE} x {N_FEATURES}", rows)
    write_json(arguments.json, where, {f"{s}, {n}": f for (s, n), f in figures.items()})
    plot(figures, arguments.plot)


if __name__ == "__main__":
    main()
