# SPDX-License-Identifier: BSD-3-Clause
"""What every estimator that holds a recurrent network does the same."""

import os
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._estimator import CallbackSupportMixin, DocumentationLinkMixin
from .._sklearn import Interval, RealNotInt, StrOptions
from .._validation import is_number
from ..engines._batches import feature_means
from ..engines._choose import choose_engine
from ..engines._network import FittedNetwork
from ..networks import Architecture
from ..rows._row_numbers import all_rows
from ..windowing._held_out import VALIDATION, hold_out
from ._loop import History, Settings
from ._plan import Plan

# What "auto" stands for. GECCO's figures are the same with 2,000 an epoch, but the
# chaotic process of bench_accuracy.py, whose dynamics a network learns, falls from 0.72
# average precision to 0.68 with 8,192 of its 11,000: it needs the steps.
_MAX_SAMPLES = 16_384


def _layer_sizes(hidden_layer_sizes, name):
    """Validate layer sizes: an int, or a non-empty sequence of them."""
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object))
    if (
        sizes.ndim != 1
        or not all(
            is_number(n, Integral) and not isinstance(n, bool) and n > 0 for n in sizes
        )
        or not len(sizes)
    ):
        raise ValueError(
            f"The 'hidden_layer_sizes' parameter of {name} must be a positive "
            f"int or a non-empty tuple of them. Got {hidden_layer_sizes!r} instead."
        )
    return tuple(int(n) for n in sizes)


def _n_drawn(max_samples, n_samples):
    """Sequences that an epoch sees at the most, of so many."""
    if max_samples == "auto":
        max_samples = _MAX_SAMPLES
    elif max_samples is None:
        max_samples = n_samples
    elif not isinstance(max_samples, Integral):
        max_samples = max(round(max_samples * n_samples), 1)
    return min(int(max_samples), n_samples)


class FittedNetworkMixin:
    """An estimator that is, when fitted, a network: its arrays, and Keras models.

    Its attributes are those of :func:`network_attributes`.
    """

    _warm_start = "warm_start"  # the parameter by which a fit goes on from the last one

    @property
    def model_(self):
        """The network as a Keras model, made when asked for."""
        return self._keras_models().model

    def set_weights_from(self, model):
        """Take over the weights of a Keras model, such as ``model_`` trained further.

        Nothing else changes: ``offset_``, and what the errors are compared with, are
        still those of the fit.

        Parameters
        ----------
        model : keras.Model
            A network of the layers of ``model_``.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If the weights are of other shapes, or not finite.
        """
        check_is_fitted(self)
        layers = [layer for layer in model.layers if layer.name != "line"]  # fitted
        arrays = [array for layer in layers for array in layer.get_weights()]
        weights = [np.array(array, dtype=np.float32) for array in arrays]
        given, own = (
            [array.shape for array in part] for part in (weights, self.weights_)
        )
        if given != own:
            raise ValueError(
                f"'model' must have the weights of model_, of the shapes {own}. Got "
                f"{given} instead."
            )
        if not all(np.isfinite(array).all() for array in weights):
            raise ValueError("'model' has weights that are not finite.")
        self.weights_ = weights
        self.__dict__.pop("_models", None)
        return self

    @property
    def _network(self):
        """What is fitted, as one thing."""
        return FittedNetwork(
            self.architecture_,
            self.weights_,
            self.feature_means_,
            getattr(self, "path_", None),
            self.engine_,
            self._n_threads,
            getattr(self, "is_context_", None),
        )

    def _keras_models(self):
        check_is_fitted(self)
        if "_models" not in self.__dict__:
            self._models = self._network.as_keras()
        return self._models

    def __getstate__(self):
        state = super().__getstate__()
        state.pop("_models", None)
        return state

    def __sklearn_is_fitted__(self):
        return hasattr(self, "weights_")


