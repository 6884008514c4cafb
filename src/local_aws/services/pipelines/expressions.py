"""The small language in pipeline definitions: Get, Std:Join, Std:JsonGet, and conditions."""

import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "CONDITIONS",
    "Scope",
    "UnresolvedError",
    "is_expression",
    "literal_text",
    "referenced_steps",
    "references",
]

_TOKEN = re.compile(r"""\[\s*(\d+)\s*\]|\[\s*'([^']*)'\s*\]|\[\s*"([^"]*)"\s*\]|([^.\[\]'"]+)""")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
CONDITIONS = (*_COMPARISONS, "In", "Not", "Or")
# Paths can refer to a list's members by name; the field with the name differs between AWS's lists.
_NAME_FIELDS = ("OutputName", "InputName", "ChannelName", "MetricName", "Name")


_FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")


class UnresolvedError(Exception):
    """An expression has no value; the message says which expression and why."""


def tokens(path: str) -> list[str | int]:
    """Split a path such as `Steps.Prepare.Outputs['train'][0]` into its names and numbers."""
    return [
        int(match[1])
        if match[1] is not None
        else next(group for group in match.groups()[1:] if group is not None)
        for match in _TOKEN.finditer(path)
    ]


def is_expression(value: Any) -> bool:
    """Return whether a value stands for one that is known when the step runs."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _FUNCTIONS


def literal_text(value: Any) -> str:
    """Return what is known of a text before the step runs; the parts that are not known yet are left out."""
    if not is_expression(value):
        return _as_text(value)
    join = value.get("Std:Join")
    if not isinstance(join, dict) or not isinstance(join.get("Values"), list):
        return ""
    return literal_text(join.get("On", "")).join(map(literal_text, join["Values"]))


def references(value: Any) -> Iterator[str]:
    """Return the path of every Get inside a value."""
    if isinstance(value, dict):
        if set(value) == {"Get"} and isinstance(value["Get"], str):
            yield value["Get"]
        else:
            for item in value.values():
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def referenced_steps(value: Any) -> set[str]:
    """Return the names of the steps whose properties a value uses."""
    paths = (tokens(path) for path in references(value))
    return {str(path[1]) for path in paths if len(path) > 1 and path[0] == "Steps"}


@dataclass
class Scope:
    """What expressions can refer to during one execution.

    Attributes:
        parameters: Values by parameter name.
        execution: PipelineName, PipelineArn, PipelineExecutionId, PipelineExecutionArn, StartDateTime.
        read_object: Returns the bytes of the object at an S3 address.
        properties: The properties of each finished step, by step name.
        property_files: (step, file name) -> the file's bytes.
    """

    parameters: dict[str, Any]
    execution: dict[str, str]
    read_object: Callable[[str], bytes]
    properties: dict[str, Any] = field(default_factory=dict)
    property_files: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:
        """Return a value with every expression in it replaced by the expression's value.

        Raises:
            UnresolvedError: An expression has no value.
        """
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, inside),) = value.items()
            if name == "Get":
                return self._get(inside)
            if name == "Std:Join":
                return self.resolve(inside["On"]).join(
                    _as_text(self.resolve(item)) for item in inside["Values"]
                )
            if name == "Std:JsonGet":
                return self._json_get(inside)
        return {name: self.resolve(item) for name, item in value.items()}

    def holds(self, condition: dict[str, Any]) -> bool:
        """Return whether a condition is true.

        Raises:
            UnresolvedError: The condition compares values that cannot be compared.
        """
        kind = condition["Type"]
        if kind == "Not":
            return not self.holds(
                condition["Expression"] if "Expression" in condition else condition["Condition"]
            )
        if kind == "Or":
            return any(self.holds(each) for each in condition["Conditions"])
        if kind == "In":
            return self.resolve(condition["QueryValue"]) in self.resolve(condition["Values"])
        left, right = self.resolve(condition["LeftValue"]), self.resolve(condition["RightValue"])
        try:
            return _COMPARISONS[kind](left, right)
        except TypeError:
            raise UnresolvedError(f"{kind} cannot compare {left!r} with {right!r}") from None

    def _get(self, path: str) -> Any:
        first, *rest = tokens(path) or [""]
        if first == "Parameters" and len(rest) == 1 and rest[0] in self.parameters:
            return self.parameters[rest[0]]
        if first == "Execution" and rest == ["CurrentDateTime"]:
            return datetime.now(UTC).isoformat()
        if first == "Execution" and len(rest) == 1 and rest[0] in self.execution:
            return self.execution[rest[0]]
        if first == "Steps" and rest and rest[0] in self.properties:
            return _walk(self.properties[rest[0]], rest[1:], path)
        raise UnresolvedError(f"{path} has no value in this execution")

    def _json_get(self, argument: dict[str, Any]) -> Any:
        if "PropertyFile" in argument:
            _, step, _, name = tokens(argument["PropertyFile"]["Get"])
            if (step, name) not in self.property_files:
                raise UnresolvedError(f"step {step} has written no property file {name}")
            source, content = f"property file {name} of step {step}", self.property_files[step, name]
        else:
            source = self.resolve(argument["S3Uri"])
            content = self.read_object(source)
        try:
            document = json.loads(content)
        except ValueError as error:
            raise UnresolvedError(f"{source} is not JSON: {error}") from None
        path = argument["Path"]
        return _walk(document, tokens(path), f"{path} of {source}")


def _walk(value: Any, path: list[str | int], described: str) -> Any:
    for step in path:
        try:
            if isinstance(value, list) and isinstance(step, str):
                value = next(item for item in value if step in (item.get(name) for name in _NAME_FIELDS))
            else:
                value = value[step]
        except (KeyError, IndexError, TypeError, StopIteration):
            raise UnresolvedError(f"{described} has no value: there is nothing at {step!r}") from None
    return value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
