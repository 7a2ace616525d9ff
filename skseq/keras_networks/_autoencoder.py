# SPDX-License-Identifier: BSD-3-Clause
"""KerasAutoencoder: bring your own Keras network, through SciKeras."""

import copy

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    reports_fit,
)
from .._sample_weight import weighed
from .._sklearn import HasMethods, StrOptions, _fit_context
from .._validation import check_sequences
from ..engines._batches import CHUNK, Preparation, feature_means
from ..networks._quiet import (
    hold_back_stderr,
    import_keras,
    quiet_first_steps,
    running_keras,
)
from ..reconstruction._estimator import CONTAMINATION_CONSTRAINTS
from ..reconstruction._judge import SCORED_STEPS
from ..reconstruction._latent import (
    LatentVectorsMixin,
    check_latent,
    sequences_like,
)
from ..reconstruction._mixin import ReconstructionMixin
from ..reconstruction._offset import check_contamination
from ..rows._doubtful import check_features
from ._network import (
    PackedModel,
    check_output,
    forward,
    missing_targets_ignored,
    shallow_copy,
    split,
)
from ._scikeras import import_scikeras, new, seeded

_EPOCHS = 50  # of a model that comes without a wrapper, as of LSTMAutoencoder


def _compiled(model):
    """How a bare model is to be compiled: as it is, if it is."""
    if not model.compiled:
        return {"loss": "mse", "optimizer": "adam"}
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    how = {"loss": model.loss, "run_eagerly": model.run_eagerly}
    return {**how, "optimizer": optimizer}


def _has_decoder(estimator):
    """Tell whether to offer ``inverse_transform``: in any case before ``fit``."""
    if not hasattr(estimator, "encoder_") or hasattr(estimator, "decoder_"):
        return True
    raise AttributeError(
        "'inverse_transform' needs a network whose output depends on the layer "
        f"{estimator._latent_layer!r} only; here a connection passes it by."
    )


