# SPDX-License-Identifier: BSD-3-Clause
"""Time and memory of wide windows: the residual detector against its network alone.

    python benchmarks/bench_width.py [--windows 2000] [--epochs 4]

Windows of 60 steps of 300 features, 18,000 cells each, of sines and noise. All have the
defaults, but for the number of epochs, which is the same for all. With ``refit`` the
network is trained a second time, on all windows. Each fit is in a fresh process; its
time is that of the processor, since other work may run.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from _measure import environment, print_table, write_json

N_STEPS, N_FEATURES = 60, 300
SIDES = {
    "LSTMAutoencoder": {"linear": False, "refit": False},
    "LSTMAutoencoder(refit=True)": {"linear": False, "refit": True},
    "ResidualAutoencoder(refit=False)": {"linear": True, "refit": False},
    "ResidualAutoencoder": {"linear": True, "refit": True},
}


def make_windows(n_windows):
    from skseq import SlidingWindow

    rng = np.random.default_rng(0)
    times = np.arange(n_windows)[:, np.newaxis]
    table = np.sin(times * rng.uniform(0.05, 0.5, N_FEATURES))
    table += rng.normal(scale=0.3, size=table.shape)
    return SlidingWindow(N_STEPS).fit_transform(table.astype(np.float32))


def fit(windows, epochs, linear, refit):
    from skseq import LSTMAutoencoder, ResidualAutoencoder

    network = LSTMAutoencoder(max_epochs=epochs, random_state=0)
    if linear:
        return ResidualAutoencoder(network, refit=refit).fit(windows)
    return network.set_params(refit=refit).fit(windows)


def measure(n_windows, epochs, side):
    """CPU seconds of a fit, and the peak memory of its process in MB (Linux)."""
    fit(make_windows(80), 1, **side)  # imports count in neither
    windows = make_windows(n_windows)
    start = time.process_time()
    fit(windows, epochs, **side)
    seconds = time.process_time() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=4)
    results = Path(__file__).parent / "results" / "width.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    where = environment("numpy", "scikit-learn")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    figures, rows = {}, []
    for name, side in SIDES.items():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            task = process.submit(measure, arguments.windows, arguments.epochs, side)
            seconds, megabytes = figures[name] = task.result()
        first = figures["LSTMAutoencoder"][0]
        rows.append(
            {
                "fit of": name,
                "CPU seconds": f"{seconds:.1f}",
                "times the first": f"{seconds / first:.2f}",
                "peak MB of the process": f"{megabytes:.0f}",
            }
        )
    title = f"{arguments.windows} windows of {N_STEPS} x {N_FEATURES}"
    print_table(f"{title}, {arguments.epochs} epochs", rows)
    write_json(arguments.json, where, {"width": figures})


if __name__ == "__main__":
    main()
