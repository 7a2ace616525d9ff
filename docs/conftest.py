# SPDX-License-Identifier: BSD-3-Clause
"""Each page is run by pytest as one doctest: its Python and its consoles, in order.

A page starts in an empty folder, and may write into it. In ``.. code-block:: console``
a line ``$ skseq ...`` or ``$ python ...`` is run; the lines below it, if there are any,
are what it has to print. A page that needs an optional package says so in a comment,
``.. needs: dask``, and is skipped where that is missing.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner

from skseq.cli._main import app

collect_ignore = [
    *("_build", "_templates", "auto_examples", "generated"),
    *("_commands.py", "conf.py"),
]

_NEEDS = re.compile(r"^\.\. needs: (.+)$", re.M)
_CONSOLE = re.compile(r"^\.\. code-block:: console\n((?:\n| .*\n)+)", re.M)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.M)


def _console(command, *, show):
    """Run a command of a console; print what it prints, where the page shows that."""
    program, *arguments = shlex.split(command.replace("\\\n", " "))
    text = None
    if "<" in arguments:
        *arguments, _, file = arguments
        text = Path(file).read_text(encoding="utf-8")
    run = _run_here if program == "skseq" else _run_python
    printed = run(command, arguments, text)
    if show:
        print(printed)


def _run_here(command, arguments, text):
    """In this process, which has loaded what it needs; its warnings are errors too."""
    done = CliRunner(env={"COLUMNS": "80"}).invoke(app, arguments, input=text)
    if done.exit_code:
        raise RuntimeError(
            f"{command} ended with {done.exit_code}:\n{done.stderr}"
        ) from done.exception
    return done.stdout


def _run_python(command, arguments, text):
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env={**os.environ, "COLUMNS": "80", "PYTHONUTF8": "1"},
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def _console_examples(text):
    """The commands of a page's consoles, as examples of a doctest."""
    for block in _CONSOLE.finditer(text):
        first, body = text[: block.start(1)].count("\n"), dedent(block[1])
        for line in _COMMAND.finditer(body):
            command, output = line.groups()
            lineno = first + body[: line.start()].count("\n")
            source = f"_console({command!r}, show={bool(output.strip())})\n"
            yield doctest.Example(source, output.strip() + "\n", lineno=lineno)


@pytest.fixture(autouse=True)
def _page(request, monkeypatch, tmp_path):
    """An empty folder, and the consoles of the page among its Python."""
    text = request.path.read_text(encoding="utf-8")
    for names in _NEEDS.findall(text):
        for name in names.split(", "):
            pytest.importorskip(name, reason=f"the page needs {name}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    test = request.node.dtest
    test.globs["_console"] = _console
    test.examples += _console_examples(text)
    test.examples.sort(key=lambda example: example.lineno)
