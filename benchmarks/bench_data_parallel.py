# SPDX-License-Identifier: BSD-3-Clause
"""Does it help to share one training over Dask workers?

    python benchmarks/bench_data_parallel.py [--rows 60000] [--epochs 6]

The same network is trained by one process with one thread, by one process with two
threads, and by two Dask workers with one thread each, which train on half of the
windows each and average their weights and optimiser states after every epoch (local
SGD). Seconds of an epoch, and the loss of held-out windows after each. Averaging
gradients after each mini-batch would cost at least one round trip to the workers for
every mini-batch: both are measured too. All sides set the offset after each epoch, as
``partial_fit`` does.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from _measure import environment, print_table, write_json
from dask.distributed import Client, LocalCluster
from sklearn.preprocessing import StandardScaler

from skseq import LSTMAutoencoder, sliding_windows
from skseq.datasets import make_process_faults

WINDOW_SIZE, BATCH_SIZE, N_WORKERS = 30, 64, 2


def autoencoder(n_threads=1):
    return LSTMAutoencoder(
        (32, 16),
        batch_size=BATCH_SIZE,
        engine="native",
        n_threads=n_threads,
        random_state=0,
    )


def make_windows(n_rows):
    """Windows to train on and to judge by, of one table, apart in time."""
    X, _ = make_process_faults(n_rows, fault_rate=0, random_state=0)
    X = StandardScaler().fit_transform(X.drop(columns="timestamp"))
    cut = int(0.9 * n_rows)
    parts = X[:cut], X[cut:]
    return [sliding_windows(part, WINDOW_SIZE)[0] for part in parts]


def in_one_process(training, held_out, n_epochs, n_threads):
    """Seconds until the end of each epoch, and the held-out loss then."""
    ae, seconds, losses = autoencoder(n_threads), 0.0, []
    for _ in range(n_epochs):
        start = time.perf_counter()
        ae.partial_fit(training)
        seconds += time.perf_counter() - start
        losses.append(-ae.score(held_out))
    return seconds / n_epochs, losses


def _one_epoch(ae, windows, seed):
    return ae.set_params(random_state=seed).partial_fit(windows)


def average(estimators):
    """An estimator with the mean of the weights and of the states of the optimiser."""
    first = estimators[0]
    for name in ("weights_", "optimizer_state_"):
        arrays = zip(*(getattr(ae, name) for ae in estimators), strict=True)
        means = [np.mean(same, axis=0).astype(same[0].dtype) for same in arrays]
        setattr(first, name, means)
    return first


def over_workers(client, training, held_out, n_epochs):
    """The same with the training shared over workers."""
    # An epoch of nothing, so that all begin with the same weights.
    ae, seconds, losses = autoencoder().partial_fit(training[:1]), 0.0, []
    halves = np.array_split(np.arange(len(training)), N_WORKERS)
    workers = list(client.scheduler_info()["workers"])
    parts = [
        client.scatter(training[rows[0] : rows[-1] + 1], workers=[worker])
        for rows, worker in zip(halves, workers, strict=True)
    ]
    for epoch in range(n_epochs):
        start = time.perf_counter()
        futures = [
            client.submit(_one_epoch, ae, part, epoch, pure=False) for part in parts
        ]
        ae = average(client.gather(futures))
        seconds += time.perf_counter() - start
        losses.append(-ae.score(held_out))
    return seconds / n_epochs, losses


def round_trip(client, arrays, n_times=200):
    """Median seconds to send arrays of the size of the gradients there and back."""
    times = []
    for _ in range(n_times):
        start = time.perf_counter()
        client.submit(lambda a: a, arrays, pure=False).result()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=6)
    results = Path(__file__).parent / "results" / "data_parallel.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    where = environment("skseq", "numpy", "dask", "distributed")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    data = *make_windows(arguments.rows), arguments.epochs
    with (
        LocalCluster(
            N_WORKERS, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        sides = {
            "one process, one thread": lambda: in_one_process(*data, 1),
            "one process, two threads": lambda: in_one_process(*data, 2),
            "two workers, averaged each epoch": lambda: over_workers(client, *data),
        }
        figures = {name: run() for name, run in sides.items()}
        trip = round_trip(client, autoencoder().partial_fit(data[0][:64]).weights_)
    one_epoch, losses = figures["one process, one thread"]
    batch = one_epoch / (len(data[0]) / BATCH_SIZE)
    rows = [
        {
            "": name,
            "s an epoch": f"{seconds:.2f}",
            "times": f"{one_epoch / seconds:.2f}",
            "held-out loss after each epoch": " ".join(f"{x:.4f}" for x in curve),
        }
        for name, (seconds, curve) in figures.items()
    ]
    print_table("One training, shared", rows)
    print(f"a mini-batch {batch * 1e3:.2f} ms, a round trip {trip * 1e3:.2f} ms")
    write_json(arguments.json, where, {**figures, "batch": batch, "round_trip": trip})


if __name__ == "__main__":
    main()
