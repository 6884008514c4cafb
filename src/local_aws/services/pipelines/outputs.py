"""The output parameters that a step declares, for later steps to refer to."""

import json
from collections.abc import Mapping
from typing import Any

from local_aws.core.errors import invalid
from local_aws.services.pipelines.expressions import UnresolvedError

__all__ = ["check_declared", "listed", "restored", "typed"]

_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Boolean": (bool,),
    "Float": (int, float),
}
_LENGTH = 1024  # characters of an OutputParameter's value, from botocore's model
_MOST = 50


def check_declared(step: Mapping[str, Any]) -> None:
    """Refuse declarations without a name or a known type.

    Raises:
        AwsError: They are refused.
    """
    declared = step.get("OutputParameters", [])
    if not isinstance(declared, list) or len(declared) > _MOST:
        raise invalid(f"Step {step['Name']}: OutputParameters must be a list of at most {_MOST}.")
    for each in declared:
        if not isinstance(each, dict) or not isinstance(each.get("OutputName"), str):
            raise invalid(f"Step {step['Name']}: each output parameter needs an OutputName.")
        if (kind := each.get("OutputType")) not in _TYPES:
            raise invalid(f"Step {step['Name']}: OutputType {kind!r} is not one of {', '.join(_TYPES)}.")


def typed(step: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """Return the values of all declared outputs.

    Raises:
        UnresolvedError: One is missing, or is not of its type.
    """
    declared = {each["OutputName"]: each["OutputType"] for each in step.get("OutputParameters", [])}
    if declared and not isinstance(given, dict):
        raise UnresolvedError(
            f"ClientError: the result {json.dumps(given)[:200]} is not an object with {sorted(declared)}"
        )
    values = {}
    for name, kind in declared.items():
        if name not in given:
            raise UnresolvedError(f"ClientError: the result has no output {name!r}, only {sorted(given)}")
        value = given[name]
        if not isinstance(value, _TYPES[kind]) or isinstance(value, bool) != (kind == "Boolean"):
            raise UnresolvedError(
                f"ClientError: the output {name} is {json.dumps(value)[:200]}, which is not of type {kind}"
            )
        if len(_text(value)) > _LENGTH:
            raise UnresolvedError(f"ClientError: the output {name} has more than {_LENGTH} characters")
        values[name] = value
    return values


def listed(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return values as ListPipelineExecutionSteps shows them."""
    return [{"Name": name, "Value": _text(value)} for name, value in values.items()]


def restored(step: Mapping[str, Any], shown: list[dict[str, str]]) -> dict[str, Any]:
    """Return the values of all declared outputs from their text.

    Raises:
        UnresolvedError: One is missing, or is not of its type.
    """
    kinds = {each["OutputName"]: each["OutputType"] for each in step.get("OutputParameters", [])}
    given: dict[str, Any] = {}
    for each in shown:
        name, text = each["Name"], each["Value"]
        try:
            given[name] = text if kinds.get(name, "String") == "String" else json.loads(text)
        except ValueError:
            raise UnresolvedError(
                f"ClientError: the output {name} is {text!r}, which is not of type {kinds[name]}"
            ) from None
    return typed(step, given)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
