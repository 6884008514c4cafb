"""What the roles did: each call of a job or a function as IAM would judge it.

Nothing is refused here. Whoever writes the roles' policies finds out what they have to allow.
"""

import json
import re
import threading
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

from local_aws.core.account import Account, role_of
from local_aws.core.wire import Request

__all__ = ["Call", "Calls"]

_MOST = 10_000
_ACCESS_KEY = re.compile(r"Credential=([^/,\s]+)/")
_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
# Actions on an object, by method and by the sub-resource that the query names.
_OBJECT_ACTIONS = {
    ("GET", ""): "GetObject",
    ("HEAD", ""): "GetObject",
    ("PUT", ""): "PutObject",
    ("POST", ""): "PutObject",
    ("DELETE", ""): "DeleteObject",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
# What the query of ListObjects, ListObjectsV2 and HeadBucket may hold.
_LISTING = {
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "list-type",
    "marker",
    "max-keys",
    "prefix",
    "start-after",
}
# The resource of an operation: the field that holds its name or ARN, and its kind in an ARN.
_RESOURCES = {
    "DescribeEndpoint": ("EndpointName", "endpoint"),
    "DescribeModelPackage": ("ModelPackageName", "model-package"),
    "DescribeModelPackageGroup": ("ModelPackageGroupName", "model-package-group"),
    "DescribePipelineExecution": ("PipelineExecutionArn", ""),
    "DescribeTrainingJob": ("TrainingJobName", "training-job"),
    "ListModelPackages": ("ModelPackageGroupName", "model-package-group"),
    "StartPipelineExecution": ("PipelineName", "pipeline"),
    "UpdateModelPackage": ("ModelPackageArn", "model-package"),
}


class Call(NamedTuple):
    """One thing that a role did.

    Attributes:
        role: Its name.
        action: As policies name it, such as `s3:GetObject`.
        resource: An ARN, or `*` where IAM knows no narrower one.
        context: A condition key and its value, where the request had one that policies ask for.
    """

    role: str
    action: str
    resource: str
    context: tuple[str, str] | None = None


_Judged = tuple[str, str, tuple[str, str] | None]


class Calls:
    """The calls so far, each once, in the order of their first time; the oldest are forgotten at last."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._calls: dict[Call, None] = {}
        self._lock = threading.Lock()

    def note(self, request: Request) -> None:
        """Write down a request, if a role made it. People have no role: they call with another key."""
        key = _ACCESS_KEY.search(request.header("Authorization"))
        role = role_of(key[1]) if key else None
        if role is None:
            return
        with self._lock:
            for judged in self._judged(request):
                self._calls[Call(role, *judged)] = None
            while len(self._calls) > _MOST:
                del self._calls[next(iter(self._calls))]

    def list(self) -> list[dict[str, str]]:
        """Return all calls."""
        with self._lock:
            return [call._asdict() for call in self._calls]

    def _judged(self, request: Request) -> Iterator[_Judged]:
        """Give the actions of a request, and the resource and the context of each."""
        if request.service == "s3":
            yield from _s3(request)
        elif invocation := _INVOCATION.fullmatch(request.path):
            arn = self._account.arn("sagemaker", f"endpoint/{invocation[1]}")
            target = request.header("X-Amzn-SageMaker-Target-Model")
            yield "sagemaker:InvokeEndpoint", arn, ("sagemaker:TargetModel", target) if target else None
        else:
            operation = request.header("X-Amz-Target").rpartition(".")[2] or request.path
            yield f"{request.service}:{operation}", self._resource(operation, request), None

    def _resource(self, operation: str, request: Request) -> str:
        field, kind = _RESOURCES.get(operation, ("", ""))
        try:
            name = json.loads(request.body or b"{}").get(field, "*")
        except ValueError:
            return "*"
        if name == "*" or name.startswith("arn:"):
            return name
        return self._account.arn("sagemaker", f"{kind}/{name}")


def _s3(request: Request) -> Iterator[_Judged]:
    bucket, _, key = unquote(request.raw_path).lstrip("/").partition("/")
    method = request.method
    query = parse_qs(request.query, keep_blank_values=True)
    names = query.keys()
    arn = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    if not key:
        action = "ListBucket" if names <= _LISTING else f"{method} of {sorted(names)}"
        yield f"s3:{action}", arn, ("s3:prefix", query["prefix"][0]) if "prefix" in query else None
        return
    part = next((name for name in ("tagging", "uploadId") if name in names), "")
    yield f"s3:{_OBJECT_ACTIONS.get((method, part)) or _OBJECT_ACTIONS[method, '']}", arn, None
    if request.header("X-Amz-Tagging"):
        yield "s3:PutObjectTagging", arn, None
    if copied := request.header("X-Amz-Copy-Source"):
        source = f"arn:aws:s3:::{unquote(copied).lstrip('/').partition('?')[0]}"
        yield "s3:GetObject", source, None
        if request.header("X-Amz-Tagging-Directive") != "REPLACE":
            yield "s3:GetObjectTagging", source, None
