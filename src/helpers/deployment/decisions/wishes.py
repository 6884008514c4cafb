"""What a person asks for: the decision on each table or version, and the versions that it is about."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from helpers.errors import BadInput

__all__ = ["DEFAULT", "LATEST", "NONE", "STATUS", "by_version", "named_versions", "wishes"]

NONE, LATEST, DEFAULT = "none", "latest", "default"
STATUS = {"approve": "Approved", "reject": "Rejected"}


def wishes(approve: object, tables: Sequence[str]) -> dict[str, str]:
    """The status that each table's version should get; tables that are not to be decided are left out.

    Args:
        approve: `none`, `approve` or `reject` for all tables, or a mapping from tables to these words, in
            which `default` stands for all others. A table whose versions it names, see `by_version`, is left
            out too.
        tables: The names of all tables.

    Raises:
        BadInput: another word, or a table that is not among them.
    """
    words = {DEFAULT: NONE, **(approve if isinstance(approve, Mapping) else {DEFAULT: approve})}
    named = by_version(approve, tables)
    for table, word in words.items():
        if table not in named:
            _check_word(word, f" for {table}" if isinstance(approve, Mapping) else "")
    chosen = {table: words.get(table, words[DEFAULT]) for table in tables if table not in named}
    return {table: STATUS[word] for table, word in chosen.items() if word != NONE}


def by_version(approve: object, tables: Sequence[str]) -> dict[str, dict[int, str]]:
    """The status that each named version of a table should get, such as {"wine": {3: "approve"}} asks for.

    Raises:
        BadInput: another word, no number of a version, or a table that is not among them.
    """
    given = approve if isinstance(approve, Mapping) else {}
    _check_tables("APPROVE", [table for table in given if table != DEFAULT], tables)
    found = {table: each for table, each in given.items() if isinstance(each, Mapping) and table != DEFAULT}
    for table, each in found.items():
        for number, word in each.items():
            if not _is_version(_number(number)):
                raise BadInput(
                    f"APPROVE names the version {number!r} of {table}; it must be a number, as in "
                    f"{{{table!r}: {{3: 'approve', 2: 'reject'}}}}."
                )
            _check_word(word, f" for version {number} of {table}")
        if len({_number(number) for number in each}) < len(each):
            raise BadInput(
                f"APPROVE names a version of {table} twice, as a number and as text; name it once."
            )
    return {
        table: {_number(number): STATUS[word] for number, word in each.items() if word != NONE}
        for table, each in found.items()
    }


def named_versions(versions: object, tables: Sequence[str]) -> dict[str, int | str] | None:
    """The version that a person named for each table, a number or `latest`; None if nothing was said.

    Args:
        versions: Empty, `latest` for all tables, or a mapping from tables to numbers or `latest`.
        tables: The names of all tables.

    Raises:
        BadInput: another value, or a table that is not among them.
    """
    if isinstance(versions, str) and versions in ("", LATEST):
        return dict.fromkeys(tables, LATEST) if versions else None
    if not isinstance(versions, Mapping):
        raise BadInput(f"VERSIONS is {versions!r}; it must be empty, latest, or such as {{wine: 3}}.")
    _check_tables("VERSIONS", list(versions), tables)
    for table, number in versions.items():
        if number != LATEST and not _is_version(number):
            raise BadInput(f"VERSIONS is {number!r} for {table}; it must be a version's number, or latest.")
    return dict(versions)


def _number(text: object) -> object:
    """The number that a text is: JSON, in which papermill passes parameters on, has keys of text only."""
    return int(text) if isinstance(text, str) and text.isdecimal() else text


def _is_version(number: object) -> bool:
    return type(number) is int and number > 0


def _check_word(word: object, where: str) -> None:
    if not isinstance(word, str) or word not in (NONE, *STATUS):
        raise BadInput(f"APPROVE is {word!r}{where}; it must be one of none, {', '.join(STATUS)}.")


def _check_tables(parameter: str, given: Iterable[object], tables: Sequence[str]) -> None:
    for name in given:
        if name not in tables:
            nearest = get_close_matches(str(name), tables, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"DATASETS has {', '.join(tables)}."
            raise BadInput(f"{parameter} names {name!r}, which is not one of DATASETS: {hint}")
