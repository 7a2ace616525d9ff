# SPDX-License-Identifier: BSD-3-Clause
"""Sphinx configuration."""

import skseq

project = "skseq"
author = "The skseq developers"
copyright = author
version = release = skseq.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "skseq"

autosummary_generate = True
numpydoc_class_members_toctree = False
# The methods are listed by the class template; a second table would repeat them.
numpydoc_show_class_members = False

# The docstrings refer to scikit-learn's glossary, which is not part of these pages.
suppress_warnings = ["ref.term"]


def _skip_member(app, what, name, obj, skip, options):
    """Leave out what scikit-learn's own base classes add: it is documented there."""
    return skip or str(getattr(obj, "__module__", "")).startswith("sklearn.")


def setup(app):
    app.connect("autodoc-skip-member", _skip_member)
