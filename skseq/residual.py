# SPDX-License-Identifier: BSD-3-Clause
"""ResidualAutoencoder: a linear path, and a network for what it leaves over."""

from functools import partial
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, clone

from ._estimator import (
    CallbackSupportMixin,
    DocumentationLinkMixin,
    all_or_nothing,
    with_callbacks,
)
from ._sample_weight import weighed
from ._sklearn import Interval, StrOptions, _fit_context
from ._validation import check_sequences
from .autoencoder import LSTMAutoencoder
from .engines._batches import feature_means
from .engines._linear import fit_linear_path
from .reconstruction._context import CONTEXT_FEATURES, context_mask
from .reconstruction._estimator import CONTAMINATION_CONSTRAINTS
from .reconstruction._fit import Choices, fit_network
from .reconstruction._judge import SCORED_STEPS
from .reconstruction._latent import LatentDecoderMixin, LatentVectorsMixin
from .reconstruction._mixin import ReconstructionMixin
from .reconstruction._offset import check_contamination
from .rows._doubtful import check_features
from .training._docs import with_docs
from .training._estimator import FittedNetworkMixin, set_fitted
from .training._plan import Examples
from .training._reports import EpochReports

# What a network that is trained further goes on from; the path is fitted anew.
_RESUMED = ("architecture_", "weights_", "optimizer_state_", "is_context_")


def _fit_path(examples, preparation, n_components):
    return fit_linear_path(examples.X, preparation, n_components, examples.weights)


