# SPDX-License-Identifier: BSD-3-Clause
"""KerasAutoencoder: networks of one's own, and what SciKeras must not leave behind."""

import copy
import functools
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from skseq import EachTimeStep, KerasAutoencoder, SlidingWindow
from skseq.keras_networks._scikeras import import_scikeras
from skseq.networks._quiet import import_keras

keras = import_keras()
BaseWrapper = import_scikeras().BaseWrapper
layers = keras.layers


def build(meta, units=2, rate=0.0):
    _, n_timesteps, n_features = meta["X_shape_"]
    return keras.Sequential(
        [
            keras.Input((n_timesteps, n_features)),
            layers.Flatten(),
            *([layers.Dropout(rate)] if rate else []),
            layers.Dense(units, name="latent"),
            layers.Dense(n_timesteps * n_features),
            layers.Reshape((n_timesteps, n_features)),
        ]
    )


def build_recurrent(meta):
    _, n_timesteps, n_features = meta["X_shape_"]
    return keras.Sequential(
        [
            keras.Input((n_timesteps, n_features)),
            layers.LSTM(2, name="latent"),
            layers.RepeatVector(n_timesteps),
            layers.LSTM(2, return_sequences=True),
            layers.TimeDistributed(layers.Dense(n_features)),
        ]
    )


def build_skip(meta):
    inputs = keras.Input(meta["X_shape_"][1:])
    latent = layers.Dense(2, name="latent")(layers.Flatten()(inputs))
    decoded = layers.RepeatVector(inputs.shape[1])(latent)
    decoded = layers.Dense(inputs.shape[2])(decoded)
    return keras.Model(inputs, layers.Add()([inputs, decoded]))


class Doubled(layers.Layer):
    """A layer that Keras was not told of."""

    def call(self, inputs):
        return 2 * inputs


def build_custom(meta):
    return keras.Sequential([Doubled(), *build(meta).layers])


def build_flat(meta):
    return keras.Sequential(build(meta).layers[:-1])


def build_latent_sequence(meta):
    return keras.Sequential(
        [*build(meta).layers[:-1], layers.Reshape((4, 2), name="s")]
    )


def wrap(function=build, **params):
    defaults = {
        "loss": "mse",
        "optimizer": "adam",
        "verbose": 0,
        "random_state": 0,
        "batch_size": 40,  # all of X
        # Tracing would take most of the time of so small a fit.
        "run_eagerly": True,
    }
    return BaseWrapper(function, **{**defaults, **params})


def autoencoder(function=build, latent_layer="latent", **params):
    return KerasAutoencoder(wrap(function, **params), latent_layer=latent_layer)


def pickled(estimator):
    return pickle.loads(pickle.dumps(estimator))


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(40, 4, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def fitted(X):
    return autoencoder().fit(X)


@pytest.fixture(scope="module")
def with_objects(X):
    """Fitted, once each, with an optimiser and a callback among its parameters."""

    @functools.cache
    def fit(function):
        return autoencoder(
            function,
            optimizer=keras.optimizers.Adam(0.01),
            callbacks=[keras.callbacks.EarlyStopping(monitor="loss")],
        ).fit(X)

    return fit


# One batch, and an optimiser without moments of each weight: so many fits take long.
CHECKED = autoencoder(batch_size=256, optimizer="sgd", optimizer__learning_rate=1e-4)
REPEATED = pytest.mark.xfail(reason="offset_ is of so many sequences, repeated or not")


# Not by parametrize_with_checks: it names tests by the address of ``build``, and the
# processes of a parallel run would not agree on them.
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(
            estimator,
            check,
            id=check.func.__name__,
            marks=[REPEATED] if "weight_equivalence" in check.func.__name__ else [],
        )
        for estimator, check in estimator_checks_generator(CHECKED)
    ],
)
def test_estimator_passes_the_checks_of_sklearn(estimator, check):
    check(estimator)


# What it computes.


