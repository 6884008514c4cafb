"""Logs of web servers and networks, which name their fields in a line of directives above the rows."""

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Fields", "find_fields", "is_directive", "is_marked"]

_ABOVE = re.compile(r"(?:#[^\r\n]*(?:\r\n?|\n))+")
_FIELDS = re.compile(r"^#fields(?::[ \t]*|\t)(\S[^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_MARK = re.compile(r"#\s*(fields:?)?", re.IGNORECASE)
# What a server writes again whenever it starts, and Zeek when it closes a file.
_DIRECTIVE = re.compile(r"#(?:software|version|(?:start-|end-)?date|remark|fields):|#close$", re.IGNORECASE)


class Fields(NamedTuple):
    """The names of a log's fields, the delimiter between its cells, and the lines of directives."""

    names: Sequence[str]
    delimiter: str
    directives: Sequence[str]


def find_fields(sample: str) -> Fields | None:
    """The fields of a log in the format of W3C or Zeek, from its beginning; None if it is another file.

    Blanks may separate the names, and tabs the cells, as Amazon CloudFront writes them.
    """
    above = _ABOVE.match(sample)
    named = above and _FIELDS.search(above[0])
    if not above or not named:
        return None
    row = sample[above.end() :].split("\n", 1)[0].rstrip("\r")
    for delimiter in "\t ":
        cells = next(csv.reader([row], delimiter=delimiter), [])
        for names in (named[1].rstrip(delimiter).split(delimiter), named[1].split()):
            if len(names) == len(cells) > 1:
                return Fields(names, delimiter, above[0].splitlines())
    return None


def is_marked(cell: str) -> bool:
    """Whether a first cell only marks the names after it, as a comment or as fields."""
    return _MARK.fullmatch(cell) is not None and bool(cell)


def is_directive(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a line among the rows is a directive; not if it names other fields than `names`."""
    if not _DIRECTIVE.match(cells[0]):
        return False
    return not is_marked(cells[0]) or list(filter(None, cells[1:])) == list(names)
