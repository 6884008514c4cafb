"""Keys that an object of JSON has more than once, of which every parser keeps only the last in silence.

If their values are equal, nothing is lost, and training reads them, too (`tabular.data.files.json_files`).

The function that reads requests for the URL must find the same, so it imports this module, too. It needs the
standard library alone.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from tabular.serving.rows.errors import BadRequest

__all__ = ["may_repeat", "unique"]

_KEY_BEFORE_BLANKS = re.compile(r'"\s+:')


def may_repeat(text: str, found: Any) -> bool:
    """Whether an object of a document may have a key more than once.

    Args:
        text: the document.
        found: the same, parsed.
    """
    few = _few(found)
    if text.count(":") == few:
        return False
    # Texts have colons, too, but hardly ever after a quote.
    keys = text.count('":')
    if _KEY_BEFORE_BLANKS.search(text):
        keys += len(_KEY_BEFORE_BLANKS.findall(text))
    return keys != few and keys != _all(found)


def unique(names_of: Callable[[Sequence[str]], Sequence[str]]) -> Callable[[list[tuple[str, Any]]], Any]:
    """What makes an object of its keys and values, for a parser.

    Args:
        names_of: tells the same names apart where a table has several columns of that name.

    Raises:
        BadRequest: from what is returned, if a key is there more than once with different values.
    """

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        keys = [key for key, _ in pairs]
        named = [(name, value) for name, (_, value) in zip(names_of(keys), pairs, strict=True)]
        found = dict(named)
        for key, (name, value) in zip(keys, named, strict=True):
            if value != found[name]:
                raise BadRequest(400, f"An object has the key {key[:60]!r} more than once; send it once.")
        return found

    return made


def _few(found: Any) -> int:
    """The number of keys of an object and of the rows in it, which are all that most requests have."""
    keys, rows = 0, found
    if type(found) is dict:
        keys, rows = len(found), next((one for one in found.values() if type(one) is list), None)
    return keys + sum(map(len, rows)) if type(rows) is list and {*map(type, rows)} == {dict} else keys


def _all(found: Any) -> int:
    """The number of keys of all objects in a document."""
    keys = 0
    parts = [found]
    while parts:  # however deep they are
        part = parts.pop()
        if type(part) is dict:
            keys += len(part)
            part = part.values()
        elif type(part) is not list:
            continue
        parts += [one for one in part if type(one) in (dict, list)]
    return keys
