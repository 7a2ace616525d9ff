# SPDX-License-Identifier: BSD-3-Clause
"""A program that starts all kinds of workers, and loads Keras while they are there.

One for all of ``test_workers.py``, which reads what it says of its parts, as loading
Keras takes longer than all it does here: what workers do before Keras was loaded, what
this process does as it loads Keras and SciKeras, and what forks do after that.

A process that is spawned imports this file: what others need is imported by them.
"""

import io
import json
import multiprocessing
import os
import pickle
import sys
import warnings

import numpy as np

from skseq import LSTMAutoencoder

X = np.random.default_rng(0).normal(size=(40, 5, 2)).astype("float32")
LARGE = np.random.default_rng(0).normal(size=(400, 10, 8))


# --- of a worker: the most threads in a fit more than before, and of BLAS -------------


class Count:
    most = 0

    def begin(self, *about):
        pass

    def advance(self, *about):
        self.most = max(self.most, count())

    def validated(self, loss):
        pass

    def end(self):
        pass


def count():
    return len(os.listdir("/proc/self/task"))


def threads():
    from threadpoolctl import threadpool_info

    from skseq.training._reports import watched_by

    ae = LSTMAutoencoder(16, max_epochs=2, engine="native")
    before, watcher = count(), Count()
    with watched_by(watcher):
        ae.fit(LARGE).score_samples(LARGE)
    of_blas = max(library["num_threads"] for library in threadpool_info())
    return max(watcher.most, count()) - before, of_blas


def by_loky(tasks):
    import joblib

    # One setting, so that the same two processes are at work all the time.
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        return joblib.Parallel()(tasks)


# --- the native engine in all kinds of workers ----------------------------------------


def fit_and_score(seed):
    ae = LSTMAutoencoder(3, max_epochs=1, engine="native", random_state=seed)
    ae = pickle.loads(pickle.dumps(ae.fit(X)))
    ae.predict(X), ae.inverse_transform(ae.transform(X))
    return ae.score_samples(X)


def scores(backend):
    from joblib import Parallel, delayed

    if backend in ("fork", "spawn"):
        with multiprocessing.get_context(backend).Pool(1) as pool:
            return pool.map(fit_and_score, range(3))
    tasks = map(delayed(fit_and_score), range(3))
    return by_loky(tasks) if backend == "loky" else Parallel(2, backend)(tasks)


def same_in(*backends):
    alone = [fit_and_score(seed) for seed in range(3)]
    return [b for b in backends if np.array_equal(scores(b), alone)]


# --- given to processes: windows with a missing cell, and a committee -----------------


def windows():
    from skseq import SlidingWindow

    table = np.random.default_rng(0).normal(size=(60, 2))
    table[7, 1] = np.nan
    return SlidingWindow(4).fit_transform(table)


def sums_of_windows():
    from joblib import delayed

    X = windows()
    sums = by_loky([delayed(np.nansum)(X[k::3]) for k in range(3)])
    return sums == [np.nansum(np.asarray(X)[k::3]) for k in range(3)]


def scores_of_committee(n_jobs):
    from joblib import parallel_config

    from skseq import DetectorCommittee, PCAAutoencoder

    members = [("pca", PCAAutoencoder(2)), ("lstm", LSTMAutoencoder(3, max_epochs=1))]
    with parallel_config("loky", inner_max_num_threads=1):
        committee = DetectorCommittee(members, n_jobs=n_jobs, random_state=0)
        return committee.fit(windows()).score_samples(windows()).tolist()


# --- callbacks of scikit-learn in a search --------------------------------------------


def search_of(last_step):
    """A search over two processes: two candidates on two folds."""
    from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
    from sklearn.pipeline import make_pipeline

    from skseq import SlidingWindow

    pipeline = make_pipeline(SlidingWindow(4), last_step)
    grid = {"slidingwindow__window_size": [4, 4]}
    cv = TimeSeriesSplit(2)
    return GridSearchCV(pipeline, grid, cv=cv, n_jobs=2, error_score="raise")


