"""CloudWatch Logs Insights: queries over the lines of one log group, which run while the client polls.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AnalyzingLogData.html
"""

import base64
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.faults import log_exception
from local_aws.core.store import Document
from local_aws.services.cloudwatch import query
from local_aws.services.cloudwatch.logs import Logs
from local_aws.services.cloudwatch.query import Query

__all__ = ["Insights"]

_KEPT = 100  # results of queries


@dataclass
class _Running:
    """A query that was started, and its results once it has ended."""

    status: str = "Running"
    results: list[list[Document]] = field(default_factory=list)
    statistics: dict[str, float] = field(default_factory=dict)


class Insights:
    """The operations of queries.

    Args:
        logs: Reads the lines.
    """

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._queries: OrderedDict[str, _Running] = OrderedDict()

    def start_query(self, request: Document) -> Document:
        """Start a query over a log group, from `startTime` to `endTime`, both in seconds and both included.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
        """
        for other in ("logGroupNames", "logGroupIdentifiers"):
            if other in request:
                raise not_emulated(f"{other} of StartQuery; it supports logGroupName")
        if request.get("queryLanguage", "CWLI") != "CWLI":
            raise not_emulated(f"the query language {request['queryLanguage']}")
        if "logGroupName" not in request:
            raise AwsError("InvalidParameterException", "A query needs exactly one of its log group fields.")
        if request["endTime"] < request["startTime"]:
            raise AwsError("InvalidParameterException", "The end time is before the start time.")
        read = query.parse(request["queryString"])
        read.limit = min(read.limit, request.get("limit", query.LIMIT))
        period = {"startTime": 1000 * request["startTime"], "endTime": 1000 * request["endTime"] + 1}
        lines = self._logs.lines({**period, "logGroupName": request["logGroupName"]})
        name, running = str(uuid4()), _Running()
        self._queries[name] = running
        while len(self._queries) > _KEPT:
            self._queries.popitem(last=False)
        threading.Thread(target=_run, args=(read, lines, running), name=f"query {name}", daemon=True).start()
        return {"queryId": name}

    def get_query_results(self, request: Document) -> Document:
        """Return the rows of a query that has ended; while it runs, none."""
        running = self._queries.get(request["queryId"])
        if running is None:
            raise AwsError("ResourceNotFoundException", "The specified query does not exist.")
        if "nextToken" in request or "maxItems" in request:
            raise not_emulated("the pages of GetQueryResults")
        return {
            "queryLanguage": "CWLI",
            "results": running.results,
            "statistics": running.statistics,
            "status": running.status,
        }


def _run(read: Query, lines: Iterator[Document], running: _Running) -> None:
    try:
        rows = [_fields(line) for line in lines]
        found = read.run(rows)
        running.results = [
            [{"field": name, "value": _text(value)} for name, value in row.items()] for row in found
        ]
        running.statistics = {
            "recordsMatched": float(len(found)),
            "recordsScanned": float(len(rows)),
            "bytesScanned": float(sum(len(row["@message"]) for row in rows)),
        }
        running.status = "Complete"
    except Exception:
        log_exception()
        running.status = "Failed"


def _fields(line: Document) -> dict[str, Any]:
    """The fields of a line: those of every line, and those of its JSON, with dots for what is inside."""
    moment = datetime.fromtimestamp(line["timestamp"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    pointer = base64.b64encode(f"{line['logStreamName']} {line['eventId']}".encode()).decode()
    own = {"@timestamp": moment, "@message": line["message"], "@logStream": line["logStreamName"]}
    try:
        document = json.loads(line["message"]) if line["message"].lstrip().startswith("{") else {}
    except ValueError:
        document = {}
    return {**dict(_flat(document)), **own, "@ptr": pointer}


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        items = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(items, Mapping):
            yield from _flat({str(key): item for key, item in items.items()}, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)
