# SPDX-License-Identifier: BSD-3-Clause
"""Training: seconds of an epoch, of a first epoch and of a prediction, by engine.

    python benchmarks/bench_training.py [--rounds 7] [--cases 0 1 2 3]
        [--engines native1 native2 keras scikeras torch]

Each engine trains in its own process, with its default threads, and each round runs
one epoch and one prediction of each engine in turn, then the machine's matrix product.
An engine whose package is not installed is left out.

The first epoch is a user's: from a new process to the end of a fit of one epoch, with
the imports and without. ``LSTMAutoencoder`` scores its training sequences in that time
as well, for its threshold.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
from _measure import environment, print_table, write_json
from _networks import (
    keras_autoencoder,
    n_multiply_adds,
    scikeras_autoencoder,
    torch_autoencoder,
)

CASES = [  # n_samples, n_timesteps, n_features, batch_size, hidden_layer_sizes
    (5000, 20, 20, 64, (128, 64)),
    (5000, 30, 8, 32, (16, 8)),
    (5000, 5, 59, 128, (32, 16)),
    (1000, 100, 1, 32, (64, 32)),
]
# Sequences in a batch of a prediction: faster in Keras than its default of 32.
PREDICT_SIZE = 256


def data(case):
    return np.random.default_rng(0).normal(size=case[:3]).astype(np.float32)


def batches(order, batch_size):
    return (order[i : i + batch_size] for i in range(0, len(order), batch_size))


_kept = ExitStack()  # as long as the process lives

# Each engine gives three functions: the first epoch, an epoch, a prediction.


def ours(case, engine, n_threads=None):
    from skseq import LSTMAutoencoder
    from skseq.engines._batches import Preparation
    from skseq.engines._choose import borrow_engine
    from skseq.networks import Architecture

    X, (_, *shape, batch_size, sizes) = data(case), case
    autoencoder = LSTMAutoencoder(
        sizes,
        batch_size=batch_size,
        max_epochs=1,
        early_stopping=False,
        engine=engine,
        n_threads=n_threads,
        random_state=0,
    )
    architecture = Architecture(*shape, sizes)
    rng = np.random.RandomState(0)
    preparation = Preparation(np.zeros(shape[1], np.float32))
    lent = _kept.enter_context(borrow_engine(architecture, engine, n_threads=n_threads))
    lent.load_weights(architecture.initial_weights(rng))
    lent.start_training(
        loss="mse",
        masked=False,
        dropout=False,
        batch_size=batch_size,
        learning_rate=1e-3,
    )

    def epoch():
        for rows in batches(rng.permutation(len(X)), batch_size):
            lent.train_batch(preparation.batch(X, rows))

    def predict():
        chunks = preparation.chunks(X)
        return np.concatenate([lent.reconstruct(batch) for _, batch in chunks])

    return partial(autoencoder.fit, X), epoch, predict


def keras(case):
    X, (_, n_timesteps, n_features, batch_size, sizes) = data(case), case
    model = keras_autoencoder(n_timesteps, n_features, sizes)

    def epoch():
        model.fit(X, X, batch_size=batch_size, epochs=1, verbose=0)

    return epoch, epoch, lambda: model.predict(X, batch_size=PREDICT_SIZE, verbose=0)


def scikeras(case):
    X, (*_, batch_size, sizes) = data(case), case
    regressor = scikeras_autoencoder(
        sizes, fit__batch_size=batch_size, predict__batch_size=PREDICT_SIZE, epochs=1
    )
    return (
        partial(regressor.fit, X),
        partial(regressor.partial_fit, X),
        partial(regressor.predict, X),
    )


def torch(case, device="cpu"):
    import torch

    X = torch.from_numpy(data(case)).to(device)
    model = torch_autoencoder(case[2], case[4]).to(device)
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)

    def epoch():
        for rows in batches(torch.randperm(len(X)), case[3]):
            batch = X[rows]
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(batch), batch).backward()
            optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    def predict():
        with torch.no_grad():
            return torch.cat([model(part) for part in X.split(PREDICT_SIZE)]).cpu()

    return epoch, epoch, predict


def matrix_product(case):
    """The machine's peak: it is no engine, but takes its turn."""
    a, b = np.random.default_rng(0).random((2, 2048, 2048), dtype=np.float32)
    return (lambda: a @ b,) * 3