class SequenceNetwork(
    FittedNetworkMixin, CallbackSupportMixin, DocumentationLinkMixin, BaseEstimator
):
    """A recurrent network, its training, and its Keras models.

    A class that uses it has the parameters below, and makes a plan of what else its
    Architecture has.
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions({"tanh", "relu", "linear"})],
        "cell": [StrOptions({"lstm", "gru"})],
        "bidirectional": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "recurrent_dropout": [Interval(Real, 0, 1, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "input_noise": [Interval(Real, 0, None, closed="left")],
        "add_missing_indicator": ["boolean"],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "global_clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
            None,
        ],
        "early_stopping": ["boolean"],
        "refit": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "validation": VALIDATION,
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "engine": [StrOptions({"auto", "keras", "native"})],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
        "checkpoint": [str, os.PathLike, None],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hidden_layer_sizes,
        *,
        cell,
        bidirectional,
        activation,
        dropout,
        recurrent_dropout,
        l2,
        input_noise,
        add_missing_indicator,
        learning_rate,
        global_clipnorm,
        batch_size,
        max_epochs,
        max_samples,
        early_stopping,
        refit,
        validation_fraction,
        validation,
        n_iter_no_change,
        tol,
        engine,
        n_threads,
        checkpoint,
        warm_start,
        verbose,
        random_state,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.bidirectional = bidirectional
        self.activation = activation
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.l2 = l2
        self.input_noise = input_noise
        self.add_missing_indicator = add_missing_indicator
        self.learning_rate = learning_rate
        self.global_clipnorm = global_clipnorm
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.max_samples = max_samples
        self.early_stopping = early_stopping
        self.refit = refit
        self.validation_fraction = validation_fraction
        self.validation = validation
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.engine = engine
        self.n_threads = n_threads
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    def _hold_out(self, X, **options):
        """What early stopping is judged on; None where nothing is held out."""
        if not self.early_stopping:
            return None
        return hold_out(X, self.validation_fraction, how=self.validation, **options)

    def _plan(
        self,
        X,
        *,
        loss,
        resume,
        max_epochs=None,
        fit_path=None,
        path_codes=None,
        is_context=None,
        **options,
    ):
        """All that is decided before the first step: it raises what parameters ask.

        ``resume`` tells to go on from the fit before, ``options`` are those of the
        Architecture.
        """
        rng = check_random_state(self.random_state)
        architecture = self._make_architecture(X.shape[1:], is_context, **options)
        engine = choose_engine(architecture, self.engine, self.batch_size)
        if resume:
            self._check_resumed(architecture, is_context)
            fill = self.feature_means_
            initial = History(self.weights_, self.optimizer_state_)
        else:
            fill = feature_means(X)
            initial = History(architecture.initial_weights(rng))
        return Plan(
            architecture,
            self._settings(loss, max_epochs, len(X)),
            fill,
            initial,
            rng.get_state(),
            engine,
            self.n_threads,
            fit_path,
            path_codes,
            self.random_state,
            is_context,
        )

    def _make_architecture(self, shape, is_context=None, **options):
        n_timesteps, n_columns = map(int, shape)
        n_context = 0 if is_context is None else int(np.count_nonzero(is_context))
        return Architecture(
            n_timesteps,
            n_columns - n_context,
            _layer_sizes(self.hidden_layer_sizes, type(self).__name__),
            self.activation,
            cell=self.cell,
            bidirectional=bool(self.bidirectional),
            missing_indicator=bool(self.add_missing_indicator),
            dropout=float(self.dropout),
            recurrent_dropout=float(self.recurrent_dropout),
            l2=float(self.l2),
            input_noise=float(self.input_noise),
            n_context=n_context,
            **options,
        )

    def _check_resumed(self, architecture, is_context):
        if not np.array_equal(is_context, getattr(self, "is_context_", None)):
            raise ValueError(
                "Training cannot go on with other 'context_features'. Got "
                f"{self.context_features!r}."
            )
        if architecture != self.architecture_:
            raise ValueError(
                "Training cannot go on with another network: the parameters of "
                f"{type(self).__name__} give {architecture}, which is not "
                f"{self.architecture_}."
            )

    def _settings(self, loss, max_epochs, n_samples):
        """How to train; a partial_fit, which says how long, sees all it is given."""
        max_samples = None if max_epochs else self.max_samples
        return Settings(
            loss=loss,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=max_epochs or self.max_epochs,
            max_samples=_n_drawn(max_samples, n_samples),
            n_iter_no_change=self.n_iter_no_change,
            tol=self.tol,
            verbose=self.verbose,
            global_clipnorm=self.global_clipnorm,
        )


def network_attributes(network):
    """The fitted attributes that a network is."""
    attributes = {
        "architecture_": network.architecture,
        "weights_": network.weights,
        "feature_means_": network.fill,
        "engine_": network.engine,
        "_n_threads": network.n_threads,
    }
    is_vector = network.architecture.kind == "vector"
    if not is_vector:  # else all are seen, and none is judged
        attributes["is_context_"] = network.is_context
    if is_vector or network.path is not None:
        attributes["path_"] = network.path
    return attributes


def parts_of(held_out, n_samples):
    """Rows to train on, and those held out: None where nothing is."""
    if held_out is None:
        return all_rows(n_samples), None
    return held_out.training, held_out.held_out


def history_attributes(history, held_out):
    """The fitted attributes that tell of a training."""
    return {
        "validation_": None if held_out is None else held_out.facts,
        "loss_curve_": history.loss_curve,
        "validation_loss_curve_": history.validation_loss_curve,
        "best_epoch_": history.best_epoch,
        "n_iter_": len(history.loss_curve),
        "max_samples_": history.max_samples,
    }


def set_fitted(estimator, attributes):
    """Set all fitted attributes at once; what was made of the fit before goes."""
    estimator.__dict__ = {
        name: value for name, value in vars(estimator).items() if name != "_models"
    } | attributes
    return estimator
