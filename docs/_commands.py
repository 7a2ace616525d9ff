# SPDX-License-Identifier: BSD-3-Clause
"""The options of every command, as the program has them, for command_line.rst."""

import enum
import inspect
import re
import types
import typing

from typer.models import ArgumentInfo

from skseq.cli._main import app

_KINDS = {int: "NUMBER", float: "NUMBER"}


def _of_values(annotation):
    """What a value is: the type without None, and without the list around it."""
    if isinstance(annotation, types.UnionType):
        annotation, *_ = [a for a in typing.get_args(annotation) if a is not type(None)]
    if typing.get_origin(annotation) is list:
        (annotation,) = typing.get_args(annotation)
    return annotation


def _literal(text):
    """Text with the options in it as code, which keeps their dashes."""
    return re.sub(r"(?<![\w-])--[a-z][a-z-]*", r"``\g<0>``", text)


def _metavar(kind, info):
    if kind is bool:
        return ""
    if info.metavar:
        return f" {info.metavar}"
    if isinstance(kind, enum.EnumMeta):
        return " " + "|".join(member.value for member in kind)
    return f" {_KINDS.get(kind, 'PATH' if kind.__name__ == 'Path' else 'TEXT')}"


def _is_name(value):
    return isinstance(value, str) and value.startswith("--")


def _entry(parameter):
    """Names and description of a parameter of a command, as a definition."""
    annotation, info = typing.get_args(parameter.annotation)[:2]
    kind = _of_values(annotation)
    text = _literal(info.help)
    text += "" if text.endswith(("]", ".")) else "."
    if isinstance(info, ArgumentInfo):
        return f"``{info.metavar or parameter.name.upper()}``\n   {text}\n"
    # The first name, where names are given, stands in the place of the default.
    given = [
        name for name in (info.default, *(info.param_decls or ())) if _is_name(name)
    ]
    names = given or [f"--{parameter.name.replace('_', '-')}"]
    names = [part for name in names for part in name.split("/")]
    shown = ", ".join(f"``{name}{_metavar(kind, info)}``" for name in names)
    if parameter.default is parameter.empty:
        text += " Required."
    elif parameter.default not in (None, False, True) and info.show_default:
        text += f" [default: {getattr(parameter.default, 'value', parameter.default)}]"
    return f"{shown}\n   {text}\n"


def commands_as_text():
    """A section for each command: what it does, its arguments and its options."""
    parts = []
    for command in app.registered_commands:
        callback = command.callback
        title = f"skseq {command.name or callback.__name__}"
        text = _literal(inspect.cleandoc(callback.__doc__))
        parts += [title, "-" * len(title), "", text, ""]
        panels = {}
        for parameter in inspect.signature(callback).parameters.values():
            info = typing.get_args(parameter.annotation)[1]
            panel = getattr(info, "rich_help_panel", None) or "Options"
            if isinstance(info, ArgumentInfo):
                panel = "Arguments"
            panels.setdefault(panel, []).append(_entry(parameter))
        for panel, entries in panels.items():
            parts += [f".. rubric:: {panel}", "", *entries]
    return "\n".join(parts)
