"""Which operation a request is, in AWS's own word, by botocore's models."""

import functools
import json
import re
from importlib import resources
from typing import Any
from urllib.parse import parse_qs

from local_aws.core.validation import service_model

__all__ = ["offered", "operation_of"]

# Services sign by another name than botocore files them under.
_MODELS = {"monitoring": "cloudwatch"}
_RPC = re.compile(r"/service/[^/]+/operation/([^/]+)")
_LABEL = re.compile(r"\{(\w+)(\+?)\}")


def operation_of(service: str, environ: dict[str, Any]) -> str | None:
    """Return the name of an operation, or None for what is none.

    Args:
        service: As in the signature's scope, such as `monitoring`.
        environ: The WSGI environment; its body stays readable.
    """
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rpartition(".")[2]
    path, _, query = environ["RAW_URI"].partition("?")
    if match := _RPC.fullmatch(path):
        return match[1]
    body = environ["wsgi.input"].getvalue()
    if form := re.search(rb"(?:^|&)Action=(\w+)", body if path == "/" else b""):
        return form[1].decode()
    if service == "sagemaker":
        return "InvokeEndpoint" if path.startswith("/endpoints/") else None
    names = parse_qs(query, keep_blank_values=True).keys()
    found = [
        (len(needed_names) + len(needed_headers), name)
        for name, method, pattern, needed_names, needed_headers in _routes(service)
        if method == environ["REQUEST_METHOD"]
        and pattern.fullmatch(path)
        and needed_names <= names
        and all(f"HTTP_{header.upper().replace('-', '_')}" in environ for header in needed_headers)
    ]
    return max(found, key=lambda route: route[0])[1] if found else None


_Route = tuple[str, str, re.Pattern[str], frozenset[str], frozenset[str]]


@functools.cache
def _routes(service: str) -> list[_Route]:
    """Return name, method, path, and what the query and the headers must hold, of each REST operation."""
    model = service_model(_MODELS.get(service, service))
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

    CloudWatch's begin with `monitoring:`, the name that its requests are signed for.
    """
    scope = json.loads((resources.files(__package__) / "scope.json").read_text())
    return frozenset(scope["emulated"] + scope["recorded"])