def bars_of(search, X, y):
    """What bars put on a terminal."""
    import rich.progress
    from joblib import parallel_config
    from rich.console import Console
    from sklearn import callback

    terminal = Console(file=io.StringIO(), width=200, force_terminal=True)
    rich.progress.get_console = lambda: terminal
    bar = callback.ProgressBar(max_propagation_depth=None)
    with parallel_config("loky", inner_max_num_threads=1):
        search.set_callbacks(bar).fit(X, y)
    return terminal.file.getvalue()


def searches():
    """Bars of a search for a detector and for a network; scores of its epochs."""
    try:
        from sklearn import callback
    except ImportError:  # experimental in 1.9
        return None
    from skseq import LSTMClassifier, RareEventClassifier

    table = np.random.default_rng(0).normal(size=(300, 2))
    y = np.arange(300) % 15 < 2
    table[y] += 2
    settings = {"max_epochs": 2, "early_stopping": False, "engine": "native"}
    network = LSTMAutoencoder(2, random_state=0, **settings)
    detector = RareEventClassifier(network, warn_on_overlap=False)
    monitor = callback.ScoringMonitor(scoring="accuracy")
    classifier = LSTMClassifier(2, random_state=0, **settings).set_callbacks(monitor)
    bars = [bars_of(search_of(step), table, y) for step in (detector, classifier)]
    told = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    return *bars, [row["accuracy"] for row in told]


# --- Keras and SciKeras, loaded for the first time ------------------------------------


def patch_of_scikeras(keras, folder):
    """What a pickle, which loads SciKeras, and a user who loads it do to Keras."""
    from skseq.keras_networks._scikeras import import_scikeras

    classes = (
        *(keras.Model, keras.losses.Loss, keras.metrics.Metric),
        keras.optimizers.Optimizer,
    )

    def methods():
        return [(cls.__reduce__, getattr(cls, "__deepcopy__", None)) for cls in classes]

    before = methods()
    X = np.load(f"{folder}/X.npy")
    with open(f"{folder}/ae.pkl", "rb") as file:
        ae = pickle.load(file)
    import_scikeras()
    said = {"as it was": methods() == before}
    said["scores"] = ae.score_samples(X).tolist()
    ae.fit(X)
    said["as it was after a fit"] = methods() == before

    for name in [name for name in sys.modules if name.startswith("scikeras")]:
        del sys.modules[name]
    import scikeras.wrappers  # noqa: F401

    patched = methods()
    import_scikeras()
    said["keeps its patch"] = methods() == patched != before
    return said


# What TensorFlow writes from inside an operation on some machines alone.
LINE = b"2026-01-02 03:04:05.678: E tensorflow/a.cc:1] oneDNN supports DT_BOOL\n"
TRACE = (
    b"E0000 00:00:1.5   77 cuda_platform.cc:52] cuInit failed\n"
    b"=== Source Location Trace: === \nexternal/xla/cuda_status.cc:50\n\n"
)


def loud(call, lines, kind):
    """A function that writes such lines by hand at the first call of each kind."""
    seen = set()

    def call_loudly(*args, **kwargs):
        if (which := kind(*args)) not in seen:
            seen.add(which)
            os.write(2, lines)
        return call(*args, **kwargs)

    return call_loudly


def make_loud(keras):
    def graph(model, batch, *_):
        return model, np.shape(batch[0])

    for name in ("train_on_batch", "predict_on_batch"):
        setattr(keras.Model, name, loud(getattr(keras.Model, name), LINE, graph))
    devices = keras.distribution
    devices.list_devices = loud(devices.list_devices, TRACE, lambda *_: "any")


