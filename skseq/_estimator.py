# SPDX-License-Identifier: BSD-3-Clause
"""What all estimators share: a fit that is whole or not at all, and its reports.

Reports go to scikit-learn's callbacks, which are experimental in scikit-learn 1.9.
"""

import contextlib
import functools

from ._warnings import one_voice

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
    "all_or_nothing",
    "reports_fit",
    "with_callbacks",
]


def all_or_nothing(fit):
    """Leave an estimator as it was where its fit fails or is interrupted.

    The outermost decorator of ``fit`` and ``partial_fit``. They must not write into
    what an attribute holds (an array, a list), but assign another.
    """

    @functools.wraps(fit)
    def guarded(self, *args, **kwargs):
        before = vars(self).copy()
        try:
            with one_voice():
                return fit(self, *args, **kwargs)
        except BaseException:
            # One assignment: a second Ctrl-C finds the one state or the other.
            self.__dict__ = before
            raise

    return guarded


def reports_fit(fit):
    """Report a ``fit(X, y=None)`` as one task, so that it shows in a nested display.

    It may take more, such as a ``sample_weight``.
    """

    @with_callbacks
    @functools.wraps(fit)
    def reported(self, X, y=None, *args, **kwargs):
        task = self._init_callback_context()
        task.call_on_fit_task_begin(estimator=self, X=X, y=y)
        fit(self, X, y, *args, **kwargs)
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
