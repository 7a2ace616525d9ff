# SPDX-License-Identifier: BSD-3-Clause
"""What the networks that are trained to reconstruct their input do the same."""

from numbers import Real

from sklearn.base import OutlierMixin

from .._estimator import all_or_nothing, with_callbacks
from .._sample_weight import weighed
from .._sklearn import Interval, StrOptions, _fit_context
from .._validation import check_sequences, is_windows
from ..rows._doubtful import check_features
from ..training._estimator import SequenceNetwork, set_fitted
from ..training._plan import Examples
from ..training._reports import EpochReports
from ._context import CONTEXT_FEATURES, context_mask, judged_columns
from ._fit import Choices, fit_network
from ._judge import SCORED_STEPS
from ._mixin import ReconstructionMixin
from ._offset import check_contamination

CONTAMINATION_CONSTRAINTS = [
    StrOptions({"auto"}),
    Interval(Real, 0, 0.5, closed="right"),
    tuple,
    list,
]


class ReconstructingNetwork(ReconstructionMixin, OutlierMixin, SequenceNetwork):
    """A network whose output is of the shape of its input, trained to be alike.

    A class that uses it has the parameters of SequenceNetwork and those below, and
    says in ``_architecture_options()`` what else its Architecture has.
    """

    _parameter_constraints: dict = {
        **SequenceNetwork._parameter_constraints,
        "loss": [StrOptions({"mse", "mae", "huber", "binary_crossentropy"})],
        "error": [StrOptions({"loss", "mse", "mae", "standardized", "mahalanobis"})],
        "score_on": [StrOptions(SCORED_STEPS)],
        "contamination": CONTAMINATION_CONSTRAINTS,
        "context_features": CONTEXT_FEATURES,
    }

    def __init__(
        self,
        hidden_layer_sizes,
        *,
        loss,
        error,
        score_on,
        contamination,
        context_features,
        **network,
    ):
        super().__init__(hidden_layer_sizes, **network)
        self.loss = loss
        self.error = error
        self.score_on = score_on
        self.contamination = contamination
        self.context_features = context_features

    @all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Train the network to reconstruct the sequences.

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

        Raises
        ------
        ValueError
            If the input is not valid, too short for ``validation_fraction``, or the
            training loss does not stay finite in the first epoch.

        Warns
        -----
        UserWarning
            If the training ended early, as the loss did not stay finite or the user
            interrupted it: the weights of the best epoch until then are kept.
        """
        resume = self.warm_start and self.__sklearn_is_fitted__()
        X = check_sequences(self, X, reset=not resume)
        X, weights, _ = weighed(X, sample_weight)
        check_features(X)
        choices, plan = self._choose(X, resume=resume)
        held_out = self._hold_out(X)
        reports = EpochReports(self, X, y, self.max_epochs)
        fitted = fit_network(
            plan,
            Examples(X, None, weights),
            held_out,
            choices,
            reports,
            self.checkpoint,
        )
        reports.end(fitted)
        return set_fitted(self, fitted)

    @all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
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
        resume = self.__sklearn_is_fitted__()
        X = check_sequences(self, X, reset=not resume)
        X, weights, _ = weighed(X, sample_weight)
        choices, plan = self._choose(X, resume=resume, max_epochs=1)
        reports = EpochReports(self, X, y, 1)
        examples = Examples(X, None, weights)
        fitted = fit_network(plan, examples, None, choices, reports)
        reports.end(fitted)
        return set_fitted(self, fitted)

    def _choose(self, X, **options):
        """Everything that parameters and input decide, before the first step."""
        is_context = context_mask(self, X)
        if self.loss == "binary_crossentropy":
            _check_probabilities(X, is_context)
        choices = Choices(
            self.loss if self.error == "loss" else self.error,
            self.score_on,
            check_contamination(self.contamination, type(self).__name__),
            self.refit,
        )
        options |= self._architecture_options()
        return choices, self._plan(X, loss=self.loss, is_context=is_context, **options)

    def _reconstructions(self, X):
        return self._network.outputs(X)


def _check_probabilities(X, is_context):
    table = X.table[X.rows()] if is_windows(X) else X
    table = table[..., judged_columns(is_context)]
    wrong = table[(table < 0) | (table > 1)]
    if wrong.size:
        raise ValueError(
            "loss='binary_crossentropy' needs cells in [0, 1]. X holds "
            f"{wrong[0]}. Scale X to this range, or use loss='mse'."
        )
