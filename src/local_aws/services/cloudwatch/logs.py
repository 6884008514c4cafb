"""CloudWatch Logs, read-only: what jobs, endpoints and functions printed, under AWS's names.

https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zlib import crc32

from local_aws.core.account import Account
from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.requests.listing import page
from local_aws.core.store import Document, Store
from local_aws.services.jobs.run import Run, read_text
from local_aws.services.jobs.training.instances import hosts_of

__all__ = ["Logs"]

_JOB_GROUPS = {
    "processing-job": ("ProcessingJob", "/aws/sagemaker/ProcessingJobs"),
    "transform-job": ("TransformJob", "/aws/sagemaker/TransformJobs"),
    "training-job": ("TrainingJob", "/aws/sagemaker/TrainingJobs"),
}
_MOST = 10_000
_TOKEN = re.compile(r"([bf])/(\d+)")
_METRICS = '"_aws"'  # in the line of a function that has metrics in it


@dataclass(frozen=True)
class _Stream:
    """One log file. A line has the time in its own metrics, if it has any, else that of the last line."""

    group: str
    name: str
    path: Path
    created: float

    @cached_property
    def modified(self) -> int:
        """When the last line was written, in milliseconds since 1970."""
        return round(self.path.stat().st_mtime * 1000)

    def events(self, request: Document) -> list[Document]:
        """Return the lines in a request's time range."""
        start, end = request.get("startTime", 0), request.get("endTime", float("inf"))
        if self.modified < start:
            return []
        return [
            {"timestamp": moment, "ingestionTime": self.modified, "message": line}
            for line in read_text(self.path).splitlines()
            if start <= (moment := _own_time(line) or self.modified) < end
        ]


