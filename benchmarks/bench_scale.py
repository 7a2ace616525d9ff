# SPDX-License-Identifier: BSD-3-Clause
"""Time and peak memory as rows grow, and a parquet file scored in little memory.

    python benchmarks/bench_scale.py [--rows 100000 1000000 10000000] [--limit-rows 0]

Windowing, one epoch of training (of 20,000 windows spread over the whole table, and
of all of them up to --whole rows) and scoring of a float32 table of 8 features, window
30, a 32-16 LSTM autoencoder, the native engine with one thread. Then a parquet file is
scored row by row, as a Dask DataFrame, in a process whose data segment is limited
(RLIMIT_DATA, Linux): all that it allocates, the stacks of its threads included.
Each figure is from a process of its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from _measure import compare, environment, print_table, write_json

N_FEATURES = 8
WINDOW_SIZE = 30
N_TRAINED = 20_000
ROW_GROUP = 100_000


def make_table(n_rows):
    """A float32 table, with no more memory than its own."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)


def make_windows(table):
    from skseq import SlidingWindow

    return SlidingWindow(WINDOW_SIZE).fit_transform(table)


def autoencoder():
    from skseq import LSTMAutoencoder, ResidualAutoencoder

    network = LSTMAutoencoder(
        (32, 16), max_epochs=1, max_samples=None, engine="native", random_state=0
    )
    return ResidualAutoencoder(network, refit=False)


def train(table):
    from skseq import sliding_windows

    stride = max(1, len(table) // N_TRAINED)
    windows, _ = sliding_windows(table, WINDOW_SIZE, stride=stride)
    return autoencoder().fit(windows)


def train_on_all(table):
    return autoencoder().fit(make_windows(table))


def score(table):
    windows = make_windows(table)
    return autoencoder().fit(windows[:1000]).score_samples(windows)


SIDES = {
    "windowing": make_windows,
    f"training, {N_TRAINED:,} windows": train,
    "training, all windows": train_on_all,
    "scoring": score,
}


def bench_growth(counts, whole, repeats):
    """Seconds and memory of each side for each number of rows."""
    figures, rows = {}, []
    for n_rows in counts:
        sides = dict(SIDES)
        if n_rows > whole:
            del sides["training, all windows"]
        found = compare(
            sides,
            partial(make_table, n_rows),
            warm_up=partial(make_table, 2000),
            repeats=repeats,
        )
        megabytes = n_rows * N_FEATURES * 4 / 1e6
        for side, each in found.items():
            rows.append(
                {
                    "rows": f"{n_rows:,}",
                    "": side,
                    "s": f"{each.seconds:.2f}",
                    "µs a row": f"{each.seconds / n_rows * 1e6:.2f}",
                    "peak, MB": f"{each.megabytes:.0f}",
                    "of the table": f"{each.megabytes / megabytes:.2f}x",
                }
            )
        figures[str(n_rows)] = found
    print_table("Growth with the rows of a table", rows)
    return figures


def write_parquet(path, n_rows):
    """Write noise, which does not compress, a row group at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    names = [f"sensor_{k}" for k in range(N_FEATURES)]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for start in range(0, n_rows, ROW_GROUP):
            size = N_FEATURES, min(ROW_GROUP, n_rows - start)
            columns = rng.standard_normal(size)
            writer.write_table(pa.table(list(columns), schema=schema))


def score_parquet(path, estimator, limit):
    """Write the scores of a parquet file beside it, within a limit in bytes."""
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    import dask
    import dask.dataframe as dd
    from sklearn.pipeline import make_pipeline

    from skseq import PCAAutoencoder, SlidingWindow
    from skseq.dask import windowed_scores

    detector = {"pca": PCAAutoencoder, "lstm": autoencoder}[estimator]()
    ddf = dd.read_parquet(path, split_row_groups=True)
    pipeline = make_pipeline(SlidingWindow(WINDOW_SIZE), detector)
    pipeline.fit(ddf.head(20_000))
    start = time.perf_counter()
    with dask.config.set(scheduler="synchronous"):
        windowed_scores(ddf, pipeline).to_frame().to_parquet(path.parent / "scores")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak}))


def bench_limit(n_rows, estimator, megabytes):
    """Score a parquet file in a process of limited memory."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        write_parquet(path, n_rows)
        size = path.stat().st_size
        command = [sys.executable, __file__, "--score", path]
        command += ["--estimator", estimator, "--limit", str(megabytes)]
        environ = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        run = subprocess.run(
            list(map(str, command)), env=environ, stdout=subprocess.PIPE, check=True
        )
        figures = json.loads(run.stdout)
        parts = Path(folder, "scores").glob("*.parquet")
        n_scored = sum(pq.read_metadata(part).num_rows for part in parts)
    assert n_scored == n_rows
    row = {
        "parquet, MB": f"{size / 1e6:.0f}",
        "rows": f"{n_rows:,}",
        "estimator": estimator,
        "limit, MiB": megabytes,
        "s": f"{figures['seconds']:.1f}",
        "rows a second": f"{n_rows / figures['seconds']:,.0f}",
        "peak resident, MiB": f"{figures['peak'] / 2**20:.0f}",
    }
    print_table("A parquet file scored in limited memory", [row])
    return {"rows": n_rows, "size": size, "limit": megabytes * 2**20, **figures}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--rows", type=int, nargs="*", default=[10**5, 10**6], help="table sizes")
    add("--whole", type=int, default=10**5, help="rows to train on all of, at most")
    add("--repeats", type=int, default=1, help="processes for each side")
    add("--limit-rows", type=int, default=32_000_000, help="0 to leave this out")
    add("--limit", type=int, default=512, help="MiB of the limited process")
    add("--estimator", choices=("pca", "lstm"), default="pca", help="that is limited")
    add("--score", type=Path, help=argparse.SUPPRESS)
    results = Path(__file__).parent / "results" / "scale.json"
    add("--json", type=Path, default=results, help="file for the figures")
    return parser.parse_args()


def main():
    arguments = parse()
    if arguments.score:
        limit = arguments.limit * 2**20
        score_parquet(arguments.score, arguments.estimator, limit)
        return
    where = environment("skseq", "numpy", "dask", "pyarrow")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    figures = {}
    if arguments.rows:
        figures["growth"] = bench_growth(
            arguments.rows, arguments.whole, arguments.repeats
        )
    if arguments.limit_rows:
        figures["limit"] = bench_limit(
            arguments.limit_rows, arguments.estimator, arguments.limit
        )
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
