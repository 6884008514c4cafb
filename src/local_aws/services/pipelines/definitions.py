"""Pipeline definitions: the checks when a pipeline is created, and the graph of its steps."""

import graphlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_aws.core.errors import invalid, not_emulated
from local_aws.services.pipelines.arguments import check_arguments
from local_aws.services.pipelines.cache import expiry
from local_aws.services.pipelines.expressions import referenced_steps, references, tokens
from local_aws.services.pipelines.retries import check_policies
from local_aws.services.pipelines.steps import STEP_TYPES

__all__ = ["Node", "nodes", "parse", "typed_parameters"]

# From botocore's models of PipelineExecutionStep and Parameter, and the most characters of each.
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_STEP_LENGTH, _PARAMETER_LENGTH = 64, 256
_TEXT_LENGTHS = {"DisplayName": 256, "Description": 3072}
_MOST_PARAMETERS = 200  # of StartPipelineExecution
_MOST_VALUES = 16  # of a parameter's EnumValues: aws/sagemaker-python-sdk #2314
_PARAMETER_TYPES = ("String", "Integer", "Float", "Boolean")


@dataclass(frozen=True)
class Node:
    """A step in its graph.

    Attributes:
        step: The step, as in the definition.
        needs: The names of the steps that must succeed first.
        condition: The name of the Condition step whose branch contains this step, or None.
        branch: That branch, such as `IfSteps`, or None.
    """

    step: dict[str, Any]
    needs: frozenset[str]
    condition: str | None
    branch: str | None

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step["Name"]


def nodes(
    steps: list[dict[str, Any]], condition: str | None = None, branch: str | None = None
) -> Iterator[Node]:
    """Return every step, including those in branches."""
    for step in steps:
        arguments = step.get("Arguments", {})
        depends = {name if isinstance(name, str) else name["Step"] for name in step.get("DependsOn", [])}
        branches = STEP_TYPES[step["Type"]].branches
        own = {name: value for name, value in arguments.items() if name not in branches}
        needs = depends | referenced_steps(own) | ({condition} if condition else set())
        yield Node(step, frozenset(needs), condition, branch)
        for inner in branches:
            yield from nodes(arguments.get(inner, []), step["Name"], inner)


def parse(text: str) -> dict[str, Any]:
    """Parse and check a pipeline definition.

    Raises:
        AwsError: The definition is invalid, or needs something that is not emulated.
    """
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise invalid(f"The pipeline definition is not JSON: {error}") from None
    if not isinstance(definition, dict) or not isinstance(definition.get("Steps"), list):
        raise invalid("The pipeline definition has no list of Steps.")
    if definition.get("Version") != "2020-12-01":
        raise invalid(
            f"The pipeline definition has Version {definition.get('Version')!r}; it must be '2020-12-01'."
        )
    if not definition["Steps"]:
        raise invalid("The pipeline definition has no steps.")
    _check_parameters(definition.get("Parameters", []))
    _check_shape(definition["Steps"])
    _check_graph(
        list(nodes(definition["Steps"])), {item["Name"] for item in definition.get("Parameters", [])}
    )
    return definition


def typed_parameters(definition: dict[str, Any], given: list[dict[str, str]]) -> dict[str, Any]:
    """Return the value of every parameter, with defaults for those not given.

    Raises:
        AwsError: A parameter is unknown, missing, or not of its type.
    """
    declared = {item["Name"]: item for item in definition.get("Parameters", [])}
    values = {item["Name"]: item["Value"] for item in given}
    if unknown := sorted(set(values) - set(declared)):
        raise invalid(
            f"The pipeline does not have the parameters [{', '.join(unknown)}], only {sorted(declared)}."
        )
    missing = sorted(
        name for name, item in declared.items() if name not in values and "DefaultValue" not in item
    )
    if missing:
        raise invalid(f"Parameters [{', '.join(missing)}] are undefined and have no default.")
    return {name: _typed(item, values.get(name, item.get("DefaultValue"))) for name, item in declared.items()}


def _typed(parameter: dict[str, Any], value: Any) -> Any:
    name, kind = parameter["Name"], parameter["Type"]
    try:
        if kind == "Boolean":
            typed = {"true": True, "false": False}[str(value).lower()]
        elif kind == "Integer" and isinstance(value, float):
            raise ValueError
        else:
            typed = {"String": str, "Integer": int, "Float": float}[kind](value)
    except (KeyError, TypeError, ValueError):
        raise invalid(f"Parameter {name}: {value!r} is not of type {kind}.") from None
    allowed = parameter.get("EnumValues")
    if allowed and typed not in allowed:
        raise invalid(f"Parameter {name}: {typed!r} is not one of {allowed}.")
    return typed


