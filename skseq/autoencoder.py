# SPDX-License-Identifier: BSD-3-Clause
"""LSTMAutoencoder: latent vectors and reconstruction errors of sequences."""

from ._sklearn import StrOptions
from .reconstruction._estimator import ReconstructingNetwork
from .reconstruction._latent import LatentDecoderMixin, LatentVectorsMixin
from .training._docs import with_docs


@with_docs
class LSTMAutoencoder(LatentVectorsMixin, LatentDecoderMixin, ReconstructingNetwork):
    """LSTM autoencoder: latent vectors and reconstruction errors of sequences.

    LSTM layers read a sequence; the last passes on its final state only, the latent
    vector. It is repeated for each time step, and the same layers in reverse order,
    with a dense layer on each step, reconstruct the sequence [1]_.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(32, 16)
        Units of the encoder's layers, mirrored by the decoder. The last is the latent
        size, twice where the layers are ``bidirectional``.

    decoder : {"repeat", "reshape", "dense", "conditional"}, default="repeat"
        How a sequence is made of the latent vector. "repeat": it is the decoder's input
        at each step [1]_. "reshape": it is cut into as many parts as there are steps.
        "dense": the decoder passes on its final state only, of which a dense layer
        makes all steps. "conditional": it is the decoder's first state, from which it
        goes on in reverse order, fed with the step before: with the true one in
        training, its own in use [2]_. With "reshape" and "dense" what is made of a step
        depends on its place, so padding moves it.

    <CELLS>

    <CONTEXT>

    loss : {"mse", "mae", "huber", "binary_crossentropy"}, default="mse"
        What training minimises, and the error of a cell: squared, absolute, Huber's
        with its corner at 1, or the binary cross-entropy of cells in [0, 1], for which
        the network's output is logistic.

    <TRAINING>

    error : {"loss", "mse", "mae", "standardized", "mahalanobis"}, default="loss"
        The error of a time step: "loss", that of training; the squared or the absolute
        difference; "standardized", the squared difference in units of what is usual for
        the feature; or "mahalanobis", the squared Mahalanobis distance of the
        differences of all features [2]_, over their number. What is usual is told by
        the held-out sequences, and where there are none, or ``refit`` adds them, by
        those of training.

    <SCORES>

    <RUNNING>

    Attributes
    ----------
    <FITTED>

    <JUDGED>

    <SEEN>

    encoder_ : keras.Model
        The first half of ``model_``, with the same layers: sequences to latent vectors.

    decoder_ : keras.Model
        The second half of ``model_``: latent vectors to sequences.

    See Also
    --------
    ResidualAutoencoder : A linear path beside such a network: the detector for tables.
    PCAAutoencoder : The linear baseline: try it first.
    LSTMReconstructor : A network without a bottleneck.
    RareEventClassifier : A classifier with a threshold from such a detector.

    Notes
    -----
    Scores follow scikit-learn's outlier detectors: higher is more normal. So under
    ``scoring="average_precision"`` with ``y == 1`` for events a bare detector is judged
    upside down. Wrap it in :class:`RareEventClassifier`, or use
    ``skseq.metrics.detector_average_precision``.

    Scale the features first: the loss adds them up as they are.

    An array is taken as independent sequences; of :class:`Windows` it is known which
    rows they share, so that nothing is held out that was trained on.

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
    .. [5] P. Vincent et al., "Extracting and composing robust features with denoising
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
        **ReconstructingNetwork._parameter_constraints,
        "decoder": [StrOptions({"repeat", "reshape", "dense", "conditional"})],
    }

    def __init__(
        self,
        hidden_layer_sizes=(32, 16),
        *,
        decoder="repeat",
        cell="lstm",
        bidirectional=False,
        activation="tanh",
        dropout=0.0,
        recurrent_dropout=0.0,
        l2=0.0,
        input_noise=0.0,
        add_missing_indicator=False,
        context_features=None,
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
        error="loss",
        score_on="mean",
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
            context_features=context_features,
            loss=loss,
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
            error=error,
            score_on=score_on,
            contamination=contamination,
            engine=engine,
            n_threads=n_threads,
            checkpoint=checkpoint,
            warm_start=warm_start,
            verbose=verbose,
            random_state=random_state,
        )
        self.decoder = decoder

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

    def _decode(self, latent, context):
        return self._network.decode(latent, self.sequence_shape_[0], context)

    @property
    def _context_means(self):
        return self.feature_means_[self.is_context_]

    def _architecture_options(self):
        output = "sigmoid" if self.loss == "binary_crossentropy" else "linear"
        return {"decoder": self.decoder, "output_activation": output}

    @property
    def _n_features_out(self):
        return self.architecture_.latent_size
