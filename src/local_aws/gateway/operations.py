"""Finds AWS's name for a request's operation in botocore's models, and lists the supported operations."""

import functools
import json
import re
from importlib import resources
from urllib.parse import parse_qs

from local_aws.core.requests.validation import service_model
from local_aws.core.requests.wire import Request

__all__ = ["Operations", "model_name", "offered"]

# The name that a service's requests are signed for, and botocore's name for the service, if they differ.
_MODELS = {"monitoring": "cloudwatch"}
_RPC = re.compile(r"/service/[^/]+/operation/([^/]+)")
_LABEL = re.compile(r"\{(\w+)(\+?)\}")


class Operations:
    """The operations that were called since the start, as `service:Operation`."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def name(self, request: Request) -> None:
        """Set the name of the request's operation, if it is an AWS operation."""
        name = _name(request) if request.service is not None else None
        if name is not None:
            request.operation = f"{request.service}:{name}"
            self._seen.add(request.operation)

    def list(self) -> list[str]:
        """Return the operations that were called."""
        return sorted(self._seen)


def model_name(service: str) -> str:
    """Return botocore's name for the service whose name requests are signed for."""
    return _MODELS.get(service, service)


def _name(request: Request) -> str | None:
    path = request.raw_path
    if target := request.header("X-Amz-Target"):
        return target.rpartition(".")[2]
    if match := _RPC.fullmatch(path):
        return match[1]
    if path == "/" and (form := re.search(rb"(?:^|&)Action=(\w+)", request.body)):
        return form[1].decode()
    if request.service == "lambda" and path.startswith("/function-url/"):
        return None  # a URL is not an operation, and Lambda's are many to compare with
    if request.service == "sagemaker":
        return "InvokeEndpoint" if path.startswith("/endpoints/") else None
    names = parse_qs(request.query, keep_blank_values=True).keys()
    found = [
        (len(needed_names) + len(needed_headers), name)
        for name, method, pattern, needed_names, needed_headers in _routes(request.service)
        if method == request.method
        and pattern.fullmatch(path)
        and needed_names <= names
        and all(request.header(header) for header in needed_headers)
    ]
    return max(found, key=lambda route: route[0])[1] if found else None


_Route = tuple[str, str, re.Pattern[str], frozenset[str], frozenset[str]]


@functools.cache
def _routes(service: str) -> list[_Route]:
    """Return each REST operation's name, method, path, and the names its query and headers must contain."""
    model = service_model(model_name(service))
    routes = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        uri, _, query = operation.http["requestUri"].partition("?")
        pattern = "".join(
            part if index % 2 else re.escape(part)
            for index, part in enumerate(re.split(r"(\{\w+\+?\})", uri))
        )
        pattern = _LABEL.sub(lambda label: ".+" if label[2] else "[^/]+", pattern).rstrip("/") + "/?"
        shape = operation.input_shape
        required = [shape.members[member] for member in shape.required_members] if shape else []
        where: dict[str, set[str]] = {
            "querystring": set(parse_qs(query, keep_blank_values=True)),
            "header": set(),
        }
        for member in required:
            if (location := member.serialization.get("location")) in where:
                where[location].add(member.serialization["name"])
        needed = frozenset(where["querystring"]), frozenset(where["header"])
        routes.append((name, operation.http["method"], re.compile(pattern), *needed))
    return routes


@functools.cache
def offered() -> frozenset[str]:
    """Return every operation that is emulated or recorded, such as `s3:GetObject`.

    CloudWatch's operations begin with `monitoring:`, the name that its requests are signed for.
    """
    scope = json.loads((resources.files(__package__) / "scope.json").read_text())
    return frozenset(scope["emulated"] + scope["recorded"])
