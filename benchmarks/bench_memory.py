# SPDX-License-Identifier: BSD-3-Clause
"""Resident memory over 100 fits and 1,000 scorings, with each engine (Linux).

    python benchmarks/bench_memory.py [--fits 100] [--scorings 1000]

A tiny network, so that what grows is what is kept. Growth counts from the 10th fit or
scoring: before that, libraries fill their caches.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from _measure import environment, print_table, write_json

ENGINES = "native", "keras"
FIRST = 10  # the fit or scoring from which growth counts


def resident_megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def trace(engine, n_fits, n_scorings):
    """Resident memory, in MiB, after each fit, then after each scoring."""
    from skseq import LSTMAutoencoder

    X = np.random.default_rng(0).normal(size=(200, 5, 3)).astype(np.float32)
    fits, scorings = np.empty(n_fits), np.empty(n_scorings)
    for k in range(n_fits):
        autoencoder = LSTMAutoencoder(
            (8, 4), max_epochs=2, engine=engine, random_state=k
        )
        autoencoder.fit(X)
        fits[k] = resident_megabytes()
    for k in range(n_scorings):
        autoencoder.score_samples(X)
        scorings[k] = resident_megabytes()
    return fits, scorings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=100)
    parser.add_argument("--scorings", type=int, default=1000)
    results = Path(__file__).parent / "results" / "memory.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    where = environment("skseq", "numpy", "keras", "tensorflow")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    figures, rows = {}, []
    for engine in ENGINES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            traces = process.submit(
                trace, engine, arguments.fits, arguments.scorings
            ).result()
        for what, memory in zip(("fits", "scorings"), traces, strict=True):
            figures[f"{engine}, {what}"] = memory.tolist()
            growth = (memory[-1] - memory[FIRST - 1]) / (len(memory) - FIRST)
            rows.append(
                {
                    "engine": engine,
                    "": f"{len(memory):,} {what}",
                    f"after {FIRST}, MiB": f"{memory[FIRST - 1]:.1f}",
                    "after half, MiB": f"{memory[len(memory) // 2 - 1]:.1f}",
                    "after all, MiB": f"{memory[-1]:.1f}",
                    "growth of each, MiB": f"{growth:.4f}",
                }
            )
    print_table("Resident memory", rows)
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
