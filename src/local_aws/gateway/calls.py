"""What the roles and people did: each call from a job, a function or a notebook, as IAM would evaluate it.

`access` refuses what a role's policy does not allow. What people may do, only tests/terraform judges: on a
laptop, one person is operator, approver and Terraform.
"""

import functools
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote

from local_aws.core.account import PERSON, Account, other_account, role_of
from local_aws.core.requests.wire import Request

__all__ = ["Call", "Calls"]

_MOST = 10_000
_ACCESS_KEY = re.compile(r"Credential=([^/,\s]+)/")
_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
_FUNCTION = re.compile(r"/(function-url|2015-03-31/functions)/([^/]+)(?:/.*)?")
_INVOKING = ("/endpoints/", "/function-url/", "/2015-03-31/functions/")
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
# The same where the query names a version:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_OF_A_VERSION = {
    "GetObject": "GetObjectVersion",
    "DeleteObject": "DeleteObjectVersion",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectTagging": "PutObjectVersionTagging",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
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
    "ListModelPackages": ("ModelPackageGroupName", "model-package-group"),
    "UpdateModelPackage": ("ModelPackageArn", "model-package"),
    **{
        f"{verb}Pipeline": ("PipelineName", "pipeline") for verb in ("Create", "Delete", "Describe", "Update")
    },
    "ListPipelineExecutions": ("PipelineName", "pipeline"),
    "StartPipelineExecution": ("PipelineName", "pipeline"),
    **{
        f"{operation}": ("PipelineExecutionArn", "")
        for operation in (
            "DescribePipelineExecution",
            "ListPipelineExecutionSteps",
            "RetryPipelineExecution",
            "StopPipelineExecution",
        )
    },
    "DescribeHyperParameterTuningJob": ("HyperParameterTuningJobName", "hyper-parameter-tuning-job"),
    "DescribeProcessingJob": ("ProcessingJobName", "processing-job"),
    "DescribeTrainingJob": ("TrainingJobName", "training-job"),
    "ListTrainingJobsForHyperParameterTuningJob": (
        "HyperParameterTuningJobName",
        "hyper-parameter-tuning-job",
    ),
}
# The condition key of an operation that policies use, and the field with its value.
_CONDITIONS = {
    "CreateModelPackage": ("sagemaker:ModelApprovalStatus", "ModelApprovalStatus"),
    "UpdateModelPackage": ("sagemaker:ModelApprovalStatus", "ModelApprovalStatus"),
    "PutMetricData": ("cloudwatch:namespace", "Namespace"),
}
# What is never refused: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
_OPEN = {"sts:GetCallerIdentity"}
_PREFIXES = {"monitoring": "cloudwatch"}


