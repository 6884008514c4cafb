"""YAML for parameters: repeated keys and documents that expand without bounds are refused with their line."""

from collections.abc import Iterable
from typing import Any

import yaml

from helpers.errors import one_line

__all__ = ["NotYaml", "load"]

DEEPEST = 50  # collections inside each other; PyYAML's recursion fails at about 300
MOST = 1_000_000  # values, if what aliases repeat is counted each time

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times faster, if it is there


class NotYaml(ValueError):
    """Why a text cannot be read, on one line and without a full stop."""


def load(text: str) -> Any:
    """The value of a YAML document.

    Raises:
        NotYaml: it is not YAML, a mapping repeats a key, or it is nested too deeply or expands too far.
    """
    try:
        _check(yaml.parse(text, Loader=Loader))
        return yaml.load(text, Loader=Loader)  # noqa: S506 - a safe loader
    except NotYaml:
        raise
    except (ValueError, yaml.YAMLError) as error:  # an invalid date is a ValueError
        raise NotYaml(one_line(error).replace(' in "<unicode string>"', "")) from None


class _Collection:
    """A mapping or a sequence that is being read, and what has been seen of it."""

    def __init__(self, start: yaml.CollectionStartEvent) -> None:
        self.anchor = start.anchor
        self.is_mapping = isinstance(start, yaml.MappingStartEvent)
        self.keys: set[str] = set()
        self.children = 0
        self.size = 1

    def add(self, size: int) -> None:
        """Count a child that is complete, and the values in it."""
        self.children += 1
        self.size += size

    def refuse_repeated(self, event: yaml.NodeEvent, key: str) -> None:
        """Refuse a key that this mapping already has; keys and values take turns."""
        if self.is_mapping and self.children % 2 == 0:
            if key in self.keys:
                raise NotYaml(f"{_line(event)} repeats the key {key!r}, so one of its values would be lost")
            self.keys.add(key)


def _check(events: Iterable[yaml.Event]) -> None:
    """Refuse a document before it is built, in one pass over its events and without recursion."""
    opened: list[_Collection] = []
    sizes: dict[str, int] = {}  # of what each anchor names; 0 while it is not complete
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            if len(opened) == DEEPEST:
                raise NotYaml(f"{_line(event)} is nested more than {DEEPEST} levels deep")
            opened.append(_Collection(event))
            anchor, size = event.anchor, 0
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = opened[-1].anchor, opened.pop().size
        elif isinstance(event, yaml.ScalarEvent):
            if opened:
                opened[-1].refuse_repeated(event, event.value)
            anchor, size = event.anchor, 1
        elif isinstance(event, yaml.AliasEvent):
            if (size := sizes.get(event.anchor, 1)) == 0:
                raise NotYaml(f"{_line(event)} repeats what it is a part of, *{event.anchor}")
            if opened:
                opened[-1].refuse_repeated(event, f"*{event.anchor}")
            anchor = None
        else:
            continue  # the beginning or the end of a document
        if anchor:
            sizes[anchor] = size
        if opened and size:
            opened[-1].add(size)
            if opened[-1].size > MOST:
                raise NotYaml(f"{_line(event)} makes it more than {MOST:,} values, most of them repeated")


def _line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}"
