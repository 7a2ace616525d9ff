# SPDX-License-Identifier: BSD-3-Clause
"""The dialect of a text file: what parts its lines, cells and digits."""

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass

from ._header import Header, find_header
from ._numbers import find_marks

_SAMPLE = 1 << 18
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMENTS = ("#", "%", "//", "!")
BLANKS = r"\s+"


@dataclass(frozen=True)
class Dialect:
    """What has to be known to read a text file."""

    encoding: str
    sep: str
    decimal: str
    thousands: str | None
    comment: str | None
    header: Header
    skipped: frozenset  # numbers of the lines that hold no row


def find_encoding(source):
    """utf-8 where all of the file is that; a byte order mark is believed."""
    with source.open() as file:
        start = file.read(4)
        for mark, encoding in _BOMS:
            if start.startswith(mark):
                return encoding
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(start)
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def open_text(source, encoding):
    return io.TextIOWrapper(source.open(), encoding=encoding, newline="")


def split_lines(lines, sep):
    """The cells of lines."""
    if sep == BLANKS:
        return [line.split() for line in lines]
    if len(sep) > 1:
        return [line.rstrip("\r\n").split(sep) for line in lines]
    return list(csv.reader(lines, delimiter=sep, skipinitialspace=True))


def _find_sep(lines):
    """What cuts the most lines into as many cells as each other.

    ``csv.Sniffer`` takes a decimal comma for a separator. So the marks that no number
    holds come first, and a header, which holds no number, speaks against the comma.
    """
    best, share = None, 0.5
    for sep in ("\t", ";", "|", ",", BLANKS):
        widths = Counter(map(len, split_lines(lines, sep)))
        width, n_lines = widths.most_common(1)[0]
        if width > 1 and n_lines / len(lines) > share and (sep != BLANKS or not best):
            best, share = sep, n_lines / len(lines)
    return best or _sniffed(lines)


def _sniffed(lines):
    """Another mark, as Python's own sniffer sees it; a comma for a single column."""
    try:
        sep = csv.Sniffer().sniff("".join(lines[:100]), delimiters="~^:&").delimiter
    except csv.Error:
        return ","
    widths = Counter(map(len, split_lines(lines, sep)))
    is_even = max(widths.values()) > 0.9 * len(lines) and 1 not in widths
    return sep if is_even else ","


def _sample(source, encoding):
    """First lines with their ends; those that are cut off left out."""
    with open_text(source, encoding) as file:
        text = file.read(_SAMPLE)
    if "\0" in text:
        raise ValueError("it is no text, or text of another encoding.")
    lines = text.splitlines(keepends=True)
    if len(text) == _SAMPLE and len(lines) > 1:
        lines.pop()
    return lines


def _find_comment(lines):
    first = next((line for line in lines if line.strip()), "").lstrip()
    return next((mark for mark in _COMMENTS if first.startswith(mark)), None)


def _comment_lines(source, encoding, comment):
    with open_text(source, encoding) as file:
        return {k for k, line in enumerate(file) if line.lstrip().startswith(comment)}


def find_dialect(source, options):
    """The dialect of a text file, as far as it is not given."""
    encoding = options.encoding or find_encoding(source)
    lines = _sample(source, encoding)
    comment = options.comment or _find_comment(lines)
    skipped = _comment_lines(source, encoding, comment) if comment else set()
    numbers = [k for k, s in enumerate(lines) if s.strip() and k not in skipped]
    if not numbers:
        raise ValueError("it is empty: it has no rows.")
    lines = [lines[k] for k in numbers]
    sep = options.sep or _find_sep(lines)
    rows = split_lines(lines, sep)
    cells = {cell for row in rows[1:] for cell in row}
    decimal, thousands = find_marks(cells, sep, options)
    header = find_header(rows, decimal, thousands, options)
    if header.n_lines:
        skipped.update(range(numbers[header.n_lines - 1] + 1))
    return Dialect(
        encoding, sep, decimal, thousands, comment, header, frozenset(skipped)
    )