@with_docs
class ResidualAutoencoder(
    LatentVectorsMixin,
    LatentDecoderMixin,
    ReconstructionMixin,
    OutlierMixin,
    FittedNetworkMixin,
    CallbackSupportMixin,
    DocumentationLinkMixin,
    BaseEstimator,
):
    """A linear path, and an LSTM autoencoder that learns what it leaves over.

    The detector for tables: for what breaks the relations between sensors. A linear
    filter of low rank reconstructs what it can, and follows a drift of the level. The
    network sees each window without its level (and the level through a tanh, which is
    bounded), and learns what the filter leaves over. The score is the Mahalanobis
    distance of the remaining error, later steps counting more, under a path and a
    network that are at last trained on all of the past.

    Parameters
    ----------
    network : LSTMAutoencoder, default=None
        The network, cloned, and how it is trained. Its ``context_features``, ``error``,
        ``score_on``, ``contamination`` and ``refit`` are not used. None for
        ``LSTMAutoencoder()``, whose parameters can be set all the same:
        ``set_params(network__hidden_layer_sizes=16)``.

    n_components : int or "auto", default="auto"
        Rank of the linear path. "auto" for the components of which the filter keeps
        more than 5%, and 64 at the most of windows of more than 600 cells.

    <CONTEXT>

    error : {"mse", "mae", "standardized", "mahalanobis"}, default="mahalanobis"
        The error of a time step, as of :class:`LSTMAutoencoder`: what is usual is told
        by the training sequences where ``refit`` adds all to them, else by those held
        out.

    score_on : {"mean", "recent", "last", "max"}, default="recent"
        Which steps count in the error of a sequence: all alike, later ones more (the
        k-th of n steps by ``k ** 2``), the last one, or the one with the largest error.

    refit : bool, default=True
        Whether, after early stopping, to fit path and network again to all sequences.

    contamination : "auto", float or tuple, default="auto"
        What sets ``offset_``, as of :class:`LSTMAutoencoder`. What is told by held-out
        sequences is carried over to the model that is kept, in units of its scores.

    Attributes
    ----------
    path_ : LinearPath
        The linear path: ``center``, ``spread`` and ``scale`` (what it leaves over) of
        each feature, ``components`` and their ``gains``. Context features come last in
        its arrays.

    <FITTED>

    <JUDGED>

    <SEEN>

    encoder_ : keras.Model
        From the network's input, as ``path_`` makes it, to its latent vectors.

    decoder_ : keras.Model
        From the network's latent vectors to what is added to the linear path, in units
        of ``path_.scale``.

    See Also
    --------
    LSTMAutoencoder : The network alone.
    PCAAutoencoder : The linear baseline: try it first.
    RareEventClassifier : A classifier with a threshold from this detector.

    Notes
    -----
    The path goes by the place of a step in the sequence: give it sequences that all end
    alike, as :class:`Windows` do. It is the Wiener filter: of a principal component of
    variance v of the standardised cells it keeps the share v / (v + s²), where s is 0.5
    in units of the spread of a cell. Each feature counts in units of its own spread, so
    a forgotten scaler costs nothing.

    The path follows the noise of few sequences. Where fewer than 30 are held out, or
    most of these are beyond what is normal to the training sequences and all together
    are fewer than twice the cells of one, ``offset_`` is told by all of them: by the
    score of each under a path and an error rule of those that share no row with it or
    its neighbours, a tenth of the table. Of n, about one later sequence of n is then an
    outlier, and fewer where windows overlap much. The network is the same for all: one
    that was trained until it knew few sequences by heart sets too narrow an offset.

    References
    ----------
    .. [1] N. Wiener, "Extrapolation, interpolation, and smoothing of stationary time
       series", MIT Press, 1949.
    .. [2] P. Malhotra et al., "LSTM-based encoder-decoder for multi-sensor anomaly
       detection", ICML 2016 Anomaly Detection Workshop, arXiv:1607.00148.
    .. [3] O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional
       covariance matrices", Journal of Multivariate Analysis 88(2), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from skseq import LSTMAutoencoder, ResidualAutoencoder, sliding_windows
    >>> table = np.random.default_rng(0).normal(size=(300, 3)).cumsum(axis=0)
    >>> windows, _ = sliding_windows(table, 5)
    >>> network = LSTMAutoencoder((8, 4), max_epochs=2, random_state=0)
    >>> detector = ResidualAutoencoder(network, n_components=3).fit(windows)
    >>> detector.get_feature_names_out()
    array(['linear0', 'linear1', 'linear2', 'lstm0', 'lstm1', 'lstm2', 'lstm3'],
          dtype=object)
    """

    _warm_start = "network__warm_start"
    _parameter_constraints: dict = {
        "network": [LSTMAutoencoder, None],
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "context_features": CONTEXT_FEATURES,
        "error": [StrOptions({"mse", "mae", "standardized", "mahalanobis"})],
        "score_on": [StrOptions(SCORED_STEPS)],
        "refit": ["boolean"],
        "contamination": CONTAMINATION_CONSTRAINTS,
    }

    def __init__(
        self,
        network=None,
        *,
        n_components="auto",
        context_features=None,
        error="mahalanobis",
        score_on="recent",
        refit=True,
        contamination="auto",
    ):
        self.network = network
        self.n_components = n_components
        self.context_features = context_features
        self.error = error
        self.score_on = score_on
        self.refit = refit
        self.contamination = contamination

    def get_params(self, deep=True):
        """Get the parameters, those of the default network included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to give the parameters of the network too.

        Returns
        -------
        params : dict
        """
        params = super().get_params(deep)
        if deep and self.network is None:
            params |= {
                f"network__{name}": value
                for name, value in LSTMAutoencoder().get_params().items()
            }
        return params

    def set_params(self, **params):
        """Set parameters; those of the network by ``network__`` and their name.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : object
            The estimator.
        """
        of_network = any(name.startswith("network__") for name in params)
        if of_network and params.get("network", self.network) is None:
            params["network"] = LSTMAutoencoder()
        return super().set_params(**params)

    @all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the path, train the network, and learn what errors are usual.

        Parameters
        ----------
        X : Windows or array-like of shape (n_samples, n_timesteps, n_features) or \
                (n_samples, n_timesteps)
            Training sequences, in time order. NaN is padding or a missing value.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sequence, of a window that of its last row. It multiplies the
            loss of the sequence, in training and where it is held out, and the linear
            path takes the sequence so often beside the others; of weight 0 it is left
            out altogether. Their ratios count. What sets ``offset_`` counts all
            that are left alike. None for the same weight.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If the input is not valid, too short for the network's
            ``validation_fraction``, or the training loss does not stay finite in the
            first epoch.

        Warns
        -----
        UserWarning
            If the training ended early, as the loss did not stay finite or the user
            interrupted it: the weights of the best epoch until then are kept.
        """
        network = LSTMAutoencoder() if self.network is None else clone(self.network)
        network._validate_params()
        resume = network.warm_start and self.__sklearn_is_fitted__()
        X = check_sequences(self, X, reset=not resume)
        X, weights, _ = weighed(X, sample_weight)
        check_features(X, units=False)
        if resume:
            set_fitted(network, {name: getattr(self, name) for name in _RESUMED})
            network.feature_means_ = feature_means(X)
        choices, plan = self._choose(network, X, resume)
        held_out = network._hold_out(X)
        reports = EpochReports(self, X, y, network.max_epochs)
        examples = Examples(X, None, weights)
        fitted = fit_network(
            plan, examples, held_out, choices, reports, network.checkpoint
        )
        reports.end(fitted)
        return set_fitted(self, fitted)

    def _choose(self, network, X, resume):
        """Everything that parameters and input decide, before the first step."""
        if network.loss == "binary_crossentropy":
            raise ValueError(
                "The 'network' parameter of ResidualAutoencoder reconstructs what a "
                "linear path leaves over, which is no probability: it does not go with "
                "loss='binary_crossentropy'. Use loss='mse'."
            )
        choices = Choices(
            self.error,
            self.score_on,
            check_contamination(self.contamination, type(self).__name__),
            self.refit,
        )
        is_context = context_mask(self, X)
        n_judged = X.shape[2]
        if is_context is not None:
            n_judged -= int(np.count_nonzero(is_context))
        plan = network._plan(
            X,
            loss=network.loss,
            resume=resume,
            **network._architecture_options(),
            is_context=is_context,
            n_levels=n_judged,
            fit_path=partial(_fit_path, n_components=self.n_components),
        )
        return choices, plan

    def get_feature_names_out(self, input_features=None):
        """Names of the latent vector's parts: ``linear0``, ..., then ``lstm0``, ...

        Parameters
        ----------
        input_features : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        feature_names_out : ndarray of str objects
        """
        n_linear = self._network.path.n_components
        names = [f"linear{k}" for k in range(n_linear)]
        cell = self.architecture_.cell
        names += [f"{cell}{k}" for k in range(self.architecture_.latent_size)]
        return np.array(names, dtype=object)

    @property
    def encoder_(self):
        """From the network's input to its latent vectors."""
        return self._keras_models().encoder

    @property
    def decoder_(self):
        """From the network's latent vectors to what is added to the linear path."""
        return self._keras_models().decoder

    def _reconstructions(self, X):
        return self._network.outputs(X)

    def _encode(self, X):
        return self._network.encode(X)

    def _decode(self, latent, context):
        return self._network.decode(latent, self.sequence_shape_[0], context)

    @property
    def _context_means(self):
        return self.feature_means_[self.is_context_]

    @property
    def _n_features_out(self):
        return self.path_.n_components + self.architecture_.latent_size
