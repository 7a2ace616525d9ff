# SPDX-License-Identifier: BSD-3-Clause
"""What labels are good for: a committee, its members, XGBOD, and detectors alone.

    python benchmarks/bench_labels.py [--seeds 3] [--tables C-MAPSS] [--models ...]

Each table has a past with labelled events, on which everything is fitted, and a later
part, on which every figure is counted; all are standardised on normal rows of the past.
A row's score is that of the window of 10 rows that ends there, within its series.

Occupancy 1 and 2: the training table, and each of the two later ones; occupied is the
event (21% of the training rows, in stretches of hours).

C-MAPSS FD001: engines 1 to 70, and 71 to 100; the last 10 cycles of each are the event.
The columns that do not change are left out.

GECCO 2018, halves: rows with a missing value are left out, the rest is cut in half.

Generator: ``make_process_faults(20_000, fault_rate=...)``, seed 0; cut at 60%.

Detectors see the windows of the past that hold no event. "Found" is the share of the
events that are found at the lowest threshold with at most one false alarm in 1,440
rows, a day where there is a row a minute; it is chosen on the later part, as average
precision is a figure of all thresholds. Of what ``predict`` flags, by a threshold of
the past: "event F1" of the events and alarms, "false alarms" in 1,440 rows, and "false
rows", the share of normal rows that are flagged, of detectors at their nominal 1%.

"XGBOD's idea": boosted trees on the summary of each window with the scores of all
detectors beside it [1]_. "PyOD XGBOD": that of the package, on flattened windows, of
the past no more than 4,000 drawn at random, if it is installed (``pip install
skseq[bench]``): each of its nearest neighbours is looked for among all of these.

Every member is fitted once for the same windows, and shared by all rows of a table;
with ``--keep`` by later runs, too. "RareEventClassifier()" is as users get it: it fits
members of its own, each with its own seed, networks going on from their weights.
``--epochs`` makes networks train for less, where time is short. Figures are printed,
and written to ``--json``, as they come.

.. [1] Y. Zhao, M. K. Hryniewicki, "XGBOD: improving supervised outlier detection with
   unsupervised representation learning", IJCNN 2018.
"""

import argparse
import hashlib
import pickle
import warnings
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from _measure import cell, environment, print_table, write_json
from bench_accuracy import flatten
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    OutlierMixin,
    clone,
    is_classifier,
)
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    roc_auc_score,
)
from sklearn.preprocessing import StandardScaler

from skseq import (
    DetectorCommittee,
    MovingReference,
    RareEventClassifier,
    SlidingWindow,
    WindowSummary,
    datasets,
)
from skseq._detectors import fit_on_windows, score_windows
from skseq.committee import default_detectors
from skseq.detection._committee import default_members
from skseq.detection._event_thresholds import Watched
from skseq.detection._thresholds import choose_threshold
from skseq.metrics import event_precision_recall_fscore_support, false_alarm_rate

WINDOW_SIZE = 10
LARGEST_FOR_PYOD = 4_000
COLUMNS = {
    "ap": "average precision",
    "auc": "ROC AUC",
    "brier": "Brier score",
    "found": "found",
    "event_f1": "event F1",
    "alarms": "false alarms",
    "false": "false rows",
}


# --- tables ---------------------------------------------------------------------------


class Table:
    """A labelled past, and what comes later."""

    def __init__(self, rows, y, is_past, series=None, usual=None):
        """``usual`` flags normal rows to standardise on, and to fit detectors on."""
        y = np.asarray(y, dtype=bool)
        usual = ~y if usual is None else usual
        scaler = StandardScaler().fit(rows[is_past & usual])
        series = np.zeros(len(y), int) if series is None else series
        # Rows of the past and later ones share no window.
        series = np.unique(series * 2 + ~is_past, return_inverse=True)[1]
        table = np.column_stack([series, scaler.transform(rows)])
        windows = SlidingWindow(WINDOW_SIZE, group_by=0).fit_transform(table)
        self.past, self.y_past = windows[is_past], y[is_past]
        self.later, self.y = windows[~is_past], y[~is_past]
        self.groups = series[~is_past]
        holds_any = self.past.holds_any(~usual[is_past])
        self.normal = self.past[~holds_any]


