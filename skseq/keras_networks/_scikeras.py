# SPDX-License-Identifier: BSD-3-Clause
"""SciKeras, without what it does to the rest of the process."""

import contextlib
import random
import sys
from numbers import Integral

import numpy as np

from ..networks._quiet import import_keras


def import_scikeras():
    """Import ``scikeras.wrappers``, and undo its patches of Keras.

    It replaces the pickling of Keras's classes for the whole process. A user who has
    imported it before has these patches already, and keeps them.
    """
    if "scikeras.wrappers" in sys.modules:
        return sys.modules["scikeras.wrappers"]
    keras = import_keras()
    patched = (
        keras.Model,
        keras.losses.Loss,
        keras.metrics.Metric,
        keras.optimizers.Optimizer,
    )
    before = [dict(vars(cls)) for cls in patched]

    import scikeras.wrappers

    for cls, attributes in zip(patched, before, strict=True):
        for name in ("__reduce__", "__deepcopy__"):
            if name in attributes:
                setattr(cls, name, attributes[name])
            elif name in vars(cls):
                delattr(cls, name)
    return scikeras.wrappers


def new(cls):
    """An empty object for a pickle to fill, once SciKeras is loaded as above."""
    import_scikeras()
    return cls.__new__(cls)


@contextlib.contextmanager
def seeded(wrapper):
    """Seed the global generators by the ``random_state`` of a wrapper, for a while.

    Keras draws from them. SciKeras seeds them too, but it leaves TensorFlow in its
    deterministic mode, with its generator started anew; so it is told of no seed.
    """
    random_state = wrapper.random_state
    if random_state is None:
        yield
        return
    fixed = isinstance(random_state, Integral)
    seed = int(random_state if fixed else random_state.randint(np.iinfo(np.int32).max))
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    wrapper.random_state = None
    try:
        with _seeded_tensorflow(seed):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            yield
    finally:
        wrapper.random_state = random_state
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


@contextlib.contextmanager
def _seeded_tensorflow(seed):
    """Seed TensorFlow; then go on from where its generator was."""
    if import_keras().config.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf
    from tensorflow.python.eager import context

    eager = context.context()
    # There is no public way to ask for these; without a seed there is no generator.
    kept = eager._seed, getattr(eager, "_rng", None)
    tf.random.set_seed(seed)
    try:
        yield
    finally:
        eager._seed, eager._rng = kept
