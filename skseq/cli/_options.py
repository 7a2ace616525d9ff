# SPDX-License-Identifier: BSD-3-Clause
"""The options that tell how tables are read, and the words for them."""

import functools
import inspect
import shlex
from pathlib import Path
from typing import Annotated

import typer

_PANEL = "How the tables are written"


def _option(*names, help, **settings):
    return typer.Option(*names, help=help, rich_help_panel=_PANEL, **settings)


Tables = Annotated[
    list[Path],
    typer.Argument(
        metavar="TABLE...",
        help="Files of text, parquet or xlsx, packed or not; of a folder all in it.",
    ),
]
Time = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of dates or numbers; not a feature. Twice for a date and a clock "
        "of their own. [default: the first column of dates]",
        show_default=False,
    ),
]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TYPE",
        help="Type in the file that is not trusted else, such as "
        "sklearn.tree._tree.Tree. Can be given more than once.",
    ),
]
Label = Annotated[
    str | None, typer.Option(help="Column that is 1 in the rows of events, else 0.")
]
EventValue = Annotated[
    list[str] | None,
    typer.Option(
        help="What --label holds in the rows of events. Can be given more than once. "
        "[default: 1]",
        show_default=False,
    ),
]
GroupBy = Annotated[
    str | None, typer.Option(help="Column that names the series; not a feature.")
]
Sep = Annotated[str | None, _option(help="What parts the cells of a line.")]
Decimal = Annotated[str | None, _option(help="Decimal mark.")]
Thousands = Annotated[str | None, _option(help="Mark between thousands.")]
Encoding = Annotated[str | None, _option(help="Encoding, such as cp1252.")]
Header = Annotated[
    bool | None,
    _option("--header/--no-header", help="Whether the first row names the columns."),
]
Units = Annotated[
    bool | None, _option("--units/--no-units", help="Whether a row of units follows.")
]
Comment = Annotated[str | None, _option(help="Lines that begin so are left out.")]
Missing = Annotated[
    list[str] | None,
    _option(
        "--na",
        help="Text or number that stands for a missing value. Can be given more than "
        "once.",
    ),
]
DayFirst = Annotated[
    bool | None,
    _option("--dayfirst/--monthfirst", help="What the dates begin with."),
]
Zone = Annotated[
    str | None, _option("--tz", help="Zone of the times, such as Europe/Berlin.")
]
Sort = Annotated[
    bool, _option("--sort", help="Sort the rows by time; without one, drop them.")
]
DropLate = Annotated[
    bool,
    _option(
        "--drop-late",
        help="Drop the fewest rows whose lack leaves the others in order of time.",
    ),
]
DropDuplicates = Annotated[
    bool,
    _option("--drop-duplicates", help="Drop rows that repeat another in each cell."),
]
Parts = Annotated[
    bool,
    _option("--parts", help="Several files are parts of one table, not its series."),
]
Sheet = Annotated[str, _option(help="Number or name of the sheet of an xlsx file.")]

_FLAGS = {
    ("header", False): "--no-header",
    ("header", True): "--header",
    ("units", False): "--no-units",
    ("units", True): "--units",
    ("dayfirst", True): "--dayfirst",
    ("dayfirst", False): "--monthfirst",
    ("out_of_order", "sort"): "--sort",
    ("out_of_order", "drop"): "--drop-late",
    ("drop_duplicates", True): "--drop-duplicates",
    ("files", "rows"): "--parts",
}


def option(parameter, value=None):
    """Name a parameter of ``read_table`` as the command line writes it."""
    if not isinstance(value, list) and (parameter, value) in _FLAGS:
        return _FLAGS[parameter, value]
    name = "--na" if parameter == "na_values" else f"--{parameter.replace('_', '-')}"
    if value is None:
        return name
    values = value if isinstance(value, list) else [value]
    return " ".join(f"{name}={shlex.quote(str(text))}" for text in values)


_READING = {
    "sep": (Sep, None),
    "decimal": (Decimal, None),
    "thousands": (Thousands, None),
    "encoding": (Encoding, None),
    "header": (Header, None),
    "units": (Units, None),
    "comment": (Comment, None),
    "missing": (Missing, None),
    "dayfirst": (DayFirst, None),
    "zone": (Zone, None),
    "sort": (Sort, False),
    "drop_late": (DropLate, False),
    "drop_duplicates": (DropDuplicates, False),
    "parts": (Parts, False),
    "sheet": (Sheet, "0"),
}


DEFAULTS = {name: default for name, (_, default) in _READING.items()}


def with_reading_options(command):
    """Give a command the options of how tables are written, as one dict ``written``."""
    signature = inspect.signature(command)
    own = [p for name, p in signature.parameters.items() if name != "written"]
    shared = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind
        )
        for name, (kind, default) in _READING.items()
    ]

    @functools.wraps(command)
    def with_them(*args, **given):
        written = {name: given.pop(name, d) for name, d in DEFAULTS.items()}
        return command(*args, **given, written=written)

    with_them.__signature__ = signature.replace(parameters=[*own, *shared])
    with_them.__annotations__ = {p.name: p.annotation for p in [*own, *shared]}
    return with_them


# What is found out again of any file, or is known of the model.
_USUAL = {
    "sep": ",",
    "decimal": ".",
    "encoding": "utf-8",
    "header": True,
    "units": False,
}


def reading_again(arguments, left_out):
    """The options with which ``skseq score`` reads the like of a table.

    ``arguments`` are those that ``read_table`` tells of it, ``left_out`` columns that
    are no features.
    """
    words = []
    for name, value in arguments.items():
        known = name == "group_by" or (name == "time" and not isinstance(value, list))
        if known or value is None or _USUAL.get(name) == value:
            continue
        value = value.replace("\t", r"\t") if name == "sep" else value
        words.append(option(name, list(value) if name == "na_values" else value))
    return [*words, *(option("ignore", column) for column in left_out)]


def reading(
    *,
    time,
    group_by,
    sort=False,
    drop_late=False,
    missing=None,
    zone=None,
    parts=False,
    sheet="0",
    otherwise="error",
    sep=None,
    **settings,
):
    """The options as ``read_table`` knows them."""
    if sort and drop_late:
        raise ValueError("--sort and --drop-late exclude each other. Give one of them.")
    from ..reading._options import Options  # with pandas

    order = "sort" if sort else "drop" if drop_late else otherwise
    if sep is not None:
        sep = sep.replace(r"\t", "\t")  # which no command line takes as such
    return Options(
        time=time[0] if time and len(time) == 1 else time or None,
        group_by=group_by,
        na_values=tuple(missing or ()),
        tz=zone,
        out_of_order=order,
        files="rows" if parts else "series",
        sheet=int(sheet) if sheet.isdigit() else sheet,
        say=option,
        sep=sep,
        **settings,
    )
