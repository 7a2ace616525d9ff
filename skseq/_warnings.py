# SPDX-License-Identifier: BSD-3-Clause
"""Warnings that point at the user's line, whatever stands between."""

import contextlib
import functools
import os
import sys
import warnings
from contextvars import ContextVar

import joblib
import sklearn

# What calls an estimator on behalf of the user: this package, scikit-learn's pipelines
# and searches, and the decorators and pools that these use.
_BETWEEN = (
    os.path.join(os.path.dirname(__file__), ""),
    os.path.join(sklearn.__path__[0], ""),
    os.path.join(joblib.__path__[0], ""),
    contextlib.__file__,
    functools.__file__,
)


def warn(message, category=UserWarning):
    """Warn at the first line that is not of this package, scikit-learn or joblib.

    Parameters
    ----------
    message : str

    category : type, default=UserWarning
    """
    if _is_held(warn, message, category):
        return
    if sys.version_info >= (3, 12):
        warnings.warn(message, category, skip_file_prefixes=_BETWEEN)
    else:
        warnings.warn(message, category, stacklevel=_level_of_user())


def _level_of_user():
    """The ``stacklevel`` of the user's line for a call in the function that asks."""
    frame, level = sys._getframe(1), 1
    while frame is not None and frame.f_code.co_filename.startswith(_BETWEEN):
        frame, level = frame.f_back, level + 1
    return level


_said = ContextVar("_said", default=None)
_held = ContextVar("_held", default=None)


@contextlib.contextmanager
def holding_back():
    """Keep what is warned of in here, for a thread that knows the user's line.

    Yields
    ------
    held : list of callables
        To be called there, in their order.
    """
    held = []
    token = _held.set(held)
    try:
        yield held
    finally:
        _held.reset(token)


def _is_held(function, *args):
    held = _held.get()
    if held is not None:
        held.append(functools.partial(function, *args))
    return held is not None


@contextlib.contextmanager
def one_voice():
    """Let ``warn_once`` say a thing once in here, however deep estimators nest."""
    if _said.get() is not None:
        yield
        return
    token = _said.set(set())
    try:
        yield
    finally:
        _said.reset(token)


def warn_once(message):
    """Warn as ``warn`` does, unless the fit that is going on has said so already."""
    if _is_held(warn_once, message):
        return
    said = _said.get()
    if said is not None:
        if message in said:
            return
        said.add(message)
    warn(message)
