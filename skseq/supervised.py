# SPDX-License-Identifier: BSD-3-Clause
"""LSTMClassifier and LSTMRegressor: from a sequence to a class or to numbers."""

import math

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    compute_sample_weight,
)
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_is_fitted,
    column_or_1d,
)

from ._estimator import with_callbacks
from ._validation import check_sequences, is_windows, named_errors
from .rows._row_numbers import all_rows
from .training._estimator import SequenceNetwork
from .windowing._held_out import split_last_part


def _check_weights(sample_weight, y):
    with named_errors("sample_weight"):
        weight = _check_sample_weight(sample_weight, y, ensure_non_negative=True)
        assert_all_finite(weight.astype(np.float32), input_name="sample_weight")
        return weight


class _SupervisedNetwork(SequenceNetwork):
    """Stacked recurrent layers, and a dense layer on the final state."""

    def _fit(self, X, y, targets, sample_weight, learned, *, loss, labels=None, go_on):
        """Train on ``targets`` of shape (n_samples, n_outputs).

        ``learned`` are attributes that describe the outputs.
        """
        weights = None
        if sample_weight is not None:
            weights = sample_weight.astype(np.float32)
        rows, held_out = all_rows(len(X)), None
        if self.early_stopping:
            rows, held_out = self._split(X, labels)
        targets = np.ascontiguousarray(targets, dtype=np.float32)[:, np.newaxis]
        before = vars(self).copy()
        self.__dict__.update(learned)
        try:
            return self._train(
                X,
                y,
                rows,
                held_out,
                self.max_epochs,
                loss=loss,
                targets=targets,
                weights=weights,
                go_on=go_on,
                checkpoint=self.checkpoint,
            )
        except BaseException:
            # What was learned of y must not stand beside the weights of a fit before.
            if vars(self).get("weights_") is before.get("weights_"):
                self.__dict__ = before
            raise

    def _split(self, X, labels):
        """Rows to train on and to hold out: of independent sequences any, by class."""
        if is_windows(X):
            return split_last_part(X, self.validation_fraction)
        rows = all_rows(len(X))
        n_held_out = math.ceil(self.validation_fraction * len(X))
        if labels is not None:
            n_held_out = max(n_held_out, len(np.unique(labels)))
        try:
            return train_test_split(
                rows,
                test_size=n_held_out,
                random_state=self.random_state,
                stratify=labels,
            )
        except ValueError as error:
            raise ValueError(
                f"'validation_fraction' of {self.validation_fraction} cannot be held "
                f"out of {len(X)} sample(s): {str(error).rstrip('.')}. Set it higher, "
                "or 'early_stopping' to False."
            ) from error

    def _outputs(self, X):
        """What the network gives for each sequence, of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = check_sequences(self, X, reset=False)
        outputs = np.empty((len(X), self.architecture_.n_outputs), np.float32)
        with self._loaded_engine() as engine:
            for rows, batch in self._preparation.chunks(X):
                outputs[rows] = engine.reconstruct(batch)[:, 0]
        return outputs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


class LSTMRegressor(RegressorMixin, _SupervisedNetwork):
    """Stacked LSTM layers that predict numbers from a sequence.

    Each layer but the last passes on every time step; a dense layer on the final state
    of the last gives the prediction.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 32)
        Units of the layers.

    cell : {"lstm", "gru"}, default="lstm"
        Kind of the recurrent layers.

    bidirectional : bool, default=False
        Whether each layer reads in both directions, with so
        many units for each.

    activation : {"tanh", "relu", "linear"}, default="tanh"
        Activation of the cells.

    dropout : float, default=0.0
        Share of the outputs of each layer that is dropped in training.

    recurrent_dropout : float, default=0.0
        Share of the states that is dropped on their way to the next step in training.

    l2 : float, default=0.0
        Weight of the penalty on the squared kernels of the recurrent layers.

    noise : float, default=0.0
        Standard deviation of the normal noise that is added to the input in training,
        in units of ``X``.

    add_missing_indicator : bool, default=False
        Whether the network is told which cells are missing, as further inputs.

    loss : {"mse", "mae", "huber"}, default="mse"
        What training minimises: the squared, absolute, or Huber's error with its corner
        at 1.

    learning_rate : float, default=1e-3
        Step size of Adam.

    global_clipnorm : float, default=None
        Length above which the gradient is scaled down to it. None for no limit.

    batch_size : int, default=64
        Sequences in a mini-batch.

    max_epochs : int, default=50
        Passes over the training sequences, at the most.

    early_stopping : bool, default=True
        Whether to hold out a part of the sequences (of windows the last part of each
        series), stop when its loss no longer improves, and keep the weights of the best
        epoch. If False, all ``max_epochs`` are run on all sequences.

    validation_fraction : float, default=0.1
        Share to hold out. Windows that share rows with this part are set aside.

    n_iter_no_change : int, default=5
        Epochs without improvement after which training stops.

    tol : float, default=1e-4
        Least decrease of the validation loss that counts as an improvement.

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
    n_outputs_ : int
        Number of values that are predicted for a sequence.

    architecture_ : Architecture
        Description of the network.

    weights_ : list of ndarray
        In the order of ``keras.Model.get_weights()``.

    optimizer_state_ : list of ndarray
        Step count and moments of Adam, with which ``warm_start`` goes on.

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

    n_features_in_ : int
        Number of features; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    model_ : keras.Model
        The network as a Keras model, made when asked for. It knows nothing of padding
        and missing values: give it sequences without NaN.

    See Also
    --------
    LSTMClassifier : The same for classes.
    LSTMAutoencoder : Latent vectors and errors, without a target.

    Notes
    -----
    Scale the features and the target first (for the target, see
    :class:`sklearn.compose.TransformedTargetRegressor`).

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural
       Computation 9(8), 1997.
    .. [2] A. Graves, A. Mohamed and G. Hinton, "Speech recognition with deep recurrent
       neural networks", ICASSP 2013, arXiv:1303.5778.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import LSTMRegressor
    >>> X = np.random.default_rng(0).uniform(size=(200, 5))
    >>> model = LSTMRegressor(8, learning_rate=0.02, batch_size=16, random_state=0)
    >>> model.fit(X, X.mean(axis=1)).score(X, X.mean(axis=1)) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **SequenceNetwork._parameter_constraints,
        "loss": [StrOptions({"mse", "mae", "huber"})],
    }

    def __init__(
        self,
        hidden_layer_sizes=(64, 32),
        *,
        cell="lstm",
        bidirectional=False,
        activation="tanh",
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
        validation_fraction=0.1,
        n_iter_no_change=5,
        tol=1e-4,
        engine="auto",
        n_threads=1,
        checkpoint=None,
        warm_start=False,
        verbose=0,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.bidirectional = bidirectional
        self.activation = activation
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
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.engine = engine
        self.n_threads = n_threads
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network to predict ``y``.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences. NaN is padding or a missing value.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Values to predict.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of the loss of each sequence.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        go_on = self.warm_start and self.__sklearn_is_fitted__()
        if y is None:
            raise ValueError(
                "LSTMRegressor requires y to be passed, but the target y is None."
            )
        X = check_sequences(self, X, reset=not go_on)
        with named_errors("y"):
            y = check_array(
                y, dtype=np.float64, ensure_2d=False, input_name="y", estimator=self
            )
            assert_all_finite(y.astype(np.float32), input_name="y")
            if y.ndim == 2 and y.shape[1] == 1:
                y = column_or_1d(y, warn=True)
            check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = _check_weights(sample_weight, y)
        targets = y.reshape(len(y), -1)
        if go_on and targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {targets.shape[1]} outputs, but the network that 'warm_start' "
                f"goes on from has {self.n_outputs_}."
            )
        learned = {"n_outputs_": targets.shape[1], "_is_multioutput": y.ndim == 2}
        loss = self.loss
        return self._fit(X, y, targets, sample_weight, learned, loss=loss, go_on=go_on)

    def predict(self, X):
        """Predict values.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._outputs(X).astype(np.float64)
        return outputs if self._is_multioutput else outputs[:, 0]

    def _network_parameters(self):
        return {"kind": "vector", "n_outputs": self.n_outputs_}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class LSTMClassifier(ClassifierMixin, _SupervisedNetwork):
    """Stacked LSTM layers that classify sequences.

    Each layer but the last passes on every time step; a dense layer on the final state
    of the last gives the probabilities, logistic for two classes and softmax for more.
    Training minimises the cross-entropy.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 32)
        Units of the layers.

    cell : {"lstm", "gru"}, default="lstm"
        Kind of the recurrent layers.

    bidirectional : bool, default=False
        Whether each layer reads in both directions, with so
        many units for each.

    activation : {"tanh", "relu", "linear"}, default="tanh"
        Activation of the cells.

    dropout : float, default=0.0
        Share of the outputs of each layer that is dropped in training.

    recurrent_dropout : float, default=0.0
        Share of the states that is dropped on their way to the next step in training.

    l2 : float, default=0.0
        Weight of the penalty on the squared kernels of the recurrent layers.

    noise : float, default=0.0
        Standard deviation of the normal noise that is added to the input in training,
        in units of ``X``.

    add_missing_indicator : bool, default=False
        Whether the network is told which cells are missing, as further inputs.

    class_weight : dict or "balanced", default=None
        Weights of the classes in the loss, as ``{class: weight}``; "balanced" for
        weights inversely proportional to their frequency.

    learning_rate : float, default=1e-3
        Step size of Adam.

    global_clipnorm : float, default=None
        Length above which the gradient is scaled down to it. None for no limit.

    batch_size : int, default=64
        Sequences in a mini-batch.

    max_epochs : int, default=50
        Passes over the training sequences, at the most.

    early_stopping : bool, default=True
        Whether to hold out a part of the sequences (of windows the last part of each
        series), stop when its loss no longer improves, and keep the weights of the best
        epoch. If False, all ``max_epochs`` are run on all sequences.

    validation_fraction : float, default=0.1
        Share to hold out, of an array at least one sequence of each class. Windows that
        share rows with this part are set aside.

    n_iter_no_change : int, default=5
        Epochs without improvement after which training stops.

    tol : float, default=1e-4
        Least decrease of the validation loss that counts as an improvement.

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
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    architecture_ : Architecture
        Description of the network.

    weights_ : list of ndarray
        In the order of ``keras.Model.get_weights()``.

    optimizer_state_ : list of ndarray
        Step count and moments of Adam, with which ``warm_start`` goes on.

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

    n_features_in_ : int
        Number of features; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    model_ : keras.Model
        The network as a Keras model, made when asked for. It knows nothing of padding
        and missing values: give it sequences without NaN.

    See Also
    --------
    LSTMRegressor : The same for numbers.
    RareEventClassifier : A classifier from a detector that needs few labels, or none.

    Notes
    -----
    Scale the features first.

    With ``early_stopping`` the held-out part of :class:`Windows` is the last one of
    each series; of an array, which holds independent sequences, it is drawn at random,
    stratified by class.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural
       Computation 9(8), 1997.
    .. [2] A. Graves, A. Mohamed and G. Hinton, "Speech recognition with deep recurrent
       neural networks", ICASSP 2013, arXiv:1303.5778.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import LSTMClassifier
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> y = np.where(X[:, 0] > 0, "up", "down")
    >>> model = LSTMClassifier(8, learning_rate=0.02, batch_size=16, random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **SequenceNetwork._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(64, 32),
        *,
        cell="lstm",
        bidirectional=False,
        activation="tanh",
        dropout=0.0,
        recurrent_dropout=0.0,
        l2=0.0,
        noise=0.0,
        add_missing_indicator=False,
        class_weight=None,
        learning_rate=1e-3,
        global_clipnorm=None,
        batch_size=64,
        max_epochs=50,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=5,
        tol=1e-4,
        engine="auto",
        n_threads=1,
        checkpoint=None,
        warm_start=False,
        verbose=0,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.bidirectional = bidirectional
        self.activation = activation
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.l2 = l2
        self.noise = noise
        self.add_missing_indicator = add_missing_indicator
        self.class_weight = class_weight
        self.learning_rate = learning_rate
        self.global_clipnorm = global_clipnorm
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.engine = engine
        self.n_threads = n_threads
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network to tell the classes.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences. NaN is padding or a missing value.

        y : array-like of shape (n_samples,)
            Class labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of the loss of each sequence.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        go_on = self.warm_start and self.__sklearn_is_fitted__()
        X = check_sequences(self, X, reset=not go_on)
        with named_errors("y"):
            y = _check_y(y, estimator=self)
            check_classification_targets(y)
            check_consistent_length(X, y)
            binarizer = LabelBinarizer().fit(y)
        if len(binarizer.classes_) < 2:
            raise ValueError(
                "LSTMClassifier needs two classes or more in y. Got one class: "
                f"{binarizer.classes_.item()!r}."
            )
        if go_on and not set(binarizer.classes_) <= set(self.classes_):
            raise ValueError(
                f"y holds the classes {binarizer.classes_}, but the network that "
                f"'warm_start' goes on from was trained on {self.classes_}."
            )
        if go_on:
            binarizer.fit(self.classes_)
        weights = self._weights(y, sample_weight)
        learned = {"classes_": binarizer.classes_}
        loss = "categorical_crossentropy"
        if len(binarizer.classes_) == 2:
            loss = "binary_crossentropy"
        targets = binarizer.transform(y)
        return self._fit(
            X, y, targets, weights, learned, loss=loss, labels=y, go_on=go_on
        )

    def predict_proba(self, X):
        """Predict the probability of each class.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        outputs = self._outputs(X).astype(np.float64)
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def _weights(self, y, sample_weight):
        """The weights of samples and classes together, None where all are one."""
        if sample_weight is not None:
            sample_weight = _check_weights(sample_weight, y)
        if self.class_weight is None:
            return sample_weight
        by_class = compute_sample_weight(self.class_weight, y)
        return by_class if sample_weight is None else by_class * sample_weight

    def _network_parameters(self):
        n_classes = len(self.classes_)
        return {
            "kind": "vector",
            "n_outputs": 1 if n_classes == 2 else n_classes,
            "output_activation": "sigmoid" if n_classes == 2 else "softmax",
        }
