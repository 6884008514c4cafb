"""The names of a request: which line is a header, and where in it each column of the model is.

Copies of a column are those that the table had under the same name with the same cells.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tabular.data.values import cells
from tabular.portable.table_model import Table
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.lines import most_names
from tabular.serving.rows.readers import as_programs_write, reader

__all__ = [
    "check_copies",
    "copies_in",
    "is_header",
    "listed",
    "may_be_row",
    "order_of",
    "repeats",
    "without_headers",
]


def is_header(row: Sequence[str], model: Table) -> bool:
    """Whether the first line is a header: it contains the name of a column and cannot be read as a row."""
    if all(model.place_of(cell) is None for cell in row):
        return False
    if len(row) != len(model.names):
        return True
    try:
        for position in model.numeric:
            reader(position, model)(row[position])
    except ValueError:
        return True
    if model.n_numbers or model.worded:  # even if all names are numbers
        return sorted(map(model.fold, row)) == sorted(map(model.fold, model.names))
    named = [place for place, cell in enumerate(row) if model.place_of(cell) is not None]
    if all(place in named or model.is_ignored(cell) for place, cell in enumerate(row)):
        return True
    # Names among which one is wrong, as levels of other columns that training has never seen would be rarer.
    return 2 * len(named) >= len(row) and not any(row[place] in model.levels_of(place) for place in named)


def may_be_row(names: Sequence[str], model: Table) -> bool:
    """Whether the names of a header, in the order of the model's columns, are cells that these have, too."""
    if len(names) != len(model.names):
        return False
    if not all(names[place] in model.levels_of(place) for place in model.categorical):
        return False
    try:
        for place in model.numeric:
            reader(place, model)(names[place])
    except ValueError:
        return False
    return True


def repeats(row: Sequence[Any], names: Sequence[str], order: Sequence[int], model: Table) -> bool:
    """Whether a row has the names of a header as its cells, which are not all levels of their columns.

    Args:
        row: the cells, in the order of the header.
        names: those of the header, folded.
        order: what `order_of` returns for the header.
        model: the levels of its columns.
    """
    if not row or type(row[0]) is not str or model.fold(row[0]) != names[0]:
        return False
    if {*map(type, row)} != {str} or [*map(model.fold, row)] != names:
        return False
    return not all(row[position] in model.levels_of(place) for place, position in enumerate(order))


def without_headers(rows: Iterable[list[Any]], model: Table) -> Iterator[list[Any]]:
    """The rows of a table of words, in the order of the model's columns, none of which is the header.

    Raises:
        BadRequest: if one is, which could be read as a row.
    """
    names = [*map(model.fold, model.names)]
    for number, row in enumerate(rows, start=1):
        if repeats(row, names, range(len(names)), model):
            raise BadRequest(400, f"Row {number} is the header; send it once, above all rows.")
        yield row


def order_of(header: Sequence[str], model: Table, where: str) -> list[int]:
    """The position in the header of each of the model's columns.

    Case matters only if two columns of the table differ in nothing else. Columns of the same name are told
    apart as in the table. Columns of the table that the model does not use are ignored, and so is the index
    that pandas writes.

    Raises:
        BadRequest: if a column is missing, unknown, or named twice, or there are far too many names.
    """
    if len(header) > most_names(model):
        raise BadRequest(400, f"{where} has {len(header)} names; this model needs {len(model.names)}.")
    found: dict[int, int] = {}
    unknown, repeated = [], []
    for position, name in enumerate(model.names_of(header)):
        place = model.place_of(name)
        if place is None:
            if not model.is_ignored(name):
                unknown.append(name.strip())
            continue
        if place in found:
            repeated.append(name.strip())
        found[place] = position
    if missing := [name for place, name in enumerate(model.names) if place not in found]:
        raise BadRequest(400, f"{where} does not have the columns {listed(missing)}.")
    if unknown:
        raise BadRequest(400, f"{where} has the columns {listed(unknown)}, which this model does not know.")
    if repeated:
        raise BadRequest(400, f"{where} names a column more than once: {listed(repeated)}.")
    return [found[place] for place in range(len(model.names))]


def copies_in(header: Sequence[str], model: Table) -> list[tuple[int, int]]:
    """The position in the header of each copy, and the place of the model's column that it is a copy of."""
    if not model.copies:
        return []
    folded = enumerate(map(model.fold, model.names_of(header)))
    return [(position, model.copies[name]) for position, name in folded if name in model.copies]


def check_copies(
    cells_: Sequence[Any],
    order: Sequence[int],
    copies: Sequence[tuple[int, int]],
    number: int,
    model: Table,
) -> None:
    """Check that copies have the same cells as in training, because the model looks at one of them alone.

    Args:
        cells_: the cells of a row, in the order of its header.
        order: what `order_of` returns for the header.
        copies: what `copies_in` returns for it.
        number: the row's in the body.
        model: how cells are read.

    Raises:
        BadRequest: if a copy differs.
    """
    for position, place in copies:
        copy, original = cells_[position], cells_[order[place]]
        if copy != original and not _are_alike(copy, original, place, model):
            seen = f"{cells.shown(original)} and {cells.shown(copy)}"
            raise BadRequest(
                400,
                f"Row {number} has {seen} in two columns named {model.names[place]!r}, whose cells were the "
                "same in training; send one of the columns.",
            )


def _are_alike(one: Any, other: Any, place: int, model: Table) -> bool:
    """Whether two cells of a column are read alike, such as 1 and 1.0, or two gaps."""
    read = reader(place, model)
    try:
        first, second = (_read(cell, read) for cell in (one, other))
    except ValueError:
        return False
    return bool(first == second or (first != first and second != second))


def _read(cell: Any, read: Callable[[Any], Any]) -> Any:
    try:
        return read(cell)
    except ValueError:
        return as_programs_write(cell, read)


def listed(names: Sequence[str]) -> str:
    """The first five names, and how many more there are."""
    shown = ", ".join(cells.shown(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
