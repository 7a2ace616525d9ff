# SPDX-License-Identifier: BSD-3-Clause
"""A grid search over layer sizes: LSTMAutoencoder, SciKeras, and MLPRegressor.

    python benchmarks/bench_grid_search.py [--repeats 3]
        [--scikeras-candidates 6] [--scikeras-folds 1]

Rows go through a scaler, windows, an autoencoder and a logistic regression on its
latent vectors, in 6 layer sizes x 5 folds, 10 epochs each, two jobs at once. SciKeras
takes minutes for all of it, so by default it runs every layer size on the first fold,
and LSTMAutoencoder is measured on the same part for the ratio, then on the whole. Every
search has a process of its own, and starts its two workers within its time.

For honesty, the same with scikit-learn alone: an MLPRegressor of these layers and their
mirror that learns to give flattened windows back, and the outputs of its narrowest
layer. ``--scikeras-candidates 0`` leaves SciKeras out.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
from _measure import environment, print_table, write_json
from _networks import MLPAutoencoder, scikeras_autoencoder, windows
from joblib.externals.loky import get_reusable_executor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

LAYER_SIZES = [(8,), (16,), (32,), (16, 8), (32, 16), (64, 32)]
WINDOW_SIZE = 10
BATCH_SIZE = 64
N_EPOCHS = 10


def table():
    """10,000 rows of 8 coupled sensors; 1 where the swing of late was wide."""
    rng = np.random.default_rng(0)
    drivers = np.sin(np.cumsum(rng.uniform(0, 0.6, (10_000, 3)), axis=0))
    X = drivers @ rng.normal(size=(3, 8)) + 0.2 * rng.normal(size=(10_000, 8))
    ends = np.lib.stride_tricks.sliding_window_view(
        np.pad(drivers[:, 0], (WINDOW_SIZE - 1, 0)), WINDOW_SIZE
    )
    swing = np.ptp(ends, axis=1)
    return X, (swing > np.quantile(swing, 0.8)).astype(int)


def native_pipeline():
    from skseq import LSTMAutoencoder, SlidingWindow

    autoencoder = LSTMAutoencoder(
        batch_size=BATCH_SIZE,
        max_epochs=N_EPOCHS,
        early_stopping=False,
        engine="native",
        random_state=0,
    )
    steps = StandardScaler(), SlidingWindow(WINDOW_SIZE), autoencoder
    return make_pipeline(
        *steps, LogisticRegression(max_iter=1000)
    ), "hidden_layer_sizes"


def scikeras_pipeline():
    autoencoder = scikeras_autoencoder(
        LAYER_SIZES[0], fit__batch_size=BATCH_SIZE, epochs=N_EPOCHS
    )
    steps = (
        StandardScaler(),
        FunctionTransformer(windows, kw_args={"size": WINDOW_SIZE}),
        autoencoder,
    )
    return make_pipeline(*steps, LogisticRegression(max_iter=1000)), "sizes"


def mlp_pipeline():
    steps = (
        StandardScaler(),
        FunctionTransformer(windows, kw_args={"size": WINDOW_SIZE}),
        MLPAutoencoder(batch_size=BATCH_SIZE, epochs=N_EPOCHS),
    )
    return make_pipeline(*steps, LogisticRegression(max_iter=1000)), "sizes"


def search(make_pipeline, n_candidates, n_folds):
    """Seconds, and the scores of shape (n_candidates, n_folds)."""
    X, y = table()
    pipeline, parameter = make_pipeline()
    name = f"{pipeline.steps[2][0]}__{parameter}"
    folds = list(StratifiedKFold(5).split(X, y))[:n_folds]
    grid_search = GridSearchCV(
        pipeline,
        {name: LAYER_SIZES[:n_candidates]},
        scoring="roc_auc",
        cv=folds,
        n_jobs=2,
        refit=False,
        error_score="raise",
    )
    start = time.perf_counter()
    grid_search.fit(X, y)
    seconds = time.perf_counter() - start
    # A process waits at its end for loky's workers, which wait for more work.
    get_reusable_executor().shutdown(wait=True)
    scores = [grid_search.cv_results_[f"split{k}_test_score"] for k in range(n_folds)]
    return seconds, np.transpose(scores)


def in_new_process(function, *arguments):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def scores_table(scores):
    print_table(
        "ROC AUC of each layer size: mean over the folds of each search",
        [
            {
                "layers": "-".join(map(str, sizes)),
                **{
                    name: f"{values[k].mean():.3f}" if k < len(values) else ""
                    for name, values in scores.items()
                },
            }
            for k, sizes in enumerate(LAYER_SIZES)
        ],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="of LSTMAutoencoder")
    parser.add_argument("--scikeras-candidates", type=int, default=len(LAYER_SIZES))
    parser.add_argument("--scikeras-folds", type=int, default=1)
    results = Path(__file__).parent / "results" / "grid_search.json"
    parser.add_argument("--json", type=Path, default=results)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    where = environment("skseq", "scikit-learn", "numpy", "keras", "scikeras")
    print(", ".join(f"{key} {value}" for key, value in where.items()))

    part = (
        arguments.scikeras_candidates or len(LAYER_SIZES),
        arguments.scikeras_folds,
    )
    whole = len(LAYER_SIZES), 5
    searches = {
        "LSTMAutoencoder": (native_pipeline, part, arguments.repeats),
        "MLPRegressor": (mlp_pipeline, part, arguments.repeats),
        "SciKeras": (scikeras_pipeline, part, 1),
        "LSTMAutoencoder, whole search": (native_pipeline, whole, arguments.repeats),
    }
    if part == whole:
        del searches["LSTMAutoencoder, whole search"]
    if not arguments.scikeras_candidates:
        del searches["SciKeras"]
    figures, scores, rows = {}, {}, []
    for name, (make, size, repeats) in searches.items():
        run = partial(in_new_process, search, make, *size)
        runs = [run() for _ in range(repeats)]
        seconds = [each for each, _ in runs]
        print(f"{name}: {seconds} s", flush=True)
        scores[name] = runs[0][1]
        figures[name] = {"seconds": seconds, "scores": scores[name].tolist()}
        rows.append(
            {
                "": name,
                "fits": f"{size[0]} sizes x {size[1]} folds",
                "seconds (range)": f"{median(seconds):.1f} "
                f"({min(seconds):.1f}-{max(seconds):.1f})",
            }
        )
    print_table(f"Grid search, {N_EPOCHS} epochs, n_jobs=2", rows)
    own = median(figures["LSTMAutoencoder"]["seconds"])
    for name in {"SciKeras", "MLPRegressor"} & figures.keys():
        ratio = median(figures[name]["seconds"]) / own
        print(f"\nOn the same fits, {name} takes {ratio:.1f} times the time.")
    scores_table(scores)
    write_json(arguments.json, where, figures)


if __name__ == "__main__":
    main()
