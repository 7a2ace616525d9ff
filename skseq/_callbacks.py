# SPDX-License-Identifier: BSD-3-Clause
"""Reports to scikit-learn's callbacks, which are experimental in scikit-learn 1.9."""

import contextlib
import functools

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class _NoContext:
        """Stand-in for scikit-learn's context that reports to nobody."""

        def subcontext(self, **kwargs):
            return self

        def call_on_fit_task_begin(self, **kwargs):
            return self

        def call_on_fit_task_end(self, **kwargs):
            return False

        def propagate_callback_context(self, sub_estimator):
            return contextlib.nullcontext()

    class CallbackSupportMixin:
        def _init_callback_context(self, **kwargs):
            return _NoContext()

    def with_callbacks(method):
        return method


__all__ = [
    "CallbackSupportMixin",
    "EpochReports",
    "NoReports",
    "reports_fit",
    "with_callbacks",
]


def reports_fit(fit):
    """Report a ``fit(X, y=None)`` as one task, so that it shows in a nested display."""

    @with_callbacks
    @functools.wraps(fit)
    def reported(self, X, y=None):
        task = self._init_callback_context()
        task.call_on_fit_task_begin(estimator=self, X=X, y=y)
        fit(self, X, y)
        task.call_on_fit_task_end(
            estimator=self, X=X, y=y, reconstruction_attributes={}
        )
        return self

    return reported


class EpochReports:
    """Report the epochs of a fit; a callback may ask to stop after one."""

    def __init__(self, estimator, X, y, max_epochs):
        self._about = {"estimator": estimator, "X": X, "y": y}
        self._task = estimator._init_callback_context(max_subtasks=max_epochs)
        self._task.call_on_fit_task_begin(**self._about)

    def begin_epoch(self):
        self._epoch = self._task.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._about)

    def end_epoch(self, fitted_attributes):
        return self._epoch.call_on_fit_task_end(
            **self._about, reconstruction_attributes=fitted_attributes
        )

    def end(self):
        self._task.call_on_fit_task_end(**self._about, reconstruction_attributes={})


class NoReports:
    """In the place of EpochReports where nobody is to hear of the epochs."""

    def begin_epoch(self):
        pass

    def end_epoch(self, fitted_attributes):
        return False