def test_outputs_are_those_of_the_network(X, fitted):
    expected = fitted.model_(X).numpy()
    np.testing.assert_allclose(fitted.reconstruct(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        fitted.reconstruction_error(X), ((X - expected) ** 2).mean((1, 2)), rtol=1e-4
    )
    latent = fitted.transform(X)
    weights, bias = fitted.model_.get_layer("latent").get_weights()
    np.testing.assert_allclose(latent, X.reshape(40, -1) @ weights + bias, atol=1e-5)
    decoded = fitted.inverse_transform(latent)
    np.testing.assert_allclose(decoded, expected, rtol=1e-5, atol=1e-6)


def test_what_runs_eagerly_does_so_in_its_parts(fitted):
    assert fitted.encoder_.run_eagerly
    assert fitted.decoder_.run_eagerly


def test_training_lowers_the_error_as_in_keras_itself(X):
    ae = autoencoder(epochs=8, optimizer__learning_rate=0.05, run_eagerly=False)
    ae.fit(X)
    assert not ae.encoder_.run_eagerly
    assert len(ae.loss_curve_) == 8
    assert ae.loss_curve_[-1] < 0.8 * ae.loss_curve_[0]
    assert -ae.score(X) == pytest.approx(ae.loss_curve_[-1], rel=0.1)


def test_contamination_is_the_share_of_training_outliers(X):
    ae = KerasAutoencoder(wrap(), contamination=0.25)
    assert np.mean(ae.fit_predict(X) == -1) == 0.25


def test_a_recurrent_network_needs_no_reshape(X, with_objects):
    ae = with_objects(build_recurrent)
    assert ae.transform(X).shape == (40, 2)
    assert ae.inverse_transform(ae.transform(X)).shape == X.shape
    assert ae.set_output(transform="default").get_feature_names_out()[1].endswith("1")


def test_a_wrapped_regressor_will_do(X):
    regressor = import_scikeras().KerasRegressor(
        build, loss="mse", verbose=0, run_eagerly=True
    )
    assert KerasAutoencoder(regressor).fit(X).transform(X).shape == (40, 2)


# What is missing.


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "log_cosh"])
def test_missing_targets_give_no_loss_and_no_gradient(X, loss):
    holes = X.copy()
    holes[:, 0] = np.nan  # padding
    holes[:, 2, 1] = np.nan
    ae = autoencoder(loss=loss, metrics=["mae"], epochs=2).fit(holes)
    assert np.isfinite(ae.loss_curve_).all()
    assert np.isfinite(ae.estimator_.history_["mean_absolute_error"]).all()
    # The biases of the last layer start at 0, and those of no target stay there.
    bias = ae.model_.layers[-2].get_weights()[1].reshape(4, 2)
    moved = np.ones((4, 2), dtype=bool)
    moved[0] = moved[2, 1] = False
    np.testing.assert_array_equal(bias != 0, moved)


def test_missing_cells_have_no_part_in_the_score(X, fitted):
    holes = X.copy()
    holes[:, 1, 0] = np.nan
    filled = np.where(np.isnan(holes), fitted.feature_means_, holes)
    squared = (holes - fitted.model_(filled).numpy()) ** 2
    np.testing.assert_allclose(
        fitted.reconstruction_error(holes), np.nanmean(squared, axis=(1, 2)), rtol=1e-4
    )


def test_a_loss_that_is_not_finite_is_an_error(X):
    ae = autoencoder(optimizer="sgd", optimizer__learning_rate=1e30, epochs=2)
    with pytest.raises(ValueError, match="did not stay finite"):
        ae.fit(X)
    assert not hasattr(ae, "estimator_")


# The network.


def test_a_missing_latent_layer_is_an_error_that_lists_the_layers(X):
    with pytest.raises(ValueError, match=r"no layer named 'code'.*'latent'"):
        autoencoder(latent_layer="code").fit(X)


def test_a_latent_sequence_is_an_error(X):
    with pytest.raises(ValueError, match=r"one vector for each sequence.*\(None, 4, 2"):
        autoencoder(build_latent_sequence, latent_layer="s").fit(X)


def test_another_output_shape_is_an_error(X):
    with pytest.raises(ValueError, match=r"\(None, 4, 2\) of its input.*\(None, 8\)"):
        autoencoder(build_flat).fit(X)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras, as it is copied
