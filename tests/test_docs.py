# SPDX-License-Identifier: BSD-3-Clause
"""No code hides in the pages of docs/ from docs/conftest.py, which runs it."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skseq.cli._main import app

DOCS = Path(__file__).parents[1] / "docs"
NO_PAGES = {"_build", "_templates", "auto_examples", "generated"}
PAGES = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.rst"))
    if path.relative_to(DOCS).parts[0] not in NO_PAGES
}
# What stands in for a person's own computer or cluster, and is shown only.
SHOWN_ONLY = {"pip", "make", "kubectl", "sbatch", "docker", "git"}
MAY_SKIP = {"guide/scaling_out"}
BLOCK = re.compile(
    r"^(?P<indent> *)\.\. (?:code-block|sourcecode|code):: *(?P<language>\S*)\n"
    r"(?P<body>(?:\n|(?P=indent) +.*\n)*)",
    re.M,
)

console_examples = runpy.run_path(str(DOCS / "conftest.py"))["_console_examples"]
every_page = pytest.mark.parametrize("text", PAGES.values(), ids=PAGES.keys())


def blocks(text, *languages):
    found = BLOCK.finditer(text)
    return [match["body"] for match in found if match["language"] in languages]


def commands(body):
    """Lines of a block without comments, those that are continued as one."""
    lines = body.replace("\\\n", " ").splitlines()
    return [line.split() for line in lines if not re.match(r" *(#|$)", line)]


@every_page
def test_python_of_a_page_is_a_doctest_or_says_why_it_cannot_run(text):
    for body in blocks(text, "python", "python3", "py", "pycon", "ipython", ""):
        assert re.search(r"^ +:name: cannot-run-\w", body, re.M), body


@every_page
def test_shell_blocks_hold_only_what_a_test_cannot_run(text):
    for body in blocks(text, "shell", "sh", "bash"):
        for program, *arguments in commands(body):
            # tests/test_cli.py runs the demonstration.
            is_demo = program == "skseq" and arguments[0] == "demo"
            assert program in SHOWN_ONLY or is_demo, body


@every_page
def test_every_command_of_a_console_is_run(text):
    consoles = "".join(blocks(text, "console"))
    programs = re.findall(r"^ +\$ (\S+)", consoles, re.M)
    assert set(programs) <= {"skseq", "python"}
    assert len(programs) == len([*console_examples(text)])
    # Without Python there is no doctest of the page for them to be run in.
    assert not consoles or "\n>>> " in text


def test_a_console_is_a_part_of_the_doctest_of_its_page():
    text = "Page\n====\n\n.. code-block:: console\n\n"
    text += (
        "   $ skseq detect \\\n       --out a\n   Wrote a\n\n   $ skseq demo\n\nText.\n"
    )
    detect, demo = console_examples(text)
    assert (detect.lineno, demo.lineno) == (5, 9)
    assert detect.source.endswith("show=True)\n")
    assert demo.source.endswith("show=False)\n")
    assert detect.want == "Wrote a\n"


@every_page
def test_no_literal_block_stands_in_for_one_of_a_language(text):
    assert not re.search(r"^(?!\s*\.\. ).*::$", text, re.M)


@pytest.mark.parametrize("page", PAGES)
def test_only_pages_about_clusters_skip_lines(page):
    assert page in MAY_SKIP or "+SKIP" not in PAGES[page]


def test_the_page_of_the_commands_has_every_option():
    text = runpy.run_path(str(DOCS / "_commands.py"))["commands_as_text"]()
    for command in ("detect", "inspect", "score", "report", "demo"):
        told = CliRunner(env={"COLUMNS": "200"}).invoke(app, [command, "--help"]).output
        part = text[text.index(f"skseq {command}\n---") :]
        options = set(re.findall(r"(?<=│ )--[a-z-]+", told)) - {"--help"}
        assert options
        assert [name for name in options if f"``{name}" not in part] == []


def test_the_lowest_versions_are_those_that_are_declared():
    declared = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))
    listed = re.findall(r"   \* - ([a-z-]+)\n     - ([\d.]+)\n", PAGES["versions"])
    needed = declared["project"]["dependencies"]
    assert dict(listed) == dict(line.split(">=") for line in needed)


def comparisons():
    pytest.importorskip("matplotlib")
    return runpy.run_path(str(DOCS / "_comparisons.py"))


def test_pictures_show_the_figures_of_the_results():
    drawn = comparisons()
    header, rows = drawn["table_with"]("occ. 1", "gen. 5%", "model")
    figure = drawn["with_labels"]()
    lines = {line.get_label(): line.get_xdata() for line in figure.axes[0].lines}
    assert len(lines) == 6
    for row in rows:
        if row[0] in lines:
            told = [drawn["number"](cell) for cell in row[1:]]
            assert list(map(str, lines[row[0]])) == list(map(str, told))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == header[1:]
    bars = drawn["training"]().axes[0].containers
    assert [len(engine) for engine in bars] == [4, 4, 4, 4]


def test_a_picture_of_a_table_that_is_gone_is_an_error():
    drawn = comparisons()
    with pytest.raises(LookupError, match="no table with the columns"):
        drawn["table_with"]("epoch", text="| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert drawn["number"]("1,234.5 (1-2)") == 1234.5
    assert str(drawn["number"]("(1)")) == "nan"


def test_the_page_of_comparisons_shows_every_picture(tmp_path):
    comparisons()["draw"](tmp_path)
    drawn = {path.name for path in tmp_path.iterdir()}
    shown = re.findall(r"generated/(comparison_\w+\.svg)", PAGES["comparisons"])
    assert set(shown) == drawn
