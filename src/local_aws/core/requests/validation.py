"""Checks requests and shapes answers with botocore's own service models.

botocore's `ParamValidator` checks types, required members and unknown names. It does not check maxima,
patterns or enumerations, although the models contain them; this module does.

Neither the validator nor the shape classes are a documented interface of botocore. They were checked on
version SEEN_ON, and `tests/local_aws/core/requests/test_botocore.py` tests them.
"""

import base64
import functools
import re
import sys
import unicodedata
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from local_aws.core.errors import AwsError

__all__ = [
    "SEEN_ON",
    "decoded",
    "models",
    "problems",
    "service_model",
    "shaped",
    "translate_pattern",
    "validate",
]

SEEN_ON = "1.44.5"
_ELLIPSIS_AT = 120
# The error code for a request that its model does not allow, by service or operation.
_CODES = {
    "cloudwatch": "ValidationError",
    "cloudwatch:PutMetricData": "InvalidParameterValue",
    "ecr": "InvalidParameterException",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
}
# What is kept of a pattern, escapes and classes, or a dot outside them; and what a dot stands for.
_DOT = re.compile(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|\.", re.DOTALL)
_NO_LINE_END = r"[^\n\r\x85\u2028\u2029]"
# What the models say for texts of several lines, and the same without the time that it takes where it fails.
_LINES, _ANY_LINES = r".*(?:[ \r\n\t].*)*", r"[^\x85\u2028\u2029]*"


@functools.cache
def models() -> botocore.session.Session:
    """Return the session that reads botocore's data, each file once: a tenth of a second for SageMaker's."""
    return botocore.session.get_session()


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return models().get_service_model(service)


def validate(service: str, operation: str, request: dict[str, Any]) -> None:
    """Check a request against the operation's input shape.

    Raises:
        AwsError: The request is invalid; the message lists every problem in AWS's words.
    """
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return
    code = _CODES.get(f"{service}:{operation}") or _CODES.get(service, "ValidationException")
    try:
        report = ParamValidator().validate(request, shape)
    except RuntimeError as error:  # botocore's for a time that no datetime can hold
        raise AwsError(code, f"1 validation error detected: a timestamp is out of range: {error}") from None
    found = [report.generate_report()] if report.has_errors() else problems(request, shape)
    if found:
        message = f"{len(found)} validation error{'s'[: len(found) > 1]} detected: " + "; ".join(found)
        raise AwsError(code, message)


def decoded(value: Any, shape: Shape | None) -> Any:
    """Return a JSON request whose base64 texts are the bytes that they stand for.

    Raises:
        AwsError: A text is not base64.
    """
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {name: decoded(member, shape.members.get(name)) for name, member in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [decoded(item, shape.member) for item in value]
    if shape is not None and shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            raise AwsError("SerializationException", f"{shape.name} is not base64.") from None
    return value


def shaped(value: Any, shape: Shape | None) -> Any:
    """Return only the members of the output shape, so that no internal field reaches a client."""
    if shape is None:
        return {}
    if isinstance(shape, StructureShape):
        return {
            name: shaped(value[name], member)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [shaped(item, shape.member) for item in value]
    if isinstance(shape, MapShape):
        return {key: shaped(item, shape.value) for key, item in value.items()}
    return value


def problems(value: Any, shape: Shape, path: str = "") -> list[str]:
    """Return every violation of the shapes' constraints, in this value and everything inside it."""
    found = own_problems(value, shape, path)
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if value.get(name) is not None:
                found += problems(value[name], member, f"{path}.{name}" if path else name)
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value):
            found += problems(item, shape.member, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            found += problems(key, shape.key, f"key {key!r} of {path}")
            found += problems(item, shape.value, f"{path}[{key!r}]")
    return found


def own_problems(value: Any, shape: Shape, path: str) -> list[str]:
    """Return every violation of one shape's own constraints, but not of those inside it."""
    limits = shape.metadata
    constraints: list[str] = []
    if shape.type_name in ("string", "blob", "list", "map"):
        if len(value) > limits.get("max", sys.maxsize):
            constraints.append(f"Member must have length less than or equal to {limits['max']}")
        if len(value) < limits.get("min", 0):
            constraints.append(f"Member must have length greater than or equal to {limits['min']}")
    elif shape.type_name in ("integer", "long", "float", "double"):
        if value > limits.get("max", float("inf")):
            constraints.append(f"Member must have value less than or equal to {limits['max']}")
        if value < limits.get("min", float("-inf")):
            constraints.append(f"Member must have value greater than or equal to {limits['min']}")
    if shape.type_name == "string":
        if limits.get("enum") and value not in limits["enum"]:
            constraints.append(f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]")
        if "pattern" in limits and not translate_pattern(limits["pattern"]).fullmatch(value):
            constraints.append(f"Member must satisfy regular expression pattern: {limits['pattern']}")
    shown = str(value)
    shown = shown if len(shown) <= _ELLIPSIS_AT else shown[:_ELLIPSIS_AT] + "..."
    return [f"Value '{shown}' at '{path}' failed to satisfy constraint: {it}" for it in constraints]


@functools.cache
def translate_pattern(pattern: str) -> re.Pattern[str]:
    r"""Compile one of the models' Java patterns, which may use `\p{L}`, `\p{Alnum}` or `$` with a count.

    In Java, `\w` and `\d` are ASCII's, and `.` is none of five line terminators.
    """
    translated = pattern.replace(_LINES, _ANY_LINES)
    translated = re.sub(r"\$\{\d+,\d+\}$", "", translated)  # repeats the shape's min and max
    translated = translated.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    translated = re.sub(r"\\p\{(\w+)\}", _class_at, translated)
    translated = translated.replace(r"\z", r"\Z")
    translated = _DOT.sub(lambda match: match[1] or _NO_LINE_END, translated)
    return re.compile(translated, re.ASCII)


def _class_at(match: re.Match[str]) -> str:
    """Return what stands for a Java property, in brackets where it is not within a class already."""
    before, contents = match.string[: match.start()], _character_class(match[1])
    return contents if before.rfind("[") > before.rfind("]") else f"[{contents}]"


def _character_class(name: str) -> str:
    """Return the contents of a character class for a Java property name."""
    posix = {
        "Alnum": "a-zA-Z0-9",
        "Alpha": "a-zA-Z",
        "ASCII": r"\x00-\x7f",
        "Digit": "0-9",
        "Graph": "!-~",
        "Print": " -~",
    }
    return posix.get(name) or _category_ranges()[name]


@functools.cache
def _category_ranges() -> dict[str, str]:
    """Return the code point ranges of each major Unicode category, as the contents of a character class."""
    ranges: dict[str, list[str]] = {}
    start, current = 0, unicodedata.category(chr(0))[0]
    for code_point in range(1, sys.maxunicode + 2):
        category = unicodedata.category(chr(code_point))[0] if code_point <= sys.maxunicode else ""
        if category != current:
            ranges.setdefault(current, []).append(f"\\U{start:08x}-\\U{code_point - 1:08x}")
            start, current = code_point, category
    return {category: "".join(parts) for category, parts in ranges.items()}