def test_a_bare_model_is_wrapped_and_trained_from_its_weights_on(X, monkeypatch):
    monkeypatch.setattr("skseq.keras_networks._autoencoder._EPOCHS", 2)
    model = build({"X_shape_": X.shape})
    model.compile("sgd", "mae", run_eagerly=True)
    before = [array.copy() for array in model.get_weights()]
    ae = KerasAutoencoder(model).fit(X)
    trained = ae.model_.get_weights()
    for old, own, new in zip(before, model.get_weights(), trained, strict=True):
        np.testing.assert_array_equal(own, old)  # a copy is trained
        assert 0 < np.abs(new - old).max() < 0.1
    assert ae.model_.loss == "mae"
    # Not by its name, which counts those of the process.
    assert isinstance(ae.model_.optimizer, keras.optimizers.SGD)
    assert len(ae.loss_curve_) == 2
    np.testing.assert_allclose(pickled(ae).transform(X), ae.transform(X), rtol=1e-5)
    assert isinstance(clone(ae).estimator, keras.Model)


def test_what_is_no_wrapper_is_an_error(X):
    class Duck(LogisticRegression):
        def initialize(self):
            raise AssertionError

    with pytest.raises(TypeError, match=r"must be a scikeras.wrappers.BaseWrapper"):
        KerasAutoencoder(Duck()).fit(X)


def test_a_connection_past_the_latent_layer_leaves_no_inverse(X, with_objects):
    assert hasattr(autoencoder(build_skip), "inverse_transform")
    ae = with_objects(build_skip)
    assert ae.transform(X).shape == (40, 2)
    with pytest.raises(AttributeError, match="inverse_transform"):
        ae.inverse_transform(ae.transform(X))
    assert not hasattr(ae, "decoder_")


# Parameters, pipelines, copies.


def test_parameters_route_as_in_scikeras(X):
    ae = autoencoder(
        callbacks=keras.callbacks.EarlyStopping,
        callbacks__monitor="loss",
        callbacks__patience=1,
        callbacks__min_delta=1e6,
        epochs=9,
    )
    ae.set_params(estimator__model__units=3, estimator__optimizer__learning_rate=0.5)
    assert ae.get_params()["estimator__model__units"] == 3
    ae.fit(X)
    assert ae.transform(X).shape == (40, 3)
    assert float(ae.model_.optimizer.learning_rate.numpy()) == 0.5
    assert len(ae.loss_curve_) == 2
    assert not hasattr(ae.estimator, "model_")
    assert pickled(ae).transform(X).shape == (40, 3)


def test_works_in_a_search_over_a_pipeline_of_windows(table):
    rows, y = table
    pipe = make_pipeline(
        SlidingWindow(3),
        EachTimeStep(StandardScaler()),
        autoencoder(batch_size=256),
        LogisticRegression(),
    )
    name = "kerasautoencoder__estimator__model__units"
    search = GridSearchCV(pipe, {name: [1, 3]}, cv=2, error_score="raise")
    search.fit(rows, y)
    ae = search.best_estimator_[-2]
    assert ae._n_features_out == search.best_params_[name]
    assert len(search.predict(rows)) == len(rows)


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled], ids=["copy", "pickle"])
@pytest.mark.parametrize("function", [build, build_recurrent, build_skip, build_custom])
def test_copies_of_a_fitted_estimator_give_the_same(X, with_objects, function, copied):
    ae = with_objects(function)
    other = copied(ae)
    np.testing.assert_allclose(other.transform(X), ae.transform(X), rtol=1e-6)
    np.testing.assert_allclose(other.score_samples(X), ae.score_samples(X), rtol=1e-5)
    assert hasattr(other, "decoder_") == hasattr(ae, "decoder_")
    assert other.model_ is other.estimator_.model_
    assert not hasattr(clone(other), "estimator_")


def test_a_seed_fixes_the_result(X):
    def weights(random_state):
        ae = autoencoder(random_state=random_state, model__rate=0.2, batch_size=20)
        return np.concatenate([w.ravel() for w in ae.fit(X).model_.get_weights()])

    first, one = weights(0), weights(np.random.RandomState(5))
    np.testing.assert_array_equal(weights(0), first)
    np.testing.assert_array_equal(weights(np.random.RandomState(5)), one)
    for other in (weights(1), weights(np.random.RandomState(6))):
        assert not np.array_equal(other, first)
        assert not np.array_equal(other, one)
