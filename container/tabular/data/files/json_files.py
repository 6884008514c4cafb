"""Rows in JSON: an object on each line (JSON Lines), or one document of pandas, a database or a service."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from tabular.data.values.long_numbers import exact, whole

__all__ = ["read_json"]

# How databases say the type of a value: MongoDB's extended JSON, and Amazon DynamoDB.
MONGODB = {"$oid", "$date", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$uuid"}
DYNAMODB = {"S", "N", "BOOL", "NULL"}
LATEST = 62_000_000_000_000  # milliseconds before and after 1970, from the year 5 on
DEEPEST = 4  # objects within each other, of which the last holds the rows
SAMPLE = 1 << 16  # bytes whose objects are looked at for keys that are repeated
_BETWEEN = re.compile(r"\s*(?:,\s*)?")


def read_json(
    file: BinaryIO, encoding: str = "utf-8", target: str | None = None, drop: Collection[str] = ()
) -> pa.Table:
    """The rows of a file in JSON; a key that an object lacks is an empty cell.

    Rows are objects, or lists below a list of names, on a line each or in one document; or what pandas'
    `to_json` writes in any orientation. A service may have put them into other objects, and a database each
    value into one that says its type. The target tells columns from rows, and an answer such as
    {"error": 404} from the only row of a table.

    Columns are typed like those of Parquet. One with values of several types is text, in which a number is
    as JSON writes it; one with lists or objects is a column of lists, which no feature can be.

    Raises:
        ValueError: if it is not JSON, or not rows, or the target is inside of other objects, or an object has
            two values for a key that is not in `drop`.
    """
    data = file.read()
    if encoding != "utf-8":  # the only one of JSON, but PowerShell writes UTF-16
        data = data.decode(encoding).encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    document = _document(data)
    rows = _rows(document, target) or _only_row(document, target)
    if not rows:
        raise ValueError("it is JSON, but not rows; write an object on each line, or one list of objects")
    _check_keys(data[:SAMPLE].decode(errors="replace"), drop)
    rows = _without_envelopes(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if target is not None and target not in names and (outer := _outside_of(target, rows[0])):
        raise ValueError(
            f"the column {target!r} is inside the objects of {outer!r}; write the rows without them, as "
            "pandas.json_normalize does"
        )
    return pa.table({name: pa.chunked_array([_column([row.get(name) for row in rows])]) for name in names})


def _document(data: bytes) -> Any:
    """The only document of a file, or a list of those on its lines.

    Raises:
        ValueError: if it is not JSON; the sentence names the line.
    """
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    is_list = data.lstrip()[:1] == b"["
    is_one = len(lines) == 1 or (is_list and _or_none(lines[0][1]) is None)
    try:
        return _parsed(data, "it") if is_one else [_parsed(line, f"line {number}") for number, line in lines]
    except ValueError:
        found = None if is_one else _or_none(data)
        if found is None:
            found = _one_after_another(data)
        if found is None:
            raise
        return found


def _or_none(data: bytes) -> Any:
    try:
        return _parsed(data, "it")
    except ValueError:
        return None


def _one_after_another(data: bytes) -> list[Any] | None:
    """Documents that follow each other, perhaps after a comma; None if they are not JSON.

    jq writes each on several lines, and Amazon Data Firehose joins all on one.
    """
    text, found, place = data.decode(errors="replace").strip(), [], 0
    decoder = json.JSONDecoder(parse_int=whole)
    while place < len(text):
        try:
            document, place = decoder.raw_decode(text, place)
        except ValueError:
            return None
        found.append(document)
        place = _BETWEEN.match(text, place).end()
    return found


def _rows(found: Any, target: str | None) -> list[dict[str, Any]] | None:
    """The rows of a document; None if it has none."""
    for _ in range(DEEPEST):
        if isinstance(found, dict) and all(isinstance(found.get(key), list) for key in ("columns", "data")):
            found = [found["columns"], *found["data"]]  # pandas' split
        if isinstance(found, list):
            return _of_list(found)
        if not isinstance(found, dict) or not found:
            return None
        if (rows := _of_object(found, target)) is not None:
            return rows
        if (names := _names_of_socrata(found)) is not None:
            return _of_list([names, *found["data"]])
        inner = [one for one in found.values() if isinstance(one, dict) or _is_rows(one)]
        if len(inner) > 1 and isinstance(found.get("schema"), dict) and _is_rows(found.get("data")):
            inner = [_without_index(found["data"], found["schema"])]  # pandas' table
        if len(inner) != 1:
            return None
        (found,) = inner
    return None


def _only_row(found: Any, target: str | None) -> list[dict[str, Any]] | None:
    """A document that is a row, because it has the target, or nothing but cells; None if it is not."""
    if not isinstance(found, dict) or not found:
        return None
    cells = found.values() if target is None else [found.get(target, [])]
    return None if any(isinstance(cell, list | dict) for cell in cells) else [found]


def _without_envelopes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that are each an object under the same key, as Amazon DynamoDB exports them, without it."""
    keys = {key for row in rows[:1] for key in row}
    if len(keys) != 1 or not all(row.keys() == keys and isinstance(row[min(keys)], dict) for row in rows):
        return rows
    (key,) = keys
    inner = [row[key] for row in rows]
    return [{name: _untyped(cell, DYNAMODB) for name, cell in row.items()} for row in inner]


def _outside_of(target: str, row: Mapping[str, Any]) -> str | None:
    """The key of a row whose object has the target; None if none has."""
    return next((key for key, one in row.items() if isinstance(one, dict) and target in one), None)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _of_list(found: Sequence[Any]) -> list[dict[str, Any]] | None:
    """Objects, or lists below a list of names."""
    if all(isinstance(row, dict) for row in found):
        return list(found)
    if len(found) < 2 or not all(isinstance(row, list) for row in found):
        return None
    names, *rows = found
    are_names = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    if not are_names or any(len(row) != len(names) for row in rows):
        return None
    return [dict(zip(names, row, strict=True)) for row in rows]


