# SPDX-License-Identifier: BSD-3-Clause
"""LSTMAutoencoder: latent vectors and reconstruction errors of sequences."""

import contextlib
from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OutlierMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._callbacks import CallbackSupportMixin, EpochReports, with_callbacks
from ._reconstruction import (
    ReconstructionMixin,
    check_latent,
    latent_container,
    sequences_like,
)
from ._validation import check_sequences
from .networks import Architecture
from .training import borrow_engine
from .training._batches import CHUNK, chunks, feature_means
from .training._loop import History, NonFiniteLossError, Settings, train
from .windowing._held_out import split_last_part


def _layer_sizes(hidden_layer_sizes):
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
            "The 'hidden_layer_sizes' parameter of LSTMAutoencoder must be a positive "
            f"int or a non-empty tuple of them. Got {hidden_layer_sizes!r} instead."
        )
    return tuple(int(n) for n in sizes)


class LSTMAutoencoder(
    CallbackSupportMixin,
    ReconstructionMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    OutlierMixin,
    BaseEstimator,
):
    """LSTM autoencoder: latent vectors and reconstruction errors of sequences.

    LSTM layers read a sequence; the last passes on its final state only, the latent
    vector. It is repeated for each time step, and the same layers in reverse order,
    with a dense layer on each step, reconstruct the sequence.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 32)
        Units of the encoder's layers, mirrored by the decoder. The last is the latent
        size.

    activation : {"tanh", "relu", "linear"}, default="tanh"
        Activation of the cells.

    loss : {"mse", "mae", "huber"}, default="mse"
        What training minimises, and the error of a cell: squared, absolute, or Huber's
        with its corner at 1.

    learning_rate : float, default=1e-3
        Step size of Adam.

    batch_size : int, default=64
        Sequences in a mini-batch.

    max_epochs : int, default=50
        Passes over the training sequences, at the most.

    early_stopping : bool, default=True
        Whether to hold out the last part of each series, stop when its loss no longer
        improves, and keep the weights of the best epoch. If False, all ``max_epochs``
        are run on all sequences.

    validation_fraction : float, default=0.1
        Share of each series to hold out, its end. Windows that share rows with this
        part are set aside.

    n_iter_no_change : int, default=5
        Epochs without improvement after which training stops.

    tol : float, default=1e-4
        Least decrease of the validation loss that counts as an improvement.

    score_on : {"window", "last"}, default="window"
        Which steps count in the error of a sequence: all, or the last one.

    contamination : "auto" or float, default="auto"
        Share of outliers in the training data, in (0, 0.5], which sets ``offset_`` on
        the scores of all training sequences. "auto" sets it where 1% of the held-out
        sequences are outliers (of the training sequences without ``early_stopping``).

    engine : {"auto", "keras", "native"}, default="auto"
        What trains and runs the network: Keras, or this package's compiled CPU kernels,
        which give the same to rounding, sooner. "auto" is native where the kernels were
        built, unless Keras is loaded and has a GPU.

    n_threads : int, default=1
        Threads over which the native engine splits a large mini-batch, or sequences to
        score. It does not change the result.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the fit before.

    verbose : int, default=0
        If positive, print a progress bar for each epoch.

    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights and the order of the mini-batches.

    Attributes
    ----------
    architecture_ : Architecture
        Description of the network.

    weights_ : list of ndarray
        In the order of ``keras.Model.get_weights()``.

    optimizer_state_ : list of ndarray
        Step count and moments of Adam, with which ``partial_fit`` and ``warm_start`` go
        on.

    feature_means_ : ndarray of shape (n_features,)
        Training means, which stand for missing values on the way into the network.

    loss_curve_ : list of float
        Training loss of each epoch.

    validation_loss_curve_ : list of float or None
        Loss of the held-out sequences after each epoch.

    best_epoch_ : int
        Epoch, counted from 1, whose weights are kept.

    n_iter_ : int
        Number of epochs run.

    offset_ : float
        Score below which a sequence counts as an outlier.

    n_features_in_ : int
        Number of features; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    model_ : keras.Model
        The network as a Keras model, made when asked for. It knows nothing of padding
        and missing values: give it sequences without NaN.

    encoder_ : keras.Model
        The first half of ``model_``, with the same layers: sequences to latent vectors.

    decoder_ : keras.Model
        The second half of ``model_``: latent vectors to sequences.

    See Also
    --------
    PCAAutoencoder : The linear baseline: try it first.
    RareEventClassifier : A classifier with a threshold from this detector.

    Notes
    -----
    Scores follow scikit-learn's outlier detectors: higher is more normal. So under
    ``scoring="average_precision"`` with ``y == 1`` for events a bare detector is judged
    upside down. Wrap it in :class:`RareEventClassifier`, or use
    ``skseq.metrics.detector_average_precision``.

    Scale the features first: the loss adds them up as they are.

    An array is taken as independent sequences; of :class:`Windows` it is known which
    rows they share.

    References
    ----------
    .. [1] C. Ranjan, "LSTM Autoencoder for Extreme Rare Event Classification in Keras",
       Towards Data Science, 2019.
    .. [2] P. Malhotra et al., "LSTM-based encoder-decoder for multi-sensor anomaly
       detection", ICML 2016 Anomaly Detection Workshop, arXiv:1607.00148.
    .. [3] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural
       Computation 9(8), 1997.
    .. [4] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR
       2015, arXiv:1412.6980.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import LSTMAutoencoder
    >>> X = np.sin(np.arange(40 * 5).reshape(40, 5, 1))
    >>> ae = LSTMAutoencoder((4, 2), max_epochs=2, random_state=0).fit(X)
    >>> ae.transform(X).shape
    (40, 2)
    >>> ae.reconstruction_error(X, per="step").shape
    (40, 5)
    >>> ae.architecture_.n_parameters
    309
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions({"tanh", "relu", "linear"})],
        "loss": [StrOptions({"mse", "mae", "huber"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "score_on": [StrOptions({"window", "last"})],
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 0.5, closed="right"),
        ],
        "engine": [StrOptions({"auto", "keras", "native"})],
        "n_threads": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(64, 32),
        *,
        activation="tanh",
        loss="mse",
        learning_rate=1e-3,
        batch_size=64,
        max_epochs=50,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=5,
        tol=1e-4,
        score_on="window",
        contamination="auto",
        engine="auto",
        n_threads=1,
        warm_start=False,
        verbose=0,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.score_on = score_on
        self.contamination = contamination
        self.engine = engine
        self.n_threads = n_threads
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Train the network to reconstruct the sequences.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences, in time order. NaN is padding or a missing value.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If the input is not valid, too short for ``validation_fraction``, or the
            training loss does not stay finite; then the weights of the best epoch until
            then are kept, if there is one.
        """
        go_on = self.warm_start and self.__sklearn_is_fitted__()
        X = check_sequences(self, X, reset=not go_on)
        parts = np.arange(len(X)), None
        if self.early_stopping:
            parts = split_last_part(X, self.validation_fraction)
        return self._train(X, y, *parts, self.max_epochs, go_on=go_on)

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Train for one more epoch, on these sequences.

        The state of the optimiser is kept between calls; ``offset_`` is set on the
        scores of ``X``, and missing values go on to take the means of the first call.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences.

        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        go_on = self.__sklearn_is_fitted__()
        X = check_sequences(self, X, reset=not go_on)
        return self._train(X, y, np.arange(len(X)), None, 1, go_on=go_on)

    def transform(self, X):
        """Give the latent vectors of sequences.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        latent : ndarray of shape (n_samples, latent_size), float32
            The final state of the encoder's last layer.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        size = len(sequences), self.architecture_.latent_size
        latent = np.empty(size, dtype=np.float32)
        with self._loaded_engine() as engine:
            for rows, batch in chunks(sequences, self._fill):
                latent[rows] = engine.encode(batch)
        return latent_container(self, latent, X)

    def inverse_transform(self, X):
        """Give the sequences that latent vectors stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, latent_size)
            Latent vectors.

        Returns
        -------
        sequences : ndarray of shape (n_samples, n_timesteps, n_features), or \
                (n_samples, n_timesteps) where the training data was 2-D
        """
        check_is_fitted(self)
        latent = check_latent(self, X)
        sequences = np.empty((len(latent), *self.sequence_shape_), dtype=np.float32)
        with self._loaded_engine() as engine:
            for start in range(0, len(latent), CHUNK):
                part = latent[start : start + CHUNK]
                steps = np.ones((len(part), self.sequence_shape_[0]), dtype=bool)
                sequences[start : start + CHUNK] = engine.decode(part, steps)
        return sequences_like(self, sequences)

    @property
    def model_(self):
        return self._models().model

    @property
    def encoder_(self):
        return self._models().encoder

    @property
    def decoder_(self):
        return self._models().decoder

    def _train(self, X, y, training_rows, held_out_rows, max_epochs, *, go_on):
        rng = check_random_state(self.random_state)
        architecture = Architecture(
            *map(int, X.shape[1:]),
            _layer_sizes(self.hidden_layer_sizes),
            self.activation,
        )
        means = self.feature_means_ if go_on else feature_means(X)
        start = self._start(architecture, rng, go_on=go_on)
        settings = Settings(
            loss=self.loss,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=max_epochs,
            n_iter_no_change=self.n_iter_no_change,
            tol=self.tol,
            verbose=self.verbose,
        )
        reports = EpochReports(self, X, y, max_epochs)
        fitted = {"architecture_": architecture, "feature_means_": means}
        try:
            with self._engine(architecture) as engine:
                history = train(
                    engine,
                    X,
                    training_rows,
                    held_out_rows,
                    fill=means,
                    settings=settings,
                    start=start,
                    rng=rng,
                    reports=reports,
                    fitted_attributes=lambda weights: {**fitted, "weights_": weights},
                )
        except NonFiniteLossError as error:
            if error.history.best_epoch:
                self._remember(fitted, error.history, X, held_out_rows)
            raise
        self._remember(fitted, history, X, held_out_rows)
        reports.end()
        return self

    def _start(self, architecture, rng, *, go_on):
        """Weights and optimiser state from which to train."""
        if not go_on:
            return History(architecture.initial_weights(rng))
        if architecture != self.architecture_:
            raise ValueError(
                "Training cannot go on with another network: 'hidden_layer_sizes' and "
                f"'activation' give {architecture}, which is not {self.architecture_}."
            )
        return History(self.weights_, self.optimizer_state_)

    def _remember(self, fitted, history, X, held_out_rows):
        """Set the fitted attributes, all at once."""
        self.__dict__.pop("_keras_models", None)
        self.__dict__.update(
            fitted,
            weights_=history.weights,
            optimizer_state_=history.optimizer_state,
            loss_curve_=history.loss_curve,
            validation_loss_curve_=history.validation_loss_curve,
            best_epoch_=history.best_epoch,
            n_iter_=len(history.loss_curve),
        )
        judged, share = X, self.contamination
        if share == "auto":
            judged, share = X if held_out_rows is None else X[held_out_rows], 0.01
        self.offset_ = float(np.percentile(self._score_samples(judged), 100 * share))

    def _engine(self, architecture):
        return borrow_engine(architecture, self.engine, n_threads=self.n_threads)

    @contextlib.contextmanager
    def _loaded_engine(self):
        with self._engine(self.architecture_) as engine:
            engine.load_weights(self.weights_)
            yield engine

    @contextlib.contextmanager
    def _reconstructing(self):
        with self._loaded_engine() as engine:
            yield engine.reconstruct

    def _models(self):
        check_is_fitted(self)
        if "_keras_models" not in self.__dict__:
            from .networks._keras import build_models

            self._keras_models = build_models(self.architecture_, self.weights_)
        return self._keras_models

    @property
    def _fill(self):
        return self.feature_means_

    @property
    def _cell_loss(self):
        return self.loss

    @property
    def _n_features_out(self):
        return self.architecture_.latent_size

    def __getstate__(self):
        state = super().__getstate__()
        state.pop("_keras_models", None)
        return state

    def __sklearn_is_fitted__(self):
        return hasattr(self, "weights_")
