# SPDX-License-Identifier: BSD-3-Clause
"""LSTMAutoencoder: latent vectors and reconstruction errors of sequences."""

import contextlib
from copy import copy
from numbers import Real

import numpy as np
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    OutlierMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._estimator import with_callbacks
from ._validation import check_sequences, is_windows
from .engines._batches import CHUNK
from .engines._linear import fit_linear_path
from .reconstruction._errors import fit_error_rule, residuals, subsample
from .reconstruction._mixin import (
    SCORED_STEPS,
    ReconstructionMixin,
    check_latent,
    latent_container,
    sequences_like,
)
from .reconstruction._offset import check_contamination
from .rows._row_numbers import all_rows
from .training._estimator import SequenceNetwork
from .windowing._held_out import split_last_part


def _has_latent_vector(estimator):
    if estimator.architecture == "sequence":
        raise AttributeError(
            "architecture='sequence' has no latent vector: each of its layers passes "
            "on every time step. Use architecture='autoencoder' or 'context'."
        )
    return True


def _reconstructs_sequences(estimator):
    if estimator.architecture == "context":
        raise AttributeError(
            "architecture='context' reconstructs its own context vector, not the "
            "sequence. Use architecture='autoencoder' or 'sequence'."
        )
    return True


def _decodes_sequences(estimator):
    _has_latent_vector(estimator)
    _reconstructs_sequences(estimator)
    if hasattr(estimator, "linear_path_"):
        raise AttributeError(
            "The latent vector is not all that a reconstruction is made of where a "
            "linear path stands beside the network. Use linear_skip=False."
        )
    return True


_NOISE = 0.5  # of the linear path, in units of the spread of a cell


