# SPDX-License-Identifier: BSD-3-Clause
"""What every estimator that holds a recurrent network does the same."""

import contextlib
import os
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._estimator import CallbackSupportMixin, DocumentationLinkMixin
from .._validation import is_windows
from ..engines._batches import Preparation, feature_means
from ..engines._choose import borrow_engine
from ..networks import Architecture
from ..rows._row_numbers import all_rows
from ._checkpoint import Checkpoint, digest_of
from ._loop import (
    Data,
    History,
    NonFiniteLossError,
    Settings,
    train,
)
from ._reports import EpochReports, NoReports


def _layer_sizes(hidden_layer_sizes, name):
    """Validate layer sizes: an int, or a non-empty sequence of them."""
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object))
    if (
        sizes.ndim != 1
        or not all(
            isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in sizes
        )
        or not len(sizes)
    ):
        raise ValueError(
            f"The 'hidden_layer_sizes' parameter of {name} must be a positive "
            f"int or a non-empty tuple of them. Got {hidden_layer_sizes!r} instead."
        )
    return tuple(int(n) for n in sizes)


# What a training that goes on from a checkpoint must have had.
_TRAINING_PARAMETERS = (
    "loss",
    "linear_skip",
    "learning_rate",
    "global_clipnorm",
    "batch_size",
    "max_epochs",
    "early_stopping",
    "validation_fraction",
    "n_iter_no_change",
    "tol",
)