class KerasAutoencoder(
    LatentVectorsMixin,
    ReconstructionMixin,
    OutlierMixin,
    CallbackSupportMixin,
    DocumentationLinkMixin,
    BaseEstimator,
):
    """Autoencoder from a Keras network of your own, through SciKeras.

    SciKeras builds, compiles and trains the network, and routes parameters as its users
    know. This class gives it the sequences themselves as the target, and offers latent
    vectors, reconstruction errors and decisions.

    Parameters
    ----------
    estimator : scikeras.wrappers.BaseWrapper or keras.Model
        Around a function that builds the network, Sequential or functional. The network
        maps (n_timesteps, n_features), which are ``meta["X_shape_"][1:]``, to the same
        shape. ``estimator.random_state`` fixes the result. Or the network itself, of
        which a copy is trained from its weights on: with the loss and optimiser that it
        was compiled with, else "mse" and Adam, for 50 epochs.

    latent_layer : str, default="latent"
        Name of the layer whose output, one vector for each sequence, is the latent one.

    score_on : {"mean", "recent", "last", "max"}, default="mean"
        Which steps count in the error of a sequence: all alike, later ones more (the
        k-th of n steps by ``k ** 2``), the last one, or the one with the largest error.

    contamination : "auto", float or tuple, default="auto"
        Share of outliers in the training data, in (0, 0.5], which sets ``offset_``.
        "auto" lets 1% of the training sequences be outliers, ``("quantile", q)`` a
        share of ``1 - q``, and ``("pot", q)`` sets it by peaks over threshold, at a
        risk of q.

    Attributes
    ----------
    estimator_ : scikeras.wrappers.BaseWrapper
        The fitted clone of ``estimator``.

    model_ : keras.Model
        The network. It knows nothing of missing values: give it sequences without NaN.

    encoder_ : keras.Model
        The network up to ``latent_layer``, with the same layers.

    decoder_ : keras.Model
        The network from ``latent_layer`` on. Only where its output depends on nothing
        else.

    feature_means_ : ndarray of shape (n_features,)
        Training means, which stand for missing values on the way into the network.

    loss_curve_ : list of float
        Training loss of each epoch.

    error_rule_ : str
        The error of a cell, "mse".

    score_on_ : str
        Which steps count in the error of a sequence.

    offset_ : float
        Score below which a sequence counts as an outlier; minus squared units of ``X``.
        It is set on the scores of the training sequences themselves, so on new ones
        somewhat more than the named share will lie below.

    n_features_in_ : int
        Number of features; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    See Also
    --------
    LSTMAutoencoder : A ready-made network, that also masks padding inside.
    PCAAutoencoder : The linear baseline: try it first.

    Notes
    -----
    Errors are squared, whatever loss the network is trained with.

    A cell that is NaN, padding or missing, takes the training mean on the way in, and
    as a target the output itself: it adds no gradient, and nothing to a loss that is
    zero where both agree. It has no part in a score. But the network sees padding as
    training means, so a latent vector may depend on how much there is.

    All windows are gathered to train, and each epoch of SciKeras's sees all of them.
    Each fit starts anew, also with ``warm_start``. A seed is set for the time of a fit
    only, and TensorFlow's switch to deterministic operations is not: on a GPU, results
    may differ in rounding.

    References
    ----------
    .. [1] G. E. Hinton and R. R. Salakhutdinov, "Reducing the dimensionality of data
       with neural networks", Science 313, 2006.
    .. [2] A. Garcia Badaracco, SciKeras, https://github.com/adriangb/scikeras.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from scikeras.wrappers import BaseWrapper
    >>> from skseq import KerasAutoencoder
    >>> def build(meta, units=2):
    ...     _, n_timesteps, n_features = meta["X_shape_"]
    ...     return keras.Sequential([
    ...         keras.Input((n_timesteps, n_features)),
    ...         keras.layers.Flatten(),
    ...         keras.layers.Dense(units, name="latent"),
    ...         keras.layers.Dense(n_timesteps * n_features),
    ...         keras.layers.Reshape((n_timesteps, n_features)),
    ...     ])
    >>> wrapper = BaseWrapper(
    ...     build, loss="mse", optimizer="adam", epochs=2, verbose=0, random_state=0
    ... )
    >>> ae = KerasAutoencoder(wrapper).set_params(estimator__model__units=3)
    >>> X = np.sin(np.arange(40 * 5).reshape(40, 5, 1))
    >>> ae.fit(X).transform(X).shape
    (40, 3)
    >>> ae.inverse_transform(ae.transform(X)).shape
    (40, 5, 1)
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "initialize"]), HasMethods(["get_weights"])],
        "latent_layer": [str],
        "score_on": [StrOptions(SCORED_STEPS)],
        "contamination": CONTAMINATION_CONSTRAINTS,
    }

    def __init__(
        self,
        estimator,
        *,
        latent_layer="latent",
        score_on="mean",
        contamination="auto",
    ):
        self.estimator = estimator
        self.latent_layer = latent_layer
        self.score_on = score_on
        self.contamination = contamination

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=False)
    @reports_fit
    def fit(self, X, y=None, sample_weight=None):
        """Build the network, and train it to reconstruct the sequences.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences. NaN is padding or a missing value.

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

        Raises
        ------
        TypeError
            If ``estimator`` is neither a wrapper of SciKeras nor a Keras model.
        ValueError
            If the network does not give sequences like its input, has no vector at
            ``latent_layer``, or its training loss does not stay finite.
        """
        wrapper = self._new_wrapper()
        X = check_sequences(self, X, reset=True)
        X, weights, _ = weighed(X, sample_weight)
        check_features(X)
        rule = check_contamination(self.contamination, type(self).__name__)
        means = feature_means(X)
        batch = Preparation(means).batch(X, slice(None), None, weights)
        with running_keras(), seeded(wrapper):
            encoder, decoder = self._train(wrapper, batch)
        losses = [float(loss) for loss in wrapper.history_["loss"]]
        if not np.isfinite(losses).all():
            raise ValueError(
                "The training loss of KerasAutoencoder did not stay finite: epoch by "
                f"epoch it is {losses}. Scale X, or lower the learning rate."
            )
        self.estimator_ = wrapper
        self._latent_layer = self.latent_layer
        self.feature_means_ = means
        self.loss_curve_ = losses
        self.error_rule_, self.score_on_ = "mse", self.score_on
        self._connect(wrapper.model_, encoder, decoder)
        self.offset_ = rule.offset(self._score_samples(X))
        return self

    @available_if(_has_decoder)
    def inverse_transform(self, X):
        """Give the sequences that latent vectors stand for.

        Available where the output of the network depends on ``latent_layer`` only.

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
        starts = range(0, len(latent), CHUNK)
        parts = [forward(self.decoder_, latent[k : k + CHUNK]) for k in starts]
        return sequences_like(self, np.concatenate(parts))

    def _new_wrapper(self):
        """The wrapper of the network, unfitted: a clone, or one for a bare model."""
        BaseWrapper, estimator = import_scikeras().BaseWrapper, self.estimator
        if isinstance(estimator, BaseWrapper):
            return clone(estimator)
        if isinstance(estimator, import_keras().Model):
            model = import_keras().models.clone_model(estimator)
            model.set_weights(estimator.get_weights())
            return BaseWrapper(model, epochs=_EPOCHS, verbose=0, **_compiled(estimator))
        raise TypeError(
            "The 'estimator' parameter of KerasAutoencoder must be a "
            f"scikeras.wrappers.BaseWrapper or a keras.Model. Got {estimator!r} "
            "instead. Of a function that makes a model, that is "
            "BaseWrapper(function, loss='mse')."
        )

    def _train(self, wrapper, batch):
        """Let SciKeras build the network, and train it on targets that it refuses.

        Returns the two parts of the network, which share its layers.
        """
        flat = batch.inputs.reshape(len(batch.inputs), -1)
        with hold_back_stderr():
            wrapper.initialize(batch.inputs, flat)
            model = wrapper.model_
            if not model.built:
                model.build((None, *batch.inputs.shape[1:]))
            check_output(model, batch.inputs.shape[1:])
            parts = split(model, self.latent_layer)  # Or raise, before the training.
        # SciKeras takes a y of two dimensions; what it encodes y to goes into the loss.
        wrapper.target_encoder_ = FunctionTransformer(lambda y: batch.targets)
        warm_start, wrapper.warm_start = wrapper.warm_start, True  # Keep this model.
        with missing_targets_ignored(model), quiet_first_steps(model):
            wrapper.fit(batch.inputs, flat, sample_weight=batch.weights)
        wrapper.warm_start = warm_start
        wrapper.target_encoder_ = FunctionTransformer()
        return parts

    def _connect(self, model, encoder, decoder):
        """Set the Keras models, which share their layers and how they are run."""
        for part in (encoder, decoder):
            if part is not None:
                part.run_eagerly = model.run_eagerly  # as its user said in ``compile``
        self.model_, self.encoder_ = model, encoder
        self.__dict__.pop("decoder_", None)
        if decoder is not None:
            self.decoder_ = decoder

    def _encode(self, X):
        latent = np.empty((len(X), self._n_features_out), dtype=np.float32)
        for rows, batch in self._chunks(X):
            latent[rows] = forward(self.encoder_, self._inputs(batch))
        return latent

    def _reconstructions(self, X):
        for rows, batch in self._chunks(X):
            yield rows, batch.targets, forward(self.model_, self._inputs(batch))

    def _chunks(self, X):
        return Preparation(self.feature_means_).chunks(X)

    def _inputs(self, batch):
        return self.estimator_.feature_encoder_.transform(batch.inputs)

    @property
    def _n_features_out(self):
        return self.encoder_.outputs[0].shape[-1]

    __copy__ = shallow_copy  # the state below is for a pickle

    def __reduce__(self):
        return new, (type(self),), self.__getstate__()

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "estimator_" not in state:
            return state
        for name in ("encoder_", "decoder_"):
            state.pop(name, None)
        state["model_"] = PackedModel(self.model_)
        wrapper = copy.copy(self.estimator_)
        # The callbacks and the optimiser of the fit refer to the model: not so the
        # parameters that they were made from.
        vars(wrapper).update(
            self._new_wrapper().get_params(deep=False),
            model_=state["model_"],
            _fit_callbacks=[],
            _predict_callbacks=[],
        )
        state["estimator_"] = wrapper
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "model_" in state:
            self._connect(self.model_, *split(self.model_, self._latent_layer))

    def __sklearn_is_fitted__(self):
        return hasattr(self, "offset_")
