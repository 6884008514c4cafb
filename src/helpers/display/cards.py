"""Cards: what an object is, in a few named lines, instead of its class and its address in memory."""

import html
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["AsCard", "Card", "Text", "card", "text"]

EQUAL_WIDTH = "font-family: monospace; line-height: 1.3; white-space: pre-wrap"
LEFT = "text-align: left; vertical-align: top"


@dataclass(frozen=True, repr=False)
class Card:
    """A title, and named values in their order; values of several lines are lists."""

    title: str
    rows: Mapping[str, object]

    def _repr_html_(self) -> str:
        lines = [f'<table><thead><tr><th colspan="2" style="{LEFT}">{_escaped(self.title)}</th></tr></thead>']
        for name, value in self.rows.items():
            words = "<br>".join(_escaped(line) for line in _lines(value))
            lines.append(f'<tr><th style="{LEFT}">{_escaped(name)}</th><td style="{LEFT}">{words}</td></tr>')
        return "\n".join([*lines, "</table>"])

    def __repr__(self) -> str:
        width = max((len(name) for name in self.rows), default=0)
        lines = [self.title]
        for name, value in self.rows.items():
            first, *others = _lines(value) or [""]
            lines += [f"  {name:{width}}  {first}", *(f"  {'':{width}}  {line}" for line in others)]
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class Text:
    """Lines that are shown as they are, in letters of equal width: JSON, a tree of folders, a command."""

    lines: str

    def _repr_html_(self) -> str:
        return f'<pre style="{EQUAL_WIDTH}">{_escaped(self.lines)}</pre>'

    def __repr__(self) -> str:
        return self.lines


class AsCard(ABC):
    """A class whose objects are shown as cards; a dataclass of this kind says `repr=False`."""

    @abstractmethod
    def card(self) -> Card:
        """What a person should know about it."""

    def _repr_html_(self) -> str:
        return self.card()._repr_html_()

    def __repr__(self) -> str:
        return repr(self.card())


def card(title: str, rows: Mapping[str, object]) -> Card:
    """A card to show: a title, and named values in their order."""
    return Card(title, rows)


def text(lines: str) -> Text:
    """Lines to show as they are."""
    return Text(lines)


def _lines(value: object) -> list[str]:
    """The lines of a value: of a list, one for each item; nothing for what is not there."""
    if value is None:
        return [""]
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        return [str(item) for item in value]
    return str(value).splitlines()


def _escaped(words: str) -> str:
    return html.escape(words, quote=False)
