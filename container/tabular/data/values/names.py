"""The names of a table's columns, as files and clients write them; with the standard library alone."""

import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from unicodedata import normalize

from tabular.data.values.cells import UNSEEN

__all__ = ["Names", "as_written", "is_unnamed", "told_apart"]

# pandas' name for a column without one: as written, and after it was read and written again.
_UNNAMED = re.compile(r"(?:Unnamed: \d+(?:\.\d+)*)?")
_NUMBER = re.compile(r"\.\d+\Z")  # which tells columns of the same name apart

ROW_NAMES = "_row"  # the key under which R's jsonlite writes them


def is_unnamed(name: str) -> bool:
    """Whether a column has no name, or the one that pandas gives such a column."""
    return _UNNAMED.fullmatch(name.strip()) is not None


def told_apart(names: Iterable[str]) -> list[str]:
    """The names of a header without blanks around them, with a number behind all but the first of the same.

    They are those of pandas: `id`, `id.1`, `id.2`. Columns without a name stay so.
    """
    stripped = [name.strip() for name in names]
    taken, count, found = set(stripped), Counter(), []
    for name in stripped:
        own = name
        while name and count[name] and own in taken:
            own = f"{name}.{count[name]}"
            count[name] += own in taken
        taken.add(own)
        count[name] += 1
        found.append(own)
    return found


def as_written(name: str) -> str:
    """A name without the number that `told_apart` may have added to it."""
    return _NUMBER.sub("", name)


class Names:
    """The names of a model's columns, and those of the other columns of its table, such as the target.

    Clients send whole rows, and may write names in another case or Unicode form, with other line breaks, or
    with signs that nobody sees, such as the mark of the order of bytes before the first name of a file.

    Args:
        names: those of the model's columns, by position.
        others: those of the other columns.
    """

    def __init__(self, names: Sequence[str], others: Iterable[str]) -> None:
        self.names = list(names)
        self.name_set = frozenset(self.names)
        folded_names = self._folded(self.names)
        self.folded_names = frozenset(folded_names)
        if self.folded_names == self.name_set:
            self.folded_names = self.name_set
        self._by_name = dict(zip(self.names, range(len(self.names)), strict=True))
        self._other_names = frozenset(others)
        folded_others = self._folded(self._other_names)
        self.others = frozenset(folded_others)
        count = Counter(folded_names + folded_others)
        self._by_folded_name = {name: place for place, name in enumerate(folded_names) if count[name] == 1}

    @classmethod
    def _folded(cls, names: Collection[str]) -> list[str]:
        """What `fold` makes of names, shared with other tables; hundreds of models are loaded one by one."""
        whole = "".join(names)
        if whole.isascii() and "\r" not in whole:
            return [*map(sys.intern, map(str.casefold, map(str.strip, names)))]
        return [sys.intern(cls.fold(name)) for name in names]

    @staticmethod
    def fold(name: str) -> str:
        """A name without what clients change: blanks, case, Unicode form, how a line ends, unseen signs."""
        if "\r" in name:  # of a name of several lines
            name = name.replace("\r\n", "\n").replace("\r", "\n")
        if name.isascii():
            return name.strip().casefold()
        return normalize("NFC", normalize("NFKC", name.translate(UNSEEN)).strip().casefold())

    def place_of(self, name: str) -> int | None:
        """The position of the column that a client means by a name; None if the model has no such column."""
        name = name.strip()
        place = self._by_name.get(name)
        if place is None and name not in self._other_names:
            place = self._by_folded_name.get(self.fold(name))
        return place

    def names_of(self, header: Iterable[str]) -> list[str]:
        """The names of a header, those that are the same told apart if the table has such columns."""
        names = list(header)
        if len(set(map(str.strip, names))) == len(names):
            return names
        return [
            own if self.place_of(own) is not None or self.is_ignored(own) else name
            for name, own in zip(names, told_apart(names), strict=True)
        ]

    def are_among(self, names: Iterable[str]) -> bool:
        """Whether some names are those of all the model's columns, and perhaps more."""
        own = names if isinstance(names, dict) else self.names_of(names)  # nothing is twice in a dict
        return {self.place_of(name) for name in own} >= set(range(len(self.names)))

    def is_ignored(self, name: str) -> bool:
        """Whether it is a column of the table that the model does not use, or an index of pandas or R."""
        return self.fold(name) in self.others or is_unnamed(name) or name == ROW_NAMES