class LSTMAutoencoder(
    ReconstructionMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    OutlierMixin,
    SequenceNetwork,
):
    """LSTM autoencoder: latent vectors and reconstruction errors of sequences.

    LSTM layers read a sequence; the last passes on its final state only, the latent
    vector. It is repeated for each time step, and the same layers in reverse order,
    with a dense layer on each step, reconstruct the sequence.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(32, 16)
        Units of the encoder's layers, mirrored by the decoder. The last is the latent
        size.

    architecture : {"autoencoder", "sequence", "context"}, default="autoencoder"
        - "autoencoder": reconstructs the sequence from its latent vector.
        - "sequence": a regular network, in which each layer passes on every time step.
          It has no latent vector, so ``transform`` is not available.
        - "context": reconstructs, through a bottleneck of the last layer size, the
          final state of its own recurrent layers, the context vector. For those who
          want the latent vectors alone: ``reconstruct`` is not available.

    decoder : {"repeat", "reshape", "dense", "conditional"}, default="repeat"
        How an autoencoder makes a sequence of the latent vector. "repeat": it is the
        decoder's input at each step [1]_. "reshape": it is cut into as many parts as
        there are steps. "dense": the decoder passes on its final state only, of which a
        dense layer makes all steps. "conditional": it is the decoder's first state,
        from which it goes on in reverse order, fed with the step before: with the true
        one in training, its own in use [2]_. With "reshape" and "dense" what is made of
        a step depends on its place, so padding moves it.

    cell : {"lstm", "gru"}, default="lstm"
        Kind of the recurrent layers.

    bidirectional : bool, default=False
        Whether each layer reads in both directions, with ``units`` for each; the latent
        vector is then of twice the last size.

    activation : {"tanh", "relu", "linear"}, default="tanh"
        Activation of the cells.

    linear_skip : "auto" or bool, default="auto"
        Whether a linear path stands beside the network, which learns what is left over:
        the best linear reconstruction of a sequence from its cells with noise, fitted
        to the training sequences first. It goes by the place of a step, so "auto" is
        True where this is known, of :class:`Windows`, which all end at a row of a
        table, and False for arrays, whose sequences may be padded anywhere. Nor does it
        go with architecture="context" or loss="binary_crossentropy". False for the
        article's plain network.

    dropout : float, default=0.0
        Share of the outputs of each layer that is dropped in training.

    recurrent_dropout : float, default=0.0
        Share of the states that is dropped on their way to the next step in training.

    l2 : float, default=0.0
        Weight of the penalty on the squared kernels of the recurrent layers.

    noise : float, default=0.0
        Standard deviation of the normal noise that is added to the input in training,
        in units of ``X``: a denoising autoencoder [6]_.

    add_missing_indicator : bool, default=False
        Whether the network is told which cells are missing, as further inputs.

    loss : {"mse", "mae", "huber", "binary_crossentropy"}, default="mse"
        What training minimises, and the error of a cell: squared, absolute, Huber's
        with its corner at 1, or the binary cross-entropy of cells in [0, 1], for which
        the network's output is logistic. Not used by architecture="context".

    learning_rate : float, default=1e-3
        Step size of Adam.

    global_clipnorm : float, default=None
        Length above which the gradient is scaled down to it. None for no limit.

    batch_size : int, default=64
        Sequences in a mini-batch.

    max_epochs : int, default=50
        Passes over the training sequences, at the most.

    early_stopping : bool, default=True
        Whether to hold out the last part of each series, stop when its loss no longer
        improves, and keep the weights of the best epoch. If False, all ``max_epochs``
        are run on all sequences.

    refit : "auto" or bool, default="auto"
        Whether, after ``early_stopping``, to train again on all sequences for the best
        number of epochs: what is normal drifts, and the last part of a table tells most
        of what comes next. ``offset_`` and the curves stay those of the held-out part.
        "auto" is True of :class:`Windows` and False of arrays.

    validation_fraction : float, default=0.1
        Share of each series to hold out, its end. Windows that share rows with this
        part are set aside.

    n_iter_no_change : int, default=5
        Epochs without improvement after which training stops.

    tol : float, default=1e-4
        Least decrease of the validation loss that counts as an improvement.

    error : {"auto", "loss", "mse", "mae", "standardized", "mahalanobis"}, \
            default="auto"
        The error of a time step: "loss", that of training; the squared or the absolute
        difference; "standardized", the squared difference in units of what is usual for
        the feature; or "mahalanobis", the squared Mahalanobis distance of the
        differences of all features [2]_, over their number. What is usual is told by
        the held-out sequences, and where there are none, or ``refit`` adds them, by
        those of training. "auto" is "mahalanobis" of :class:`Windows` and "loss" of
        arrays. Not used by architecture="context".

    score_on : {"auto", "window", "recent", "last", "max"}, default="auto"
        Which steps count in the error of a sequence: all alike, later ones more (the
        k-th of n steps by ``k ** 2``), the last one, or the one with the largest error.
        "auto" is "recent" for :class:`Windows` and "window" for arrays.

    contamination : "auto", float or tuple, default="auto"
        Share of outliers in the training data, in (0, 0.5], which sets ``offset_`` on
        the scores of all training sequences. "auto" sets it where 1% of the held-out
        sequences are outliers (of the training sequences without ``early_stopping``).
        On the same, ``("quantile", q)`` lets a share of ``1 - q`` be outliers, and
        ``("pot", q)`` sets it by peaks over threshold, at a risk of q.

    engine : {"auto", "keras", "native"}, default="auto"
        What trains and runs the network: Keras, or this package's compiled CPU kernels,
        which give the same to rounding, sooner. "auto" is native where the kernels were
        built, unless Keras is loaded and has a GPU.

    n_threads : int, default=1
        Threads over which the native engine splits a large mini-batch, or sequences to
        score. It does not change the result.

    checkpoint : str or path-like, default=None
        File that training writes its state to after each epoch, and goes on from where
        it is found: a fit that was killed, started again with the same data and
        parameters, ends with the same weights. The file is left when training is done.

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
        Training loss of each epoch. With ``linear_skip``, of what the linear path
        leaves over, relative to its spread.

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
        The second half of the network: latent vectors to sequences, or with
        ``linear_skip`` to what is added to the linear path, in units of its ``scale``.

    linear_path_ : LinearPath
        The linear path, where there is one.

    score_on_ : str
        Which steps count in the error of a sequence.

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

    The defaults for :class:`Windows` are made for detection: a linear filter
    reconstructs what it can, and follows a drift of the level; the network, which sees
    each window without its mean, learns what the filter leaves over; the score is the
    Mahalanobis distance of the remaining error, later steps counting more, under a
    network that was trained on all of the past. Each can be had or left alone:
    ``linear_skip=False, error="mse", score_on="window", refit=False`` is the article's
    plain network [1]_.

    An array is taken as independent sequences; of :class:`Windows` it is known which
    rows they share.

    A network that reconstructs its own context vector can make this vector zero, and
    reach no loss. So with ``architecture="context"`` the loss has the variance and the
    covariance terms of VICReg [5]_: over a mini-batch, each value of the context vector
    keeps a standard deviation of 0.5, and no two tell the same. That keeps the vector
    from vanishing; it does not ask that it tell of the input. Compare its latent
    vectors with those of architecture="autoencoder" (which did better in the example on
    sensor events) before you rely on them.

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
    .. [5] A. Bardes, J. Ponce and Y. LeCun, "VICReg: variance-invariance-covariance
       regularization for self-supervised learning", ICLR 2022, arXiv:2105.04906.
    .. [6] P. Vincent et al., "Extracting and composing robust features with denoising
       autoencoders", ICML 2008.

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
        **SequenceNetwork._parameter_constraints,
        "architecture": [StrOptions({"autoencoder", "sequence", "context"})],
        "decoder": [StrOptions({"repeat", "reshape", "dense", "conditional"})],
        "linear_skip": ["boolean", StrOptions({"auto"})],
        "refit": ["boolean", StrOptions({"auto"})],
        "loss": [StrOptions({"mse", "mae", "huber", "binary_crossentropy"})],
        "error": [
            StrOptions({"auto", "loss", "mse", "mae", "standardized", "mahalanobis"}),
        ],
        "score_on": [StrOptions({"auto", *SCORED_STEPS})],
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 0.5, closed="right"),
            tuple,
            list,
        ],
    }

    def __init__(
        self,
        hidden_layer_sizes=(32, 16),
        *,
        architecture="autoencoder",
        decoder="repeat",
        cell="lstm",
        bidirectional=False,
        activation="tanh",
        linear_skip="auto",
        dropout=0.0,
        recurrent_dropout=0.0,
        l2=0.0,
        noise=0.0,
        add_missing_indicator=False,
        loss="mse",
        learning_rate=1e-3,
        global_clipnorm=None,
        batch_size=64,
        max_epochs=50,
        early_stopping=True,
        refit="auto",
        validation_fraction=0.1,
        n_iter_no_change=5,
        tol=1e-4,
        error="auto",
        score_on="auto",
        contamination="auto",
        engine="auto",
        n_threads=1,
        checkpoint=None,
        warm_start=False,
        verbose=0,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.architecture = architecture
        self.decoder = decoder
        self.cell = cell
        self.bidirectional = bidirectional
        self.activation = activation
        self.linear_skip = linear_skip
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.l2 = l2
        self.noise = noise
        self.add_missing_indicator = add_missing_indicator
        self.loss = loss
        self.learning_rate = learning_rate
        self.global_clipnorm = global_clipnorm
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.refit = refit
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.error = error
        self.score_on = score_on
        self.contamination = contamination
        self.engine = engine
        self.n_threads = n_threads
        self.checkpoint = checkpoint
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
        parts = all_rows(len(X)), None
        if self.early_stopping:
            parts = split_last_part(X, self.validation_fraction)
        loss = self._checked_loss(X)
        return self._train(
            X,
            y,
            *parts,
            self.max_epochs,
            loss=loss,
            go_on=go_on,
            checkpoint=self.checkpoint,
        )

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
        rows, loss = all_rows(len(X)), self._checked_loss(X)
        return self._train(X, y, rows, None, 1, loss=loss, go_on=go_on)

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
            The final state of the encoder's last layer. Beside a linear path it holds
            what this leaves over: set ``linear_skip=False`` for latent vectors that
            tell of the whole sequence.
        """
        check_is_fitted(self)
        sequences = check_sequences(self, X, reset=False)
        size = len(sequences), self.architecture_.latent_size
        latent = np.empty(size, dtype=np.float32)
        with self._loaded_engine() as engine:
            for rows, batch in self._preparation.chunks(sequences):
                latent[rows] = engine.encode(self._seen_by_network(batch))
        return latent_container(self, latent, X)

    @available_if(_decodes_sequences)
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

    @available_if(_reconstructs_sequences)
    def reconstruct(self, X):
        return super().reconstruct(X)

    reconstruct.__doc__ = ReconstructionMixin.reconstruct.__doc__

    @property
    def encoder_(self):
        """The first half of ``model_``: sequences to latent vectors."""
        return _has_latent_vector(self) and self._models().encoder

    @property
    def decoder_(self):
        """The second half of ``model_``: from latent vectors."""
        return _has_latent_vector(self) and self._models().decoder

    def _network_parameters(self):
        output = "sigmoid" if self.loss == "binary_crossentropy" else "linear"
        return {
            "kind": self.architecture,
            "decoder": self.decoder,
            "output_activation": output,
        }

    def _checked_loss(self, X):
        if self.architecture == "context":
            return "context"
        if self.loss == "binary_crossentropy":
            table = X.table[X.rows()] if is_windows(X) else X
            wrong = table[(table < 0) | (table > 1)]
            if wrong.size:
                raise ValueError(
                    "loss='binary_crossentropy' needs cells in [0, 1]. X holds "
                    f"{wrong[0]}. Scale X to this range, or use loss='mse'."
                )
        return self.loss

    def _remember(self, fitted, history, X, rows, held_out):
        super()._remember(fitted, history, X, rows, held_out)
        self._fit_error_rule(X, rows, held_out)
        self._set_offset(X, held_out)

    def _replace_network(self, fitted, history, X):
        """Keep what the held-out rows told, with the network that was fitted to all."""
        self.__dict__.update(
            fitted, weights_=history.weights, optimizer_state_=history.optimizer_state
        )
        self._fit_error_rule(X, slice(None), None)
        if self._judges_all():
            self._set_offset(X, None)

    def _attributes_after_epoch(self, fitted, X, rows, held_out):
        other = copy(self)
        other.__dict__.update(fitted)
        other._fit_error_rule(X, rows, held_out)
        names = {"error_rule_", "score_on_"} & vars(other).keys()
        return {**fitted, **{name: getattr(other, name) for name in names}}

    def _fit_error_rule(self, X, rows, held_out):
        """Learn from sequences what differences are usual, where the error asks it."""
        self.__dict__.pop("error_rule_", None)
        self.score_on_ = self.score_on
        if self.score_on == "auto":
            self.score_on_ = "recent" if is_windows(X) else "window"
        error = self.error
        if error == "auto" and is_windows(X) and self._takes_linear_path():
            error = "mahalanobis"
        if error in ("standardized", "mahalanobis"):
            judged = rows if held_out is None or self._refits(X) else held_out
            differences = residuals(self._reconstructions(subsample(X[judged])))
            self.error_rule_ = fit_error_rule(error, differences)

    def _set_offset(self, X, held_out):
        rule = check_contamination(self.contamination, type(self).__name__)
        unseen = held_out is not None and not self._judges_all()
        scores = self._score_samples(X[held_out] if unseen else X)
        self.offset_ = rule.offset(scores)

    def _judges_all(self):
        """Whether the offset is by definition of all training sequences."""
        return isinstance(self.contamination, Real)

    def _takes_linear_path(self):
        return self.architecture != "context" and self.loss != "binary_crossentropy"

    def _refits(self, X):
        return is_windows(X) if self.refit == "auto" else self.refit

    def _linear_path(self, X, preparation, *, go_on):
        suited = self._takes_linear_path()
        if self.linear_skip is True and not suited:
            raise ValueError(
                "linear_skip=True adds to the reconstruction of a sequence: it does "
                "not go with architecture='context' or loss='binary_crossentropy'. Use "
                "linear_skip='auto'."
            )
        if go_on:
            return getattr(self, "linear_path_", None)
        wanted = is_windows(X) if self.linear_skip == "auto" else self.linear_skip
        return fit_linear_path(X, preparation, _NOISE) if wanted and suited else None

    @contextlib.contextmanager
    def _reconstructing(self):
        linear = getattr(self, "linear_path_", None)

        def reconstruct(batch):
            outputs = engine.reconstruct(self._seen_by_network(batch))
            if linear is None:
                return outputs
            return outputs * linear.scale + linear.reconstruct(batch)

        with self._loaded_engine() as engine:
            yield reconstruct

    def _seen_by_network(self, batch):
        linear = getattr(self, "linear_path_", None)
        return batch if linear is None else batch._replace(inputs=linear.inputs(batch))

    def _errors(self, X, per):
        if self.architecture_.kind != "context":
            return super()._errors(X, per)
        if per != "sample":
            raise ValueError(
                f"architecture='context' has no error for each {per!r}: it "
                "reconstructs its own context vector. Use per='sample'."
            )
        out = np.empty(len(X))
        for rows, targets, outputs in self._reconstructions(X):
            seen = ~np.isnan(targets).all(axis=(1, 2))
            left_over = outputs[:, 1].astype(np.float64)
            out[rows] = np.where(seen, np.square(left_over).mean(axis=1), 0)
        return out

    @property
    def _error_rule(self):
        if hasattr(self, "error_rule_"):
            return self.error_rule_
        return self.loss if self.error in ("auto", "loss") else self.error

    @property
    def _n_features_out(self):
        return self.architecture_.latent_size


# After the class: what set_output makes of a transform inside one is always available.
for _name in ("transform", "fit_transform"):
    _method = available_if(_has_latent_vector)(getattr(LSTMAutoencoder, _name))
    setattr(LSTMAutoencoder, _name, _method)
