# SPDX-License-Identifier: BSD-3-Clause
"""How the command line complains."""

from contextlib import contextmanager

import typer


@contextmanager
def one_line_errors():
    """End on bad input with one line on stderr and exit code 2."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        typer.echo("Error: " + " ".join(str(error).split()), err=True)
        raise typer.Exit(2) from error


def check_there(paths):
    """Raise a ValueError where a path is none, before pandas is imported for it."""
    for path in paths:
        if not path.exists():
            raise ValueError(f"There is no file {path}.")