class Logs:
    """The operations that read logs."""

    def __init__(self, account: Account, store: Store) -> None:
        self._account, self._store = account, store

    def describe_log_groups(self, request: Document) -> Document:
        """List groups, sorted by name."""
        prefix, text = request.get("logGroupNamePrefix", ""), request.get("logGroupNamePattern", "")
        groups: dict[str, float] = {}
        for stream in self._streams():
            groups.setdefault(stream.group, stream.created)
        found = [
            {
                "logGroupName": name,
                "arn": self._account.arn("logs", f"log-group:{name}:*"),
                "creationTime": round(created * 1000),
                "storedBytes": 0,
            }
            for name, created in sorted(groups.items())
            if name.startswith(prefix) and text in name
        ]
        chosen, following = _page(found, request)
        return {"logGroups": chosen, **following}

    def describe_log_streams(self, request: Document) -> Document:
        """List the streams of a group, by default sorted by name."""
        group = self._group(request)
        prefix = request.get("logStreamNamePrefix", "")
        streams = [stream for stream in group if stream.name.startswith(prefix)]
        by_time = request.get("orderBy") == "LastEventTime"
        streams.sort(
            key=lambda it: it.modified if by_time else it.name, reverse=request.get("descending", False)
        )
        found = [
            {
                "logStreamName": stream.name,
                "arn": self._account.arn("logs", f"log-group:{stream.group}:log-stream:{stream.name}"),
                "creationTime": round(stream.created * 1000),
                "firstEventTimestamp": stream.modified,
                "lastEventTimestamp": stream.modified,
                "lastIngestionTime": stream.modified,
                "storedBytes": 0,
            }
            for stream in streams
        ]
        chosen, following = _page(found, request)
        return {"logStreams": chosen, **following}

    def get_log_events(self, request: Document) -> Document:
        """Return lines of one stream: the last or the first ones, or those after or before a token.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        """
        wanted = request["logStreamName"]
        stream = next((stream for stream in self._group(request) if stream.name == wanted), None)
        if stream is None:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        events, limit = stream.events(request), request.get("limit", _MOST)
        if token := request.get("nextToken"):
            match = _TOKEN.fullmatch(token)
            if match is None:
                raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
            is_forward, position = match[1] == "f", int(match[2])
        else:
            is_forward = request.get("startFromHead", False)
            position = 0 if is_forward else len(events)
        start = position if is_forward else max(0, position - limit)
        end = min(len(events), start + limit) if is_forward else position
        return {
            "events": events[start:end],
            # AWS's tokens have this length; at the end of the stream, the same token is returned.
            "nextForwardToken": f"f/{max(start, end):056d}",
            "nextBackwardToken": f"b/{start:056d}",
        }

    def filter_log_events(self, request: Document) -> Document:
        """Return the lines of a group that contain every term of a pattern."""
        terms = _terms(request.get("filterPattern", ""))
        names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix", "")
        found = [
            line
            for line in self.lines(request)
            if line["logStreamName"].startswith(prefix)
            and (names is None or line["logStreamName"] in names)
            and all(term in line["message"] for term in terms)
        ]
        chosen, following = _page(found, request, _MOST)
        return {"events": chosen, "searchedLogStreams": [], **following}

    def lines(self, request: Document) -> Iterator[Document]:
        """Return the lines of all streams of a group in a request's time range.

        Raises:
            AwsError: There is no such group.
        """
        streams = self._group(request)
        return (
            {
                **event,
                "logStreamName": stream.name,
                "eventId": f"{crc32(stream.name.encode()):026d}{number:030d}",
            }
            for stream in streams
            for number, event in enumerate(stream.events(request))
        )

    def _group(self, request: Document) -> list[_Stream]:
        name = request.get("logGroupName") or request.get("logGroupIdentifier", "").rpartition(":")[2]
        streams = [stream for stream in self._streams() if stream.group == name]
        if not streams:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        return streams

    def _streams(self) -> Iterator[_Stream]:
        """Return all existing logs."""
        home = self._account.home
        found = []
        for kind, (noun, group) in _JOB_GROUPS.items():
            for job in self._store.list(kind):
                name, created = job[f"{noun}Name"], job["CreationTime"]
                run = Run(name, home / "jobs" / name)
                hosts = hosts_of(job.get("ResourceConfig", {}).get("InstanceCount", 1))
                found += [
                    _Stream(group, f"{name}/{host}-{round(created)}", run.instance(host).log, created)
                    for host in hosts
                ]
        for endpoint in self._store.list("endpoint"):
            name, created = endpoint["EndpointName"], endpoint["CreationTime"]
            for path in sorted((home / "endpoints" / name).rglob("log.txt")):
                instance = "local" if path.parent.name == name else path.parent.name
                found.append(
                    _Stream(f"/aws/sagemaker/Endpoints/{name}", f"AllTraffic/{instance}", path, created)
                )
        for stream in self._store.list("delivery-stream"):
            name = stream["DeliveryStreamName"]
            path = home / "streams" / name / "log.txt"
            found.append(_Stream(f"/aws/kinesisfirehose/{name}", "delivery", path, stream["CreateTimestamp"]))
        for function in self._store.list("function"):
            name = function["FunctionName"]
            path = home / "functions" / name / "log.txt"
            created = path.stat().st_mtime if path.is_file() else 0
            found.append(_Stream(f"/aws/lambda/{name}", "[$LATEST]local", path, created))
        return (stream for stream in found if stream.path.is_file())


def _own_time(line: str) -> int | None:
    """Return the time of a line in the embedded metric format, in milliseconds since 1970."""
    if _METRICS not in line:
        return None
    try:
        return int(json.loads(line)["_aws"]["Timestamp"])
    except (KeyError, TypeError, ValueError):
        return None


def _terms(pattern: str) -> list[str]:
    """Return the terms of a filter pattern.

    Raises:
        AwsError: This kind of pattern is not emulated.
    """
    if pattern.lstrip()[:1] in ("{", "[", "%") or re.search(r"(^|\s)[?-]", pattern):
        raise not_emulated(f"the filter pattern {pattern!r}; it supports only terms, all of which must occur")
    return shlex.split(pattern)


def _page(found: list[Any], request: Document, default: int = 50) -> tuple[list[Any], Document]:
    asked = {"NextToken": request.get("nextToken"), "MaxResults": request.get("limit", default)}
    chosen, following = page(found, asked)
    return chosen, {"nextToken": following["NextToken"]} if following else {}
