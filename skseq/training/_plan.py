# SPDX-License-Identifier: BSD-3-Clause
"""How a network is trained, decided before the first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from numbers import Integral

import numpy as np

from .._sample_weight import taken
from .._validation import is_windows
from .._warnings import warn
from ..engines._batches import Preparation
from ..engines._choose import borrow_engine
from ..engines._line import Line
from ..engines._linear import LinearPath
from ..engines._network import FittedNetwork
from ..networks import Architecture
from ..rows._row_numbers import all_rows
from ._checkpoint import Checkpoint, digest_of
from ._loop import Data, History, NonFiniteLossError, Settings, train
from ._reports import NoReports

# Where so many epochs see fewer sequences than there are, their codes are not kept.
_EPOCHS_OF_CODES = 8


@dataclass(frozen=True)
class Examples:
    """Sequences ``X``, and what the network shall give for them.

    ``targets`` are None for the sequences themselves; ``weights``, of mean 1, multiply
    the losses: None where all count alike. ``are_classes`` tells targets that are
    flags of classes from numbers.
    """

    X: object
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None
    are_classes: bool = False

    def taken(self, rows) -> Examples:
        """Some of them."""
        targets = taken(self.targets, rows)
        weights = taken(self.weights, rows)
        return replace(self, X=self.X[rows], targets=targets, weights=weights)


@dataclass(frozen=True)
class Plan:
    """What is trained, from where, and how.

    ``order`` is the state of the generator that orders the mini-batches, ``fit_path``
    makes the linear path beside the network of its training examples, and
    ``path_codes``, if given, what the network is trained beside.
    """

    architecture: Architecture
    settings: Settings
    fill: np.ndarray
    initial: History
    order: tuple
    engine: str
    n_threads: int | None = None
    fit_path: Callable[..., LinearPath | Line] | None = None
    path_codes: Callable[..., np.ndarray] | None = None
    random_state: object = (
        None  # as given: a checkpoint is of one, where it is a number
    )
    is_context: np.ndarray | None = None

    def prepare(self, examples) -> Preparation:
        """How the batches are made where the training sequences are these."""
        preparation = Preparation(
            self.fill, self.architecture.missing_indicator, is_context=self.is_context
        )
        if self.fit_path is None:
            return preparation
        return replace(preparation, path=self.fit_path(examples, preparation))

    def network(self, weights, preparation) -> FittedNetwork:
        return FittedNetwork(
            self.architecture,
            weights,
            self.fill,
            preparation.path,
            self.engine,
            self.n_threads,
            self.is_context,
        )

    def train(
        self,
        examples,
        parts,
        *,
        reports,
        attributes=lambda network: {},
        checkpoint=None,
    ) -> tuple[FittedNetwork, History]:
        """Train on the first of two parts, judged on the second where there is one.

        ``reports`` hears of each epoch, with the ``attributes`` of its network. The
        file ``checkpoint`` holds the training while it lasts.
        """
        network, history = self._train(examples, parts, reports, attributes, checkpoint)
        if history.stopped:
            warn(
                f"{history.stopped} The weights of epoch {history.best_epoch} are "
                "kept.",
            )
        return network, history

    def _train(
        self,
        examples,
        parts,
        reports,
        attributes=None,
        checkpoint=None,
        title="Training",
    ):
        training, held_out = parts
        preparation = self.prepare(examples.taken(training))
        data = Data(
            examples.X,
            preparation,
            training,
            held_out,
            examples.targets,
            examples.weights,
            self._codes(preparation, examples, training),
        )
        if checkpoint is not None:
            checkpoint = Checkpoint(checkpoint, self._about(data))
        rng = np.random.RandomState()
        rng.set_state(self.order)
        with borrow_engine(
            self.architecture, self.engine, n_threads=self.n_threads
        ) as engine:
            history = train(
                engine,
                self.architecture,
                data,
                settings=self.settings,
                initial=self.initial,
                rng=rng,
                reports=reports,
                fitted_attributes=lambda weights: attributes(
                    self.network(weights, preparation)
                ),
                checkpoint=checkpoint,
                title=title,
            )
        return self.network(history.weights, preparation), history

    def _codes(self, preparation, examples, training):
        """What the path keeps of all sequences, if epochs see them often enough."""
        X = examples.X
        if self.path_codes is not None:
            return self.path_codes(self.fit_path, examples, training, preparation)
        if _EPOCHS_OF_CODES * self.settings.max_samples < len(X):
            return None
        return preparation.codes(X)

    def train_again(self, examples, network, history) -> tuple[FittedNetwork, History]:
        """Train on all examples, for the number of epochs that was the best.

        What is given comes back where its training, or this one, ends early: that
        network is complete.
        """
        if history.stopped:
            return network, history
        settings = replace(self.settings, max_epochs=history.best_epoch)
        parts = all_rows(len(examples.X)), None
        plan = replace(self, settings=settings)
        try:
            title = "Training on all rows"
            again = plan._train(examples, parts, NoReports(), title=title)
            reason = again[1].stopped
        except (KeyboardInterrupt, NonFiniteLossError) as error:
            reason = str(error) or "Training was interrupted in epoch 1."
        if not reason:
            return again
        warn(
            f"The last training, on all sequences, came to nothing. {reason} The "
            "network of the training before is kept.",
        )
        return network, history

    def _about(self, data):
        """What tells this training from another, by the names that a user knows."""
        X, path = data.X, data.preparation.path
        arrays = (X.table, X.starts, X.ends) if is_windows(X) else (X,)
        beside = () if path is None else path.arrays
        settings = asdict(self.settings)
        del settings["verbose"]
        about = {
            "the network": f"{self.architecture}, {self.is_context}",
            "the data": digest_of(*arrays, data.targets, data.weights, *beside),
            "the held-out part": digest_of(data.training, data.held_out),
            "the start": self._start(),
            **{repr(name): str(value) for name, value in settings.items()},
        }
        if self.random_state is None or isinstance(self.random_state, Integral):
            about["'random_state'"] = str(self.random_state)
        return about

    def _start(self):
        """Of a training that goes on, its weights; a new one is told by its order."""
        if self.initial.optimizer_state:
            return digest_of(*self.initial.weights)
        return "new"
