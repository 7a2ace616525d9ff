# SPDX-License-Identifier: BSD-3-Clause
"""Csv lines of which each is read by itself."""

import contextlib
import csv

_AT_ONCE = 2**16  # bytes: a thousand lines or more
_WORDS = {"": None, "NA": None, "True": True, "False": False}


class Lines:
    """Lines of bytes, each parsed by itself: what is wrong with one costs that one.

    Parameters
    ----------
    file : binary file

    options : Options
        How they are written.

    needs_end : bool
        Whether a last line without an end is one that was cut off.
    """

    def __init__(self, file, options, *, needs_end):
        self._file, self._needs_end = file, needs_end
        self._sep = options.sep or ","
        self._encoding = options.encoding or "utf-8"
        self.number = 0

    def __iter__(self):
        """Lists of the lines that came at once, but for blank ones.

        Each is its number with its cells, or with the error that it is.
        """
        for lines in self._as_they_come():
            block = []
            for line in lines:
                self.number += 1
                try:
                    cells = self._parse(line)
                except (csv.Error, ValueError) as error:
                    cells = error
                if cells:
                    block.append((self.number, cells))
            if block:
                yield block

    def _as_they_come(self):
        """Lists of lines: all that can be read without waiting, or one waited for."""
        begun = []  # parts of a line of which the end is still to come
        while part := self._file.read1(_AT_ONCE):
            lines, end, rest = part.rpartition(b"\n")
            if end:
                lines = b"".join([*begun, lines])
                begun = []
                yield [line + b"\n" for line in lines.split(b"\n")]
            begun.append(rest)
        if last := b"".join(begun):
            yield [last]

    def _parse(self, line):
        if self._needs_end and not line.endswith(b"\n"):
            raise ValueError("it has no end: it was cut off.")
        if b"\0" in line:
            raise ValueError("it holds bytes of 0, as after a loss of power.")
        text = line.decode(self._encoding).rstrip("\r\n")
        if self.number == 1:
            text = text.removeprefix("\ufeff")
        if "\r" in text:
            raise ValueError("it holds a carriage return: end lines with a newline.")
        return next(csv.reader([text], delimiter=self._sep, strict=True), [])


class Cells:
    """Reads the cells of a line."""

    def __init__(self, scorer, options):
        from ..rows._time import LOCAL, ZONED

        steps = scorer._steps
        self._as_text, self._decimal = steps.text_columns(), options.decimal or "."
        self._missing, self._dayfirst = {*options.na_values}, options.dayfirst
        self._say = options.say
        time = steps.plan.time
        of_dates = time is not None and time.kind in (LOCAL, ZONED)
        self._dates = {time.name} if of_dates else set()

    def read(self, name, text):
        if name in self._as_text:
            return text
        text = text.strip()
        if text in self._missing:
            return None
        if text in _WORDS:
            return _WORDS[text]
        if name in self._dates:
            from ..reading._dates import year_first

            return year_first(text, self._dayfirst, self._say)
        return self._number(text)

    def _number(self, text):
        """A number where it reads as one, in digits of 0 to 9."""
        digits = text
        if self._decimal != ".":
            # A point is no decimal mark then.
            digits = text.translate({ord("."): "_", ord(self._decimal): "."})
        if "_" not in digits and digits.isascii():
            for number in (int, float):
                with contextlib.suppress(ValueError):
                    return number(digits)
        return text