def occupancy(folder, later):
    with np.load(folder / "occupancy.npz") as data:
        names = "X_train", f"X_{later}"
        rows = np.concatenate([data[name] for name in names])
        y = np.concatenate([data["y_train"], data[f"y_{later}"]])
        n_past = len(data["X_train"])
    return Table(rows, y, np.arange(len(y)) < n_past)


def cmapss(folder):
    with np.load(folder / "cmapss_fd001.npz") as data:
        rows, unit, cycle = data["X_train"], data["unit_train"], data["cycle_train"]
    left = pd.Series(cycle).groupby(unit).transform("max").to_numpy() - cycle
    rows = rows[:, rows.std(axis=0) > 1e-6]
    return Table(rows, left < 10, unit <= 70, unit, usual=left >= 100)


def gecco(folder):
    with np.load(folder / "gecco2018.npz") as data:
        rows, y = data["X"], data["y"]
    whole = ~np.isnan(rows).any(axis=1)
    rows, y = rows[whole], y[whole]
    return Table(rows, y, np.arange(len(y)) < len(y) // 2)


def generator(folder, rate):
    X, y = datasets.make_process_faults(20_000, fault_rate=rate, random_state=0)
    rows = X.drop(columns="timestamp").to_numpy()
    return Table(rows, y, np.arange(len(y)) < 12_000)


TABLES = {
    "occupancy 1": partial(occupancy, later="test"),
    "occupancy 2": partial(occupancy, later="test2"),
    "C-MAPSS": cmapss,
    "GECCO, halves": gecco,
    "generator, 5%": partial(generator, rate=0.05),
    "generator, 1.5%": partial(generator, rate=0.015),
    "generator, 0.5%": partial(generator, rate=0.005),
}


# --- members, each fitted once --------------------------------------------------------


def fingerprint(X):
    """Tell apart the sets of windows of one table, or of their summaries."""
    some = np.ascontiguousarray(np.asarray(X[:: max(1, len(X) // 64)]))
    return X.shape, hashlib.sha256(some.tobytes()).hexdigest()


class Once(BaseEstimator):
    """An estimator that is fitted, and asked, once for the same windows.

    ``key`` names the member, the table and the seed; ``random_state`` of what was
    fitted first stays.
    """

    kept: dict = {}
    epochs = None  # what --epochs says

    def __init__(self, estimator, key):
        self.estimator = estimator
        self.key = key

    def fit(self, X, y=None):
        self.place_ = self.key, fingerprint(X)
        self._get(self.place_, lambda: self._fitted(X, y))
        return self

    def _fitted(self, X, y):
        labels = () if y is None else (y,)
        return clone(self.estimator).fit(X, *labels)

    def _get(self, place, make):
        if place not in self.kept:
            self.kept[place] = make()
        return self.kept[place]

    def _ask(self, method, X):
        model = self.kept[self.place_]
        place = self.place_, method, fingerprint(X)
        return self._get(place, lambda: getattr(model, method)(X))


class OnceDetector(OutlierMixin, Once):
    def score_samples(self, X):
        return self._ask("score_samples", X)


class OnceClassifier(ClassifierMixin, Once):
    @property
    def classes_(self):
        return self.kept[self.place_].classes_

    def decision_function(self, X):
        return self._ask("decision_function", X)


def once(name, estimator, table, seed):
    if "random_state" in estimator.get_params():
        estimator = clone(estimator).set_params(random_state=seed)
    for parameter in estimator.get_params():
        if parameter.endswith("__random_state"):
            estimator.set_params(**{parameter: seed})
        if parameter.endswith("max_epochs") and Once.epochs is not None:
            estimator.set_params(**{parameter: Once.epochs})
    kind = OnceClassifier if is_classifier(estimator) else OnceDetector
    return kind(estimator, (name, table, seed))


OF_DETECTORS = [*dict(default_detectors())]
OF_CLASSIFIER = [*dict(default_members())]
EVERY = [*dict.fromkeys(OF_DETECTORS + OF_CLASSIFIER)]


@cache
def members(table, seed):
    """Those of the default committees, with and without labels, by name."""
    every = default_detectors() + default_members()
    return {name: once(name, member, table.name, seed) for name, member in every}


def chosen(names, table, seed):
    return [(name, members(table, seed)[name]) for name in names]


# --- models: each gives the scores, probabilities and flags of the later rows ---------


def classifier(table, seed, detector, **parameters):
    model = RareEventClassifier(detector, random_state=seed, **parameters)
    model.fit(table.past, table.y_past)
    probability = model.predict_proba(table.later)[:, 1]
    return model.decision_function(table.later), probability, model.predict(table.later)


def alone(table, seed, name):
    member = members(table, seed)[name]
    return classifier(
        table, seed, [(name, member)] if is_classifier(member) else member
    )


def committee(table, seed, without=None, **parameters):
    names = [name for name in OF_CLASSIFIER if name != without]
    return classifier(table, seed, chosen(names, table, seed), **parameters)


def detectors(table, seed, names=None, steady=True, strength=None):
    """Without labels, but for those that tell which windows are normal.

    ``steady`` for the default, where the network is in a moving reference; ``strength``
    for one around the whole committee.
    """
    given = dict(chosen(names or OF_DETECTORS, table, seed))
    for name, member in DetectorCommittee().get_params().items():
        if steady and name in given and isinstance(member, MovingReference):
            given[name] = member.set_params(detector=given[name])
    model = DetectorCommittee([*given.items()], random_state=seed)
    if strength is not None:
        model = MovingReference(model, strength=strength)
    model.fit(table.normal)
    score = -model.score_samples(table.later)
    return score, None, model.predict(table.later) == -1


def beside_scores(table, seed, windows):
    """Summaries of windows, and the scores of all detectors, fitted on normal ones."""
    summary = WindowSummary().fit(table.past).transform(windows)
    columns = [np.asarray(summary)]
    for _, member in chosen(OF_DETECTORS, table, seed):
        detector = clone(member)
        imputer = fit_on_windows(detector, table.normal)
        columns.append(score_windows(detector, imputer, windows)[:, np.newaxis])
    return np.hstack(columns)


def idea_of_xgbod(table, seed):
    model = HistGradientBoostingClassifier(max_iter=60, random_state=seed)
    model.fit(beside_scores(table, seed, table.past), table.y_past)
    probability = model.predict_proba(beside_scores(table, seed, table.later))[:, 1]
    return probability, probability, probability > 0.5


def pyod_xgbod(table, seed):
    from pyod.models.xgbod import XGBOD  # not of this package's own needs

    rng = np.random.default_rng(seed)
    n_rows = min(len(table.past), LARGEST_FOR_PYOD)
    rows = np.sort(rng.choice(len(table.past), n_rows, replace=False))
    model = XGBOD(random_state=seed)
    model.fit(flatten(table.past[rows]), table.y_past[rows].astype(int))
    probability = model.predict_proba(flatten(table.later))
    return probability, probability, probability > 0.5


RULES = [
    "event_f1",
    ("probability", 0.5),
    ("quantile", 0.99),
    ("quantile", 0.995),
    ("alarms_per", 1, 1440),
    ("event_cost", 1, 20),
]
MODELS = {
    **{f"{n} alone": partial(alone, name=n) for n in EVERY},
    "XGBOD's idea": idea_of_xgbod,
    "PyOD XGBOD": pyod_xgbod,
    "RareEventClassifier": committee,
    "RareEventClassifier()": partial(classifier, detector=None),
    **{f"... without {n}": partial(committee, without=n) for n in OF_CLASSIFIER},
    **{f"... threshold {rule}": partial(committee, threshold=rule) for rule in RULES},
    "ResidualAutoencoder, no labels": partial(detectors, names=["residual"]),
    "DetectorCommittee": detectors,
    "..., network without reference": partial(detectors, steady=False),
    "..., in MovingReference 0.5": partial(detectors, strength=0.5),
    "..., in MovingReference 1": partial(detectors, strength=1.0),
}


# --- measuring ------------------------------------------------------------------------


def share_found(table, score):
    """Share of the events that are found at one false alarm in 1,440 rows."""
    watched = Watched.of(table.later)
    threshold = choose_threshold(("alarms_per", [1, 1440]), table.y, score, watched)
    flags = score > threshold
    _, found, *_ = event_precision_recall_fscore_support(
        table.y, flags, groups=table.groups, zero_division=0.0
    )
    return found


def figures_of(table, score, probability, flags):
    brier = np.nan
    flags = np.asarray(flags, dtype=bool)
    in_series = {"groups": table.groups}
    *_, event_f1, _ = event_precision_recall_fscore_support(
        table.y, flags, zero_division=0.0, **in_series
    )
    if probability is not None:
        brier = brier_score_loss(table.y, probability)
    return {
        "ap": average_precision_score(table.y, score),
        "auc": roc_auc_score(table.y, score),
        "brier": brier,
        "found": share_found(table, score),
        "event_f1": event_f1,
        "alarms": false_alarm_rate(table.y, flags, per=1440, **in_series),
        "false": np.mean(flags[~table.y]),
    }


def measure(table, fit, seed):
    """Figures of a model, or why there are none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return figures_of(table, *fit(table, seed))
        except ImportError as error:
            return f"not installed: {error.name}"
        except ValueError as error:
            if "are classifiers alone" not in str(error):
                raise
            return "no event held out"


def measure_all(models, table, seed, keep):
    """Figures by model; what is fitted is kept in a file for runs to come."""
    Once.kept.clear()
    members.cache_clear()
    file = keep and keep / f"{table.name}, {Once.epochs} epochs, seed {seed}.pickle"
    if file and file.exists():
        Once.kept.update(pickle.loads(file.read_bytes()))
    n_known = len(Once.kept)
    told = {}
    for name in models:
        told[name] = measure(table, MODELS[name], seed)
        values = told[name]
        values = values.values() if isinstance(values, dict) else [values]
        cells = (v if isinstance(v, str) else f"{v:.3f}" for v in values)
        print(table.name, seed, name, *cells, sep=" | ", flush=True)
        if file and len(Once.kept) > n_known:
            n_known = len(Once.kept)
            file.write_bytes(pickle.dumps(Once.kept))
    return told


def row(name, runs):
    if isinstance(runs[0], str):
        return {"model": name, **dict.fromkeys(COLUMNS.values(), runs[0])}
    cells = {title: cell([run[key] for run in runs]) for key, title in COLUMNS.items()}
    return {"model": name, **cells}


def print_means(figures):
    """Each table's average precision, and the means of all figures over the tables."""
    measured = {
        (model, table): pd.DataFrame(runs).mean()
        for table, of_models in figures.items()
        for model, runs in of_models.items()
        if isinstance(runs[0], dict)
    }
    frame = pd.DataFrame(measured).T.round(3)
    for title, lines in (
        ("Average precision", frame["ap"].unstack(sort=False)),
        ("Means over the tables", frame.groupby(level=0, sort=False).mean().round(3)),
    ):
        rows = [{"model": name, **line} for name, line in lines.iterrows()]
        print_table(title, rows)


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="fits of each model")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=[*TABLES])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=[*MODELS])
    shared = here.parents[1] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder of the data")
    results = here / "results" / "labels.json"
    parser.add_argument("--json", type=Path, default=results)
    parser.add_argument("--epochs", type=int, help="of each network, at most")
    parser.add_argument("--keep", type=Path, help="folder for what is fitted")
    arguments = parser.parse_args()
    Once.epochs = arguments.epochs
    where = environment("skseq", "scikit-learn", "numpy")
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    figures = {
        name: {model: [] for model in arguments.models} for name in arguments.tables
    }
    for seed in range(arguments.seeds):
        for name, of_models in figures.items():
            table = TABLES[name](arguments.data)
            table.name = name
            told = measure_all(of_models, table, seed, arguments.keep)
            for model, run in told.items():
                of_models[model].append(run)
            write_json(arguments.json, where, figures)
    for name, of_models in figures.items():
        rows = [row(model, runs) for model, runs in of_models.items()]
        print_table(f"{name}, mean ± sd over {arguments.seeds} seeds", rows)
    print_means(figures)


if __name__ == "__main__":
    main()
