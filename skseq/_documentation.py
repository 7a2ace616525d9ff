# SPDX-License-Identifier: BSD-3-Clause
"""Where the pages of the estimators are."""

PAGES = "https://skseq.readthedocs.io/en/stable/generated/"


class DocumentationLinkMixin:
    """Link the HTML display of an estimator to its page.

    It stands before ``BaseEstimator``, which links to scikit-learn's pages.
    """

    _doc_link_module = "skseq"
    _doc_link_template = PAGES + "skseq.{estimator_name}.html"