class SequenceNetwork(CallbackSupportMixin, DocumentationLinkMixin, BaseEstimator):
    """A recurrent network, its training, and its Keras models.

    A class that uses it has the parameters below and ``random_state``, and
    ``_network_parameters()``: what its Architecture has beside these. Fitted, it is
    ``architecture_``, ``weights_`` and ``feature_means_``.
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
        "noise": [Interval(Real, 0, None, closed="left")],
        "add_missing_indicator": ["boolean"],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "global_clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "engine": [StrOptions({"auto", "keras", "native"})],
        "n_threads": [Interval(Integral, 1, None, closed="left")],
        "checkpoint": [str, os.PathLike, None],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    @property
    def model_(self):
        """The network as a Keras model, made when asked for."""
        return self._models().model

    def _make_architecture(self, shape):
        return Architecture(
            *map(int, shape),
            _layer_sizes(self.hidden_layer_sizes, type(self).__name__),
            self.activation,
            cell=self.cell,
            bidirectional=bool(self.bidirectional),
            missing_indicator=bool(self.add_missing_indicator),
            dropout=float(self.dropout),
            recurrent_dropout=float(self.recurrent_dropout),
            l2=float(self.l2),
            noise=float(self.noise),
            **self._network_parameters(),
        )

    def _train(
        self,
        X,
        y,
        rows,
        held_out,
        max_epochs,
        *,
        loss,
        go_on,
        targets=None,
        weights=None,
        checkpoint=None,
    ):
        """Train on ``rows``, and remember; ``y`` is what the callbacks hear of."""
        rng = check_random_state(self.random_state)
        architecture = self._make_architecture(X.shape[1:])
        start = self._start(architecture, rng, go_on=go_on)
        refits = held_out is not None and self._refits(X)
        order = rng.get_state()
        means = self.feature_means_ if go_on else feature_means(X)
        fitted = {"architecture_": architecture, "feature_means_": means}

        def run(rows, held_out, max_epochs, rng, reports, checkpoint=None):
            preparation = Preparation(means, architecture.missing_indicator)
            linear = self._linear_path(X[rows], preparation, go_on=go_on)
            if linear is not None:
                preparation = replace(preparation, linear=linear)
                fitted["linear_path_"] = linear
            data = Data(X, preparation, rows, held_out, targets, weights)
            with self._engine(architecture) as engine:
                return train(
                    engine,
                    architecture,
                    data,
                    settings=self._settings(loss, max_epochs),
                    start=start,
                    rng=rng,
                    reports=reports,
                    fitted_attributes=lambda weights: self._attributes_after_epoch(
                        {**fitted, "weights_": weights}, X, rows, held_out
                    ),
                    checkpoint=self._open(checkpoint, architecture, data, start),
                )

        reports = EpochReports(self, X, y, max_epochs)
        try:
            history = run(rows, held_out, max_epochs, rng, reports, checkpoint)
        except NonFiniteLossError as error:
            if error.history.best_epoch:
                self._remember(fitted, error.history, X, rows, held_out)
            raise
        self._remember(fitted, history, X, rows, held_out)
        if refits:
            rng = np.random.RandomState()
            rng.set_state(order)
            again = run(all_rows(len(X)), None, history.best_epoch, rng, NoReports())
            self._replace_network(fitted, again, X)
        reports.end()
        return self

    def _attributes_after_epoch(self, fitted, X, rows, held_out):
        """What the callbacks need to use the network as it is after an epoch."""
        return fitted

    def _refits(self, X):
        """Whether to train again on all rows when the number of epochs is known."""
        return False

    def _open(self, checkpoint, architecture, data, start):
        """The checkpoint at a path, and what tells this training from another."""
        if checkpoint is None:
            return None
        X = data.X
        arrays = (X.table, X.starts, X.ends) if is_windows(X) else (X,)
        random_state = self.random_state
        about = {
            "the network": str(architecture),
            "the data": digest_of(*arrays, data.targets, data.weights),
            "the start": digest_of(*start.weights) if start.optimizer_state else "new",
        }
        if random_state is None or isinstance(random_state, Integral):
            about["'random_state'"] = str(random_state)
        for name in _TRAINING_PARAMETERS:
            about[f"{name!r}"] = str(getattr(self, name, None))
        return Checkpoint(checkpoint, about)

    def _settings(self, loss, max_epochs):
        return Settings(
            loss=loss,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=max_epochs,
            n_iter_no_change=self.n_iter_no_change,
            tol=self.tol,
            verbose=self.verbose,
            global_clipnorm=self.global_clipnorm,
        )

    def _linear_path(self, X, preparation, *, go_on):
        """What is reconstructed without the network; nothing."""

    def _start(self, architecture, rng, *, go_on):
        """Weights and optimiser state from which to train."""
        if not go_on:
            return History(architecture.initial_weights(rng))
        if architecture != self.architecture_:
            raise ValueError(
                "Training cannot go on with another network: the parameters of "
                f"{type(self).__name__} give {architecture}, which is not "
                f"{self.architecture_}."
            )
        return History(self.weights_, self.optimizer_state_)

    def _remember(self, fitted, history, X, rows, held_out):
        """Set the fitted attributes, all at once."""
        for name in ("_keras_models", "linear_path_"):
            self.__dict__.pop(name, None)
        self.__dict__.update(
            fitted,
            weights_=history.weights,
            optimizer_state_=history.optimizer_state,
            loss_curve_=history.loss_curve,
            validation_loss_curve_=history.validation_loss_curve,
            best_epoch_=history.best_epoch,
            n_iter_=len(history.loss_curve),
        )

    def _engine(self, architecture):
        return borrow_engine(architecture, self.engine, n_threads=self.n_threads)

    @contextlib.contextmanager
    def _loaded_engine(self):
        with self._engine(self.architecture_) as engine:
            engine.load_weights(self.weights_)
            yield engine

    @property
    def _preparation(self):
        return Preparation(self.feature_means_, self.architecture_.missing_indicator)

    def _models(self):
        check_is_fitted(self)
        if "_keras_models" not in self.__dict__:
            from ..networks._keras import build_models
            from ..networks._quiet import hold_back_stderr, running_keras

            linear = getattr(self, "linear_path_", None)
            with running_keras(), hold_back_stderr():
                self._keras_models = build_models(
                    self.architecture_, self.weights_, linear
                )
        return self._keras_models

    def __getstate__(self):
        state = super().__getstate__()
        state.pop("_keras_models", None)
        return state

    def __sklearn_is_fitted__(self):
        return hasattr(self, "weights_")
