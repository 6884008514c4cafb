"""Dynamic partitioning: the folder of a record, by keys that a jq query finds in it."""

import json
import re
from typing import Any

from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.store import Document

__all__ = ["Partitioning", "invalid_argument"]

_KEY = re.compile(r"!\{partitionKeyFromQuery:(\w+)\}")
_QUERY_ENTRY = re.compile(r"\s*(\w+)\s*:\s*((?:\.\w+)+)(?:\[(\d+):(\d+)\])?\s*(\|\s*tostring)?\s*")
# Of one partition key: the path to a value, the part of a text, and whether to make a text of it.
_Steps = tuple[list[str], slice | None, bool]


class Partitioning:
    """The prefix of a stream, and the query that fills it in.

    Args:
        destination: The stream's destination.

    Raises:
        AwsError: AWS would refuse prefix or query, or they are not emulated.
    """

    def __init__(self, destination: Document) -> None:
        self._prefix: str = destination.get("Prefix", "")
        self._query = _query(destination)
        named, found = set(_KEY.findall(self._prefix)), set(self._query)
        if named != found:
            raise invalid_argument(
                f"The prefix names the partition keys {sorted(named)}, and the query has {sorted(found)}."
            )
        if "!{" in _KEY.sub("", self._prefix):
            raise not_emulated("expressions other than partitionKeyFromQuery in a prefix")

    def folder(self, record: bytes) -> str:
        """Return the prefix of a record.

        Raises:
            ValueError, KeyError, TypeError: The record has not all keys.
        """
        document = json.loads(record)
        keys = {name: _value(document, *steps) for name, steps in self._query.items()}
        return _KEY.sub(lambda match: keys[match[1]], self._prefix)


def _query(destination: Document) -> dict[str, _Steps]:
    """Return the partition keys of a stream's jq query.

    Raises:
        AwsError: There is no query, or it needs more of jq.
    """
    processing = destination.get("ProcessingConfiguration", {})
    extracting = [one for one in processing.get("Processors", ()) if one["Type"] == "MetadataExtraction"]
    if not processing.get("Enabled") or not extracting:
        raise invalid_argument("Dynamic Partitioning needs a processor of the type MetadataExtraction.")
    parameters = {one["ParameterName"]: one["ParameterValue"] for one in extracting[0]["Parameters"]}
    if parameters.get("JsonParsingEngine") != "JQ-1.6":
        raise invalid_argument("JsonParsingEngine must be JQ-1.6.")
    query = parameters.get("MetadataExtractionQuery", "").strip()
    if not (query.startswith("{") and query.endswith("}")):
        raise not_emulated(f"the jq query {query!r}; it supports only an object of paths")
    found: dict[str, _Steps] = {}
    for entry in query[1:-1].split(","):
        match = _QUERY_ENTRY.fullmatch(entry)
        if match is None:
            raise not_emulated(f"{entry!r} in a jq query; it supports .path, .path[0:10] and .path|tostring")
        part = slice(int(match[3]), int(match[4])) if match[3] else None
        found[match[1]] = (match[2].split(".")[1:], part, bool(match[5]))
    return found


def _value(document: Any, path: list[str], part: slice | None, makes_text: bool) -> str:
    for name in path:
        document = document[name]
    if makes_text and not isinstance(document, str):
        document = json.dumps(document)
    if not isinstance(document, str) or not document[part or slice(None)]:
        raise ValueError("A partition key is empty or not text.")
    return document[part or slice(None)]


def invalid_argument(message: str) -> AwsError:
    """Return Firehose's error for an argument that it does not take."""
    return AwsError("InvalidArgumentException", message)
