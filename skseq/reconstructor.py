# SPDX-License-Identifier: BSD-3-Clause
"""LSTMReconstructor: a regular network that reconstructs sequences."""

from .reconstruction._estimator import ReconstructingNetwork
from .training._docs import with_docs


@with_docs
class LSTMReconstructor(ReconstructingNetwork):
    """LSTM network without a bottleneck: reconstruction errors of sequences.

    The layers of an :class:`LSTMAutoencoder`, each of which passes on every time step:
    the article's "regular LSTM network" [1]_. There is no latent vector, so it is no
    transformer.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(32, 16)
        Units of the first layers; the others mirror them.

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

    See Also
    --------
    LSTMAutoencoder : The same layers around a latent vector.

    Notes
    -----
    With as many units as features or more, such a network may learn to pass its input
    through, and events with it. Compare it with the autoencoder.

    References
    ----------
    .. [1] C. Ranjan, "Step-by-step understanding LSTM Autoencoder layers", Towards Data
       Science, 2019.
    .. [2] P. Malhotra et al., "LSTM-based encoder-decoder for multi-sensor anomaly
       detection", ICML 2016 Anomaly Detection Workshop, arXiv:1607.00148.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import LSTMReconstructor
    >>> X = np.sin(np.arange(40 * 5).reshape(40, 5, 1))
    >>> network = LSTMReconstructor((4, 2), max_epochs=2, random_state=0).fit(X)
    >>> network.reconstruct(X).shape
    (40, 5, 1)
    """

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

    def _architecture_options(self):
        output = "sigmoid" if self.loss == "binary_crossentropy" else "linear"
        return {"kind": "sequence", "output_activation": output}
