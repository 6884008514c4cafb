"""What the roles did: each call from a job or a function, as IAM would evaluate it.

Nothing is refused here. The list shows what the roles' policies must allow.
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
# Actions on an object, by method and by the subresource that the query names.
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
# Names that the query of ListObjects, ListObjectsV2 and HeadBucket may contain.
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
# The resource of an operation: the field with its name or ARN, and its kind in an ARN.
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
    """One action of a role.

    Attributes:
        role: The role's name.
        action: The action's name in policies, such as `s3:GetObject`.
        resource: An ARN, or `*` if IAM has no narrower resource for the action.
        context: A condition key and its value, if the request has one that policies use.
    """

    role: str
    action: str
    resource: str
    context: tuple[str, str] | None = None


_Judged = tuple[str, str, tuple[str, str] | None]


class Calls:
    """The calls so far, each once, in the order in which they were first made; the oldest are dropped."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._calls: dict[Call, None] = {}
        self._lock = threading.Lock()

    def note(self, request: Request) -> None:
        """Record a request if a role made it. People have no role: they call with a different key."""
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
        """Yield the actions of a request, each with its resource and context."""
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
