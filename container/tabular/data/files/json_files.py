"""Rows in JSON: an object on each line (JSON Lines), or a list of objects, as pandas and databases write."""

import json
from collections.abc import Sequence
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from tabular.data.values.long_numbers import exact, whole

__all__ = ["read_json"]


def read_json(file: BinaryIO, encoding: str = "utf-8") -> pa.Table:
    """The rows of a file in JSON; a key that an object lacks is an empty cell.

    Columns are typed like those of Parquet. One with values of several types is text, in which a number is
    as JSON writes it; one with lists or objects is a column of lists, which no feature can be.

    Raises:
        ValueError: if it is not JSON, or not rows.
    """
    data = file.read()
    if encoding != "utf-8":  # the only one of JSON, but PowerShell writes UTF-16
        data = data.decode(encoding).encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    rows = _parsed(data, "it") if data.lstrip()[:1] == b"[" else _of_lines(data)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is JSON, but not rows; write an object on each line, or one list of objects")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: pa.chunked_array([_column([row.get(name) for row in rows])]) for name in names})


def _of_lines(data: bytes) -> list[Any]:
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    try:
        rows = [_parsed(line, f"line {number}") for number, line in lines]
    except ValueError:
        if len(lines) > 1 and isinstance(_or_none(data), dict):
            return []  # one object on several lines
        raise
    return rows if len(rows) > 1 else []  # one object is an answer of a service rather than a table


def _or_none(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except ValueError:
        return None


def _parsed(data: bytes, what: str) -> Any:
    try:
        return exact(data, orjson.loads(data))
    except ValueError:  # Python's own module also reads NaN and Infinity, which pandas and Python write
        pass
    try:
        return json.loads(data, parse_int=whole)
    except ValueError as error:
        raise ValueError(f"{what} is not JSON ({error})") from None


def _column(values: Sequence[Any]) -> pa.Array:
    values = [None if value == "" else value for value in values]  # as in other files
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


def _text(value: Any) -> str:
    return orjson.dumps(value).decode() if not isinstance(value, int) else json.dumps(value)
