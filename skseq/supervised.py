# SPDX-License-Identifier: BSD-3-Clause
"""LSTMClassifier and LSTMRegressor: from a sequence to a class or to numbers."""

from functools import partial
from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    compute_sample_weight,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ._estimator import all_or_nothing, with_callbacks
from ._sample_weight import check_weights
from ._sklearn import Interval, StrOptions, _check_y, _fit_context
from ._validation import check_sequences, named_errors, without_data
from .reconstruction._decisions import warn_of_no_data
from .rows._doubtful import check_features
from .training._docs import with_docs
from .training._estimator import (
    SequenceNetwork,
    history_attributes,
    network_attributes,
    parts_of,
    set_fitted,
)
from .training._line import fit_line, unseen_codes
from .training._plan import Examples
from .training._reports import EpochReports


class _SupervisedNetwork(SequenceNetwork):
    """Stacked recurrent layers, a dense layer on the final state, maybe a line."""

    _parameter_constraints: dict = {
        **SequenceNetwork._parameter_constraints,
        "line_alpha": [Interval(Real, 0, None, closed="neither"), None],
    }

    def _fit(self, X, y, targets, sample_weight, learned, *, labels=None, **options):
        """Train on ``targets`` of shape (n_samples, n_outputs).

        ``learned`` are attributes that describe the outputs; ``labels`` are classes, of
        which each part gets some; ``options`` are those of the plan.
        """
        targets = np.ascontiguousarray(targets, dtype=np.float32)[:, np.newaxis]
        examples = Examples(X, targets, sample_weight, labels is not None)
        plan = self._plan(X, **options, **self._beside_line(options["resume"]))
        # Of independent sequences any, by class.
        parts = self._hold_out(
            X, y=labels, of_arrays="random", random_state=self.random_state
        )
        reports = EpochReports(self, X, y, self.max_epochs)
        network, history = plan.train(
            examples,
            parts_of(parts, len(X)),
            reports=reports,
            attributes=lambda network: {**network_attributes(network), **learned},
            checkpoint=self.checkpoint,
        )
        final = history
        if self.refit and self.early_stopping:
            network, final = plan.train_again(examples, network, history)
        fitted = {
            **network_attributes(network),
            **history_attributes(history, parts),
            **learned,
            "line_loss_": history.line_loss,
            "optimizer_state_": final.optimizer_state,
        }
        reports.end(fitted)
        return set_fitted(self, fitted)

    def _beside_line(self, resume):
        """Options of the plan for the linear model beside the network, if any."""
        if self.line_alpha is None:
            return {}
        options = {"beside_line": True}
        if resume:  # the weights are what is added to the line of the fit before
            return options | {"fit_path": lambda examples, preparation: self.path_}
        fit = partial(fit_line, alpha=self.line_alpha)
        return options | {"fit_path": fit, "path_codes": unseen_codes}

    def _outputs(self, X):
        """What the network gives for each sequence, of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = check_sequences(self, X, reset=False)
        outputs = np.empty((len(X), self.architecture_.n_outputs), np.float32)
        for rows, _, out in self._network.outputs(X):
            outputs[rows] = out[:, 0]
        outputs[without_data(X)] = np.nan  # no data is no evidence for anything
        return outputs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


@with_docs
class LSTMRegressor(RegressorMixin, _SupervisedNetwork):
    """Stacked LSTM layers that predict numbers from a sequence.

    Each layer but the last passes on every time step; a dense layer on the final state
    of the last gives the prediction.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 32)
        Units of the layers.

    <CELLS>

    line_alpha : float or None, default=None
        Strength of the linear model beside the network: the ``alpha`` of
        :class:`sklearn.linear_model.Ridge` on the flattened sequences. None for the
        network alone. See Notes.

    loss : {"mse", "mae", "huber"}, default="mse"
        What training minimises: the squared, absolute, or Huber's error with its corner
        at 1.

    <TRAINING>

    <RUNNING>

    Attributes
    ----------
    n_outputs_ : int
        Number of values that are predicted for a sequence.

    path_ : Line or None
        The linear model, if any: its ``coef`` of shape (n_timesteps,
        n_features, n_outputs) and ``intercept``.

    line_loss_ : float or None
        Loss of the held-out sequences before the first epoch: by the linear model
        alone, unless ``warm_start`` went on.

    <FITTED>

    <SEEN>

    See Also
    --------
    LSTMClassifier : The same for classes.
    LSTMAutoencoder : Latent vectors and errors, without a target.

    Notes
    -----
    Scale the features and the target first (for the target, see
    :class:`sklearn.compose.TransformedTargetRegressor`).

    Where the target is nearly a linear function of the last rows, as in a forecast of a
    few rows, :class:`sklearn.linear_model.Ridge` on flattened windows does better:
    compare with it, or set ``line_alpha``, such as to 100. Then the network begins with
    the predictions of a ridge regression, and adds to them; while it is trained, these
    are of ridge regressions that have not seen the sequence [3]_. ``best_epoch_`` is 0
    where that lowers the loss of what is held out in no epoch: the line is left alone.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural
       Computation 9(8), 1997.
    .. [2] A. Graves, A. Mohamed and G. Hinton, "Speech recognition with deep recurrent
       neural networks", ICASSP 2013, arXiv:1303.5778.
    .. [3] D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.

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
        **_SupervisedNetwork._parameter_constraints,
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
        input_noise=0.0,
        add_missing_indicator=False,
        line_alpha=None,
        loss="mse",
        learning_rate=1e-3,
        global_clipnorm=None,
        batch_size=64,
        max_epochs=50,
        max_samples="auto",
        early_stopping=True,
        refit=False,
        validation_fraction=0.1,
        validation="auto",
        n_iter_no_change=5,
        tol=1e-3,
        engine="auto",
        n_threads=None,
        checkpoint=None,
        warm_start=False,
        verbose=0,
        random_state=None,
    ):
        super().__init__(
            hidden_layer_sizes,
            cell=cell,
            bidirectional=bidirectional,
            activation=activation,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            l2=l2,
            input_noise=input_noise,
            add_missing_indicator=add_missing_indicator,
            learning_rate=learning_rate,
            global_clipnorm=global_clipnorm,
            batch_size=batch_size,
            max_epochs=max_epochs,
            max_samples=max_samples,
            early_stopping=early_stopping,
            refit=refit,
            validation_fraction=validation_fraction,
            validation=validation,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            engine=engine,
            n_threads=n_threads,
            checkpoint=checkpoint,
            warm_start=warm_start,
            verbose=verbose,
            random_state=random_state,
        )
        self.line_alpha = line_alpha
        self.loss = loss

    @all_or_nothing
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
            Weight of the loss of each sequence, in training and where it is held out.
            Their ratios count: of the same weights all are 1.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        resume = self.warm_start and self.__sklearn_is_fitted__()
        if y is None:
            raise ValueError(
                "LSTMRegressor requires y to be passed, but the target y is None."
            )
        X = check_sequences(self, X, reset=not resume)
        check_features(X)
        with named_errors("y"):
            y = check_array(
                y, dtype=np.float64, ensure_2d=False, input_name="y", estimator=self
            )
            assert_all_finite(y.astype(np.float32), input_name="y")
            if y.ndim == 2 and y.shape[1] == 1:
                y = column_or_1d(y, warn=True)
            check_consistent_length(X, y)
        sample_weight = check_weights(sample_weight, y)
        targets = y.reshape(len(y), -1)
        if resume and targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {targets.shape[1]} outputs, but the network that 'warm_start' "
                f"goes on from has {self.n_outputs_}."
            )
        learned = {"n_outputs_": targets.shape[1], "_is_multioutput": y.ndim == 2}
        return self._fit(
            X,
            y,
            targets,
            sample_weight,
            learned,
            loss=self.loss,
            resume=resume,
            kind="vector",
            n_outputs=targets.shape[1],
        )

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
            NaN where no cell was observed.
        """
        outputs = self._outputs(X).astype(np.float64)
        return outputs if self._is_multioutput else outputs[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


@with_docs
class LSTMClassifier(ClassifierMixin, _SupervisedNetwork):
    """Stacked LSTM layers that classify sequences.

    Each layer but the last passes on every time step; a dense layer on the final state
    of the last adds to a linear model of the sequence. The sum gives the probabilities,
    logistic for two classes and softmax for more.
    Training minimises the cross-entropy.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 32)
        Units of the layers.

    <CELLS>

    line_alpha : float or None, default=100.0
        Strength of the linear model beside the network: 1 / C of
        :class:`sklearn.linear_model.LogisticRegression` on the flattened sequences.
        None for the network alone. See Notes.

    class_weight : dict or "balanced", default=None
        Weights of the classes in the loss, as ``{class: weight}``, of which the ratios
        count; "balanced" for weights inversely proportional to their frequency.

    <TRAINING>

    <RUNNING>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.

    path_ : Line or None
        The linear model, if any: its ``coef`` of shape (n_timesteps,
        n_features, n_outputs) and ``intercept``,
        and the ``limit`` of its log-odds.

    line_loss_ : float or None
        Loss of the held-out sequences before the first epoch: by the linear model
        alone, unless ``warm_start`` went on.

    <FITTED>

    <SEEN>

    See Also
    --------
    LSTMRegressor : The same for numbers.
    RareEventClassifier : A classifier from a detector that needs few labels, or none.

    Notes
    -----
    Scale the features first.

    ``class_weight="balanced"`` is not the default: on tables with rare events, average
    precision rose by 0.01 at the most and fell by up to 0.2, and the probabilities are
    not those of the data then. Give it where ``predict`` is to find rather than be
    right.

    Alone, a network is often worse than a logistic regression on the same windows: few
    events are held out, and it is stopped before it has found what the other is fitted
    to. So it stands beside one. It begins with the log-odds of a logistic regression on
    the flattened sequences, strongly regularised, and adds to them; while it is
    trained, these are of regressions that have not seen the sequence (of five blocks,
    the four others [3]_), as it would rely on them too much else. ``best_epoch_`` is 0
    where it lowers the loss of what is held out in no epoch: the line is left alone.
    Where events are not to be told by a linear function at all, the network alone can
    be better: compare with ``line_alpha=None``, or weigh both in a
    :class:`RareEventClassifier`.

    An array holds independent sequences: what is held out of it is drawn at random,
    stratified by class, where ``validation`` is "auto".

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural
       Computation 9(8), 1997.
    .. [2] A. Graves, A. Mohamed and G. Hinton, "Speech recognition with deep recurrent
       neural networks", ICASSP 2013, arXiv:1303.5778.
    .. [3] D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.

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
        **_SupervisedNetwork._parameter_constraints,
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
        input_noise=0.0,
        add_missing_indicator=False,
        line_alpha=100.0,
        class_weight=None,
        learning_rate=1e-3,
        global_clipnorm=None,
        batch_size=64,
        max_epochs=50,
        max_samples="auto",
        early_stopping=True,
        refit=True,
        validation_fraction=0.1,
        validation="auto",
        n_iter_no_change=5,
        tol=1e-3,
        engine="auto",
        n_threads=None,
        checkpoint=None,
        warm_start=False,
        verbose=0,
        random_state=None,
    ):
        super().__init__(
            hidden_layer_sizes,
            cell=cell,
            bidirectional=bidirectional,
            activation=activation,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            l2=l2,
            input_noise=input_noise,
            add_missing_indicator=add_missing_indicator,
            learning_rate=learning_rate,
            global_clipnorm=global_clipnorm,
            batch_size=batch_size,
            max_epochs=max_epochs,
            max_samples=max_samples,
            early_stopping=early_stopping,
            refit=refit,
            validation_fraction=validation_fraction,
            validation=validation,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            engine=engine,
            n_threads=n_threads,
            checkpoint=checkpoint,
            warm_start=warm_start,
            verbose=verbose,
            random_state=random_state,
        )
        self.line_alpha = line_alpha
        self.class_weight = class_weight

    @all_or_nothing
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
            Weight of the loss of each sequence, in training and where it is held out.
            Their ratios count: of the same weights all are 1.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If the input is not valid, or a class of ``y`` is in none of the sequences
            that are left to train on.

        Warns
        -----
        UserWarning
            If the held-out part lacks a class.
        """
        resume = self.warm_start and self.__sklearn_is_fitted__()
        X = check_sequences(self, X, reset=not resume)
        check_features(X)
        if y is None:
            raise ValueError(
                "LSTMClassifier requires y to be passed, but the target y is None. "
                "Without labels, use a detector such as LSTMAutoencoder."
            )
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
        if resume and not set(binarizer.classes_) <= set(self.classes_):
            raise ValueError(
                f"y holds the classes {binarizer.classes_}, but the network that "
                f"'warm_start' goes on from was trained on {self.classes_}."
            )
        if resume:
            binarizer.fit(self.classes_)
        weights = self._weights(y, sample_weight)
        learned = {"classes_": binarizer.classes_}
        is_binary = len(binarizer.classes_) == 2
        return self._fit(
            X,
            y,
            binarizer.transform(y),
            weights,
            learned,
            # Flags would be taken for events, which need not be trained on.
            labels=y.astype(int) if y.dtype == bool else y,
            loss=f"{'binary' if is_binary else 'categorical'}_crossentropy",
            resume=resume,
            kind="vector",
            n_outputs=1 if is_binary else len(binarizer.classes_),
            output_activation="sigmoid" if is_binary else "softmax",
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
            In the order of ``classes_``. NaN where no cell was observed.
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

        Warns
        -----
        UserWarning
            If no cell of a sequence was observed: it is not judged, and gets the first
            of ``classes_``.
        """
        probabilities = self.predict_proba(X)
        missing = np.isnan(probabilities[:, 0])
        warn_of_no_data(missing, repr(self.classes_.tolist()[0]), "predict_proba")
        return self.classes_[np.argmax(probabilities, axis=1)]

    def _weights(self, y, sample_weight):
        """The weights of samples and classes together, None where all are one."""
        sample_weight = check_weights(sample_weight, y)
        if self.class_weight is None:
            return sample_weight
        by_class = compute_sample_weight(self.class_weight, y)
        if sample_weight is not None:
            by_class = by_class * sample_weight
        return check_weights(by_class, y)


# Where classes are rare, the last part of a table holds too many of their sequences to
# be left out.
LSTMClassifier.__doc__ = LSTMClassifier.__doc__.replace(
    "refit : bool, default=False", "refit : bool, default=True"
)