def _check_parameters(parameters: Any) -> None:
    if not isinstance(parameters, list) or not all(
        isinstance(item, dict) and isinstance(item.get("Name"), str) for item in parameters
    ):
        raise invalid("Parameters of the pipeline definition must be a list of objects with a Name.")
    if len(parameters) > _MOST_PARAMETERS:
        raise invalid(
            f"The pipeline has {len(parameters)} parameters; at most {_MOST_PARAMETERS} are allowed."
        )
    names = [item["Name"] for item in parameters]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise invalid(f"Parameters [{', '.join(repeated)}] are defined more than once.")
    for item in parameters:
        _check_name("parameter", item["Name"], _PARAMETER_LENGTH)
        if item.get("Type") not in _PARAMETER_TYPES:
            raise invalid(
                f"Parameter {item['Name']}: type {item.get('Type')!r} is not one of {_PARAMETER_TYPES}."
            )
        if not isinstance(item.get("EnumValues", []), list):
            raise invalid(f"Parameter {item['Name']}: EnumValues must be a list.")
        if len(item.get("EnumValues", [])) > _MOST_VALUES:
            raise invalid(f"Parameter {item['Name']}: EnumValues has more than {_MOST_VALUES} values.")
        if "DefaultValue" in item:
            _typed(item, item["DefaultValue"])


def _check_name(kind: str, name: str, length: int) -> None:
    if len(name) > length or not _NAME.fullmatch(name):
        raise invalid(f"The {kind} name {name!r} is not 1 to {length} letters, digits, hyphens, underscores.")


def _check_shape(steps: Any) -> None:
    """Check that each step can be executed, including nested steps."""
    if not isinstance(steps, list):
        raise invalid(f"Steps must be a list, not {steps!r}.")
    for step in steps:
        if not isinstance(step, dict) or not isinstance(step.get("Name"), str):
            raise invalid("Every step needs a Name.")
        name = step["Name"]
        _check_name("step", name, _STEP_LENGTH)
        kind = STEP_TYPES.get(step["Type"]) if isinstance(step.get("Type"), str) else None
        if kind is None:
            raise not_emulated(
                f"the step type {step.get('Type')!r} (step {name!r}); it supports {', '.join(STEP_TYPES)}"
            )
        if not isinstance(step.get("Arguments"), dict):
            raise invalid(f"Step {name} has no Arguments.")
        _check_members(step)
        expiry(step)
        if step.get("RetryPolicies") and not kind.retriable:
            raise invalid(f"Step {name}: a step of type {kind.type} cannot have RetryPolicies.")
        check_policies(step)
        if kind.operation:
            check_arguments(step, kind.operation)
        kind.check(step)
        for branch in kind.branches:
            _check_shape(step["Arguments"].get(branch, []))


def _check_members(step: dict[str, Any]) -> None:
    """Check the members that every step may have in addition to its Arguments."""
    name = step["Name"]
    depends = step.get("DependsOn", [])
    if not isinstance(depends, list) or not all(
        isinstance(item.get("Step") if isinstance(item, dict) else item, str) for item in depends
    ):
        raise invalid(f"Step {name}: DependsOn must be a list of step names, not {depends!r}.")
    if not isinstance(step.get("CacheConfig") or {}, dict):
        raise invalid(f"Step {name}: CacheConfig must be an object.")
    for member, most in _TEXT_LENGTHS.items():
        text = step.get(member, "")
        if not isinstance(text, str) or len(text) > most:
            raise invalid(f"Step {name}: {member} must be a text of at most {most} characters.")


def _check_property_files(graph: list[Node]) -> None:
    """Check that each property file that a step reads is declared by the step that writes it."""
    declared = {
        (node.name, file["PropertyFileName"])
        for node in graph
        if node.step["Type"] == "Processing"  # no other step writes any
        for file in node.step.get("PropertyFiles", [])
    }
    for node in graph:
        for first, *rest in (tokens(path) or [""] for path in references(node.step)):
            if first == "Steps" and rest[1:2] == ["PropertyFiles"] and (rest[0], *rest[2:]) not in declared:
                raise invalid(
                    f"Step {node.name} reads the property file {'.'.join(map(str, rest[2:]))} of {rest[0]}, "
                    "which does not declare it."
                )


def _check_graph(graph: list[Node], parameters: set[str]) -> None:
    names = [node.name for node in graph]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise invalid(f"Step names must be unique; [{', '.join(repeated)}] are used more than once.")
    choosing = {node.name for node in graph if STEP_TYPES[node.step["Type"]].branches}
    for node in graph:
        if node.name in choosing and (others := sorted(node.needs & choosing)):
            # https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition
            raise invalid(
                f"Step {node.name} needs [{', '.join(others)}]: Pipelines doesn't support the use of nested "
                "condition steps. You can't pass a condition step as the input for another condition step."
            )
        if unknown := sorted(node.needs - set(names)):
            raise invalid(
                f"Step {node.name} refers to [{', '.join(unknown)}], which the pipeline does not have."
            )
        for path in references(node.step):
            first, *rest = tokens(path) or [""]
            if first == "Parameters" and (not rest or rest[0] not in parameters):
                raise invalid(f"Step {node.name} refers to {path}, which the pipeline does not have.")
            if first not in ("Parameters", "Execution", "Steps"):
                raise invalid(
                    f"Step {node.name} refers to {path}; only Parameters, Execution and Steps exist."
                )
    _check_property_files(graph)
    try:
        graphlib.TopologicalSorter({node.name: node.needs for node in graph}).prepare()
    except graphlib.CycleError as error:
        raise invalid(f"The steps depend on each other in a circle: {' -> '.join(error.args[1])}.") from None
