# SPDX-License-Identifier: BSD-3-Clause
"""A network with its weights, and what it gives for sequences."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..networks import Architecture
from ._batches import CHUNK, Batch, Preparation
from ._choose import borrow_engine
from ._line import Line
from ._linear import LinearPath
from .native._built import has_kernels


@dataclass(frozen=True)
class FittedNetwork:
    """All that turns sequences into latent vectors and reconstructions.

    ``fill`` (n_features,) stands for what is missing. Beside a linear ``path`` the
    network reconstructs what this leaves over, or adds to it. The features that
    ``is_context`` (n_features,) marks are seen, and not reconstructed.
    """

    architecture: Architecture
    weights: list[np.ndarray]
    fill: np.ndarray
    path: LinearPath | Line | None = None
    engine: str = "auto"
    n_threads: int | None = None
    is_context: np.ndarray | None = None

    @contextlib.contextmanager
    def _running(self):
        # A model that was fitted with the kernels also runs where there are none.
        with borrow_engine(
            self.architecture, self.engine, n_threads=self.n_threads, strict=False
        ) as engine:
            engine.load_weights(self.weights)
            yield engine

    def _chunks(self, X) -> Iterator[tuple[slice, Batch]]:
        return self._preparation.chunks(X)

    @property
    def _preparation(self):
        return Preparation(
            self.fill, self.architecture.missing_indicator, is_context=self.is_context
        )

    def _seen(self, batch: Batch) -> Batch:
        """The batch as the network sees it."""
        if self.path is None:
            return batch
        return self.path.seen(batch)

    def encode(self, X) -> np.ndarray:
        """Latent vectors: the code of the linear path, if any, then the network's."""
        n_linear = 0 if self.path is None else self.path.n_components
        size = len(X), n_linear + self.architecture.latent_size
        latent = np.empty(size, dtype=np.float32)
        with self._running() as engine:
            for rows, batch in self._chunks(X):
                if n_linear:
                    latent[rows, :n_linear] = self.path.encode(batch)
                latent[rows, n_linear:] = engine.encode(self._seen(batch))
        return latent

    def decode(self, latent, n_timesteps, context=None) -> np.ndarray:
        """The sequences that latent vectors stand for, under a context if there is one.

        ``context`` is of shape (n, n_timesteps, n_context), without NaN.
        """
        n_linear = 0 if self.path is None else self.path.n_components
        shape = len(latent), n_timesteps, self.architecture.n_features
        sequences = np.empty(shape, dtype=np.float32)
        with self._running() as engine:
            for start in range(0, len(latent), CHUNK):
                part = latent[start : start + CHUNK]
                steps = np.ones((len(part), n_timesteps), dtype=bool)
                given = seen = None if context is None else context[start:][: len(part)]
                if self.path is not None and given is not None:
                    seen = self.path.bounded_context(given)
                code = np.ascontiguousarray(part[:, n_linear:])
                out = engine.decode(code, steps, seen)
                if self.path is not None:
                    code = np.ascontiguousarray(part[:, :n_linear])
                    out = out * self.path.scale + self.path.decode(code, given)
                sequences[start : start + CHUNK] = out
        return sequences

    def outputs(self, X) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield rows, sequences, and what is given for them: a bounded number each."""
        with self._running() as engine:
            for rows, batch in self._chunks(X):
                yield rows, batch.targets, self._given(engine, batch)

    def _given(self, engine, batch):
        out = engine.reconstruct(self._seen(batch))
        if self.path is not None:
            out = self.path.completed(out, batch)
        # Sums over an array go by its memory: one layout for any number.
        return np.ascontiguousarray(out)

    def kept_running(self):
        """What gives for a few sequences the same as ``outputs``, sooner.

        Returns
        -------
        give : callable
            Of sequences, an array: these without context features, and what is given
            for them. None where an engine is lent to one at a time, or not at all.
        """
        if self.engine != "native" or not has_kernels():
            return None
        context = borrow_engine(self.architecture, self.engine, n_threads=1)
        with context as engine:  # of one thread: it has nothing to give back
            engine.load_weights(self.weights)
        preparation = self._preparation

        def give(X):
            batch = preparation.batch(X, slice(None))
            return batch.targets, self._given(engine, batch)

        return give

    def compiled_errors(self, rule, score_on):
        """What gives the errors of windows, sooner than ``outputs`` and a judge.

        Parameters
        ----------
        rule : ErrorRule or str
        score_on : str

        Returns
        -------
        errors : callable or None
            Of an array of shape (n, n_timesteps, n_features): to the last bit what the
            judge gives, (n,). None where no compiled code does it.
        """
        if self.engine != "native" or not has_kernels():
            return None
        from .native._window_errors import window_errors

        return window_errors(self, rule, score_on)

    def as_keras(self):
        """The same as Keras models: the whole, and its halves where it has them."""
        from ..networks._keras import build_models
        from ..networks._quiet import hold_back_stderr, running_keras

        with running_keras(), hold_back_stderr():
            return build_models(self.architecture, self.weights, self.path)