def _of_object(found: Mapping[str, Any], target: str | None) -> list[dict[str, Any]] | None:
    """Rows of an object of columns (each a list, or an object by row) or of rows; None if it is neither."""
    values = list(found.values())
    if all(isinstance(one, dict) for one in values):
        keys = values[0].keys()
        if target in found if target is not None else all(map(str.isdecimal, keys)):
            if any(one.keys() != keys for one in values):
                return None
            return [{name: column[key] for name, column in found.items()} for key in keys]
        return values if target in keys or all(map(str.isdecimal, found)) else None
    lists = all(isinstance(one, list) and not _is_rows(one) for one in values)
    if lists and len(set(map(len, values))) == 1 and (target is None or target in found):
        return [dict(zip(found, row, strict=True)) for row in zip(*values, strict=True)]
    return None


def _names_of_socrata(found: Mapping[str, Any]) -> list[Any] | None:
    """The names of columns that Socrata's servers of open data put far from the rows; None without them."""
    view = found["meta"].get("view") if isinstance(found.get("meta"), dict) else None
    columns = view.get("columns") if isinstance(view, dict) else None
    if not isinstance(found.get("data"), list) or not _is_rows(columns):
        return None
    return [column.get("name") for column in columns]


def _without_index(rows: Sequence[Any], schema: Mapping[str, Any]) -> list[Any]:
    """Rows in pandas' table form without the index that has no name of its own."""
    unnamed = schema.get("primaryKey") == ["index"]
    return [
        {name: cell for name, cell in row.items() if not (unnamed and name == "index")}
        if isinstance(row, dict)
        else row
        for row in rows
    ]


def _parsed(data: bytes, what: str) -> Any:
    try:
        return exact(data, orjson.loads(data))
    except ValueError:  # Python's own module also reads NaN and Infinity, which pandas and Python write
        pass
    try:
        return json.loads(data, parse_int=whole)
    except ValueError as error:
        raise ValueError(f"{what} is not JSON ({error}); correct it") from None


class _Object(dict[str, Any]):
    """An object with all of its pairs, of which several may have the same key."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _check_keys(sample: str, drop: Collection[str]) -> None:
    """Check the objects at the beginning of a file, which programs write alike, for keys that are repeated.

    Raises:
        ValueError: if one has two values and is not in `drop`; parsers keep the last one in silence.
    """
    found: list[_Object] = []  # those that are whole, each after what is inside of it

    def kept(pairs: Sequence[tuple[str, Any]]) -> _Object:
        found.append(_Object(pairs))
        return found[-1]

    decoder = json.JSONDecoder(
        object_pairs_hook=kept,
        parse_int=whole,
        parse_constant=lambda word: None if word == "NaN" else word,  # which is not equal to itself
    )
    place = 0
    with suppress(json.JSONDecodeError):  # where the sample ends
        while place < len(sample):
            _, place = decoder.raw_decode(sample, _BETWEEN.match(sample, place).end())
    inside = {id(one) for outer in found for _, value in outer.pairs for one in _objects(value)}
    rows = [one for one in found if id(one) not in inside]
    for row in rows:
        if not drop or row.keys() & rows[0].keys():  # it may be inside the last row, whose end is missing
            _check_object(row, drop)


def _check_object(found: _Object, drop: Collection[str]) -> None:
    for key, value in found.pairs:
        if key in drop:
            continue
        if value != found[key]:
            raise ValueError(
                f"an object has the key {key!r} twice, with the values {value!r} and {found[key]!r}; rename "
                "or remove one of them"
            )
        for one in _objects(value):
            _check_object(one, drop)


def _objects(value: Any) -> Iterator[_Object]:
    """A value, or those in a list, as far as they are objects."""
    if isinstance(value, _Object):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _objects(one)


def _column(values: Sequence[Any]) -> pa.Array:
    values = [None if value == "" else value for value in values]  # as in other files
    kinds = {type(value) for value in values} - {type(None)}
    if dict in kinds:
        values = [_untyped(value, MONGODB) for value in values]
        kinds = {type(value) for value in values} - {type(None)}
    if kinds & {list, dict}:
        return pa.array([None if one is None else [_text(one)] for one in values], pa.list_(pa.string()))
    if kinds == {int}:
        try:
            return pa.array(values, pa.int64())
        except OverflowError:  # text keeps every digit
            return pa.array([None if one is None else str(one) for one in values], pa.string())
    if kinds and kinds <= {int, float}:
        return pa.array([None if one is None or one != one else float(one) for one in values], pa.float64())
    if len(kinds) <= 1:
        return pa.array(values)
    return pa.array(
        [one if one is None or isinstance(one, str) else _text(one) for one in values], pa.string()
    )


def _untyped(value: Any, types: Collection[str]) -> Any:
    """The value of an object that only says its type, such as {"$oid": "65b9"}; others as they are."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    if kind not in types or isinstance(inner, list):
        return value
    if kind == "NULL":
        return None
    if kind == "$date" and isinstance(inner, dict):  # thousandths of a second since 1970
        inner = _untyped(inner, MONGODB)
        inner = int(inner) if isinstance(inner, str) and inner.lstrip("-").isdecimal() else inner
    if kind == "$date" and isinstance(inner, int) and abs(inner) < LATEST:
        return (datetime(1970, 1, 1) + timedelta(milliseconds=inner)).isoformat() + "Z"
    return inner


def _text(value: Any) -> str:
    return orjson.dumps(value).decode() if not isinstance(value, int) else json.dumps(value)
