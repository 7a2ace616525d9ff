# SPDX-License-Identifier: BSD-3-Clause
"""SciKeras's classifier as the last step of a pipeline of windows."""

import pickle
from copy import copy

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skseq import EachTimeStep, SlidingWindow
from skseq.keras_networks._classifier import KerasClassifier
from skseq.networks._quiet import import_keras

keras = import_keras()


def build(meta, units=4):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="tanh"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def classifier(**params):
    return KerasClassifier(
        build,
        **{
            "loss": "binary_crossentropy",
            "optimizer": "adam",
            "optimizer__learning_rate": 0.05,
            "epochs": 5,
            "verbose": 0,
            "random_state": 0,
            # Tracing would take most of the time of so small a fit.
            "run_eagerly": True,
            **params,
        },
    )


def windows(table):
    X, y = table
    return SlidingWindow(3).fit_transform(X), y


@pytest.fixture(scope="module")
def fitted(table):
    return classifier(epochs=1, batch_size=300).fit(*windows(table))


def test_sklearn_takes_it_for_a_classifier():
    assert is_classifier(classifier())
    assert get_tags(classifier()).target_tags.required


def test_a_rare_event_pipeline_is_cross_validated(table):
    X, y = table
    pipe = make_pipeline(
        SlidingWindow(3),
        EachTimeStep(StandardScaler()),
        # Of many steps, which pay for the tracing; all of one size.
        classifier(run_eagerly=False, batch_size=30),
    )
    scoring = ["average_precision", "roc_auc"]
    # An integer cv finds events in each fold because it is stratified.
    found = cross_validate(pipe, X, y, cv=2, scoring=scoring, error_score="raise")
    for name in scoring:
        assert found[f"test_{name}"].min() > 0.8


def test_routed_parameters_are_searched(table):
    X, y = windows(table)
    search = GridSearchCV(
        classifier(epochs=1, batch_size=300),
        {"model__units": [2, 3]},
        cv=2,
        scoring="roc_auc",
    ).fit(X, y)
    units = search.best_params_["model__units"]
    assert search.best_estimator_.model_.layers[1].units == units


def test_windows_and_their_array_give_the_same(table):
    X, y = (part[2:] for part in windows(table))  # Complete windows.
    lazy = classifier(epochs=1, batch_size=300).fit(X, y)
    dense = classifier(epochs=1, batch_size=300).fit(np.asarray(X), y)
    expected = dense.predict_proba(np.asarray(X))
    np.testing.assert_array_equal(lazy.predict_proba(X), expected)
    assert lazy.n_features_in_ == 2
    assert lazy.sequence_shape_ == (3, 2)


def test_missing_cells_are_read_as_the_training_means(table, fitted):
    X, _ = windows(table)
    holes = np.asarray(X[5:6]).copy()
    holes[0, 1, 0] = np.nan
    filled = np.where(np.isnan(holes), fitted.feature_means_, holes)
    expected = fitted.predict_proba(filled)
    np.testing.assert_array_equal(fitted.predict_proba(holes), expected)
    assert expected.shape == (1, 2)
    assert fitted.predict(holes).shape == (1,)


def test_a_window_without_data_is_not_judged(table, fitted):
    X, _ = windows(table)
    holes = np.asarray(X[5:8]).copy()
    expected = fitted.predict_proba(holes)
    holes[1] = np.nan
    probabilities = fitted.predict_proba(holes)
    assert np.isnan(probabilities[1]).all()
    np.testing.assert_allclose(probabilities[::2], expected[::2], rtol=1e-5)
    with pytest.warns(UserWarning, match="1 of 3 sequence.* get the label .*0"):
        labels = fitted.predict(holes)
    assert labels[1] == fitted.classes_[0]
    np.testing.assert_array_equal(labels[::2], fitted.predict(np.asarray(X[5:8]))[::2])


def test_a_table_stays_a_table(table):
    X, y = table
    fitted = classifier(epochs=1, batch_size=300).fit(X, y)
    assert fitted.model_.input_shape == (None, 2)
    assert fitted.predict_proba(X).shape == (300, 2)


def test_other_sequences_than_those_of_the_fit_are_an_error(fitted):
    with pytest.raises(ValueError, match="step"):
        fitted.predict(np.zeros((2, 4, 2)))


def test_a_pickle_predicts_the_same(table):
    X, y = windows(table)
    settings = {"class_weight": "balanced", "run_eagerly": False, "batch_size": 30}
    fitted = classifier(**settings).fit(X, y)
    loaded = pickle.loads(pickle.dumps(fitted))
    expected = fitted.predict_proba(X)
    np.testing.assert_allclose(loaded.predict_proba(X), expected, rtol=1e-5)
    assert average_precision_score(y, expected[:, 1]) > 0.8
    assert not clone(loaded).initialized_


def test_a_shallow_copy_predicts_with_the_same_network(table):
    X, y = windows(table)
    fitted = classifier(epochs=1, batch_size=300).fit(X, y)
    twin = copy(fitted)
    assert twin.model_ is fitted.model_
    np.testing.assert_array_equal(twin.predict(X), fitted.predict(X))
