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
    "PAGES",
    "CallbackSupportMixin",
    "DocumentationLinkMixin",
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


PAGES = "https://skseq.readthedocs.io/en/stable/generated/"


class DocumentationLinkMixin:
    """Link the HTML display of an estimator to its page.

    It stands before ``BaseEstimator``, which links to scikit-learn's pages.
    """

    _doc_link_module = "skseq"
    _doc_link_template = PAGES + "skseq.{estimator_name}.html"