class Call(NamedTuple):
    """One action of a role or a person.

    Attributes:
        role: The role's name; `person` for a person, and the access key of one from another account.
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
        self._invocation = functools.lru_cache(128)(self._new_invocation)

    def note(self, request: Request) -> None:
        """Record a request of a role or a person."""
        judged = self.judged(request)
        if all(map(self._calls.__contains__, judged)):
            return
        with self._lock:
            for call in judged:
                self._calls[call] = None
            while len(self._calls) > _MOST:
                del self._calls[next(iter(self._calls))]

    def judged(self, request: Request) -> Sequence[Call]:
        """Return the actions of a request that IAM judges; none if the caller is neither role nor person."""
        if request.judged is None:
            request.judged = self._all_judged(request)
        return request.judged

    def _all_judged(self, request: Request) -> Sequence[Call]:
        role = _signer(request.credential) if request.credential else None
        if role is None:
            key = _access_key(request)
            role = _caller(key) if key else None
        if role is None or request.operation in _OPEN:
            return ()
        if request.service == "s3":
            return [Call(role, *judged) for judged in _s3(request)]
        if request.path.startswith(_INVOKING):
            target = request.header("X-Amzn-SageMaker-Target-Model")
            if calls := self._invocation(role, request.path, request.operation, target):
                return calls
        return [Call(role, *self._judged(request))]

    def list(self) -> list[dict[str, str]]:
        """Return all calls."""
        with self._lock:
            return [call._asdict() for call in self._calls]

    def _new_invocation(self, role: str, path: str, operation: str | None, target: str) -> tuple[Call, ...]:
        """Return what it takes to invoke an endpoint or to use a function; nothing if the path is another."""
        if invocation := _INVOCATION.fullmatch(path):
            arn = self._account.arn("sagemaker", f"endpoint/{invocation[1]}")
            context = ("sagemaker:TargetModel", target) if target else None
            return (Call(role, "sagemaker:InvokeEndpoint", arn, context),)
        if function := _FUNCTION.fullmatch(path):
            arn = self._account.arn("lambda", f"function:{function[2]}")
            if function[1] == "function-url":  # a URL asks for both
                actions = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
            else:
                invokes = operation in ("lambda:Invoke", None)
                actions = ("lambda:InvokeFunction" if invokes else str(operation),)
            return tuple(Call(role, action, arn) for action in actions)
        return ()

    def _judged(self, request: Request) -> _Judged:
        """Return the action of a request to another service than S3, with its resource and context."""
        operation = (request.operation or request.path).partition(":")[2]
        prefix = _PREFIXES.get(request.service or "", request.service)
        asked = _body(request)
        condition, field = _CONDITIONS.get(operation, ("", ""))
        context = (condition, asked[field]) if asked.get(field) else None
        return f"{prefix}:{operation}", self._resource(operation, asked), context

    def _resource(self, operation: str, asked: Mapping[str, Any]) -> str:
        if group := asked.get("logGroupName"):
            return self._account.arn("logs", f"log-group:{group}:log-stream:{asked.get('logStreamName', '')}")
        if stream := asked.get("DeliveryStreamName"):
            return self._account.arn("firehose", f"deliverystream/{stream}")
        if topic := asked.get("TopicArn"):
            return topic
        field, kind = _RESOURCES.get(operation, ("", ""))
        name = str(asked.get(field, "*"))
        return (
            name
            if name == "*" or name.startswith("arn:")
            else self._account.arn("sagemaker", f"{kind}/{name}")
        )


def _access_key(request: Request) -> str:
    """Return the key that signed a request, in its header or a presigned address; empty if there is none."""
    if given := request.header("Authorization"):
        found = _ACCESS_KEY.search(given)
        return found[1] if found else ""
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    return query.get("X-Amz-Credential", "").partition("/")[0] or query.get("AWSAccessKeyId", "")


@functools.lru_cache(256)
def _signer(credential: str) -> str | None:
    """Return who calls with what the Authorization header says before the signature."""
    found = _ACCESS_KEY.search(credential)
    return _caller(found[1]) if found else None


def _caller(access_key: str) -> str | None:
    if access_key == PERSON:
        return "person"
    return access_key if other_account(access_key) else role_of(access_key)


def _body(request: Request) -> Mapping[str, Any]:
    """The request's JSON or form; empty for other protocols."""
    if request.header("Content-Type").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode(errors="replace")))
    try:
        asked = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


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
    action = _OBJECT_ACTIONS.get((method, part)) or _OBJECT_ACTIONS[method, ""]
    if action in _OF_A_VERSION and "versionId" in names:
        action = _OF_A_VERSION[action]
    yield f"s3:{action}", arn, None
    if request.header("X-Amz-Tagging"):
        yield "s3:PutObjectTagging", arn, None
    if copied := request.header("X-Amz-Copy-Source"):
        source = f"arn:aws:s3:::{unquote(copied).lstrip('/').partition('?')[0]}"
        yield "s3:GetObject", source, None
        if request.header("X-Amz-Tagging-Directive") != "REPLACE":
            yield "s3:GetObjectTagging", source, None
