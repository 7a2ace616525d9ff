# SPDX-License-Identifier: BSD-3-Clause
"""Sphinx configuration."""

import sys
from pathlib import Path

import skseq

sys.path.insert(0, str(Path(__file__).parent))
from _commands import commands_as_text  # noqa: E402

project = "skseq"
author = "The skseq developers"
copyright = author
version = release = skseq.__version__

extensions = [
    "myst_parser",  # comparisons.rst includes a Markdown file
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["skseq.css"]
html_theme = "pydata_sphinx_theme"
html_title = "skseq"
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "show_toc_level": 2,
    # Not beside the examples: their code is wide, and takes the room.
    "secondary_sidebar_items": {
        pages: ["page-toc"]
        for pages in ("*", "coming_from/*", "generated/*", "guide/*")
    },
}
# Pages that stand alone in their section have nothing to navigate.
_ALONE = "index tutorial comparisons internals command_line faq glossary versions"
html_sidebars = {page: [] for page in _ALONE.split()}
html_show_sourcelink = False
toc_object_entries_show_parents = "hide"

autosummary_generate = True
numpydoc_class_members_toctree = False
# The methods are listed by the class template; a second table would repeat them.
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "abort_on_example_error": True,
    # The API page of what an example uses shows the example.
    "backreferences_dir": "generated",
    "doc_module": ("skseq",),
    "capture_repr": ("_repr_html_",),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

# The docstrings refer to scikit-learn's glossary, which is not part of these pages.
suppress_warnings = ["ref.term"]


def _skip_member(app, what, name, obj, skip, options):
    """Leave out what scikit-learn's own base classes add: it is documented there."""
    return skip or str(getattr(obj, "__module__", "")).startswith("sklearn.")


def _write_commands(app):
    """What command_line.rst includes: the options, as the program has them."""
    target = Path(app.srcdir, "generated", "commands.inc")
    target.parent.mkdir(exist_ok=True)
    target.write_text(commands_as_text(), encoding="utf-8")


def setup(app):
    app.connect("autodoc-skip-member", _skip_member)
    app.connect("builder-inited", _write_commands)
