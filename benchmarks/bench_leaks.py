# SPDX-License-Identifier: BSD-3-Clause
"""What a random split of overlapping windows hides: one model, four ways to split.

    python benchmarks/bench_leaks.py [--seeds 3]

Three machines of ``make_process_faults``, one row a minute, 10% of the rows in events
of about 20 rows; windows of 10 rows, made before the split. Average precision of a
supervised model (gradient boosting on flattened windows) and of one that learns what is
normal (LSTM autoencoder in RareEventClassifier), mean and standard deviation over the
folds of all tables. Nothing but the split differs between the rows of the table.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from _measure import environment, print_table, write_json
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skseq import (
    EachTimeStep,
    LSTMAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
)
from skseq.datasets import make_process_faults
from skseq.model_selection import (
    PurgedKFold,
    SeriesTimeSplit,
    cross_validate_windows,
)

WINDOW_SIZE = 10
N_SPLITS = 3
GAP = WINDOW_SIZE - 1


def table(seed):
    """Windows, labels, and the machine of each."""
    X, y = make_process_faults(
        6_000, n_series=3, fault_rate=0.1, fault_size=2, random_state=seed
    )
    slider = SlidingWindow(WINDOW_SIZE, group_by="machine", time="timestamp")
    return slider.fit_transform(X), y.to_numpy(), X["machine"].to_numpy()


def flatten(windows):
    return np.asarray(windows).reshape(len(windows), -1)


def models(seed):
    autoencoder = ResidualAutoencoder(
        LSTMAutoencoder((32, 16), max_epochs=10, engine="native", random_state=seed)
    )
    return {
        "gradient boosting": make_pipeline(
            FunctionTransformer(flatten),
            HistGradientBoostingClassifier(max_iter=50, random_state=seed),
        ),
        "LSTM autoencoder": RareEventClassifier(
            make_pipeline(EachTimeStep(StandardScaler()), autoencoder)
        ),
    }


def splitters(machine, seed):
    """Name: (splitter, series of each row, the question that it answers)."""
    one_series = np.zeros_like(machine)
    return {
        "random": (
            KFold(N_SPLITS, shuffle=True, random_state=seed),
            None,
            "none in use",
        ),
        "purged, by machine": (
            PurgedKFold(N_SPLITS, gap=GAP),
            machine,
            "other times of these machines",
        ),
        "time, by machine": (
            SeriesTimeSplit(N_SPLITS, gap=GAP),
            machine,
            "the future of these machines",
        ),
        "time, all as one series": (
            SeriesTimeSplit(N_SPLITS, gap=GAP),
            one_series,
            "mostly machines not seen before",
        ),
    }


def measure(seed):
    """Average precision of every fold, and rows shared, for each split and model."""
    X, y, machine = table(seed)
    for split, (cv, groups, _) in splitters(machine, seed).items():
        for name, model in models(seed).items():
            with warnings.catch_warnings():
                # Of folds whose threshold is not set on events: it does not count here.
                warnings.simplefilter("ignore", UserWarning)
                results = cross_validate_windows(
                    model,
                    X,
                    y,
                    groups=groups,
                    cv=cv,
                    scoring="average_precision",
                    error_score="raise",
                )
            scores, shared = results["test_score"], results["shared_rows"]
            yield split, name, scores.tolist(), int(shared.max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="number of tables")
    results = Path(__file__).parent / "results" / "leaks.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    where = environment("skseq", "scikit-learn", "numpy")
    print(", ".join(f"{key} {value}" for key, value in where.items()))

    start = time.perf_counter()
    figures = {}
    for seed in range(arguments.seeds):
        for split, name, scores, shared in measure(seed):
            cell = figures.setdefault(split, {"shared_rows": shared})
            cell.setdefault(name, []).extend(scores)
            print(f"{seed} {split}, {name}: {np.mean(scores):.3f}", flush=True)
    questions = splitters(np.zeros(1), 0)
    rows = [
        {
            "split": split,
            "rows shared": cell["shared_rows"],
            **{
                name: f"{np.mean(cell[name]):.2f} ± {np.std(cell[name]):.2f}"
                for name in models(0)
            },
            "question it answers": questions[split][2],
        }
        for split, cell in figures.items()
    ]
    print_table("Average precision (base rate 0.10), mean ± sd over folds", rows)
    print(f"\n{time.perf_counter() - start:.0f} s")
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