ENGINES = {  # name: (functions of a case, module that takes long to import)
    "native1": (partial(ours, engine="native", n_threads=1), "skseq"),
    "native2": (partial(ours, engine="native", n_threads=2), "skseq"),
    "keras": (keras, "keras"),
    "scikeras": (scikeras, "scikeras.wrappers"),
    "torch": (torch, "torch"),
    "matmul": (matrix_product, "numpy"),
}


class Worker:
    """A process that holds one engine for one case."""

    def __init__(self, engine, case):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # bench_gpu.py is for what has one
        self._process = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        start = time.perf_counter()
        self.first = self._process.submit(_start, engine, case).result()
        self.from_new = time.perf_counter() - start

    def round(self):
        return self._process.submit(_round).result()

    def close(self):
        self._process.shutdown()


_functions = []


def _start(engine, case):
    make, module = ENGINES[engine]
    import_module(module)
    start = time.perf_counter()
    first, *functions = make(case)
    first()
    seconds = time.perf_counter() - start
    _functions.extend(functions)
    return seconds


def _round():
    return [_seconds(function) for function in _functions]


def _seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(case, engines, rounds):
    """Seconds of each engine: from a new process, first fit, epochs, predictions."""
    workers = {engine: Worker(engine, case) for engine in engines}
    runs = {engine: [] for engine in engines}
    for _ in range(rounds):
        for engine, worker in workers.items():
            runs[engine].append(worker.round())
    figures = {}
    for engine, worker in workers.items():
        worker.close()
        epochs, predictions = zip(*runs[engine], strict=True)
        figures[engine] = {
            "from a new process": worker.from_new,
            "first epoch": worker.first,
            "epochs": epochs,
            "predictions": predictions,
        }
    return figures


def report(case, figures):
    n_samples, n_timesteps, n_features, batch_size, sizes = case
    peak = 2 * 2048**3 / median(figures.pop("matmul")["epochs"])
    work = 6 * n_samples * n_multiply_adds(n_timesteps, n_features, sizes)
    slowest = figures.get("keras", {"epochs": [np.nan], "predictions": [np.nan]})
    rows = []
    for engine, f in figures.items():
        epoch, prediction = median(f["epochs"]), median(f["predictions"])
        rows.append(
            {
                "engine": engine,
                "epoch, s (range)": f"{epoch:.3f} "
                f"({min(f['epochs']):.3f}-{max(f['epochs']):.3f})",
                "times Keras": f"{median(slowest['epochs']) / epoch:.1f}",
                "of peak": f"{work / epoch / peak:.0%}",
                "first epoch, s": f"{f['first epoch']:.2f}",
                "from a new process, s": f"{f['from a new process']:.2f}",
                "predict, s": f"{prediction:.3f}",
                "predict, times Keras": (
                    f"{median(slowest['predictions']) / prediction:.1f}"
                ),
            }
        )
    print_table(
        f"{n_samples} x {n_timesteps} x {n_features}, batch {batch_size}, layers "
        f"{'-'.join(map(str, sizes))} (peak {peak / 1e9:.0f} GFLOP/s)",
        rows,
    )


def main():
    engines = [engine for engine in ENGINES if engine != "matmul"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cases", type=int, nargs="+", default=range(len(CASES)))
    parser.add_argument("--engines", nargs="+", choices=engines, default=engines)
    results = Path(__file__).parent / "results" / "training.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    engines = arguments.engines
    packages = ["skseq", "numpy", "keras", "tensorflow", "scikeras"]
    if find_spec("torch"):
        packages.append("torch")
    else:
        print("PyTorch is not installed (pip install skseq[bench]): left out.")
        engines = [engine for engine in engines if not engine.startswith("torch")]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    where = environment(*packages)
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    figures = {}
    for case in (CASES[number] for number in arguments.cases):
        measured = measure(case, [*engines, "matmul"], arguments.rounds)
        figures[str(case)] = dict(measured)
        report(case, measured)
        write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
