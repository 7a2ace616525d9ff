# SPDX-License-Identifier: BSD-3-Clause
"""Sphinx configuration."""

import os
import sys
from functools import partial
from pathlib import Path

import skseq
from skseq.datasets import fetch_nab, fetch_tep

sys.path.insert(0, str(Path(__file__).parent))
from _commands import commands_as_text  # noqa: E402
from _comparisons import draw  # noqa: E402

# Where the pages are built for the public, links lead to what is there: the repository,
# as owner/name, the pages of other projects, and those of other versions.
REPOSITORY = os.environ.get("GITHUB_REPOSITORY")

project = "skseq"
author = "The skseq developers"
copyright = author
version = release = skseq.__version__

extensions = [
    "myst_parser",  # comparisons.rst includes a Markdown file
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
# What is copied is what was typed: no prompts, and no output.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
viewcode_line_numbers = True
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
if REPOSITORY:
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "numpy": ("https://numpy.org/doc/stable/", None),
        "pandas": ("https://pandas.pydata.org/docs/", None),
        "python": ("https://docs.python.org/3/", None),
        "sklearn": ("https://scikit-learn.org/stable/", None),
    }
    owner, name = REPOSITORY.split("/")
    html_context = {
        "github_user": owner,
        "github_repo": name,
        "github_version": "main",
        "doc_path": "docs",
    }
    html_theme_options |= {
        "use_edit_page_button": True,
        "github_url": f"https://github.com/{REPOSITORY}",
        "navbar_end": ["version-switcher", "theme-switcher", "navbar-icon-links"],
        "check_switcher": False,  # its address is that of the pages to be
        "switcher": {
            "json_url": "https://skseq.readthedocs.io/en/latest/_static/switcher.json",
            "version_match": "dev" if "dev" in release else release,
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


def _are_here(*fetches):
    """Tell whether the public tables of an example are in the cache, or are to be."""
    try:
        for fetch in fetches:
            fetch(download_if_missing=bool(REPOSITORY))
    except OSError:
        return False
    return True


# Without a network an example is shown, and not run, where its table was never fetched.
_OF_TABLES = {
    "machine_temperature": [fetch_nab],
    "tennessee_eastman": [fetch_tep, partial(fetch_tep, subset="test", faults=[1, 5])],
}
_NOT_RUN = [name for name, tables in _OF_TABLES.items() if not _are_here(*tables)]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": f"plot_(?!{'|'.join([*_NOT_RUN, '$'])})",
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

# The docstrings refer to scikit-learn's glossary, which is not part of these pages; and
# RESULTS.md goes on from a title that is not its own.
suppress_warnings = ["ref.term", "myst.header"]


def _skip_member(app, what, name, obj, skip, options):
    """Leave out what scikit-learn's own base classes add: it is documented there."""
    return skip or str(getattr(obj, "__module__", "")).startswith("sklearn.")


def _write_commands(app):
    """What command_line.rst includes: the options, as the program has them."""
    target = Path(app.srcdir, "generated", "commands.inc")
    target.parent.mkdir(exist_ok=True)
    target.write_text(commands_as_text(), encoding="utf-8")


def _draw_comparisons(app):
    """What comparisons.rst shows: the tables of RESULTS.md as pictures."""
    draw(Path(app.srcdir, "generated"))


def setup(app):
    app.connect("autodoc-skip-member", _skip_member)
    app.connect("builder-inited", _write_commands)
    app.connect("builder-inited", _draw_comparisons)
