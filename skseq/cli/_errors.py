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


def check_model(path):
    """Raise a ValueError where a path is no model, before anything loads it."""
    check_there([path])
    if not path.is_file():
        raise ValueError(f"{path} is not a regular file.")
    with open(path, "rb") as file:
        if file.read(4) != b"PK\x03\x04":
            raise ValueError(
                f"{path} is not a file of skseq.save: it is not a zip file."
            )


def load_trusting(path, types):
    """A saved estimator; the error of a type that is not trusted names the option."""
    from ..persistence import FileFormatError, load
    from ..persistence._skops import UntrustedTypesError

    try:
        return load(path, trusted=types or ())
    except FileFormatError as error:
        cause = error
        while cause and not isinstance(cause, UntrustedTypesError):
            cause = cause.__cause__
        if cause is None:
            raise
        options = " ".join(f"--trust {name}" for name in cause.types)
        raise FileFormatError(
            f"{path} holds {', '.join(cause.types)}, which is not trusted. If you "
            f"trust who wrote the file, add {options}."
        ) from error


def check_not_read(targets, paths):
    """Raise a ValueError where a file to be written is one that is read.

    Raises
    ------
    ValueError
        If that is so, or if it would be read as a table the next time.
    """
    for path in paths:
        for target in targets:
            if path.is_dir() and target.parent.exists():
                if target.parent.samefile(path):
                    raise ValueError(
                        f"{target} would be written beside the tables that are read "
                        f"from the folder {path}. Name another folder in --out."
                    )
            elif target.exists() and target.samefile(path):
                raise ValueError(
                    f"{target} is read, and would be written over. Name another "
                    "folder in --out."
                )
