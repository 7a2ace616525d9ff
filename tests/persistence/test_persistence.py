# SPDX-License-Identifier: BSD-3-Clause
"""What is saved is what is loaded."""

import inspect
import json
import os
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import OneClassSVM

import skseq
from skseq import (
    EachTimeStep,
    LSTMAutoencoder,
    LSTMClassifier,
    LSTMRegressor,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
)
from skseq.persistence import FileFormatError, load, save
from skseq.persistence._classes import class_named
from skseq.persistence._save import from_bytes, to_bytes

TREE = "sklearn.tree._tree.Tree"
SMALL = {"hidden_layer_sizes": (4, 3), "max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def sequences():
    X = np.random.default_rng(0).normal(size=(60, 6, 2)).astype(np.float32)
    X[3, :2] = X[5, 2, 1] = np.nan
    return X


@pytest.fixture(scope="module")
def events(table):
    X, y = table
    return X, np.where(y, "event", "calm")


def loaded(estimator, **options):
    return from_bytes(to_bytes(estimator, **options), **options)


def same(a, b):
    """Equal to the last bit, of one type."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize(
    "detector",
    [
        PCAAutoencoder(3, score_on="last"),
        PCAAutoencoder(),
        LSTMAutoencoder(**SMALL),
        LSTMAutoencoder(**SMALL, error="mahalanobis", add_missing_indicator=True),
        ResidualAutoencoder(LSTMAutoencoder(**SMALL)),
        ResidualAutoencoder(
            LSTMAutoencoder(**SMALL, add_missing_indicator=True),
            n_components=2,
            refit=False,
        ),
    ],
    ids=repr,
)
def test_a_loaded_autoencoder_scores_the_same(detector, sequences):
    detector.fit(sequences)
    copy = loaded(detector)
    assert same(copy.score_samples(sequences), detector.score_samples(sequences))
    assert same(copy.transform(sequences), detector.transform(sequences))
    assert same(copy.predict(sequences), detector.predict(sequences))


@pytest.mark.filterwarnings("ignore")  # of so few sequences
def test_a_rule_of_few_steps_is_loaded_the_same():
    X = np.random.default_rng(0).normal(size=(6, 2, 30)).astype(np.float32)
    detector = PCAAutoencoder(2, error="mahalanobis").fit(X)
    assert detector.error_rule_.factors.shape[1] == 30
    assert same(loaded(detector).score_samples(X), detector.score_samples(X))
    factors = detector.error_rule_.factors[:, 1:]
    detector.error_rule_ = detector.error_rule_._replace(factors=factors)
    with pytest.raises(
        FileFormatError, match="the factors of error_rule_ has the shape"
    ):
        loaded(detector)


def test_a_loaded_autoencoder_goes_on_training_the_same(sequences):
    detector = LSTMAutoencoder(**SMALL, warm_start=True).fit(sequences)
    copy = loaded(detector).partial_fit(sequences)
    detector.partial_fit(sequences)
    assert all(map(same, copy.weights_, detector.weights_))
    assert same(copy.score_samples(sequences), detector.score_samples(sequences))


@pytest.mark.parametrize("labels", ["abc", [1, 5, 9], [False, True]], ids=str)
def test_a_loaded_classifier_predicts_the_same(labels, sequences):
    y = np.array([*labels])[np.arange(len(sequences)) % len(labels)]
    weights = {y[0].item(): 2.0}
    classifier = LSTMClassifier(**SMALL, class_weight=weights).fit(sequences, y)
    copy = loaded(classifier)
    assert copy.class_weight == weights
    assert same(copy.predict(sequences), classifier.predict(sequences))
    assert same(copy.predict_proba(sequences), classifier.predict_proba(sequences))


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_loaded_regressor_predicts_the_same(n_outputs, sequences):
    y = np.nan_to_num(sequences[:, -1, :n_outputs]).squeeze()
    regressor = LSTMRegressor(**SMALL).fit(sequences, y)
    assert same(loaded(regressor).predict(sequences), regressor.predict(sequences))


@pytest.mark.parametrize(
    ("detector", "trusted"),
    [
        (PCAAutoencoder(4), ()),
        (OneClassSVM(), ("sklearn.svm._classes.OneClassSVM",)),
        (make_pipeline(EachTimeStep(StandardScaler()), PCAAutoencoder(4)), ()),
        (IsolationForest(n_estimators=3, random_state=0), (TREE,)),
    ],
    ids=repr,
)
def test_a_loaded_pipeline_decides_the_same(detector, trusted, events):
    X, y = events
    steps = [
        StandardScaler(),
        SlidingWindow(5),
        EachTimeStep(make_pipeline(SimpleImputer(), PCA(2))),
        RareEventClassifier(detector, threshold=("quantile", 0.9)),
    ]
    pipeline = make_pipeline(*steps).fit(X, y)
    copy = loaded(pipeline, trusted=trusted)
    assert [*copy.named_steps] == [*pipeline.named_steps]
    assert same(copy.predict_proba(X), pipeline.predict_proba(X))
    assert same(copy.predict(X), pipeline.predict(X))


@pytest.mark.parametrize(
    "as_names",
    [
        list,
        pd.Categorical,
        lambda ids: [ord(i) for i in ids],
        lambda ids: (
            pd.Timestamp("2024-01-01", tz="Europe/Berlin")
            + pd.to_timedelta([ord(i) for i in ids], "D")
        ),
        lambda ids: pd.array([ord(i) for i in ids], dtype="Int64"),
    ],
    ids=["str", "categories", "int", "datetimes with a zone", "nullable int"],
)
@pytest.mark.parametrize("columns", ["sensor_id", ["sensor_id", "site"]], ids=str)
def test_a_loaded_sliding_window_continues_from_the_training_rows(
    as_names, columns, sensors
):
    frame = sensors[0].assign(site=1)
    frame = frame.assign(sensor_id=as_names([*frame["sensor_id"]]))
    slider = SlidingWindow(
        "5min", group_by=columns, time="timestamp", max_steps=4, add_time_delta=True
    )
    slider.fit(frame[["sensor_id", "site", "timestamp", "flow"]][:200])
    later = frame[slider.feature_names_in_][200:]
    expected, windows = slider.transform(later), loaded(slider).transform(later)
    assert same(np.asarray(windows), np.asarray(expected))
    assert [*windows.feature_names] == [*expected.feature_names]


@pytest.mark.parametrize(
    "value",
    [
        timedelta(minutes=5, microseconds=1),
        np.timedelta64(5, "m"),
        pd.Timedelta("5min 3ns"),
        "5min",
        2.5,
        # The second 02:30 of a day that has two.
        pd.Timestamp("2024-10-27 01:30", tz="UTC").tz_convert("Europe/Berlin"),
        np.float32(0.1),
        np.str_("a"),
        np.datetime64("2024-01-01T00:00:01"),
    ],
    ids=repr,
)
def test_a_value_keeps_its_type(value):
    estimator = PCAAutoencoder()
    estimator.note = value
    copy = loaded(estimator)
    assert type(copy.note) is type(value)
    assert copy.note == value


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, -0.0, 1e-320, True, 10**30])
def test_every_number_is_kept(value):
    estimator = PCAAutoencoder()
    estimator.note = [value, (value, {1: value, None: "a"})]
    note = loaded(estimator).note
    assert repr(note) == repr(estimator.note)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24).reshape(2, 3, 4)[:, ::2],
        np.array(3.0),
        np.zeros((0, 3)),
        np.array(["a", "äöü"]),
        np.zeros((2, 0), "U3"),
        np.array(["a", None, 3], dtype=object),
        np.array(["2024-01-01", "NaT"], "M8[D]"),
        np.array([[1, 2]], "m8[ns]"),
        np.array([True, False]),
        np.float16([1.5, np.nan]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_an_array_keeps_its_type_and_its_order_in_memory(array):
    estimator = PCAAutoencoder()
    estimator.note = array
    note = loaded(estimator).note
    np.testing.assert_array_equal(note, array)
    assert note.dtype == array.dtype
    assert note.flags.writeable
    contiguous = array.flags.c_contiguous or array.flags.f_contiguous
    assert not contiguous or note.strides == array.strides


def test_a_random_state_goes_on_where_it_was():
    detector = LSTMAutoencoder(random_state=np.random.RandomState(7))
    detector.random_state.rand(5)
    copy = loaded(detector)
    assert copy.random_state.rand() == detector.random_state.rand()


def test_a_checkpoint_is_not_carried_to_another_machine():
    detector = LSTMAutoencoder(checkpoint=Path("a.b"))
    assert loaded(detector).checkpoint is None
    nested = make_pipeline(SlidingWindow(), RareEventClassifier(detector))
    assert loaded(nested)[-1].detector.checkpoint is None
    assert detector.checkpoint == Path("a.b")


def test_a_callback_is_not_saved(sequences):
    callback = pytest.importorskip("sklearn.callback")
    detector = PCAAutoencoder(2).set_callbacks(callback.ProgressBar())
    copy = loaded(detector)
    assert not hasattr(copy, "_skl_callbacks")
    assert hasattr(detector, "_skl_callbacks")


def test_the_same_estimator_gives_the_same_file(sequences):
    detector = PCAAutoencoder(2).fit(sequences)
    assert bytes(to_bytes(detector)) == bytes(to_bytes(loaded(detector)))


def test_the_file_is_a_zip_of_json_and_safetensors(tmp_path, sequences):
    from safetensors.numpy import load as load_arrays

    path = tmp_path / "detector.skseq"
    detector = PCAAutoencoder(2).fit(sequences)
    save(detector, path)
    with ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        arrays = load_arrays(archive.read("arrays.safetensors"))
    assert manifest["format_version"] == 4
    assert manifest["versions"]["skseq"] == skseq.__version__
    assert same(arrays["PCAAutoencoder.mean_"], detector.mean_)


def test_every_estimator_can_be_saved_but_those_with_code_of_the_user():
    public = [getattr(skseq, name) for name in skseq.__all__]
    estimators = {
        value.__name__: value
        for value in public
        if inspect.isclass(value) and issubclass(value, BaseEstimator)
    }
    estimators.pop("KerasAutoencoder")
    assert all(class_named(name) is value for name, value in estimators.items())


def test_a_keras_network_of_ones_own_is_refused_with_the_remedy(tmp_path):
    estimator = make_pipeline(SlidingWindow(), skseq.KerasAutoencoder(None))
    with pytest.raises(TypeError, match=r"code of your own.*pickle.*model_\.save"):
        save(estimator, tmp_path / "x")
    assert not [*tmp_path.iterdir()]


class Derived(PCAAutoencoder):
    pass


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            LSTMAutoencoder(random_state=print),
            r"LSTMAutoencoder\.random_state is",
        ),
        (Pipeline([("a", Derived())]), r"steps\[0\]\[1\] is a .*Derived"),
        (
            EachTimeStep(FunctionTransformer(save)),
            r"EachTimeStep\.transformer.*skseq",
        ),
        (RareEventClassifier(threshold={1, 2}), r"RareEventClassifier\.threshold is a"),
    ],
    ids=["function", "subclass", "function within", "set"],
)
def test_what_a_file_without_code_cannot_hold_is_refused_by_name(
    estimator, message, tmp_path
):
    with pytest.raises(TypeError, match=message):
        save(estimator, tmp_path / "x")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("array", [np.zeros(2, np.complex128), np.zeros(2, "V3")])
def test_an_array_of_a_type_that_is_not_saved_is_refused(array):
    estimator = PCAAutoencoder()
    estimator.note = array
    with pytest.raises(TypeError, match=f"note, an array of .*{array.dtype.kind}"):
        to_bytes(estimator)


def test_a_type_that_could_crash_the_process_must_be_trusted_by_name(sequences):
    X = np.nan_to_num(sequences[:, 0])
    forest = IsolationForest(n_estimators=2, random_state=0).fit(X)
    with pytest.raises(TypeError, match=f"{TREE}.*'trusted'"):
        to_bytes(forest)
    content = to_bytes(forest, trusted=[TREE])
    with pytest.raises(ValueError, match=f"{TREE}.*'trusted'"):
        from_bytes(content)
    copy = from_bytes(content, trusted=[TREE])
    assert same(copy.score_samples(X), forest.score_samples(X))


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Pipeline([("a", SlidingWindow())], memory="cache"), "'memory' of a Pipeline"),
        (SlidingWindow(-1), "'window_size' parameter"),
    ],
    ids=["memory", "parameter"],
)
def test_what_could_not_be_loaded_is_not_saved(estimator, message, tmp_path):
    with pytest.raises(ValueError, match=f"cannot be saved.*{message}"):
        save(estimator, tmp_path / "x")
    assert not [*tmp_path.iterdir()]


def test_of_scikit_learns_own_only_a_pipeline_holds_estimators_of_skseq():
    search = GridSearchCV(SlidingWindow(), {"window_size": [2]})
    with pytest.raises(TypeError, match=r"SlidingWindow.*best_estimator_"):
        to_bytes(search)


@pytest.mark.parametrize(
    "call",
    [lambda p, t: save(SlidingWindow(), p, trusted=t), lambda p, t: load(p, trusted=t)],
    ids=["save", "load"],
)
def test_trusted_types_come_in_a_list(call, tmp_path):
    with pytest.raises(TypeError, match="'trusted' parameter"):
        call(tmp_path / "x", TREE)


def test_an_array_in_a_file_is_saved_as_an_array(tmp_path):
    estimator = PCAAutoencoder()
    estimator.note = np.memmap(tmp_path / "x", np.float32, "w+", shape=(2, 3))
    estimator.note[:] = 7
    assert type(loaded(estimator).note) is np.ndarray
    assert same(loaded(estimator).note, estimator.note)


def test_what_is_no_estimator_is_refused(tmp_path):
    with pytest.raises(TypeError, match="'estimator' parameter of save"):
        save(PCAAutoencoder, tmp_path / "x")


def test_saving_over_a_file_keeps_its_mode_and_a_link_to_it(tmp_path):
    path, link = tmp_path / "a.skseq", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("this system makes no links")
    save(SlidingWindow(3), link)
    assert link.is_symlink()
    assert load(path).window_size == 3
    assert os.name != "posix" or path.stat().st_mode & 0o777 == 0o640


# Keras gives NumPy its variables in a way that NumPy no longer likes.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_loads_the_saved_model(tmp_path, sequences):
    detector = LSTMAutoencoder(**SMALL).fit(sequences)
    X = sequences[10:]
    path = tmp_path / "network.keras"
    detector.model_.save(path)
    from keras.models import load_model

    expected = detector.reconstruct(X)
    outputs = load_model(path).predict(X, verbose=0)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
