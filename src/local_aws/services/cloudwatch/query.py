"""Queries in the language of CloudWatch Logs Insights: the commands filter, fields, stats, sort and limit.

What AWS would refuse is refused with its error, and what it has and this has not is refused by name.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

import math
import operator
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_aws.core.errors import AwsError, not_emulated

__all__ = ["LIMIT", "Query", "parse"]

LIMIT = 10_000  # rows of a result

Row = Mapping[str, Any]
Predicate = Callable[[Row], bool]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<name>`[^`]+` | [@A-Za-z_][@.\w]*)
    | (?P<text>"[^"]*" | '[^']*')
    | (?P<pattern>/[^/]+/)
    | (?P<number>-?\d+(?:\.\d+)?(?![\w@]))
    | (?P<sign>!=|<=|>=|[=<>(),|*])
    )""",
    re.VERBOSE,
)
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_AGGREGATES: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "avg": statistics.fmean,
    "count": len,
    "max": max,
    "min": min,
    "sum": sum,
}


@dataclass(frozen=True)
class _Aggregate:
    """One column of stats: a function of a field's values in a group; of every row if it has no field."""

    name: str
    field: str | None
    function: Callable[[Sequence[Any]], Any]
    numeric: bool

    def of(self, rows: Sequence[Row]) -> Any:
        """The value for a group, None if no row has a value that the function takes."""
        if self.field is None:
            return self.function(rows)
        values = [row[self.field] for row in rows if row.get(self.field) is not None]
        if self.numeric and self.field != "@timestamp":
            values = [value for value in values if _is_number(value)]
        return self.function(values) if values or self.function is len else None


