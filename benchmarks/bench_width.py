# SPDX-License-Identifier: BSD-3-Clause
"""Time and memory of wide windows: the residual detector against its network alone.

    python benchmarks/bench_width.py [--windows 2000] [--epochs 4] [--turns 3]

Windows of 60 steps of 300 features, 18,000 cells each, of sines and noise; then of 500
to 20,000 cells. All have the defaults, but for the number of epochs, which is the same
for all. With ``refit`` the network is trained a second time, on all windows. Each fit
is in a fresh process; its time is that of the processor, since other work may run, and
the median of several turns in which the sides take their places one after the other.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from _measure import environment, print_table, write_json

SHAPE = 60, 300
SHAPES = (10, 50), (10, 100), (20, 100), (20, 200), (40, 200), (50, 400)
SIDES = {
    "LSTMAutoencoder": {"linear": False, "refit": False},
    "LSTMAutoencoder(refit=True)": {"linear": False, "refit": True},
    "ResidualAutoencoder(refit=False)": {"linear": True, "refit": False},
    "ResidualAutoencoder": {"linear": True, "refit": True},
}
GROWTH = "LSTMAutoencoder", "ResidualAutoencoder(refit=False)"


def make_windows(n_windows, n_steps, n_features):
    from skseq import SlidingWindow

    rng = np.random.default_rng(0)
    times = np.arange(n_windows)[:, np.newaxis]
    table = np.sin(times * rng.uniform(0.05, 0.5, n_features))
    table += rng.normal(scale=0.3, size=table.shape)
    return SlidingWindow(n_steps).fit_transform(table.astype(np.float32))


def fit(windows, epochs, linear, refit):
    from skseq import LSTMAutoencoder, ResidualAutoencoder

    network = LSTMAutoencoder(max_epochs=epochs, random_state=0)
    if linear:
        return ResidualAutoencoder(network, refit=refit).fit(windows)
    return network.set_params(refit=refit).fit(windows)


def measure(n_windows, epochs, shape, side):
    """CPU seconds of a fit, the peak memory of its process and what it added, in MB."""
    fit(make_windows(80, *shape), 1, **side)  # imports count in neither
    windows = make_windows(n_windows, *shape)
    before, start = peak(), time.process_time()
    fit(windows, epochs, **side)
    return time.process_time() - start, peak(), peak() - before


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # Linux: kB


def in_turns(turns, sides, *task):
    """Median seconds, and the largest memory, of each side."""
    figures = {name: [] for name in sides}
    for _ in range(turns):
        for name in sides:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                fitted = process.submit(measure, *task, SIDES[name])
                figures[name].append(fitted.result())
    return {
        name: (float(np.median([f[0] for f in of_turns])), *np.max(of_turns, 0)[1:])
        for name, of_turns in figures.items()
    }


def one_width(arguments):
    task = arguments.windows, arguments.epochs, SHAPE
    figures = in_turns(arguments.turns, SIDES, *task)
    first = figures["LSTMAutoencoder"][0]
    rows = [
        {
            "fit of": name,
            "CPU seconds": f"{seconds:.1f}",
            "times the first": f"{seconds / first:.2f}",
            "peak MB of the process": f"{megabytes:.0f}",
        }
        for name, (seconds, megabytes, _) in figures.items()
    ]
    title = f"{arguments.windows} windows of {SHAPE[0]} x {SHAPE[1]}"
    print_table(f"{title}, {arguments.epochs} epochs", rows)
    return figures


def growth(arguments):
    rows, figures = [], {}
    for shape in SHAPES:
        n_cells, name = shape[0] * shape[1], f"{shape[0]} x {shape[1]}"
        task = arguments.windows, arguments.epochs, shape
        figures[name] = in_turns(arguments.turns, GROWTH, *task)
        (plain, *_), (seconds, _, added) = figures[name].values()
        cells_seen = n_cells * arguments.windows * arguments.epochs
        rows.append(
            {
                "steps x features": name,
                "cells": f"{n_cells:,}",
                "CPU seconds": f"{seconds:.2f}",
                "ns a cell and epoch": f"{seconds / cells_seen * 1e9:.0f}",
                "times the network alone": f"{seconds / plain:.2f}",
                "MB added by the fit": f"{added:.0f}",
            }
        )
    print_table(f"ResidualAutoencoder(refit=False), {arguments.windows} windows", rows)
    return figures


def instruction_set():
    from skseq.engines.native._kernels import INSTRUCTION_SETS

    return INSTRUCTION_SETS[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--turns", type=int, default=3)
    results = Path(__file__).parent / "results" / "width.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    where = environment("numpy", "scikit-learn")
    where["instruction set"] = instruction_set()
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    figures = {"width": one_width(arguments), "growth": growth(arguments)}
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