def first_calls(keras):
    """A network of ours, and one of a user whose callback writes a line, too."""
    from skseq import KerasAutoencoder
    from skseq.keras_networks._scikeras import import_scikeras

    layers, X = keras.layers, np.load(f"{sys.argv[1]}/X.npy")[:20]

    class Loud(layers.Layer):
        def call(self, x):  # once for each graph that is traced
            os.write(2, LINE)
            return x

    class Bar(keras.callbacks.Callback):
        def on_train_batch_end(self, *_, **__):
            print("batch", file=sys.stderr)

    def build(meta):
        inputs = [keras.Input((4, 2)), Loud(), layers.Flatten()]
        latent = layers.Dense(2, name="latent")
        return keras.Sequential(
            [*inputs, latent, layers.Dense(8), layers.Reshape((4, 2))]
        )

    LSTMAutoencoder(2, max_epochs=1).fit(X)  # engine="auto" asks for a GPU
    ae = LSTMAutoencoder(2, engine="keras", max_epochs=1, random_state=0).fit(X)
    ae.score_samples(X[:1])
    ae.score_samples(X)
    ae.model_  # noqa: B018
    base = import_scikeras().BaseWrapper
    wrapper = base(build, loss="mse", callbacks=Bar, verbose=0)
    KerasAutoencoder(wrapper).fit(X).predict(X)
    return ae, X


# --- Keras in a fork ------------------------------------------------------------------


def refusal(task):
    method, arguments = task
    try:
        method(*arguments)
    except RuntimeError as error:
        return str(error)


def refusals(*tasks):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map(refusal, tasks)


def fit():
    LSTMAutoencoder(3, max_epochs=1, engine="keras").fit(X)


def make_model():
    return LSTMAutoencoder(3, max_epochs=1, engine="native").fit(X).model_


def refused_then_native(autoencoder, X):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        message = pool.apply(refusal, [(autoencoder.score_samples, [X])])
        # Told by the message: a fit with engine="native" goes on in a fork.
        autoencoder.set_params(engine="native").fit(X)
        there = pool.apply(autoencoder.score_samples, [X])
    return message, np.array_equal(there, autoencoder.score_samples(X))


def network(meta):
    import keras

    return keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(3, name="latent"),
            keras.layers.Dense(10),
            keras.layers.Reshape(X.shape[1:]),
        ]
    )


def classes(meta):
    import keras

    return keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def refused_wrappers():
    from scikeras.wrappers import BaseWrapper

    from skseq import KerasAutoencoder
    from skseq.keras_networks import KerasClassifier

    y = np.arange(40) % 2
    how = {"verbose": 0, "run_eagerly": True}  # sooner than to trace it
    autoencoder = KerasAutoencoder(BaseWrapper(network, loss="mse", **how)).fit(X)
    classifier = KerasClassifier(classes, loss="bce", **how).fit(X, y)
    return refusals(
        (autoencoder.fit, [X]),
        (autoencoder.score_samples, [X]),
        (autoencoder.transform, [X]),
        (classifier.fit, [X, y]),
        (classifier.predict, [X]),
    )


def without_keras():
    from joblib import delayed

    said = {}
    if sys.platform == "linux":
        said["threads"] = [*set(by_loky([delayed(threads)()] * 4))]
    said["windows"] = sums_of_windows()
    said["committees"] = [scores_of_committee(n_jobs) for n_jobs in (1, 2)]
    said["same"] = same_in("loky", "threading", "multiprocessing", "fork", "spawn")
    assert not {"keras", "tensorflow"} & set(sys.modules)
    return said


def main(folder):
    forks = sys.platform != "win32"
    said = without_keras() if forks else {}
    said["searches"] = searches()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from skseq.networks._quiet import import_keras

        keras = import_keras()
    if forks:
        # What a process does with Keras before it is forked need not be a fit.
        said["loaded"] = refusals((fit, []), (make_model, []))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said |= patch_of_scikeras(keras, folder)
        make_loud(keras)
        fitted = first_calls(keras)
    if forks:
        # A process that is spawned knows nothing of it.
        said["same after"] = same_in("loky", "threading", "multiprocessing", "fork")
        said["refused"], said["native"] = refused_then_native(*fitted)
        said["wrappers"] = refused_wrappers()
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1])