@dataclass
class Query:
    """A query that was read: its steps, in order, and how many rows it may return."""

    steps: list[Callable[[list[Row]], list[Row]]] = field(default_factory=list)
    shown: tuple[str, ...] = ("@timestamp", "@message")
    aggregated: bool = False
    limit: int = LIMIT

    def run(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """Return the rows of the result, each with the fields that are shown and that it has."""
        found = list(rows)
        for step in self.steps:
            found = step(found)
        kept = self.shown if self.aggregated else (*self.shown, "@ptr")
        return [
            {name: row[name] for name in kept if row.get(name) is not None} for row in found[: self.limit]
        ]


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        AwsError: AWS would not understand it, or it needs what is not emulated.
    """
    return _Parser(_tokens(text)).query()


def _malformed(what: str) -> AwsError:
    return AwsError("MalformedQueryException", f"unexpected {what}")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _malformed(f"symbol found {text[position:].split()[0]!r} at position {position}")
        yield match.lastgroup or "", match[match.lastgroup or 0]
        position = match.end()


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, tokens: Iterable[tuple[str, str]]) -> None:
        self._tokens, self._next = [*tokens, ("end", "end of the query")], 0
        self._query = Query()

    def query(self) -> Query:
        while True:
            command = self._take("name")
            read = {
                "fields": self._fields,
                "filter": self._filter,
                "limit": self._limit,
                "sort": self._sort,
                "stats": self._stats,
            }.get(command.lower())
            if read is None:
                raise not_emulated(f"the command {command!r} of CloudWatch Logs Insights")
            read()
            if self._accept("end"):
                return self._query
            self._take("sign", "|")

    # Commands

    def _fields(self) -> None:
        self._query.shown = tuple(self._listed(self._name))

    def _filter(self) -> None:
        holds = self._either()
        self._query.steps.append(lambda rows: [row for row in rows if holds(row)])

    def _limit(self) -> None:
        number = self._take("number")
        if not number.isdigit() or not 1 <= int(number) <= LIMIT:
            raise _malformed(f"limit {number}; it must be a whole number from 1 to {LIMIT}")
        self._query.limit = int(number)

    def _sort(self) -> None:
        orders = self._listed(self._order)

        def sort(rows: list[Row]) -> list[Row]:
            for name, descending in reversed(orders):
                known = [row for row in rows if row.get(name) is not None]
                known.sort(key=lambda row: _sortable(row[name]), reverse=descending)
                rows = known + [row for row in rows if row.get(name) is None]
            return rows

        self._query.steps.append(sort)

    def _order(self) -> tuple[str, bool]:
        name = self._name()
        for word in ("asc", "desc"):
            if self._accept("name", word):
                return name, word == "desc"
        raise not_emulated("a sort of CloudWatch Logs Insights without asc or desc")

    def _stats(self) -> None:
        if self._query.aggregated:
            raise not_emulated("a second stats in a query of CloudWatch Logs Insights")
        aggregates = self._listed(self._aggregate)
        by = self._listed(self._name) if self._accept("name", "by") else []

        def group(rows: list[Row]) -> list[Row]:
            groups: dict[tuple[Any, ...], list[Row]] = {} if by else {(): rows}
            for row in rows if by else ():
                groups.setdefault(tuple(row.get(name) for name in by), []).append(row)
            return [
                dict(zip(by, key, strict=True)) | {each.name: each.of(found) for each in aggregates}
                for key, found in groups.items()
            ]

        self._query.steps.append(group)
        self._query.shown = (*by, *(each.name for each in aggregates))
        self._query.aggregated = True

    def _aggregate(self) -> _Aggregate:
        start = self._next
        function = self._take("name").lower()
        self._take("sign", "(")
        if function == "count" and self._accept("sign", "*"):
            name, percent = None, None
        else:
            name, percent = self._name(), None
        if function == "pct":
            self._take("sign", ",")
            percent = float(self._take("number"))
            if not 0 <= percent <= 100:
                raise _malformed(f"percentile {percent:g}; it must be from 0 to 100")
        elif function not in _AGGREGATES:
            raise not_emulated(f"the function {function!r} of CloudWatch Logs Insights")
        self._take("sign", ")")
        said = "".join(token for _, token in self._tokens[start : self._next])
        title = self._name() if self._accept("name", "as") else said
        if percent is not None:
            return _Aggregate(title, name, lambda values: _percentile(values, percent), numeric=True)
        return _Aggregate(title, name, _AGGREGATES[function], numeric=function != "count")

    # Conditions

    def _either(self) -> Predicate:
        parts = [self._both()]
        while self._accept("name", "or"):
            parts.append(self._both())
        return lambda row: any(part(row) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._condition()]
        while self._accept("name", "and"):
            parts.append(self._condition())
        return lambda row: all(part(row) for part in parts)

    def _condition(self) -> Predicate:
        if self._accept("name", "not"):
            inner = self._condition()
            return lambda row: not inner(row)
        if self._accept("sign", "("):
            inner = self._either()
            self._take("sign", ")")
            return inner
        name = self._name()
        if name.lower() == "ispresent" and self._accept("sign", "("):
            asked = self._name()
            self._take("sign", ")")
            return lambda row: row.get(asked) is not None
        token = self._tokens[self._next][1]
        if token not in _COMPARED:
            raise not_emulated(f"{token!r} in a filter of CloudWatch Logs Insights")
        self._next += 1
        compare, value = _COMPARED[token], self._literal()
        return lambda row: _holds(compare, row.get(name), value)

    # Tokens

    def _literal(self) -> str | float:
        kind, token = self._tokens[self._next]
        if kind not in ("number", "text"):
            raise not_emulated(f"the comparison with {token!r} in a query of CloudWatch Logs Insights")
        self._next += 1
        return float(token) if kind == "number" else token[1:-1]

    def _name(self) -> str:
        return self._take("name").strip("`")

    def _listed(self, read: Callable[[], Any]) -> list[Any]:
        found = [read()]
        while self._accept("sign", ","):
            found.append(read())
        return found

    def _take(self, kind: str, token: str = "") -> str:
        found = self._tokens[self._next]
        if not self._accept(kind, token):
            raise _malformed(f"symbol found {found[1]!r}; expected {token or f'a {kind}'}")
        return found[1]

    def _accept(self, kind: str, token: str = "") -> bool:
        """Go on to the next token if this one is of a kind and, if that is given, this word."""
        found = self._tokens[self._next]
        accepted = found[0] == kind and token in ("", found[1].lower())
        self._next += accepted
        return accepted


def _holds(compare: Callable[[Any, Any], bool], value: Any, asked: str | float) -> bool:
    """Compare as numbers if a number was asked for, else as texts; a row without the field has no match."""
    if value is None:
        return False
    if isinstance(asked, float):
        return _is_number(value) and compare(value, asked)
    return compare(str(value), asked)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sortable(value: object) -> tuple[bool, Any]:
    return (False, value) if _is_number(value) else (True, str(value))


def _percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that is at least as large as so many percent of the values."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]
