# SPDX-License-Identifier: BSD-3-Clause
"""ContextEncoder: latent vectors from an autoencoder of the final state."""

import numpy as np
from sklearn.base import OutlierMixin

from ._estimator import all_or_nothing, with_callbacks
from ._sample_weight import weighed
from ._sklearn import _fit_context
from ._validation import check_sequences
from .reconstruction._context import CONTEXT_FEATURES, context_mask
from .reconstruction._decisions import OutlierDecisionsMixin
from .reconstruction._estimator import CONTAMINATION_CONSTRAINTS
from .reconstruction._latent import LatentVectorsMixin
from .reconstruction._offset import check_contamination, ratio_of_scores
from .rows._doubtful import check_features
from .training._docs import with_docs
from .training._estimator import (
    SequenceNetwork,
    history_attributes,
    network_attributes,
    parts_of,
    set_fitted,
)
from .training._plan import Examples
from .training._reports import EpochReports


@with_docs
class ContextEncoder(
    LatentVectorsMixin, OutlierDecisionsMixin, OutlierMixin, SequenceNetwork
):
    """Latent vectors from an autoencoder of the final state of LSTM layers.

    LSTM layers read a sequence; their final state is the context vector. A dense
    autoencoder around the latent vector reconstructs this, not the sequence. For those
    who want the latent vectors alone. Keras trains it.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(32, 16)
        Units of the recurrent layers, and last the size of the latent vector: two or
        more.

    <CELLS>

    context_features : array-like of str, int or bool, default=None
        Names, indices or a mask of the features that explain and are not judged: set
        points, commands, modes. Here the word is another than in "context vector": the
        recurrent layers read these features as the others, the second half sees those
        of the last step beside the latent vector, and a sequence of which nothing else
        was observed has no score. None for none.

    <TRAINING>

    contamination : "auto", float or tuple, default="auto"
        What sets ``offset_``, as of :class:`LSTMAutoencoder`.

    <RUNNING>

    Attributes
    ----------
    <FITTED>

    is_context_ : ndarray of bool of shape (n_features,) or None
        Mask of the ``context_features``.

    offset_ : float
        Score below which a sequence counts as an outlier.

    <SEEN>

    encoder_ : keras.Model
        The first half of ``model_``: sequences to latent vectors.

    decoder_ : keras.Model
        The second half of ``model_``: latent vectors to context vectors.

    See Also
    --------
    LSTMAutoencoder : Reconstructs the sequence.

    Notes
    -----
    A network that reconstructs its own context vector can make this vector zero, and
    reach no loss. So the loss has the variance and the covariance terms of VICReg
    [1]_: over a mini-batch, each value of the context vector keeps a standard deviation
    of 0.5, and no two tell the same. That keeps the vector from vanishing; it does not
    ask that it tell of the input. Compare its latent vectors with those of
    :class:`LSTMAutoencoder` (which did better in the example on sensor events) before
    you rely on them.

    References
    ----------
    .. [1] A. Bardes, J. Ponce and Y. LeCun, "VICReg: variance-invariance-covariance
       regularization for self-supervised learning", ICLR 2022, arXiv:2105.04906.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import ContextEncoder
    >>> X = np.sin(np.arange(40 * 5).reshape(40, 5, 1))
    >>> ContextEncoder((4, 2), max_epochs=1, random_state=0).fit(X).transform(X).shape
    (40, 2)
    """

    _needs_keras = True
    _parameter_constraints: dict = {
        **SequenceNetwork._parameter_constraints,
        "context_features": CONTEXT_FEATURES,
        "contamination": CONTAMINATION_CONSTRAINTS,
    }

    def __init__(
        self,
        hidden_layer_sizes=(32, 16),
        *,
        cell="lstm",
        bidirectional=False,
        activation="tanh",
        dropout=0.0,
        recurrent_dropout=0.0,
        l2=0.0,
        input_noise=0.0,
        add_missing_indicator=False,
        context_features=None,
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
        contamination="auto",
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
        self.context_features = context_features
        self.contamination = contamination

    @all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Train the network to reconstruct its context vectors.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences, in time order. NaN is padding or a missing value.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sequence, of a window that of its last row. It multiplies the
            loss of the sequence, in training and where it is held out; of weight 0 it
            is left out of the fit. Their ratios count. What sets ``offset_`` counts all
            that are left alike. None for the same weight.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        resume = self.warm_start and self.__sklearn_is_fitted__()
        X = check_sequences(self, X, reset=not resume)
        X, weights, _ = weighed(X, sample_weight)
        check_features(X)
        rule = check_contamination(self.contamination, type(self).__name__)
        plan = self._plan(
            X,
            loss="context",
            resume=resume,
            is_context=context_mask(self, X),
            kind="context",
        )
        parts = self._hold_out(X)
        training, held_out = rows = parts_of(parts, len(X))
        reports = EpochReports(self, X, y, self.max_epochs)
        examples = Examples(X, None, weights)
        network, history = plan.train(
            examples,
            rows,
            reports=reports,
            attributes=network_attributes,
            checkpoint=self.checkpoint,
        )
        unseen = rule.told_by(X, held_out)
        offset, final = rule.offset(_scores(network, unseen)), history
        if self.refit and held_out is not None:
            first = network
            network, final = plan.train_again(examples, network, history)
            if network is not first:
                both = X[training]
                before, after = _scores(first, both), _scores(network, both)
                offset *= ratio_of_scores(before, after)
        fitted = {
            **network_attributes(network),
            **history_attributes(history, parts),
            "optimizer_state_": final.optimizer_state,
            "offset_": offset,
        }
        reports.end(fitted)
        return set_fitted(self, fitted)

    def reconstruction_error(self, X):
        """Mean squared error of the context vector of each sequence: larger is worse.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Sequences.

        Returns
        -------
        error : ndarray of shape (n_samples,)
            NaN where no cell was observed.
        """
        return -self.score_samples(X)

    @property
    def encoder_(self):
        """The first half of ``model_``: sequences to latent vectors."""
        return self._keras_models().encoder

    @property
    def decoder_(self):
        """The second half of ``model_``: from latent vectors."""
        return self._keras_models().decoder

    def _encode(self, X):
        return self._network.encode(X)

    def _score_samples(self, X):
        return _scores(self._network, X)

    @property
    def _n_features_out(self):
        return self.architecture_.latent_size


def _scores(network, X):
    """Minus the mean squared error of the context vectors; NaN without a cell."""
    out = np.empty(len(X))
    for rows, targets, outputs in network.outputs(X):
        seen = ~np.isnan(targets).all(axis=(1, 2))
        residual = outputs[:, 1].astype(np.float64)
        out[rows] = np.where(seen, -np.square(residual).mean(axis=1), np.nan)
    return out
