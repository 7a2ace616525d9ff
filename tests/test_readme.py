# SPDX-License-Identifier: BSD-3-Clause
"""The README's code, run from top to bottom as it stands."""

import contextlib
import importlib
import io
import re
from pathlib import Path

import pytest

import skseq

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What one script of all blocks prints. It trains the network that it shows."""
    script = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    shown = io.StringIO()
    with contextlib.chdir(tmp_path_factory.mktemp("readme")):
        with contextlib.redirect_stdout(shown):
            exec(compile(script, "README.md", "exec"), {"__name__": "__main__"})
    return shown.getvalue().splitlines()


def test_the_first_example_prints_what_the_readme_says(printed):
    (said,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    said = [line.split() for line in said.splitlines()]
    shown = [line.split() for line in printed[: len(said)]]
    assert [name for name, _ in shown] == [name for name, _ in said]
    for (name, figure), (_, expected) in zip(shown, said, strict=True):
        # Another processor rounds otherwise, and training a network carries that on.
        tolerance = 0.1 if name == "LSTMAutoencoder" else 0.011
        assert float(figure) == pytest.approx(float(expected), abs=tolerance)


def test_the_other_examples_run(printed):
    assert printed[3:] == ["(2,)", "(1000, 2)", "True"]


def test_names_that_the_readme_lists_are_public():
    table = README[README.index("## What is in it") : README.index("## Documentation")]
    for name in re.findall(r"`([\w.]+)`", table):
        if name.startswith("skseq."):
            importlib.import_module(name)
        else:
            assert name == "model_" or name in skseq.__all__


def test_the_promises_are_what_was_measured():
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    for promised, measured in {
        "0.92": "0.92 ± 0.03",
        "0.44": "0.44 ± 0.18",
        "3 to 43 times": "| 43.6 ",
        "543 times": "| 543 ",
        "107,000 a second": "107,293",
        "0.83 average": "| 0.827 |",
        "has 0.61": "| 0.610 |",
    }.items():
        assert promised in " ".join(README.split())
        assert measured in results


def test_files_that_the_readme_links_are_there():
    links = re.findall(r"\]\(([^)#]+)", README)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {skseq.__version__}\n" in citation
