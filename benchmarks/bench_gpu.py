# SPDX-License-Identifier: BSD-3-Clause
"""A GPU beside the compiled kernels: training and reconstruction, by mini-batch.

    python benchmarks/bench_gpu.py [--rounds 3] [--cases 0 1 2 3 4]
        [--batch-sizes 64 256 1024 4096] [--sides "native, 2 threads" ...]

Four ways to train the networks of ``bench_training.py``, and one that is larger: the
kernels; ``engine="keras"`` on JAX, PyTorch and TensorFlow, each where it is installed;
and PyTorch itself, the table on its device from the start. Each takes turns in a
process of its own that sees the GPU. The figures are medians; "once" is what a first
turn takes longer, in which graphs are compiled, without imports.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
from _measure import environment, print_table, write_json
from _networks import n_multiply_adds
from bench_training import CASES, _functions, _round, ours, torch
from skseq.engines.native._kernels import INSTRUCTION_SETS

LARGE = (5000, 20, 20, 64, (512, 256))
BATCH_SIZES = (64, 256, 1024, 4096)
N_MOST, WORK = 8192, 100e9  # sequences and floating-point operations of a turn


def _torch(case):
    from torch import cuda

    return torch(case, "cuda" if cuda.is_available() else "cpu")


SIDES = {  # name: (functions of a case, module, backend of Keras)
    "native, 2 threads": (partial(ours, engine="native", n_threads=2), "skseq", ""),
    "native, all cores": (
        partial(ours, engine="native", n_threads=os.cpu_count()),
        "skseq",
        "",
    ),
    "keras on JAX": (partial(ours, engine="keras"), "jax", "jax"),
    "keras on PyTorch": (partial(ours, engine="keras"), "torch", "torch"),
    "keras on TensorFlow": (partial(ours, engine="keras"), "tensorflow", "tensorflow"),
    "PyTorch": (_torch, "torch", ""),
}


def _new_process(side):
    backend = SIDES[side][2]
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # others are on the GPU
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def _start(side, case):
    """A first turn, in which graphs are compiled."""
    _functions[:] = SIDES[side][0](case)[1:]
    return _round()


def measure(processes, case, rounds):
    """Seconds of each side to train and to reconstruct: a first turn, then as usual."""
    first, runs = {}, {}
    for side, process in processes.items():
        try:
            first[side] = process.submit(_start, side, case).result()
        except Exception as error:  # the others are measured all the same
            print(f"{side}: {type(error).__name__}: {error}")
            continue
        runs[side] = []
    for _ in range(rounds):
        for side in runs:
            runs[side].append(processes[side].submit(_round).result())
    return {
        side: {
            "first": first[side],
            "usual": [median(t) for t in zip(*each, strict=True)],
        }
        for side, each in runs.items()
    } | {"n": case[0]}


def report(case, figures):
    """A table of one network: a line for each size of the mini-batch."""
    title = "{} x {}, layers {}".format(*case[1:3], "-".join(map(str, case[4])))
    for k, what in enumerate(("trained", "reconstructed")):
        rows = []
        for batch_size, sides in figures.items():
            row = {"batch": batch_size}
            for side in SIDES:
                if side in sides:
                    usual = sides[side]["usual"][k]
                    once = max(sides[side]["first"][k] - usual, 0)
                    row[side] = f"{sides['n'] / usual:,.0f} ({once:.1f})"
            rows.append(row)
        print_table(f"{title}: sequences {what} a second (seconds once)", rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cases = [*CASES, LARGE]
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", type=int, nargs="+", default=range(len(cases)))
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=BATCH_SIZES)
    sides = [side for side, (_, module, _) in SIDES.items() if find_spec(module)]
    parser.add_argument("--sides", nargs="+", choices=sides, default=sides)
    results = Path(__file__).parent / "results" / "gpu.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    packages = ["keras", *(m for m in ("jax", "torch", "tensorflow") if find_spec(m))]
    where = environment("numpy", *packages) | {"kernels": INSTRUCTION_SETS[0]}
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    context, figures = get_context("spawn"), {}
    processes = {
        side: ProcessPoolExecutor(1, context, _new_process, (side,))
        for side in arguments.sides
    }
    for _, *shape, _, sizes in (cases[number] for number in arguments.cases):
        work = 6 * n_multiply_adds(*shape, sizes)
        network = figures[f"{shape}, {sizes}"] = {}
        for batch_size in arguments.batch_sizes:
            n_batches = np.clip(min(WORK // work, N_MOST) // batch_size, 1, 32)
            case = (int(batch_size * n_batches), *shape, batch_size, sizes)
            network[batch_size] = measure(processes, case, arguments.rounds)
        report(case, network)
        write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
