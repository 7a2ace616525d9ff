# SPDX-License-Identifier: BSD-3-Clause
"""Scoring: one window at a time, and a table of a million rows.

    python benchmarks/bench_latency.py [--rounds 5] [--repeats 3]

One window of 10 x 8 through layers 32-16, from the array to its score; the Keras sides
take the mean squared error themselves. Each side has its own process, and they take
turns. In bulk: memory is what the process grew by, at its peak, while it scored.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from _measure import compare, environment, print_table, write_json
from _networks import keras_autoencoder

WINDOW_SIZE, N_FEATURES, LAYER_SIZES = 10, 8, (32, 16)


def fitted():
    from skseq import LSTMAutoencoder

    X = np.random.default_rng(0).normal(size=(256, WINDOW_SIZE, N_FEATURES))
    autoencoder = LSTMAutoencoder(
        LAYER_SIZES,
        max_epochs=1,
        early_stopping=False,
        engine="native",
        random_state=0,
    )
    return autoencoder.fit(X)


def native():
    return fitted().score_samples


def native_tuned():
    """What a service would do that has checked its input."""
    import sklearn

    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
    return fitted().score_samples


def keras_predict():
    model = keras_autoencoder(WINDOW_SIZE, N_FEATURES, LAYER_SIZES)
    return lambda X: -np.mean((model.predict(X, verbose=0) - X) ** 2, axis=(1, 2))


def keras_call():
    from keras.ops import convert_to_numpy

    model = keras_autoencoder(WINDOW_SIZE, N_FEATURES, LAYER_SIZES)
    return lambda X: -np.mean((convert_to_numpy(model(X)) - X) ** 2, axis=(1, 2))


SIDES = {  # name: (what makes the function, calls in a round)
    "LSTMAutoencoder": (native, 2000),
    "LSTMAutoencoder, no checks": (native_tuned, 2000),
    "model.predict(x)": (keras_predict, 100),
    "model(x)": (keras_call, 100),
}

_scorers = []


def _start(side):
    _scorers.append(SIDES[side][0]())
    _calls(20)


def _calls(n_calls):
    """Seconds of each call."""
    X = np.random.default_rng(1).normal(size=(1, WINDOW_SIZE, N_FEATURES))
    X, score, seconds = X.astype(np.float32), _scorers[0], np.empty(n_calls)
    for k in range(n_calls):
        start = time.perf_counter()
        score(X)
        seconds[k] = time.perf_counter() - start
    return seconds


def bench_one_window(rounds):
    context = get_context("spawn")
    processes = {side: ProcessPoolExecutor(1, mp_context=context) for side in SIDES}
    for side, process in processes.items():
        process.submit(_start, side).result()
    runs = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side, process in processes.items():
            runs[side].append(process.submit(_calls, SIDES[side][1]).result())
    for process in processes.values():
        process.shutdown()
    figures = {}
    for side, each in runs.items():
        median, p99 = np.percentile(np.concatenate(each), (50, 99)) * 1e3
        figures[side] = {"median": median, "p99": p99}
    predict = figures["model.predict(x)"]
    print_table(
        f"Score of one window, {WINDOW_SIZE} x {N_FEATURES}, layers 32-16",
        [
            {
                "": side,
                "median, ms": f"{f['median']:.3f}",
                "99th percentile, ms": f"{f['p99']:.3f}",
                "times faster than predict": f"{predict['median'] / f['median']:.0f}",
            }
            for side, f in figures.items()
        ],
    )
    return figures


def windows(n_rows):
    from skseq import SlidingWindow

    rng = np.random.default_rng(0)
    rows = rng.random((n_rows, N_FEATURES), dtype=np.float32)
    return fitted(), SlidingWindow(WINDOW_SIZE).fit_transform(rows)


def keep(data):
    return data


def score(data):
    autoencoder, windows = data
    return autoencoder.score_samples(windows)


def bench_bulk(repeats):
    figures, rows = {}, []
    for n_rows in (100_000, 1_000_000):
        sides = {"windows alone": keep, "score_samples": score}
        prepare = partial(windows, n_rows)
        figures[str(n_rows)] = each = compare(
            sides, prepare, warm_up=partial(windows, 100), repeats=repeats
        )
        alone, scored = each.values()
        grown = scored.megabytes - alone.megabytes
        rows.append(
            {
                "windows": f"{n_rows:,}",
                "seconds (range)": f"{scored.seconds:.2f} "
                f"({scored.fastest:.2f}-{scored.slowest:.2f})",
                "windows a second": f"{n_rows / scored.seconds:,.0f}",
                "memory to score, MB": f"{grown:.1f}",
                "of which scores, MB": f"{n_rows * 8 / 1e6:.1f}",
            }
        )
    print_table("Scores of a Windows, one thread", rows)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="of one window")
    parser.add_argument("--repeats", type=int, default=3, help="in bulk")
    results = Path(__file__).parent / "results" / "latency.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    where = environment("skseq", "scikit-learn", "numpy", "keras", "tensorflow")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    figures = {
        "one window, ms": bench_one_window(arguments.rounds),
        "in bulk": bench_bulk(arguments.repeats),
    }
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
