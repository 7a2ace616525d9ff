# SPDX-License-Identifier: BSD-3-Clause
"""A stream that is killed again and again loses no row, and scores none twice.

    python benchmarks/bench_soak.py [--rows 10000000] [--series 1000] [--every 10000]

Rows of 4 sensors of many machines, interleaved, with pauses, cells that are missing and
rows that come late, through SlidingWindow(10), a StandardScaler and a PCAAutoencoder. A
process scores them in parts of random size, appends the scores to a file, and after so
many rows writes its state. Another one kills it by SIGKILL, at random, and starts it
again: it cuts the scores back to those of its last state, and goes on from there. At
the end all scores are held to those of the whole table, and the memory of the processes
at their last state to that at their first.
"""

import argparse
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _measure import environment, print_table, write_json

N_FEATURES, BLOCK, N_TRAINING = 4, 10_000, 20_000
FEATURES = [f"sensor_{k}" for k in range(N_FEATURES)]
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def block_of(number, n_series):
    """Rows of a block, as a frame, and which of them come late; always the same."""
    rng = np.random.default_rng([7, number])
    level = np.random.default_rng(1).normal(size=(n_series, 1))
    series = rng.integers(0, n_series, BLOCK)
    values = level[series] + rng.normal(size=(BLOCK, N_FEATURES)).cumsum(axis=1)
    values[rng.random(values.shape) < 0.02] = np.nan
    frame = pd.DataFrame(values, columns=FEATURES)
    frame["machine"] = series
    # About a row a minute of each machine; now and then more than five minutes none.
    step = 60_000_000_000 // n_series
    rows = np.arange(BLOCK, dtype=np.int64) + number * BLOCK
    is_late = (rng.random(BLOCK) < 0.001) & (number * BLOCK > 2 * N_TRAINING)
    times = rows * step - 3_600_000_000_000 * is_late
    frame["at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(times, "ns")
    return frame, is_late


def rows_from(start, stop, n_series):
    """Rows of a range, in parts of random size."""
    rng = random.Random(start)
    while start < stop:
        number, first = divmod(start, BLOCK)
        frame, _ = block_of(number, n_series)
        last = min(BLOCK, first + stop - start)
        while first < last:
            n = min(rng.choice([1, 10, 100, 1000]), last - first)
            yield frame[first : first + n]
            first += n
        start = number * BLOCK + last


def training_rows(n_series):
    return pd.concat([block_of(k, n_series)[0] for k in range(N_TRAINING // BLOCK)])


def train(path, n_series):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import skseq
    from skseq import EachTimeStep, PCAAutoencoder, SlidingWindow

    slider = SlidingWindow(10, group_by="machine", time="at", max_gap="5min")
    steps = EachTimeStep(StandardScaler()), PCAAutoencoder(3)
    pipeline = make_pipeline(slider, *steps).fit(training_rows(n_series))
    skseq.save(pipeline, path)
    return pipeline


def memory():
    """Resident memory of this process in MB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE / 1e6


def work(folder, n_rows, n_series, every):
    """Score from the last state on, until all is done or a signal ends it."""
    import warnings

    import skseq
    from skseq._files import write_atomically
    from skseq.alarms import AlarmRule

    warnings.simplefilter("ignore", UserWarning)  # of late rows, which are counted
    stream = skseq.StreamScorer(
        skseq.load(folder / "model.skseq"),
        on_late="drop",
        alarm_rule=AlarmRule(min_rows=2),
        on_silence="1h",
        forget_after="7D",
    )
    done, path = 0, folder / "state"
    if path.exists():
        done, state = pickle.loads(path.read_bytes())
        stream.set_state(state)
    with open(folder / "scores", "ab") as file:
        file.truncate(done * 8)
        following = done + every
        start, stop = N_TRAINING + done, N_TRAINING + n_rows
        for part in rows_from(start, stop, n_series):
            file.write(stream.score_many(part).tobytes())
            done += len(part)
            if done >= following or done == n_rows:
                file.flush()
                os.fsync(file.fileno())
                content = pickle.dumps((done, stream.get_state()))
                write_atomically(path, content)
                with open(folder / "memory", "a", encoding="ascii") as log:
                    log.write(f"{os.getpid()} {done} {memory()} {len(content)}\n")
                following = done + every
    (folder / "health").write_bytes(pickle.dumps(stream.health()))


def run(folder, arguments):
    """Start, kill and start again; how many times, and the seconds that it took."""
    command = [sys.executable, __file__, "--work", str(folder)]
    for name in ("rows", "series", "every"):
        command += [f"--{name}", str(getattr(arguments, name))]
    rng, n_kills, start = random.Random(0), 0, time.perf_counter()
    while not (folder / "health").exists():
        process = subprocess.Popen(command)
        try:
            wait = rng.uniform(0, 2 * arguments.seconds) if arguments.seconds else None
            if process.wait(wait):
                raise SystemExit("the process failed")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            n_kills += 1
    return n_kills, time.perf_counter() - start


def expected_scores(pipeline, n_rows, n_series):
    """Scores of the whole table; NaN for rows that come late, and are not in it."""
    blocks = range(N_TRAINING // BLOCK, -(-(N_TRAINING + n_rows) // BLOCK))
    frames, late = zip(*(block_of(k, n_series) for k in blocks), strict=True)
    table = pd.concat(frames, ignore_index=True)[:n_rows]
    late = np.concatenate(late)[:n_rows]
    scores = np.full(n_rows, np.nan)
    machines = table["machine"].to_numpy()
    for first in range(0, n_series, 50):  # not all windows at once
        of_these = (machines >= first) & (machines < first + 50) & ~late
        rows = np.flatnonzero(of_these)
        if len(rows):
            scores[rows] = pipeline.score_samples(table.iloc[rows])
    return scores, late


def first_and_last_memory(path):
    """MB at the first state of the processes that wrote several, and at their last."""
    log = pd.read_csv(path, sep=" ", names=["process", "rows", "mb", "state"])
    of_each = log.groupby("process").agg(
        first=("mb", "first"), last=("mb", "last"), n=("mb", "size")
    )
    return log, of_each[of_each["n"] > 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--every", type=int, default=10_000, help="rows for a state")
    parser.add_argument(
        "--seconds", type=float, default=60, help="mean time to a kill; 0 for none"
    )
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    default = Path(__file__).parent / "results" / "soak.json"
    parser.add_argument("--json", type=Path, default=default)
    arguments = parser.parse_args()
    n_rows, n_series = arguments.rows, arguments.series
    if arguments.work:
        work(arguments.work, n_rows, n_series, arguments.every)
        return
    where = environment("skseq", "scikit-learn", "numpy", "pandas")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        pipeline = train(folder / "model.skseq", n_series)
        n_kills, seconds = run(folder, arguments)
        scores = np.fromfile(folder / "scores")
        health = pickle.loads((folder / "health").read_bytes())
        log, several = first_and_last_memory(folder / "memory")
    expected, late = expected_scores(pipeline, n_rows, n_series)
    judged = ~np.isnan(expected)
    difference = np.abs(scores - expected) / np.abs(expected)
    figures = {
        "rows": f"{n_rows:,}",
        "series": f"{n_series:,}",
        "kills": n_kills,
        "seconds": f"{seconds:,.0f}",
        "scores": f"{len(scores):,}",
        "rows that the state counts": f"{health['n_rows'] + health['n_late']:,}",
        "late, dropped": f"{health['n_late']:,} of {int(late.sum()):,}",
        "scored in one place only": int((np.isnan(scores) == judged).sum()),
        "largest relative difference": f"{np.nanmax(difference):.1e}",
        "MB at a first state": f"{several['first'].median():.0f}",
        "MB at the last": f"{several['last'].median():.0f}",
        "largest growth, MB": f"{(several['last'] - several['first']).max():.1f}",
        "state, MB": f"{log['state'].iloc[-1] / 1e6:.1f}",
    }
    print_table(
        "Killed and started again",
        [{"": name, "figure": value} for name, value in figures.items()],
    )
    write_json(arguments.json, where, {"figures": figures})


if __name__ == "__main__":
    main()
